"""Checks of the machine for the notebooks: packages, memory, and the data."""

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tutorial_lib import arguments
from tutorial_lib.display import html_table

# Memory of a notebook that trains and maps, with TensorFlow: `make bench` measures it.
NEEDED_MEMORY_GB = 1.2

# Python versions for which all pinned packages have wheels.
PYTHONS = ("3.11", "3.12")
# Names under which a package can be installed.
PACKAGES = {
    "TensorFlow": ("tensorflow_cpu", "tensorflow"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "rasterio": ("rasterio",),
    "odc-geo": ("odc-geo",),
}
# Scenes that `python -m data_fetch sample` makes, and the commands for others.
SAMPLES = ("havel", "town")
OWN_SCENES = ("stac", "local", "synthetic")
# Linux only: limits of the container, and memory of the whole machine.
CONTAINER = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        subject: What was checked.
        found: The version, number or folder that was found.
        cure: What to do about it; empty if all is well.
    """

    subject: str
    found: str
    cure: str = ""

    @property
    def verdict(self) -> str:
        """The text "✔ fine", or "✘" and the cure."""
        return f"✘ {self.cure}" if self.cure else "✔ fine"


@dataclass(frozen=True)
class MachineReport:
    """The results of `check_machine`, displayed as a table."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check is fine."""
        return not any(check.cure for check in self.checks)

    def __repr__(self) -> str:
        return "\n".join(
            f"{x.subject:<18} {x.found:<28} {x.verdict}" for x in self.checks
        )

    def _repr_html_(self) -> str:
        rows = [(x.subject, x.found, x.verdict) for x in self.checks]
        return html_table(rows, sides=("left",) * 3)


def check_machine(scene: str = "havel") -> MachineReport:
    """Check Python, the packages, the processor, the free memory and the data.

    Args:
        scene: Name of the scene whose data are needed.

    Returns:
        A report, displayed as a table. Its `ok` is True if there is nothing to do.

    Example:
        >>> [check.subject for check in check_machine().checks][:2]
        ['Python', 'TensorFlow']
    """
    packages = (_check_package(name, names) for name, names in PACKAGES.items())
    threads = Check("Processor threads", str(_count_threads()))
    return MachineReport(
        (_check_python(), *packages, threads, _check_memory(), _check_data(scene))
    )


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


def _scenes_from(here: Path) -> list[str]:
    """Names of the complete scenes that `find_data` finds."""
    folders = (folder / "data" for folder in (here, *here.parents))
    found = (path for folder in folders for path in folder.glob("*/MANIFEST.json"))
    names = {path.parent.name for path in found}
    return sorted(name for name in names if not name.startswith("."))


def _command_for(scene: str) -> str:
    """The command that makes a scene of this name, and the ways to make one's own."""
    if scene in SAMPLES:
        return "`python -m data_fetch sample`"
    first, *others = OWN_SCENES
    return f"`python -m data_fetch {first}` (or {', '.join(f'`{x}`' for x in others)})"


def _check_python() -> Check:
    found = platform.python_version()
    fine = found.startswith(PYTHONS)
    return Check("Python", found, "" if fine else f"use {' or '.join(PYTHONS)}")


def _check_package(name: str, names: tuple[str, ...]) -> Check:
    for package in names:
        try:
            return Check(name, metadata.version(package))
        except metadata.PackageNotFoundError:
            continue
    return Check(name, "not installed", "install the kit again: `make lab`")


def _count_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_memory() -> Check:
    free = _free_memory_gb()
    if free is None:
        return Check("Free memory", "cannot be read on this system")
    cure = "" if free >= NEEDED_MEMORY_GB else "shut down other kernels and programs"
    return Check("Free memory", f"{free:.1f} GB", cure)


def _free_memory_gb() -> float | None:
    """Free memory of the machine or of the container, whichever is smaller."""
    try:
        return _read_free_memory_gb()
    # Other systems have no such files, and some containers have other lines in them.
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _read_free_memory_gb() -> float:
    lines = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) / 1024**2
    limit, used = CONTAINER / "memory.max", CONTAINER / "memory.current"
    if limit.exists() and limit.read_text().strip() != "max":
        left = int(limit.read_text()) - int(used.read_text())
        free = min(free, left / 1024**3)
    return free


def _check_data(scene: str) -> Check:
    cure = f"run {_command_for(scene)} in a terminal"
    try:
        folder = find_data(scene)
    except FileNotFoundError:
        return Check("Data", f"no data/{scene}", cure)
    count = len(list(folder.glob("*.tif")))
    return Check("Data", f"data/{scene}, {count} rasters", "" if count else cure)
