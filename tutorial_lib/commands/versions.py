"""Checks of the doctor: are the versions of all packages those that the kit needs?"""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tutorial_lib.display import counted
from tutorial_lib.machine.data import CHECKOUT
from tutorial_lib.machine.packages import (
    INSTALL_AGAIN,
    PACKAGES,
    installed_version,
    requirements,
)
from tutorial_lib.machine.report import Check

__all__ = ["check_other_packages", "check_tested_versions"]


def check_other_packages() -> Check:
    """Check the packages that the kit needs and `check_machine` does not list."""
    listed = _listed_packages()
    others = {x: wanted for x, wanted in requirements().items() if x not in listed}
    if not others:
        return Check("Other packages", "the kit is not installed", INSTALL_AGAIN)
    wrong = []
    for package, wanted in others.items():
        found = installed_version(package)
        if found is None:
            wrong.append(f"{package} is not installed")
        elif not wanted.contains(found, prereleases=True):
            wrong.append(f"{package} {found} is not {wanted}")
    if wrong:
        return Check("Other packages", ", ".join(wrong), INSTALL_AGAIN)
    found = counted(len(others), "package")
    return Check("Other packages", f"{found}, none too old or too new")


def check_tested_versions() -> Check:
    """Compare versions with those of constraints.txt, which the kit was tested with."""
    path = CHECKOUT / "constraints.txt"
    if not path.is_file():
        return Check("Tested versions", "not compared: there is no constraints.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    direct = {*requirements(), *_listed_packages()}
    other = [
        f"{pin.name} {found}"
        for pin in pins
        if canonicalize_name(pin.name) in direct
        and (found := installed_version(pin.name)) is not None
        and found not in pin.specifier
    ]
    if other:
        cure = "if something fails, install the tested versions: `make lab`"
        return Check("Tested versions", f"not {', '.join(other)}", cure, is_advice=True)
    return Check("Tested versions", "installed")


def _listed_packages() -> set[str]:
    return {canonicalize_name(x) for names in PACKAGES.values() for x in names}
