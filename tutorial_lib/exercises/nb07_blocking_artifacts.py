"""Exercises of notebook 07: why tiles are visible in a map, and how to avoid it."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.arguments import NotWholeError
from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    try_cases,
)
from tutorial_lib.inference.errors import (
    ExpressionFieldError,
    InputSizeError,
    ScaleFactorError,
)
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.rasters import write_array


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


def _judge_plan_blocks(answer: Callable[..., InferencePlan]) -> str | Finding | None:
    from tutorial_lib.networks.architectures import pan_xs_unet

    sources = _example_sources()
    try:
        with warnings.catch_warnings(action="ignore"):
            plan = answer(pan_xs_unet(4, crops=(32,)), sources)
    except InputSizeError:
        return "fields"
    except ExpressionFieldError as err:
        return (
            "another side" if "output 'estimated' has" in str(err) else "another output"
        )
    # The blocks of the two images would not follow each other at the same distance.
    except ScaleFactorError:
        return "another side"
    # The kit's own sentence about another type is good: a pair, a text.
    except NotWholeError:
        return "not whole"
    if not isinstance(plan, InferencePlan):
        return "no plan"
    if plan.derived:
        return "nothing declared"
    if plan.job.outputs != ("estimated",):
        return "another output"
    return _wrong_blocks(plan, sources)


def _wrong_blocks(plan: InferencePlan, sources: Mapping) -> str | Finding | None:
    """The mistake in a plan of the right output, with declared fields."""
    pan = plan.sources["input_p"].receptive_field
    if pan != 128 or plan.job.rows.unit != 128:
        return "other blocks"
    side = len(plan.largest_tile.rows)
    if side != 128:
        return Finding(
            f"A tile of this plan has {side} pixels on a side. Leave `tile_size=128`, "
            "so that each tile is one block.",
            right="The fields are right.",
        )
    # 420 x 300 pan pixels have room for three times two blocks.
    if tuple(plan.grid.shape) != (384, 256):
        height, width = plan.grid.shape
        return Finding(
            f"The map of an image of 420 x 300 pixels has {height} x {width} pixels. "
            "It should have all blocks that fit in: 384 x 256 pixels.",
            right="The fields are right.",
        )
    given = {name: source.paths[0] for name, source in plan.sources.items()}
    if any(str(given[name]) != str(path) for name, path in sources.items()):
        return Finding(
            "The plan reads other files than those in `paths`.",
            right="The fields are right.",
        )
    return None


def _plan_blocks_code(
    pan: str, xs: str, side: str, end: str = "", *, tile: str = "128"
) -> str:
    """Code of an answer with two receptive fields, an expression field, and an end."""
    return f"""
def plan_blocks(model, paths):
    sources = {{
        "input_p": tl.Source(paths["input_p"], receptive_field={pan}),
        "input_xs": tl.Source(paths["input_xs"], receptive_field={xs}),
    }}
    return tl.plan_inference(
        model, sources, output="estimated", expression_field={side}, tile_size={tile}
    ){end}
"""


plan_blocks = Exercise(
    name="plan_blocks",
    title="A map of blocks",
    question="""
        Plan a map of the class probabilities, `estimated`, block by block. Each block
        reads 128 pan pixels on a side, and the xs pixels of the same ground. All pixels
        that the network gives for a block go into the map.

        Fill in the receptive field of xs, in xs pixels, and the expression field, in map
        pixels. `ex.plan_blocks.hint()` gives a hint, here and in all exercises.
        """,
    answer_name="plan_blocks",
    stub=_plan_blocks_code("128", "...", "..."),
    solution_code=_plan_blocks_code("128", "32", "128"),
    judge=_judge_plan_blocks,
    mistakes={
        "fields": Mistake(
            code=_plan_blocks_code("128", "128", "128"),
            hint="The network refuses blocks of these sizes: its two branches do not "
            "meet. A pixel of xs is as wide as four of pan. How many of them cover the "
            "ground of 128 pan pixels?",
        ),
        "another side": Mistake(
            code=_plan_blocks_code("128", "32", "64"),
            hint="The receptive fields fit together, the expression field does not: the "
            "network gives another number of pixels for such a block. The last row "
            "of the table has it.",
        ),
        "other blocks": Mistake(
            code=_plan_blocks_code("64", "16", "64"),
            hint="These fields fit together, but the blocks have another size. Each "
            "block must read 128 pan pixels on a side.",
        ),
        "not whole": Mistake(
            code=_plan_blocks_code("128", "128 / 4", "128"),
            hint="A field is a whole number of pixels, and `/` gives a float: 2.0 "
            "instead of 2. Divide by `//`, or write the number.",
        ),
        "another output": Mistake(
            code=_plan_blocks_code("128", "32", "128").replace(
                '"estimated"', '"estimated_labels"'
            ),
            hint="This output is not the class probabilities. Keep `estimated`.",
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
            hint="The function must return the plan itself, not a part of it.",
        ),
    },
    hints=(
        "128 pixels of 1.5 m are 192 m wide.",
        "192 m are 32 pixels of xs.",
        "The expression field is the side of what the network gives for a block: 128.",
    ),
    explanation="The kit does what you declare. Below, the map is made with this plan.",
    imports="import tutorial_lib as tl",
    minutes=5,
)


wrong_pixels = Choice(
    name="wrong_pixels",
    title="Where is a map of blocks wrong?",
    question="""
        The network runs on each block alone. Where in the map will probabilities be
        wrong?
        """,
    options=(
        Option("Along the borders of all blocks."),
        Option(
            "Only at the outer border of the map, where the image ends.",
            hint="The network never gets the whole image. What is all that it gets at "
            "a time, and what does a layer take where this ends?",
        ),
        Option(
            "Nowhere: the network gives one pixel for each pixel of a block.",
            hint="The *number* of pixels is right. But is each of them computed from "
            "image pixels only? Look at what a layer takes for a neighbour that is "
            "missing.",
        ),
        Option(
            "A little everywhere: 128 pixels are too few to recognise houses.",
            hint="It was trained on patches that are smaller. For a pixel in the middle "
            "of a block, which neighbours are missing?",
        ),
    ),
    explanation="Where a block ends, the layers take zeros for their neighbours. Those "
    "are in the image, but in another block.",
)


def _judge_valid_size(answer: Callable[..., int]) -> str | Finding | None:
    """Judge the two kinds of layers apart: one may be right when the other is not."""
    rng = np.random.default_rng()
    layers = rng.integers((8, 2, 1), (60, 7, 4), (30, 3)).tolist()
    cases = [(x, kernel, stride) for x, kernel, stride in layers if kernel >= stride]
    plain = try_cases(
        answer,
        [(*case, False) for case in ((3, 3, 1), (7, 3, 2), (9, 5, 3), *cases)],
        _plain_size,
        _WRONG_PLAIN,
    )
    spread = try_cases(
        answer,
        [(*case, True) for case in ((4, 2, 1), (6, 3, 2), (5, 3, 3), *cases)],
        _transposed_size,
        _WRONG_TRANSPOSED,
    )
    if isinstance(plain, Finding) and spread is None:
        return replace(plain, right="The transposed convolution is right.")
    if isinstance(spread, Finding) and plain is None:
        return replace(spread, right="The convolution is right.")
    # A named mistake is more helpful than an example of the other kind.
    found = [one for one in (plain, spread) if one is not None]
    return next(
        (one for one in found if isinstance(one, str)), found[0] if found else None
    )


def _plain_size(x: int, kernel: int, stride: int, _: bool) -> int:
    return (x - kernel) // stride + 1


def _transposed_size(x: int, kernel: int, stride: int, _: bool) -> int:
    return stride * (x + 1) - kernel


_WRONG_PLAIN = {
    "all of it": lambda x, k, s, _: -(-x // s),
    "steps": lambda x, k, s, _: x // s,
    "one short": lambda x, k, s, _: (x - k) // s,
    "fraction": lambda x, k, s, _: (x - k) / s + 1,
    "no stride": lambda x, k, s, _: x - k + 1,
    "both ends": lambda x, k, s, _: -(-x // s) - 2 * (k // 2),
    "plain of this network": lambda x, k, s, _: (x - 3) // 2 + 1,
    "swapped": lambda x, k, s, _: s * (x + 1) - k,
}

_WRONG_TRANSPOSED = {
    "no crossing": lambda x, k, s, _: s * x,
    "stride 2 only": lambda x, k, s, _: s * x - k + 2,
    "transposed of this network": lambda x, k, s, _: 2 * x - 1,
    "grows": lambda x, k, s, _: s * (x - 1) + k,
    "whole kernel": lambda x, k, s, _: s * x - k,
    "both overlaps": lambda x, k, s, _: s * x - 2 * (k - s),
    "kernel less one": lambda x, k, s, _: s * x - k + 1,
    "as a convolution": lambda x, k, s, _: (x - k) // s + 1,
}


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
        A layer reads a row in which `x` neighbouring pixels are valid. How many pixels of
        its output are valid?

        - A **convolution** gives a valid pixel where its whole kernel lies on valid
          pixels. From one output pixel to the next, the kernel moves by `stride` pixels.
        - A **transposed convolution** works the other way round. It spreads each pixel
          that it reads over `kernel` pixels of the output. Those of the next pixel begin
          `stride` pixels further, so they may overlap. An output pixel is valid if all
          pixels that are spread on it are valid.
        """,
    answer_name="valid_size",
    stub=_valid_size_code("...", "..."),
    solution_code=_valid_size_code(_TRANSPOSED, _PLAIN),
    judge=_judge_valid_size,
    mistakes={
        "no crossing": Mistake(
            code=_valid_size_code("stride * x", _PLAIN),
            hint="The transposed convolution: output pixels near the ends also get "
            "something from neighbours that are not valid. Leave them out.",
        ),
        "stride 2 only": Mistake(
            code=_valid_size_code("x * stride - kernel + 2", _PLAIN),
            hint="The transposed convolution: this is right for a stride of 2 only, as "
            "the OTBTF tutorial has it. Try stride 3 and kernel 3: nothing overlaps, so "
            "how many pixels are valid?",
        ),
        "transposed of this network": Mistake(
            code=_valid_size_code("2 * x - 1", _PLAIN),
            hint="The transposed convolution: this is right for a kernel of 3 and a "
            "stride of 2 only. Use `kernel` and `stride`.",
        ),
        "grows": Mistake(
            code=_valid_size_code("stride * (x - 1) + kernel", _PLAIN),
            hint="The transposed convolution: you have counted all pixels that get "
            "something from a valid pixel. They must get nothing from others.",
        ),
        "whole kernel": Mistake(
            code=_valid_size_code("stride * x - kernel", _PLAIN),
            hint="The transposed convolution: fewer pixels are lost. Try x = 1, kernel 2 "
            "and stride 2: the one pixel fills two that nothing else reaches.",
        ),
        "both overlaps": Mistake(
            code=_valid_size_code("stride * x - 2 * (kernel - stride)", _PLAIN),
            hint="The transposed convolution: you subtract the overlap at both ends. "
            "But `stride * x` leaves out one of the two already.",
        ),
        "kernel less one": Mistake(
            code=_valid_size_code("stride * x - (kernel - 1)", _PLAIN),
            hint="The transposed convolution: neighbours share `kernel - stride` pixels "
            "of the output, not `kernel - 1`. So fewer pixels are lost.",
        ),
        "as a convolution": Mistake(
            code=_valid_size_code(_PLAIN, _PLAIN),
            hint="The transposed convolution: this is the rule of a convolution, which "
            "makes a row shorter. The transposed one makes it longer.",
        ),
        "all of it": Mistake(
            code=_valid_size_code("stride * x", "-(-x // stride)"),
            hint="The convolution: that is how many pixels it gives with padding. How "
            "many of them depend on valid pixels only?",
        ),
        "steps": Mistake(
            code=_valid_size_code("stride * x", "x // stride"),
            hint="The convolution: that is how often the kernel can move by `stride`. At "
            "its last place, the whole kernel must still lie on valid pixels.",
        ),
        "one short": Mistake(
            code=_valid_size_code(_TRANSPOSED, "(x - kernel) // stride"),
            hint="The convolution: with x = 3 and a kernel of 3 there is one place for "
            "the kernel.",
        ),
        "fraction": Mistake(
            code=_valid_size_code(_TRANSPOSED, "(x - kernel) / stride + 1"),
            hint="The convolution: `/` leaves a fraction, and there is no half pixel. "
            "What does a kernel do that has no room for one more step?",
        ),
        "no stride": Mistake(
            code=_valid_size_code(_TRANSPOSED, "x - kernel + 1"),
            hint="The convolution: this is right for a stride of 1. With a stride of 2, "
            "the kernel stops at every second of these places only.",
        ),
        "both ends": Mistake(
            code=_valid_size_code(_TRANSPOSED, "-(-x // stride) - 2 * (kernel // 2)"),
            hint="The convolution: half a kernel at each end would be right for a stride "
            "of 1. Count the places where the whole kernel fits, `stride` apart.",
        ),
        "plain of this network": Mistake(
            code=_valid_size_code(_TRANSPOSED, "(x - 3) // 2 + 1"),
            hint="The convolution: this is right for a kernel of 3 and a stride of 2 "
            "only. Use `kernel` and `stride`.",
        ),
        "swapped": Mistake(
            code=_valid_size_code(_PLAIN, _TRANSPOSED),
            hint="The two rules are exchanged: `if transposed:` comes first.",
        ),
    },
    hints=(
        "Convolution: in how many places does a kernel fit into x pixels, if it moves by "
        "`stride`?",
        "Transposed: take x + 1 neighbours, from the invalid pixel before to the last "
        "valid one. Where does the first end, and where does the invalid one after them "
        "begin?",
        f"`{_TRANSPOSED}`, and `{_PLAIN}`.",
    ),
    explanation="Both layers lose pixels: a convolution where its kernel leaves the valid "
    "pixels, a transposed one where an invalid neighbour is spread too.",
    minutes=6,
    pairs=True,
)


def _larger_margin() -> int:
    """Pixels that the left and the top of a block lose."""
    from tutorial_lib.fields.analysis import analyse
    from tutorial_lib.networks.architectures import pan_xs_unet

    return max(analyse(pan_xs_unet(4, crops=())).margins["estimated"])


lost_at_one_end = Choice(
    name="lost_at_one_end",
    title="How many pixels to remove?",
    question="""
        47 of the 128 pixels are not valid. You remove the same number of pixels from both
        ends of the row. How many must it be, so that only valid pixels are left?
        """,
    options=(
        Option(
            "8: eight layers lie between pan and the result, and each loses one pixel "
            "at an end.",
            value=8,
            hint="One pixel of which size? After `conv4`, a pixel is as wide as 16 pan "
            "pixels.",
        ),
        Option(
            "24: the ends are alike, so each loses half of 47, rounded up.",
            value=24,
            hint="They are alike if each layer takes a zero at both ends. The first "
            "kernel of `conv1` reads the pixels 0, 1 and 2: is one of them missing?",
        ),
        Option("31: one end loses more than the other.", value=31),
        Option(
            "47: all of them may lie at the same end.",
            value=47,
            hint="Then the other end loses nothing. Is there a layer that takes a zero "
            "at both ends? Look at the one with a stride of 1.",
        ),
    ),
    key=_larger_margin,
    explanation="24 would do if the ends were alike. You will see why they are not.",
    vote=True,
    pairs=True,
)


def _judge_after_conv(answer: Callable[[int, int], tuple]) -> str | Finding | None:
    rng = np.random.default_rng()
    cases = [(int(a), int(a + n)) for a, n in rng.integers((0, 8), (40, 60), (40, 2))]
    return try_cases(
        answer,
        [(0, 7), (1, 8), (2, 9), (5, 12), *cases],
        lambda a, b: (-(-a // 2), (b - 2) // 2),
        {
            "padded on both sides": lambda a, b: (-(-(a + 1) // 2), (b - 1) // 2),
            "one too many": lambda a, b: (-(-a // 2), b // 2),
            "rounded down": lambda a, b: (a // 2, (b - 2) // 2),
            "halved": lambda a, b: (a // 2, b // 2),
            "last but one": lambda a, b: (-(-a // 2), (b - 1) // 2),
            "fractions": lambda a, b: (a / 2, (b - 2) / 2),
            "fractions halved": lambda a, b: (a / 2, b / 2),
            "rounded up too": lambda a, b: ((a + 1) / 2, (b - 2) / 2),
            "always one more": lambda a, b: (a // 2 + 1, (b - 2) // 2),
            "one past the end": lambda a, b: (-(-a // 2), b // 2 + 1),
            "turned round": lambda a, b: (2 * a, 2 * b + 2),
            "exchanged": lambda a, b: ((b - 2) // 2, -(-a // 2)),
            "a size": lambda a, b: (b - a - 2) // 2 + 1,
            "no brackets": lambda a, b: (a, b - 1),
        },
        names=("first", "last"),
    )


def _two_ends_code(name: str, first: str, last: str) -> str:
    """Code of a function of `first` and `last` that returns two expressions."""
    return f"def {name}(first, last):\n    return {first}, {last}\n"


def _after_conv_code(first: str, last: str) -> str:
    return _two_ends_code("after_conv", first, last)


after_conv = Exercise(
    name="after_conv",
    title="Where the valid part lies: a convolution",
    question="""
        A convolution with a kernel of 3 and a stride of 2 reads a row with an *even*
        number of pixels. To give half as many, it needs one pixel more than there are.
        TensorFlow adds a zero at the **end** of the row. So pixel `j` of the output reads
        the pixels `2 j`, `2 j + 1` and `2 j + 2`.

        The pixels from `first` to `last` (included) are valid. Which are the first and
        the last valid pixel of the output?
        """,
    answer_name="after_conv",
    stub=_after_conv_code("...", "..."),
    solution_code=_after_conv_code("(first + 1) // 2", "(last - 2) // 2"),
    judge=_judge_after_conv,
    mistakes={
        "padded on both sides": Mistake(
            code=_after_conv_code("(first + 2) // 2", "(last - 1) // 2"),
            hint="That would be right if pixel j read 2 j - 1 to 2 j + 1, with a zero "
            "*before* the row. Here the zero stands at the end.",
        ),
        "one too many": Mistake(
            code=_after_conv_code("(first + 1) // 2", "last // 2"),
            hint="The first one is right. The last pixel reads up to 2 j + 2, and that "
            "must not lie beyond `last`.",
        ),
        "rounded down": Mistake(
            code=_after_conv_code("first // 2", "(last - 2) // 2"),
            hint="The last one is right. With `first` 5, output pixel 2 reads the pixels "
            "4, 5 and 6, and 4 is not valid.",
        ),
        "halved": Mistake(
            code=_after_conv_code("first // 2", "last // 2"),
            hint="Halving is not enough, at neither end. With pixels 5 to 8 valid, "
            "output pixel 2 reads 4, 5 and 6, and pixel 4 reads 8, 9 and 10.",
        ),
        "last but one": Mistake(
            code=_after_conv_code("(first + 1) // 2", "(last - 1) // 2"),
            hint="The first one is right. With `last` 5, output pixel 2 reads the pixels "
            "4, 5 and 6, and 6 is not valid.",
        ),
        "fractions": Mistake(
            code=_after_conv_code("first / 2", "(last - 2) / 2"),
            hint="For odd numbers this leaves a half, and there is no half pixel. In "
            "which direction must the first be rounded, and in which the last?",
        ),
        "fractions halved": Mistake(
            code=_after_conv_code("first / 2", "last / 2"),
            hint="There is no half pixel. And halving is not enough at the end: the last "
            "pixel reads up to 2 j + 2.",
        ),
        "rounded up too": Mistake(
            code=_after_conv_code("(first + 1) / 2", "(last - 2) / 2"),
            hint="You are close, but `/` leaves halves: for `first` 4 this gives 2.5. "
            "`//` rounds down.",
        ),
        "always one more": Mistake(
            code=_after_conv_code("first // 2 + 1", "(last - 2) // 2"),
            hint="The last one is right. The first one is right for odd numbers. With "
            "`first` 4, output pixel 2 reads 4, 5 and 6: it is valid.",
        ),
        "one past the end": Mistake(
            code=_after_conv_code("(first + 1) // 2", "last // 2 + 1"),
            hint="The first one is right. The last one must itself be valid: it reads "
            "up to 2 j + 2, which must not lie beyond `last`.",
        ),
        "turned round": Mistake(
            code=_after_conv_code("2 * first", "2 * last + 2"),
            hint="That is what the output pixels `first` and `last` read. Turn it round: "
            "`first` and `last` are the pixels that are read.",
        ),
        "exchanged": Mistake(
            code=_after_conv_code("(last - 2) // 2", "(first + 1) // 2"),
            hint="Both numbers are right, in the wrong order: the first one comes first.",
        ),
        "a size": Mistake(
            code="def after_conv(first, last):\n    return (last - first - 2) // 2 + 1\n",
            hint="That is how many pixels are valid, or nearly. The question asks for "
            "two numbers: the first and the last of them.",
        ),
        "no brackets": Mistake(
            code=_after_conv_code("first + 1 // 2", "last - 2 // 2"),
            hint="The output has half as many pixels, so both numbers must be divided by "
            "2. Are brackets missing? `//` comes before `+` and `-`.",
        ),
    },
    hints=(
        "Output pixel j is valid if 2 j is not before `first` and 2 j + 2 not after "
        "`last`.",
        "The smallest j with 2 j >= first; the largest j with 2 j + 2 <= last.",
        "`(first + 1) // 2` rounds a half up, `(last - 2) // 2` rounds it down.",
    ),
    explanation="From a whole row the start loses nothing, and the end loses one pixel.",
    minutes=5,
    pairs=True,
)


def _judge_after_transposed(
    answer: Callable[[int, int], tuple],
) -> str | Finding | None:
    rng = np.random.default_rng()
    # None begins with pixel 0: there is no pixel before it that could be spread.
    cases = [(int(a), int(a + n)) for a, n in rng.integers((1, 3), (40, 60), (30, 2))]
    return try_cases(
        answer,
        [(2, 5), (1, 4), (1, 6), *cases],
        lambda a, b: (2 * a + 1, 2 * b + 1),
        {
            "touched": lambda a, b: (2 * a, 2 * b + 2),
            "start not crossed": lambda a, b: (2 * a, 2 * b + 1),
            "end crossed": lambda a, b: (2 * a + 1, 2 * b + 2),
            "doubled": lambda a, b: (2 * a, 2 * b),
            "last too small": lambda a, b: (2 * a + 1, 2 * b),
            "second too late": lambda a, b: (2 * a + 2, 2 * b + 1),
            "whole kernels": lambda a, b: (2 * a + 2, 2 * b),
            "halved": lambda a, b: (math.ceil(a / 2), (b - 2) // 2),
            "exchanged": lambda a, b: (2 * b + 1, 2 * a + 1),
            "a size": lambda a, b: 2 * (b - a) + 1,
        },
        names=("first", "last"),
    )


def _after_transposed_code(first: str, last: str) -> str:
    return _two_ends_code("after_transposed", first, last)


after_transposed = Exercise(
    name="after_transposed",
    title="Where the valid part lies: a transposed convolution",
    question="""
        A transposed convolution with a kernel of 3 and a stride of 2 spreads pixel `i`
        over the pixels `2 i`, `2 i + 1` and `2 i + 2` of its output. So pixel `i` and
        its neighbour `i + 1` share one output pixel, `2 i + 2`.

        The pixels from `first` to `last` (included) are valid, their neighbours are not.
        Which are the first and the last valid pixel of the output?
        """,
    answer_name="after_transposed",
    stub=_after_transposed_code("...", "..."),
    solution_code=_after_transposed_code("2 * first + 1", "2 * last + 1"),
    judge=_judge_after_transposed,
    mistakes={
        "touched": Mistake(
            code=_after_transposed_code("2 * first", "2 * last + 2"),
            hint="These pixels get something from a valid pixel. The two outermost also "
            "get something from a neighbour that is not valid.",
        ),
        "start not crossed": Mistake(
            code=_after_transposed_code("2 * first", "2 * last + 1"),
            hint="The last one is right. Output pixel `2 * first` also gets something "
            "from the pixel before `first`.",
        ),
        "end crossed": Mistake(
            code=_after_transposed_code("2 * first + 1", "2 * last + 2"),
            hint="The first one is right. Output pixel `2 * last + 2` also gets "
            "something from the pixel after `last`.",
        ),
        "doubled": Mistake(
            code=_after_transposed_code("2 * first", "2 * last"),
            hint="Doubling is not enough, at neither end. Which pixels are spread on "
            "output pixel `2 * first`, and which on `2 * last + 1`?",
        ),
        "last too small": Mistake(
            code=_after_transposed_code("2 * first + 1", "2 * last"),
            hint="The first one is right. One more pixel after `2 * last` gets something "
            "from `last` only.",
        ),
        "second too late": Mistake(
            code=_after_transposed_code("2 * first + 2", "2 * last + 1"),
            hint="The last one is right. One pixel before `2 * first + 2` gets something "
            "from `first` only.",
        ),
        "whole kernels": Mistake(
            code=_after_transposed_code("2 * first + 2", "2 * last"),
            hint="You lose one pixel too many at each end. The middle one of the three "
            "pixels is reached by one pixel only.",
        ),
        "halved": Mistake(
            code=_after_transposed_code("(first + 1) // 2", "(last - 2) // 2"),
            hint="That is the rule of the convolution. A transposed one makes the row "
            "longer.",
        ),
        "exchanged": Mistake(
            code=_after_transposed_code("2 * last + 1", "2 * first + 1"),
            hint="Both numbers are right, in the wrong order: the first one comes first.",
        ),
        "a size": Mistake(
            code="def after_transposed(first, last):\n    return 2 * (last - first) + 1\n",
            hint="That is how many pixels are valid. The question asks for two numbers: "
            "the first and the last of them.",
        ),
    },
    hints=(
        "Write down which pixels are spread on the output pixels 2 i, 2 i + 1, 2 i + 2.",
        "On an even output pixel two neighbours are spread, on an odd one a single "
        "pixel.",
        "The first valid one is `2 * first + 1`. The last one is the last odd pixel that "
        "`last` reaches.",
    ),
    explanation="At the start one more pixel is lost. At the end none is: the row ends "
    "at 2 last + 1.",
    minutes=4,
    pairs=True,
)


crop_of_margin = Choice(
    name="crop_of_margin",
    title="Is a crop of 31 enough?",
    question="""
        A crop of 31 removes the larger margin. Of each chunk of 128 pixels, the inner 66
        are kept. So each chunk begins 66 pixels after the one before. Is the map exact?
        """,
    options=(
        Option(
            "Yes: all pixels that are left are valid.",
            hint="They are valid, each in its own chunk. But do two chunks agree on "
            "where a kernel stops? `conv1` moves by 2 pan pixels, `conv4` by 16.",
        ),
        Option(
            "No: a crop must be a power of two.",
            hint="Powers of two are a rule of thumb. Look for what is different in a "
            "chunk that begins 66 pixels further.",
        ),
        Option(
            "No: at the right and the bottom, 31 pixels are too many.",
            hint="There, valid pixels are thrown away. That costs time. Does it make any "
            "pixel wrong that is left?",
        ),
        Option("No: in the next chunk, the kernels stop at other places of the image."),
    ),
    explanation="`conv4` moves by 16 pan pixels, and 66 is not a multiple of 16.",
)


def _judge_smallest_crop(answer: Callable[[int, int], int]) -> str | Finding | None:
    rng = np.random.default_rng()
    cases = [(int(m), 2 ** int(d)) for m, d in rng.integers((1, 1), (140, 7), (60, 2))]
    return try_cases(
        answer,
        [
            *((4, 8), (3, 4), (5, 4), (9, 4), (15, 8), (16, 16), (33, 16), (31, 16)),
            *((7, 6), (21, 10), (0, 8), *cases),
        ],
        lambda m, s: -(-m // (s // 2)) * (s // 2),
        {
            "margin only": lambda m, s: m,
            "power of two": lambda m, s: 1 << (m - 1).bit_length() if m else 0,
            "whole stride": lambda m, s: -(-m // s) * s,
            "next one": lambda m, s: (m // (s // 2) + 1) * (s // 2),
            "next stride": lambda m, s: (m // s + 1) * s,
            "too small": lambda m, s: m // (s // 2) * (s // 2),
            "stride too small": lambda m, s: m // s * s,
            "this network only": lambda m, s: 32,
            "half a stride more": lambda m, s: m + s // 2,
            "a stride more": lambda m, s: m + s,
            "both sides": lambda m, s: -(-2 * m // s) * s,
            "twice the stride": lambda m, s: 2 * s,
            "counted in halves": lambda m, s: -(-m // (s // 2)),
            "largest": max,
        },
    )


def _smallest_crop_code(body: str) -> str:
    return f"def smallest_crop(margin, stride):\n    return {body}\n"


smallest_crop = Exercise(
    name="smallest_crop",
    title="The smallest crop that works",
    question="""
        Two rules must hold at once:

        - A chunk is a multiple of the total `stride` long, and so is the tile that is
          kept of it. The total stride is an even number.
        - From **both** ends of the chunk the same crop is removed. It must not be smaller
          than `margin`, the larger of the two margins.

        What is the smallest crop? It must be right for all whole numbers, not only for
        31 and 16.
        """,
    answer_name="smallest_crop",
    stub=_smallest_crop_code("..."),
    solution_code=_smallest_crop_code("-(-2 * margin // stride) * stride // 2"),
    judge=_judge_smallest_crop,
    mistakes={
        "margin only": Mistake(
            code=_smallest_crop_code("margin"),
            hint="That is large enough, but the tile that is left is not a multiple of "
            "the stride. The next chunk would begin between two multiples.",
        ),
        "power of two": Mistake(
            code=_smallest_crop_code(
                "1 << (margin - 1).bit_length() if margin > 0 else 0"
            ),
            hint="Powers of two are a rule of thumb. With margin 33 and stride 16, do you "
            "really have to remove 64 pixels?",
        ),
        "whole stride": Mistake(
            code=_smallest_crop_code("-(-margin // stride) * stride"),
            hint="That works, but it is not always the smallest. What must be a multiple "
            "of the stride is what is removed from both ends *together*.",
        ),
        "next one": Mistake(
            code=_smallest_crop_code("(margin // (stride // 2) + 1) * (stride // 2)"),
            hint="You are close. A margin that fits already needs nothing more: try "
            "margin 16 and stride 16.",
        ),
        "next stride": Mistake(
            code=_smallest_crop_code("(margin // stride + 1) * stride"),
            hint="That is large enough, but a smaller one works. What is removed from "
            "both ends *together* must be a multiple of the stride.",
        ),
        "too small": Mistake(
            code=_smallest_crop_code("margin // (stride // 2) * (stride // 2)"),
            hint="This rounds down, so less than the margin is removed.",
        ),
        "stride too small": Mistake(
            code=_smallest_crop_code("margin // stride * stride"),
            hint="This rounds down, so less than the margin is removed. And must the "
            "crop itself be a multiple of the stride?",
        ),
        "this network only": Mistake(
            code=_smallest_crop_code("32"),
            hint="This is right for margin 31 and stride 16. It must be right for "
            "others too: use `margin` and `stride`.",
        ),
        "half a stride more": Mistake(
            code=_smallest_crop_code("margin + stride // 2"),
            hint="That is large enough, but it breaks the first rule for most margins. "
            "Of which number must the crop be a multiple?",
        ),
        "a stride more": Mistake(
            code=_smallest_crop_code("margin + stride"),
            hint="That is large enough, but it breaks the first rule for most margins. "
            "Round the margin up instead of adding to it: up to a multiple of what?",
        ),
        "both sides": Mistake(
            code=_smallest_crop_code("-(-2 * margin // stride) * stride"),
            hint="That is what both ends lose together. How much does each of them lose?",
        ),
        "twice the stride": Mistake(
            code=_smallest_crop_code("2 * stride"),
            hint="This is right for margin 31 and stride 16, but `margin` must count: "
            "with a margin of 100 this removes too little.",
        ),
        "counted in halves": Mistake(
            code=_smallest_crop_code("-(-margin // (stride // 2))"),
            hint="That is how many halves of the stride the crop has. How many pixels "
            "are they?",
        ),
        "largest": Mistake(
            code=_smallest_crop_code("max(margin, stride)"),
            hint="The larger of the two numbers is the margin itself, or too much. Round "
            "the margin up to a multiple of something: of what?",
        ),
    },
    hints=(
        "A chunk loses 2 crops. Both the chunk and the rest are multiples of the stride.",
        "So 2 crops are a multiple of the stride: the crop is one of half a stride.",
        "Round the margin up to a multiple of `stride // 2`.",
    ),
    explanation="For margin 31 and stride 16 it is 32. The next one is 40, which is not a "
    "power of two.",
    minutes=5,
)
