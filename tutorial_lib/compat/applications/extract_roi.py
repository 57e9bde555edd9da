"""ExtractROI: cuts a part out of an image."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.images import Image, Read
from tutorial_lib.compat.parameters import (
    Parameter,
    choice,
    image_in,
    image_out,
    number,
    texts,
    whole,
)
from tutorial_lib.grids import align, map_grid, pixel_index
from tutorial_lib.notices import warn

__all__ = ["CroppedImage", "ExtractROI", "Region"]


class Region(NamedTuple):
    """A part of an image, in its pixels."""

    row: int
    col: int
    height: int
    width: int


class CroppedImage(Image):
    """A part of another image, with some of its bands."""

    def __init__(self, image: Image, region: Region, bands: list[int]) -> None:
        self._image, self._region, self._bands = image, region, bands
        rows = range(region.row, region.row + region.height)
        columns = range(region.col, region.col + region.width)
        self.grid = map_grid(image.grid, Fraction(1), rows, columns)
        self.bands, self.dtype = len(bands), image.dtype
        self.strip_rows, self.files = image.strip_rows, image.files

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """See `Image.reading`."""
        top, left, *_ = self._region
        with self._image.reading() as read:
            yield lambda row, col, height, width: read(
                top + row, left + col, height, width
            )[..., self._bands]


class ExtractROI(Application):
    """Cuts a part out of an image; `Application` says how to give parameters.

    Source:
        OTB's ExtractROI. In the mode fit, the part reaches from the pixel of the input
        that holds the centre of the reference's first pixel to the one before that of
        the pixel beyond its last; it is cut where it leaves the input.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.small_scene()["input_10m"]
        >>> ExtractROI(path, startx=5, starty=7, sizex=30, sizey=20).shape
        (20, 30, 4)
        >>> ExtractROI(path, mode="fit", mode_fit_im=path).shape
        (120, 168, 4)
    """

    about = "Cuts a part out of an image."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        modes, units = ("standard", "fit", "extent"), ("pxl", "phy")
        return [
            image_in("in", "Image"),
            image_out("out", "The part of it"),
            choice("mode", "How the part is given", modes, "standard"),
            image_in("mode.fit.im", "mode fit: reference image", required=False),
            number("mode.extent.ulx", "mode extent: left"),
            number("mode.extent.uly", "mode extent: top"),
            number("mode.extent.lrx", "mode extent: right"),
            number("mode.extent.lry", "mode extent: bottom"),
            choice("mode.extent.unit", "Pixels or coordinates", units, "pxl"),
            whole("startx", "mode standard: first column", 0, least=0),
            whole("starty", "mode standard: first row", 0, least=0),
            whole("sizex", "mode standard: number of columns, default all", least=0),
            whole("sizey", "mode standard: number of rows, default all", least=0),
            texts("cl", "Bands to take: Channel1 Channel3; default all"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        image: Image = values["in"]
        wanted = {"standard": _standard, "fit": _fit, "extent": _extent}
        region = _inside(wanted[values["mode"]](image, values), image)
        return {"out": CroppedImage(image, region, _bands(values["cl"], image))}


def _standard(image: Image, values: Mapping[str, Any]) -> Region:
    row, col = values["starty"], values["startx"]
    height = values["sizey"] or image.grid.height - row
    width = values["sizex"] or image.grid.width - col
    return Region(row, col, height, width)


def _fit(image: Image, values: Mapping[str, Any]) -> Region:
    if values["mode.fit.im"] is None:
        raise ValueError(
            "The mode fit needs `mode_fit_im`, the image whose place is cut out."
        )
    grid = values["mode.fit.im"].grid
    spans = []
    axes = align({"in": image.grid, "mode.fit.im": grid})["mode.fit.im"]
    for axis in axes:
        # Centres of the first pixel, and of the one after the last.
        places = (
            axis.offset + axis.spacing * (i + Fraction(1, 2)) for i in (0, axis.size)
        )
        first, stop = map(floor, places)
        spans.append((first, stop - first))
    (row, height), (col, width) = spans
    return Region(row, col, height, width)


def _extent(image: Image, values: Mapping[str, Any]) -> Region:
    """Both corners are pixels of the part, given by index or by a coordinate."""
    corners = [values[f"mode.extent.{name}"] for name in ("ulx", "uly", "lrx", "lry")]
    if None in corners:
        raise ValueError(
            "The mode extent needs `mode_extent_ulx`, `…_uly`, `…_lrx` and `…_lry`."
        )
    left, top, right, bottom = corners
    if values["mode.extent.unit"] == "phy":
        a = image.grid.transform
        left, right = (pixel_index(x, a.c, a.a) for x in (left, right))
        top, bottom = (pixel_index(y, a.f, a.e) for y in (top, bottom))
    row, col = floor(top), floor(left)
    return Region(row, col, floor(bottom) - row + 1, floor(right) - col + 1)


def _inside(region: Region, image: Image) -> Region:
    """A region cut to the image, as OTB does; it warns then."""
    height, width = image.grid.shape
    row, col = max(region.row, 0), max(region.col, 0)
    stop_row = min(region.row + region.height, height)
    stop_col = min(region.col + region.width, width)
    words = (
        f"The part to cut out (row {region.row}, column {region.col}, "
        f"{region.height}x{region.width} px)"
    )
    if row >= stop_row or col >= stop_col:
        raise ValueError(
            f"{words} lies outside of the image, which has {height}x{width} px. Choose "
            "a part of the image."
        )
    cut = Region(row, col, stop_row - row, stop_col - col)
    if cut != region:
        warn(
            f"{words} leaves the image, which has {height}x{width} px. Only "
            f"{cut.height}x{cut.width} px are taken."
        )
    return cut


def _bands(names: list[str] | None, image: Image) -> list[int]:
    """Band indices from 0 of names such as Channel3."""
    if names is None:
        return list(range(image.bands))
    known = {f"Channel{band + 1}": band for band in range(image.bands)}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"`cl` asks for '{unknown[0]}', and the image has {', '.join(known)}."
        )
    return [known[name] for name in names]
