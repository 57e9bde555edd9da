"""Exercises of notebook 06: two sources at two resolutions."""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from inspect import cleandoc
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.exercises import (
    OTHER,
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    close,
    compare_networks,
    diagnose,
)
from tutorial_lib.exercises.judging import as_array, is_numeric
from tutorial_lib.exercises.nb05_mapping_a_scene import with_drawn_weights
from tutorial_lib.inference.errors import ExpressionFieldError, InputSizeError
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.patches.images import write_patches
from tutorial_lib.rasters import MapCard, read_array, read_grid

INPUTS = ("input_10m", "input_20m")
CHANNELS = {"input_10m": 4, "input_20m": 6}
# A score on a card may have been rounded to two decimals.
ROUNDED = 0.0051
# More than the patches of the check can make.
_MOST_BATCHES = 200


def _judge_make_dataset(answer: Callable[..., Iterable]) -> Any:
    import tensorflow as tf

    files = _numbered_patches()
    try:
        in_order, shuffled = answer(*files, False), answer(*files, True)
    except TypeError as err:
        # The kit's errors for a dictionary as a value, and for keys that are not names.
        if "name that is not a text" in str(err):
            return "upside down"
        if re.search(r"`paths\[.*\]` is (?:a dictionary|\{)", str(err)):
            return "nested"
        raise
    batches, shuffled_batches = _batches(in_order), _batches(shuffled)
    if len(batches) == _MOST_BATCHES:
        return "endless"
    if not (batches and shuffled_batches):
        return "no dataset"
    wrong = (
        _wrong_inputs(*batches[0])
        or _wrong_pairs(files, batches, shuffled_batches)
        or _wrong_mixing(_rises(batches), _rises(shuffled_batches))
    )
    if wrong:
        return wrong
    # Keras reads the batches again in each epoch.
    both = isinstance(in_order, tf.data.Dataset), isinstance(shuffled, tf.data.Dataset)
    return None if all(both) else "no dataset"


def _batches(answer: Any) -> list[tuple]:
    """The pairs of inputs and targets; empty if the answer does not hold such pairs."""
    # An array without axes is iterable by its type only.
    is_number = isinstance(answer, np.ndarray) and not answer.ndim
    is_some = isinstance(answer, Iterable) and not is_number
    batches = list(islice(answer, _MOST_BATCHES)) if is_some else []
    pairs = all(
        isinstance(batch, tuple)
        and len(batch) == 2
        and all(isinstance(part, Mapping) for part in batch)
        for batch in batches
    )
    return batches if pairs else []


def _wrong_inputs(inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
    """The mistake that the first batch shows, from its names and shapes."""
    if len(inputs) < len(INPUTS):
        return "one source"
    if set(inputs) != set(INPUTS):
        return "names"
    shapes = {name: tuple(inputs[name].shape[1:]) for name in INPUTS}
    sides = {"input_10m": (16, 16, 4), "input_20m": (8, 8, 6)}
    if shapes["input_10m"] == sides["input_20m"]:
        return "swapped" if shapes["input_20m"] == sides["input_10m"] else "20 m twice"
    if shapes["input_20m"] == sides["input_10m"]:
        return "10 m twice"
    if shapes != sides:
        return _wrong_file(shapes, sides)
    if "estimated" not in targets or targets["estimated"].shape != (32, 1, 1, 6):
        return "settings"
    return None


def _wrong_file(
    shapes: Mapping[str, tuple[int, ...]], sides: Mapping[str, tuple[int, ...]]
) -> Finding:
    name = next(name for name in INPUTS if shapes[name] != sides[name])
    height, width, bands = shapes[name]
    counted = "1 band" if bands == 1 else f"{bands} bands"
    return Finding(
        f"`{name}` holds patches of {height} x {width} pixels with {counted}. Which file "
        "belongs there?",
        right="The names are right.",
    )


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


def _wrong_pairs(files: Sequence[Path], *orders: list) -> str | None:
    """The mistake that the patches show: other ones, or pairs that were lost."""
    if not _holds_files(files, orders[0]):
        return "other files"
    return None if all(map(_in_same_order, orders)) else "apart"


def _wrong_mixing(in_order: bool, shuffled: bool) -> str | None:
    """The mistake in `shuffle`: whether each dataset comes in the order of the files."""
    if in_order == shuffled:
        return "never mixed" if in_order else "always mixed"
    return "other way round" if shuffled else None


def _holds_files(files: Sequence[Path], batches: list) -> bool:
    """Whether the patches of both sources are those of the files, in some order."""
    count = read_array(files[-1]).size
    numbers = [np.sort(_numbers_of(batches, name)) for name in INPUTS]
    return all(np.array_equal(found, np.arange(count)) for found in numbers)


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
        The network has two inputs, `input_10m` and `input_20m`. Write a function that
        makes batches of 32 for it from three patches images: those of the 10 m image, of
        the 20 m image, and of the labels. With `shuffle=True` the patches come in a
        random order, otherwise in the order of the files.

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
            hint="The batches hold one input. The network has two: which name is missing "
            "in the dictionary?",
        ),
        "names": Mistake(
            code=_DATASET_SOLUTION.replace('"input_', '"img_'),
            hint="Keras finds the data of an input by its name. These names are not "
            "those of the network's inputs.",
        ),
        "upside down": Mistake(
            code=_DATASET_SOLUTION.replace(
                '{"input_10m": img_10m, "input_20m": img_20m, "labels": labels}',
                '{img_10m: "input_10m", img_20m: "input_20m", labels: "labels"}',
            ),
            hint="The dictionary is upside down. In each pair the name comes first, then "
            "the file.",
        ),
        "nested": Mistake(
            code=_DATASET_SOLUTION.replace(
                '"input_10m": img_10m, "input_20m": img_20m',
                '"inputs": {"input_10m": img_10m, "input_20m": img_20m}',
            ),
            hint="A value of the dictionary is a dictionary itself. Write one dictionary "
            "with three names, and the path of a file under each.",
        ),
        "other files": Mistake(
            code="""
                def make_dataset(img_10m, img_20m, labels, shuffle):
                    folder = tl.testing.scratch_folder()
                    shapes = [(40, 16, 16, 4), (40, 8, 8, 6), (40, 1, 1, 1)]
                    names = "input_10m", "input_20m", "labels"
                    paths = {}
                    for name, shape in zip(names, shapes):
                        zeros = np.zeros(shape, "uint8")
                        paths[name] = write_patches(folder / f"{name}.tif", zeros)
                    return tl.patch_dataset(
                        paths, class_count=6, batch_size=32, shuffle=shuffle
                    )
                """,
            hint="The function was called with three files, and it reads other ones. Use "
            "its arguments `img_10m`, `img_20m` and `labels`.",
        ),
        "swapped": Mistake(
            code=_DATASET_SOLUTION.replace(": img_10m", ": img_x")
            .replace(": img_20m", ": img_10m")
            .replace(": img_x", ": img_20m"),
            hint="Both sources are there, but each under the name of the other one.",
        ),
        "10 m twice": Mistake(
            code=_DATASET_SOLUTION.replace(": img_20m", ": img_10m"),
            hint="Both inputs hold patches of the 10 m image: 16 x 16 pixels of 4 bands. "
            "Which file belongs to `input_20m`?",
        ),
        "20 m twice": Mistake(
            code=_DATASET_SOLUTION.replace(": img_10m", ": img_20m"),
            hint="Both inputs hold patches of the 20 m image: 8 x 8 pixels of 6 bands. "
            "Which file belongs to `input_10m`?",
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
            "its class. Two datasets that are shuffled apart lose the pairs. Make one "
            "dataset of all three files.",
        ),
        "never mixed": Mistake(
            code=_DATASET_SOLUTION.replace("shuffle=shuffle", "shuffle=False"),
            hint="The order is that of the files even with `shuffle=True`.",
        ),
        "always mixed": Mistake(
            code=_DATASET_SOLUTION.replace(", shuffle=shuffle", ""),
            hint="The order is random even with `shuffle=False`. Pass `shuffle` on.",
        ),
        "other way round": Mistake(
            code=_DATASET_SOLUTION.replace("shuffle=shuffle", "shuffle=not shuffle"),
            hint="The order is random with `shuffle=False`, and that of the files with "
            "`shuffle=True`. It must be the other way round.",
        ),
        "settings": Mistake(
            code=_DATASET_SOLUTION.replace("batch_size=32", "batch_size=8"),
            hint="The network has 6 classes, and the question asks for batches of 32, "
            "with the target under its usual name.",
        ),
        "endless": Mistake(
            code=_DATASET_SOLUTION.replace("=shuffle)", "=shuffle).repeat()"),
            hint="The dataset never ends, so an epoch would not end either. Return what "
            "`tl.patch_dataset` gives, without `.repeat()`.",
        ),
        "no dataset": Mistake(
            code=_DATASET_SOLUTION.replace("return ", "return list(") + ")",
            hint="Keras reads the batches anew in each epoch, from a dataset. Return what "
            "`tl.patch_dataset` gives, and nothing else.",
        ),
    },
    hints=(
        "Only the dictionary is missing. Which three names must it have?",
        '`{"input_10m": …, "input_20m": …, "labels": …}`.',
        "The values are the three arguments, each under its own name.",
    ),
    explanation="One dataset holds all three, so shuffling moves them together.",
    minutes=3,
    imports="""
        import numpy as np

        import tutorial_lib as tl
        from tutorial_lib.patches.images import write_patches
        """,
)


branches = Choice(
    name="branches",
    title="Which branch can be joined?",
    question="""
        The 10 m branch has its pooling late. Here are three other branches for the 10 m
        image. Which one ends like the 20 m branch, with pixels of the same number and
        size, for a patch and for a larger image?
        """,
    options=(
        Option(
            "No pooling: kernels 5, 3, 3, 3, 3, 3 and 2, as in notebook 03.",
            hint="For a patch, one pixel is left. Now follow an image of 80 x 80 pixels "
            "of 10 m. How large are its pixels at the end?",
        ),
        Option(
            "Kernels 3, 3, 3, 3 and 3, then the pooling, then 2.",
            hint="Follow a patch: each kernel of 3 takes two of its 16 pixels. How many "
            "are left before the pooling, and after the last kernel?",
        ),
        Option("Pooling first, then kernels 3, 3, 3 and 2."),
    ),
    explanation="Pooling first fits, but then no kernel reads what is finer than 20 m. "
    "Without pooling the network would train on patches, and could not map an image.",
    minutes=3,
)


def _judge_network(answer: type) -> Any:
    model = answer(crops=()).build(dict(CHANNELS))
    if not {"estimated", "estimated_labels", "features"} <= set(model.output):
        return "outputs"
    rows, cols = np.random.default_rng().integers((20, 31), (30, 40)).tolist()
    images = _two_images(rows, cols)
    result = _run(model, images)
    if result is None:
        return _why_not(model)
    estimated = result["estimated"]
    if estimated.shape[1:3] == (rows, cols):
        return "padding"
    if not np.allclose(estimated.sum(-1), 1, atol=1e-4):
        return "softmax"
    if not _depend_on_both(model, images, result["features"]):
        return "one source"
    return _judge_layers(model, estimated.shape[1:3] == (rows - 7, cols - 7))


def _why_not(model: Any) -> Any:
    """Why the branches cannot be joined for an image, though Keras built them."""
    if not any("Pooling" in type(layer).__name__ for layer in model.layers):
        return "no pooling"
    return compare_networks(model, _reference()) or OTHER


def _judge_layers(model: Any, is_right_size: bool) -> Any:
    kinds = [type(layer).__name__ for layer in model.layers]
    if "Concatenate" not in kinds:
        return "added"
    if is_right_size and _joins_early(model):
        return "early"
    if is_right_size and "MaxPooling2D" not in kinds:
        return "other pooling"
    return compare_networks(model, _reference())


def _joins_early(model: Any) -> bool:
    """Whether a layer after the joining still looks at neighbouring pixels."""
    kinds = [type(layer).__name__ for layer in model.layers]
    after = model.layers[kinds.index("Concatenate") :]
    return any(getattr(layer, "kernel_size", (1,))[0] > 1 for layer in after)


@cache
def _reference() -> Any:
    """The network of the question."""
    return network.run(network.solution_code)(crops=()).build(dict(CHANNELS))


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
        Write the two branches, layer by layer, as in the table. `conv(net, filters,
        kernel, name)` adds a convolution; the pooling is `keras.layers.MaxPool2D(2)`,
        and it is called like a function: `keras.layers.MaxPool2D(2)(fine)`. The first
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
            hint="This fits patches, but not images. For an image, the branch of the 10 m "
            "image ends with twice as many pixels as the other. Which layer brings it to "
            "20 m?",
        ),
        "padding": Mistake(
            code=f"{cleandoc(_PADDED)}\n\n\n{cleandoc(_SOLUTION)}",
            hint="The output is as large as the 20 m image, so a layer fills up the "
            'border. Remove `padding="same"`.',
        ),
        "one source": Mistake(
            code=_SOLUTION.replace("[fine, coarse]", "[coarse, coarse]"),
            hint="The features do not depend on one of the two images. Which branches "
            "are joined, and what does each of them read?",
        ),
        "added": Mistake(
            code=_SOLUTION.replace('Concatenate(name="feats")', 'Add(name="feats")'),
            hint="The features of the two branches are mixed into one set. `Concatenate` "
            "keeps those of both, side by side.",
        ),
        "early": Mistake(
            code=_SOLUTION.replace('fine = conv(fine, 32, 2, "feats1")  # 1x1', "")
            .replace('coarse = conv(coarse, 32, 2, "feats2")  # 1x1', "")
            .replace(
                "estimated = conv(net, 6",
                'net = conv(net, 32, 2, "feats12")\n            estimated = conv(net, 6',
            ),
            hint="This fits too, but it is another network: it joins where a patch has "
            "2 x 2 pixels. In the table, each branch has a last layer of its own before.",
        ),
        "softmax": Mistake(
            code=_SOLUTION.replace(', activation="softmax"', ', activation="sigmoid"'),
            hint="The six values of a pixel do not add up to 1, so they are not "
            "probabilities. Look at the activation of the classifier.",
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
    minutes=6,
    pairs=True,
    imports="""
        import keras

        import tutorial_lib as tl


        def conv(net, filters, kernel, name, activation="relu"):
            return keras.layers.Conv2D(filters, kernel, activation=activation, name=name)(net)
        """,
)


samples = Choice(
    name="samples",
    title="How many samples are there really?",
    question="""
        The interval of an accuracy becomes shorter with more samples. How many independent
        samples of the ground are the patches of area C?
        """,
    options=(
        Option(
            "As many as there are patches: they are all different.",
            hint="Take two patches of one lake. If the first one is right, will the "
            "second one surprise you?",
        ),
        Option("About as many as there are polygons: each of them is one place."),
        Option(
            "As many as there are classes: patches of a class are alike.",
            hint="Look at two forests that are far apart: trees, ground and shadows "
            "differ. Does the second one tell nothing new?",
        ),
    ),
    explanation="Patches of one polygon share their ground and their light. They are right "
    "or wrong together.",
    vote=True,
    minutes=3,
)


# Polygons of the check: their patches, and how many of these are right. Each way to draw
# gives accuracies that no other way gives.
_SIZES, _RIGHT = (1, 2, 4), (1, 0, 3)
_TRIALS = 400


def _judge_draw_again(answer: Callable[..., float]) -> Any:
    # Not 0, 1 or 2: a place in `names` is not the number of a polygon.
    names = np.random.default_rng().permutation(np.arange(10, 60))[:3]
    polygons = np.repeat(names, _SIZES)
    right = np.concatenate(
        [np.arange(n) < hits for n, hits in zip(_SIZES, _RIGHT, strict=True)]
    )
    rng = np.random.default_rng()
    # A mean of nothing warns; a hint says more.
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        found = [answer(right.copy(), polygons.copy(), rng) for _ in range(_TRIALS)]
    if not all(_is_number(one) for one in found):
        return "no mean"
    values = np.asarray(found, float)
    if np.isnan(values).any():
        return "no polygon"
    if np.allclose(values, values[0]):
        return "not again"
    return _way_of_drawing(values)


def _is_number(value: Any) -> bool:
    array = as_array(value)
    return is_numeric(array) and array.ndim == 0


def _way_of_drawing(values: np.ndarray) -> Any:
    """The mistake that the accuracies of many draws show; None for polygons."""
    size, hits = np.array(_SIZES), np.array(_RIGHT)
    drawn = np.array(list(product(range(3), repeat=3)))
    whole = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    if _all_in(values, whole):
        # Drawn patch by patch, a large polygon comes more often: 3.9 instead of 3.
        largest = (values == whole[drawn.min(axis=1) == 2][0]).mean()
        return "by size" if largest > 0.1 else None
    once = [np.unique(one) for one in drawn]
    ways = {
        "once": [hits[one].sum() / size[one].sum() for one in once],
        "mean of polygons": (hits / size)[drawn].mean(axis=1),
        "patches": np.arange(size.sum() + 1) / size.sum(),
    }
    for mistake, possible in ways.items():
        if _all_in(values, possible):
            return mistake
    return "other number"


def _all_in(values: np.ndarray, possible: Iterable[float]) -> bool:
    distances = np.abs(values[:, np.newaxis] - np.unique(list(possible)))
    return bool((distances.min(axis=1) < 1e-6).all())


def _draw_again_code(drawn: str, result: str = "") -> str:
    result = (
        result or "np.concatenate([right[polygons == one] for one in drawn]).mean()"
    )
    return (
        "def draw_again(right, polygons, rng):\n"
        "    names = np.unique(polygons)\n"
        f"    drawn = {drawn}\n"
        f"    return {result}"
    )


_DRAWN = "rng.choice(names, len(names))"

draw_again = Exercise(
    name="draw_again",
    title="Draw polygons again",
    question="""
        `right` says for each patch whether its class is right, and `polygons` has the
        number of its polygon. Draw as many polygons as there are, **with replacement**: some
        come twice, others not at all. The function returns the accuracy of all their
        patches; this line is written.

        `rng.choice(values, count)` draws `count` of the values, with replacement.
        """,
    answer_name="draw_again",
    stub=_draw_again_code("..."),
    solution_code=_draw_again_code(_DRAWN),
    judge=_judge_draw_again,
    mistakes={
        "not again": Mistake(
            code=_draw_again_code("rng.choice(names, len(names), replace=False)"),
            hint="Each draw gives the same accuracy: all polygons come exactly once. Draw "
            "with replacement.",
        ),
        "by size": Mistake(
            code=_draw_again_code("rng.choice(polygons, len(names))"),
            hint="You draw from the numbers of the patches, so a large polygon comes more "
            "often. Draw from the polygons, each of which is in `names` once.",
        ),
        "patches": Mistake(
            code=_draw_again_code(
                "rng.choice(len(right), len(right))", "right[drawn].mean()"
            ),
            hint="You draw single patches. Those of one polygon would have to come "
            "together, or not at all.",
        ),
        "once": Mistake(
            code=_draw_again_code(_DRAWN, "right[np.isin(polygons, drawn)].mean()"),
            hint="A polygon that was drawn twice must count twice. Here it counts once. "
            "Leave the last line as it was.",
        ),
        "mean of polygons": Mistake(
            code=_draw_again_code(
                _DRAWN, "np.mean([right[polygons == one].mean() for one in drawn])"
            ),
            hint="Each polygon counts the same here, however many patches it has. Put the "
            "patches of all drawn polygons together, then take the mean.",
        ),
        "other number": Mistake(
            code=_draw_again_code("rng.choice(names, len(polygons))"),
            hint="Draw as many polygons as there are: no more, and no less. How many "
            "numbers are in `names`?",
        ),
        "no polygon": Mistake(
            code=_draw_again_code("rng.choice(len(names), len(names))"),
            hint="Some of the values that you drew are not numbers of polygons. Draw from "
            "`names` itself.",
        ),
        "no mean": Mistake(
            code=_draw_again_code(
                _DRAWN, "np.concatenate([right[polygons == one] for one in drawn])"
            ),
            hint="Give one number for a draw: the accuracy of all patches that were "
            "drawn.",
        ),
    },
    hints=(
        "`names` has the number of each polygon once.",
        "Draw from `names`. How many?",
        "`rng.choice(names, len(names))`.",
    ),
    explanation="This is a *bootstrap* over polygons. What changes from draw to draw shows "
    "how much the accuracy depends on the places that happen to have a label.",
    imports="import numpy as np",
    minutes=5,
)

report = Choice(
    name="report",
    title="What do you report?",
    question="""
        The next table has an interval for each class and each seed. Take a class whose
        interval lies above 0 with one seed, and includes 0 with the two others. What do you
        write about its gain?
        """,
    options=(
        Option("Undecided: this takes more places, or more trainings."),
        Option(
            "No difference: one source is as good as two.",
            hint="An interval that includes 0 also includes gains. Does it rule them out?",
        ),
        Option(
            "A gain: one of the trainings shows it clearly.",
            hint="Which seed will the next person use? With two of the three seeds, what "
            "does the interval include?",
        ),
    ),
    explanation="Either there is no gain, or this test area is too small to show it. A gain "
    "has to survive two kinds of chance: other seeds and other places.",
)


@cache
def _dual_source() -> Any:
    """The network of the notebook with drawn weights: no training is needed."""
    from tutorial_lib.networks.architectures import dual_source_fcnn

    return with_drawn_weights(dual_source_fcnn(6, crops=()), seed=0)


# The scale factor with each source as the reference: a map pixel has 20 m.
_FACTORS = {"input_10m": 2, "input_20m": 1}
_FIELDS = {"input_10m": 16, "input_20m": 8}


def _judge_plan_map(answer: Callable[..., InferencePlan]) -> Any:
    # A plan warns of fields that do not cover the same ground; a note says it better.
    with warnings.catch_warnings(action="ignore"):
        return _judge_quietly(answer)


def _judge_quietly(answer: Callable[..., InferencePlan]) -> Any:
    scene = testing.small_scene(72, 60)
    paths = {name: scene[name] for name in INPUTS}
    # Patch by patch any scale factor is possible, so the plans show the one given.
    try:
        plans = {
            first: answer(_dual_source(), paths, first, mode="patch_based")
            for first in paths
        }
    except (InputSizeError, ExpressionFieldError):
        return "fields"
    if not all(isinstance(plan, InferencePlan) for plan in plans.values()):
        return "no plan"
    wrong = _other_lines(plans) or _wrong_factors(plans) or _wrong_fields(plans)
    return wrong or _judge_plans(answer, paths)


def _other_lines(plans: Mapping[str, InferencePlan]) -> str | None:
    """Whether a line that the stub has was changed."""
    for first, plan in plans.items():
        outputs, is_first = plan.job.outputs, plan.job.names[0] == first
        if not (plan.job.patch_based and is_first and outputs == ("estimated_labels",)):
            return "other lines"
    return None


def _wrong_factors(plans: Mapping[str, InferencePlan]) -> Any:
    factors = {first: float(plan.job.rows.scale) for first, plan in plans.items()}
    likely = {
        "always 1": (1, 1),
        "always 2": (2, 2),
        "wrong way": (1, 2),
        "upside down": (0.5, 1),
        "metres": (20, 20),
    }
    pair = tuple(factors[name] for name in INPUTS)
    for mistake, values in likely.items():
        if pair == values:
            return mistake
    wrong = [name for name in INPUTS if factors[name] != _FACTORS[name]]
    if not wrong:
        return None
    spacing = {"input_10m": 10, "input_20m": 20}[wrong[0]]
    return Finding(
        f"With `{wrong[0]}` first, your scale factor is {factors[wrong[0]]:g}: a pixel "
        f"of the map would be {factors[wrong[0]] * spacing:g} m wide. The network gives "
        "one answer for each 20 m."
    )


def _wrong_fields(plans: Mapping[str, InferencePlan]) -> Any:
    for plan in plans.values():
        if plan.derived:
            continue
        for name, source in plan.sources.items():
            if source.receptive_field != _FIELDS[name]:
                return Finding(
                    f"The receptive field of `{name}` is not the side of its patches in "
                    "this notebook.",
                    right="The scale factors are right.",
                )
    return None


def _judge_plans(answer: Callable[..., Any], paths: Mapping[str, Path]) -> Any:
    """The plans as the notebook uses them, without further options."""
    model = _dual_source()
    plans = [answer(model, paths, first) for first in paths]
    if any(plan.job.patch_based for plan in plans):
        return "patch by patch"
    if {plan.grid for plan in plans} != {_whole_grid(paths)}:
        return "other part"
    images = {x: read_array(path).astype("float32")[None] for x, path in paths.items()}
    labels = np.asarray(model(images)["estimated_labels"])[0]
    # Here and there two classes are equally probable.
    same = [np.mean(plan.read() == labels) > 0.995 for plan in plans]
    return None if all(same) else "other lines"


def _whole_grid(paths: Mapping[str, Path]) -> Any:
    """Grid of the full map: the centres of all 20 m patches that lie in the image."""
    grid = read_grid(paths["input_20m"])
    return grid[4 : grid.height - 3, 4 : grid.width - 3]


def _plan_map_code(fine: str, coarse: str, factor: str, end: str = "") -> str:
    """Code of an answer with two receptive fields, a scale factor, and an end."""
    return f"""
def plan_map(model, paths, reference, **options):
    fields = {{"input_10m": {fine}, "input_20m": {coarse}}}
    scale_factor = {factor}

    names = sorted(paths, key=lambda name: name != reference)  # the reference first
    sources = {{x: tl.Source(paths[x], receptive_field=fields[x]) for x in names}}
    options |= {{"output": "estimated_labels", "scale_factor": scale_factor}}
    return tl.plan_inference(model, sources, **options){end}
"""


_FACTOR = '2 if reference == "input_10m" else 1'
_PLAN_MAP = _plan_map_code("16", "8", _FACTOR)

plan_map = Exercise(
    name="plan_map",
    title="Declare the fields and the scale factor",
    question="""
        Complete the plan of the map: the receptive field of each source, in its own
        pixels, and the scale factor. The scale factor depends on `reference`, the name of
        the source that comes first. The network gives one answer for each 20 m. The last
        four lines are written: they put the reference first, and make the plan.
        """,
    answer_name="plan_map",
    stub=_plan_map_code("...", "...", "..."),
    solution_code=_PLAN_MAP,
    judge=_judge_plan_map,
    mistakes={
        "fields": Mistake(
            code=_plan_map_code("8", "16", _FACTOR),
            hint="The network refuses blocks of these sizes. How many pixels had a patch "
            "of each source?",
        ),
        "always 1": Mistake(
            code=_plan_map_code("16", "8", "1"),
            hint="The scale factor is right with the 20 m image first. With the 10 m image "
            "first, how many of its pixels is a pixel of the map wide? (If your code has a "
            'condition: `reference` is the name of an input, such as `"input_20m"`.)',
        ),
        "always 2": Mistake(
            code=_plan_map_code("16", "8", "2"),
            hint="The scale factor is right with the 10 m image first. With the 20 m image "
            "first, the pixels of the reference and of the map are equally large.",
        ),
        "wrong way": Mistake(
            code=_plan_map_code("16", "8", _FACTOR.replace("10m", "20m")),
            hint="The two scale factors are exchanged. A scale factor is the size of a map "
            "pixel *divided by* the size of a reference pixel.",
        ),
        "upside down": Mistake(
            code=_plan_map_code("16", "8", _FACTOR.replace("2 if", "0.5 if")),
            hint="This is the size of a reference pixel divided by that of a map pixel. "
            "It must be the other way round.",
        ),
        "metres": Mistake(
            code=_plan_map_code("16", "8", "20"),
            hint="This is the size of a map pixel in metres. The scale factor says how "
            "many reference pixels that is.",
        ),
        "patch by patch": Mistake(
            code=_PLAN_MAP.replace(
                "options |=",
                'options = {"mode": "patch_based"} | options\n    options |=',
            ),
            hint="This gives the right map, but patch by patch even when nobody asks for "
            "it. Leave `mode` out.",
        ),
        "other part": Mistake(
            code=_PLAN_MAP.replace(
                "sources, **options)", 'sources, **options, edge="pad")'
            ),
            hint="This map is larger or smaller than what the whole patches of the scene "
            "give. Leave `edge` and `window` out.",
        ),
        "other lines": Mistake(
            code=_PLAN_MAP.replace("options |=", "options ="),
            hint="The map is not the one that was asked for: another source comes first, "
            "options are lost, or the sources are others. Leave the last four lines as "
            "they were.",
        ),
        "no plan": Mistake(
            code=_plan_map_code("16", "8", _FACTOR, end=".grid"),
            hint="Return what `tl.plan_inference` gives: the plan itself, and not a part "
            "of it.",
        ),
    },
    hints=(
        "The patches of this notebook had the right sizes.",
        "The scale factor is 20 m divided by the size of a reference pixel.",
        f"The scale factor is `{_FACTOR}`.",
    ),
    explanation="Whichever source comes first, the network gives one answer for each 20 m.",
    imports="import tutorial_lib as tl",
)


@cache
def _tiny_network() -> Any:
    """A network of one layer, which is exported in a second."""
    import keras

    image = keras.Input((None, None, 2), name="input")
    layer = keras.layers.Conv2D(3, 1, activation="softmax", name="softmax")
    return keras.Model({"input": image}, {"estimated": layer(image)})


def _is_tiny(folder: Path) -> bool:
    """Whether a SavedModel is the network of one layer."""
    import tensorflow as tf

    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    pixels = np.random.default_rng().random((1, 2, 2, 2), "float32")
    try:
        values = served(input=tf.constant(pixels))["estimated"]
    except (KeyError, TypeError, tf.errors.OpError):
        return False
    return close(values, _tiny_network()({"input": pixels})["estimated"])


def _judge_saved_model(folder: Path, result: Any) -> str | None:
    # Keras's own export does not write what the outputs depend on.
    if not (folder / "reach.json").exists():
        return "plain export"
    if not isinstance(result, Path):
        return "no path"
    return None if _is_tiny(folder) else "other network"


def _judge_export(answer: Callable[[Any, Path], Any]) -> Any:
    folder = testing.scratch_folder() / "saved_model"
    try:
        result = answer(_tiny_network(), folder)
    except ValueError as err:
        # What `model.save(folder)` raises.
        if "extension for saving" in str(err):
            return "keras file"
        raise
    if (folder / "saved_model.pb").exists():
        return _judge_saved_model(folder, result)
    made = [path for path in folder.parent.rglob("*") if path.is_file()]
    if any(path.suffix == ".h5" for path in made):
        return "weights"
    if any(path.suffix == ".keras" for path in made):
        return "keras file"
    if any(path.name == "saved_model.pb" for path in made):
        return "other folder"
    return "nothing"


export_model = Exercise(
    name="export_model",
    title="A SavedModel for other programs",
    question="""
        Write a function that exports a network as a SavedModel into the folder `folder`,
        and returns what `tl.export` returns.
        """,
    answer_name="export_model",
    stub="""
        def export_model(model, folder):
            return ...
        """,
    solution_code="""
        def export_model(model, folder):
            return tl.export(model, folder)
        """,
    judge=_judge_export,
    mistakes={
        "keras file": Mistake(
            code="""
                def export_model(model, folder):
                    model.save(f"{folder}.keras")
                    return folder
                """,
            hint="That is a `.keras` file, which only Keras reads. A SavedModel is a "
            "folder: `tl.export` writes it.",
        ),
        "weights": Mistake(
            code="""
                def export_model(model, folder):
                    model.save_weights(f"{folder}.weights.h5")
                    return folder
                """,
            hint="These are the weights without the network. `tl.export` writes both.",
        ),
        "plain export": Mistake(
            code="""
                def export_model(model, folder):
                    model.export(folder, verbose=False)
                    return folder
                """,
            hint="This is a SavedModel, but without the note of what its outputs depend "
            "on. `tl.export` adds it, so that a plan needs no declared fields.",
        ),
        "other folder": Mistake(
            code="""
                def export_model(model, folder):
                    return tl.export(model, folder / "model")
                """,
            hint="There is a SavedModel, but not in `folder` itself.",
        ),
        "no path": Mistake(
            code="""
                def export_model(model, folder):
                    return [tl.export(model, folder)]
                """,
            hint="The SavedModel is there. But return what `tl.export` gives, and nothing "
            "else: the next cell needs its path.",
        ),
        "other network": Mistake(
            code="""
                def export_model(model, folder):
                    return tl.export(tl.architectures.pixelwise_fcnn(6, crops=()), folder)
                """,
            hint="The SavedModel holds another network than the one that was given. Use "
            "the argument `model`.",
        ),
        "nothing": Mistake(
            code="""
                def export_model(model, folder):
                    return folder
                """,
            hint="After the call there is no SavedModel in `folder`. Call `tl.export` "
            "with the arguments `model` and `folder`, without quotes.",
        ),
    },
    hints=(
        "It is one call of the kit.",
        "Its two arguments are the model and the folder.",
        "`tl.export(model, folder)`.",
    ),
    explanation="The folder holds the network with its weights, and the names of its "
    "inputs and outputs.",
    minutes=2,
    imports="import tutorial_lib as tl",
)


# The fields that the learner fills; the notebook gives the others.
_FILLED = ("score", "interval", "score_of", "known_failures", "not_for")
_LEAST_WORDS = 3


def _judge_map_card(answer: Mapping[str, Any], *, scores: Any) -> Any:
    fields = _fields_of(answer)
    if isinstance(fields, Finding):
        return fields
    wrong = _wrong_score(fields["score"], scores)
    wrong = wrong or _wrong_interval(fields["interval"], scores)
    wrong = wrong or _wrong_words(fields)
    if wrong:
        return wrong
    # Its own errors say what is wrong with a text.
    rest = dict.fromkeys(("image", "labels", "training_area"), "as given")
    MapCard(**rest, date="2017-02-16", **fields)
    return None


def _fields_of(answer: Any) -> dict[str, Any] | Finding:
    """The fields of a card, or what is missing or too much."""
    if not isinstance(answer, Mapping):
        return Finding("The answer is a dictionary, `dict(score=…, interval=…, …)`.")
    missing = [name for name in _FILLED if name not in answer]
    unknown = [name for name in answer if name not in _FILLED]
    if missing or unknown:
        what = f"lacks `{missing[0]}`" if missing else f"has no field `{unknown[0]}`"
        return Finding(f"The card {what}. Leave its names as they were.")
    return dict(answer)


def _wrong_score(score: Any, scores: Any) -> Any:
    right, of_b = (scores.loc[f"area {area}", "accuracy"] for area in "CB")
    if isinstance(score, str):
        return Finding("`score` is a text. Give a number, without quotes.")
    likely = {"area B": of_b, "percent": 100 * right}
    return _mistake_in("score", diagnose(score, right, likely, tolerance=ROUNDED))


def _wrong_interval(interval: Any, scores: Any) -> Any:
    right = scores.loc["area C", "over polygons"]
    likely = {
        "over patches": scores.loc["area C", "over patches"],
        "interval of B": scores.loc["area B", "over polygons"],
        "turned round": right[::-1],
        "length": right[1] - right[0],
    }
    if isinstance(interval, str):
        return Finding("`interval` is a text. Give two numbers, the lower end first.")
    ends = as_array(interval)
    if ends is not None and ends.ndim == 1:
        interval = tuple(ends)
    found = diagnose(interval, right, likely, tolerance=ROUNDED)
    return _mistake_in("interval", found)


def _mistake_in(field: str, found: str | None) -> Any:
    if found != OTHER:
        return found
    return Finding(
        f"`{field}` is not in the table. Which row and column belong on a card?"
    )


def _wrong_words(fields: Mapping[str, Any]) -> str | None:
    """The mistake that the texts show, as far as words can tell."""
    score_of = str(fields["score_of"])
    if re.search(r"\baccuracy of (the|this|my) (\w+ )?map\b", score_of, re.IGNORECASE):
        return "accuracy of the map"
    if not re.search(r"\bC\b", score_of):
        on_map = re.search(r"\bmap\b", score_of, re.IGNORECASE)
        return "accuracy of the map" if on_map else "which places"
    if "polygon" not in score_of.lower():
        return "over what"
    for name in ("known_failures", "not_for"):
        if len(re.findall(r"\w+", str(fields[name]))) < _LEAST_WORDS:
            return name.replace("_", " ")
    return None


def _example_scores() -> dict[str, Any]:
    import pandas

    rng = np.random.default_rng()
    score = rng.uniform(0.5, 0.6, 2).round(3)
    rows = {
        area: {
            "accuracy": one,
            "over patches": (one - 0.016, one + 0.017),
            "over polygons": (one - 0.063, one + 0.068),
        }
        for area, one in zip(
            ("area B", "area C"), (score[0] + 0.15, score[1]), strict=True
        )
    }
    return {"scores": pandas.DataFrame.from_dict(rows, orient="index")}


def _card_code(
    row: str = "area C",
    score: str = 'row["accuracy"]',
    interval: str = 'row["over polygons"]',
    score_of: str = "accuracy of labelled patches of area C; interval over polygons",
    known_failures: str = "clouds get a class too; unsure where two classes meet",
    not_for: str = "other seasons and places; the area that a class covers",
) -> str:
    """Code of an answer; the stub has blanks in place of all of these."""
    return f"""
row = scores.loc["{row}"]
card = dict(
    score={score},
    interval={interval},
    score_of="{score_of}",
    known_failures="{known_failures}",
    not_for="{not_for}",
)
"""


map_card = Exercise(
    name="map_card",
    title="The card of your map",
    question="""
        Fill the card: a score and its interval from the table above, and three sentences.

        - `score_of`: which score it is, of which area, and what the interval is over,
        - `known_failures`: where the map is wrong; think of notebook 05,
        - `not_for`: what nobody should use it for.
        """,
    answer_name="card",
    stub="""
        card = dict(
            score=...,
            interval=...,
            score_of=...,
            known_failures=...,
            not_for=...,
        )
        """,
    solution_code=_card_code(),
    judge=_judge_map_card,
    mistakes={
        "area B": Mistake(
            code=_card_code(score='scores.loc["area B", "accuracy"]'),
            hint="This is the score of area B. B has chosen the epoch that was kept, so its "
            "score flatters the network.",
        ),
        "percent": Mistake(
            code=_card_code(score='100 * row["accuracy"]'),
            hint="A card has scores from 0 to 1.",
        ),
        "over patches": Mistake(
            code=_card_code(interval='row["over patches"]'),
            hint="This interval takes each patch for a sample of its own. How many samples "
            "are there really?",
        ),
        "interval of B": Mistake(
            code=_card_code(interval='scores.loc["area B", "over polygons"]'),
            hint="The score is right, but this is the interval of another area.",
        ),
        "turned round": Mistake(
            code=_card_code(interval='row["over polygons"][::-1]'),
            hint="The interval is right, but its lower end comes first.",
        ),
        "length": Mistake(
            code=_card_code(
                interval='row["over polygons"][1] - row["over polygons"][0]'
            ),
            hint="That is the length of the interval. Give its two ends.",
        ),
        "accuracy of the map": Mistake(
            code=_card_code(score_of="accuracy of the map; interval over polygons"),
            hint="The score is not that of the map: there, one class may cover half of the "
            "ground. Here each class has as many patches as the others. Say where they "
            "lie.",
        ),
        "which places": Mistake(
            code=_card_code(score_of="overall accuracy; interval over polygons"),
            hint="`score_of` does not say which places were counted. Name the area by its "
            "letter.",
        ),
        "over what": Mistake(
            code=_card_code(score_of="overall accuracy of labelled patches of area C"),
            hint="`score_of` does not say what was drawn again for the interval.",
        ),
        "known failures": Mistake(
            code=_card_code(known_failures="none"),
            hint="`known_failures` says hardly anything. Each map fails somewhere: what did "
            "notebook 05 show under the cloud, and where two classes meet?",
        ),
        "not for": Mistake(
            code=_card_code(not_for="-"),
            hint="`not_for` says hardly anything. From which day and place were the "
            "training patches? Who should not rely on this map?",
        ),
    },
    hints=(
        "The score belongs to places that no training has used, not even to choose the "
        "epoch.",
        "Take the row of area C and its interval over polygons: "
        '`scores.loc["area C", "over polygons"]`.',
        "`score_of` could be: accuracy of labelled patches of area C, interval over "
        "polygons.",
    ),
    explanation="Whoever gets the file now knows what you know.",
    example=_example_scores,
    minutes=5,
    pairs=True,
)
