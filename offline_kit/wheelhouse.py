"""The packages that the kit needs on one kind of machine, as files from PyPI.

`pip download` takes this machine's word for which packages another one needs. So the
lists of requirements are followed here, with the markers of the other machine, and pip
downloads exact versions.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

import kit

PROJECT = tomllib.loads((kit.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NAME = PROJECT["project"]["name"]
# pip also builds the kit's own package; hatchling asks for `editables` while it does.
NEEDED = (f"{NAME}[cpu,dev]", *PROJECT["build-system"]["requires"], "editables")
# Packages that pip downloads at a time. What is complete stays after an interruption.
BATCH = 8
# How often pip tries again where the internet fails for a moment.
RETRIES = 5
# The oldest systems for which there are packages. glibc 2.28 comes with Debian 10. For
# Arm, OpenVINO wants 2.35, which comes with Ubuntu 22.04.
GLIBC, MACOS = {"x86_64": 28, "aarch64": 35}, (14, 0)
# What Python says of a platform, in the words of package markers.
SYSTEMS = {
    "linux": ("linux", "Linux", "posix", "x86_64"),
    "linux-arm": ("linux", "Linux", "posix", "aarch64"),
    "windows": ("win32", "Windows", "nt", "AMD64"),
    "macos": ("darwin", "Darwin", "posix", "arm64"),
    "macos-intel": ("darwin", "Darwin", "posix", "x86_64"),
}


@dataclass(frozen=True)
class Target:
    """The machines that the packages are for.

    Attributes:
        platform: One of the names of `SYSTEMS`.
        python: Version of Python, such as "3.12".
    """

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform} {self.python}"

    @property
    def markers(self) -> dict[str, str]:
        """The values of package markers on such a machine."""
        sys_platform, system, os_name, machine = SYSTEMS[self.platform]
        return {
            "sys_platform": sys_platform,
            "platform_system": system,
            "os_name": os_name,
            "platform_machine": machine,
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    @property
    def platforms(self) -> list[str]:
        """The platform tags that pip accepts there, the newest first."""
        system, _, _, machine = SYSTEMS[self.platform]
        if system == "win32":
            return ["win_amd64"]
        if system == "darwin":
            return [*mac_platforms(MACOS, machine)]
        numbered = [f"manylinux_2_{x}_{machine}" for x in range(GLIBC[machine], 4, -1)]
        return [*numbered, *(f"manylinux{x}_{machine}" for x in ("2014", "2010", "1"))]

    @property
    def tags(self) -> frozenset[Tag]:
        """The tags of packages that can be installed there."""
        major, minor = map(int, self.python.split("."))
        known = {"python_version": (major, minor), "platforms": self.platforms}
        abi = f"cp{major}{minor}"
        return frozenset(
            [
                *cpython_tags(**known, abis=[abi]),
                *compatible_tags(**known, interpreter=abi),
            ]
        )


def pins() -> dict[str, str]:
    """Version of each package in constraints.txt."""
    lines = (kit.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and line[0] != "#"]
    return {
        canonicalize_name(x.name): str(x.specifier).removeprefix("==") for x in wanted
    }


def remove_outdated(folder: Path) -> None:
    """Remove packages of versions that constraints.txt no longer has."""
    wanted = pins()
    for path in folder.glob("*.whl"):
        name, version, _, _ = parse_wheel_filename(path.name)
        if wanted.get(name) != str(version):
            path.unlink()


def requires(wheel: Path) -> list[Requirement]:
    """What a package needs, from its metadata."""
    with ZipFile(wheel) as archive:
        (name,) = (
            x
            for x in archive.namelist()
            if x.endswith(".dist-info/METADATA") and x.count("/") == 1
        )
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    return [Requirement(x) for x in metadata.get_all("Requires-Dist", [])]


def kit_requires(extras: Iterable[str]) -> list[Requirement]:
    """What the kit itself needs, with some extras."""
    optional = PROJECT["project"]["optional-dependencies"]
    lists = (PROJECT["project"]["dependencies"], *(optional[x] for x in extras))
    return [Requirement(x) for one in lists for x in one]


def find_wheel(
    folder: Path, name: str, version: str, tags: frozenset[Tag]
) -> Path | None:
    """A file of the folder that has this package for these tags, or None."""
    for path in sorted(folder.glob("*.whl")):
        found, number, _, has = parse_wheel_filename(path.name)
        if found == name and str(number) == version and not has.isdisjoint(tags):
            return path
    return None


class Collector:
    """Collects the packages of one target in a folder.

    Attributes:
        target: Machines that the packages are for.
        folder: Folder of the package files.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.folder = target, folder
        self._tags, self._pins = target.tags, pins()

    def collect(self) -> dict[str, Path]:
        """Download what is missing.

        Returns:
            The file of each package.

        Raises:
            OSError: If PyPI cannot be reached, or has no file for the target.
            ValueError: If a package has no version in constraints.txt.
        """
        found: dict[str, Path] = {}
        done: set[tuple[str, str]] = set()
        level = [Requirement(x) for x in NEEDED]
        while level:
            level = [x for x in level if self._key(x) not in done]
            done |= {self._key(x) for x in level}
            names = {canonicalize_name(x.name) for x in level} - {NAME}
            found |= self._get(sorted(names - found.keys()))
            level = [x for one in level for x in self._below(one, found)]
        return found

    def _key(self, requirement: Requirement) -> tuple[str, str]:
        return canonicalize_name(requirement.name), ",".join(sorted(requirement.extras))

    def _below(
        self, requirement: Requirement, found: dict[str, Path]
    ) -> Iterator[Requirement]:
        """What a package needs on the target, for the extras that are asked for."""
        name = canonicalize_name(requirement.name)
        below = (
            kit_requires(requirement.extras) if name == NAME else requires(found[name])
        )
        for one in below:
            extras = ("", *requirement.extras)
            if not one.marker or any(
                one.marker.evaluate({**self.target.markers, "extra": x}) for x in extras
            ):
                yield one

    def _find(self, name: str) -> Path | None:
        return find_wheel(self.folder, name, self._pins[name], self._tags)

    def _get(self, names: list[str]) -> dict[str, Path]:
        """The files of these packages, which are downloaded if they are not there."""
        unknown = [name for name in names if name not in self._pins]
        if unknown:
            raise ValueError(
                f"No version of {', '.join(unknown)} is in constraints.txt. On "
                f"{self.target} it is needed: add its newest version."
            )
        missing = [name for name in names if self._find(name) is None]
        for start in range(0, len(missing), BATCH):
            self._download(missing[start : start + BATCH])
            files = [path.stat().st_size for path in self.folder.glob("*.whl")]
            print(f"  {len(files)} packages, {sum(files) / 1e6:.0f} MB", flush=True)
        return {name: self._find(name) for name in names}

    def _download(self, names: list[str]) -> None:
        """Download packages with pip, and move them to their place when complete."""
        part = self.folder / ".part"
        shutil.rmtree(part, ignore_errors=True)
        error = self._run_pip(names, part)
        if error and len(names) > 1 and "No matching distribution" in error:
            # pip stops at the first one: ask for each, to name all that are missing.
            alone = {name: self._run_pip([name], part) for name in names}
            names = [name for name, text in alone.items() if text]
        for path in part.glob("*.whl"):
            path.replace(self.folder / path.name)
        shutil.rmtree(part, ignore_errors=True)
        if error:
            raise OSError(self._explain(names, error))

    def _run_pip(self, names: list[str], part: Path) -> str:
        """Download into a folder; return pip's error, or an empty text."""
        options = "--quiet --no-input --disable-pip-version-check --no-deps"
        options += f" --retries {RETRIES} --only-binary :all: --implementation cp"
        platforms = (f"--platform={x}" for x in self.target.platforms)
        wanted = (f"{name}=={self._pins[name]}" for name in names)
        command = [sys.executable, "-m", "pip", "download", *options.split()]
        command += ["--python-version", self.target.python, *platforms]
        run = subprocess.run(
            [*command, "--dest", part, *wanted],
            capture_output=True,
            text=True,
            check=False,
        )
        return (run.stderr.strip() or "pip gave no reason") if run.returncode else ""

    def _explain(self, names: list[str], error: str) -> str:
        wanted = ", ".join(f"{name} {self._pins[name]}" for name in names)
        platform, python = self.target.platform, self.target.python
        if "No matching distribution" in error and "Retrying" not in error:
            return (
                f"PyPI has no package file of {wanted} for {platform} and Python "
                f"{python}, so such a machine cannot install the kit. Use Binder or a "
                "JupyterHub there: docs/teaching.md."
            )
        reason = next(
            (x for x in error.splitlines() if x.startswith("ERROR: ")),
            error.splitlines()[-1],
        )
        return (
            f"pip could not download {wanted}: {reason.removeprefix('ERROR: ')} Check "
            "the internet connection and run the same command again. It goes on where "
            "it stopped."
        )
