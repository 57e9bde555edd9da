"""Files of a folder or of a zip archive, behind the same four methods."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol
from zipfile import BadZipFile, ZipFile

# Most bytes of a text file that is read into memory. The metadata of an old product
# with many tiles has some megabytes.
LARGEST_TEXT = 64 * 2**20
# Bytes that are unpacked at a time.
STEP = 2**20

__all__ = ["Container", "Folder", "Zip", "opened_container"]


class Container(Protocol):
    """A folder or an archive. Names of its files have slashes: "GRANULE/a/b.jp2"."""

    path: Path

    def names(self) -> list[str]:
        """Names of all files, in order."""

    def size(self, name: str) -> int:
        """Size of a file in bytes."""

    def read(self, name: str) -> bytes:
        """Content of a text file."""

    def local(self, name: str, folder: Path) -> Path:
        """A file on the disk; it is unpacked into `folder` if need be."""

    @property
    def packed(self) -> bool:
        """Whether `local` needs space."""


class Folder:
    """A folder; its files are used where they are."""

    packed = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] | None = None

    def names(self) -> list[str]:
        """Names of all files below the folder, also behind links; no hidden ones."""
        if self._names is None:
            names = (path.relative_to(self.path).as_posix() for path in self._files())
            self._names = sorted(names)
        return self._names

    def _files(self) -> Iterator[Path]:
        seen = set()
        for folder, folders, names in os.walk(self.path, followlinks=True):
            # A link to a folder above would lead in circles.
            if (here := os.path.realpath(folder)) in seen:
                folders.clear()
                continue
            seen.add(here)
            # macOS puts a hidden file "._B02.tif" beside each file on other disks.
            paths = (Path(folder, name) for name in names if not name.startswith("."))
            yield from (path for path in paths if path.is_file())

    def size(self, name: str) -> int:
        """Size of a file in bytes."""
        return (self.path / name).stat().st_size

    def read(self, name: str) -> bytes:
        """Content of a text file."""
        _check_text(name, self.size(name))
        return (self.path / name).read_bytes()

    def local(self, name: str, folder: Path) -> Path:
        """The file itself."""
        return self.path / name


class Zip:
    """A zip archive; images are unpacked, because GDAL reads them much quicker so."""

    packed = True

    def __init__(self, path: Path, archive: ZipFile) -> None:
        self.path = path
        self._archive = archive
        # Some programs on Windows write backslashes.
        self._files = {
            one.filename.replace("\\", "/"): one
            for one in archive.infolist()
            if not one.is_dir()
        }

    def names(self) -> list[str]:
        """Names of all files in the archive."""
        return sorted(self._files)

    def size(self, name: str) -> int:
        """Size of a file in bytes, unpacked."""
        return self._files[name].file_size

    def read(self, name: str) -> bytes:
        """Content of a text file."""
        _check_text(name, self.size(name))
        with _readable_errors(self.path, name):
            return self._archive.read(self._files[name])

    def local(self, name: str, folder: Path) -> Path:
        """Unpack a file; zip's own checksum tells whether it is whole."""
        # Only the last part of the name: no archive can write outside of the folder.
        target = folder / PurePosixPath(name).name
        with (
            _readable_errors(self.path, name),
            self._archive.open(self._files[name]) as packed,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(packed, file, STEP)
        return target


def _check_text(name: str, size: int) -> None:
    if size > LARGEST_TEXT:
        raise ValueError(
            f"'{name}' has {size / 2**20:.0f} MB, and metadata of a product has a few. "
            "Download the product again."
        )


@contextmanager
def _readable_errors(path: Path, name: str) -> Iterator[None]:
    """Turn an error of the archive into a sentence; one of the disk stays."""
    try:
        yield
    except (BadZipFile, zlib.error, EOFError) as err:
        cause = str(err).rstrip(".") or "it ends too early"
        raise OSError(
            f"'{name}' cannot be unpacked from '{path}': {cause}. Download the product "
            "again."
        ) from err
    except RuntimeError as err:  # a password, or packed in a way that is not known
        raise OSError(
            f"'{name}' cannot be unpacked from '{path}': {str(err).rstrip('.')}. "
            "Unpack the archive with another program, and give the folder."
        ) from err


@contextmanager
def opened_container(path: Path) -> Iterator[Container]:
    """Open a folder or a zip archive.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        OSError: If the archive cannot be read.

    Example:
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder()
        >>> _ = (folder / "a.txt").write_text("text")
        >>> with opened_container(folder) as files:
        ...     files.names(), files.read("a.txt")
        (['a.txt'], b'text')
    """
    if not path.exists():
        raise FileNotFoundError(
            f"There is nothing at '{path}'. Give the folder or the zip file of a "
            "Sentinel-2 product, or a folder of GeoTIFFs."
        )
    if path.is_dir():
        yield Folder(path)
        return
    try:
        archive = ZipFile(path)
    except BadZipFile as err:
        raise OSError(
            f"'{path}' is not a zip file that can be read: {err}. If it is a download, "
            "download it again."
        ) from err
    with archive:
        yield Zip(path, archive)
