"""Exercises of notebook 08: errors near borders, and scores of a map."""

import re
import warnings
from collections.abc import Callable
from itertools import pairwise
from traceback import walk_tb
from types import TracebackType
from typing import Any

import numpy as np

from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    compare_networks,
    try_cases,
)
from tutorial_lib.exercises.judging import as_array, is_numeric


def _smallest_exact_crop() -> int:
    """The crop that the kit finds for the network with five halvings."""
    from tutorial_lib.fields.analysis import analyse
    from tutorial_lib.fields.tiling import check_tiling
    from tutorial_lib.networks.architectures import deeper_unet

    analysis = analyse(deeper_unet(4, depth=5, crops=()))
    return check_tiling(analysis, "estimated", tile=32, crop=0).crops[0]


exact_crop = Choice(
    name="exact_crop",
    title="The crop of a deeper network",
    question="""
        A crop is exact if it removes the larger margin, and if two crops together are a
        multiple of the total stride. For 3 halvings the smallest exact crop is 16, and
        for 4 it is 32. What is it for **5**?
        """,
    options=(
        Option(
            "32: the right and the bottom lose 32 pixels.",
            value=32,
            hint="That is right for these two sides. The crop is the same on all sides: "
            "how much do the left and the top lose?",
        ),
        Option(
            "48: each halving adds 16.",
            value=48,
            hint="Two rows fit a straight line as well. But what does a halving do to "
            "the size of a pixel: does it add to it?",
        ),
        Option(
            "63: the left and the top lose 63 pixels.",
            value=63,
            hint="That removes the margins. Now look at the second rule.",
        ),
        Option("64: each halving doubles it.", value=64),
    ),
    key=_smallest_exact_crop,
    explanation="The margins are 63 and 32, and the total stride is 32.",
)


def _judge_deeper(answer: type) -> str | Finding | None:
    from tutorial_lib.fields.analysis import analyse

    channels = {"input_p": 1, "input_xs": 4}
    try:
        model = answer().build(channels)
        analysis = analyse(model)
    except (TypeError, ValueError) as err:
        mistake = _wrong_filters(err.__traceback__) or _why_not_joined(answer)
        if mistake is None:
            raise
        return mistake
    reference = deeper.run(deeper.solution_code)().build(channels)
    return (
        _wrong_graph(analysis)
        or _wrong_crops(analysis)
        or compare_networks(model, reference, says="the question says")
    )


def _wrong_graph(analysis: Any) -> str | None:
    """The mistake in how the layers are joined, if there is one that has its hint."""
    stride = analysis.total_stride["input_p"]
    joins = [step.kind for step in analysis.steps if len(step.inputs) > 1]
    if not any(analysis.inputs["input_xs"] in step.inputs for step in analysis.steps):
        # One doubling of the first level is all that is left of the network.
        return "no xs" if stride > 4 else "net is lost"
    problems = {
        "another level": analysis.spacing["input_xs"] != 4,
        "too small": analysis.scale["estimated"] != 1,
        "another depth": stride != 32,
        "concatenated": "Concatenate" in joins,
        "no skips": len(joins) < 5,
    }
    return next((name for name, found in problems.items() if found), None)


def _wrong_crops(analysis: Any) -> str | None:
    """The mistake in the crops of a network, if there is one that has its hint."""
    start = "estimated_crop"
    margins = {
        int(name.removeprefix(start)): margins
        for name, margins in analysis.margins.items()
        if name.startswith(start)
    }
    if 64 not in margins:
        exact = any(lost == (0, 0, 0, 0) for lost in margins.values())
        return "another crop" if exact else "crops"
    return "few crops" if not {8, 16, 32} <= set(margins) else None


def _wrong_filters(traceback: TracebackType | None) -> str | None:
    """Whether a layer was made with something else than a number of filters."""
    for frame, _ in walk_tb(traceback):
        filters = frame.f_locals.get("filters", 1)
        if frame.f_code.co_name in ("double", "halve") and not np.isscalar(filters):
            return "filters"
    return None


def _why_not_joined(answer: type) -> str | None:
    """Mistake of a network that cannot join two images: sizes or channels differ."""
    import keras

    # Keras compares the sizes of two images only if they are known.
    inputs = {
        "input_p": keras.Input((128, 128, 1)),
        "input_xs": keras.Input((32, 32, 4)),
    }
    try:
        answer().network(inputs)
    except ValueError as err:
        if not re.search("incompatible shapes|matching shapes|broadcast", str(err)):
            return None
        shapes = _shapes_given_to_keras(err.__traceback__)
        if len({shape[1:3] for shape in shapes}) > 1:
            return "sizes"
        if len({shape[3:] for shape in shapes}) > 1:
            return "channels"
    return None


def _shapes_given_to_keras(traceback: TracebackType | None) -> list[tuple]:
    """Shapes of the images that were given to the call of Keras that failed."""
    import keras

    frames = [frame for frame, _ in walk_tb(traceback)]
    # The function of Keras that a line of the learner calls. Cells run in "__main__".
    called = [
        frame
        for caller, frame in pairwise(frames)
        if caller.f_globals["__name__"] == "__main__"
    ]
    values = keras.tree.flatten(
        [list(frame.f_locals.values()) for frame in called[-1:]]
    )
    return [value.shape for value in values if isinstance(value, keras.KerasTensor)]


_DEEPER = """
    class Deeper(tl.PatchModel):
        scale = 0.01

        def __init__(self):
            super().__init__(crops=(8, 16, 32, 64))

        def network(self, inputs):
            net, levels = inputs["input_p"], []
            for filters in (16, 32, 64, 64, 64):
                net = halve(net, filters)
                if filters == 32:
                    xs = keras.layers.Conv2D(32, 3, padding="same")(inputs["input_xs"])
                    net = keras.layers.Add()([net, xs])
                levels.append(net)
            for skip in reversed(levels[:-1]):
                net = keras.layers.Add()([double(net, skip.shape[-1]), skip])
            return {"estimated": double(net, 4, activation="softmax")}
    """


_FILTERS, _CROPS = "(16, 32, 64, 64, 64)", "(8, 16, 32, 64)"
_SKIP = "keras.layers.Add()([double(net, skip.shape[-1]), skip])"

deeper = Exercise(
    name="deeper",
    title="One halving more",
    question="""
        With many halvings, soon more of each chunk is removed than kept. Our deeper
        network has **five**. Here is its code, with three blanks. `halve` is a
        convolution with a stride of 2, and `double` is a transposed one.

        1. `crops`: it has outputs with the crops 8, 16, 32, and the crop that is exact.
        2. The numbers of filters, one for each halving: 16 in the first, 32 in the
           second, and 64 in all others.
        3. The image after each halving is kept in `levels`. On the way up, `skip` is one
           of these images. `double` makes `net` as large as `skip`, with as many channels.
           Then the two are added.

        The images hold digital numbers of 11 bits, up to 2047. `scale = 0.01` multiplies
        them by 0.01, because a network learns faster from numbers near 1.
        """,
    answer_name="Deeper",
    stub=_DEEPER.replace(_FILTERS, "...")
    .replace(_CROPS, "...")
    .replace(f"net = {_SKIP}", "net = ..."),
    solution_code=_DEEPER,
    judge=_judge_deeper,
    mistakes={
        "another depth": Mistake(
            code=_DEEPER.replace(_FILTERS, "(16, 32, 64, 64)"),
            hint="The total stride is not that of five halvings. Each number of filters "
            "makes one halving: how many numbers are there?",
        ),
        "crops": Mistake(
            code=_DEEPER.replace(_CROPS, "(8, 16, 32)"),
            hint="No output with a crop is exact: the last number is missing, or too "
            "small. Which crop does the table have for five halvings?",
        ),
        "another crop": Mistake(
            code=_DEEPER.replace(_CROPS, "(8, 16, 32, 128)"),
            hint="One of these crops removes the margins, but the smallest exact one is "
            "missing. Which one does the table have for five halvings?",
        ),
        "few crops": Mistake(
            code=_DEEPER.replace(_CROPS, "(64,)"),
            hint="The crop that is exact is there. The question asks for three smaller "
            "ones as well, to measure what they leave.",
        ),
        "another level": Mistake(
            code=_DEEPER.replace(_FILTERS, "(64, 64, 64, 32, 16)"),
            hint="xs joins where there are 32 filters. There the image must have been "
            "halved twice, because a pixel of xs is as wide as four of pan. Which number "
            "stands second?",
        ),
        "no skips": Mistake(
            code=_DEEPER.replace(_SKIP, "double(net, skip.shape[-1])"),
            hint="The levels of the way down are not used. What is doubled must be added "
            "to `skip`, the level of the same size.",
        ),
        "concatenated": Mistake(
            code=_DEEPER.replace(
                _SKIP,
                "keras.layers.Concatenate()([double(net, skip.shape[-1]), skip])",
            ),
            hint="The levels are used, but joined to what is doubled as more channels. "
            "They must be added to it.",
        ),
        "channels": Mistake(
            code=_DEEPER.replace(_SKIP, "keras.layers.Add()([double(net, 64), skip])"),
            hint="The sizes fit, the channels do not: double to as many filters as the "
            "level has, `skip.shape[-1]`.",
        ),
        "no xs": Mistake(
            code=_DEEPER.replace(_FILTERS, "(16, 64, 64, 64, 64)"),
            hint="The result does not depend on xs. xs joins where there are 32 filters: "
            "which halving has them?",
        ),
        "sizes": Mistake(
            code=_DEEPER.replace(_SKIP, "keras.layers.Add()([net, skip])"),
            hint="Two images of different size are added. On the way up, `net` must be "
            "doubled before it is added to `skip`. On the way down, xs joins where there "
            "are 32 filters: only the second halving may have them.",
        ),
        "filters": Mistake(
            code=_DEEPER.replace(
                _SKIP, "keras.layers.Add()([double(net, skip), skip])"
            ),
            hint="`double` and `halve` take a number of filters second. Here they get "
            "something else. The channels of an image are `skip.shape[-1]`.",
        ),
        "net is lost": Mistake(
            code=_DEEPER.replace(_SKIP, "double(skip, skip.shape[-1])"),
            hint="In each turn of the last loop, what was computed before is lost: "
            "`net` itself must be doubled, and then added to `skip`.",
        ),
        "too small": Mistake(
            code=_DEEPER.replace("reversed(levels[:-1])", "reversed(levels[1:-1])"),
            hint="The output is smaller than pan: there must be as many doublings as "
            "halvings, one of them after the loop.",
        ),
    },
    hints=(
        "Begin with the numbers: the crops, then one number of filters for each halving.",
        "Five numbers of filters are five halvings. The table of exact crops has the "
        "crop.",
        "`keras.layers.Add()([double(net, filters), skip])`, with as many filters as "
        "`skip` has channels: `skip.shape[-1]`.",
    ),
    explanation="The kit builds it as `tl.architectures.deeper_unet(4, depth=5)`.",
    imports="""
        import keras
        import tutorial_lib as tl


        def halve(net, filters):
            return keras.layers.Conv2D(filters, 3, 2, "same", activation="relu")(net)


        def double(net, filters, activation="relu"):
            layer = keras.layers.Conv2DTranspose
            return layer(filters, 3, 2, "same", activation=activation)(net)
        """,
    minutes=7,
    pairs=True,
)


def _judge_distortion(answer: Callable[..., float]) -> str | Finding | None:
    small = np.zeros((2, 2, 2)), np.array([[[3.0, 4], [0, 0]], [[0, 0], [0, 0]]])
    chunks = [(*_random_chunk(), crop) for crop in (1, 2, 3, 4, 5, 6)]
    rules = {name: _of_arrays(rule) for name, rule in _DISTORTIONS.items()}
    right = rules.pop("right")
    # NumPy warns of the mean of an empty array.
    with warnings.catch_warnings(action="ignore"):
        if mistake := _refused_by_numpy(answer, (*small, 0)):
            return mistake
        found = try_cases(answer, chunks, right, rules)
        if isinstance(found, Finding) and _has_axes(answer(*chunks[0])):
            return "many numbers"
        if isinstance(found, Finding) and _leaves_nothing(answer):
            return "empty"
        if found is None and np.isnan(answer(*small, 0)):
            return "nothing left"
        if isinstance(found, Finding) or found is None:
            # The smallest example first.
            found = try_cases(answer, [(*small, 0), *chunks], right)
    return found


def _leaves_nothing(answer: Callable[..., float]) -> bool:
    """Whether all pixels are removed: an error of 1 everywhere has no distortion."""
    result = as_array(answer(np.ones((8, 9, 2)), np.zeros((8, 9, 2)), 1))
    return is_numeric(result) and bool(np.isnan(result).all())


def _has_axes(result: Any) -> bool:
    """Whether a result is an array or list of numbers, and not one number."""
    array = as_array(result)
    return is_numeric(array) and array.ndim > 0


def _refused_by_numpy(answer: Callable[..., float], case: tuple) -> str | None:
    """The mistake behind an error whose words name only inner parts of NumPy."""
    try:
        answer(*case)
    except Exception as err:
        words = {
            "bitwise_xor": "no power",
            "builtin_function_or_method": "not called",
        }
        return next((name for word, name in words.items() if word in str(err)), None)
    return None


def _random_chunk() -> tuple[np.ndarray, np.ndarray]:
    """Outputs of a chunk alone and with its surroundings: (height, width, band)."""
    rng = np.random.default_rng()
    # Not square, and with a different error at each border, so that every mistake
    # gives its own result.
    height, width = rng.integers(20, 40, 2)
    alone, around = rng.uniform(0, 1, (2, height, width, rng.integers(2, 6)))
    alone[:3] += 2
    alone[:, -2:] -= 1
    return alone, around


def _of_arrays(
    rule: Callable[[np.ndarray, int], float],
) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """A rule of the error and the crop, as a function of the two arrays."""
    return lambda alone, around, crop: rule(alone - around, crop)


def _inner(error: np.ndarray, crop: int) -> np.ndarray:
    height, width, _ = error.shape
    return error[crop : height - crop, crop : width - crop]


def _root_mean(error: np.ndarray) -> float:
    """Root of the mean over all pixels of the squared error, summed over the bands."""
    return np.sqrt((error**2).sum(axis=-1).mean())


# Rules of the right answer and of each mistake: error and crop give the result.
_DISTORTIONS: dict[str, Callable[[np.ndarray, int], float]] = {
    "right": lambda error, crop: _root_mean(_inner(error, crop)),
    "per value": lambda error, crop: np.sqrt((_inner(error, crop) ** 2).mean()),
    "no root": lambda error, crop: _root_mean(_inner(error, crop)) ** 2,
    "halved": lambda error, crop: _root_mean(_inner(error, crop)) ** 2 / 2,
    "absolute": lambda error, crop: np.abs(_inner(error, crop)).sum(-1).mean(),
    "sum": lambda error, crop: np.sqrt((_inner(error, crop) ** 2).sum()),
    "root first": lambda error, crop: np.linalg.norm(
        _inner(error, crop), axis=-1
    ).mean(),
    "no crop": lambda error, crop: _root_mean(error),
    "one side": lambda error, crop: _root_mean(error[crop:, crop:]),
    "other side": lambda error, crop: _root_mean(
        error[: len(error) - crop, : error.shape[1] - crop]
    ),
    "half of it": lambda error, crop: _root_mean(_inner(error, crop // 2)),
    "rows only": lambda error, crop: _root_mean(error[crop : len(error) - crop]),
    "whole chunk": lambda error, crop: np.sqrt(
        (_inner(error, crop) ** 2).sum() / error[..., 0].size
    ),
    "sides exchanged": lambda error, crop: _root_mean(
        error[crop : error.shape[1] - crop, crop : error.shape[0] - crop]
    ),
    "another axis": lambda error, crop: np.sqrt(
        (_inner(error, crop) ** 2).sum(axis=0).mean()
    ),
    "two at the start": lambda error, crop: _root_mean(error[2 * crop :, 2 * crop :]),
    "not squared": lambda error, crop: np.sqrt(_inner(error, crop).sum(-1).mean() ** 2),
    "mean of bands": lambda error, crop: np.sqrt(
        (_inner(error, crop).sum(-1) ** 2).mean()
    ),
    "height twice": lambda error, crop: _root_mean(
        error[crop : len(error) - crop, crop : len(error) - crop]
    ),
    "two at the end": lambda error, crop: _root_mean(
        _inner(error, crop)[: len(error) - 3 * crop, : error.shape[1] - 3 * crop]
    ),
    "not in the middle": lambda error, crop: _root_mean(
        error[: len(error) - 2 * crop, : error.shape[1] - 2 * crop]
    ),
    "one less": lambda error, crop: _root_mean(_inner(error, crop)[:-1, :-1]),
    "exchanged": lambda error, crop: np.sqrt(
        (_inner(error, crop) ** 2).mean(axis=-1).sum()
    ),
}


def _distortion_code(value: str, rows: str = "", cols: str = "") -> str:
    """Code of an answer that returns `value` of the error in these rows and columns."""
    rows, cols = rows or "crop : height - crop", cols or "crop : width - crop"
    return f"""
def distortion(alone, around, crop):
    height, width, bands = alone.shape
    error = (alone - around)[{rows}, {cols}]
    return {value}
"""


_VALUE = "np.sqrt((error**2).sum(axis=-1).mean())"

distortion = Exercise(
    name="distortion",
    title="Distortion after a crop",
    question="""
        `alone` and `around` are arrays of one shape, (height, width, band). Remove `crop`
        pixels from all four sides, and measure the distortion that is left. Square the
        differences, **sum** the squares over the bands, take the **mean** over the
        pixels, then the root. A crop of 0 must work too.
        """,
    answer_name="distortion",
    stub="""
        def distortion(alone, around, crop):
            height, width, bands = alone.shape
            error = (alone - around)[..., ...]
            return ...
        """,
    solution_code=_distortion_code(_VALUE),
    judge=_judge_distortion,
    mistakes={
        "per value": Mistake(
            code=_distortion_code("np.sqrt((error**2).mean())"),
            hint="That is the mean over the bands too. Sum the squares over the bands.",
        ),
        "no root": Mistake(
            code=_distortion_code("(error**2).sum(axis=-1).mean()"),
            hint="All is right except for the root, which is missing.",
        ),
        "halved": Mistake(
            code=_distortion_code("(error**2).sum(axis=-1).mean() ** 1 / 2"),
            hint="This is half of the mean, and not its root. `**` comes before `/`, so "
            "write `** (1 / 2)`, or use `np.sqrt`.",
        ),
        "absolute": Mistake(
            code=_distortion_code("np.abs(error).sum(axis=-1).mean()"),
            hint="Square the differences instead of taking absolute values. The root "
            "comes at the end.",
        ),
        "root first": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=-1)).mean()"),
            hint="The root comes last. Here it is taken of each pixel, before the mean.",
        ),
        "many numbers": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=-1).mean(axis=0))"),
            hint="The distortion of a chunk is one number, and yours is an array or a "
            "list. Take the mean over rows and columns: over all pixels.",
        ),
        "sum": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum())"),
            hint="You also sum over the pixels: then a larger chunk has a larger "
            "distortion. Take the mean over the pixels.",
        ),
        "no crop": Mistake(
            code=_distortion_code(_VALUE, ":", ":"),
            hint="Nothing has been removed: the result does not depend on `crop`.",
        ),
        "one side": Mistake(
            code=_distortion_code(_VALUE, "crop:", "crop:"),
            hint="In the arrays of this check, pixels are removed at the top and the "
            "left only. These arrays have other sizes than those of the notebook: use "
            "`height` and `width`.",
        ),
        "other side": Mistake(
            code=_distortion_code(_VALUE, ": height - crop", ": width - crop"),
            hint="Pixels are removed at the bottom and the right only.",
        ),
        "half of it": Mistake(
            code=_distortion_code(
                _VALUE,
                "crop // 2 : height - crop // 2",
                "crop // 2 : width - crop // 2",
            ),
            hint="Half of the crop is removed from each side. It is `crop` pixels from "
            "each of the four sides.",
        ),
        "empty": Mistake(
            code=_distortion_code(_VALUE, "crop:crop", "crop:crop"),
            hint="No pixel is left. The second number of a slice says where the part "
            "ends: how many rows from the top?",
        ),
        "rows only": Mistake(
            code=_distortion_code(_VALUE, "crop : height - crop", ":"),
            hint="Rows are removed, columns are not.",
        ),
        "whole chunk": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum() / (height * width))"),
            hint="You divide by all pixels of the chunk. The mean is over the pixels "
            "that are left after the crop.",
        ),
        "sides exchanged": Mistake(
            code=_distortion_code(
                _VALUE, "crop : width - crop", "crop : height - crop"
            ),
            hint="Rows and columns are exchanged: the first axis has `height` pixels.",
        ),
        "another axis": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=0).mean())"),
            hint="`axis=0` sums over the rows. The bands are the last axis, `axis=-1`.",
        ),
        "two at the start": Mistake(
            code=_distortion_code(_VALUE, "2 * crop :", "2 * crop :"),
            hint="As many pixels are removed as asked for, but all at the top and the "
            "left. Remove half of them at the other two sides.",
        ),
        "not squared": Mistake(
            code=_distortion_code("np.sqrt(error.sum(axis=-1).mean() ** 2)"),
            hint="The mean is squared instead of each difference, so that differences "
            "of both signs cancel. Square first.",
        ),
        "mean of bands": Mistake(
            code=_distortion_code("np.sqrt((error.sum(axis=-1) ** 2).mean())"),
            hint="The bands are summed before they are squared, so that differences of "
            "both signs cancel. Square first.",
        ),
        "height twice": Mistake(
            code=_distortion_code(
                _VALUE, "crop : height - crop", "crop : height - crop"
            ),
            hint="The rows are right. The columns end at the width, not at the height.",
        ),
        "two at the end": Mistake(
            code=_distortion_code(
                _VALUE, "crop : height - 2 * crop", "crop : width - 2 * crop"
            ),
            hint="At the bottom and the right, two crops are removed instead of one. The "
            "second number of a slice counts from the start: where does the part end?",
        ),
        "not in the middle": Mistake(
            code=_distortion_code(_VALUE, ": height - 2 * crop", ": width - 2 * crop"),
            hint="The part has the right size, but it begins in the corner. It must "
            "begin `crop` pixels further down and to the right.",
        ),
        "one less": Mistake(
            code=_distortion_code(
                _VALUE, "crop : height - crop - 1", "crop : width - crop - 1"
            ),
            hint="The last row and the last column are missing: a slice already "
            "leaves out the row of its second number.",
        ),
        "exchanged": Mistake(
            code=_distortion_code("np.sqrt((error**2).mean(axis=-1).sum())"),
            hint="Mean and sum are exchanged: sum over the bands, then take the mean over "
            "the pixels.",
        ),
        "no power": Mistake(
            code=_distortion_code("np.sqrt((error ^ 2).sum(axis=-1).mean())"),
            hint="In Python, `^` is not a power: it works on single bits. Write `**`.",
        ),
        "not called": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=-1).mean)"),
            hint="A function is not called here: `.mean` and `.sum` need brackets after "
            "them, as in `.mean()`.",
        ),
        "nothing left": Mistake(
            code=_distortion_code(_VALUE, "crop:-crop", "crop:-crop"),
            hint="This is right, except for a crop of 0: `[0:-0]` is `[0:0]`, which "
            "is nothing. Count from the start: `height - crop`.",
        ),
    },
    hints=(
        "First remove rows and columns, then compute.",
        "`[crop : height - crop, crop : width - crop]`",
        "`.sum(axis=-1)` sums over the bands; `.mean()` of that is over the pixels.",
    ),
    explanation="This is the number that the OTBTF tutorial measures.",
    imports="import numpy as np",
    minutes=5,
)


def _cost_of_large_chunks() -> float:
    """Pixels computed for each that is kept of a chunk of 1024, to two decimals."""
    kept = 1024 - 2 * _smallest_exact_crop()
    return round((1024 / kept) ** 2, 2)


cost = Choice(
    name="cost",
    title="What a large chunk costs",
    question="""
        With the exact crop of 64, half of each side of a chunk of 256 pixels is thrown
        away. So 4 pixels are computed for each pixel that is kept. How many are computed
        for each with chunks of **1024** pixels?
        """,
    options=(
        Option(
            "4 again: the crop is the same.",
            value=4,
            hint="The crop is the same, in pixels. Which share of the side of a larger "
            "chunk is it?",
        ),
        Option(
            "2: twice 64 pixels are thrown away.",
            value=2,
            hint="With a cost of 2, half of all pixels are thrown away. How many of the "
            "1024 pixels of a side are kept?",
        ),
        Option("1.31: of 1024 x 1024 pixels, 896 x 896 are kept.", value=1.31),
        Option(
            "1.14: of 1024 pixels, 896 are kept.",
            value=1.14,
            hint="That is right for one row. A chunk has rows and columns, and both "
            "lose pixels.",
        ),
    ),
    key=_cost_of_large_chunks,
    explanation="Of each side, 896 of 1024 pixels are kept: (1024 / 896) ** 2.",
)


hidden_errors = Choice(
    name="hidden_errors",
    title="What is left when the seams are hidden?",
    question="""
        A crop of 16 is a quarter of the exact one. The seams are hard to see now, and the
        RMSE falls to less than half. What happens to the **largest** error of a pixel?
        """,
    options=(
        Option(
            "It falls to less than half as well, as the RMSE does.",
            hint="The RMSE is a mean over all pixels, and most of them were right "
            "before. Does a mean tell about the pixel that is most wrong?",
        ),
        Option("It stays large: more than half of what it was."),
        Option(
            "It is nearly 0, because nothing can be seen.",
            hint="You see a seam because it is long and straight. Would you see a few "
            "wrong pixels beside a house?",
        ),
        Option(
            "It grows: smaller blocks have more borders.",
            hint="There are a few more borders, but each is now further from the zeros. "
            "Does this make the error of a pixel larger?",
        ),
    ),
    explanation="A crop that is too small makes wrong pixels rare. It does not make them "
    "right.",
    vote=True,
    pairs=True,
)


def _judge_map_accuracy(answer: Callable[..., float]) -> str | Finding | None:
    rng = np.random.default_rng()
    cases = [
        (np.array([1.0, 0.5]), np.array([300, 100])),
        (np.array([0.9, 0.5, 0.7]), np.array([10, 30, 60])),
    ]
    for count in (2, 3, 4, 6):
        cases.append((rng.uniform(0.2, 0.9, count), rng.integers(100, 9000, count)))
    rules = {name: _of_shares(rule) for name, rule in _MAP_ACCURACIES.items()}
    found = try_cases(answer, cases, _right_map_accuracy, rules)
    if isinstance(found, Finding) and _has_axes(values := answer(*cases[0])):
        is_right = np.allclose(np.sum(values), _right_map_accuracy(*cases[0]))
        return "many numbers" if is_right else "many others"
    return found


def _right_map_accuracy(users: np.ndarray, map_pixels: np.ndarray) -> float:
    return float(users @ map_pixels) / float(map_pixels.sum())


def _of_shares(
    rule: Callable[[np.ndarray, np.ndarray, np.ndarray], float],
) -> Callable[[np.ndarray, np.ndarray], float]:
    """A rule of accuracies, weights and pixels, as a function of the two arrays."""
    return lambda users, pixels: rule(users, pixels / pixels.sum(), pixels)


_MAP_ACCURACIES: dict[str, Callable[..., float]] = {
    "plain mean": lambda u, w, n: u.mean(),
    "not divided": lambda u, w, n: (n * u).sum(),
    "mean of products": lambda u, w, n: (w * u).mean(),
    "by the largest": lambda u, w, n: (n / n.max() * u).sum(),
    "by the number": lambda u, w, n: (n / len(n) * u).sum(),
    "mean pixels": lambda u, w, n: (n / n.mean() * u).sum(),
    "rare ones count more": lambda u, w, n: (u / w).sum() / (1 / w).sum(),
    "equal weights": lambda u, w, n: u.sum(),
    "largest class": lambda u, w, n: u[n.argmax()],
    "wrong shares": lambda u, w, n: ((1 - u) * w).sum(),
    "shares of right": lambda u, w, n: (u / u.sum() * w).sum(),
    "percent": lambda u, w, n: 100 * (u * w).sum(),
    "divided": lambda u, w, n: (u / w).sum(),
    "whole shares": lambda u, w, n: 0.0,
}


def _map_accuracy_code(weights: str, value: str) -> str:
    """Code of an answer with these weights, and this value made of them."""
    return f"""
def map_accuracy(users, map_pixels):
    weights = {weights}
    return {value}
"""


_WEIGHTS, _WEIGHTED = "map_pixels / map_pixels.sum()", "(weights * users).sum()"

map_accuracy = Exercise(
    name="map_accuracy",
    title="The accuracy of the whole map",
    question="""
        `users` has the user's accuracy of each class, `map_pixels` the number of map
        pixels of each class. Both are NumPy arrays in the order of the classes.

        The **weight** of a class is its share of the map. Write the weights. Then write
        the overall accuracy: the share of the whole map that is right.
        """,
    answer_name="map_accuracy",
    stub=_map_accuracy_code("...", "..."),
    solution_code=_map_accuracy_code(_WEIGHTS, _WEIGHTED),
    judge=_judge_map_accuracy,
    mistakes={
        "plain mean": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "users.mean()"),
            hint="Here each class counts the same. A class that covers half of the map "
            "must count for half.",
        ),
        "not divided": Mistake(
            code=_map_accuracy_code("map_pixels", _WEIGHTED),
            hint="That is how many pixels of the map are right. The question asks for a "
            "share, so the weights must be shares.",
        ),
        "mean of products": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "(weights * users).mean()"),
            hint="The weights are right. They add up to 1, so the products must be "
            "summed; the mean divides once more.",
        ),
        "by the largest": Mistake(
            code=_map_accuracy_code("map_pixels / map_pixels.max()", _WEIGHTED),
            hint="The weights must add up to 1: each is a share of the whole map. Here "
            "the largest class alone has the weight 1.",
        ),
        "by the number": Mistake(
            code=_map_accuracy_code("map_pixels / len(map_pixels)", _WEIGHTED),
            hint="The weights must add up to 1. Here the pixels are divided by the "
            "number of classes, instead of by all pixels of the map.",
        ),
        "mean pixels": Mistake(
            code=_map_accuracy_code("map_pixels / map_pixels.mean()", _WEIGHTED),
            hint="The weights must add up to 1. Divide by all pixels of the map instead "
            "of by their mean.",
        ),
        "rare ones count more": Mistake(
            code=_map_accuracy_code(
                "1 / map_pixels", "(weights * users).sum() / weights.sum()"
            ),
            hint="Here a rare class counts more than a common one. It is the other way "
            "round: a class with many map pixels has a large weight.",
        ),
        "equal weights": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "users.sum()"),
            hint="This sum does not use the weights, and it may be larger than 1.",
        ),
        "largest class": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "users[weights.argmax()]"),
            hint="That is the accuracy of the largest class. All classes must count.",
        ),
        "wrong shares": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "(weights * (1 - users)).sum()"),
            hint="That is the share of the map that is wrong.",
        ),
        "shares of right": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "(weights * users).sum() / users.sum()"),
            hint="The weights add up to 1 already: do not divide by the accuracies.",
        ),
        "many numbers": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "weights * users"),
            hint="That is one number for each class. The map has one: add them up.",
        ),
        "many others": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "weights"),
            hint="That is one number for each class, and the map has one. Each accuracy "
            "must count with the weight of its class.",
        ),
        "percent": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "100 * (weights * users).sum()"),
            hint="All is right except for the unit: this is in percent. A share lies "
            "between 0 and 1.",
        ),
        "divided": Mistake(
            code=_map_accuracy_code(_WEIGHTS, "(users / weights).sum()"),
            hint="Here the accuracy of a class is divided by its weight, or its weight is "
            "turned round. A class with many map pixels must count more.",
        ),
        "whole shares": Mistake(
            code=_map_accuracy_code("map_pixels // map_pixels.sum()", _WEIGHTED),
            hint="This is always 0: `//` drops the decimals, and each share is smaller "
            "than 1.",
        ),
    },
    hints=(
        "What share of the map has been given to each class?",
        "Divide the map pixels of each class by all map pixels.",
        f"`{_WEIGHTS}`, and the sum of the products: `{_WEIGHTED}`.",
    ),
    explanation="The more of the map a class covers, the more its accuracy counts.",
    imports="import numpy as np",
    minutes=4,
)
