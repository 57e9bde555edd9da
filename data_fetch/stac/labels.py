"""Labels of a scene: WorldCover from the web, or a map of the same kind."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from data_fetch import worldcover
from data_fetch.areas import stripes
from data_fetch.stac.parts import Parts
from data_fetch.stac.reading import GoneError, open_only, tried
from data_fetch.stac.retrying import PassingError
from data_fetch.stac.tokens import Tokens
from tutorial_lib import arguments

WORLDCOVER, NONE = "worldcover", "none"
# Rows that are read and kept at a time.
STRIPE = 1024

__all__ = [
    "NONE",
    "WORLDCOVER",
    "check_labels",
    "find_labels",
    "keep_labels",
    "read_kept",
]


def check_labels(labels: str) -> str:
    """What a user gives for the labels: a word, a file or folder, or an address.

    Raises:
        TypeError: If it is not a text or a path.
        FileNotFoundError: If there is no such file or folder.
    """
    if isinstance(labels, Path):
        labels = str(labels)
    if arguments.text("labels", labels) in (WORLDCOVER, NONE) or _is_address(labels):
        return labels
    if not arguments.file_path("labels", labels).exists():
        raise FileNotFoundError(
            f"There is no file '{labels}' for the labels. Give 'worldcover', 'none', "
            "or the path of a map with WorldCover's numbers."
        )
    return labels


def keep_labels(labels: str, grid: GeoBox, parts: Parts) -> str:
    """Read the labels of a scene, and keep them.

    Args:
        labels: What `check_labels` has checked, except "none".
        grid: Grid of the scene at 10 m.
        parts: Where they are kept.

    Returns:
        A sentence about tiles that do not exist, or "".

    Raises:
        OSError: If they cannot be read.
        ValueError: If the file is not a map of WorldCover.
    """
    names = _part_names(labels, grid)
    missing = [rows for name, rows in names.items() if name not in parts]
    if not missing:
        return ""
    tiles, absent = _existing(labels, grid)
    for name, rows in names.items():
        parts.get(name, partial(_read, tiles, grid, rows))
    return worldcover.missing_tiles_note(absent)


def find_labels(labels: str, grid: GeoBox) -> str:
    """Ask whether there are labels of a scene, and read none of them.

    Returns:
        A sentence about tiles that do not exist, or "".

    Raises:
        OSError: If there are none, or they cannot be reached.
    """
    return worldcover.missing_tiles_note(_existing(labels, grid)[1])


def read_kept(labels: str, grid: GeoBox, parts: Parts) -> Callable[[range], np.ndarray]:
    """Reads rows of the labels that `keep_labels` kept, (rows, width) uint8."""
    names = _part_names(labels, grid)

    def read(rows: range) -> np.ndarray:
        found = []
        for name, part in names.items():
            start, stop = max(rows.start, part.start), min(rows.stop, part.stop)
            if start < stop:
                kept = parts.get(name, _removed)
                found.append(kept[start - part.start : stop - part.start])
        return np.concatenate(found)

    return read


def _removed() -> np.ndarray:
    raise RuntimeError("A part was removed while it was used.")


def _part_names(labels: str, grid: GeoBox) -> dict[str, range]:
    """The rows of each part, by its name, which is another one for other labels."""
    about = labels
    if labels != WORLDCOVER and not _is_address(labels):
        # Somebody may correct a file, or add a tile to a folder.
        path = Path(labels).absolute()
        about = f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"
    key = zlib.crc32(about.encode())
    return {
        f"labels_{key:08x}_{rows.start}_{rows.stop}": rows
        for rows in stripes(grid.height, STRIPE)
    }


def _is_address(labels: str) -> bool:
    return labels.startswith(("http://", "https://"))


def _existing(labels: str, grid: GeoBox) -> tuple[list[str], list[str]]:
    """The files of the labels, and the names of tiles that do not exist."""
    one_file = labels.endswith((".tif", ".tiff")) or Path(labels).is_file()
    if labels != WORLDCOVER and one_file:
        return [labels], []
    folder = worldcover.BASE_URL if labels == WORLDCOVER else labels.rstrip("/")
    names = worldcover.tile_names(worldcover.degrees_around(grid))
    tiles = {name: worldcover.tile_url(name, folder) for name in names}
    there = [name for name, tile in tiles.items() if _exists(tile)]
    if not there:
        raise FileNotFoundError(
            f"'{folder}' has no WorldCover tile for the place ({', '.join(names)}). "
            "Choose other labels with `--labels`; `--labels none` makes a scene "
            "without labels."
        )
    return [tiles[name] for name in there], [one for one in names if one not in there]


def _exists(tile: str) -> bool:
    if not _is_address(tile):
        return Path(tile).is_file()
    try:
        tried(open_only, tile, Tokens(None), "the labels")
    except GoneError:
        return False
    return True


def _read(tiles: Sequence[str], grid: GeoBox, rows: range) -> np.ndarray:
    def read(_: str) -> np.ndarray:
        try:
            return worldcover.read_labels(tiles, grid, rows)
        except OSError as err:
            if not _is_address(tiles[0]):
                raise
            raise PassingError(str(err)) from err

    if not _is_address(tiles[0]):
        return read("")
    return tried(read, tiles[0], Tokens(None), "the labels")
