"""Exercises of notebook 03: the network, honest scores, the training, the map."""

from collections.abc import Callable, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import rasters, testing
from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    LineOrder,
    Mistake,
    Option,
    Rule,
    compare_networks,
    try_cases,
)
from tutorial_lib.exercises.findings import CallFailedError
from tutorial_lib.kinds import kind_of

# size_after


def _judge_size_after(answer: Callable[[int, int], int]) -> str | Finding | None:
    cases = [(5, 3), (5, 5), (9, 1), (16, 5), (2, 2), (6, 4), (100, 7), (61, 8)]
    likely = {
        "one short": lambda n, k: n - k,
        "same": lambda n, _: n,
        "one side": lambda n, k: n - k // 2,
        "both sides even": lambda n, k: n - 2 * (k // 2),
        "two short": lambda n, k: n - k - 1,
        "steps": lambda n, k: n // k,
        "upside down": lambda n, k: k - n + 1,
    }
    return try_cases(answer, cases, lambda n, k: n - k + 1, likely)


def _size_after(formula: str) -> str:
    """Code of an answer to `size_after`."""
    return f"def size_after(size, kernel):\n    return {formula}"


size_after = Exercise(
    name="size_after",
    title="What a convolution leaves",
    minutes=3,
    question="""
        The kernel must lie on the image with all its pixels; Keras calls that
        `padding="valid"`. An image has `size` pixels on a side. Write a function that
        gives the side of the result. (`ex.size_after.hint()` helps.)
        """,
    answer_name="size_after",
    stub=_size_after("..."),
    solution_code=_size_after("size - kernel + 1"),
    judge=_judge_size_after,
    mistakes={
        "one short": Mistake(
            code=_size_after("size - kernel"),
            hint="This is one pixel too few. A kernel of 5 fits into 5 pixels in "
            "exactly one place. `size_after(5, 5)` must say so.",
        ),
        "same": Mistake(
            code=_size_after("size"),
            hint='That is `padding="same"`: Keras then adds pixels of value 0 around the '
            "image. Here no pixels are added.",
        ),
        "one side": Mistake(
            code=_size_after("size - kernel // 2"),
            hint="Pixels are lost at both borders. Yours takes those of one border only.",
        ),
        "both sides even": Mistake(
            code=_size_after("size - 2 * (kernel // 2)"),
            hint="This is right for odd kernels. But a kernel of 2 fits into 2 pixels "
            "in exactly one place.",
        ),
        "two short": Mistake(
            code=_size_after("size - kernel - 1"),
            hint="Look at the sign of the 1. A kernel of 5 fits into 5 pixels in exactly "
            "one place: what does `size_after(5, 5)` give?",
        ),
        "steps": Mistake(
            code=_size_after("size // kernel"),
            hint="This moves the kernel on by its own width. It moves on by one pixel, so "
            "neighbouring places overlap.",
        ),
        "upside down": Mistake(
            code=_size_after("kernel - size + 1"),
            hint="The image is larger than the kernel. Which of the two is subtracted "
            "from the other?",
        ),
    },
    hints=(
        "Slide a kernel of 3 over a row of 5 pixels. In how many places does it fit?",
        "Its first place is pixel 0. Its last place is pixel `size - kernel`.",
        "From 0 to `size - kernel` there are that many places, and one more.",
    ),
    explanation="The kernel's first pixel goes from 0 to `size - kernel`.",
)

# first_layer


def _weights_of_first_layer() -> int:
    from tutorial_lib.networks.architectures import pixelwise_fcnn

    return pixelwise_fcnn(6, crops=()).get_layer("conv1").count_params()


first_layer = Choice(
    name="first_layer",
    title="How many weights does the first layer have?",
    question="""
        Look at `conv1` in the table: its kernels are 5 x 5 pixels, four bands come in,
        and it has 16 filters. How many numbers does the layer learn?
        """,
    options=(
        Option(
            "416: 16 times 5 x 5 weights, and 16 more.",
            value=416,
            hint="This is one square of weights for each filter. How many bands does a "
            "filter look at?",
        ),
        Option(
            "1600: 16 times 5 x 5 x 4 weights, and no more.",
            value=1600,
            hint="All kernels are counted. Read the lines above the table again: does a "
            "filter learn more than its kernel?",
        ),
        Option("1616: 16 times 5 x 5 x 4 weights, and 16 more.", value=1616),
        Option(
            "1664: 16 times 5 x 5 x 4 weights, and 64 more.",
            value=1664,
            hint="The kernels are right. A bias is added to the sum over all bands.",
        ),
    ),
    explanation="A filter is a small cube of weights, and one number more: its bias.",
    key=_weights_of_first_layer,
)

# network


def _judge_network(answer: type) -> str | Finding | None:
    from tutorial_lib.networks.architectures import pixelwise_fcnn

    try:
        model = answer(crops=()).build({"input": 4})
    # Keras asks the dictionary of all inputs for its last axis, -1.
    except KeyError as err:
        if err.args != (-1,):
            raise
        return "dictionary"
    # Such kernels do not fit into the images of the comparison.
    for mistake in ("swapped", "wide"):
        if mistake in _network_mistakes(model):
            return mistake
    found = compare_networks(model, pixelwise_fcnn(6, crops=()))
    if found is None:
        return None
    return (_network_mistakes(model) or [found])[0]


def _network_mistakes(model: Any) -> list[str]:
    """Names of the mistakes that a network has, the one to mend first at the front."""
    import keras

    convs = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    kernels = [layer.kernel_size[0] for layer in convs]
    filters = [layer.filters for layer in convs]
    others = any(isinstance(x, keras.layers.Dense) for x in model.layers)
    found = {
        "swapped": any(kernel in (16, 32) for kernel in kernels),
        "wide": any(kernel > 9 for kernel in kernels),
        "outputs": bool(_OUTPUTS - set(model.output)),
        "padding": any(layer.padding != "valid" for layer in convs),
        "stride": any(max(_strides(layer)) > 1 for layer in model.layers),
        "lost layer": len(convs) < len(_KERNELS) and not others,
        "one more": len(convs) > len(_KERNELS),
        **_activation_mistakes([layer.activation for layer in convs]),
        "kernel order": kernels != _KERNELS and sorted(kernels) == sorted(_KERNELS),
        "field": sum(kernels) - len(kernels) != sum(_KERNELS) - len(_KERNELS),
        "filter order": filters != _FILTERS and sorted(filters) == sorted(_FILTERS),
    }
    names = [name for name, applies in found.items() if applies]
    return names if names or _labels_are_right(model) else ["labels"]


_OUTPUTS = {"estimated", "estimated_labels", "features"}
_KERNELS = [5, 3, 3, 3, 3, 3, 2, 1]
_FILTERS = [16, 16, 16, 32, 32, 32, 32, 6]


def _strides(layer: Any) -> tuple[int, ...]:
    strides = getattr(layer, "strides", 1)
    return strides if isinstance(strides, tuple) else (strides,)


def _activation_mistakes(activations: list[Any]) -> dict[str, bool]:
    import keras

    softmax = keras.activations.softmax
    *inner, last = activations
    linear = [x is keras.activations.linear for x in inner]
    return {
        "softmax inside": softmax in inner,
        # The first layer is given, with ReLU.
        "linear": len(inner) > 1 and all(linear[1:]),
        "some linear": any(linear),
        "other activation": any(x is not keras.activations.relu for x in inner),
        "classifier": last is not softmax,
    }


def _labels_are_right(model: Any) -> bool:
    image = np.random.default_rng(0).uniform(0, 4000, (2, 24, 27, 4))
    outputs = model({"input": image.astype("float32")})
    labels, estimated = (
        np.asarray(outputs[name]) for name in ("estimated_labels", "estimated")
    )
    # With other bands, `estimated` is not the output of the classifier.
    classes = estimated.shape[-1] == _FILTERS[-1]
    return not classes or np.array_equal(labels[..., 0], estimated.argmax(-1))


_STUB = """
    class FCNN(tl.PatchModel):
        def network(self, inputs):
            net = inputs["input"]  # 16x16
            net = conv(net, 16, 5, "conv1")  # 12x12
            net = ...
            estimated = conv(net, 6, 1, "softmax", activation="softmax")
            return {
                "estimated": estimated,
                "estimated_labels": tl.labels_of(estimated),
                "features": net,
            }
    """

_SOLUTION = """
    class FCNN(tl.PatchModel):
        def network(self, inputs):
            net = inputs["input"]  # 16x16
            net = conv(net, 16, 5, "conv1")  # 12x12
            net = conv(net, 16, 3, "conv2")  # 10x10
            net = conv(net, 16, 3, "conv3")  # 8x8
            net = conv(net, 32, 3, "conv4")  # 6x6
            net = conv(net, 32, 3, "conv5")  # 4x4
            net = conv(net, 32, 3, "conv6")  # 2x2
            net = conv(net, 32, 2, "feats")  # 1x1
            estimated = conv(net, 6, 1, "softmax", activation="softmax")
            return {
                "estimated": estimated,
                "estimated_labels": tl.labels_of(estimated),
                "features": net,
            }
    """


def _with_conv(option: str) -> str:
    """Code of the solution with a `conv` that changes an option of inner layers."""
    conv = f"""
        def conv(net, filters, kernel, name, **options):
            options = {{"activation": "relu"}} | options | {{"name": name}}
            if name not in ("conv1", "softmax"):
                options |= dict({option})
            return keras.layers.Conv2D(filters, kernel, **options)(net)
    """
    return f"{cleandoc(conv)}\n\n\n{cleandoc(_SOLUTION)}"


network = Exercise(
    name="network",
    title="The pixel-wise network",
    minutes=8,
    pairs=True,
    question="""
        Write the network of the table above. `conv(net, filters, kernel, name)` adds one
        layer with "valid" padding and ReLU. The first layer and the classifier are
        written.

        Six layers are missing between them, `conv2` to `feats`. After `feats`, a patch
        of 16 x 16 pixels must have become a single pixel.
        """,
    answer_name="FCNN",
    stub=_STUB,
    solution_code=_SOLUTION,
    judge=_judge_network,
    mistakes={
        "padding": Mistake(
            code=_with_conv('padding="same"'),
            hint='A layer has `padding="same"`, so its result is as large as its input. '
            "Then 16 pixels never become one.",
        ),
        "stride": Mistake(
            code=_SOLUTION.replace(
                'net = conv(net, 32, 3, "conv4")  # 6x6',
                'net = keras.layers.MaxPool2D(2)(conv(net, 32, 3, "conv4"))',
            ).replace('net = conv(net, 32, 3, "conv6")  # 2x2', "pass"),
            hint="A stride or a pooling makes the pixels of the output larger. This "
            "network has none.",
        ),
        "lost layer": Mistake(
            code=_SOLUTION.replace('net = conv(net, 32, 3, "conv5")', "pass"),
            hint="Fewer than eight convolutions follow one another. Is a line missing? "
            "Each line begins with `net =`, and takes the `net` of the line before.",
        ),
        "one more": Mistake(
            code=_SOLUTION.replace(
                '"conv6")', '"conv6")\n            net = conv(net, 32, 1, "conv7")'
            ),
            hint="The network has more than eight convolutions. Compare it with the "
            "table, line by line.",
        ),
        "swapped": Mistake(
            code=_SOLUTION.replace("16, 3,", "3, 16,"),
            hint="A kernel is as wide as a layer has filters. The order is "
            "`conv(net, filters, kernel, name)`: have you swapped filters and kernel?",
        ),
        "wide": Mistake(
            code=_SOLUTION.replace('32, 3, "conv4"', '32, 12, "conv4"'),
            hint="A kernel is much wider than those of the table. Compare the kernels "
            "layer by layer.",
        ),
        "dictionary": Mistake(
            code=_SOLUTION.replace(
                'conv(net, 16, 3, "conv2")', 'conv(inputs, 16, 3, "")'
            ),
            hint="`inputs` is the dictionary of all inputs. A layer takes one image: the "
            "`net` of the line before it.",
        ),
        "field": Mistake(
            code=_SOLUTION.replace(
                'net = conv(net, 32, 2, "feats")', 'net = conv(net, 32, 3, "feats")'
            ),
            hint="A patch of 16 does not become a single pixel. Follow the column of "
            "sizes in the table, layer by layer.",
        ),
        "kernel order": Mistake(
            code=_SOLUTION.replace('32, 3, "conv6"', '32, 2, "conv6"').replace(
                '32, 2, "feats"', '32, 3, "feats"'
            ),
            hint="The kernels of the table are all there, but in another order. Compare "
            "the kernels layer by layer.",
        ),
        "classifier": Mistake(
            code=_SOLUTION.replace(', activation="softmax"', ', activation="sigmoid"'),
            hint="The six values of a pixel do not add up to 1, so they are no "
            "probabilities. Look at the activation of the classifier.",
        ),
        "labels": Mistake(
            code=_SOLUTION.replace(
                "tl.labels_of(estimated)", "tl.labels_of(1 - estimated)"
            ),
            hint="`estimated_labels` is not the most probable class of `estimated`.",
        ),
        "softmax inside": Mistake(
            code=_with_conv('activation="softmax"'),
            hint="A layer in the middle has softmax. It squeezes its bands into shares "
            "that add up to 1, and the network learns badly. Only the classifier has it.",
        ),
        "linear": Mistake(
            code=_with_conv("activation=None"),
            hint="Your layers have no activation. Several such layers in a row can do no "
            "more than one of them.",
        ),
        "some linear": Mistake(
            code=_SOLUTION.replace('3, "conv4")', '3, "conv4", activation=None)'),
            hint="One of the layers has no activation. The table's layers all have ReLU, "
            "except the classifier.",
        ),
        "other activation": Mistake(
            code=_with_conv('activation="sigmoid"'),
            hint="A layer between input and classifier has another activation than "
            "`relu`.",
        ),
        "filter order": Mistake(
            code=_SOLUTION.replace('16, 3, "conv3"', '32, 3, "conv3"').replace(
                '32, 3, "conv4"', '16, 3, "conv4"'
            ),
            hint="The filters of the table are all there, but in another order. Compare "
            "them layer by layer.",
        ),
        "outputs": Mistake(
            code=_SOLUTION.replace('                "features": net,\n', ""),
            hint="The dictionary at the end needs `estimated`, `estimated_labels` and "
            "`features`.",
        ),
    },
    hints=(
        "Each line takes the `net` of the line before it: "
        '`net = conv(net, filters, kernel, "name")`.',
        "Kernels of 3 take two pixels away: 12, 10, 8, 6, 4, 2. Which kernel makes one "
        "pixel of two?",
        'The last of them is `net = conv(net, 32, 2, "feats")`.',
    ),
    explanation="Every pixel of the output depends on exactly 16 x 16 pixels of the "
    "input.",
    imports="""
        import keras

        import tutorial_lib as tl


        def conv(net, filters, kernel, name, activation="relu"):
            return keras.layers.Conv2D(filters, kernel, activation=activation, name=name)(net)
        """,
)

# better_split

better_split = Choice(
    name="better_split",
    title="A fair choice?",
    question="""
        You have labels in area A only. You hold out a fifth of its patches at random. One
        kind of features gets more of them right than the other kind. Will the same kind
        be better in B, too?
        """,
    options=(
        Option(
            "Yes: the held-out patches were not used, so the score is fair.",
            hint="They were not used. But how far is a held-out patch from the nearest "
            "training patch? The patches are 16 pixels wide and come from few polygons.",
        ),
        Option(
            "Yes: both scores are too good, but by about the same amount.",
            hint="Take two patches of which one lies 3 pixels beside the other. What "
            "changes more: the pixel in the middle, or the mean of the patch?",
        ),
        Option("No: the random fifth favours features that know a place again."),
        Option(
            "Nobody can say: another random fifth may choose the other kind.",
            hint="A fifth of the patches is more than a thousand. Would such a score "
            "change much from draw to draw?",
        ),
    ),
    explanation="""
        A held-out patch overlaps patches that were used. Mean and standard deviation of
        a patch hardly change from one to the next, so these features recognise the
        place.
        """,
    vote=True,
)

# overlap_share

_OVERLAP = """
    def overlap_share(rows, cols, held_out):
        down = np.abs(rows[held_out, np.newaxis] - rows[~held_out])
        across = np.abs(cols[held_out, np.newaxis] - cols[~held_out])
        overlap = (down < 16) & (across < 16)
        return overlap.any(axis=1).mean()
    """


def _overlap_share(
    touch: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """Function of the exercise with another rule for two patches that overlap."""

    def share(rows: np.ndarray, cols: np.ndarray, held_out: np.ndarray) -> float:
        down = np.abs(rows[held_out, np.newaxis] - rows[~held_out])
        across = np.abs(cols[held_out, np.newaxis] - cols[~held_out])
        return touch(down, across).any(axis=1).mean()

    return share


def _overlap_cases() -> list[tuple[np.ndarray, ...]]:
    """Patches at telling distances from one, then many patches at random.

    The first ones are two on both sides: for a single pair, Python accepts `and`.
    """
    distances = [(0, 0), (0, 15), (15, 15), (16, 0), (0, 16), (16, 16)]
    distances += [(9, 9), (15, 30), (40, 3)]
    held = np.array([True, True, False])
    cases = [
        (np.array([50 - a, 50 + a, 50]), np.array([60 - b, 60 + b, 60]), held)
        for a, b in distances
    ]
    rng = np.random.default_rng(5)
    for side in (60, 150, 300):
        rows, cols = rng.integers(0, side, (2, 40))
        cases.append((rows, cols, rng.random(40) < 0.3))
    return cases


def _judge_overlap_share(answer: Callable) -> str | Finding | None:
    likely = {
        "either": _overlap_share(lambda down, across: (down < 16) | (across < 16)),
        "touching": _overlap_share(lambda down, across: (down <= 16) & (across <= 16)),
        "half": _overlap_share(lambda down, across: (down < 8) & (across < 8)),
        "rows only": _overlap_share(lambda down, _: down < 16),
        "columns only": _overlap_share(lambda _, across: across < 16),
        "sum": _overlap_share(lambda down, across: down + across < 16),
        "circle": _overlap_share(lambda down, across: np.hypot(down, across) < 16),
        "apart": _overlap_share(lambda down, across: (down >= 16) | (across >= 16)),
        "far apart": _overlap_share(lambda down, across: (down > 16) & (across > 16)),
        "beyond": _overlap_share(lambda down, across: (down >= 16) & (across >= 16)),
        "both sides": _overlap_share(lambda down, across: (down < 32) & (across < 32)),
    }
    right = _overlap_share(lambda down, across: (down < 16) & (across < 16))
    try:
        return try_cases(answer, _overlap_cases(), right, likely)
    except CallFailedError as err:
        if "truth value" in str(err.__cause__):
            return "and"
        if isinstance(err.__cause__, np.exceptions.AxisError):
            return "positions"
        raise


def _overlap(rule: str) -> str:
    """Code of an answer to `overlap_share` with another rule."""
    return _OVERLAP.replace("(down < 16) & (across < 16)", rule)


overlap_share = Exercise(
    name="overlap_share",
    title="How many of them overlap?",
    question="""
        `rows` and `cols` are the centres of all patches, `held_out` is True for those
        that are held out. `down` and `across` are the distances of each held-out patch
        from each training patch, in pixels. Two patches of 16 x 16 pixels overlap if they
        share a pixel. Write the line that says which ones do.
        """,
    answer_name="overlap_share",
    stub=_overlap("..."),
    solution_code=_OVERLAP,
    judge=_judge_overlap_share,
    mistakes={
        "either": Mistake(
            code=_overlap("(down < 16) | (across < 16)"),
            hint="This counts patches that share rows, or columns. To share a pixel they "
            "must share both.",
        ),
        "and": Mistake(
            code=_overlap("down < 16 and across < 16"),
            hint="Here Python must say of a whole array whether it is true. That is so "
            "with `and`, `or`, `min`, `max` and `a < b < c`, and with `&` if brackets are "
            "missing. Write each comparison in brackets, and join the two with `&`.",
        ),
        "positions": Mistake(
            code=_overlap("(rows < 16) & (cols < 16)"),
            hint="`rows` and `cols` have a value for each patch. Whether two of them "
            "overlap is a question of pairs: `down` and `across` have a value for each.",
        ),
        "touching": Mistake(
            code=_overlap("(down <= 16) & (across <= 16)"),
            hint="At a distance of 16 pixels two patches lie side by side. Do they share "
            "a pixel?",
        ),
        "half": Mistake(
            code=_overlap("(down < 8) & (across < 8)"),
            hint="Each patch reaches 8 pixels to each side of its centre. At which "
            "distance do two of them meet?",
        ),
        "rows only": Mistake(
            code=_overlap("down < 16"),
            hint="Only the rows are compared. Two patches in the same rows may be far "
            "apart.",
        ),
        "columns only": Mistake(
            code=_overlap("across < 16"),
            hint="Only the columns are compared. Two patches in the same columns may be "
            "far apart.",
        ),
        "sum": Mistake(
            code=_overlap("down + across < 16"),
            hint="The distances are added. A patch 9 down and 9 across still shares "
            "pixels with yours.",
        ),
        "circle": Mistake(
            code=_overlap("np.hypot(down, across) < 16"),
            hint="This is the distance of the centres, as for circles. Patches are "
            "squares: compare rows and columns apart.",
        ),
        "apart": Mistake(
            code=_overlap("(down >= 16) | (across >= 16)"),
            hint="This is True for two patches that do not overlap.",
        ),
        "far apart": Mistake(
            code=_overlap("(down > 16) & (across > 16)"),
            hint="This is True for two patches that are far from each other. Which "
            "distances do patches have that share a pixel?",
        ),
        "beyond": Mistake(
            code=_overlap("(down >= 16) & (across >= 16)"),
            hint="This is True for patches that share neither rows nor columns. Which "
            "distances do patches have that share a pixel?",
        ),
        "both sides": Mistake(
            code=_overlap("(down < 32) & (across < 32)"),
            hint="This is twice as far as it should be. Each of two patches reaches 8 "
            "pixels from its centre towards the other.",
        ),
    },
    hints=(
        "Two patches share rows if `down` is small enough. How small?",
        "Patches with centres 15 rows apart share one row; with 16 they share none.",
        "They must share rows and columns: `(down < 16) & (…)`.",
    ),
    explanation="A square of 16 pixels shares a pixel with another if both distances "
    "are below 16.",
    imports="import numpy as np",
    minutes=4,
)

# compile_model

_RATE = 5e-4
_COMPILE = """
    def compile_model(model):
        model.compile(
            optimizer=keras.optimizers.Adam(5e-4),
            loss={"estimated": keras.losses.CategoricalCrossentropy()},
            metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
        )
        return model
    """


def _judge_compile(answer: Callable[[Any], Any]) -> str | Finding | None:
    import keras

    given = _small_network()
    model = answer(given)
    mistake = _kind_mistake(model, given) or _form_of_loss(model.loss)
    if mistake is not None:
        return mistake
    reference = _small_network()
    reference.compile(
        optimizer=keras.optimizers.Adam(_RATE),
        loss={"estimated": "categorical_crossentropy"},
        metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    try:
        got, steps = _trained(model)
    except ValueError as err:
        if "identifier: {" in str(err):
            return "set"
        if "sparse" not in f"{model.loss} {err}".lower():
            raise
        return "sparse"
    right, right_steps = _trained(reference)
    if not np.isclose(got["loss"], right["loss"], rtol=1e-4):
        return _loss_mistake(got["loss"])
    if not np.allclose(steps, right_steps, rtol=3e-4, atol=1e-8):
        return _optimizer_mistake(steps)
    return _metric_mistake(model, got, right)


def _kind_mistake(model: Any, given: Any) -> str | None:
    """The mistake in what the function returns."""
    import keras

    if not isinstance(model, keras.Model):
        return "no model"
    if model is not given:
        return "other model"
    return None if model.compiled else "not compiled"


def _form_of_loss(loss: Any) -> str | None:
    """The mistake in how a loss is given: Keras's own errors speak of something else."""
    import keras

    if isinstance(loss, set):
        return "set"
    losses = list(loss.values()) if isinstance(loss, Mapping) else [loss]
    if any(isinstance(one, type) for one in losses):
        return "loss class"
    # Keras corrects this one silently if the network ends with softmax.
    objects = [one for one in losses if isinstance(one, keras.losses.Loss)]
    if any(one.get_config().get("from_logits") for one in objects):
        return "logits"
    return None


def _metric_mistake(
    model: Any, got: Mapping[str, float], right: Mapping[str, float]
) -> str | None:
    # With one target, Keras computes the metrics of every output for this target.
    try:
        metrics = model.get_compile_config()["metrics"]
    except TypeError:
        return "metric class"
    named = isinstance(metrics, Mapping) and "class_name" not in metrics
    if named and metrics and "estimated" not in metrics:
        return "metric output"
    if "accuracy" not in got:
        return "metric name" if len(got) > 1 else "no metric"
    if not np.isclose(got["accuracy"], right["accuracy"], atol=1e-6):
        return "other metric"
    return None


def _small_network() -> Any:
    """A network of one layer with the outputs of the notebook's."""
    import keras

    from tutorial_lib.networks.patch_model import PatchModel, labels_of

    class Small(PatchModel):
        def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
            layer = keras.layers.Conv2D(
                6, 4, activation="softmax", kernel_initializer=_weights(keras)
            )
            estimated = layer(inputs["input"])
            return {
                "estimated": estimated,
                "estimated_labels": labels_of(estimated),
                "features": layer.output,
            }

    return Small(crops=(), scale=1).build({"input": 2})


def _weights(keras: Any) -> Any:
    return keras.initializers.RandomUniform(-0.5, 0.5, seed=3)


def _batch() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Patches whose classes a fresh network gets right in part."""
    rng = np.random.default_rng(7)
    values = rng.uniform(-1, 1, (24, 4, 4, 2)).astype("float32")
    classes = np.eye(6, dtype="float32")[np.arange(24) % 6]
    return {"input": values}, {"estimated": classes[:, np.newaxis, np.newaxis]}


def _trained(model: Any) -> tuple[dict[str, float], np.ndarray]:
    """Loss and metrics before the training, and the changes of the weights in 3 steps."""
    scores, steps = _scores(model), []
    inputs, targets = _batch()
    for _ in range(3):
        before = model.get_weights()[0]
        model.train_on_batch(inputs, targets)
        steps.append(model.get_weights()[0] - before)
    return scores, np.array(steps)


def _scores(model: Any) -> dict[str, float]:
    """Loss and metrics of the batch."""
    # Compiled steps take seconds to prepare.
    model.run_eagerly = True
    scores = model.test_on_batch(*_batch(), return_dict=True)
    return {name: float(np.mean(value)) for name, value in scores.items()}


# Losses that are taken for the right one, by the name of the mistake.
_OTHER_LOSSES = {
    "squares": "MeanSquaredError",
    "absolute": "MeanAbsoluteError",
    "binary": "BinaryCrossentropy",
    "focal": "CategoricalFocalCrossentropy",
}


def _loss_mistake(loss: float) -> str | Finding:
    """The mistake that leads to this loss of the fresh network."""
    import keras

    for mistake, name in _OTHER_LOSSES.items():
        model = _small_network()
        model.compile(loss={"estimated": getattr(keras.losses, name)()})
        if np.isclose(loss, _scores(model)["loss"], rtol=1e-3):
            return mistake
    return Finding(
        f"A fresh network has the loss {loss:.3g} on the patches of the check. The "
        "cross-entropy of the classes has another value there.",
        right="The model is compiled.",
    )


# Optimizers with the same learning rate that are taken for the right one.
_OTHER_OPTIMIZERS = ("SGD", "RMSprop", "Nadam", "Adamax", "AdamW", "Adagrad")


def _optimizer_mistake(steps: np.ndarray) -> str:
    """The mistake that leads to these changes of the weights."""
    import keras

    for name in _OTHER_OPTIMIZERS:
        model = _small_network()
        optimizer = getattr(keras.optimizers, name)(_RATE)
        model.compile(optimizer, loss={"estimated": "categorical_crossentropy"})
        if np.allclose(steps, _trained(model)[1], rtol=3e-4, atol=1e-8):
            return "other optimizer"
    # The first step of Adam changes all weights by the learning rate.
    sizes = np.abs(steps[0])
    rate = float(np.median(sizes))
    if not np.allclose(sizes, rate, rtol=0.05) or np.isclose(rate, _RATE, rtol=0.01):
        return "other optimizer"
    return "fast" if rate > _RATE else "slow"


compile_model = Exercise(
    name="compile_model",
    title="What the training needs to know",
    minutes=5,
    question="""
        `compile` tells a model how it is trained. Write a function that compiles it with

        - the optimizer `keras.optimizers.Adam` and a learning rate of 0.0005,
        - for the output `"estimated"` the loss
          `keras.losses.CategoricalCrossentropy()`,
        - for the same output the metric `keras.metrics.CategoricalAccuracy`, under the
          name `"accuracy"`.

        `loss` and `metrics` are dictionaries: the key is the name of the output. The
        metrics of an output are a list.
        """,
    answer_name="compile_model",
    stub="""
        def compile_model(model):
            model.compile(
                optimizer=...,
                loss=...,
                metrics=...,
            )
            return model
        """,
    solution_code=_COMPILE,
    judge=_judge_compile,
    mistakes={
        "no model": Mistake(
            code=_COMPILE.replace("return model", "return model.loss"),
            hint="The function must return the model that it compiled.",
        ),
        "other model": Mistake(
            code=_COMPILE.replace(
                "        model.compile(",
                "        model = keras.models.clone_model(model)\n        model.compile(",
            ),
            hint="The function compiles another model than the one it is given. The "
            "notebook goes on with the one that it gave.",
        ),
        "not compiled": Mistake(
            code="def compile_model(model):\n    return model",
            hint="The model is returned as it was. Call its `compile`.",
        ),
        "sparse": Mistake(
            code=_COMPILE.replace("Categorical", "SparseCategorical", 1),
            hint="The *sparse* loss takes class numbers. The targets here are one-hot.",
        ),
        "set": Mistake(
            code=_COMPILE.replace('loss={"estimated":', 'loss={"estimated",'),
            hint="Curly brackets without a colon make a set. A dictionary has a colon, "
            "`{key: value}`, and a list has square brackets.",
        ),
        "loss class": Mistake(
            code=_COMPILE.replace("Crossentropy()", "Crossentropy"),
            hint="The loss is a class, and must be called: write `()` behind its name.",
        ),
        "logits": Mistake(
            code=_COMPILE.replace("Crossentropy()", "Crossentropy(from_logits=True)"),
            hint="`from_logits=True` is for a network without softmax at its end. Yours "
            "ends with softmax: leave it out.",
        ),
        "squares": Mistake(
            code=_COMPILE.replace("CategoricalCrossentropy", "MeanSquaredError"),
            hint="This loss averages squared differences. It is made for quantities, not "
            "for classes.",
        ),
        "absolute": Mistake(
            code=_COMPILE.replace("CategoricalCrossentropy", "MeanAbsoluteError"),
            hint="This loss averages differences. It is made for quantities, not for "
            "classes.",
        ),
        "binary": Mistake(
            code=_COMPILE.replace("CategoricalCrossentropy", "BinaryCrossentropy"),
            hint="The *binary* loss judges each class on its own, yes or no. Here a pixel "
            "has one class of six.",
        ),
        "focal": Mistake(
            code=_COMPILE.replace("CategoricalCross", "CategoricalFocalCross"),
            hint="The *focal* loss gives less weight to patches that are already right. "
            "Take the plain one.",
        ),
        "other optimizer": Mistake(
            code=_COMPILE.replace("Adam", "SGD"),
            hint="The loss is right. The weights do not change as plain Adam changes "
            "them. Look at the optimizer.",
        ),
        "fast": Mistake(
            code=_COMPILE.replace("5e-4", ""),
            hint="The loss is right. The first step changes the weights by more than "
            "0.0005: look at the learning rate. If none is given, Adam takes 0.001.",
        ),
        "slow": Mistake(
            code=_COMPILE.replace("5e-4", "5e-5"),
            hint="The loss is right. The first step changes the weights by less than "
            "0.0005: look at the learning rate.",
        ),
        "no metric": Mistake(
            code="""
                def compile_model(model):
                    loss = {"estimated": keras.losses.CategoricalCrossentropy()}
                    model.compile(optimizer=keras.optimizers.Adam(5e-4), loss=loss)
                    return model
                """,
            hint="Optimizer and loss are right. The metric is missing.",
        ),
        "metric name": Mistake(
            code=_COMPILE.replace('(name="accuracy")', "()"),
            hint="Optimizer and loss are right. The metric has another name: give it "
            "`name=…`.",
        ),
        "metric output": Mistake(
            code=_COMPILE.replace(
                'metrics={"estimated"', 'metrics={"estimated_labels"'
            ),
            hint="Optimizer and loss are right. The metrics are given for another output: "
            "the key of the dictionary must be `estimated`.",
        ),
        "metric class": Mistake(
            code=_COMPILE.replace('CategoricalAccuracy(name="accuracy")', "Accuracy"),
            hint="The metric is a class, and must be called: write `(name=…)` behind its "
            "name.",
        ),
        "other metric": Mistake(
            code=_COMPILE.replace("CategoricalAccuracy", "BinaryAccuracy"),
            hint="Optimizer and loss are right. Under the name `accuracy` stands another "
            "metric: it does not compare the most probable class with the true one.",
        ),
    },
    hints=(
        "The three arguments are independent. Write one after the other.",
        'The loss is a dictionary: `{"estimated": …}`. So are the metrics.',
        'The metrics: `{"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]}`.',
    ),
    explanation="The check trained a small network with your settings, and compared its "
    "weights after each step.",
    imports="import keras",
)

# standardise

_STANDARDISE = """
    def standardise(training, values):
        mean = training.mean(axis=(0, 1, 2))
        std = training.std(axis=(0, 1, 2))
        return (values - mean) / std
    """


def _uneven_patches(seed: int) -> np.ndarray:
    """Patches of four bands that differ by band, by patch and by place."""
    rng = np.random.default_rng(seed)
    count, side = 40, 16
    patches = rng.uniform(500, 900, (count, 1, 1, 1)) * rng.uniform(1, 3, 4)
    slope = np.linspace(0.5, 1.5 + 0.3 * seed, side)[:, np.newaxis, np.newaxis]
    noise = rng.normal(1, 0.2, (count, side, side, 4)) + 0.05 * seed
    return np.round(patches * slope * noise + [100, 0, 40, 20]).astype("float32")


def _likely_standardised(a: np.ndarray, b: np.ndarray) -> Mapping[str, np.ndarray]:
    """Common wrong answers for `standardise(a, b)`."""
    a, b = a.astype(float), b.astype(float)
    by_band, places = (0, 1, 2), {"axis": (1, 2), "keepdims": True}
    mean, std = a.mean(by_band), a.std(by_band)
    both = np.concatenate([a, b])
    low, high = a.min(by_band), a.max(by_band)
    other_axes = {
        f"axes{number}": (b - a.mean(axis=x, keepdims=True))
        / a.std(axis=x, keepdims=True)
        for number, x in enumerate((1, 2, 3, (0, 1), (0, 2), (1, 2, 3)))
    }
    return other_axes | {
        "all bands": (b - a.mean()) / a.std(),
        "other area": (b - b.mean(by_band)) / b.std(by_band),
        "both areas": (b - both.mean(by_band)) / both.std(by_band),
        "by patch": (b - b.mean(**places)) / b.std(**places),
        "by patch of training": (b - a.mean(**places)) / a.std(**places),
        "by place": (b - a.mean(0)) / a.std(0),
        "brackets": b - mean / std,
        "variance": (b - mean) / a.var(by_band),
        "no mean": b / std,
        "no std": b - mean,
        "divided first": b / std - mean,
        "swapped": (b - std) / mean,
        "multiplied": (b - mean) * std,
        "sign": (mean - b) / std,
        "range": (b - low) / (high - low),
        "median": (b - np.median(a, by_band)) / std,
        "std of all bands": (b - mean) / a.std(),
        "mean of all bands": (b - a.mean()) / std,
        "std of the other area": (b - mean) / b.std(by_band),
        "mean of the other area": (b - b.mean(by_band)) / std,
        "training itself": (a - mean) / std,
    }


def _judge_standardise(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> str | Finding | None:
    training, values = _uneven_patches(0), _uneven_patches(1)
    try:
        result = answer(training.copy(), values.copy())
    except (ValueError, TypeError) as err:
        return _axes_mistake(err)
    if isinstance(result, Mapping | str):
        return Finding(f"The result is {kind_of(result)}. It must be an array.")
    got = np.asarray(result, dtype=float)
    right = (values - training.mean((0, 1, 2))) / training.std((0, 1, 2))
    if got.shape != right.shape:
        return Finding(
            f"The result has the shape {got.shape}. It must have the shape of `values`, "
            f"{right.shape}."
        )
    # Within the rounding of float32, and with `ddof=1`.
    if np.allclose(got, right, rtol=1e-3, atol=1e-3):
        return None
    for mistake, wrong in _likely_standardised(training, values).items():
        if np.allclose(got, wrong, rtol=1e-3, atol=1e-3):
            name = mistake.rstrip("0123456789")
            return name if name in standardise.mistakes else _part_wrong(mistake)
    if np.allclose(got, np.asarray(answer(values.copy(), values.copy()), dtype=float)):
        return Finding(
            "The result does not change with `training`. Does a line use another array?"
        )
    return _means_of(answer, training) or Finding(
        f"`standardise(training, values)` gave {got[0, 0, 0, 0]:.3g} for the first "
        f"pixel; it should be {right[0, 0, 0, 0]:.3g}."
    )


def _axes_mistake(error: Exception) -> str | Finding:
    """The mistake behind an error of NumPy; other errors are raised again."""
    if "broadcast" in str(error):
        return "axes"
    if "'list' object" in str(error):
        return Finding("Several axes are given in round brackets, `axis=(…)`.")
    raise error


def _part_wrong(mistake: str) -> Finding:
    """Only the mean, or only the standard deviation, is taken from the wrong numbers."""
    wrong, source = mistake.split(" of ")
    names = {"mean": "mean", "std": "standard deviation"}
    (other,) = set(names) - {wrong}
    where = "over all bands together" if source == "all bands" else "from `values`"
    return Finding(
        f"The {names[wrong]} is taken {where}.", f"The {names[other]} is right."
    )


def _means_of(answer: Callable, training: np.ndarray) -> Finding | None:
    """What the training patches themselves become, if a band is not standardised."""
    got = np.asarray(answer(training.copy(), training.copy()), dtype=float)
    mean, std = got.mean((0, 1, 2)), got.std((0, 1, 2))
    # Rounded, because the average of float32 is not exactly 0.
    off, spread = np.abs(mean) > 1e-3, np.abs(std - 1) > 1e-3
    if not (off | spread).any():
        return None
    band = int(np.argmax(off | spread))
    parts = [
        (f"the mean {mean[band]:.3g}", "0", off[band]),
        (f"the standard deviation {std[band]:.3g}", "1", spread[band]),
    ]
    found = " and ".join(text for text, _, wrong in parts if wrong)
    wanted = " and ".join(value for _, value, wrong in parts if wrong)
    return Finding(
        f"In `standardise(training, training)`, band {band} has {found}. This should be "
        f"{wanted}.",
        right="" if off.any() else "The mean is right.",
    )


standardise = Exercise(
    name="standardise",
    title="Standardise the bands",
    minutes=5,
    question="""
        `training` and `values` are patches, (patch, row, column, band). Write a function
        that standardises `values` **band by band**: subtract the mean of the band, then
        divide by its standard deviation.

        Which patches give the means and the standard deviations? Those of `training`:
        the network must treat all images in the same way, and it knows only area A.
        """,
    answer_name="standardise",
    stub="""
        def standardise(training, values):
            mean = ...
            std = ...
            return (values - mean) / std
        """,
    solution_code=_STANDARDISE,
    judge=_judge_standardise,
    mistakes={
        "all bands": Mistake(
            code=_STANDARDISE.replace("axis=(0, 1, 2)", ""),
            hint="This is one mean and one standard deviation for all bands. Near "
            "infrared and red then keep different levels. Name the axes to average over.",
        ),
        "other area": Mistake(
            code=_STANDARDISE.replace("training.", "values."),
            hint="Mean and standard deviation come from `values`. Then area B would be "
            "treated in another way than A, on which the network learns.",
        ),
        "both areas": Mistake(
            code=_STANDARDISE.replace(
                "mean = training",
                "training = np.concatenate([training, values])\n        mean = training",
            ),
            hint="Both areas go into the mean. Validation and test patches must not take "
            "part in the training, not even in its averages.",
        ),
        "by patch": Mistake(
            code=_STANDARDISE.replace("training.", "values.").replace(
                "axis=(0, 1, 2)", "axis=(1, 2), keepdims=True"
            ),
            hint="Each patch gets its own mean. A dark lake and a bright field then look "
            "alike: the level of a patch is lost.",
        ),
        "by patch of training": Mistake(
            code=_STANDARDISE.replace("axis=(0, 1, 2)", "axis=(1, 2), keepdims=True"),
            hint="This is a mean for each patch and band. One for each band is asked for: "
            "average over the patches too.",
        ),
        "by place": Mistake(
            code=_STANDARDISE.replace("axis=(0, 1, 2)", "axis=0"),
            hint="This is a mean for each place in a patch. One for each band is asked "
            "for: average over rows and columns too.",
        ),
        "axes": Mistake(
            code=_STANDARDISE.replace("axis=(0, 1, 2)", "axis=(1, 2)"),
            hint="There must be one mean for each band. So the axis of the bands stays, "
            "and all others are averaged.",
        ),
        "variance": Mistake(
            code=_STANDARDISE.replace(".std(", ".var("),
            hint="The mean is right. You divide by the variance, which is the square of "
            "the standard deviation.",
        ),
        "no mean": Mistake(
            code=_STANDARDISE.replace("(values - mean)", "values"),
            hint="The standard deviation is right. The mean of each band must become 0.",
        ),
        "no std": Mistake(
            code=_STANDARDISE.replace(" / std", ""),
            hint="The mean is right. The standard deviation of each band must become 1.",
        ),
        "divided first": Mistake(
            code=_STANDARDISE.replace("(values - mean) / std", "values / std - mean"),
            hint="Mean and standard deviation are right. Subtract first, and divide the "
            "difference.",
        ),
        "brackets": Mistake(
            code=_STANDARDISE.replace("(values - mean) / std", "values - mean / std"),
            hint="Only the mean is divided. Subtract first, then divide: look at the "
            "brackets.",
        ),
        "swapped": Mistake(
            code=_STANDARDISE.replace("(values - mean) / std", "(values - std) / mean"),
            hint="Mean and standard deviation have changed places.",
        ),
        "multiplied": Mistake(
            code=_STANDARDISE.replace("/ std", "* std"),
            hint="The mean is right. A large standard deviation must become smaller: "
            "divide by it.",
        ),
        "sign": Mistake(
            code=_STANDARDISE.replace("(values - mean)", "(mean - values)"),
            hint="Bright pixels become negative. Subtract the mean from the values.",
        ),
        "range": Mistake(
            code="""
                def standardise(training, values):
                    low, high = training.min(axis=(0, 1, 2)), training.max(axis=(0, 1, 2))
                    return (values - low) / (high - low)
                """,
            hint="This puts the values between 0 and 1. One bright cloud then decides the "
            "scale. Use mean and standard deviation.",
        ),
        "median": Mistake(
            code=_STANDARDISE.replace(
                "training.mean(axis=(0, 1, 2))", "np.median(training, axis=(0, 1, 2))"
            ),
            hint="The standard deviation is right. You subtract the median; take the mean.",
        ),
        "training itself": Mistake(
            code=_STANDARDISE.replace("(values", "(training"),
            hint="Mean and standard deviation are right. But the result holds the patches "
            "of `training`, not those of `values`.",
        ),
    },
    hints=(
        "`training.mean(axis=…)` averages over the axes that it is given.",
        "The axes are 0 for the patches, 1 for the rows, 2 for the columns, 3 for the "
        "bands. Which of them must stay?",
        "`training.mean(axis=(0, 1, 2))` has one number for each band.",
    ),
    explanation="In the training area, each band now has the mean 0 and the standard "
    "deviation 1.",
    imports="import numpy as np",
)

# darker_sun

darker_sun = Choice(
    name="darker_sun",
    title="A darker day",
    question="""
        The standardised network gets the patches of B once more, with every value times
        0.9. What happens to its accuracy?
        """,
    options=(
        Option("Much of it is lost: the means of the training do not fit."),
        Option(
            "A few patches in a hundred change: 10 % is little.",
            hint="Compare a tenth of the mean of the third band, blue, with its standard "
            "deviation: both are printed above.",
        ),
        Option(
            "Nothing: standardising takes the brightness out.",
            hint="From which image do its means and standard deviations come? Does the "
            "network compute them again for a new image?",
        ),
        Option(
            "It goes up: dark images have less haze.",
            hint="The factor changes the light of all pixels alike. Does that tell two "
            "classes apart any better?",
        ),
    ),
    explanation="The network still subtracts the means of the other day. In each band, "
    "most patches then look darker than most training patches of their class.",
)

# jitter

_JITTER = """
    def jitter(patch, gain, offset):
        factor = rng.uniform(1 - gain, 1 + gain)
        shift = rng.uniform(-offset, offset)
        return patch * factor + shift
    """
# Enough draws to reach the outer tenth of a range in practically every check.
_DRAWS = 400
# Of the factors and shifts that the check finds.
_ROUNDING = 1e-6


def _judge_jitter(
    answer: Callable[[np.ndarray, float, float], np.ndarray],
) -> str | Finding | None:
    try:
        return _judge_draws(answer)
    except ValueError as err:
        if "high - low" in str(err):
            return "upside down"
        raise


def _judge_draws(
    answer: Callable[[np.ndarray, float, float], np.ndarray],
) -> str | Finding | None:
    patch = np.random.default_rng(1).uniform(100, 4000, (6, 5, 4)).round()
    for gain, offset in ((0.3, 200), (0.1, 50)):
        found = []
        for _ in range(_DRAWS):
            result = answer(patch, gain, offset)
            if isinstance(result, Mapping | str):
                return Finding(f"The result is {kind_of(result)}. It must be an array.")
            result = np.asarray(result, dtype=float)
            if result.shape != patch.shape:
                return Finding(
                    f"A patch of the shape {patch.shape} became {result.shape}. The "
                    "shape must stay."
                )
            found.append(result)
        mistake = _jitter_mistake(patch, np.array(found), gain, offset)
        if mistake is not None:
            return mistake
    return None


def _jitter_mistake(
    patch: np.ndarray, found: np.ndarray, gain: float, offset: float
) -> str | Finding | None:
    """The mistake in results, (draw, height, width, band), if there is one."""
    lines = np.polyfit(patch.ravel(), found.reshape(len(found), -1).T, 1)
    factors, shifts = lines
    fitted = patch * factors[:, None, None, None] + shifts[:, None, None, None]
    if not np.allclose(found, fitted, atol=1e-3 * offset):
        return _uneven(patch, found[0])
    drawn = _draw_mistake(factors, shifts)
    if drawn is not None:
        return drawn
    ranges = {
        "around zero": np.abs(factors).max() <= 2 * gain and factors.min() < 0,
        "only brighter": factors.min() >= 1 - _ROUNDING,
        "tiny shift": np.abs(shifts).max() < 1 + gain,
        "only added": shifts.min() >= -_ROUNDING,
    }
    names = (name for name, applies in ranges.items() if applies)
    return (
        next(names, None)
        or _range_finding("factor", factors, 1, gain)
        or _range_finding("shift", shifts, 0, offset)
    )


def _draw_mistake(factors: np.ndarray, shifts: np.ndarray) -> str | None:
    """The mistake in how often numbers are drawn."""
    fixed = np.ptp(factors) < 1e-9, np.ptp(shifts) < _ROUNDING
    if all(fixed):
        return "not random"
    if any(fixed):
        return "fixed factor" if fixed[0] else "fixed shift"
    dependent = abs(np.corrcoef(factors, shifts)[0, 1]) > 0.9
    return "one draw" if dependent else None


def _uneven(patch: np.ndarray, found: np.ndarray) -> str:
    """The mistake in a result that is no line of the patch."""
    bands = range(patch.shape[-1])
    fits = [
        np.polyfit(patch[..., x].ravel(), found[..., x].ravel(), 1, full=True)[1]
        for x in bands
    ]
    return "each band" if np.max(fits) < 1 else "each pixel"


def _range_finding(
    what: str, values: np.ndarray, middle: float, half: float
) -> Finding | None:
    """A finding if the draws leave their range, or do not fill it."""
    low, high = middle - half, middle + half
    inside = values.min() > low - _ROUNDING and values.max() < high + _ROUNDING
    filled = values.min() < low + 0.2 * half and values.max() > high - 0.2 * half
    if inside and filled:
        return None
    return Finding(
        f"In {len(values)} calls the {what} went from {values.min():.3g} to "
        f"{values.max():.3g}; it should go from {low:.3g} to {high:.3g}."
    )


jitter = Exercise(
    name="jitter",
    title="Another sun for each patch",
    question="""
        Write a function that gives a patch another light. It draws one random **factor**
        from `1 - gain` to `1 + gain`, and one random **shift** from `-offset` to
        `offset`, for all pixels and bands alike. `rng.uniform(low, high)` draws a number.
        """,
    answer_name="jitter",
    stub="""
        def jitter(patch, gain, offset):
            factor = ...
            shift = ...
            return patch * factor + shift
        """,
    solution_code=_JITTER,
    judge=_judge_jitter,
    mistakes={
        "each pixel": Mistake(
            code=_JITTER.replace("1 + gain)", "1 + gain, patch.shape)"),
            hint="Every pixel gets a number of its own. The sun is the same for the whole "
            "patch.",
        ),
        "each band": Mistake(
            code=_JITTER.replace("1 + gain)", "1 + gain, patch.shape[-1])"),
            hint="Every band gets a number of its own. Here all bands change alike.",
        ),
        "not random": Mistake(
            code=_JITTER.replace(
                "        factor",
                "        rng = np.random.default_rng(0)\n        factor",
            ),
            hint="Each call gives the same result. Each call must draw new numbers.",
        ),
        "fixed factor": Mistake(
            code=_JITTER.replace("rng.uniform(1 - gain, 1 + gain)", "1 + gain"),
            hint="The shift is random. The factor is always the same.",
        ),
        "fixed shift": Mistake(
            code=_JITTER.replace("rng.uniform(-offset, offset)", "offset"),
            hint="The factor is random. The shift is always the same.",
        ),
        "one draw": Mistake(
            code="""
                def jitter(patch, gain, offset):
                    draw = rng.uniform(-1, 1)
                    return patch * (1 + gain * draw) + offset * draw
                """,
            hint="Factor and shift come from the same draw, so one of them decides the "
            "other. Draw twice.",
        ),
        "around zero": Mistake(
            code=_JITTER.replace("(1 - gain, 1 + gain)", "(-gain, gain)"),
            hint="The factors lie around 0, so the patch nearly vanishes. Which factor "
            "leaves it as it is?",
        ),
        "upside down": Mistake(
            code=_JITTER.replace("(-offset, offset)", "(offset, -offset)"),
            hint="A range ends below its start. `rng.uniform(low, high)` takes the smaller "
            "number first. With one number only, the range goes from there to 1.",
        ),
        "only brighter": Mistake(
            code=_JITTER.replace("(1 - gain, 1", "(1, 1"),
            hint="Patches only become brighter. The sun can be lower too.",
        ),
        "only added": Mistake(
            code=_JITTER.replace("(-offset, offset)", "(0, offset)"),
            hint="The shift is never below 0. It goes from `-offset` to `offset`.",
        ),
        "tiny shift": Mistake(
            code=_JITTER.replace("(-offset, offset)", "(-gain, gain)"),
            hint="The shift is hardly more than 1, so nobody would see it. Pixel values "
            "are in the hundreds and thousands. From where to where does it go?",
        ),
    },
    hints=(
        "A factor of 1 and a shift of 0 leave the patch as it is.",
        "With a gain of 0.2 the factor is between 0.8 and 1.2.",
        "`factor = rng.uniform(1 - gain, …)`, and the shift in the same way.",
    ),
    explanation="Haze adds light and a lower sun takes some away: for the whole patch.",
    imports="""
        import numpy as np

        rng = np.random.default_rng()
        """,
    minutes=4,
)

# training_order

training_order = LineOrder(
    name="training_order",
    title="A training in seven lines",
    question="Bring the lines of a training into an order in which they work.",
    lines=(
        'statistics = tl.band_statistics(patches["a"])',
        'model = FCNN(crops=(), statistics=statistics).build({"input": 4})',
        "compile_model(model)",
        "keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)",
        "model.fit(train, validation_data=valid, callbacks=[keep_best])",
        "best_model = keras.models.load_model(best_path)",
        "scores = tl.training.evaluate_classes(best_model, test)",
    ),
    shown=(6, 2, 4, 0, 5, 1, 3),
    rules=(
        Rule(0, 1, hint="The network is built with means and standard deviations."),
        Rule(1, 2, hint="`compile_model` needs a model that exists."),
        Rule(2, 4, hint="What does `fit` minimise? It must be told before."),
        Rule(3, 4, hint="`fit` calls the checkpoint. When must the checkpoint exist?"),
        Rule(4, 5, hint="Who writes the file at `best_path`, and when?"),
        Rule(5, 6, hint="Which model is scored on C: the last one, or the best one?"),
    ),
    explanation="Area C comes last, after every choice. The checkpoint may be made at "
    "any time before `fit`.",
)

# land_cover

_LAND_COVER = """
    def make_map(model, image_path, map_path, legend):
        return tl.predict_raster(
            model,
            image_path,
            map_path,
            output="estimated_labels",
            legend=legend,
            progress=False,
        )
    """


def _judge_land_cover(answer: Callable[..., Any]) -> str | Finding | None:
    from tutorial_lib.inference.plan import InferencePlan
    from tutorial_lib.inference.reports import Report

    model, image_path, map_path, legend = given = _small_scene()
    report = answer(*given)
    if isinstance(report, InferencePlan):
        return "only planned"
    if not isinstance(report, Report):
        return Finding(
            f"`make_map(…)` gave {kind_of(report)}. It must give what "
            "`tl.predict_raster` returns."
        )
    if Path(report.path) != map_path:
        return "other place"
    return _map_mistake(model, image_path, map_path, legend)


def _map_mistake(
    model: Any, image_path: Path, map_path: Path, legend: Any
) -> str | None:
    """The mistake in a map that was written, if there is one."""
    grid, image_grid = rasters.read_grid(map_path), rasters.read_grid(image_path)
    values = rasters.read_array(map_path)
    bands = values.shape[-1]
    found = {
        "features": bands not in (1, len(legend)),
        "probabilities": bands > 1,
        "padded": grid.shape == image_grid.shape,
        "window": grid != _right_plan(model, image_path).grid,
    }
    names = [name for name, applies in found.items() if applies]
    if names:
        return names[0]
    if not np.array_equal(_part(values), _part_of(model, image_path)):
        return "other model"
    if values.dtype.kind not in "iu":
        return "floats"
    if _background_of(map_path) in range(len(legend)):
        return "background"
    found_legend = rasters.read_legend(map_path)
    if found_legend == legend:
        return None
    return "no legend" if found_legend is None else "other legend"


def _background_of(path: Path) -> float | None:
    """The no-data value of a map."""
    import rasterio

    with rasterio.open(path) as dataset:
        return dataset.nodata


def _right_plan(model: Any, image_path: Path, **options: Any) -> Any:
    from tutorial_lib.inference.planning import plan_inference

    return plan_inference(model, image_path, output="estimated_labels", **options)


# A small part of the map is compared.
_ROWS, _COLS = 24, 40


def _part(values: np.ndarray) -> np.ndarray:
    return values[:_ROWS, :_COLS]


def _part_of(model: Any, image_path: Path) -> np.ndarray:
    from rasterio.windows import Window

    return _right_plan(model, image_path, window=Window(0, 0, _COLS, _ROWS)).read()


def _small_scene() -> tuple[Any, Path, Path, Any]:
    """A network that is not trained, a small image, a place for the map, the legend."""
    import keras

    from tutorial_lib.networks.architectures import pixelwise_fcnn

    keras.utils.set_random_seed(5)
    image_path = testing.small_scene()["input_10m"]
    map_path = testing.scratch_folder() / "map.tif"
    legend = testing.SMALL_LEGEND
    return pixelwise_fcnn(len(legend), crops=()), Path(image_path), map_path, legend


def _with_option(option: str) -> str:
    return _LAND_COVER.replace("legend=legend,", f"legend=legend, {option},")


land_cover = Exercise(
    name="land_cover",
    title="Your map",
    minutes=3,
    question="""
        `tl.predict_raster(model, image, path, output=…, legend=…)` maps a whole image and
        writes the map to a file. Write a function that does so with what it is given. The
        map holds the **number of the class** of each pixel, and has the names and colours
        of `legend`. `output` is a name of the dictionary that your network returns.
        """,
    answer_name="make_map",
    stub="""
        def make_map(model, image_path, map_path, legend):
            return tl.predict_raster(...)
        """,
    solution_code=_LAND_COVER,
    judge=_judge_land_cover,
    mistakes={
        "only planned": Mistake(
            code="""
                def make_map(model, image_path, map_path, legend):
                    return tl.plan_inference(model, image_path, output="estimated_labels")
                """,
            hint="A plan computes nothing and writes nothing. `tl.predict_raster` does "
            "both.",
        ),
        "other place": Mistake(
            code=_LAND_COVER.replace(
                "map_path,\n", 'map_path.with_name("other.tif"),\n'
            ),
            hint="The map was written to another file. It must be at `map_path`.",
        ),
        "probabilities": Mistake(
            code=_LAND_COVER.replace("estimated_labels", "estimated"),
            hint="The file has a band for each class: the probabilities. The map of the "
            "classes has one band.",
        ),
        "features": Mistake(
            code=_LAND_COVER.replace("estimated_labels", "features"),
            hint="The file has several bands, and not one for each class. The map of the "
            "classes has one band: which output is that?",
        ),
        "padded": Mistake(
            code=_with_option('edge="pad"'),
            hint="This map is as large as the image: the kit mirrored the image at its "
            "border. Leave `edge` out.",
        ),
        "window": Mistake(
            code=_with_option("window=Window(10, 20, 30, 25)"),
            hint="This is a part of the scene. Without `window` the map has all of it.",
        ),
        "other model": Mistake(
            code=_LAND_COVER.replace(
                "            model,", "            tl.architectures.pixelwise_fcnn(4),"
            ),
            hint="The file is a map of labels, but not the one of `model`. Which network "
            "do you use?",
        ),
        "no legend": Mistake(
            code=_LAND_COVER.replace("legend=legend,", ""),
            hint="The map is right. It has no names and colours yet: give it the legend.",
        ),
        "other legend": Mistake(
            code=_LAND_COVER.replace(
                "legend=legend,", "legend=tl.Legend(legend.names[::-1], legend.colors),"
            ),
            hint="The map is right, but its names or colours are not those of `legend`.",
        ),
        "background": Mistake(
            code="import warnings\n\nwarnings.simplefilter('ignore')\n"
            + cleandoc(_with_option("background=0")),
            hint="The file says that 0 means no data, and 0 is also a class: water would "
            "be missing in other programs. Leave `background` out.",
        ),
        "floats": Mistake(
            code=_with_option('dtype="float32"'),
            hint="The classes are right, but the file holds numbers with decimals. Leave "
            "`dtype` out.",
        ),
    },
    hints=(
        "`model`, `image_path` and `map_path` come first, in this order.",
        "The outputs of the network are `estimated`, `estimated_labels` and `features`.",
        'It ends with `output="estimated_labels", legend=legend)`.',
    ),
    explanation="The same weights that gave one class for a patch give one for each "
    "pixel.",
    imports="""
        from rasterio.windows import Window

        import tutorial_lib as tl
        """,
)
