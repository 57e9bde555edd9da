"""Arrays that an interrupted run has read already, kept as files.

The name of a file holds the checksum of its bytes. A file with another checksum was
damaged, and is read from the catalogue again.
"""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.rasters.files import write_bytes

# Bytes that are checked at a time.
STEP = 1 << 20

__all__ = ["Parts", "parts_of"]


class Parts:
    """Arrays by name, in a folder.

    Args:
        folder: Existing folder. Other files in it are left alone.

    Example:
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder()
        >>> Parts(folder).get("zeros", lambda: np.zeros((2, 3), "uint16")).shape
        (2, 3)
        >>> "zeros" in Parts(folder), "ones" in Parts(folder)
        (True, False)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked: dict[str, Path] = {}

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def get(self, name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """An array; made and kept if it is not there.

        Args:
            name: Its name, without a point.
            make: Makes it.

        Returns:
            The array, which may be much larger than the memory: it stays in its file.

        Raises:
            OSError: If it cannot be written.
        """
        path = self._find(name) or self._keep(name, make())
        return np.load(path, mmap_mode="r")

    def _keep(self, name: str, array: np.ndarray) -> Path:
        content = io.BytesIO()
        np.save(content, array)
        checksum = zlib.crc32(content.getbuffer())
        path = self._folder / f"{name}.{checksum:08x}.npy"
        self._checked[name] = write_bytes(path, content.getvalue())
        return path

    def _find(self, name: str) -> Path | None:
        if name not in self._checked:
            for path in self._folder.glob(f"{name}.*.npy"):
                if path.name == f"{name}.{_checksum(path):08x}.npy":
                    self._checked[name] = path
                else:
                    path.unlink()
        return self._checked.get(name)


def parts_of(grid: GeoBox, kept: Path) -> Parts:
    """The parts of a grid. Each grid has its own folder for them.

    Otherwise bands of another place would be taken for those of this one: they have the
    same names.
    """
    about = f"{grid.crs} {tuple(grid.transform)[:6]} {tuple(grid.shape)}"
    folder = kept / f"{zlib.crc32(about.encode()):08x}"
    folder.mkdir(exist_ok=True)
    return Parts(folder)


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(STEP):
            checksum = zlib.crc32(piece, checksum)
    return checksum
