"""Manifests: which files a scene has, their hashes, and how they were made."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from data_fetch.layout import FILES
from data_fetch.wheels import file_sha256
from tutorial_lib.rasters.styles import STYLE

MANIFEST = "MANIFEST.json"
# The manifest while the files are being replaced.
COMING = f".{MANIFEST}"

__all__ = [
    "COMING",
    "MANIFEST",
    "Manifest",
    "check_replaceable",
    "is_complete",
    "read_manifest",
    "write_manifest",
]


def is_complete(folder: Path, recipe: str, files: Iterable[str] = FILES) -> bool:
    """Whether a scene has all its files, undamaged and made by this recipe.

    A manifest that is damaged in any way, or does not list each of these files, counts
    as missing.
    """
    manifest = read_manifest(folder / MANIFEST)
    return (
        manifest.recipe == recipe
        and set(files) <= manifest.hashes.keys()
        and all(_has_hash(folder, name, manifest) for name in manifest.hashes)
    )


class Manifest(NamedTuple):
    """What a manifest says.

    Attributes:
        recipe: How the files were made; None if the manifest is missing or damaged.
        hashes: SHA-256 of each file, by its name.
    """

    recipe: str | None
    hashes: Mapping[str, str]


def read_manifest(path: Path) -> Manifest:
    """The manifest at a path; one that is damaged in any way counts as missing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        recipe, hashes = content["recipe"], content["sha256"]
    # RecursionError: JSON of very many brackets.
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Manifest(None, {})
    is_dictionary = isinstance(hashes, dict) and hashes
    if not is_dictionary or not all(map(_is_file_name, hashes)):
        return Manifest(None, {})
    return Manifest(recipe, hashes)


def _is_file_name(name: str) -> bool:
    # A scene is its folder: a file elsewhere is not part of it.
    return Path(name).name == name and name not in ("", "..") and "\0" not in name


def write_manifest(folder: Path, recipe: str) -> None:
    """Write the manifest of all files in a folder."""
    # Not of the styles for QGIS: a user may save another one under the same name.
    paths = [path for path in sorted(folder.iterdir()) if path.suffix != STYLE]
    hashes = {path.name: file_sha256(path) for path in paths}
    text = json.dumps({"recipe": recipe, "sha256": hashes}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _has_hash(folder: Path, name: str, manifest: Manifest) -> bool:
    """Whether a file is there, and as the manifest says."""
    try:
        return file_sha256(folder / name) == manifest.hashes.get(name)
    # ValueError: no file has such a name.
    except (OSError, ValueError):
        return False


def check_replaceable(folder: Path, recipe: str, files: Iterable[str] = FILES) -> None:
    """Raise FileExistsError if making a scene would replace somebody's files.

    Files of the same recipe may be replaced, unless somebody has changed them.

    Args:
        folder: Folder of the scene.
        recipe: How the scene would be made.
        files: Names of the files that would be written.
    """
    there = [name for name in files if os.path.lexists(folder / name)]
    old, coming = (read_manifest(folder / name) for name in (MANIFEST, COMING))
    if not there:
        return
    if recipe not in (old.recipe, coming.recipe):
        what = "holds a scene that was made in another way"
        if old.recipe is None:
            what = f"already holds '{there[0]}'"
    else:
        # A run that was killed at its end has left some of the new files.
        known = [one for one in (old, coming) if one.recipe is not None]
        changed = [
            name
            for name in there
            if not any(_has_hash(folder, name, one) for one in known)
        ]
        if not changed:
            return
        what = f"holds '{changed[0]}', which was changed after it was made"
    raise FileExistsError(
        f"'{folder}' {what}. Choose another name with `--name`, or replace it with "
        "`--replace`."
    )
