"""Where the scenes and the results of a course are, and whether scenes are whole."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from tutorial_lib import arguments
from tutorial_lib.machine.report import Check

# Scenes that `python -m data_fetch sample` makes, and the commands for others.
SAMPLES = ("havel", "town")
OWN_SCENES = ("stac", "local", "synthetic")
# The checkout, where the kit is not installed from a package.
CHECKOUT = Path(__file__).resolve().parents[2]
# What `data_fetch` writes beside the files of a scene: the hash of each.
MANIFEST = "MANIFEST.json"

__all__ = ["CHECKOUT", "check_data", "find_data", "find_work_folder"]


def find_data(scene: str) -> Path:
    """Folder of a scene.

    The search begins in `data` of the working folder and goes on in the folders above.
    So notebooks in every folder of the project find it.

    Args:
        scene: Name of the scene, such as "havel".

    Returns:
        The folder.

    Raises:
        FileNotFoundError: If there is no such folder. The message names the scenes that
            are there, and the command that makes this one.
        TypeError: If `scene` is not a text.
        ValueError: If it is not the name of a folder.

    Example:
        >>> from contextlib import chdir
        >>> from tutorial_lib.testing import scratch_folder
        >>> folder = scratch_folder()
        >>> (folder / "data" / "delta").mkdir(parents=True)
        >>> with chdir(folder):
        ...     find_data("delta").name
        'delta'
    """
    if Path(arguments.text("scene", scene)).name != scene or scene in ("", ".."):
        raise ValueError(f"`scene` is {scene!r}. Give a name, for example 'havel'.")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "data" / scene).is_dir():
            return folder / "data" / scene
    others = _scenes_from(here)
    choice = f"Choose from: {', '.join(others)}. Or run" if others else "Run"
    raise FileNotFoundError(
        f"There is no folder 'data/{scene}' in '{here}' or above it. {choice} "
        f"{_command_for(scene)} in a terminal, in one of these folders."
    )


def find_work_folder() -> Path:
    """Folder `data/work` of the course, for results; it need not exist yet.

    It is beside the scenes that `find_data` finds from the working folder. Without a
    scene, it is in the kit's own folder, or in the working folder.

    Example:
        >>> find_work_folder().name
        'work'
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if next((folder / "data").glob(f"*/{MANIFEST}"), None):
            return folder / "data" / "work"
    own = CHECKOUT if (CHECKOUT / "notebooks").is_dir() else here
    return own / "data" / "work"


def _scenes_from(here: Path) -> list[str]:
    """Names of the complete scenes that `find_data` finds."""
    folders = (folder / "data" for folder in (here, *here.parents))
    found = (path for folder in folders for path in folder.glob(f"*/{MANIFEST}"))
    names = {path.parent.name for path in found}
    return sorted(name for name in names if not name.startswith("."))


def _command_for(scene: str) -> str:
    """The command that makes a scene of this name, and the ways to make one's own."""
    if scene in SAMPLES:
        return "`python -m data_fetch sample`"
    first, *others = OWN_SCENES
    return f"`python -m data_fetch {first}` (or {', '.join(f'`{x}`' for x in others)})"


def check_data(scene: str) -> Check:
    """Check that a scene is there, and that no file of it is missing or damaged.

    Args:
        scene: Name of the scene.

    Example:
        >>> check_data("no_such_scene").found
        'no data/no_such_scene'
    """
    cure = f"run {_command_for(scene)} in a terminal"
    try:
        folder = find_data(scene)
    except FileNotFoundError:
        return Check("Data", f"no data/{scene}", cure)
    count = len(list(folder.glob("*.tif")))
    if wrong := ", ".join(_damaged_files(folder)):
        return Check("Data", f"data/{scene}: {wrong} missing or damaged", cure)
    return Check("Data", f"data/{scene}, {count} rasters", "" if count else cure)


def _damaged_files(folder: Path) -> Iterator[str]:
    """Files of a scene that are not as its manifest says."""
    manifest = folder / MANIFEST
    hashes = _hashes(manifest)
    # Somebody's own folder of rasters needs no manifest.
    if hashes is None and (folder.name in SAMPLES or manifest.exists()):
        yield MANIFEST
    for name, expected in (hashes or {}).items():
        if _hash(folder / name) != expected:
            yield name


def _hashes(manifest: Path) -> dict[str, str] | None:
    """Hash of each file of a scene; None if the manifest is missing or damaged."""
    try:
        hashes = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    # RecursionError: JSON of very many brackets.
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    # A scene is its folder: a file elsewhere is not part of it.
    if not isinstance(hashes, dict) or any(Path(x).name != x for x in hashes):
        return None
    return hashes


def _hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    # ValueError: no file has such a name.
    except (OSError, ValueError):
        return None
