"""Exercises of notebook 06: two sources at two resolutions."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.exercises import OTHER, Exercise, Mistake, close, diagnose
from tutorial_lib.inference.errors import InputSizeError, ScaleFactorError
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.patches.images import write_patches
from tutorial_lib.rasters import read_grid


def _judge_make_dataset(answer: Callable[..., Iterable]) -> str | None:
    import tensorflow as tf

    files = _numbered_patches()
    in_order, shuffled = answer(*files, False), answer(*files, True)
    batches, shuffled_batches = list(in_order), list(shuffled)
    inputs, targets = batches[0]
    if len(inputs) < 2:
        return "one source"
    if set(inputs) != {"input_10m", "input_20m"}:
        return "names"
    if inputs["input_10m"].shape[-1] != 4:
        return "swapped"
    if targets["estimated"].shape != (32, 1, 1, 6):
        return "settings"
    if not (_in_same_order(batches) and _in_same_order(shuffled_batches)):
        return "apart"
    if _rises(batches) == _rises(shuffled_batches):
        return "never mixed" if _rises(batches) else "always mixed"
    if _rises(shuffled_batches):
        return OTHER
    # Keras reads the batches again in each epoch.
    both = isinstance(in_order, tf.data.Dataset), isinstance(shuffled, tf.data.Dataset)
    return None if all(both) else "no dataset"


def _numbered_patches() -> tuple[Path, Path, Path]:
    """Patches images of two sources and of labels; a patch's pixels are its number."""
    folder, count = testing.scratch_folder(), np.random.default_rng().integers(70, 90)
    numbers = np.arange(count, dtype="uint16").reshape(-1, 1, 1, 1)
    fine = numbers + np.zeros((1, 16, 16, 4), "uint16")
    coarse = numbers + np.zeros((1, 8, 8, 6), "uint16")
    return (
        write_patches(folder / "10m.tif", fine),
        write_patches(folder / "20m.tif", coarse),
        write_patches(folder / "labels.tif", (numbers % 6).astype("uint8")),
    )


def _numbers_of(batches: list, source: str) -> np.ndarray:
    """Numbers of the patches of a source, in the order of the batches."""
    arrays = [np.asarray(inputs[source])[:, 0, 0, 0] for inputs, _ in batches]
    return np.concatenate(arrays)


def _in_same_order(batches: list) -> bool:
    """Whether patches of both sources and their classes come in the same order."""
    fine, coarse = _numbers_of(batches, "input_10m"), _numbers_of(batches, "input_20m")
    classes = [np.asarray(y["estimated"]).argmax(-1).ravel() for _, y in batches]
    return np.array_equal(fine, coarse) and close(np.concatenate(classes), fine % 6)


def _rises(batches: list) -> bool:
    """Whether the patches come in the order of the files."""
    return bool(np.all(np.diff(_numbers_of(batches, "input_10m")) > 0))


_DATASET_SOLUTION = """
    def make_dataset(img_10m, img_20m, labels, shuffle):
        paths = {"input_10m": img_10m, "input_20m": img_20m, "labels": labels}
        return tl.patch_dataset(paths, class_count=6, batch_size=32, shuffle=shuffle)
    """

make_dataset = Exercise(
    name="make_dataset",
    title="A dataset of two sources",
    question="""
        The network will have two inputs, `input_10m` and `input_20m`. Write a function
        that makes batches of 32 for it from three patches images: those of the 10 m
        image, of the 20 m image, and of the labels. With `shuffle=True` the patches come
        in a random order, otherwise in that of the files.

        `tl.patch_dataset` takes a dictionary: the path of each input under the input's
        name, and the path of the labels under `"labels"`.
        """,
    answer_name="make_dataset",
    stub="""
        def make_dataset(img_10m, img_20m, labels, shuffle):
            paths = ...
            return tl.patch_dataset(paths, class_count=6, batch_size=32, shuffle=shuffle)
        """,
    solution_code=_DATASET_SOLUTION,
    judge=_judge_make_dataset,
    mistakes={
        "one source": Mistake(
            code=_DATASET_SOLUTION.replace(' "input_20m": img_20m,', ""),
            hint="The batches hold one input. Where are the 20 m bands?",
        ),
        "names": Mistake(
            code=_DATASET_SOLUTION.replace('"input_', '"img_'),
            hint="Keras finds the data of an input by its name. These names are not "
            "those of the network's inputs.",
        ),
        "swapped": Mistake(
            code=_DATASET_SOLUTION.replace(": img_10m", ": img_x")
            .replace(": img_20m", ": img_10m")
            .replace(": img_x", ": img_20m"),
            hint="Both sources are there, but under the name of the other one: look at "
            "the bands of each input.",
        ),
        "apart": Mistake(
            code="""
                def make_dataset(img_10m, img_20m, labels, shuffle):
                    def one(seed, **paths):
                        paths["labels"] = labels
                        options = dict(class_count=6, batch_size=32, shuffle=shuffle)
                        return tl.patch_dataset(paths, seed=seed, **options)

                    both = zip(one(0, input_10m=img_10m), one(1, input_20m=img_20m))
                    return [(a[0] | b[0], a[1]) for a, b in both]
                """,
            hint="The two inputs of a sample do not show the same ground, or not with "
            "its class. Two datasets shuffled apart lose the pairs: make one, of all "
            "three files.",
        ),
        "never mixed": Mistake(
            code=_DATASET_SOLUTION.replace("shuffle=shuffle", "shuffle=False"),
            hint="The order is that of the files even with `shuffle=True`.",
        ),
        "always mixed": Mistake(
            code=_DATASET_SOLUTION.replace(", shuffle=shuffle", ""),
            hint="The order is random even with `shuffle=False`. Which argument passes "
            "the choice on?",
        ),
        "settings": Mistake(
            code=_DATASET_SOLUTION.replace("batch_size=32", "batch_size=8"),
            hint="The network has 6 classes, and the question asks for batches of 32.",
        ),
        "no dataset": Mistake(
            code=_DATASET_SOLUTION.replace("return ", "return list(") + ")",
            hint="The batches are right. But Keras needs them anew in each epoch: return "
            "what `tl.patch_dataset` gives.",
        ),
    },
    hints=(
        "Only the dictionary is missing. Which three names must it have?",
        '`{"input_10m": …, "input_20m": …, "labels": …}`.',
        "The values are the three arguments, each under its own name.",
    ),
    explanation="One dataset holds all three, so that shuffling moves them together.",
    imports="import tutorial_lib as tl",
)


def _judge_after_layer(answer: Callable[..., tuple[float, float]]) -> str | None:
    rng = np.random.default_rng()
    cases = rng.integers((20, 1, 2, 2), (60, 4, 6, 4), (20, 4)).tolist()
    cases = [(n, 10 * s, k, t) for n, s, k, t in cases]
    cases += [(16, 10, 5, 1), (7, 20, 2, 2), (9, 10, 2, 2), (2, 20, 2, 1)]
    likely = {
        "spacing kept": [((n - k) // t + 1, s) for n, s, k, t in cases],
        "spacing divided": [((n - k) // t + 1, s / t) for n, s, k, t in cases],
        "spacing of kernel": [((n - k) // t + 1, s * k) for n, s, k, t in cases],
        "stride forgotten": [(n - k + 1, s * t) for n, s, k, t in cases],
        "one short": [((n - k) // t, s * t) for n, s, k, t in cases],
        "divided late": [((n - k + 1) // t, s * t) for n, s, k, t in cases],
        "no stride": [(n - k + 1, s) for n, s, k, t in cases],
        "not whole": [((n - k) / t + 1, s * t) for n, s, k, t in cases],
    }
    right = [((n - k) // t + 1, s * t) for n, s, k, t in cases]
    return diagnose([answer(*case) for case in cases], right=right, likely=likely)


def _after_layer_code(size: str, spacing: str) -> str:
    return (
        "def after_layer(size, spacing_m, kernel, stride):\n"
        f"    return {size}, {spacing}"
    )


after_layer = Exercise(
    name="after_layer",
    title="Size and spacing after a layer",
    question="""
        A layer has a square `kernel`, computes only where the whole kernel lies on the
        image ("valid"), and moves it by `stride` pixels from one result to the next. A
        convolution of this notebook has stride 1; a pooling of 2 x 2 has kernel 2 and
        stride 2.

        Write a function that gives the side of the result, in pixels, and its spacing:
        the metres from one of its pixels to the next.
        """,
    answer_name="after_layer",
    stub=_after_layer_code("...", "..."),
    solution_code=_after_layer_code(
        "(size - kernel) // stride + 1", "spacing_m * stride"
    ),
    judge=_judge_after_layer,
    mistakes={
        "spacing kept": Mistake(
            code=_after_layer_code("(size - kernel) // stride + 1", "spacing_m"),
            hint="The sizes are right. But when the kernel moves by two pixels, how far "
            "apart are two neighbouring results?",
        ),
        "spacing divided": Mistake(
            code=_after_layer_code(
                "(size - kernel) // stride + 1", "spacing_m / stride"
            ),
            hint="The sizes are right. Fewer pixels on the same ground: are they closer "
            "together, or further apart?",
        ),
        "spacing of kernel": Mistake(
            code=_after_layer_code(
                "(size - kernel) // stride + 1", "spacing_m * kernel"
            ),
            hint="The sizes are right. A convolution with stride 1 leaves the spacing "
            "as it is, however large its kernel.",
        ),
        "stride forgotten": Mistake(
            code=_after_layer_code("size - kernel + 1", "spacing_m * stride"),
            hint="Right without a stride. A kernel that moves by two pixels has about "
            "half as many places.",
        ),
        "one short": Mistake(
            code=_after_layer_code("(size - kernel) // stride", "spacing_m * stride"),
            hint="The spacing is right, the size is one short: the kernel's first place "
            "counts too.",
        ),
        "divided late": Mistake(
            code=_after_layer_code(
                "(size - kernel + 1) // stride", "spacing_m * stride"
            ),
            hint="Close. A pooling of 2 on 2 pixels gives one pixel: what does your "
            "function say?",
        ),
        "no stride": Mistake(
            code=_after_layer_code("size - kernel + 1", "spacing_m"),
            hint="Right for a stride of 1. What changes when the kernel moves by two "
            "pixels: the number of its places, and how far apart they are?",
        ),
        "not whole": Mistake(
            code=_after_layer_code(
                "(size - kernel) / stride + 1", "spacing_m * stride"
            ),
            hint="The spacing is right. But there is no half pixel: where the last step "
            "does not fit, it is left out.",
        ),
    },
    hints=(
        "Where can the kernel's first pixel stand? From 0 to `size - kernel`, in steps "
        "of `stride`.",
        "There are `(size - kernel) // stride` steps; places are one more than steps.",
        "The spacing grows by the factor `stride`, and by nothing else.",
    ),
    explanation="Kernels take pixels away; only strides make pixels larger.",
)


def _judge_network(answer: type) -> str | None:
    model = answer(crops=()).build({"input_10m": 4, "input_20m": 6})
    if not {"estimated", "estimated_labels", "features"} <= set(model.output):
        return "outputs"
    rows, cols = np.random.default_rng().integers((20, 31), (30, 40)).tolist()
    images = _two_images(rows, cols)
    result = _run(model, images)
    if result is None:
        return "sizes" if _has_pooling(model) else "no pooling"
    estimated = result["estimated"]
    if estimated.shape[1:3] == (rows, cols):
        return "padding"
    if estimated.shape[1:3] != (rows - 7, cols - 7):
        return "sizes"
    if not np.allclose(estimated.sum(-1), 1, atol=1e-4):
        return "softmax"
    if not _depend_on_both(model, images, result["features"]):
        return "one source"
    return _judge_layers(model, result["features"].shape[-1])


def _judge_layers(model: Any, feature_count: int) -> str | None:
    kinds = {type(layer).__name__ for layer in model.layers}
    if feature_count != 64:
        return "early" if "Concatenate" in kinds else "added"
    if "MaxPooling2D" not in kinds:
        return "other pooling"
    return None if model.count_params() == 49046 else "filters"


def _two_images(rows: int, cols: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng()
    shapes = {"input_10m": (2 * rows, 2 * cols, 4), "input_20m": (rows, cols, 6)}
    return {
        name: rng.uniform(0, 4000, (1, *shape)).astype("float32")
        for name, shape in shapes.items()
    }


def _run(model: Any, images: dict[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """The outputs, or None if the branches cannot be joined."""
    import tensorflow as tf

    try:
        outputs = model(images)
    except (ValueError, tf.errors.InvalidArgumentError):
        return None
    return {name: np.asarray(value) for name, value in outputs.items()}


def _has_pooling(model: Any) -> bool:
    return any(getattr(layer, "strides", (1, 1)) != (1, 1) for layer in model.layers)


def _depend_on_both(
    model: Any, images: dict[str, np.ndarray], features: np.ndarray
) -> bool:
    """Whether the features depend on both images."""
    changed = [
        _run(model, images | {name: image + 1000}) for name, image in images.items()
    ]
    return all(not np.allclose(x["features"], features) for x in changed)


_STUB = """
    class DualSource(tl.PatchModel):
        def network(self, inputs):
            fine = conv(inputs["input_10m"], 16, 5, "conv11")  # 12x12, 10 m
            fine = ...
            coarse = conv(inputs["input_20m"], 32, 3, "conv21")  # 6x6, 20 m
            coarse = ...
            net = keras.layers.Concatenate(name="feats")([fine, coarse])
            estimated = conv(net, 6, 1, "softmax", activation="softmax")
            labels = tl.labels_of(estimated)
            return {"estimated": estimated, "features": net, "estimated_labels": labels}
    """

_SOLUTION = """
    class DualSource(tl.PatchModel):
        def network(self, inputs):
            fine = conv(inputs["input_10m"], 16, 5, "conv11")  # 12x12, 10 m
            fine = conv(fine, 16, 3, "conv12")  # 10x10
            fine = conv(fine, 16, 3, "conv13")  # 8x8
            fine = conv(fine, 32, 3, "conv14")  # 6x6
            fine = conv(fine, 32, 3, "conv15")  # 4x4
            fine = keras.layers.MaxPool2D(2)(fine)  # 2x2, from here on 20 m
            fine = conv(fine, 32, 2, "feats1")  # 1x1
            coarse = conv(inputs["input_20m"], 32, 3, "conv21")  # 6x6, 20 m
            coarse = conv(coarse, 32, 3, "conv22")  # 4x4
            coarse = conv(coarse, 32, 3, "conv23")  # 2x2
            coarse = conv(coarse, 32, 2, "feats2")  # 1x1
            net = keras.layers.Concatenate(name="feats")([fine, coarse])
            estimated = conv(net, 6, 1, "softmax", activation="softmax")
            labels = tl.labels_of(estimated)
            return {"estimated": estimated, "features": net, "estimated_labels": labels}
    """


_PADDED = """
    def conv(net, filters, kernel, name, activation="relu"):
        options = {"activation": activation, "padding": "same", "name": name}
        return keras.layers.Conv2D(filters, kernel, **options)(net)
"""

network = Exercise(
    name="network",
    title="The network of two sources",
    question="""
        Write the two branches, layer by layer as in the table. `conv(net, filters,
        kernel, name)` is there; the pooling is `keras.layers.MaxPool2D(2)`. The first
        layer of each branch, the joining and the classifier are written.
        """,
    answer_name="DualSource",
    stub=_STUB,
    solution_code=_SOLUTION,
    judge=_judge_network,
    mistakes={
        "no pooling": Mistake(
            code=_SOLUTION.replace(
                "fine = keras.layers.MaxPool2D(2)(fine)  # 2x2, from here on 20 m",
                'fine = conv(fine, 32, 3, "conv16")  # 2x2',
            ),
            hint="This fits patches, and nothing else: for a larger image the branch of "
            "the 10 m image ends with twice as many pixels as the other. Which layer "
            "brings it to 20 m?",
        ),
        "sizes": Mistake(
            code=_SOLUTION.replace(
                '16, 5, "conv11")  # 12x12', '16, 3, "conv11")  # 14x14'
            ),
            hint="The branches do not end with the right number of pixels. Follow the "
            "sizes of the table through both, down to a single pixel of a patch. Is "
            "the first kernel of the 10 m branch 5?",
        ),
        "padding": Mistake(
            code=f"{cleandoc(_PADDED)}\n\n\n{cleandoc(_SOLUTION)}",
            hint="The output is as large as the 20 m image: a layer invents pixels at "
            'the border. Somewhere stands `padding="same"`.',
        ),
        "one source": Mistake(
            code=_SOLUTION.replace("[fine, coarse]", "[coarse, coarse]"),
            hint="One of the two images can be changed, and the features stay the same. "
            "What is joined?",
        ),
        "added": Mistake(
            code=_SOLUTION.replace('Concatenate(name="feats")', 'Add(name="feats")'),
            hint="The features of the two branches were mixed into one set. Joining "
            "keeps those of both, side by side.",
        ),
        "early": Mistake(
            code=_SOLUTION.replace('fine = conv(fine, 32, 2, "feats1")  # 1x1', "")
            .replace('coarse = conv(coarse, 32, 2, "feats2")  # 1x1', "")
            .replace(
                "estimated = conv(net, 6",
                'net = conv(net, 32, 2, "feats12")\n            estimated = conv(net, 6',
            ),
            hint="That fits too, but it is another network: it joins where a patch is "
            "2x2. Here each branch has a last layer of its own before.",
        ),
        "softmax": Mistake(
            code=_SOLUTION.replace(', activation="softmax"', ', activation="sigmoid"'),
            hint="The six values of a pixel do not add up to 1: they are no "
            "probabilities. Look at the classifier's activation.",
        ),
        "filters": Mistake(
            code=_SOLUTION.replace('32, 3, "conv14"', '16, 3, "conv14"'),
            hint="The sizes are right, the number of weights is not. Compare the "
            "filters of each layer with the table.",
        ),
        "other pooling": Mistake(
            code=_SOLUTION.replace("MaxPool2D(2)", "AveragePooling2D(2)"),
            hint="The sizes are right. But the layer that brings the 10 m branch to 20 m "
            "is not the one of the table: it takes the largest of 2 x 2 pixels.",
        ),
        "outputs": Mistake(
            code=_SOLUTION.replace(' "features": net,', ""),
            hint="The dictionary at the end needs `estimated`, `estimated_labels` and "
            "`features`.",
        ),
    },
    hints=(
        "One line for each row of the table. Each takes the result of the line before: "
        '`fine = conv(fine, filters, kernel, "name")`.',
        "The pooling stands between `conv15` and `feats1`: "
        "`fine = keras.layers.MaxPool2D(2)(fine)`.",
        "The last layers are `feats1` and `feats2`, with 32 filters and kernel 2.",
    ),
    explanation="Both branches end with the same size and the same spacing, for patches "
    "and for images.",
    imports="""
        import keras

        import tutorial_lib as tl


        def conv(net, filters, kernel, name, activation="relu"):
            return keras.layers.Conv2D(filters, kernel, activation=activation, name=name)(net)
        """,
)


def _judge_gain(answer: Callable[[np.ndarray, np.ndarray], Any]) -> str | None:
    # Integers, as in the notebook: code that divides them in place raises an error.
    matrices = np.random.default_rng().integers(1, 100, (2, 6, 6))
    # The classes differ in size, so that sums of rows and of columns differ.
    before, after = matrices * np.array([[4, 1, 2, 1, 3, 1]]).T
    # One class gets worse and one gets better, so that a lost sign is noticed.
    before[[0, 1], [0, 1]] = 9999, 1
    after[[0, 1], [0, 1]] = 1, 9999
    old, new = _scores_of(before), _scores_of(after)
    likely = {score: new[score] - old[score] for score in new}
    right = likely.pop("F-score")
    likely |= {
        "reversed": -right,
        "ratio": new["F-score"] / old["F-score"],
        "no sign": abs(right),
        "all together": right.mean(),
    }
    return diagnose(answer(before, after), right=right, likely=likely)


def _scores_of(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """F-scores of the classes, and the values that common mistakes give."""
    found = np.diag(confusion)
    true, estimated = confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "F-score": 2 * found / (true + estimated),
        "recall": found / true,
        "precision": found / estimated,
        "no two": found / (true + estimated),
        "mean": (found / true + found / estimated) / 2,
        "one number": found.sum() / confusion.sum(),
    }


def _gain_code(score: str, result: str = "f_score(after) - f_score(before)") -> str:
    """Code of an answer with an expression for the score and one for the result."""
    return (
        "def gain(before, after):\n"
        "    def f_score(confusion):\n"
        "        found = np.diag(confusion)\n"
        "        true, estimated = confusion.sum(axis=1), confusion.sum(axis=0)\n"
        f"        return {score}\n\n"
        f"    return {result}"
    )


_F_SCORE = "2 * found / (true + estimated)"

gain = Exercise(
    name="gain",
    title="Which classes gain?",
    question="""
        `before` and `after` are confusion matrices: rows are the true classes, columns
        the estimated ones. The F-score of a class is twice what was found of it, divided
        by the sum of what *is* of the class and what was *called* so.

        Write a function that gives, for each class, how much its F-score has grown; the
        number is negative where it has shrunk.
        """,
    answer_name="gain",
    stub=_gain_code("...", "..."),
    solution_code=_gain_code(_F_SCORE),
    judge=_judge_gain,
    mistakes={
        "recall": Mistake(
            code=_gain_code("found / true"),
            hint="That is recall: it does not mind how much else was called by the name "
            "of the class.",
        ),
        "precision": Mistake(
            code=_gain_code("found / estimated"),
            hint="That is precision: it does not mind how much of the class was missed.",
        ),
        "no two": Mistake(
            code=_gain_code("found / (true + estimated)"),
            hint="With all found and nothing else called so, an F-score must be 1. How "
            "much is yours?",
        ),
        "mean": Mistake(
            code=_gain_code("(found / true + found / estimated) / 2"),
            hint="The mean of recall and precision is not the F-score: it forgives when "
            "one of them is very small. Take the formula of the question.",
        ),
        "one number": Mistake(
            code=_gain_code("found.sum() / confusion.sum()"),
            hint="That is the overall accuracy, one number for all. Which class does it "
            "come from?",
        ),
        "reversed": Mistake(
            code=_gain_code(_F_SCORE, "f_score(before) - f_score(after)"),
            hint="Right but for the sign: a class that gains has a positive number.",
        ),
        "ratio": Mistake(
            code=_gain_code(_F_SCORE, "f_score(after) / f_score(before)"),
            hint="That says how many times larger. How much larger is a difference.",
        ),
        "no sign": Mistake(
            code=_gain_code(_F_SCORE, "abs(f_score(after) - f_score(before))"),
            hint="A class may lose, too. Keep the sign.",
        ),
        "all together": Mistake(
            code=_gain_code(_F_SCORE, "(f_score(after) - f_score(before)).mean()"),
            hint="This is the mean over all classes. The question asks for each of them.",
        ),
    },
    hints=(
        "`found` is the diagonal: patches of a class that were called so. `true` and "
        "`estimated` are sums along rows and along columns.",
        "The question's sentence is the formula; all three are in it.",
        "Then take `f_score(after)` less `f_score(before)`.",
    ),
    explanation="An F-score is high only where much was found and little else was "
    "called so.",
    imports="import numpy as np",
)


class _TwoSources(testing.BlockMean):
    """Stands for the network of the notebook; it does not need TensorFlow."""

    def __init__(self) -> None:
        fields, strides = {"input_10m": 16, "input_20m": 8}, (2, 1)
        super().__init__(fields, dict(zip(fields, strides, strict=True)))

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        sides = [self._means(inputs[name], name).shape for name in self.fields]
        if sides[0] != sides[1] or 0 in sides[0]:
            raise ValueError("The branches cannot be joined.")
        return super().__call__(inputs)


def _judge_plan_map(answer: Callable[..., InferencePlan]) -> str | None:
    scene = testing.small_scene()
    paths = {name: scene[name] for name in ("input_10m", "input_20m")}
    plans, refused = {}, []
    for reference in paths:
        try:
            with warnings.catch_warnings(action="ignore"):
                plans[reference] = answer(_TwoSources(), paths, reference)
        except InputSizeError:
            return "fields"
        except ScaleFactorError:
            refused.append(reference)
    if refused:
        likely = {"input_10m": "always 1", "input_20m": "always 2"}
        return likely[refused[0]] if len(refused) == 1 else "wrong way"
    if not all(isinstance(plan, InferencePlan) for plan in plans.values()):
        return "no plan"
    return _judge_plans(plans, paths)


def _judge_plans(
    plans: Mapping[str, InferencePlan], paths: Mapping[str, Path]
) -> str | None:
    if any(plan.job.patch_based for plan in plans.values()):
        return "patch by patch"
    if {plan.grid for plan in plans.values()} != {_whole_grid(paths)}:
        return "other part"
    same = all(plan.job.outputs == ("estimated_labels",) for plan in plans.values())
    same &= all(plan.job.names[0] == first for first, plan in plans.items())
    # Here the fields are declared; derived fields come later in the notebook.
    same &= not any(plan.derived for plan in plans.values())
    return None if same else OTHER


def _whole_grid(paths: Mapping[str, Path]) -> Any:
    """Grid of the full map: the centres of all 20 m patches that lie in the image."""
    grid = read_grid(paths["input_20m"])
    return grid[4 : grid.height - 3, 4 : grid.width - 3]


def _plan_map_code(fine: str, coarse: str, factor: str, end: str = "") -> str:
    """Code of an answer with two receptive fields, a scale factor, and an end."""
    return f"""
def plan_map(model, paths, reference):
    fields = {{"input_10m": {fine}, "input_20m": {coarse}}}
    scale_factor = {factor}

    names = sorted(paths, key=lambda name: name != reference)  # the reference first
    sources = {{x: tl.Source(paths[x], receptive_field=fields[x]) for x in names}}
    return tl.plan_inference(
        model, sources, output="estimated_labels", scale_factor=scale_factor
    ){end}
"""


_FACTOR = '2 if reference == "input_10m" else 1'

plan_map = Exercise(
    name="plan_map",
    title="The same map with either source first",
    question="""
        Complete the plan: the receptive field of each source, in its own pixels, and the
        scale factor, which depends on the source that comes first. The network gives one
        answer for each pixel of 20 m.
        """,
    answer_name="plan_map",
    stub=_plan_map_code("...", "...", "..."),
    solution_code=_plan_map_code("16", "8", _FACTOR),
    judge=_judge_plan_map,
    mistakes={
        "fields": Mistake(
            code=_plan_map_code("8", "16", _FACTOR),
            hint="The network refuses blocks of these sizes. How many pixels had a patch "
            "of each source?",
        ),
        "always 1": Mistake(
            code=_plan_map_code("16", "8", "1"),
            hint="Right with the 20 m image first. With the 10 m image first, how many of "
            "its pixels is a pixel of the map wide?",
        ),
        "always 2": Mistake(
            code=_plan_map_code("16", "8", "2"),
            hint="Right with the 10 m image first. With the 20 m image first, the "
            "reference already has the pixels of the map.",
        ),
        "wrong way": Mistake(
            code=_plan_map_code("16", "8", _FACTOR.replace("10m", "20m")),
            hint="The scale factor is the size of a map pixel *divided by* that of a "
            "reference pixel. Map pixels are of 20 m.",
        ),
        "patch by patch": Mistake(
            code=_plan_map_code(
                "16", "8", f'{_FACTOR}\n    mode = "patch_based"'
            ).replace(
                "scale_factor=scale_factor", "scale_factor=scale_factor, mode=mode"
            ),
            hint="This gives the right map, but patch by patch: it takes many times "
            "longer. Leave `mode` out.",
        ),
        "other part": Mistake(
            code=_plan_map_code("16", "8", f'{_FACTOR}\n    edge = "pad"').replace(
                "scale_factor=scale_factor", "scale_factor=scale_factor, edge=edge"
            ),
            hint="This map is larger or smaller than what the whole patches of the scene "
            "give. Leave `edge` and `window` out.",
        ),
        "no plan": Mistake(
            code=_plan_map_code("16", "8", _FACTOR, end=".grid"),
            hint="The function must return the plan itself, not something of it.",
        ),
    },
    hints=(
        "The patches of this notebook had the right sizes.",
        "20 m divided by the size of a reference pixel.",
        f"The scale factor is `{_FACTOR}`.",
    ),
    explanation="Whichever source counts the pixels, the network gives its answers every "
    "20 m.",
    imports="import tutorial_lib as tl",
)
