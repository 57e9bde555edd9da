"""Exercises of notebook 07: why tiles are visible in a map, and how to avoid it."""

import warnings
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from tutorial_lib import testing
from tutorial_lib.arguments import NotWholeError
from tutorial_lib.exercises import OTHER, Exercise, Mistake, diagnose
from tutorial_lib.inference.errors import (
    ExpressionFieldError,
    InputSizeError,
)
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.rasters import write_array


def _mistake_or_not_whole(mistake: str | None, answers: list[Any]) -> str | None:
    """The mistake, or "not whole" if only the type float is wrong.

    Floats can equal the right numbers, but NumPy and the kit do not accept them as
    sizes and indices.
    """
    whole = all(
        isinstance(number, Integral)
        for answer in answers
        for number in np.asarray(answer, dtype=object).flat
    )
    return "not whole" if mistake in (None, OTHER) and not whole else mistake


class _PanXsNetwork:
    """Stands for the network of the notebook; it does not need TensorFlow."""

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        pan, xs = inputs["input_p"], inputs["input_xs"]
        if pan.shape[1] != 4 * xs.shape[1] or pan.shape[1] % 16:
            raise ValueError("The branches cannot be joined.")
        estimated = np.repeat(pan, 4, axis=-1).astype("float32")
        return {
            "estimated": estimated,
            "estimated_crop32": estimated[:, 32:-32, 32:-32],
            "estimated_labels": pan.astype("int64"),
        }


def _example_sources() -> dict[str, Any]:
    folder, rng = testing.scratch_folder(), np.random.default_rng()
    pan = rng.integers(1, 2000, (420, 300, 1)).astype("uint16")
    xs = rng.integers(1, 2000, (105, 75, 4)).astype("uint16")
    pan_grid = testing.small_grid(420, 300, spacing=1.5)
    xs_grid = testing.small_grid(105, 75, spacing=6)
    return {
        "input_p": write_array(folder / "pan.tif", pan, pan_grid),
        "input_xs": write_array(folder / "xs.tif", xs, xs_grid),
    }


def _judge_plan_blocks(answer: Callable[..., InferencePlan]) -> str | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            plan = answer(_PanXsNetwork(), _example_sources())
    except InputSizeError:
        return "fields"
    except ExpressionFieldError:
        return "another side"
    except NotWholeError:
        return "not whole"
    except ValueError:
        return OTHER
    if not isinstance(plan, InferencePlan):
        return "no plan"
    if plan.derived:
        return "nothing declared"
    if plan.job.outputs != ("estimated",):
        return "another output"
    fields = [source.receptive_field for source in plan.sources.values()]
    return None if fields == [128, 32] and plan.job.rows.unit == 128 else OTHER


def _plan_blocks_code(pan: str, xs: str, side: str, end: str = "") -> str:
    """Code of an answer with two receptive fields, an expression field, and an end."""
    return f"""
def plan_blocks(model, paths):
    sources = {{
        "input_p": tl.Source(paths["input_p"], receptive_field={pan}),
        "input_xs": tl.Source(paths["input_xs"], receptive_field={xs}),
    }}
    return tl.plan_inference(
        model, sources, output="estimated", expression_field={side}, tile_size=128
    ){end}
"""


plan_blocks = Exercise(
    name="plan_blocks",
    title="A map of blocks",
    question="""
        Plan a map of the class probabilities, `estimated`, block by block: each block
        reads 128 pan pixels on a side, and the xs pixels of the same ground. The network
        gives as many pixels as it reads of pan, and all of them go into the map.
        """,
    answer_name="plan_blocks",
    stub=_plan_blocks_code("128", "...", "..."),
    solution_code=_plan_blocks_code("128", "32", "128"),
    judge=_judge_plan_blocks,
    mistakes={
        "fields": Mistake(
            code=_plan_blocks_code("128", "128", "128"),
            hint="The network refuses blocks of these sizes. A pixel of xs is as wide as "
            "four of pan: how many of them cover the ground of 128 pan pixels?",
        ),
        "another side": Mistake(
            code=_plan_blocks_code("128", "32", "64"),
            hint="The network gives more pixels than this for a block. How many does it "
            "give for 128 of pan?",
        ),
        "not whole": Mistake(
            code=_plan_blocks_code("128", "128 / 4", "128"),
            hint="Fields are whole numbers of pixels, and `/` gives a float, 2.0 and not "
            "2. Divide by `//`, or write the number.",
        ),
        "another output": Mistake(
            code=_plan_blocks_code("128", "32", "128").replace(
                '"estimated"', '"estimated_labels"'
            ),
            hint="These are not the probabilities. Keep `estimated`.",
        ),
        "nothing declared": Mistake(
            code="""
                def plan_blocks(model, paths):
                    return tl.plan_inference(
                        tl.architectures.pan_xs_unet(4), paths, output="estimated"
                    )
                """,
            hint="This plan has no blocks of your own: the kit chose what to read. "
            "Declare the fields, to see what they do.",
        ),
        "no plan": Mistake(
            code=_plan_blocks_code("128", "32", "128", end=".grid"),
            hint="The function must return the plan itself, not something of it.",
        ),
    },
    hints=(
        "128 pixels of 1.5 m are 192 m.",
        "192 m are 32 pixels of xs.",
        "The expression field is the side of what a block gives: 128.",
    ),
    explanation="The fields are obeyed. The next cell prints what the kit thinks of "
    "them.",
    imports="import tutorial_lib as tl",
)


class _Layer(NamedTuple):
    """A layer, and the number of valid pixels in a row that it reads."""

    x: int
    kernel: int
    stride: int
    transposed: bool = False


def _judge_valid_size(answer: Callable[..., int]) -> str | None:
    rng = np.random.default_rng()
    layers = [
        _Layer(int(x), int(kernel), int(stride))
        for x, kernel, stride in rng.integers((20, 2, 1), (90, 6, 4), (30, 3))
        if kernel >= stride
    ]
    plain = [*layers, _Layer(128, 3, 2), _Layer(32, 3, 1)]
    transposed = [*layers, _Layer(6, 3, 2), _Layer(41, 3, 2)]
    transposed = [layer._replace(transposed=True) for layer in transposed]
    sizes = [answer(*layer) for layer in plain]
    sizes_transposed = [answer(*layer) for layer in transposed]
    mistake = _wrong_convolution(plain, sizes)
    mistake = mistake or _wrong_transposed(transposed, sizes_transposed)
    return _mistake_or_not_whole(mistake, sizes + sizes_transposed)


def _wrong_convolution(layers: list[_Layer], answers: list[Any]) -> str | None:
    likely = {
        "all of it": [-(-x // s) for x, _, s, _ in layers],
        "steps": [x // s for x, _, s, _ in layers],
        "one short": [(x - k) // s for x, k, s, _ in layers],
        "this network only": [(x - 3) // 2 + 1 for x, _, _, _ in layers],
    }
    right = [(x - k) // s + 1 for x, k, s, _ in layers]
    return diagnose(answers, right=right, likely=likely)


def _wrong_transposed(layers: list[_Layer], answers: list[Any]) -> str | None:
    likely = {
        "no crossing": [s * x for x, _, s, _ in layers],
        "stride 2 only": [s * x - k + 2 for x, k, s, _ in layers],
        "this network only": [2 * x - 1 for x, _, _, _ in layers],
        "grows": [s * (x - 1) + k for x, k, s, _ in layers],
    }
    right = [s * (x + 1) - k for x, k, s, _ in layers]
    return diagnose(answers, right=right, likely=likely)


def _valid_size_code(transposed: str, plain: str) -> str:
    """Code of an answer with a rule for each of the two kinds of layers."""
    return f"""
def valid_size(x, kernel, stride, transposed):
    if transposed:
        return {transposed}
    return {plain}
"""


_PLAIN, _TRANSPOSED = "(x - kernel) // stride + 1", "stride * (x + 1) - kernel"

valid_size = Exercise(
    name="valid_size",
    title="How much stays valid",
    question="""
        Of the pixels that a layer reads, `x` in a row are valid. How many of those that
        it gives are valid?

        - A **convolution** gives a valid pixel where its whole kernel lies on valid
          ones; the kernel moves by `stride`.
        - A **transposed convolution** goes the other way. Each pixel it reads is spread
          over `kernel` pixels of the result, and neighbours are spread `stride` apart. A
          pixel of the result is valid if all that is spread on it comes from valid ones.
        """,
    answer_name="valid_size",
    stub=_valid_size_code("...", "..."),
    solution_code=_valid_size_code(_TRANSPOSED, _PLAIN),
    judge=_judge_valid_size,
    mistakes={
        "no crossing": Mistake(
            code=_valid_size_code("stride * x", _PLAIN),
            hint="The convolution is right. In the transposed one, pixels near the ends "
            "also get something from the neighbours that are not valid.",
        ),
        "stride 2 only": Mistake(
            code=_valid_size_code("x * stride - kernel + 2", _PLAIN),
            hint="Right for a stride of 2, as the OTBTF tutorial has it. Try it with "
            "stride 3, kernel 3: nothing overlaps, so how many are valid?",
        ),
        "this network only": Mistake(
            code=_valid_size_code("2 * x - 1", _PLAIN),
            hint="Right with a kernel of 3 and a stride of 2 only, as most layers here "
            "have them. Use `kernel` and `stride`.",
        ),
        "grows": Mistake(
            code=_valid_size_code("stride * (x - 1) + kernel", _PLAIN),
            hint="The convolution is right. For the transposed one you have counted all "
            "pixels that get something from a valid one; they must get nothing else.",
        ),
        "all of it": Mistake(
            code=_valid_size_code("stride * x", "-(-x // stride)"),
            hint="The convolution: that is how many pixels it gives. Which of them have "
            "seen nothing but valid ones?",
        ),
        "steps": Mistake(
            code=_valid_size_code("stride * x", "x // stride"),
            hint="The convolution: that is how often the kernel can move by `stride`. At "
            "its last place the whole kernel must still lie on valid pixels.",
        ),
        "one short": Mistake(
            code=_valid_size_code(_TRANSPOSED, "(x - kernel) // stride"),
            hint="The convolution: with x = 3 and a kernel of 3 there is one place for "
            "the kernel.",
        ),
        "not whole": Mistake(
            code=_valid_size_code(_TRANSPOSED, "np.floor((x - kernel) / stride) + 1"),
            hint="Pixels are counted in whole numbers, and `/` and `np.floor` give "
            "floats, 63.0 and not 63. Divide by `//`.",
        ),
    },
    hints=(
        "The convolution is the one of notebook 06, on valid pixels only.",
        "Transposed: think of x + 1 neighbours, from the invalid one before to the "
        "invalid one after. The first ends, the last begins, where?",
        f"`{_TRANSPOSED}`, and `{_PLAIN}`.",
    ),
    explanation="A convolution loses pixels; a transposed one spreads what was lost "
    "before, and loses some more.",
    imports="import numpy as np",
)


def _judge_after_conv(answer: Callable[[int, int], tuple[int, int]]) -> str | None:
    rng = np.random.default_rng()
    cases = [(int(a), int(a + n)) for a, n in rng.integers((0, 8), (40, 60), (40, 2))]
    cases += [(0, 127), (0, 62), (1, 30)]
    likely = {
        "padded on both sides": [(-(-(a + 1) // 2), (b - 1) // 2) for a, b in cases],
        "one too many": [(-(-a // 2), b // 2) for a, b in cases],
        "rounded down": [(a // 2, (b - 2) // 2) for a, b in cases],
        "halved": [(a // 2, b // 2) for a, b in cases],
        "last but one": [(-(-a // 2), (b - 1) // 2) for a, b in cases],
        "a size": [(b - a - 2) // 2 + 1 for a, b in cases],
    }
    right = [(-(-a // 2), (b - 2) // 2) for a, b in cases]
    answers = [answer(*case) for case in cases]
    return _mistake_or_not_whole(diagnose(answers, right=right, likely=likely), answers)


def _after_conv_code(first: str, last: str) -> str:
    """Code of an answer that returns two expressions."""
    return f"def after_conv(first, last):\n    return {first}, {last}\n"


after_conv = Exercise(
    name="after_conv",
    title="Where the valid part lies",
    question="""
        A convolution with a kernel of 3 and a stride of 2 reads a row of an *even*
        number of pixels, as all are here. To give half as many, it must invent one pixel,
        and it does so at the **end**: its result `j` reads the pixels `2 j`, `2 j + 1`
        and `2 j + 2`.

        The pixels from `first` to `last` (included) are valid. Which is the first valid
        pixel of the result, and which the last? In whole numbers.
        """,
    answer_name="after_conv",
    stub=_after_conv_code("...", "..."),
    solution_code=_after_conv_code("(first + 1) // 2", "(last - 2) // 2"),
    judge=_judge_after_conv,
    mistakes={
        "padded on both sides": Mistake(
            code=_after_conv_code("(first + 2) // 2", "(last - 1) // 2"),
            hint="That would be right if result j read 2 j - 1 to 2 j + 1, with one "
            "invented pixel *before* the row. Read the question once more.",
        ),
        "one too many": Mistake(
            code=_after_conv_code("(first + 1) // 2", "last // 2"),
            hint="The first one is right. The last result reads up to 2 j + 2, and that "
            "must not be beyond `last`.",
        ),
        "rounded down": Mistake(
            code=_after_conv_code("first // 2", "(last - 2) // 2"),
            hint="The last one is right. With `first` 5, result 2 reads pixels 4, 5 and "
            "6, and 4 is not valid.",
        ),
        "halved": Mistake(
            code=_after_conv_code("first // 2", "last // 2"),
            hint="Halving alone does not do it, at neither end. Which pixels does result "
            "2 read? So from which `first` on is it no longer valid, and up to which "
            "`last` not yet?",
        ),
        "last but one": Mistake(
            code=_after_conv_code("(first + 1) // 2", "(last - 1) // 2"),
            hint="The first one is right. With `last` 5, result 2 reads pixels 4, 5 and "
            "6, and 6 is not valid.",
        ),
        "not whole": Mistake(
            code=_after_conv_code("(first + 1) / 2", "(last - 2) / 2"),
            hint="Asked are two whole numbers, and `/`, `np.ceil` and `np.floor` give "
            "floats, 30.0 and not 30. `//` rounds down: how does one round up with it?",
        ),
        "a size": Mistake(
            code="def after_conv(first, last):\n    return (last - first - 2) // 2 + 1\n",
            hint="That is how many are valid, or nearly. Asked are the first and the last "
            "of them.",
        ),
    },
    hints=(
        "Result j is valid if 2 j is not before `first` and 2 j + 2 not after `last`.",
        "The smallest j with 2 j >= first; the largest with 2 j + 2 <= last.",
        "`(first + 1) // 2` rounds a half up, `(last - 2) // 2` rounds it down.",
    ),
    explanation="The row loses pixels at its end only. That is why the valid part lies "
    "off centre.",
)


def _judge_smallest_crop(answer: Callable[[int, int], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [(int(m), 2 ** int(d)) for m, d in rng.integers((1, 2), (140, 7), (60, 2))]
    cases += [(31, 16), (33, 16), (16, 16), (63, 32), (15, 8)]
    likely = {
        "margin only": [m for m, _ in cases],
        "power of two": [1 << (m - 1).bit_length() for m, _ in cases],
        "whole stride": [-(-m // s) * s for m, s in cases],
        "next one": [(m // (s // 2) + 1) * (s // 2) for m, s in cases],
        "too small": [m // (s // 2) * (s // 2) for m, s in cases],
        "this network only": [32] * len(cases),
        "half a stride more": [m + s // 2 for m, s in cases],
    }
    right = [-(-m // (s // 2)) * (s // 2) for m, s in cases]
    answers = [answer(*case) for case in cases]
    return _mistake_or_not_whole(diagnose(answers, right=right, likely=likely), answers)


def _smallest_crop_code(body: str) -> str:
    return f"def smallest_crop(margin, stride):\n    return {body}\n"


smallest_crop = Exercise(
    name="smallest_crop",
    title="The smallest crop that works",
    question="""
        A chunk is a multiple of the total `stride` long (an even number), and so is the
        tile that is kept of it. From **both** sides of the chunk the same crop is
        removed, which must not be smaller than `margin`.

        What is the smallest crop? Any whole numbers must work, not only 31 and 16.
        """,
    answer_name="smallest_crop",
    stub=_smallest_crop_code("..."),
    solution_code=_smallest_crop_code("-(-2 * margin // stride) * stride // 2"),
    judge=_judge_smallest_crop,
    mistakes={
        "margin only": Mistake(
            code=_smallest_crop_code("margin"),
            hint="That is large enough, but what is kept is no multiple of the stride: "
            "the next chunk would begin between two strides.",
        ),
        "power of two": Mistake(
            code=_smallest_crop_code("1 << (margin - 1).bit_length()"),
            hint="Powers of two are a rule of thumb. With margin 33 and stride 16, do you "
            "really have to remove 64 pixels?",
        ),
        "whole stride": Mistake(
            code=_smallest_crop_code("-(-margin // stride) * stride"),
            hint="That works, but is not always the smallest. What must be a multiple of "
            "the stride is what is removed from both sides *together*.",
        ),
        "next one": Mistake(
            code=_smallest_crop_code("(margin // (stride // 2) + 1) * (stride // 2)"),
            hint="Nearly: a margin that fits already needs no more. Try margin 16 and "
            "stride 16.",
        ),
        "too small": Mistake(
            code=_smallest_crop_code("margin // (stride // 2) * (stride // 2)"),
            hint="This rounds down: less than the margin is removed.",
        ),
        "this network only": Mistake(
            code=_smallest_crop_code("32"),
            hint="Right for margin 31 and stride 16, but it must work for others, too: "
            "use `margin` and `stride`.",
        ),
        "half a stride more": Mistake(
            code=_smallest_crop_code("margin + stride // 2"),
            hint="That is large enough, but margin and half a stride together are seldom "
            "what may be removed. Of which number must the crop be a multiple?",
        ),
        "not whole": Mistake(
            code=_smallest_crop_code("-(-margin // (stride / 2)) * (stride / 2)"),
            hint="A crop is a whole number of pixels, and `/` gives a float, 32.0 and "
            "not 32. Divide by `//`.",
        ),
    },
    hints=(
        "Removed are 2 crops of a chunk. Both the chunk and what is left are multiples.",
        "So 2 crops are a multiple of the stride: the crop is one of half a stride.",
        "Round the margin up to a multiple of `stride // 2`.",
    ),
    explanation="For margin 31 and stride 16 it is 32. 40 works as well: it is no power "
    "of two.",
)
