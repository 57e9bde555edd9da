"""Build a folder from which a machine without a network installs the kit.

    make offline-kit                     for a machine of the same kind as this one
    make offline-kit PLATFORM=windows    add the packages for another kind

The folder `dist/offline-kit` is the kit itself, with `wheels` (packages) and `data`
(scenes). A run that was interrupted goes on where it stopped: a package is in its place
only when it is complete.
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import kit
from offline_kit.wheelhouse import SYSTEMS, Collector, Target, remove_outdated

FOLDER = kit.ROOT / "dist" / "offline-kit"
START = "START_HERE.txt"
# Bytes of the packages of one platform, and of the whole folder. Measured for Linux.
SIZE, SPACE = 650_000_000, 1_500_000_000
# Not part of the kit: what commands and tools make.
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", "data", "dist", "build", "wheels", "__pycache__", "*.egg-info"),
    *(".*_cache", ".hypothesis", ".coverage", ".ipynb_checkpoints"),
)


def copy_kit(source: Path, folder: Path) -> None:
    """Copy the kit without what commands made, in place of an older copy."""
    for path in folder.iterdir():
        if path.name not in ("wheels", "data"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(source, folder, ignore=LEFT_OUT, dirs_exist_ok=True)


def copy_scenes(source: Path, folder: Path) -> list[str]:
    """Copy all complete scenes, yours too; return their names."""
    scenes = sorted(path.parent for path in source.glob("[!.]*/MANIFEST.json"))
    for scene in scenes:
        part = folder / ".part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(scene, part)
        shutil.rmtree(folder / scene.name, ignore_errors=True)
        part.replace(folder / scene.name)
    return [scene.name for scene in scenes]


def note_complete(folder: Path, *targets: Target) -> list[str]:
    """Note that a folder of packages is complete for targets; return all such targets.

    The note is about the lists of packages that the kit has now. With other lists, the
    folder is complete for no target until it is built again.
    """
    path = folder / kit.CONTENTS.name
    lists = [kit.ROOT / "pyproject.toml", kit.ROOT / "constraints.txt"]
    key = hashlib.sha256(b"".join(x.read_bytes() for x in lists)).hexdigest()
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    before = kept["complete"] if kept.get("key") == key else []
    complete = sorted({*before, *map(str, targets)})
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"key": key, "complete": complete}), encoding="utf-8")
    part.replace(path)
    return complete


def check_place(folder: Path) -> None:
    """Raise OSError if the folder is of something else, or its disk too full."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "wheels").is_dir():
        raise OSError(
            f"'{folder}' has other files. Remove it, or name another place with "
            "--folder."
        )
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < SPACE:
        raise OSError(
            f"The disk of '{folder}' has {free / 1e9:.1f} GB free, and "
            f"{SPACE / 1e9:.1f} GB are needed. Free some space, or name another place "
            "with --folder."
        )


def build(target: Target, folder: Path) -> None:
    """Build the folder for a target, or add the target to it."""
    check_place(folder)
    # Where the lists have changed, the folder is complete for nobody from now on.
    note_complete(folder / "wheels")
    minutes = SIZE * 8 / 50e6 / 60
    print(
        f"Building '{folder}' for {target.platform} and Python {target.python}. About "
        f"{SIZE / 1e9:.1f} GB to download: {minutes:.0f} minutes at 50 Mbit/s. What is "
        "there already is kept.",
        flush=True,
    )
    Collector(target, folder / "wheels").collect()
    remove_outdated(folder / "wheels")
    copy_kit(kit.ROOT, folder)
    scenes = copy_scenes(kit.ROOT / "data", folder / "data")
    targets = note_complete(folder / "wheels", target)
    (folder / START).write_text(start_text(targets, scenes), encoding="utf-8")
    size = sum(x.stat().st_size for x in folder.rglob("*") if x.is_file())
    others = ", ".join(sorted(SYSTEMS.keys() - {target.platform}))
    print(
        f"Complete: '{folder}', {size / 1e9:.1f} GB, for {', '.join(targets)}.\n"
        f"Copy it to the other machines and follow {START} in it.\n"
        f"To add another kind of machine: make offline-kit PLATFORM=… ({others})."
    )


def start_text(targets: list[str], scenes: list[str]) -> str:
    """Text of the file that says how to install from the folder."""
    return f"""\
The remote sensing tutorial kit, to install without internet

For: {", ".join(targets)} (system, version of Python)
Scenes: {", ".join(scenes)}

1. Copy this folder to the disk of your machine, where 3 GB more are needed. Do not
   install on the stick itself.
2. The machine needs Python in one of the versions above. Debian and Ubuntu need the
   package python3-venv too. The folder holds no Python: bring its installer.
3. Open a terminal in the folder and type

   Windows (PowerShell)     py -3.12 kit.py lab
   macOS, Linux             python3.12 kit.py lab

   The first time, it installs the kit from the folder "wheels" into the folder ".venv":
   a few minutes. Then JupyterLab opens on the first notebook.

Further commands: "demo" instead of "lab" makes a map in a minute, "check" runs the fast
tests. README.md describes the kit. Windows and macOS: not tested.
"""


def main() -> int:
    """Build the folder; return 1 if something is missing."""
    parser = argparse.ArgumentParser(
        prog="make offline-kit",
        description="Build a folder that installs the kit without a network.",
    )
    parser.add_argument("--platform", choices=SYSTEMS, default=kit.this_platform())
    parser.add_argument("--python-version", choices=kit.PYTHONS, default="3.12")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    if options.platform not in SYSTEMS:
        parser.error(f"There are no packages for {options.platform}: name --platform.")
    try:
        build(Target(options.platform, options.python_version), options.folder)
    except (OSError, ValueError) as err:
        print(f"offline_kit: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
