"""What a source is: one raster, or several rasters whose bands are stacked."""

import os
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.rasters.opening import PathLike

__all__ = ["Source", "check_bands"]


@dataclass(frozen=True)
class Source:
    """An input raster, or several rasters on one grid whose bands are stacked.

    Attributes:
        path: One raster, or a list of rasters.
        receptive_field: Side of the block of pixels that the network reads for one
            expression field, in pixels of this source.
        nodata: Value of pixels without data, in place of the no-data tags of all bands;
            None takes each band's own tag. Pixels that a mask or an alpha band marks,
            NaN and infinity count as no-data in both cases.
        bands: Numbers, from 1, of the (stacked) bands to use; None for all.
        scaled: Whether pixels are scaled by the scale and offset tags of their bands:
            value * scale + offset, in float32. No-data is compared before.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If the receptive field is not a whole number from 1 to 16384.

    Example:
        >>> Source("s2_10m.tif", receptive_field=16).receptive_field
        16
    """

    path: PathLike | Sequence[PathLike]
    _: KW_ONLY
    receptive_field: int | None = None
    nodata: float | None = None
    bands: Sequence[int] | None = None
    scaled: bool = False

    def __post_init__(self) -> None:
        checked = {"path": _checked_paths(self.path)}
        if self.receptive_field is not None:
            field, most = self.receptive_field, arguments.LARGEST_CHUNK
            checked["receptive_field"] = arguments.whole_number(
                "receptive_field", field, least=1, most=most
            )
        if self.nodata is not None:
            checked["nodata"] = _checked_nodata(self.nodata)
        none_chosen = isinstance(self.bands, list | tuple) and not self.bands
        if self.bands is not None and not none_chosen:
            checked["bands"] = arguments.whole_numbers("bands", self.bands)
        checked["scaled"] = arguments.flag("scaled", self.scaled)
        for name, value in checked.items():
            # A frozen dataclass allows no other way.
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, source: "Source | PathLike | Sequence[PathLike]") -> "Source":
        """Return the source itself, or a new source for a path or a list of paths."""
        return source if isinstance(source, cls) else cls(source)

    @property
    def paths(self) -> tuple[PathLike, ...]:
        """The paths of the rasters, in the order of their bands."""
        single = isinstance(self.path, str | os.PathLike)
        return (self.path,) if single else tuple(self.path)


def _checked_paths(path: object) -> PathLike | tuple[PathLike, ...]:
    if isinstance(path, str | os.PathLike):
        arguments.file_path("path", path)
        return path
    if isinstance(path, list | tuple):
        if not path:
            raise ValueError(
                "A source has no raster: its list of paths is empty. Give at least one "
                "path."
            )
        for one in path:
            arguments.file_path("path", one)
        return tuple(path)
    raise TypeError(
        f"A source is {arguments.shown(path)}. Give the path of a raster, or a list of "
        "paths whose bands are stacked."
    )


def _checked_nodata(value: object) -> float | int:
    """A no-data value as a number of Python, which holds every integer exactly."""
    arguments.number("nodata", value, finite=False)
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int) else float(value)


def check_bands(name: str, bands: Sequence[int], count: int) -> None:
    """Raise ValueError unless all band numbers lie between 1 and `count`."""
    wrong = [band for band in bands if not 1 <= band <= count]
    if wrong:
        raise ValueError(
            f"Band {wrong[0]} of {name} does not exist: it has {count} "
            f"band{'s' * (count != 1)}. Received: bands={list(bands)}. Give numbers "
            f"from 1 to {count}."
        )
