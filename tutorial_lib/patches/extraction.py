"""Patches of several sources at the same positions, in memory and as patches images.

A position is *refused* if its patch leaves a source or holds a no-data value.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.grids import align, patch_start, pixel_index
from tutorial_lib.patches.images import check_patches_destination, write_extraction
from tutorial_lib.patches.positions import Positions, in_crs_of_sources
from tutorial_lib.rasters import (
    PathLike,
    Source,
    SourceReader,
    check_file_name,
    open_sources,
)
from tutorial_lib.rasters.destinations import check_folder

# Number of rows of a source that are in memory at a time. A strip of a Sentinel-2 tile
# with four 16-bit bands takes 45 MB (512 x 10 980 px), the whole tile 964 MB.
STRIP_ROWS = 512

# Name of the patches that hold the class numbers.
LABELS = "labels"

__all__ = ["Patches", "Rejection", "extract_patches"]


class Rejection(NamedTuple):
    """A position that gave no patch.

    Attributes:
        index: Index of the position, from 0.
        label: Class number of the position.
        x: Easting of the position, in the CRS of the sources.
        y: Northing of the position.
        reason: "outside" if the patch leaves the source, or "no-data".
        source: Name of the first source where this happens.
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
        arrays: Patches of each source, (n, height, width, channel). Under "labels" the
            class number of each position, (n, 1, 1, 1).
        rejected: One row for each refused position.
        paths: Paths of the patches images by the same names; empty without `out_dir`.
        polygons: (n,) number of the polygon of each patch, or None if they are unknown.

    Example:
        >>> from tutorial_lib import select_positions, testing
        >>> scene = dict(testing.small_scene())
        >>> positions = select_positions(scene.pop("labels"), count=5, margin=8)
        >>> extract_patches(scene, positions, sizes={"input_10m": 16, "input_20m": 8})
        20 patches; 0 refused
          input_10m: 16 x 16 px, 4 band(s)
          input_20m: 8 x 8 px, 6 band(s)
          labels: 1 x 1 px, 1 band(s)
    """

    arrays: Mapping[str, np.ndarray]
    rejected: Sequence[Rejection]
    paths: Mapping[str, Path] = field(default_factory=dict)
    polygons: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Number of patches of each source."""
        return len(self.arrays[LABELS])

    def __repr__(self) -> str:
        causes = f": {_causes(self.rejected)}" if self.rejected else ""
        kept = counted(self.count, "patch", "patches")
        lines = [f"{kept}; {len(self.rejected)} refused{causes}"]
        for name, array in self.arrays.items():
            _, height, width, channels = array.shape
            lines.append(f"  {name}: {height} x {width} px, {channels} band(s)")
        return "\n".join(lines)


def _causes(rejected: Sequence[Rejection]) -> str:
    causes = Counter((r.reason, r.source) for r in rejected)
    return ", ".join(f"{n} {why} in '{name}'" for (why, name), n in causes.items())


def extract_patches(
    sources: Mapping[str, Source | PathLike],
    positions: Positions | PathLike,
    *,
    sizes: Mapping[str, int] | int,
    out_dir: PathLike | None = None,
    prefix: str = "",
) -> Patches:
    """Cut a patch out of every source at every position.

    A position is refused for all sources if its patch leaves one of them. It is also
    refused if a patch holds a no-data value, in any pixel of any band: NaN, infinity
    and masked pixels too. The other positions keep their order and have the same index
    in every output.

    The files of one extraction belong together. They are written together, and
    `patch_dataset` refuses to mix them with those of another one.

    Args:
        sources: Rasters by name. Each has its own grid, and all have the same CRS. A
            label raster can be one of them, for patches with a label for each pixel.
        positions: Positions, or a vector file of points with the field `class`.
        sizes: Side of the patches of each source, in its own pixels. If the side is
            even, the pixel of the position has the index `size / 2`. One number is
            enough for one source.
        out_dir: Folder for the patches images `{prefix}{name}.tif`; None for no files.
        prefix: Beginning of the file names.

    Returns:
        The patches, their files, and the refused positions.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If the names of sources and sizes differ, a file would lie outside
            of `out_dir` or replace what is read, or all positions are refused.
        FileExistsError: If a file would replace a raster that is not a patches image.
        GridMismatchError: If the sources have different CRS or one is rotated.
        OSError: If a file cannot be read or written.

    Source:
        OTBTF's PatchesExtraction has the same rules. Values are not rounded.

    Example:
        >>> from tutorial_lib import testing
        >>> from tutorial_lib.patches.selection import select_positions
        >>> scene = dict(testing.small_scene())
        >>> positions = select_positions(scene.pop("labels"), count=25, margin=8)
        >>> sizes = {"input_10m": 16, "input_20m": 8}
        >>> patches = extract_patches(scene, positions, sizes=sizes)
        >>> patches
        100 patches; 0 refused
          input_10m: 16 x 16 px, 4 band(s)
          input_20m: 8 x 8 px, 6 band(s)
          labels: 1 x 1 px, 1 band(s)
        >>> patches.arrays["input_20m"].shape
        (100, 8, 8, 6)
    """
    sources = _checked_sources(sources)
    sizes = _checked_sizes(sizes, sources)
    paths = _checked_paths(out_dir, prefix, sources)
    positions = _checked_positions(positions)
    arrays: dict[str, np.ndarray] = {}
    refused: dict[int, tuple[str, str]] = {}
    with open_sources(sources) as readers:
        inputs = [*positions.files, *(f for r in readers.values() for f in r.files)]
        for path in paths.values():
            check_patches_destination(path, inputs)
        _check_sizes_fit(sizes, readers)
        positions = in_crs_of_sources(positions, _common_crs(readers))
        for name, reader in readers.items():
            arrays[name], reasons = _cut(reader, positions, sizes[name])
            for index, reason in reasons.items():
                refused.setdefault(index, (reason, name))
    patches = _accepted(arrays, positions, refused)
    if paths:
        write_extraction(patches.arrays, paths)
    return replace(patches, paths=paths)


def _checked_sources(sources: Mapping[str, Source | PathLike]) -> dict[str, Source]:
    sources = arguments.mapping("sources", sources, '{"input": "scene.tif"}')
    if LABELS in sources:
        raise ValueError(
            "The name 'labels' is reserved for the class of each position. Give the "
            "label raster another name, for example 'truth'."
        )
    return {name: Source.of(source) for name, source in sources.items()}


def _checked_sizes(
    sizes: Mapping[str, int] | int, sources: Mapping[str, Source]
) -> dict[str, int]:
    # Of several sources with pixels of different sizes, one number for all would cover
    # different ground, so each needs its own.
    if len(sources) == 1 and not isinstance(sizes, Mapping):
        sizes = dict.fromkeys(sources, arguments.whole_number("sizes", sizes, least=1))
    example = "{" + ", ".join(f'"{name}": 16' for name in sources) + "}"
    sizes = arguments.mapping("sizes", sizes, example)
    if set(sources) != set(sizes) or not sources:
        raise ValueError(
            f"The sources are {sorted(sources)} and the sizes are for {sorted(sizes)}. "
            "Give a size for each source, and at least one source."
        )
    return {
        name: arguments.whole_number(f'sizes["{name}"]', size, least=1)
        for name, size in sizes.items()
    }


def _checked_paths(
    out_dir: PathLike | None, prefix: str, sources: Mapping[str, Source]
) -> dict[str, Path]:
    """Paths of the patches images by name; none without a folder."""
    prefix = arguments.text("prefix", prefix)
    if out_dir is None:
        return {}
    arguments.file_path("out_dir", out_dir)
    folder = check_folder(out_dir)
    names = {name: f"{prefix}{name}.tif" for name in (*sources, LABELS)}
    for name in names.values():
        check_file_name(name)
    return {name: folder / file for name, file in names.items()}


def _checked_positions(positions: Positions | PathLike) -> Positions:
    kinds, what = (Positions, str, os.PathLike), "positions, or a vector file of points"
    arguments.instance("positions", positions, kinds, what)
    if not isinstance(positions, Positions):
        positions = Positions.from_file(positions)
    if not len(positions):
        raise ValueError("There are no positions. Give at least one.")
    largest = int(positions.labels.max())
    if largest > 65535:
        raise ValueError(
            f"The largest class of the positions is {largest}; 0 to 65535 are "
            "possible. Use a field of class numbers, not one of object identifiers."
        )
    return positions


def _accepted(
    arrays: Mapping[str, np.ndarray],
    positions: Positions,
    refused: Mapping[int, tuple[str, str]],
) -> Patches:
    """Patches of the accepted positions, and a row for each refused position."""
    x, y, labels = (v.tolist() for v in (positions.x, positions.y, positions.labels))
    rejected = [
        Rejection(i, labels[i], x[i], y[i], *refused[i]) for i in sorted(refused)
    ]
    kept = np.ones(len(positions), bool)
    kept[list(refused)] = False
    if not kept.any():
        raise ValueError(
            f"All {len(positions)} positions are refused: {_causes(rejected)}. Check "
            "that the positions are inside the sources, and the no-data values."
        )
    arrays = {name: array[kept] for name, array in arrays.items()}
    arrays[LABELS] = _label_patches(positions.labels[kept])
    return Patches(arrays, rejected, polygons=positions[kept].polygons)


def _check_sizes_fit(
    sizes: Mapping[str, int], readers: Mapping[str, SourceReader]
) -> None:
    for name, reader in readers.items():
        height, width = reader.grid.shape
        if sizes[name] > min(height, width):
            raise ValueError(
                f'`sizes["{name}"]` is {sizes[name]}, and the source has only '
                f"{height}x{width} px, so no patch fits. Give a smaller size."
            )


def _common_crs(readers: Mapping[str, SourceReader]) -> CRS | None:
    """The CRS of all sources, after a check that their grids fit."""
    grids = {name: reader.grid for name, reader in readers.items()}
    align(grids)
    return next(iter(grids.values())).crs


def _cut(
    reader: SourceReader, positions: Positions, size: int
) -> tuple[np.ndarray, dict[int, str]]:
    """Patches of one source at all positions, and reasons to refuse some of them."""
    rows, cols = _starts(reader.grid, positions, size)
    inside = (rows >= 0) & (rows <= reader.grid.height - size)
    inside &= (cols >= 0) & (cols <= reader.grid.width - size)
    shape = (len(positions), size, size, reader.channels)
    patches = np.zeros(shape, reader.dtype)
    whole = np.ones(len(positions), bool)
    # Reads one strip after another, so that the whole source is never in memory.
    for first in range(0, reader.grid.height, STRIP_ROWS):
        begins = inside & (rows >= first) & (rows < first + STRIP_ROWS)
        if begins.any():
            patches[begins], whole[begins] = _cut_strip(
                reader, rows[begins], cols[begins], size
            )
    outside, empty = np.flatnonzero(~inside), np.flatnonzero(~whole)
    refused = dict.fromkeys(outside.tolist(), "outside")
    return patches, refused | dict.fromkeys(empty.tolist(), "no-data")


def _starts(
    grid: GeoBox, positions: Positions, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """First row and first column of each patch."""
    a = grid.transform
    # A position that cannot be reprojected has the coordinates inf. Move it outside.
    xs = np.where(np.isfinite(positions.x), positions.x, a.c - a.a)
    ys = np.where(np.isfinite(positions.y), positions.y, a.f - a.e)
    rows = [patch_start(pixel_index(y, a.f, a.e), size) for y in ys]
    cols = [patch_start(pixel_index(x, a.c, a.a), size) for x in xs]
    return np.array(rows), np.array(cols)


def _cut_strip(
    reader: SourceReader, rows: np.ndarray, cols: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Patches that start at these rows and columns, and which of them are whole."""
    top, left = rows.min(), cols.min()
    height, width = rows.max() + size - top, cols.max() + size - left
    strip = reader.read_block(int(top), int(left), int(height), int(width))
    at = rows - top, cols - left
    pixels = sliding_window_view(strip.values, (size, size), (0, 1))[at]
    incomplete = sliding_window_view(strip.incomplete, (size, size))[at]
    return np.moveaxis(pixels, 1, -1), ~incomplete.any(axis=(1, 2))


def _label_patches(labels: np.ndarray) -> np.ndarray:
    """Class numbers as patches of one pixel, in the smallest type that holds them."""
    dtype = "uint8" if labels.max() <= 255 else "uint16"
    return labels.astype(dtype)[:, np.newaxis, np.newaxis, np.newaxis]
