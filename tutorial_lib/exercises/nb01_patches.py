"""Exercises of notebook 01: first pixel of a patch, two sources, refused positions."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.exercises import OTHER, Exercise, Mistake, close, diagnose
from tutorial_lib.patches.extraction import Patches, extract_patches
from tutorial_lib.patches.selection import select_positions
from tutorial_lib.rasters import Source


def _judge_first_pixel(answer: Callable[[int, int], int]) -> str | None:
    rng = np.random.default_rng()
    centres = rng.integers(40, 500, size=20)
    sizes = np.concatenate([rng.integers(1, 20, size=10) * 2, np.arange(1, 20, 2)])
    cases = [(int(c), int(s)) for c in centres for s in sizes]
    got = [answer(centre, size) for centre, size in cases]
    likely = {
        "even centre": [c - (s - 1) // 2 for c, s in cases],
        "odd centre": [c - (s + 1) // 2 for c, s in cases],
        "one size": [c - 8 for c, _ in cases],
        "whole size": [c - s for c, s in cases],
        "not whole": [c - s / 2 for c, s in cases],
        "last pixel": [c - s // 2 + s - 1 for c, s in cases],
    }
    return diagnose(got, right=[c - s // 2 for c, s in cases], likely=likely)


first_pixel = Exercise(
    name="first_pixel",
    title="Where does a patch begin?",
    question="""
        Write a function that gives the first pixel of a patch, along one axis.

        The pixel of the position is the *centre*. With an odd size there are as many
        pixels before it as after it. With an even size that cannot be: then **one pixel
        more lies before it** than after it. So a patch of 16 around pixel 8 holds the
        pixels 0 to 15, and a patch of 5 around pixel 2 holds the pixels 0 to 4.
        """,
    answer_name="first_pixel",
    stub="""
        def first_pixel(centre, size):
            return ...
        """,
    solution_code="""
        def first_pixel(centre, size):
            return centre - size // 2
        """,
    judge=_judge_first_pixel,
    mistakes={
        "even centre": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - (size - 1) // 2
                """,
            hint="Odd sizes are right. With even sizes your centre has one pixel more "
            "*after* it; try `first_pixel(8, 16)`.",
        ),
        "odd centre": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - (size + 1) // 2
                """,
            hint="Even sizes are right. With odd sizes there must be as many pixels after "
            "the centre as before it; try `first_pixel(2, 5)`.",
        ),
        "one size": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - 8
                """,
            hint="That is right for patches of 16, and for no others: `size` has to "
            "change the result.",
        ),
        "whole size": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - size
                """,
            hint="That patch ends before its centre. Only about half of the patch lies "
            "before it.",
        ),
        "not whole": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - size / 2
                """,
            hint="Even sizes are right, odd ones begin in the middle of a pixel. Which "
            "operator divides into whole numbers?",
        ),
        "last pixel": Mistake(
            code="""
                def first_pixel(centre, size):
                    return centre - size // 2 + size - 1
                """,
            hint="This is where the patch ends. The question asks where it begins.",
        ),
    },
    hints=(
        "How many pixels of a patch of 16 lie before its centre? And of a patch of 5?",
        "8 of 16 and 2 of 5: half of the size, rounded down.",
        "In Python, `//` divides and rounds down.",
    ),
    explanation="Half the size, rounded down, lies before the centre.",
)


def _judge_patch_sizes(answer: Any) -> str | None:
    if not isinstance(answer, Mapping) or set(answer) != {"input_10m", "input_20m"}:
        return "names"
    pair = [answer["input_10m"], answer["input_20m"]]
    likely = {
        "same pixels": [16, 16],
        "wrong way": [16, 32],
        "swapped": [8, 16],
        "metres": [160, 160],
    }
    mistake = diagnose(pair, right=[16, 8], likely=likely)
    whole = all(isinstance(size, int | np.integer) for size in pair)
    return "not whole" if mistake is None and not whole else mistake


patch_sizes = Exercise(
    name="patch_sizes",
    title="Two sources, one piece of ground",
    question="""
        The network of a later notebook looks at 160 m x 160 m of ground in *both*
        images. How large must the patches be, in pixels of each image? Sizes are counted
        in the pixels of their own source.
        """,
    answer_name="sizes",
    stub='sizes = {"input_10m": ..., "input_20m": ...}',
    solution_code='sizes = {"input_10m": 16, "input_20m": 8}',
    judge=_judge_patch_sizes,
    mistakes={
        "same pixels": Mistake(
            code='sizes = {"input_10m": 16, "input_20m": 16}',
            hint="16 pixels of 20 m are 320 m of ground: twice as much as in the other "
            "image.",
        ),
        "wrong way": Mistake(
            code='sizes = {"input_10m": 16, "input_20m": 32}',
            hint="The pixels of the second image are larger. Does it take more of them, "
            "or fewer, to cover the same ground?",
        ),
        "swapped": Mistake(
            code='sizes = {"input_10m": 8, "input_20m": 16}',
            hint="Both numbers are there. Which image has the larger pixels?",
        ),
        "metres": Mistake(
            code='sizes = {"input_10m": 160, "input_20m": 160}',
            hint="These are metres. `sizes` counts pixels.",
        ),
        "not whole": Mistake(
            code='sizes = {"input_10m": 160 / 10, "input_20m": 160 / 20}',
            hint="Right in value. But a count of pixels is a whole number, and `/` never "
            "gives one, not even `160 / 10`. Which operator divides into whole numbers?",
        ),
        "names": Mistake(
            code='sizes = {"s2_10m": 16, "s2_20m": 8}',
            hint="Give a dictionary whose keys are the names of the sources, "
            "`input_10m` and `input_20m`, and no others.",
        ),
    },
    hints=(
        "How many metres is one pixel of each image?",
        "Divide 160 m by the size of a pixel, with `//`: sizes are whole numbers.",
        "For the first image that is `160 // 10`.",
    ),
    explanation="The same ground, in fewer pixels where the pixels are larger.",
)


@cache
def _patches_with_rejections() -> Patches:
    """Patches of a scene where some positions are refused, for both reasons."""
    scene = testing.small_scene()
    # The scene holds the value 97, so some patches have a no-data pixel.
    coarse = Source(scene["input_20m"], nodata=97)
    return extract_patches(
        {"input_10m": scene["input_10m"], "input_20m": coarse},
        select_positions(scene["labels"], count=60, seed=5),
        sizes={"input_10m": 16, "input_20m": 8},
    )


def _judge_lost_share(answer: Callable[[Patches], float]) -> str | None:
    patches = _patches_with_rejections()
    rejected, kept = len(patches.rejected), patches.count
    without_data = sum(position.reason == "no-data" for position in patches.rejected)
    likely = {
        "per patch": rejected / kept,
        "kept": kept / (rejected + kept),
        "count": rejected,
        "percent": 100 * rejected / (rejected + kept),
        "one reason": without_data / (rejected + kept),
    }
    right, share = rejected / (rejected + kept), answer(patches)
    mistake = diagnose(share, right=right, likely=likely, tolerance=1e-6)
    if mistake == OTHER and _is_quotient(share, rejected):
        return "fixed number"
    return mistake


def _is_quotient(share: Any, count: int) -> bool:
    """Whether a share is the count divided by a whole number."""
    if not isinstance(share, float | np.floating) or share <= 0:
        return False
    return close(count / share, round(count / share))


lost_share = Exercise(
    name="lost_share",
    title="How many positions were lost?",
    question="""
        Write a function that gives the share of the *positions* that gave no patch, a
        number from 0 to 1. `patches.count` is the number of patches, and
        `patches.rejected` is the list of the positions that were refused.
        """,
    answer_name="lost_share",
    stub="""
        def lost_share(patches):
            return ...
        """,
    solution_code="""
        def lost_share(patches):
            refused = len(patches.rejected)
            return refused / (refused + patches.count)
        """,
    judge=_judge_lost_share,
    mistakes={
        "per patch": Mistake(
            code="""
                def lost_share(patches):
                    return len(patches.rejected) / patches.count
                """,
            hint="You divide by the number of patches. The positions were the patches "
            "and the refused ones together.",
        ),
        "kept": Mistake(
            code="""
                def lost_share(patches):
                    return patches.count / (patches.count + len(patches.rejected))
                """,
            hint="This is the share that was kept.",
        ),
        "count": Mistake(
            code="""
                def lost_share(patches):
                    return len(patches.rejected)
                """,
            hint="This is a count. A share is that count divided by the number of all "
            "positions.",
        ),
        "percent": Mistake(
            code="""
                def lost_share(patches):
                    refused = len(patches.rejected)
                    return 100 * refused / (refused + patches.count)
                """,
            hint="Right in percent; the question asks for a number from 0 to 1.",
        ),
        "one reason": Mistake(
            code="""
                def lost_share(patches):
                    refused = [r for r in patches.rejected if r.reason == "no-data"]
                    return len(refused) / (len(patches.rejected) + patches.count)
                """,
            hint="Positions are refused for two reasons. Did you count both?",
        ),
        "fixed number": Mistake(
            code="""
                def lost_share(patches):
                    return len(patches.rejected) / 6000
                """,
            hint="You divide by a number that does not come from `patches`. The check "
            "tries other patches: find the number of positions with `patches` alone.",
        ),
    },
    hints=(
        "Every position either gave a patch or was refused.",
        "`len(patches.rejected)` counts the refused ones.",
        "Divide that by itself plus `patches.count`.",
    ),
    explanation="Each position is in one of the two lists, never in both.",
)


def _judge_shift(answer: Callable[[int], int]) -> str | None:
    columns = np.random.default_rng().integers(8, 400, size=30)
    columns = np.unique([*columns.tolist(), 20, 21])
    got = [answer(int(column)) for column in columns]
    likely = {
        "none": columns * 0,
        "always": columns * 0 + 1,
        "even": 1 - columns % 2,
        "coarse": (columns % 2) / 2,
        "negative": -(columns % 2),
        "mixed": columns - 8 - (columns // 2 - 4),
        "starts": columns - 8,
    }
    return diagnose(got, right=columns % 2, likely=likely)


shift = Exercise(
    name="shift",
    title="Do the two patches cover the same ground?",
    question="""
        Both images begin at the same corner. A position lies in column `column` of the
        10 m image; in the 20 m image that is column `column // 2`. Both patches, 16 and
        8 pixels wide, begin half their size before it.

        Write a function that says **by how many 10 m pixels the 20 m patch begins
        further left** than the 10 m patch. Draw it on paper for columns 20 and 21.
        """,
    answer_name="shift",
    stub="""
        def shift(column):
            start_10m = column - 8
            start_20m = column // 2 - 4
            return ...
        """,
    solution_code="""
        def shift(column):
            start_10m = column - 8
            start_20m = column // 2 - 4
            return start_10m - 2 * start_20m
        """,
    judge=_judge_shift,
    mistakes={
        "none": Mistake(
            code="""
                def shift(column):
                    return 0
                """,
            hint="Right for column 20. And for column 21, which lies in the same 20 m "
            "pixel?",
        ),
        "always": Mistake(
            code="""
                def shift(column):
                    return 1
                """,
            hint="Right for column 21. And for column 20, which lies in the same 20 m "
            "pixel?",
        ),
        "even": Mistake(
            code="""
                def shift(column):
                    return (column + 1) % 2
                """,
            hint="Try it: in column 20 the 10 m patch begins at 12, the 20 m patch at 6, "
            "which is the same place.",
        ),
        "coarse": Mistake(
            code="""
                def shift(column):
                    return (column - 8) / 2 - (column // 2 - 4)
                """,
            hint="This counts 20 m pixels. How many 10 m pixels is that?",
        ),
        "negative": Mistake(
            code="""
                def shift(column):
                    return 2 * (column // 2 - 4) - (column - 8)
                """,
            hint="The size is right, the sign is not: a patch that begins further left "
            "begins at a smaller number.",
        ),
        "mixed": Mistake(
            code="""
                def shift(column):
                    return (column - 8) - (column // 2 - 4)
                """,
            hint="You subtract 20 m pixels from 10 m pixels. Express both beginnings in "
            "10 m pixels first.",
        ),
        "starts": Mistake(
            code="""
                def shift(column):
                    return column - 8
                """,
            hint="This is where the 10 m patch begins. Subtract where the 20 m patch "
            "begins, in the same pixels.",
        ),
    },
    hints=(
        "Count both beginnings in the same unit: 10 m pixels.",
        "Pixel `n` of the 20 m image begins at pixel `2 * n` of the 10 m image.",
        "Subtract `2 * start_20m` from `start_10m`.",
    ),
    explanation="Even columns fit, odd ones are one pixel of 10 m apart.",
)
