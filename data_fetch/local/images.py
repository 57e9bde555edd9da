"""Images of a scene that lie on this machine, before they are brought into one form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from odc.geo.geobox import GeoBox

from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.local.containers import Container

BANDS = (*BANDS_10M, *BANDS_20M)

__all__ = ["BANDS", "BandFile", "Images", "spacing_of"]


@dataclass(frozen=True)
class BandFile:
    """Where a band is.

    Attributes:
        name: Name of the file in its container.
        number: Number of the band in the file, from 1.
    """

    name: str
    number: int = 1


@dataclass(frozen=True)
class Images:
    """Images of one place and one day, and what is known about them.

    Attributes:
        container: Folder or archive of the files.
        grid: Grid of the bands of 10 m.
        bands: The file of each of the ten bands, as "B4".
        scale: Reflectance of one digital number; None if the pixels have to tell.
        offsets: Offset of each band in reflectance, as metadata tells: -0.1 or 0. None
            if it tells none.
        why: What metadata says about the offset, for SOURCES.md.
        title: What the images are, for SOURCES.md.
        name: A name for the scene's folder.
        attribution: Whom to name as the source.
        scl: The scene classification, if there is one.
        clouds: Files of cloud masks, if there are any.
    """

    container: Container
    grid: GeoBox
    bands: Mapping[str, BandFile]
    scale: float | None
    offsets: Mapping[str, float] | None
    why: str
    title: str
    name: str
    attribution: str
    scl: BandFile | None = None
    clouds: tuple[str, ...] = field(default=())

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files that are read, each once."""
        found = [band.name for band in self.bands.values()]
        found += [self.scl.name] if self.scl else []
        return tuple(dict.fromkeys([*found, *self.clouds]))


def spacing_of(band: str) -> int:
    """Pixel size of a band in metres, or of the scene classification.

    Example:
        >>> spacing_of("B8"), spacing_of("B8A"), spacing_of("SCL")
        (10, 20, 20)
    """
    return 10 if band in BANDS_10M else 20
