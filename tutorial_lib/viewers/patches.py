"""`show_patches`: examples of every class, one class in a row."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation

from tutorial_lib.patches.extraction import LABELS, Patches, read_patches
from tutorial_lib.rasters import Legend, PathLike
from tutorial_lib.viewers.figures import TEXT_SIZE, WIDTH, StillFigure, no_data_ground
from tutorial_lib.viewers.layers import choose_kind, choose_limits, picture_of
from tutorial_lib.viewers.pictures import class_color, class_name
from tutorial_lib.viewers.reading import chosen_bands, is_path

# The limits of the stretch need no more than a sample of the patches.
STRETCH_SAMPLE = 500

# Stands for the class of patches without labels.
NO_CLASS = -1

# Distances in the drawing, in sides of a patch.
GAP = 0.08
ROW_GAP = 0.3

# Inches of a patch, at most, and of a character.
PATCH_INCHES = 1.1
CHARACTER_INCHES = 0.075

PATCH_FRAME = {"edgecolor": "#b0b0b0", "linewidth": 0.5}


def show_patches(
    patches: Patches | Mapping[str, np.ndarray | PathLike],
    *,
    count: int = 8,
    source: str | None = None,
    classes: Sequence[int] | None = None,
    bands: int | Sequence[int] | None = None,
    legend: Legend | None = None,
    centre: bool = False,
    seed: int = 0,
) -> StillFigure:
    """Draw examples of patches, one class in a row.

    All patches have one stretch, that of the source as a whole, so their brightness can
    be compared. The number above a patch is its index.

    Args:
        patches: What `extract_patches` gives, or arrays (n, height, width, channel) or
            patches images by name. Without "labels" all patches are in one row.
        count: Examples of each class.
        source: Name of the source to show; None takes the first.
        classes: Numbers of the classes to show, in this order; None for all.
        bands: As in `show`.
        legend: Names and colours of the classes.
        centre: Outline the pixel of the position, which has index `size // 2`.
        seed: Another seed draws other examples.

    Returns:
        A figure that displays itself.

    Raises:
        ValueError: If a source, band or class does not exist, or an array has another
            rank.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches import extraction
        >>> from tutorial_lib.patches import positions
        >>> scene = dict(testing.small_scene())
        >>> drawn = positions.select_positions(scene.pop("labels"), count=25)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> cut = extraction.extract_patches(scene, drawn, sizes=sizes)
        >>> show_patches(cut, count=3, classes=[2, 0], legend=testing.SMALL_LEGEND)
        Patches of input_10m, 16x16 px: 3 of forest (2), 3 of water (0).
    """
    arrays = patches.arrays if isinstance(patches, Patches) else patches
    source = _source_name(source, arrays)
    pixels = patch_stack(source, arrays[source])
    examples = _examples(patch_classes(arrays, len(pixels)), classes, count, seed)
    # Who has chosen bands wants to read which ones they were.
    chosen, numbers = "", chosen_bands(f"'{source}'", pixels.shape[3], bands)
    if bands is not None:
        chosen = f", band{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
    names = {label: row_name(label, legend) for label in examples}
    figure, ax = _canvas(names.values(), max(map(len, examples.values())))
    pictures = patch_pictures(
        pixels, numbers, legend, np.concatenate([*examples.values()])
    )
    for row, (label, indices) in enumerate(examples.items()):
        color = None if label == NO_CLASS else class_color(label, legend)
        _draw_name(ax, row, names[label], color)
        for column, index in enumerate(indices.tolist()):
            _draw_patch(ax, row, column, pictures[index], centre)
            _draw_index(ax, row, column, index)
    what = f"Patches of {source}, {pixels.shape[1]}x{pixels.shape[2]} px{chosen}"
    ax.set_title(what, fontsize=TEXT_SIZE + 1, loc="left")
    rows = [f"{len(examples[label])} of {name}" for label, name in names.items()]
    return StillFigure(figure, f"{what}: {', '.join(rows)}.")


def _source_name(source: str | None, arrays: Mapping) -> str:
    names = [name for name in arrays if name != LABELS]
    if not names:
        raise ValueError("There are no patches to show: no source but the labels.")
    if source is None:
        return names[0]
    if source not in names:
        raise ValueError(f"There is no source '{source}'. There are: {names}.")
    return source


def patch_stack(name: str, patches: np.ndarray | PathLike) -> np.ndarray:
    """Patches (n, height, width, channel) of an array or a patches image."""
    array = read_patches(patches) if is_path(patches) else np.asarray(patches)
    if array.ndim != 4 or not array.size:
        raise ValueError(
            "Patches are arrays (n, height, width, channel) with at least one patch. "
            f"Received for '{name}': {array.shape}."
        )
    return array


def patch_classes(arrays: Mapping, total: int) -> np.ndarray:
    """(n,) the class of each patch: of its centre, where labels are patches too."""
    if LABELS not in arrays:
        return np.full(total, NO_CLASS)
    labels = arrays[LABELS]
    labels = read_patches(labels) if is_path(labels) else np.asarray(labels)
    if len(labels) != total:
        raise ValueError(
            f"There are {total} patches and {len(labels)} labels. Take both from one "
            "`extract_patches`."
        )
    if labels.ndim == 4:
        labels = labels[:, labels.shape[1] // 2, labels.shape[2] // 2, 0]
    return labels.ravel()


def _examples(
    labels: np.ndarray, classes: Sequence[int] | None, count: int, seed: int
) -> dict[int, np.ndarray]:
    """Indices of the patches that are drawn of each class, in ascending order."""
    if count < 1:
        raise ValueError(f"`count` is {count}. Give 1 or more.")
    present = np.unique(labels).tolist()
    chosen = present if classes is None else list(classes)
    missing = [label for label in chosen if label not in present]
    if missing or not chosen:
        raise ValueError(
            f"`classes` is {chosen}, and the classes that have patches are {present}. "
            "Choose among these."
        )
    rng = np.random.default_rng(seed)
    examples = {}
    for label in chosen:
        members = np.flatnonzero(labels == label)
        drawn = rng.choice(members, min(count, len(members)), replace=False)
        examples[label] = np.sort(drawn)
    return examples


def patch_pictures(
    patches: np.ndarray,
    bands: Sequence[int],
    legend: Legend | None,
    indices: np.ndarray,
) -> dict[int, np.ndarray]:
    """Picture of each patch that is drawn, all with one stretch."""
    channels = [band - 1 for band in bands]
    sample = patches[:: max(1, len(patches) // STRETCH_SAMPLE)]
    band_count, sample = patches.shape[3], sample[..., channels]
    valid = np.isfinite(sample).all(axis=-1)
    kind = choose_kind(sample[valid], band_count, legend)
    limits = choose_limits(sample, valid, kind)
    shown = {index: patches[index][..., channels] for index in indices.tolist()}
    return {
        index: picture_of(patch, np.isfinite(patch).all(-1), kind, legend, limits)
        for index, patch in shown.items()
    }


def _canvas(names: Iterable[str], count: int) -> tuple[Figure, Axes]:
    """A figure whose unit of length is the side of a patch."""
    names = list(names)
    name_inches = 0.45 + CHARACTER_INCHES * max(len(name) for name in names)
    side = min(PATCH_INCHES, (WIDTH - name_inches) / (count * (1 + GAP)))
    left, right = -name_inches / side, count * (1 + GAP)
    height = len(names) * (1 + ROW_GAP) + GAP
    figure = Figure(figsize=((right - left) * side, height * side), facecolor="white")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(height, 0), aspect=1)
    ax.set_axis_off()
    return figure, ax


def _corner(row: int, column: int) -> tuple[float, float]:
    """(x, y) of the top-left corner of a patch in the drawing."""
    return column * (1 + GAP), row * (1 + ROW_GAP) + ROW_GAP


def _draw_name(
    ax: Axes, row: int, name: str, color: tuple[int, int, int] | None
) -> None:
    """Name of a row, ending in a square of its class's colour."""
    _, top = _corner(row, 0)
    ax.annotate(
        name,
        (0, top + 0.5),
        xytext=(-24, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=TEXT_SIZE,
    )
    if color is None:
        return
    face = tuple(channel / 255 for channel in color)
    style = {"marker": "s", "markersize": 10, "markeredgecolor": "#404040"}
    ax.plot(
        [0],
        [top + 0.5],
        color=face,
        markeredgewidth=0.5,
        clip_on=False,
        transform=ax.transData + ScaledTranslation(-0.2, 0, ax.figure.dpi_scale_trans),
        **style,
    )


def _draw_patch(
    ax: Axes, row: int, column: int, picture: np.ndarray, centre: bool
) -> None:
    left, top = _corner(row, column)
    no_data_ground(ax, (left, left + 1, top + 1, top))
    ax.imshow(
        picture,
        extent=(left, left + 1, top + 1, top),
        interpolation="nearest",
        aspect=1,
    )
    # A white patch on the white figure would not be seen.
    ax.add_patch(Rectangle((left, top), 1, 1, fill=False, **PATCH_FRAME))
    if centre:
        height, width, _ = picture.shape
        ax.add_patch(
            Rectangle(
                (left + width // 2 / width, top + height // 2 / height),
                1 / width,
                1 / height,
                fill=False,
                edgecolor="yellow",
                linewidth=1.2,
                path_effects=[withStroke(linewidth=2.6, foreground="black")],
            )
        )


def _draw_index(ax: Axes, row: int, column: int, index: int) -> None:
    left, top = _corner(row, column)
    ax.text(
        left,
        top - 0.03,
        str(index),
        fontsize=TEXT_SIZE - 1,
        color="#606060",
        va="bottom",
    )


def row_name(label: int, legend: Legend | None) -> str:
    """Number and name of a class."""
    if label == NO_CLASS:
        return "all patches"
    name = class_name(label, legend)
    return name if legend is None else f"{name} ({label})"
