"""PatchesExtraction: cuts patches out of images at points, as samples for training."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyogrio
from affine import Affine
from numpy.lib.stride_tricks import sliding_window_view
from odc.geo.geobox import GeoBox

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.images import ArrayImage, Image
from tutorial_lib.compat.outputs import strips
from tutorial_lib.compat.parameters import (
    Parameter,
    file_in,
    image_out,
    images_in,
    number,
    text,
    whole,
)
from tutorial_lib.compat.pixel_types import cast
from tutorial_lib.compat.served_image import equals_nodata
from tutorial_lib.grids import GridMismatchError, align, patch_start, pixel_index
from tutorial_lib.notices import warn
from tutorial_lib.patches.extraction import Rejection
from tutorial_lib.patches.vector_files import Points, read_points
from tutorial_lib.placement import crs_name, same_crs

# Rows of a source that are in memory at a time, where the image does not say.
STRIP_ROWS = 512

__all__ = ["PatchesExtraction"]


class _Patches(NamedTuple):
    """Patches (n, height, width, band) of a source, and why some are missing."""

    pixels: np.ndarray
    outside: np.ndarray
    empty: np.ndarray


class PatchesExtraction(Application):
    """Cuts patches out of images at points; `Application` tells how to give parameters.

    A point gives a sample only if its patches lie inside of all sources, and no value
    of any band is the no-data value of its source. Tags of rasters say nothing here.

    Source:
        OTBTF 4.3.1, application PatchesExtraction.

    Example:
        >>> from tutorial_lib import select_positions, testing
        >>> scene = testing.small_scene()
        >>> points = select_positions(scene["labels"], count=5, margin=8)
        >>> path = points.to_file(testing.scratch_folder() / "points.geojson")
        >>> app = PatchesExtraction(
        ...     source1_il=scene["input_10m"],
        ...     source1_patchsizex=16,
        ...     source1_patchsizey=16,
        ...     vec=path,
        ...     field="class",
        ... )
        >>> app["source1.out"].shape, app["outlabels"].shape
        ((320, 16, 4), (20, 1, 1))
    """

    about = "Cuts patches out of images at points."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        of_source = [
            images_in("il", "Images of the source; a list is stacked", stacked=True),
            image_out("out", "Its patches, stacked in rows"),
            whole("patchsizex", "Width of its patches, in its pixels", required=True),
            whole("patchsizey", "Height of its patches, in its pixels", required=True),
            number("nodata", "Patches with this value are left out"),
        ]
        return [
            *(one.of_source(n) for n in range(1, sources + 1) for one in of_source),
            file_in("vec", "Points, in the CRS of the images"),
            text("field", "Field of the points with their class", required=True),
            image_out("outlabels", "Classes of the samples", "uint8"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        numbers = [n for n in range(1, len(values)) if f"source{n}.il" in values]
        images = {f"source{n}": values[f"source{n}.il"] for n in numbers}
        align({name: image.grid for name, image in images.items()})
        # As in OTBTF, only the first layer counts.
        points = read_points(values["vec"], values["field"], 0)
        _warn_of_layers(values["vec"])
        labels, known = _labels(points, values["vec"], values["field"])
        _check_crs(points, values["vec"], images["source1"].grid)
        cut = {
            name: _cut(
                image,
                (points.x[known], points.y[known]),
                (values[f"{name}.patchsizey"], values[f"{name}.patchsizex"]),
                values[f"{name}.nodata"],
            )
            for name, image in images.items()
        }
        kept = ~np.any([one.outside | one.empty for one in cut.values()], axis=0)
        self._rejected = _rejections(points, labels, known, cut)
        self._labels = labels[kept]
        if not kept.any():
            raise ValueError(
                f"No sample is left: {_counted(self._rejected)}. Check that the points "
                "of `vec` lie inside of the images, and the no-data values."
            )
        files = [file for image in images.values() for file in image.files]
        results = {
            f"{name}.out": _stacked(one.pixels[kept], images[name].grid)
            for name, one in cut.items()
        }
        results["outlabels"] = _stacked(labels[kept][:, None, None, None])
        for image in results.values():
            image.files = (*files, values["vec"])
        return results

    @property
    def rejected(self) -> list[Rejection]:
        """A row for each point that gave no sample: its index in the file, and why."""
        return self._rejected if self.results else []

    def summary(self) -> list[str]:
        """See `Application.summary`."""
        why = f": {_counted(self.rejected)}" if self.rejected else ""
        return [
            f"{len(self._labels)} samples collected, {len(self.rejected)} rejected{why}"
        ]

    def _type(self, key: str, given: Any, *, preserve: bool) -> np.dtype:
        dtype = super()._type(key, given, preserve=preserve)
        if key == "outlabels" and self.results:
            changed = self._labels[cast(self._labels, dtype) != self._labels]
            if changed.size:
                warn(
                    f"Class {changed[0]} becomes {cast(changed[:1], dtype)[0]} in "
                    f"{dtype}. Give a type that holds it: "
                    "`pixel_type={'outlabels': 'uint16'}`."
                )
        return dtype


def _warn_of_layers(path: str) -> None:
    layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    if len(layers) > 1:
        warn(
            f"'{path}' has {len(layers)} layers, and points are taken from the first, "
            f"'{layers[0]}'. Copy another one into a file of its own: `ogr2ogr`."
        )


def _labels(points: Points, path: str, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Classes of the points that have one, and the indices of these points.

    As in OTBTF, numbers are cut off, and of texts their leading number counts.
    """
    labels, known = [], []
    for index, (value, given) in enumerate(
        zip(points.values.tolist(), points.labels.tolist(), strict=True)
    ):
        if isinstance(value, str):
            leading = re.match(r"\s*[+-]?[0-9]+", value)
            given = float(leading[0]) if leading else np.nan
        # NaN, which does not equal itself, is a missing number.
        elif value is None or value != value:
            continue
        if np.isnan(given) or abs(given) >= 2**31:
            raise ValueError(
                f"Field '{field}' of '{path}' holds {value!r} at point {index}, which "
                "is no class. Classes are whole numbers below 2147483648: name another "
                "field, `field=…`."
            )
        labels.append(int(given))
        known.append(index)
    if missing := len(points.values) - len(known):
        warn(
            f"{missing} of {len(points.values)} points of '{path}' have no value in "
            f"the field '{field}'. They are left out."
        )
    if not known:
        raise ValueError(
            f"No point of '{path}' has a value in the field '{field}', so there is "
            "nothing to sample. Name another field: `field=…`."
        )
    return np.array(labels, "int64"), np.array(known)


def _check_crs(points: Points, path: str, grid: GeoBox) -> None:
    if points.crs is None or grid.crs is None or same_crs(points.crs, grid.crs):
        return
    # GeoJSON without a CRS counts as WGS 84, whose degrees are never as large.
    if points.crs.geographic and (np.abs([points.x, points.y]) > 360).all():
        return
    raise GridMismatchError(
        f"The points of '{path}' are in {crs_name(points.crs)} and source 1 in "
        f"{crs_name(grid.crs)}. Points are not reprojected here: `ogr2ogr -t_srs "
        f"{crs_name(grid.crs)} new.gpkg {path}`."
    )


def _cut(
    image: Image,
    places: tuple[np.ndarray, np.ndarray],
    size: tuple[int, int],
    nodata: float | None,
) -> _Patches:
    """Patches of one source at all points."""
    (height, width), grid, a = size, image.grid, image.grid.transform
    if height > grid.height or width > grid.width:
        raise ValueError(
            f"Patches of {height}x{width} px are larger than their image, which has "
            f"{grid.height}x{grid.width} px (height x width). Give smaller patches."
        )
    xs, ys = places
    rows = np.array([patch_start(pixel_index(y, a.f, a.e), height) for y in ys])
    columns = np.array([patch_start(pixel_index(x, a.c, a.a), width) for x in xs])
    inside = (rows >= 0) & (rows <= grid.height - height)
    inside &= (columns >= 0) & (columns <= grid.width - width)
    pixels = np.zeros((len(rows), *size, image.bands), image.dtype)
    with image.reading() as read:
        span, step = range(grid.height), image.strip_rows or STRIP_ROWS
        for first, count in strips(span, step):
            chosen = inside & (rows >= first) & (rows < first + count)
            if chosen.any():
                top, left = rows[chosen].min(), columns[chosen].min()
                down = rows[chosen].max() + height - top
                across = columns[chosen].max() + width - left
                strip = read(int(top), int(left), int(down), int(across))
                windows = sliding_window_view(strip, size, (0, 1))
                patches = windows[rows[chosen] - top, columns[chosen] - left]
                pixels[chosen] = np.moveaxis(patches, 1, -1)
    empty = np.zeros(len(rows), bool)
    if nodata is not None:
        empty = equals_nodata(pixels, nodata).any(axis=(1, 2, 3))
    return _Patches(pixels, ~inside, empty)


def _rejections(
    points: Points,
    labels: np.ndarray,
    known: np.ndarray,
    cut: Mapping[str, _Patches],
) -> list[Rejection]:
    """A row for each point that gave no sample, with the first source to say so."""
    rows = []
    for rank, index in enumerate(known.tolist()):
        for name, one in cut.items():
            if one.outside[rank] or one.empty[rank]:
                reason = "outside" if one.outside[rank] else "no-data"
                place = float(points.x[index]), float(points.y[index])
                rows.append(Rejection(index, int(labels[rank]), *place, reason, name))
                break
    return rows


def _counted(rejected: Sequence[Rejection]) -> str:
    causes = Counter((one.reason, one.source) for one in rejected)
    return ", ".join(f"{n} {why} in {name}" for (why, name), n in causes.items())


def _stacked(patches: np.ndarray, source: GeoBox | None = None) -> ArrayImage:
    """A patches image: without a place, with the pixel size of its source."""
    count, height, width, bands = patches.shape
    a, e = (1.0, -1.0) if source is None else source.transform[0:5:4]
    # OTB puts the centre of the first pixel at (0, 0).
    nowhere = Affine(a, 0, -a / 2, 0, e, -e / 2)
    shape = count * height, width
    return ArrayImage(patches.reshape(*shape, bands), GeoBox(shape, nowhere, None))
