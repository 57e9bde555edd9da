"""Exercises of notebook 08: errors near the borders of a chunk, cost of a crop."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from traceback import walk_tb
from types import TracebackType

import numpy as np

from tutorial_lib.exercises import OTHER, Exercise, Mistake, close, diagnose


def _judge_exact_crop(answer: Callable[[int], int]) -> str | None:
    depths = range(3, 10)
    likely = {
        "right end": [2**d for d in depths],
        "margin": [2 ** (d + 1) - 1 for d in depths],
        "half of both": [1.5 * 2**d - 0.5 for d in depths],
        "straight line": [16 * d - 32 for d in depths],
        "squared": [2 * d**2 for d in depths],
        "one depth": [32] * len(depths),
        "times": [8 * d for d in depths],
    }
    right = [2 ** (d + 1) for d in depths]
    return diagnose([answer(d) for d in depths], right=right, likely=likely)


def _exact_crop_code(body: str) -> str:
    return f"def exact_crop(depth):\n    return {body}\n"


exact_crop = Exercise(
    name="exact_crop",
    title="The crop of a deeper network",
    question="""
        Two rows are enough to guess the law. Write the smallest crop, the same on all
        sides, with which a network of `depth` halvings can be tiled exactly. Think of
        both rules: the margins must go, and the total stride must fit.
        """,
    answer_name="exact_crop",
    stub=_exact_crop_code("..."),
    solution_code=_exact_crop_code("2 ** (depth + 1)"),
    judge=_judge_exact_crop,
    mistakes={
        "right end": Mistake(
            code=_exact_crop_code("2 ** depth"),
            hint="That is enough at the right and the bottom. What of the other sides?",
        ),
        "margin": Mistake(
            code=_exact_crop_code("2 ** (depth + 1) - 1"),
            hint="That takes the margins away, but 2 crops must also be a multiple of "
            "the total stride.",
        ),
        "half of both": Mistake(
            code=_exact_crop_code("1.5 * 2 ** depth - 0.5"),
            hint="That is half of what is lost at both sides together. More is lost at "
            "one side than at the other.",
        ),
        "straight line": Mistake(
            code=_exact_crop_code("16 * depth - 32"),
            hint="Right for 3 and 4 halvings. But what does one more halving do to a "
            "margin: does it add to it, or double it?",
        ),
        "squared": Mistake(
            code=_exact_crop_code("2 * depth**2"),
            hint="Nearly right for the rows of the table, and wrong for deeper ones. "
            "What does one more halving do to the total stride?",
        ),
        "one depth": Mistake(
            code=_exact_crop_code("32"),
            hint="Right for four halvings. The crop depends on `depth`: what is it for "
            "three?",
        ),
        "times": Mistake(
            code=_exact_crop_code("8 * depth"),
            hint="Right for four halvings, but not for three. Both columns of margins "
            "and the total stride: by what do they grow from row to row?",
        ),
    },
    hints=(
        "From one row to the next everything doubles.",
        "Left margins are 15 and 31: one less than a power of two.",
        "16 = 2 ** 4 for 3 halvings, 32 = 2 ** 5 for 4.",
    ),
    explanation="Every halving doubles it: deep networks lose much of a chunk.",
)


def _judge_deeper(answer: type) -> str | None:
    from tutorial_lib.fields.analysis import analyse

    try:
        analysis = analyse(answer().build({"input_p": 1, "input_xs": 4}))
    except ValueError:
        return _why_not_joined(answer)
    if not any(analysis.inputs["input_xs"] in step.inputs for step in analysis.steps):
        return "no xs"
    if analysis.scale["estimated"] != 1:
        return "too small"
    if analysis.total_stride["input_p"] != 32:
        return "another depth"
    kinds = [step.kind for step in analysis.steps]
    if kinds.count("Add") < 5:
        return "concatenated" if "Concatenate" in kinds else "no skips"
    exact = {
        name
        for name, margins in analysis.margins.items()
        if name.startswith("estimated_crop") and margins == (0, 0, 0, 0)
    }
    if "estimated_crop64" in exact:
        return None
    return "another crop" if exact else "crops"


def _why_not_joined(answer: type) -> str:
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
        shapes = _shapes_given_to_keras(err.__traceback__)
        if len({shape[1:3] for shape in shapes}) > 1:
            return "sizes"
        if len({shape[3:] for shape in shapes}) > 1:
            return "channels"
    return OTHER


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
        This is the network of notebook 07, but not complete: `halve` is a convolution
        with a stride of 2, `double` a transposed one. Give it **five** halvings, with 16
        filters in the first, 32 in the second and 64 in all others; let each doubling be
        added to the level of the same size; and let it have outputs with the crops 8, 16,
        32, and the one that is exact.
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
            hint="The total stride is not that of five halvings. How many numbers of "
            "filters are there?",
        ),
        "crops": Mistake(
            code=_DEEPER.replace(_CROPS, "(8, 16, 32)"),
            hint="No output with a crop is exact. Which crop did you find for five "
            "halvings?",
        ),
        "another crop": Mistake(
            code=_DEEPER.replace(_CROPS, "(8, 16, 32, 128)"),
            hint="One of these crops takes the margins away, but the smallest one with "
            "which a map is exact is missing. Which did you find for five halvings?",
        ),
        "no skips": Mistake(
            code=_DEEPER.replace(_SKIP, "double(net, skip.shape[-1])"),
            hint="The levels of the encoder are not used: what is doubled is to be added "
            "to the level of the same size.",
        ),
        "concatenated": Mistake(
            code=_DEEPER.replace(
                _SKIP,
                "keras.layers.Concatenate()([double(net, skip.shape[-1]), skip])",
            ),
            hint="The levels of the encoder are used, but set beside what is doubled, as "
            "more channels. They are to be added to it.",
        ),
        "channels": Mistake(
            code=_DEEPER.replace(_SKIP, "keras.layers.Add()([double(net, 64), skip])"),
            hint="The sizes fit, the channels do not: double to as many filters as the "
            "level has, `skip.shape[-1]`.",
        ),
        "no xs": Mistake(
            code=_DEEPER.replace(_FILTERS, "(16, 64, 64, 64, 64)"),
            hint="The result does not depend on xs: it joins the level with 32 filters. "
            "Is there one, and does it get into the result?",
        ),
        "sizes": Mistake(
            code=_DEEPER.replace(_SKIP, "keras.layers.Add()([net, skip])"),
            hint="Two images of different size are added. Before it is added, the smaller "
            "one has to be doubled.",
        ),
        "too small": Mistake(
            code=_DEEPER.replace("reversed(levels[:-1])", "reversed(levels[1:-1])"),
            hint="The output is smaller than pan: there must be as many doublings as "
            "halvings, one of them after the loop.",
        ),
    },
    hints=(
        "Three blanks: crops, numbers of filters, and what happens to `net` at a skip.",
        "Five numbers of filters are five halvings. The exact crop is that of your "
        "function.",
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
)


def _judge_distortion(answer: Callable[..., float]) -> str | None:
    crops = [1, 2, 3, 4, 5, 6, 0]
    chunks = [_random_chunk() for _ in crops]
    # NumPy warns of the mean of an empty array.
    with warnings.catch_warnings(action="ignore"):
        got = [answer(*pair, crop) for pair, crop in zip(chunks, crops, strict=True)]
    if any(np.ndim(number) for number in got):
        return "many numbers"
    got = [float(number) for number in got]
    errors = [alone - around for alone, around in chunks]
    likely = {
        mistake: [rule(error, crop) for error, crop in zip(errors, crops, strict=True)]
        for mistake, rule in _DISTORTIONS.items()
    }
    right = likely.pop("right")
    # For a crop of 0 the slice `[crop:-crop]` is empty, and the mean is NaN.
    if np.isnan(got[-1]) and close(got[:-1], right[:-1]):
        return "nothing left"
    return diagnose(got, right=right, likely=likely)


def _random_chunk() -> tuple[np.ndarray, np.ndarray]:
    """Outputs of a chunk alone and with its surroundings: (height, width, band)."""
    rng = np.random.default_rng()
    # Not square, and with a different error at each border, so that every mistake
    # gives its own result.
    height, width = rng.integers(14, 40, 2)
    alone, around = rng.uniform(0, 1, (2, height, width, rng.integers(2, 6)))
    alone[:3] += 2
    alone[:, -2:] -= 1
    return alone, around


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
    "absolute": lambda error, crop: np.abs(_inner(error, crop)).sum(-1).mean(),
    "sum": lambda error, crop: np.sqrt((_inner(error, crop) ** 2).sum()),
    "root first": lambda error, crop: np.linalg.norm(
        _inner(error, crop), axis=-1
    ).mean(),
    "no crop": lambda error, crop: _root_mean(error),
    "one side": lambda error, crop: _root_mean(error[crop:, crop:]),
    "rows only": lambda error, crop: _root_mean(error[crop : len(error) - crop]),
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
        `alone` and `around` are arrays of one shape, (height, width, band). Write the
        distortion that is left when `crop` pixels are removed from all four sides: square
        the differences, **sum** them over the bands, take the **mean** over the pixels,
        then the root. A crop of 0 must work, too.
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
            hint="That is the mean over the bands, too. They are to be summed.",
        ),
        "no root": Mistake(
            code=_distortion_code("(error**2).sum(axis=-1).mean()"),
            hint="The root is missing.",
        ),
        "absolute": Mistake(
            code=_distortion_code("np.abs(error).sum(axis=-1).mean()"),
            hint="The differences are to be squared; the root comes at the end.",
        ),
        "root first": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=-1)).mean()"),
            hint="The root comes last: here it is taken of each pixel, before the mean.",
        ),
        "many numbers": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum(axis=-1).mean(axis=0))"),
            hint="The distortion of a chunk is one number, and yours is an array or a "
            "list. Take the mean over rows and columns: over all pixels.",
        ),
        "sum": Mistake(
            code=_distortion_code("np.sqrt((error**2).sum())"),
            hint="Summed over the pixels as well: then a larger chunk has a larger "
            "distortion. Take the mean over the pixels.",
        ),
        "no crop": Mistake(
            code=_distortion_code(_VALUE, ":", ":"),
            hint="Nothing has been removed: the result does not depend on `crop`.",
        ),
        "one side": Mistake(
            code=_distortion_code(_VALUE, "crop:", "crop:"),
            hint="Removed at the top and the left only.",
        ),
        "rows only": Mistake(
            code=_distortion_code(_VALUE, "crop : height - crop", ":"),
            hint="Rows are removed, columns are not.",
        ),
        "nothing left": Mistake(
            code=_distortion_code(_VALUE, "crop:-crop", "crop:-crop"),
            hint="Right, but for a crop of 0: `[0:-0]` is `[0:0]`, which is nothing. "
            "Count from the start: `height - crop`.",
        ),
    },
    hints=(
        "First cut rows and columns, then compute.",
        "`[crop : height - crop, crop : width - crop]`",
        "`.sum(axis=-1)` sums over the bands; `.mean()` of that is over the pixels.",
    ),
    explanation="This is the number that the OTBTF tutorial measures.",
    imports="import numpy as np",
)


def _judge_cost(answer: Callable[[int, int], float]) -> str | None:
    rng = np.random.default_rng()
    cases = [(int(32 * n), int(c)) for n, c in rng.integers((8, 0), (40, 100), (30, 2))]
    cases += [(128, 32), (256, 0)]
    likely = {
        "one side": [(n / (n - c)) ** 2 for n, c in cases],
        "one axis": [n / (n - 2 * c) for n, c in cases],
        "upside down": [((n - 2 * c) / n) ** 2 for n, c in cases],
        "difference": [n**2 - (n - 2 * c) ** 2 for n, c in cases],
        "floored": [n**2 // (n - 2 * c) ** 2 for n, c in cases],
        "no brackets": [float(n * n) for n, c in cases],
    }
    right = [(n / (n - 2 * c)) ** 2 for n, c in cases]
    answers = [answer(*case) for case in cases]
    # "floored" above rounds the ratio of the areas down, this one the ratio of sides.
    floored = {"floored": [(n // (n - 2 * c)) ** 2 for n, c in cases]}
    mistake = diagnose(answers, right=right, likely=likely)
    return diagnose(answers, right, floored) if mistake == OTHER else mistake


def _cost_code(body: str) -> str:
    return f"def cost(chunk, crop):\n    return {body}\n"


cost = Exercise(
    name="cost",
    title="What a crop costs",
    question="""
        The network computes all pixels of a square chunk, `chunk` on a side; `crop` are
        removed from every side. How many pixels are computed for each one that is kept?
        """,
    answer_name="cost",
    stub=_cost_code("..."),
    solution_code=_cost_code("(chunk / (chunk - 2 * crop)) ** 2"),
    judge=_judge_cost,
    mistakes={
        "one side": Mistake(
            code=_cost_code("(chunk / (chunk - crop)) ** 2"),
            hint="Removed from one side only: a chunk has a left and a right side.",
        ),
        "one axis": Mistake(
            code=_cost_code("chunk / (chunk - 2 * crop)"),
            hint="That is along one axis. Pixels lie in rows *and* columns.",
        ),
        "upside down": Mistake(
            code=_cost_code("((chunk - 2 * crop) / chunk) ** 2"),
            hint="That is the share that is kept, the inverse of what is asked for.",
        ),
        "floored": Mistake(
            code=_cost_code("chunk**2 // (chunk - 2 * crop) ** 2"),
            hint="`//` drops what is left over, and a cost is seldom a whole number. "
            "Divide by `/`.",
        ),
        "no brackets": Mistake(
            code=_cost_code("chunk * chunk / (chunk - 2 * crop) * (chunk - 2 * crop)"),
            hint="Python goes from left to right: it divides, and then multiplies by the "
            "same number again. Set brackets around what stands below.",
        ),
        "difference": Mistake(
            code=_cost_code("chunk**2 - (chunk - 2 * crop) ** 2"),
            hint="That is how many are thrown away. How many are computed for each one "
            "that is kept?",
        ),
    },
    hints=(
        "How long is the side of what is kept?",
        "Computed are `chunk ** 2`, kept are `(chunk - 2 * crop) ** 2`.",
        "Divide the one by the other.",
    ),
    explanation="The larger the chunk, the less a crop costs: larger tiles are cheaper, "
    "as long as the memory allows.",
)
