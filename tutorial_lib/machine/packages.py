"""Checks of Python and of the packages that the kit needs."""

import platform
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tutorial_lib.machine.report import Check

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
KIT = "remote-sensing-tutorial-kit"
INSTALL_AGAIN = "install the kit again: `make lab`"

__all__ = [
    "INSTALL_AGAIN",
    "KIT",
    "PACKAGES",
    "check_package",
    "check_python",
    "installed_version",
    "requirements",
]


def check_python() -> Check:
    """Check the version of Python.

    Example:
        >>> check_python().subject
        'Python'
    """
    found = platform.python_version()
    fine = found.startswith(PYTHONS)
    return Check("Python", found, "" if fine else f"use {' or '.join(PYTHONS)}")


def check_package(name: str, packages: tuple[str, ...]) -> Check:
    """Check that a package is installed, in a version that the kit can use.

    Args:
        name: Its name for people.
        packages: Names under which it can be installed.

    Example:
        >>> check_package("NumPy", ("numpy",)).verdict
        '✔ fine'
    """
    for package in packages:
        if found := installed_version(package):
            wanted = requirements().get(canonicalize_name(package), SpecifierSet())
            fine = wanted.contains(found, prereleases=True)
            cure = "" if fine else f"needs {wanted}: {INSTALL_AGAIN}"
            return Check(name, found, cure)
    return Check(name, "not installed", INSTALL_AGAIN)


def installed_version(package: str) -> str | None:
    """Version of a package; None if it is not installed.

    Example:
        >>> installed_version("no-such-package") is None
        True
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def requirements() -> dict[str, SpecifierSet]:
    """Versions that the installed kit asks for, by package; empty without a kit.

    Example:
        >>> "2.4" in requirements()["numpy"]
        True
    """
    try:
        lines = metadata.requires(KIT) or []
    except metadata.PackageNotFoundError:
        return {}
    # These extras name the two TensorFlows, and nothing else.
    extras = [{"extra": name} for name in ("cpu", "gpu")]
    found = (Requirement(line) for line in lines)
    return {
        canonicalize_name(x.name): x.specifier
        for x in found
        if not x.marker or any(map(x.marker.evaluate, extras))
    }
