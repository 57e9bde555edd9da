"""Patches: cut at positions out of several sources, and kept as patches images.

A *patches image* holds patches stacked in rows, (n * height, width) pixels on disk; a
position is *refused* when its patch leaves a source or touches no-data.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from einops import rearrange
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib.grids import align, patch_start, pixel_index
from tutorial_lib.notices import warn
from tutorial_lib.patches.positions import Positions
from tutorial_lib.rasters import (
    PathLike,
    Source,
    SourceReader,
    is_nodata,
    open_source,
    read_array,
    write_array,
)

# Rows of a source that are in memory at a time while patches are cut out of them.
STRIP_ROWS = 512

LABELS = "labels"

__all__ = [
    "Patches",
    "Rejection",
    "extract_patches",
    "read_patches",
    "write_patches",
]


class Rejection(NamedTuple):
    """A position that gave no patch.

    Attributes:
        index: Rank of the position, from 0.
        label: Its class.
        x: Its easting.
        y: Its northing.
        reason: "outside" (the patch leaves the source) or "no-data".
        source: Name of the source that refused it.
    """

    index: int
    label: int
    x: float
    y: float
    reason: str
    source: str


@dataclass(frozen=True)
class Patches:
    """Patches of several sources at the same positions, in the same order.

    Attributes:
        arrays: For each source (n, height, width, channel), and under "labels" the
            class of each position, (n, 1, 1, 1).
        paths: The patches images on disk, by the same names; empty without `out_dir`.
        rejected: One row for each position that was refused.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches import positions
        >>> scene = dict(testing.small_scene())
        >>> drawn = positions.select_positions(scene.pop("labels"), count=5, margin=8)
        >>> extract_patches(scene, drawn, sizes={"input_10m": 16, "input_20m": 8})
        20 patches; 0 refused
          input_10m: 16 x 16 px, 4 band(s)
          input_20m: 8 x 8 px, 6 band(s)
          labels: 1 x 1 px, 1 band(s)
    """

    arrays: Mapping[str, np.ndarray]
    rejected: Sequence[Rejection]
    paths: Mapping[str, Path] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of patches of each source."""
        return len(self.arrays[LABELS])

    def __repr__(self) -> str:
        lines = [f"{self.count} patches; {_refusals(self.rejected)}"]
        for name, array in self.arrays.items():
            _, height, width, channels = array.shape
            lines.append(f"  {name}: {height} x {width} px, {channels} band(s)")
        return "\n".join(lines)


def _refusals(rejected: Sequence[Rejection]) -> str:
    causes = Counter((r.reason, r.source) for r in rejected)
    words = [f"{n} {why} in '{source}'" for (why, source), n in causes.items()]
    return f"{len(rejected)} refused" + (f": {', '.join(words)}" if words else "")


def extract_patches(
    sources: Mapping[str, Source | PathLike],
    positions: Positions | PathLike,
    *,
    sizes: Mapping[str, int],
    out_dir: PathLike | None = None,
    prefix: str = "",
) -> Patches:
    """Cut a patch out of every source at every position.

    A position is refused, for all sources, when its patch leaves one of them or holds
    a no-data value (any band, any pixel). Accepted positions keep their order and have
    the same rank in every output. A label raster is one more source.

    Args:
        sources: Rasters by name; each has its own grid, all have one CRS.
        positions: Positions, or a vector file with the field `class`.
        sizes: Side of the patches of each source, in its own pixels. With an even side
            the pixel of the position has index `size / 2`.
        out_dir: Folder for the patches images `{prefix}{name}.tif`; None writes none.
        prefix: See `out_dir`.

    Returns:
        The patches, their files, and the refused positions.

    Raises:
        ValueError: If names do not match, or no position is accepted.
        GridMismatchError: If the sources have different CRS or one is rotated.

    Source:
        OTBTF's PatchesExtraction; its rules, not its rounding of written values.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches.positions import select_positions
        >>> scene = dict(testing.small_scene())
        >>> positions = select_positions(scene.pop("labels"), count=25)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> patches = extract_patches(scene, positions, sizes=sizes)
        >>> patches.count + len(patches.rejected), patches.arrays["input_20m"].shape[1:]
        (100, (8, 8, 6))
    """
    sources = {name: Source.of(source) for name, source in sources.items()}
    _check_names(sources, sizes)
    if not isinstance(positions, Positions):
        positions = Positions.from_file(positions)
    positions = _in_crs(positions, _common_crs(sources))
    arrays: dict[str, np.ndarray] = {}
    refused: dict[int, tuple[str, str]] = {}
    for name, source in sources.items():
        with open_source(source) as reader:
            arrays[name], reasons = _cut(reader, positions, sizes[name])
        for index, reason in reasons.items():
            refused.setdefault(index, (reason, name))
    patches = _accepted(arrays, positions, refused)
    return patches if out_dir is None else _written(patches, Path(out_dir), prefix)


def _accepted(
    arrays: Mapping[str, np.ndarray],
    positions: Positions,
    refused: Mapping[int, tuple[str, str]],
) -> Patches:
    """Leave out the positions that some source refused."""
    x, y, labels = (v.tolist() for v in (positions.x, positions.y, positions.labels))
    rejected = [
        Rejection(i, labels[i], x[i], y[i], *refused[i]) for i in sorted(refused)
    ]
    kept = np.ones(len(positions), bool)
    kept[list(refused)] = False
    if not kept.any():
        raise ValueError(
            f"None of the {len(positions)} positions gives a patch; "
            f"{_refusals(rejected)}. Check that the positions lie inside the sources, "
            "and the no-data values."
        )
    arrays = {name: array[kept] for name, array in arrays.items()}
    arrays[LABELS] = _label_patches(positions.labels[kept])
    return Patches(arrays, rejected)


def _written(patches: Patches, folder: Path, prefix: str) -> Patches:
    paths = {
        name: write_patches(folder / f"{prefix}{name}.tif", array)
        for name, array in patches.arrays.items()
    }
    return replace(patches, paths=paths)


def _check_names(sources: Mapping[str, Source], sizes: Mapping[str, int]) -> None:
    if LABELS in sources:
        raise ValueError(
            "The name 'labels' is reserved for the class of each position. Give the "
            "label raster another name, for example 'truth'."
        )
    if set(sources) != set(sizes) or not sources:
        raise ValueError(
            f"`sizes` must name each source once. Sources: {sorted(sources)}; sizes "
            f"for: {sorted(sizes)}."
        )
    wrong = {k: v for k, v in sizes.items() if not (isinstance(v, Integral) and v > 0)}
    if wrong:
        raise ValueError(
            f"Sizes are whole numbers of pixels from 1 on. Received: {wrong}."
        )


def _common_crs(sources: Mapping[str, Source]) -> CRS | None:
    """The CRS of all sources; refuses those that cannot be read together."""
    grids = {}
    for name, source in sources.items():
        with open_source(source) as reader:
            grids[name] = reader.grid
    align(grids)
    return next(iter(grids.values())).crs


def _in_crs(positions: Positions, crs: CRS | None) -> Positions:
    if positions.crs == crs:
        return positions
    if crs is None:
        warn(
            f"The sources declare no CRS; that of the positions, {positions.crs}, is "
            "assumed."
        )
        return positions
    if positions.crs is None:
        warn(f"The positions declare no CRS; that of the sources, {crs}, is assumed.")
        return Positions(positions.x, positions.y, positions.labels, crs)
    warn(
        f"The positions are in {positions.crs} and the sources in {crs}: the positions "
        "were reprojected."
    )
    return positions.to_crs(crs)


def _cut(
    reader: SourceReader, positions: Positions, size: int
) -> tuple[np.ndarray, dict[int, str]]:
    """Patches of one source at all positions, and why some have none."""
    rows, cols = _starts(reader.grid, positions, size)
    inside = (rows >= 0) & (rows <= reader.grid.height - size)
    inside &= (cols >= 0) & (cols <= reader.grid.width - size)
    refused = dict.fromkeys(np.flatnonzero(~inside).tolist(), "outside")
    shape = (len(positions), size, size, reader.channels)
    patches = np.zeros(shape, reader.dtype)
    # From strip to strip, so that the scene is never in memory as a whole.
    for strip in range(0, reader.grid.height, STRIP_ROWS):
        mine = np.flatnonzero(inside & (rows // STRIP_ROWS == strip // STRIP_ROWS))
        if len(mine):
            patches[mine] = _cut_strip(reader, rows[mine], cols[mine], size)
    empty = inside & is_nodata(patches, reader.nodata).any(axis=(1, 2, 3))
    return patches, refused | dict.fromkeys(np.flatnonzero(empty).tolist(), "no-data")


def _starts(
    grid: GeoBox, positions: Positions, size: int
) -> tuple[np.ndarray, np.ndarray]:
    a = grid.transform
    # A place that has no coordinates in this CRS (inf) is outside.
    xs = np.where(np.isfinite(positions.x), positions.x, a.c - a.a)
    ys = np.where(np.isfinite(positions.y), positions.y, a.f - a.e)
    rows = [patch_start(pixel_index(y, a.f, a.e), size) for y in ys]
    cols = [patch_start(pixel_index(x, a.c, a.a), size) for x in xs]
    return np.array(rows), np.array(cols)


def _cut_strip(
    reader: SourceReader, rows: np.ndarray, cols: np.ndarray, size: int
) -> np.ndarray:
    top, left = rows.min(), cols.min()
    height, width = rows.max() + size - top, cols.max() + size - left
    strip = reader.read(int(top), int(left), int(height), int(width))
    windows = np.lib.stride_tricks.sliding_window_view(strip, (size, size), (0, 1))
    return np.moveaxis(windows[rows - top, cols - left], 1, -1)


def _label_patches(labels: np.ndarray) -> np.ndarray:
    """Class numbers as patches of one pixel, in the smallest type that holds them."""
    smallest, largest = int(labels.min()), int(labels.max())
    if smallest < 0 or largest > 65535:
        raise ValueError(
            f"Class numbers are 0 to 65535; the positions have {smallest} to {largest}."
            " Use a field with class numbers, not with object identifiers."
        )
    dtype = "uint8" if largest <= 255 else "uint16"
    return labels.astype(dtype)[:, np.newaxis, np.newaxis, np.newaxis]


def read_patches(path: PathLike) -> np.ndarray:
    """Patches of a patches image.

    Args:
        path: Raster of square patches stacked in rows, (n * width, width) pixels.

    Returns:
        (n, height, width, channel) array of the raster's type.

    Raises:
        ValueError: If its height is not a multiple of its width.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "patches.tif"
        >>> patches = np.arange(2 * 3 * 3 * 4).reshape(2, 3, 3, 4).astype("uint16")
        >>> np.array_equal(read_patches(write_patches(path, patches)), patches)
        True
    """
    image = read_array(path)
    height, width, _ = image.shape
    if height % width:
        raise ValueError(
            f"'{path}' ({height}x{width} px) is not a patches image: its height is not "
            f"a multiple of its width, so it holds no whole number of square patches."
        )
    return rearrange(image, "(n h) w c -> n h w c", h=width)


def write_patches(path: PathLike, array: np.ndarray) -> Path:
    """Write square patches (n, size, size, channel) as a patches image.

    Args:
        path: The file, a GeoTIFF.
        array: The patches.

    Returns:
        The path. The file has no georeference: its patches come from many places.

    Raises:
        ValueError: If the array holds no square patches.
        OSError: If the file cannot be written.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "patches.tif"
        >>> write_patches(path, np.ones((5, 16, 16, 4), "uint16")).name
        'patches.tif'
    """
    if array.ndim != 4 or array.shape[1] != array.shape[2] or not array.size:
        raise ValueError(
            f"Patches have the shape (n, size, size, channel). Received: {array.shape}."
        )
    image = rearrange(array, "n h w c -> (n h) w c")
    nowhere = rasterio.Affine(1, 0, 0, 0, -1, 0)
    return write_array(path, image, GeoBox(image.shape[:2], nowhere, None))
