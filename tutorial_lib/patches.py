"""Patches: positions, their selection, extraction from several sources, patches images.

Words: a *position* is the centre of a patch, in map coordinates, with the number of its
class; a *patches image* holds patches stacked in rows, (n * height, width) pixels on
disk; a position is *refused* when its patch leaves a source or touches no-data.
"""

import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyogrio
import rasterio
import shapely
from einops import rearrange
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib.grids import align, patch_start, pixel_index
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
    "Positions",
    "Rejection",
    "extract_patches",
    "read_patches",
    "select_positions",
    "write_patches",
]


@dataclass(frozen=True)
class Positions:
    """Centres of patches with the number of their class.

    Attributes:
        x: (n,) float64 eastings, in the units of the CRS.
        y: (n,) float64 northings.
        labels: (n,) int64 class numbers.
        crs: Coordinate reference system of x and y, or None when unknown.

    Example:
        >>> from tutorial_lib import testing
        >>> positions = select_positions(testing.small_scene()["labels"], count=20)
        >>> len(positions), positions.counts
        (80, {0: 20, 1: 20, 2: 20, 3: 20})
    """

    x: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    crs: CRS | None

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Positions({len(self)} in {self.crs}, per class {self.counts})"

    @property
    def counts(self) -> dict[int, int]:
        """How many positions each class has."""
        ids, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def __getitem__(self, index: slice | np.ndarray) -> "Positions":
        return Positions(self.x[index], self.y[index], self.labels[index], self.crs)

    def to_crs(self, crs: CRS) -> "Positions":
        """The same positions in another coordinate reference system.

        Coordinates are inf where that system has none for a place.
        """
        x, y = self.crs.transformer_to_crs(crs)(self.x, self.y)
        return Positions(x, y, self.labels, crs)

    def to_file(self, path: PathLike) -> Path:
        """Write points with the integer field `class`: .geojson, .gpkg and others.

        Args:
            path: File; its ending chooses the format.

        Returns:
            The path.

        Raises:
            ValueError: If the ending belongs to no format that can be written.
            OSError: If the file cannot be written.
        """
        path = Path(path)
        _check_driver(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and renamed: an interrupted run leaves the old file whole.
            # In a folder, since the layer takes the file's name, and a format may have
            # several files.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as part:
                self._write(Path(part) / path.name)
                for file in Path(part).iterdir():
                    file.replace(path.parent / file.name)
        except (OSError, RuntimeError) as err:
            raise OSError(
                f"'{path}' could not be written: {err}. Check that its folder can be "
                "written and that the disk has space."
            ) from err
        return path

    def _write(self, path: Path) -> None:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.points(self.x, self.y)),
            field_data=[self.labels],
            fields=np.array(["class"]),
            geometry_type="Point",
            crs=str(self.crs) if self.crs else None,
        )

    @classmethod
    def from_file(cls, path: PathLike, field: str = "class") -> "Positions":
        """Read points with a class from GeoJSON, GPKG, or anything else OGR reads.

        Args:
            path: Vector file of points, read in file order.
            field: Name of the integer field with the class numbers.

        Returns:
            The positions in the file's CRS.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it holds no points, the field is missing, or a class is not
                a whole number from 0 on.
        """
        if not Path(path).exists():
            raise FileNotFoundError(f"There is no vector file at '{path}'.")
        meta, _, geometry, columns = _read_vector(path)
        if field not in meta["fields"]:
            raise ValueError(
                f"'{path}' has no field '{field}'. Its fields are: "
                f"{', '.join(meta['fields']) or 'none'}. Name one with `field=…`."
            )
        points = shapely.from_wkb(geometry)
        if not len(points) or not np.all(shapely.get_type_id(points) == 0):
            kinds = Counter(
                getattr(point, "geom_type", "no geometry") for point in points
            )
            raise ValueError(
                f"'{path}' must hold points, and only points. It holds: "
                f"{dict(kinds) or 'nothing'}."
            )
        if shapely.is_empty(points).any():
            first = int(np.argmax(shapely.is_empty(points)))
            raise ValueError(
                f"Point {first} of '{path}' has no coordinates. Remove it, or give it "
                "some."
            )
        labels = _class_numbers(columns[list(meta["fields"]).index(field)], path, field)
        crs = CRS(meta["crs"]) if meta["crs"] else None
        return cls(shapely.get_x(points), shapely.get_y(points), labels, crs)


def _check_driver(path: Path) -> None:
    try:
        pyogrio.detect_write_driver(path)
    except ValueError as err:
        raise ValueError(
            f"'{path}': no vector format that can be written ends in '{path.suffix}'. "
            "Use .geojson or .gpkg."
        ) from err


def _read_vector(path: PathLike) -> tuple:
    try:
        return pyogrio.raw.read(path)
    except pyogrio.errors.DataSourceError as err:
        raise OSError(
            f"'{path}' is not a vector file that OGR can read: {err}"
        ) from err


def _class_numbers(values: np.ndarray, path: PathLike, field: str) -> np.ndarray:
    try:
        numbers = values.astype("float64")
    except (TypeError, ValueError):
        numbers = np.full(len(values), np.nan)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers)))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(
            f"Field '{field}' of '{path}' must hold class numbers 0, 1, 2…; "
            f"{int(wrong.sum())} of {len(values)} points do not, the first is point "
            f"{first} with {values[first]!r}. Correct the field or name another one."
        )
    return numbers.astype("int64")


def select_positions(
    labels_path: PathLike,
    *,
    strategy: str = "constant",
    count: int = 1000,
    nodata: float = 255,
    margin: int = 0,
    seed: int = 0,
) -> Positions:
    """Draw positions of every class from a label raster.

    Args:
        labels_path: Single-band raster of class numbers.
        strategy: "constant": `count` of each class, or as many as the rarest class has;
            "smallest": as many of each class as the rarest has; "total": `count` in
            all, each class by its share; "all": every labelled pixel.
        count: See `strategy`.
        nodata: Value of pixels without a label.
        margin: Pixels left out along each border of the raster.
        seed: Another seed draws other pixels.

    Returns:
        Centres of the drawn pixels, from the top row to the bottom row. Class numbers
        are those of the raster, never renumbered.

    Raises:
        ValueError: If the strategy is unknown, no pixel has a label, or a label is not
            a class number.

    Source:
        The strategies of OTBTF's LabelImageSampleSelection, drawn at random instead of
        at regular steps.

    Example:
        >>> from tutorial_lib import testing
        >>> labels = testing.small_scene()["labels"]
        >>> len(select_positions(labels, strategy="total", count=100))
        100
    """
    if margin < 0 or count < 1:
        raise ValueError(
            f"`margin` is 0 px or more, `count` 1 or more. Received: margin={margin}, "
            f"count={count}."
        )
    with open_source(Source(labels_path)) as reader:
        grid = reader.grid
        labels = reader.read(0, 0, grid.height, grid.width)
    if labels.shape[2] != 1:
        raise ValueError(
            f"'{labels_path}' has {labels.shape[2]} bands. A label raster has one."
        )
    labels = labels[..., 0]
    usable = ~is_nodata(labels, nodata)
    if margin:
        usable[:margin] = usable[-margin:] = False
        usable[:, :margin] = usable[:, -margin:] = False
    ids, counts = np.unique(labels[usable], return_counts=True)
    if not len(ids):
        raise ValueError(
            f"'{labels_path}' has no labelled pixel more than {margin} px from its "
            f"border (no-data is {nodata}). Check `nodata` and `margin`."
        )
    _check_labels(ids, labels_path, nodata)
    wanted = _wanted(
        strategy, count, dict(zip(ids.tolist(), counts.tolist(), strict=True))
    )
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(usable & (labels == label)), number, replace=False)
        for label, number in wanted.items()
    ]
    pixels = np.sort(np.concatenate(drawn))
    return _centres(pixels, labels, grid)


def _wanted(strategy: str, count: int, available: dict[int, int]) -> dict[int, int]:
    """How many positions each class gives."""
    rarest = min(available, key=available.get)
    smallest = available[rarest]
    if strategy == "constant":
        if smallest < count:
            warnings.warn(
                f"Class {rarest} has {smallest} pixels only, fewer than `count` "
                f"({count}): {smallest} positions of each class are drawn.",
                stacklevel=3,
            )
        return dict.fromkeys(available, min(count, smallest))
    if strategy == "smallest":
        return dict.fromkeys(available, smallest)
    if strategy == "total":
        return _shares(count, available)
    if strategy == "all":
        return available
    raise ValueError(
        f"The strategy '{strategy}' is unknown. Use 'constant', 'smallest', 'total' or "
        "'all'."
    )


def _shares(count: int, available: dict[int, int]) -> dict[int, int]:
    """`count` positions, shared among the classes by their numbers of pixels."""
    ends = np.cumsum(list(available.values()))
    if ends[-1] < count:
        warnings.warn(
            f"Only {ends[-1]} pixels have a label, fewer than `count` ({count}): all "
            "are drawn.",
            stacklevel=4,
        )
    # Differences of rounded sums, so that they add up to `count` exactly.
    numbers = np.diff(ends * min(count, int(ends[-1])) // ends[-1], prepend=0).tolist()
    wanted = dict(zip(available, numbers, strict=True))
    empty = [label for label, number in wanted.items() if not number]
    if empty:
        warnings.warn(
            f"The classes {empty} are so rare that they get none of the {count} "
            "positions. Use a larger `count`, or the strategy 'constant'.",
            stacklevel=4,
        )
    return wanted


def _check_labels(ids: np.ndarray, path: PathLike, nodata: float) -> None:
    wrong = [i for i in ids.tolist() if i < 0 or i != i // 1]
    if wrong:
        raise ValueError(
            f"'{path}' must hold class numbers 0, 1, 2…, and {nodata} where there is "
            f"no label. It also holds: {wrong[:5]}. Is one of them its no-data value? "
            "Then say so: `nodata=…`."
        )


def _centres(pixels: np.ndarray, labels: np.ndarray, grid: GeoBox) -> Positions:
    rows, cols = np.divmod(pixels, grid.width)
    x, y = grid.transform @ (cols + 0.5, rows + 0.5)
    return Positions(x, y, labels[rows, cols].astype("int64"), grid.crs)


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
    """

    arrays: Mapping[str, np.ndarray]
    rejected: Sequence[Rejection]
    paths: Mapping[str, Path] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of patches of each source."""
        return len(self.arrays[LABELS])

    def __repr__(self) -> str:
        shapes = ", ".join(f"{k} {v.shape[1:]}" for k, v in self.arrays.items())
        return f"Patches({self.count} of {shapes}; {_refusals(self.rejected)})"


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
        warnings.warn(
            f"The sources declare no CRS; that of the positions, {positions.crs}, is "
            "assumed.",
            stacklevel=3,
        )
        return positions
    if positions.crs is None:
        warnings.warn(
            f"The positions declare no CRS; that of the sources, {crs}, is assumed.",
            stacklevel=3,
        )
        return Positions(positions.x, positions.y, positions.labels, crs)
    warnings.warn(
        f"The positions are in {positions.crs} and the sources in {crs}: the positions "
        "were reprojected.",
        stacklevel=3,
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

    Returns:
        The path. The file has no georeference: its patches come from many places.

    Raises:
        ValueError: If the array holds no square patches.
        OSError: If the file cannot be written.
    """
    if array.ndim != 4 or array.shape[1] != array.shape[2] or not array.size:
        raise ValueError(
            f"Patches have the shape (n, size, size, channel). Received: {array.shape}."
        )
    image = rearrange(array, "n h w c -> (n h) w c")
    nowhere = rasterio.Affine(1, 0, 0, 0, -1, 0)
    return write_array(path, image, GeoBox(image.shape[:2], nowhere, None))
