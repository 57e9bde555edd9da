"""Positions: where patches are cut, drawn from a label raster or read from a file.

A *position* is the centre of a patch, in map coordinates, with the number of its class.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from tutorial_lib.notices import warn
from tutorial_lib.rasters import PathLike, Source, is_nodata, open_source

__all__ = ["Positions", "select_positions"]


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
            warn(
                f"Class {rarest} has {smallest} pixels only, fewer than `count` "
                f"({count}): {smallest} positions of each class are drawn."
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
        warn(
            f"Only {ends[-1]} pixels have a label, fewer than `count` ({count}): all "
            "are drawn."
        )
    # Differences of rounded sums, so that they add up to `count` exactly.
    numbers = np.diff(ends * min(count, int(ends[-1])) // ends[-1], prepend=0).tolist()
    wanted = dict(zip(available, numbers, strict=True))
    empty = [label for label, number in wanted.items() if not number]
    if empty:
        warn(
            f"The classes {empty} are so rare that they get none of the {count} "
            "positions. Use a larger `count`, or the strategy 'constant'."
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
