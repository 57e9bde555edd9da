"""Checks of the machine for the notebooks: packages, memory, and the data."""

from collections.abc import Callable
from functools import partial

from tutorial_lib.machine.data import check_data, find_data, find_work_folder
from tutorial_lib.machine.memory import check_free_memory, check_threads
from tutorial_lib.machine.packages import PACKAGES, check_package, check_python
from tutorial_lib.machine.report import Check, MachineReport

__all__ = [
    "Check",
    "MachineReport",
    "check_data",
    "check_machine",
    "find_data",
    "find_work_folder",
    "machine_checks",
]


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
    checks = (check() for check in machine_checks().values())
    return MachineReport((*checks, check_data(scene)))


def machine_checks() -> dict[str, Callable[[], Check]]:
    """The checks that `check_machine` and `tutorial-lib doctor` share, by subject.

    Example:
        >>> machine_checks()["Processor threads"]().verdict
        '✔ fine'
    """
    packages = {x: partial(check_package, x, names) for x, names in PACKAGES.items()}
    return {
        "Python": check_python,
        **packages,
        "Processor threads": check_threads,
        "Free memory": check_free_memory,
    }
