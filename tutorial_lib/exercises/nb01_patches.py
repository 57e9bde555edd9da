"""Exercises of notebook 01: positions, the first pixel of a patch, patches, refusals."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import testing
from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    close,
    try_cases,
)
from tutorial_lib.kinds import kind_of
from tutorial_lib.machine import find_data
from tutorial_lib.patches.extraction import LABELS, Patches, Rejection, extract_patches
from tutorial_lib.patches.label_rasters import number_polygons, read_labels
from tutorial_lib.patches.positions import Positions
from tutorial_lib.patches.selection import select_positions
from tutorial_lib.rasters import read_grid, write_array

_IMPORTS = "import tutorial_lib as tl"

# No polygon may hold more than one tenth of the positions that a class should have.
_TENTH = 10


# Positions


def _polygons_of_water() -> int:
    """Number of polygons of water in area A of the Havel, counted in the labels."""
    labels, polygons = _polygon_raster(str(find_data("havel") / "terrain_truth_a.tif"))
    return len(np.unique(polygons[labels == 0]))


few_polygons = Choice(
    name="few_polygons",
    title="From how many polygons do the pixels of water come?",
    question="""
        3093 pixels of area A are water, and each covers 10 m x 10 m. How many polygons
        do they come from?
        """,
    options=(
        Option("16", value=16),
        Option(
            "160",
            value=160,
            hint="Each polygon would have about 20 pixels. One hectare has 100 pixels. "
            "How small may a polygon be? Notebook 00 says it.",
        ),
        Option(
            "1600",
            value=1600,
            hint="Each polygon would have two pixels. A polygon is a whole lake here: "
            "how many pixels does a small lake have?",
        ),
    ),
    explanation="A lake has hundreds of pixels. Thousands of pixels are only a few "
    "lakes.",
    minutes=1.5,
    key=_polygons_of_water,
)


@cache
def _polygon_raster(labels_path: str) -> tuple[np.ndarray, np.ndarray]:
    """Class of each pixel, and number of its polygon; -1 without a label."""
    raster = read_labels(labels_path, None)
    labels = np.where(raster.usable, raster.labels.astype(int), -1)
    return labels, number_polygons(raster.labels, raster.usable)


def _available(labels_path: Path) -> dict[int, int]:
    """Number of labelled pixels of each class."""
    labels, _ = _polygon_raster(str(labels_path))
    numbers, counts = np.unique(labels[labels >= 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _pixels_of(positions: Positions, grid: Any) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each position."""
    cols, rows = ~grid.transform @ (positions.x, positions.y)
    return np.floor(rows).astype(int), np.floor(cols).astype(int)


def _wrong_positions(answer: Any, labels_path: Path) -> Finding | None:
    """What makes an answer something else than labelled pixels of a raster."""
    if not isinstance(answer, Positions):
        return Finding(
            f"`positions` is {kind_of(answer)}. Give it what "
            "`tl.select_positions` returns."
        )
    grid, (truth, _) = read_grid(labels_path), _polygon_raster(str(labels_path))
    rows, cols = _pixels_of(answer, grid)
    inside = (rows >= 0) & (rows < grid.height) & (cols >= 0) & (cols < grid.width)
    there = truth[np.where(inside, rows, 0), np.where(inside, cols, 0)]
    wrong = np.flatnonzero(~inside | (there != answer.labels))
    if wrong.size:
        return Finding(
            f"Position {wrong[0]} has class {answer.labels[wrong[0]]}, and "
            "`labels_path` does not have this class there. Which raster did you draw "
            "from?"
        )
    if len(set(zip(rows.tolist(), cols.tolist(), strict=True))) < len(answer):
        return Finding("At least one pixel is there twice.")
    return None


def _is_even(answer: Positions, wanted: Mapping[int, int]) -> bool:
    """Whether all classes are there, with the same number of positions."""
    return set(answer.counts) == set(wanted) and len(set(answer.counts.values())) == 1


def _wrong_counts(answer: Positions, wanted: Mapping[int, int]) -> Finding | None:
    """The first class that has too few or too many positions."""
    if _is_even(answer, wanted):
        got, number = next(iter(answer.counts.values())), next(iter(wanted.values()))
        size = "too few" if got < number else "too many"
        return Finding(
            f"Each class has {got} positions: {size}.",
            right="All classes have the same number of positions.",
        )
    for label, number in wanted.items():
        got = answer.counts.get(label, 0)
        if got != number:
            right = [k for k, n in wanted.items() if answer.counts.get(k) == n]
            listed = ", ".join(map(str, right))
            size = "too few" if got < number else "too many"
            return Finding(
                f"Class {label} has {got} positions: {size}.",
                right=f"The number is right for class {listed}." if right else "",
            )
    return None


@cache
def _labels_of_few_polygons() -> Path:
    """A label raster with one large and ten small polygons of each of four classes.

    With so few polygons, only the right limit gives enough positions, and none too many
    in one polygon.
    """
    labels = np.full((240, 300, 1), 255, "uint8")
    for class_id in range(4):
        top = 60 * class_id
        labels[top : top + 40, : 50 * (class_id + 1)] = class_id
        for number in range(10):
            left = 12 * number
            labels[top + 46 : top + 54, left : left + 8] = class_id
    path = testing.scratch_folder() / "labels.tif"
    return write_array(path, labels, testing.small_grid(240, 300), nodata=255)


def _scene_for_positions() -> Mapping[str, Any]:
    return {"labels_path": _labels_of_few_polygons(), "count": 200}


def _judge_draw(answer: Any, *, labels_path: Path, count: int) -> Any:
    wrong = _wrong_positions(answer, labels_path)
    if wrong:
        return wrong
    allowed = count // _TENTH
    _, polygons = _polygon_raster(str(labels_path))
    pixels = _pixels_of(answer, read_grid(labels_path))
    most = int(np.bincount(polygons[pixels]).max())
    wanted = _reachable(labels_path, count, allowed)
    if most > allowed or answer.counts != wanted:
        return _wrong_strategy(answer, labels_path, count) or _wrong_limit(
            answer, labels_path, count, most
        )
    # Without a limit it is luck that no polygon holds too many.
    return "no limit" if answer.polygons is None else None


def _wrong_strategy(
    answer: Positions, labels_path: Path, count: int
) -> str | Finding | None:
    """The mistake that explains the numbers of positions of the classes."""
    available = _available(labels_path)
    if answer.counts == available:
        return "every pixel"
    if set(answer.counts) != set(available):
        missing = ", ".join(str(k) for k in available if k not in answer.counts)
        return Finding(f"No position is of class {missing}. The question asks for all.")
    if len(answer) == count:
        return "together"
    if len(answer) == count * len(available) and len(set(answer.counts.values())) > 1:
        return "in proportion"
    return None


def _wrong_limit(
    answer: Positions, labels_path: Path, count: int, most: int
) -> str | Finding | None:
    """What is wrong with the largest number in one polygon, or with the count."""
    allowed = count // _TENTH
    wanted = _reachable(labels_path, count, allowed)
    if answer.counts == _reachable(labels_path, count, _TENTH):
        return "percent"
    if answer.counts == wanted and answer.polygons is None:
        return "no limit"
    even = "The classes have the same number of positions."
    right = even if _is_even(answer, wanted) else ""
    if most > allowed:
        return Finding(
            f"{most} positions lie in one polygon: more than 10 % of `count`.", right
        )
    if answer.counts == _reachable(labels_path, count, most) != wanted:
        return Finding(
            f"`most_per_polygon` is {most} here. That is less than the question allows, "
            "so the classes have fewer positions than they could.",
            right,
        )
    free = _in_polygons(labels_path, allowed)
    if answer.counts == dict.fromkeys(free, min(free.values())):
        return Finding(
            f"Each class has {min(free.values())} positions: as many as the rarest "
            "class can have. It should be `count`. Did you give `count=count`, with the "
            'strategy `"constant"`?',
            right="No polygon holds too many.",
        )
    if answer.counts == free:
        return Finding(
            "This takes all pixels that the limit allows. Another strategy takes the "
            "same number of each class."
        )
    return _wrong_counts(answer, wanted)


def _reachable(labels_path: Path, count: int, allowed: int) -> dict[int, int]:
    """Number of positions of each class with so many allowed in a polygon."""
    free = _in_polygons(labels_path, allowed)
    return dict.fromkeys(free, min(count, *free.values()))


def _in_polygons(labels_path: Path, allowed: int) -> dict[int, int]:
    """Most positions that each class can have with so many allowed in a polygon."""
    labels, polygons = _polygon_raster(str(labels_path))
    return {
        label: int(np.minimum(np.bincount(polygons[labels == label]), allowed).sum())
        for label in _available(labels_path)
    }


draw = Exercise(
    name="draw",
    title="Draw positions",
    question="""
        Draw `count` positions of *each* class at random, and call them `positions`. No
        polygon may hold more than 10 % of `count`. Use `tl.select_positions` again:

        - its strategy `"constant"`, the default, takes the same number of each class,
        - `most_per_polygon` is the largest number of positions in one polygon. Work it
          out from `count`. It is a whole number, such as 7 and not 7.0.

        Write every argument after the file with its name, as above: `strategy="all"`.
        `help(tl.select_positions)` explains all arguments, and a new cell with
        `ex.draw.hint()` gives a hint. Each exercise has hints.
        """,
    answer_name="positions",
    stub="positions = ...",
    solution_code="""
        positions = tl.select_positions(
            labels_path, count=count, most_per_polygon=count // 10
        )
        """,
    judge=_judge_draw,
    imports=_IMPORTS,
    example=_scene_for_positions,
    mistakes={
        "every pixel": Mistake(
            code='positions = tl.select_positions(labels_path, strategy="all")',
            hint="This takes every pixel that has a label. Another strategy takes the "
            "same number of each class.",
        ),
        "together": Mistake(
            code="""
                positions = tl.select_positions(
                    labels_path, strategy="total", count=count
                )
                """,
            hint="All classes together have `count` positions here. The question asks "
            "for `count` positions of *each* class.",
        ),
        "in proportion": Mistake(
            code="""
                classes = 4
                positions = tl.select_positions(
                    labels_path, strategy="total", count=classes * count
                )
                """,
            hint="The total is right, but frequent classes have more positions than "
            "rare ones. Which strategy gives each class the same number?",
        ),
        "no limit": Mistake(
            code="positions = tl.select_positions(labels_path, count=count)",
            hint="Each class has `count` positions, but one polygon holds more than "
            "10 % of them. Limit them with `most_per_polygon`.",
        ),
        "percent": Mistake(
            # The kit warns that there are too few positions, and the tests refuse
            # warnings.
            code="""
                import warnings

                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    positions = tl.select_positions(
                        labels_path, count=count, most_per_polygon=10
                    )
                """,
            hint="`most_per_polygon` is a number of positions, not a percentage. How "
            "many positions are 10 % of `count`?",
        ),
    },
    hints=(
        "Look at the cell that made `everywhere`. Which arguments have to change?",
        "10 % is one tenth. `//` divides and gives a whole number.",
        "`tl.select_positions(labels_path, count=count, most_per_polygon=…)`, with a "
        "tenth of `count` in place of `…`.",
    ),
    explanation="If the polygons of a class are too few or too small, the kit warns, "
    "and all classes get fewer positions.",
    minutes=5,
    pairs=True,
)


overlaps = Choice(
    name="overlaps",
    title="Do the patches overlap?",
    question="""
        A patch covers 16 x 16 pixels. Which share of the patches has at least one pixel
        in common with another patch?
        """,
    options=(
        Option(
            "None: every position is another pixel.",
            hint="The centres are different pixels. How far apart must two centres be, "
            "so that their patches have no pixel in common?",
        ),
        Option(
            "About a third: the scene is large, and positions are drawn at random.",
            hint="The scene is large, but positions lie only in polygons. How many "
            "positions may one polygon hold, and how many patches fit into it side by "
            "side?",
        ),
        Option("Nearly all of them: many positions lie in the same polygon."),
    ),
    explanation="Up to a tenth of a class lies in one polygon, and few patches fit into "
    "a polygon side by side.",
    minutes=2,
    vote=True,
)


# The first pixel


_SIMPLE_PATCHES = [(8, 16), (2, 5), (20, 16), (20, 7), (20, 1), (20, 2), (3, 16)]


def _judge_first_pixel(answer: Callable[[int, int], int]) -> Any:
    cases = [*_SIMPLE_PATCHES, *product((0, 5, 30, 31), range(1, 20))]
    return try_cases(
        answer,
        cases,
        lambda centre, size: centre - size // 2,
        {
            "even centre": lambda c, s: c - (s - 1) // 2,
            "odd centre": lambda c, s: c - (s + 1) // 2,
            "one size": lambda c, s: c - 8,
            "whole size": lambda c, s: c - s,
            "not whole": lambda c, s: c - s / 2,
            "rounded": lambda c, s: c - round(s / 2),
            "last pixel": lambda c, s: c - s // 2 + s - 1,
            "in the image": lambda c, s: max(0, c - s // 2),
            "one after": lambda c, s: c - s // 2 + 1,
            "one before": lambda c, s: c - s // 2 - 1,
            "half size": lambda c, s: s // 2,
            "sign": lambda c, s: c + s // 2,
            "towards 0": lambda c, s: int(c - s / 2),
            "rounded at the end": lambda c, s: round(c - s / 2),
            "exchanged": lambda c, s: s - c // 2,
        },
    )


def _first_pixel(expression: str) -> str:
    return f"def first_pixel(centre, size):\n    return {expression}"


first_pixel = Exercise(
    name="first_pixel",
    title="Where does a patch begin?",
    question="""
        Write a function that gives the first pixel of a patch, along one axis. `centre`
        is the pixel of the position.

        - Odd size: as many pixels lie before the centre as after it. A patch of 5
          around pixel 2 holds the pixels 0 to 4.
        - Even size: **one pixel more lies before the centre** than after it. A patch of
          16 around pixel 8 holds the pixels 0 to 15.

        The number may be negative: such a patch begins outside the image.
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
            code=_first_pixel("centre - (size - 1) // 2"),
            hint="Odd sizes are right. With even sizes your centre has one pixel more "
            "*after* it; try `first_pixel(8, 16)`.",
        ),
        "odd centre": Mistake(
            code=_first_pixel("centre - (size + 1) // 2"),
            hint="Even sizes are right. With odd sizes there must be as many pixels "
            "after the centre as before it; try `first_pixel(2, 5)`.",
        ),
        "one size": Mistake(
            code=_first_pixel("centre - 8"),
            hint="This is right for patches of 16 only. The result must depend on "
            "`size`.",
        ),
        "whole size": Mistake(
            code=_first_pixel("centre - size"),
            hint="That patch ends before its centre. Only about half of the patch lies "
            "before it.",
        ),
        "not whole": Mistake(
            code=_first_pixel("centre - size / 2"),
            hint="Even sizes are right. With odd sizes your patch begins in the middle "
            "of a pixel. Which operator divides into whole numbers?",
        ),
        "rounded": Mistake(
            code=_first_pixel("centre - round(size / 2)"),
            hint="`round` goes to the *even* neighbour: `round(1.5)` is 2, and "
            "`round(2.5)` is 2 as well. So only some odd sizes are right. Which "
            "operator always rounds down?",
        ),
        "last pixel": Mistake(
            code=_first_pixel("centre - size // 2 + size - 1"),
            hint="This is where the patch ends. The question asks where it begins.",
        ),
        "in the image": Mistake(
            code=_first_pixel("max(0, centre - size // 2)"),
            hint="Inside the image all is right. A patch that leaves the image begins "
            "at a negative number. Leave it negative: a patch moved to 0 would not "
            "have its position in its centre.",
        ),
        "one after": Mistake(
            code=_first_pixel("centre - size // 2 + 1"),
            hint="Your patch begins one pixel too late. Pixels are counted from 0 here: "
            "try `first_pixel(8, 16)`.",
        ),
        "one before": Mistake(
            code=_first_pixel("centre - size // 2 - 1"),
            hint="Your patch begins one pixel too early. Pixels are counted from 0 "
            "here: try `first_pixel(8, 16)`.",
        ),
        "half size": Mistake(
            code=_first_pixel("size // 2"),
            hint="So many pixels lie before the centre. At which pixel of the image "
            "does the patch begin then?",
        ),
        "sign": Mistake(
            code=_first_pixel("centre + size // 2"),
            hint="This lies after the centre. A patch begins before its centre.",
        ),
        "towards 0": Mistake(
            code=_first_pixel("int(centre - size / 2)"),
            hint="Even sizes are right. With odd sizes, your difference ends in .5, and "
            "`int` drops that. Round half of the size first, then subtract it.",
        ),
        "rounded at the end": Mistake(
            code=_first_pixel("round(centre - size / 2)"),
            hint="Even sizes are right. With odd sizes, your difference ends in .5, and "
            "`round` goes to the *even* neighbour. Round half of the size down first, "
            "then subtract it.",
        ),
        "exchanged": Mistake(
            code=_first_pixel("size - centre // 2"),
            hint="The two arguments are exchanged: the first is the centre, the second "
            "the size.",
        ),
    },
    hints=(
        "How many pixels of a patch of 16 lie before its centre? And of a patch of 5?",
        "8 of 16 and 2 of 5: half of the size, rounded down.",
        "In Python, `//` divides and rounds down.",
    ),
    explanation="Half the size, rounded down, lies before the centre.",
    minutes=3,
)


# Patches


def _wrong_patches(
    answer: Any,
    sources: Mapping[str, Path],
    sizes: Mapping[str, int],
    positions: Positions,
    likely_sizes: Mapping[str, Mapping[str, int]],
) -> Any:
    """Finding or key of the first thing that is wrong with patches; None if nothing."""
    if not isinstance(answer, Patches):
        return Finding(
            f"The answer is {kind_of(answer)}. Give it what "
            "`tl.extract_patches` returns, as a whole."
        )
    if set(answer.arrays) != {*sources, LABELS}:
        return "names"
    got = {name: answer.arrays[name].shape[1:3] for name in sources}
    reference = extract_patches(sources, positions, sizes=sizes)
    if got != {name: (size, size) for name, size in sizes.items()}:
        wrong = _wrong_sizes(got, sizes, likely_sizes)
        # With the files exchanged too, each file has the right size.
        files = _wrong_pixels(answer, reference) if wrong == "swapped" else None
        return "all exchanged" if files == "files exchanged" else wrong
    given, needed = answer.count + len(answer.rejected), len(positions)
    if given != needed:
        return Finding(
            f"Your patches are of {given} positions. `positions` holds {needed}.",
            right="Names and sizes are right.",
        )
    return _wrong_pixels(answer, reference)


def _wrong_sizes(
    got: Mapping[str, tuple[int, int]],
    sizes: Mapping[str, int],
    likely: Mapping[str, Mapping[str, int]],
) -> str | Finding:
    for mistake, wrong in likely.items():
        if got == {name: (size, size) for name, size in wrong.items()}:
            return mistake
    right = [f"`{name}`" for name in sizes if got[name] == (sizes[name],) * 2]
    name = next(name for name in sizes if got[name] != (sizes[name],) * 2)
    height, width = got[name]
    size = "too small" if height < sizes[name] else "too large"
    return Finding(
        f"The patches of `{name}` have {height} x {width} pixels: {size}.",
        right=f"The size of {', '.join(right)} is right." if right else "",
    )


def _wrong_pixels(answer: Patches, reference: Patches) -> str | Finding | None:
    """What differs in the pixels of patches that have the right names and sizes."""
    names = [name for name in reference.arrays if name != LABELS]
    bands = {name: answer.arrays[name].shape[3] for name in names}
    needed = {name: reference.arrays[name].shape[3] for name in names}
    if bands != needed and sorted(bands.values()) == sorted(needed.values()):
        return "files exchanged"
    if bands != needed and len(set(bands.values())) < len(set(needed.values())):
        return "one file"
    for name in names:
        if bands[name] != needed[name]:
            plural = "s" * (bands[name] != 1)
            return Finding(
                f"The patches of `{name}` have {bands[name]} band{plural}. The image of "
                f"this source has {needed[name]}: which file did you give?"
            )
    if answer.count != reference.count:
        more = "more" if answer.count > reference.count else "fewer"
        return Finding(
            f"{len(answer.rejected)} positions were refused, and {more} patches than "
            "expected are left. Did you give the right images, and `positions`?",
            right="Names and sizes are right.",
        )
    for name in (LABELS, *names):
        same = answer.arrays[name] == reference.arrays[name]
        wrong = np.flatnonzero(~same.reshape(len(same), -1).all(axis=1))
        if wrong.size:
            what = "label" if name == LABELS else f"patch of `{name}`"
            return Finding(
                f"The {what} with index {wrong[0]} is not that of the position with "
                "this index. Did you give the right image with all its bands, and "
                "`positions` in their order?",
                right="Names and sizes are right.",
            )
    return None


def _judge_patches(
    answer: Any, *, image_path: Path, positions: Positions, work: Path
) -> Any:
    wrong = _wrong_patches(
        answer,
        {"input": image_path},
        {"input": 16},
        positions,
        {"metres": {"input": 160}, "half": {"input": 8}, "odd": {"input": 17}},
    )
    if wrong:
        return wrong
    return _wrong_files(answer.paths, Path(work))


def _wrong_files(paths: Mapping[str, Path], work: Path) -> str | Finding | None:
    if not paths:
        return "no files"
    path = Path(paths["input"])
    if path.parent.resolve() != work.resolve():
        return "other folder"
    if path.name == "input.tif":
        return "no prefix"
    if path.name == "ainput.tif":
        return "bare prefix"
    if path.name != "a_input.tif":
        return Finding(
            f"The file is called `{path.name}`. It must be called `a_input.tif`.",
            right="The patches are right.",
        )
    return None


def _scene_for_patches() -> Mapping[str, Any]:
    scene = testing.small_scene(240, 300)
    return {
        "image_path": scene["input_10m"],
        "positions": select_positions(scene["labels"], count=40, seed=5),
        "work": testing.scratch_folder(),
    }


_PATCHES = """
    patches = tl.extract_patches(
        {"input": image_path},
        positions,
        sizes={"input": 16},
        out_dir=work,
        prefix="a_",
    )
    """

patches = Exercise(
    name="patches",
    title="Cut the patches",
    question="""
        Cut patches of 16 x 16 pixels around `positions` out of the image at
        `image_path`, and call them `patches`. Use `tl.extract_patches`;
        `help(tl.extract_patches)` explains it.

        - `sources` is a dictionary from the name of a source to its file: the name is
          `"input"`.
        - `positions` is the second argument. Write all others with their names.
        - `sizes` is a dictionary too, from the name of the source to the side of its
          patches.
        - `out_dir=work` and `prefix="a_"` also write them to disk, as `a_input.tif`.
        """,
    answer_name="patches",
    stub="patches = ...",
    solution_code=_PATCHES,
    judge=_judge_patches,
    imports=_IMPORTS,
    example=_scene_for_patches,
    mistakes={
        "metres": Mistake(
            code=_PATCHES.replace("16", "160"),
            hint="These patches have a side of 160 *pixels*. `sizes` counts pixels, "
            "not metres.",
        ),
        "half": Mistake(
            code=_PATCHES.replace("16", "8"),
            hint="These patches have a side of 8 pixels. `sizes` is the whole side, not "
            "the distance from the centre.",
        ),
        "odd": Mistake(
            code=_PATCHES.replace("16", "17"),
            hint="These patches have a side of 17 pixels. The side is 16; the kit "
            "chooses the centre pixel by the rule of `first_pixel`.",
        ),
        "names": Mistake(
            code=_PATCHES.replace('"input"', '"image"'),
            hint="The name of the source is wrong. Sources and sizes both need exactly "
            "the names that the question gives.",
        ),
        "no files": Mistake(
            code=_PATCHES.replace("out_dir=work,", "").replace('prefix="a_",', ""),
            hint="The patches are right, but they were not written to disk. Which "
            "argument gives the folder?",
        ),
        "no prefix": Mistake(
            code=_PATCHES.replace('prefix="a_",', ""),
            hint="The patches are right and in the right folder. The file is called "
            "`input.tif`: patches of area B would replace it. Give the prefix too.",
        ),
        "bare prefix": Mistake(
            code=_PATCHES.replace('"a_"', '"a"'),
            hint="The patches are right. The prefix is put directly before the name, "
            "so the `_` belongs to the prefix.",
        ),
        "other folder": Mistake(
            code=_PATCHES.replace("out_dir=work", 'out_dir=work / "patches"'),
            hint="The patches are right, but they lie in another folder than `work`.",
        ),
    },
    hints=(
        "The first argument is a dictionary, even if there is only one source.",
        'The second argument is `positions`, and `sizes={"input": …}`.',
        '`tl.extract_patches({"input": image_path}, positions, sizes=…, out_dir=work, '
        'prefix="a_")`',
    ),
    explanation="One patch and one label for each position that was not refused.",
    minutes=4,
)


def _judge_pairs(
    answer: Any, *, image_path: Path, coarse_path: Path, positions: Positions
) -> Any:
    def both(fine: int, coarse: int) -> dict[str, int]:
        return {"input_10m": fine, "input_20m": coarse}

    return _wrong_patches(
        answer,
        {"input_10m": image_path, "input_20m": coarse_path},
        both(16, 8),
        positions,
        {
            "same pixels": both(16, 16),
            "wrong way": both(16, 32),
            "swapped": both(8, 16),
            "metres": both(160, 160),
            "half": both(8, 4),
        },
    )


def _scene_for_pairs() -> Mapping[str, Any]:
    scene = testing.small_scene(400, 420)
    return {
        "image_path": scene["input_10m"],
        "coarse_path": scene["input_20m"],
        "positions": select_positions(scene["labels"], count=40, seed=5),
    }


_PAIRS = """
    pairs = tl.extract_patches(
        {"input_10m": image_path, "input_20m": coarse_path},
        positions,
        sizes={"input_10m": 16, "input_20m": 8},
    )
    """

pairs = Exercise(
    name="pairs",
    title="Two sources, one piece of ground",
    question="""
        Cut patches of 160 m x 160 m of ground out of *both* images, in one call, and
        call them `pairs`. The sources are `"input_10m"` with the file `image_path`, and
        `"input_20m"` with the file `coarse_path`. The size of each source is counted in
        its own pixels. No files are needed this time.
        """,
    answer_name="pairs",
    stub="pairs = ...",
    solution_code=_PAIRS,
    judge=_judge_pairs,
    imports=_IMPORTS,
    example=_scene_for_pairs,
    mistakes={
        "same pixels": Mistake(
            code=_PAIRS.replace('"input_20m": 8', '"input_20m": 16'),
            hint="16 pixels of 20 m are 320 m of ground: twice as much as in the other "
            "image.",
        ),
        "wrong way": Mistake(
            code=_PAIRS.replace('"input_20m": 8', '"input_20m": 32'),
            hint="The pixels of the second image are larger. Do you need more of them, "
            "or fewer, to cover the same ground?",
        ),
        "swapped": Mistake(
            code=_PAIRS.replace("16,", "8,").replace(": 8}", ": 16}"),
            hint="Both sizes are there, but each belongs to the other image. Which "
            "image has the larger pixels?",
        ),
        "metres": Mistake(
            code=_PAIRS.replace("16,", "160,").replace(": 8}", ": 160}"),
            hint="These are metres. `sizes` counts pixels of each source.",
        ),
        "half": Mistake(
            code=_PAIRS.replace("16,", "8,").replace(": 8}", ": 4}"),
            hint="Both patches cover the same ground, but only 80 m of it. `sizes` is "
            "the whole side, not the distance from the centre.",
        ),
        "names": Mistake(
            code=_PAIRS.replace("input_", "s2_"),
            hint="The names of the sources are `input_10m` and `input_20m`, and no "
            "others.",
        ),
        "files exchanged": Mistake(
            code="""
                pairs = tl.extract_patches(
                    {"input_10m": coarse_path, "input_20m": image_path},
                    positions,
                    sizes={"input_10m": 16, "input_20m": 8},
                )
                """,
            hint="Names and sizes are right. But each name has the file of the other: "
            "look at the numbers of bands.",
        ),
        "all exchanged": Mistake(
            code="""
                pairs = tl.extract_patches(
                    {"input_10m": coarse_path, "input_20m": image_path},
                    positions,
                    sizes={"input_10m": 8, "input_20m": 16},
                )
                """,
            hint="Each file has its right size, but the names of the sources are "
            "exchanged. Which file has the pixels of 10 m?",
        ),
        "one file": Mistake(
            code=_PAIRS.replace("coarse_path", "image_path"),
            hint="Names and sizes are right. But both names have the same file.",
        ),
    },
    hints=(
        "How many metres is one pixel of each image? Divide 160 m by it.",
        "The dictionaries of sources and of sizes both have two entries, with the "
        "same names.",
        '`tl.extract_patches({"input_10m": image_path, "input_20m": …}, positions, '
        'sizes={"input_10m": …, "input_20m": …})`',
    ),
    explanation="The same ground, in fewer pixels where the pixels are larger.",
    minutes=3,
)


# Refusals

one_pixel_missing = Choice(
    name="one_pixel_missing",
    title="One pixel is missing",
    question="""
        In one band of the 20 m image, one pixel of a patch has no data. What should
        happen to this position?
        """,
    options=(
        Option(
            "Its 20 m patch is left out, and its 10 m patch is kept.",
            hint="Patch number 7 of one image belongs to patch number 7 of the other. "
            "Which numbers would the patches after this one have?",
        ),
        Option(
            "The missing pixel is set to 0, and both patches are kept.",
            hint="For the network 0 is a value like any other. Which ground has a "
            "reflectance close to 0?",
        ),
        Option(
            "Both patches are kept, because their centre pixel has data.",
            hint="The network looks at all pixels of a patch. What would it learn from "
            "the missing one?",
        ),
        Option("The position is refused, and no patch of it is left in either image."),
    ),
    explanation="The kit never fills in pixels, and the patches of all sources stay "
    "together.",
    minutes=1.5,
)


def _patches_of(kept: int, outside: int, nodata: int) -> Patches:
    """Patches of no particular pixels, with so many refusals for each reason."""
    reasons = ["outside"] * outside + ["no-data"] * nodata
    rejected = [Rejection(i, 0, 0.0, 0.0, r, "input") for i, r in enumerate(reasons)]
    empty = np.zeros((kept, 1, 1, 1), "uint8")
    return Patches({"input": empty, LABELS: empty}, rejected)


def _judge_lost_share(answer: Callable[[Patches], float]) -> Any:
    # Patches, positions refused as outside, positions refused because of no-data.
    counts = [(3, 1, 0), (2, 1, 1), (5, 0, 0), (1, 0, 3), (4, 7, 2), (90, 3, 5)]
    cases = [(_patches_of(*case),) for case in counts]
    found = try_cases(answer, cases, _right_share, _WRONG_SHARES, show=_shown_patches)
    if not isinstance(found, Finding):
        return found
    some = [patches for (patches,) in cases if patches.rejected]
    try:
        shares = [answer(patches) for patches in some]
    # Any exception: the answer is the learner's own code.
    except Exception:
        return found
    return _fixed(shares, some) or found


def _right_share(patches: Patches) -> float:
    refused = len(patches.rejected)
    return refused / (refused + patches.count)


def _refused_as(patches: Patches, reason: str) -> float:
    refused = sum(one.reason == reason for one in patches.rejected)
    return refused / (len(patches.rejected) + patches.count)


_WRONG_SHARES = {
    "per patch": lambda p: len(p.rejected) / p.count,
    "kept": lambda p: 1 - _right_share(p),
    "count": lambda p: len(p.rejected),
    "percent": lambda p: 100 * _right_share(p),
    "one reason": lambda p: _refused_as(p, "no-data"),
    "other reason": lambda p: _refused_as(p, "outside"),
    "negative": lambda p: -_right_share(p),
    "no brackets": lambda p: len(p.rejected) / p.count + len(p.rejected),
    "whole": lambda p: len(p.rejected) // (len(p.rejected) + p.count),
    "tenths": lambda p: round(_right_share(p), 1),
}


def _shown_patches(patches: Patches) -> str:
    return f"lost_share({patches.count} patches, {len(patches.rejected)} refused)"


def _fixed(shares: list[Any], some: list[Patches]) -> str | None:
    """The mistake of an answer in which a number is fixed, whatever the patches are."""
    if not all(isinstance(x, int | float) and x for x in shares):
        return None
    if close(shares, shares[:1] * len(shares)):
        return "other patches"
    totals = [len(p.rejected) / x for p, x in zip(some, shares, strict=True)]
    return "fixed number" if close(totals, totals[:1] * len(totals)) else None


def _lost_share(expression: str) -> str:
    return (
        "def lost_share(patches):\n    refused = len(patches.rejected)\n"
        f"    return {expression}"
    )


def _for_one_reason(reason: str) -> str:
    return f"""
        def lost_share(patches):
            refused = [r for r in patches.rejected if r.reason == "{reason}"]
            return len(refused) / (len(patches.rejected) + patches.count)
        """


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
            code=_lost_share("refused / patches.count"),
            hint="You divide by the number of patches. The positions were the patches "
            "and the refused ones together.",
        ),
        "kept": Mistake(
            code=_lost_share("patches.count / (patches.count + refused)"),
            hint="This is the share that was kept.",
        ),
        "count": Mistake(
            code=_lost_share("refused"),
            hint="This is a count. A share is that count divided by the number of all "
            "positions.",
        ),
        "percent": Mistake(
            code=_lost_share("100 * refused / (refused + patches.count)"),
            hint="This is right in percent; the question asks for a number from 0 to "
            "1.",
        ),
        "one reason": Mistake(
            code=_for_one_reason("no-data"),
            hint="You count only the positions that were refused because of no-data. "
            "Positions are refused for two reasons.",
        ),
        "other reason": Mistake(
            code=_for_one_reason("outside"),
            hint="You count only the positions whose patch leaves the image. Positions "
            "are refused for two reasons.",
        ),
        "negative": Mistake(
            code=_lost_share("-refused / (refused + patches.count)"),
            hint="The size is right, the sign is not: a share is at least 0.",
        ),
        "no brackets": Mistake(
            code=_lost_share("refused / patches.count + refused"),
            hint="`/` is computed before `+`. Put the sum in brackets.",
        ),
        "whole": Mistake(
            code=_lost_share("refused // (refused + patches.count)"),
            hint="Your share is always 0, although positions were refused. `//` and "
            "`int` drop the decimals, and a reason that no position has counts none.",
        ),
        "tenths": Mistake(
            code=_lost_share("round(refused / (refused + patches.count), 1)"),
            hint="You round the share. Give it with all digits; the notebook rounds it.",
        ),
        "other patches": Mistake(
            code="def lost_share(patches):\n    return 0.0173",
            hint="This is the same number for all patches. Use `patches`, the argument "
            "of the function, and no variable of the notebook.",
        ),
        "fixed number": Mistake(
            code=_lost_share("refused / 6000"),
            hint="You divide by the same number for all patches. The check tries "
            "others: compute the number of positions from `patches`.",
        ),
    },
    hints=(
        "Every position either gave a patch or was refused.",
        "`len(patches.rejected)` counts the refused ones.",
        "Divide that by itself plus `patches.count`.",
    ),
    explanation="Each position is either in a patch or refused, never both.",
    minutes=3,
)
