"""`show_patches`: examples of every class, one class in a row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from tutorial_lib import arguments
from tutorial_lib.notices import error_line
from tutorial_lib.patches.extraction import LABELS, Patches
from tutorial_lib.patches.images import read_patches
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.figures import (
    TEXT_SIZE,
    WIDTH,
    LiteralFigure,
    StillFigure,
    no_data_ground,
)
from tutorial_lib.viewers.options import check_legend, chosen_bands
from tutorial_lib.viewers.pictures import (
    class_color,
    class_name,
    whole_classes,
)
from tutorial_lib.viewers.reading import is_path
from tutorial_lib.viewers.single_patches import (
    PATCH_FRAME,
    is_marked,
    mark_centre,
    patch_pictures,
)

# Stands for the class of patches without labels.
NO_CLASS = -1

# Distances in the drawing, in sides of a patch.
GAP = 0.08
ROW_GAP = 0.3

# Inches: largest side of a patch, width of a character of a class name, and width of
# the square in the class colour.
PATCH_INCHES = 1.1
CHARACTER_INCHES = 0.075
SQUARE_INCHES = 0.45

# Longer names of classes, in characters, are cut.
LONGEST = 40


def show_patches(
    patches: Patches | Mapping[str, np.ndarray | PathLike] | np.ndarray | PathLike,
    *,
    count: int = 8,
    source: str | None = None,
    classes: Sequence[int] | None = None,
    bands: int | Sequence[int] | None = None,
    legend: Legend | None = None,
    seed: int = 0,
) -> StillFigure:
    """Draw examples of patches, one class in a row.

    All patches have one stretch, computed from the whole source, so their brightness
    can be compared. A yellow frame marks the centre pixel, whose class is that of the
    patch; it has the index `size // 2`. The number above a patch is its index.

    Args:
        patches: The result of `extract_patches`, or arrays (n, height, width, channel)
            or patches images by name, or one of these alone. Without "labels" all
            patches are in one row.
        count: Examples of each class.
        source: Name of the source to show; None takes the first.
        classes: Numbers of the classes to show, in this order; None for all.
        bands: As in `show`.
        legend: Names and colours of the classes.
        seed: Another seed draws other examples.

    Returns:
        A figure that displays itself.

    Raises:
        ValueError: If a source, band or class does not exist, an array has another
            shape, or a label is not a whole number.
        TypeError: If the patches are not numbers, or an option is of a wrong type.
        FileNotFoundError: If there is no such file.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches import extraction
        >>> from tutorial_lib.patches import selection
        >>> scene = dict(testing.small_scene())
        >>> drawn = selection.select_positions(scene.pop("labels"), count=25)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> cut = extraction.extract_patches(scene, drawn, sizes=sizes)
        >>> show_patches(cut, count=3, classes=[2, 0], legend=testing.SMALL_LEGEND)
        Patches of input_10m, 16x16 px: 3 of forest (2), 3 of water (0).
    """
    count = arguments.whole_number("count", count, least=1)
    seed = arguments.whole_number("seed", seed, least=0)
    check_legend(legend)
    if classes is not None:
        classes = arguments.whole_numbers("classes", classes)
    arrays = patch_arrays(patches)
    source = _source_name(source, arrays)
    pixels = patch_stack(source, arrays[source])
    numbers = chosen_bands(f"'{source}'", pixels.shape[3], bands)
    examples = _examples(patch_classes(arrays, len(pixels)), classes, count, seed)
    pictures = patch_pictures(
        pixels, numbers, legend, np.concatenate([*examples.values()])
    )
    names = {label: row_name(label, legend) for label in examples}
    short = {label: _shortened(name) for label, name in names.items()}
    figure, ax = _canvas(short.values(), max(map(len, examples.values())))
    for row, (label, indices) in enumerate(examples.items()):
        color = None if label == NO_CLASS else class_color(label, legend)
        _draw_name(ax, row, short[label], color)
        for column, index in enumerate(indices.tolist()):
            _draw_patch(ax, row, column, pictures[index], index)
            if is_marked(pictures[index]):
                mark_centre(ax, pictures[index], _corner(row, column), (1, 1))
    title = f"Patches of {source}, {pixels.shape[1]}x{pixels.shape[2]} px"
    if bands is not None:
        title += f", band{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
    note = " (yellow: the centre pixel)" if is_marked(pixels[0]) else ""
    ax.set_title(title + note, fontsize=TEXT_SIZE + 1, loc="left")
    rows = [f"{len(examples[label])} of {name}" for label, name in names.items()]
    return StillFigure(figure, f"{title}: {', '.join(rows)}.", patch_files(arrays))


def patch_arrays(patches: Any) -> dict[str, np.ndarray | PathLike]:
    """Arrays or patches images by name, of whatever the viewers of patches accept.

    Raises:
        TypeError: If it is neither patches, nor a dictionary, an array or a path.

    Example:
        >>> list(patch_arrays(np.zeros((3, 8, 8, 1))))
        ['patches']
    """
    if isinstance(patches, Patches):
        return patches.arrays
    if isinstance(patches, np.ndarray):
        return {"patches": patches}
    if is_path(patches):
        path = arguments.file_path("patches", patches)
        return {path.stem: path}
    example = 'the result of `extract_patches`, or {"input": array or path}'
    return arguments.mapping("patches", patches, example)


def patch_files(arrays: Mapping[str, Any]) -> list[PathLike]:
    """The files among patches by name."""
    return [array for array in arrays.values() if is_path(array)]


def _source_name(source: str | None, arrays: Mapping) -> str:
    names = [name for name in arrays if name != LABELS]
    if not names:
        raise ValueError(
            "There are no patches to show: no source but the labels. Give the patches "
            "of a source too."
        )
    if source is not None and arguments.text("source", source) not in names:
        raise ValueError(f"There is no source '{source}'. There are: {names}.")
    return names[0] if source is None else source


def patch_stack(name: str, patches: np.ndarray | PathLike) -> np.ndarray:
    """Patches (n, height, width, channel) of an array or a patches image."""
    array = _as_array(name, patches)
    if array.ndim != 4 or not array.size:
        raise ValueError(
            f"The patches of '{name}' have the shape {array.shape}. Give arrays (n, "
            "height, width, channel) with at least one patch."
        )
    return array


def patch_classes(arrays: Mapping, total: int) -> np.ndarray:
    """(n,) class of each patch; of its centre pixel where labels are patches too."""
    if LABELS not in arrays:
        return np.full(total, NO_CLASS)
    labels = _as_array(LABELS, arrays[LABELS])
    of_patches = labels.ndim == 4 and labels.shape[3] == 1
    one_each = labels.ndim > 0 and labels.size == len(labels)
    if not labels.size or not (of_patches or one_each):
        raise ValueError(
            "Labels are one class number for each patch, or patches of one band. "
            f"Received an array of shape {labels.shape}. Give labels of shape (n,) or "
            "(n, height, width, 1)."
        )
    if len(labels) != total:
        raise ValueError(
            f"There are {total} patches and {len(labels)} labels. Take both from one "
            "`extract_patches`."
        )
    if of_patches:
        labels = labels[:, labels.shape[1] // 2, labels.shape[2] // 2, 0]
    return whole_classes(LABELS, labels.ravel())


def _as_array(name: str, values: np.ndarray | PathLike) -> np.ndarray:
    """An array of real numbers; a patches image is read."""
    try:
        array = None if is_path(values) else np.asarray(values)
    except ValueError as err:  # lists of different lengths
        raise ValueError(
            f"'{name}' is no array: {error_line(err)}. Give an array of real numbers."
        ) from err
    if array is None:
        array = read_patches(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"'{name}' holds values of the type {array.dtype}, which cannot be drawn. "
            "Give the path of a patches image, or an array of real numbers."
        )
    return array.astype("uint8") if array.dtype == bool else array


def _examples(
    labels: np.ndarray, classes: Sequence[int] | None, count: int, seed: int
) -> dict[int, np.ndarray]:
    """Indices of the patches that are drawn of each class, in ascending order."""
    present = np.unique(labels).tolist()
    chosen = present if classes is None else list(classes)
    if not chosen or set(chosen) - set(present):
        raise ValueError(
            f"`classes` is {chosen}, and the classes that have patches are {present}. "
            "Choose among these."
        )
    rng = np.random.default_rng(seed)
    members = {label: np.flatnonzero(labels == label) for label in chosen}
    return {
        label: np.sort(rng.choice(own, min(count, len(own)), replace=False))
        for label, own in members.items()
    }


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _canvas(names: Collection[str], count: int) -> tuple[Figure, Axes]:
    """A figure whose unit of length is the side of a patch."""
    name_inches = SQUARE_INCHES + CHARACTER_INCHES * max(map(len, names))
    side = min(PATCH_INCHES, (WIDTH - name_inches) / (count * (1 + GAP)))
    left, right = -name_inches / side, count * (1 + GAP)
    height = len(names) * (1 + ROW_GAP) + GAP
    figure = LiteralFigure(
        figsize=((right - left) * side, height * side), facecolor="white"
    )
    ax = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(height, 0), aspect=1)
    ax.set_axis_off()
    return figure, ax


def _draw_name(
    ax: Axes, row: int, name: str, color: tuple[int, int, int] | None
) -> None:
    """Draw the name of a row, and a square in the colour of its class."""
    middle = row * (1 + ROW_GAP) + ROW_GAP + 0.5
    place = {"xytext": (-24, 0), "textcoords": "offset points", "fontsize": TEXT_SIZE}
    ax.annotate(name, (0, middle), ha="right", va="center", **place)
    if color is not None:
        left = ScaledTranslation(-0.2, 0, ax.figure.dpi_scale_trans)
        ax.plot(
            [0],
            [middle],
            color=[channel / 255 for channel in color],
            marker="s",
            markersize=10,
            markeredgecolor="#404040",
            markeredgewidth=0.5,
            clip_on=False,
            transform=ax.transData + left,
        )


def _draw_patch(
    ax: Axes, row: int, column: int, picture: np.ndarray, index: int
) -> None:
    """Draw a patch with its index above it."""
    left, top = _corner(row, column)
    extent = (left, left + 1, top + 1, top)
    no_data_ground(ax, extent)
    ax.imshow(picture, extent=extent, interpolation="nearest", aspect=1)
    ax.add_patch(Rectangle((left, top), 1, 1, fill=False, **PATCH_FRAME))
    style = {"fontsize": TEXT_SIZE - 1, "color": "#606060", "va": "bottom"}
    ax.text(left, top - 0.03, str(index), **style)


def _corner(row: int, column: int) -> tuple[float, float]:
    """(left, top) of a patch in the drawing."""
    return column * (1 + GAP), row * (1 + ROW_GAP) + ROW_GAP


def row_name(label: int, legend: Legend | None) -> str:
    """Name of a class with its number; "all patches" where there are no labels."""
    if label == NO_CLASS:
        return "all patches"
    name = class_name(label, legend)
    return name if legend is None else f"{name} ({label})"
