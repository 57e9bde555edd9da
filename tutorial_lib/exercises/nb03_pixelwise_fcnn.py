"""Exercises of notebook 03: sizes and weights of layers, the network, best epoch."""

from collections.abc import Callable, Sequence
from inspect import cleandoc

import numpy as np

from tutorial_lib.exercises import Exercise, Mistake, diagnose


def _judge_size_after(answer: Callable[[int, int], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [*rng.integers((10, 1), (90, 9), (20, 2)).tolist(), (16, 5), (2, 2)]
    got = [answer(size, kernel) for size, kernel in cases]
    likely = {
        "one short": [n - k for n, k in cases],
        "same": [n for n, _ in cases],
        "one side": [n - k // 2 for n, k in cases],
        "both sides even": [n - 2 * (k // 2) for n, k in cases],
        "two short": [n - k - 1 for n, k in cases],
    }
    return diagnose(got, right=[n - k + 1 for n, k in cases], likely=likely)


size_after = Exercise(
    name="size_after",
    title="What a convolution leaves",
    question="""
        A convolution of kernel size `kernel` is computed only where the whole kernel lies
        on the image; Keras calls that `padding="valid"`. Write a function that gives the
        side of the result for an image with `size` pixels on a side.
        """,
    answer_name="size_after",
    stub="""
        def size_after(size, kernel):
            return ...
        """,
    solution_code="""
        def size_after(size, kernel):
            return size - kernel + 1
        """,
    judge=_judge_size_after,
    mistakes={
        "one short": Mistake(
            code="""
                def size_after(size, kernel):
                    return size - kernel
                """,
            hint="Almost. A kernel as large as the image fits in exactly once: how many "
            "pixels must `size_after(5, 5)` be?",
        ),
        "same": Mistake(
            code="""
                def size_after(size, kernel):
                    return size
                """,
            hint='That is `padding="same"`, which invents pixels around the image. '
            "Nothing is invented here.",
        ),
        "one side": Mistake(
            code="""
                def size_after(size, kernel):
                    return size - kernel // 2
                """,
            hint="Pixels are lost at both borders, not at one.",
        ),
        "both sides even": Mistake(
            code="""
                def size_after(size, kernel):
                    return size - 2 * (kernel // 2)
                """,
            hint="Right for odd kernels. A kernel of 2 fits into 2 pixels exactly once.",
        ),
        "two short": Mistake(
            code="""
                def size_after(size, kernel):
                    return size - kernel - 1
                """,
            hint="Mind the sign of the 1. A kernel as large as the image fits in exactly "
            "once: what does `size_after(5, 5)` give?",
        ),
    },
    hints=(
        "Slide a kernel of 3 over a row of 5 pixels. In how many places does it fit?",
        "Its first place is pixel 0. Its last place is pixel `size - kernel`.",
        "From 0 to `size - kernel` there are that many, and one more.",
    ),
    explanation="The kernel's first pixel goes from 0 to `size - kernel`.",
)


def _judge_weight_count(answer: Callable[[int, int, int], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [tuple(int(v) for v in rng.integers(2, 40, 3)) for _ in range(20)]
    got = [answer(kernel, channels, filters) for kernel, channels, filters in cases]
    likely = {
        "no bias": [k * k * c * f for k, c, f in cases],
        "one channel": [(k * k + 1) * f for k, _, f in cases],
        "one bias": [k * k * c * f + 1 for k, c, f in cases],
        "one side": [(k * c + 1) * f for k, c, f in cases],
        "per channel": [k * k * c * f + c for k, c, f in cases],
        "neither": [k * c * f for k, c, f in cases],
        "one filter": [k * k * c + f for k, c, f in cases],
    }
    return diagnose(
        got, right=[(k * k * c + 1) * f for k, c, f in cases], likely=likely
    )


weight_count = Exercise(
    name="weight_count",
    title="How many weights does a layer have?",
    question="""
        Write a function that counts the weights of a convolution with a square kernel of
        side `kernel`, `channels` bands coming in, and `filters` bands going out. Each
        filter looks at all bands, and adds one number of its own, the *bias*.
        """,
    answer_name="weight_count",
    stub="""
        def weight_count(kernel, channels, filters):
            return ...
        """,
    solution_code="""
        def weight_count(kernel, channels, filters):
            return (kernel * kernel * channels + 1) * filters
        """,
    judge=_judge_weight_count,
    mistakes={
        "no bias": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return kernel * kernel * channels * filters
                """,
            hint="The kernels are all there. Each filter also has a bias.",
        ),
        "one channel": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return (kernel * kernel + 1) * filters
                """,
            hint="A filter has a kernel for every band that comes in, not only one.",
        ),
        "one bias": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return kernel * kernel * channels * filters + 1
                """,
            hint="There is not one bias in the layer: each filter has its own.",
        ),
        "one side": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return (kernel * channels + 1) * filters
                """,
            hint="The kernel is a square, not a row.",
        ),
        "per channel": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return kernel * kernel * channels * filters + channels
                """,
            hint="The bias is added to what goes out. Which number counts that?",
        ),
        "neither": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return kernel * channels * filters
                """,
            hint="Two things are missing. The kernel is a square, not a row; and each "
            "filter has a bias.",
        ),
        "one filter": Mistake(
            code="""
                def weight_count(kernel, channels, filters):
                    return kernel**2 * channels + filters
                """,
            hint="All biases are there, but the kernels of one filter only.",
        ),
    },
    hints=(
        "Start with one filter: how many numbers does it multiply pixels with?",
        "`kernel * kernel` pixels of `channels` bands each, and one bias.",
        "Take that for one filter, then multiply by the number of filters.",
    ),
    explanation="A filter is a small cube of numbers and one more.",
)


def _judge_network(answer: type) -> str | None:
    import keras

    model = answer(crops=()).build({"input": 4})
    missing = {"estimated", "estimated_labels", "features"} - set(model.output)
    if missing:
        return "outputs"
    side = int(np.random.default_rng().integers(40, 61))
    image = np.random.default_rng().uniform(0, 4000, (1, side, side + 4, 4))
    outputs = model({"input": image.astype("float32")})
    result = {name: np.asarray(value) for name, value in outputs.items()}
    estimated = result["estimated"]
    if estimated.shape[1] == side:
        return "padding"
    if estimated.shape[2] - estimated.shape[1] != 4:
        return "stride"
    if estimated.shape[1:3] != (side - 15, side - 11):
        return "field"
    if not np.allclose(estimated.sum(-1), 1, atol=1e-4):
        return "softmax"
    if not np.array_equal(result["estimated_labels"][..., 0], estimated.argmax(-1)):
        return "labels"
    layers = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    if all(layer.activation is keras.activations.linear for layer in layers[:-1]):
        return "linear"
    return None if model.count_params() == 33718 else "filters"


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
    """Code of the solution with a `conv` that changes an option of each layer."""
    conv = f"""
        def conv(net, filters, kernel, name, **options):
            options = {{"activation": "relu"}} | options | {{"name": name}}
            if name != "softmax":
                options |= dict({option})
            return keras.layers.Conv2D(filters, kernel, **options)(net)
    """
    return f"{cleandoc(conv)}\n\n\n{cleandoc(_SOLUTION)}"


network = Exercise(
    name="network",
    title="The pixel-wise network",
    question="""
        Write the network of the table above. `conv(net, filters, kernel, name)` is there,
        with "valid" padding and ReLU; the first layer and the classifier are written.

        Six layers are missing between them. After the last one, called `feats`, a patch
        of 16 x 16 pixels must have become a single pixel.
        """,
    answer_name="FCNN",
    stub=_STUB,
    solution_code=_SOLUTION,
    judge=_judge_network,
    mistakes={
        "padding": Mistake(
            code=_with_conv('padding="same"'),
            hint='The output is as large as the input: somewhere stands `padding="same"`. '
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
        "field": Mistake(
            code=_SOLUTION.replace(
                'net = conv(net, 32, 2, "feats")', 'net = conv(net, 32, 3, "feats")'
            ),
            hint="The sizes do not go down to a single pixel for a patch of 16. Follow "
            "the column of sizes in the table, layer by layer.",
        ),
        "softmax": Mistake(
            code=_SOLUTION.replace(', activation="softmax"', ', activation="sigmoid"'),
            hint="The six values of a pixel do not add up to 1: they are no "
            "probabilities. Look at the classifier's activation.",
        ),
        "labels": Mistake(
            code=_SOLUTION.replace(
                "tl.labels_of(estimated)", "tl.labels_of(1 - estimated)"
            ),
            hint="`estimated_labels` is not the most probable class of `estimated`.",
        ),
        "linear": Mistake(
            code=_with_conv("activation=None"),
            hint="There is no activation between the layers, so all of them together "
            "are only one linear function.",
        ),
        "filters": Mistake(
            code=_SOLUTION.replace(
                'conv(net, 16, 3, "conv3")', 'conv(net, 32, 3, "conv3")'
            ),
            hint="The sizes are right, the number of weights is not. Compare the filters "
            "of each layer with the table.",
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
    explanation="Every pixel of the output sees exactly 16 x 16 pixels of the input.",
    imports="""
        import keras

        import tutorial_lib as tl


        def conv(net, filters, kernel, name, activation="relu"):
            return keras.layers.Conv2D(filters, kernel, activation=activation, name=name)(net)
        """,
)


def _judge_best_epoch(answer: Callable[[Sequence[float]], int]) -> str | None:
    rng = np.random.default_rng()
    curves = [rng.permutation(np.linspace(0.8, 1.6, 12)) for _ in range(8)]
    curves = [np.append(np.insert(c, 0, 1.7), 1.65).tolist() for c in curves]
    got = [answer(curve) for curve in curves]
    likely = {
        "from zero": [int(np.argmin(c)) for c in curves],
        "last": [len(c) for c in curves],
        "largest": [int(np.argmax(c)) + 1 for c in curves],
        "value": [min(c) for c in curves],
        "first rise": [int(np.argmax(np.diff(c) > 0)) + 1 for c in curves],
    }
    right = [int(np.argmin(c)) + 1 for c in curves]
    found = diagnose(got, right=right, likely=likely)
    # The notebook uses the answer as an index, so a float is wrong.
    return found or (None if np.asarray(got).dtype.kind in "iu" else "not whole")


best_epoch = Exercise(
    name="best_epoch",
    title="Which epoch does the checkpoint hold?",
    question="""
        `ModelCheckpoint(…, save_best_only=True)` writes the file again whenever the
        validation loss is smaller than ever before. Write a function that says, from the
        list of validation losses, the weights of which epoch are in the file at the end.
        Keras counts epochs from 1.
        """,
    answer_name="best_epoch",
    stub="""
        def best_epoch(val_loss):
            return ...
        """,
    solution_code="""
        def best_epoch(val_loss):
            return int(np.argmin(val_loss)) + 1
        """,
    judge=_judge_best_epoch,
    mistakes={
        "from zero": Mistake(
            code="""
                def best_epoch(val_loss):
                    return int(np.argmin(val_loss))
                """,
            hint="Lists count from 0, Keras counts epochs from 1.",
        ),
        "last": Mistake(
            code="""
                def best_epoch(val_loss):
                    return len(val_loss)
                """,
            hint="The last epoch is in the file only if it is better than all before.",
        ),
        "largest": Mistake(
            code="""
                def best_epoch(val_loss):
                    return int(np.argmax(val_loss)) + 1
                """,
            hint="A good loss is a small one.",
        ),
        "value": Mistake(
            code="""
                def best_epoch(val_loss):
                    return min(val_loss)
                """,
            hint="This is the smallest loss. In which epoch was it?",
        ),
        "first rise": Mistake(
            code="""
                def best_epoch(val_loss):
                    return int(np.argmax(np.diff(val_loss) > 0)) + 1
                """,
            hint="This is the last epoch before the loss rises for the first time. It may "
            "fall again later, and below.",
        ),
        "not whole": Mistake(
            code="""
                def best_epoch(val_loss):
                    return np.argmin(val_loss) + 1.0
                """,
            hint="The right epoch, but as a number with decimals. Epochs are counted: "
            "make it an integer.",
        ),
    },
    hints=(
        "In which epoch is the loss smallest?",
        "`np.argmin` gives the place of the smallest value, counted from 0.",
        "Add one to `np.argmin(val_loss)`.",
    ),
    explanation="Later epochs may be worse; the file keeps the best one.",
    imports="import numpy as np",
)
