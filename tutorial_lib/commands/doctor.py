"""The action `doctor`: can a course be held on this machine, and what is to be done?"""

import errno
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import threading
import time
import webbrowser
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tutorial_lib.commands import trials, versions
from tutorial_lib.commands.programs import Programs
from tutorial_lib.display import counted
from tutorial_lib.machine import (
    Check,
    MachineReport,
    check_data,
    find_work_folder,
    machine_checks,
)
from tutorial_lib.machine.data import SAMPLES
from tutorial_lib.machine.memory import check_total_memory
from tutorial_lib.machine.packages import KIT, installed_version
from tutorial_lib.notices import error_line

# Results of all notebooks are about 0.3 GB (`du -sh data/work` after `make test`).
NEEDED_DISK_GB = 1

# Seconds that a check may take: one that only looks, and one that starts a program: a
# slow disk needs long to read TensorFlow for the first time.
SHORT, LONG = 20, 240

# What must be done if a check does not end.
LATE = {
    "JupyterLab": "allow Python to talk to 127.0.0.1, in the firewall or virus scanner",
    "TensorFlow runs": "close other programs, and try again",
}
# Browsers of a terminal, which do not show JupyterLab.
TEXT_BROWSERS = {"www-browser", "elinks", "links", "lynx", "w3m"}
# Marks for terminals that do not know the signs.
PLAIN_MARKS = {"✔": "ok", "✘": "!!", "○": "--"}
# Absolute paths, of Linux, macOS or Windows, and their last name.
PATHS = re.compile(
    r"(?<![\w.…/])(?:[A-Za-z]:)?[\\/](?:[^\\/\s'\":]+[\\/])+([^\\/\s'\":]*)"
)

__all__ = ["as_json", "check_browser", "check_disk", "doctor", "examine"]


def doctor(options: Namespace) -> int:
    """Check this machine, and print each result with what to do about it.

    Returns:
        The exit code: 0 if a course can be held, otherwise 1.
    """
    in_json, quick = (getattr(options, name, False) for name in ("json", "quick"))
    found = []
    # Scenes are looked for from the working folder, as in a notebook.
    with Programs() as programs, chdir(find_work_folder().parents[1]):
        for check in examine(programs, quick=quick):
            found.append(check)
            if not in_json:
                print(_line(check), flush=True)
    report = MachineReport(tuple(found))
    print(as_json(report) if in_json else _conclusion(report, quick=quick))
    return 0 if report.ok else 1


def examine(programs: Programs, *, quick: bool = False) -> Iterator[Check]:
    """The results of all checks, one after the other.

    Args:
        programs: Starts what the checks need.
        quick: Whether to leave out those that start a program.
    """
    for subject, check in _looks().items():
        yield _in_time(subject, check, SHORT, programs)
    for subject, trial in _trials().items():
        if quick:
            cure = "leave out `--quick` to check it"
            yield Check(subject, "not checked", cure, is_advice=True)
        else:
            yield _in_time(subject, partial(trial, programs), LONG, programs)


def _looks() -> dict[str, Callable[[], Check]]:
    scenes = {f"Data {name}": partial(check_data, name) for name in SAMPLES}
    return {
        **machine_checks(),
        "Other packages": versions.check_other_packages,
        "Tested versions": versions.check_tested_versions,
        "Memory": check_total_memory,
        **scenes,
        "Disk": check_disk,
        "Browser": check_browser,
    }


def _trials() -> dict[str, Callable[[Programs], Check]]:
    return {
        "Widgets": trials.check_widgets,
        "Kernel": trials.check_kernel,
        "JupyterLab": trials.check_lab,
        "TensorFlow runs": trials.check_tensorflow,
    }


def _in_time(
    subject: str, check: Callable[[], Check], seconds: float, programs: Programs
) -> Check:
    """The result of a check, or what to do if it is not there in time."""
    found: list[Check] = []

    def run() -> None:
        try:
            found.append(check())
        # Whatever happens in one check, the others go on.
        except Exception as err:
            cure = "send this line to the teacher"
            found.append(
                Check(subject, f"{type(err).__name__}: {error_line(err)}", cure)
            )

    # A daemon: a file of a network drive that does not answer stops nothing else.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    # In short pieces, because Windows hears Ctrl-C only between them.
    while thread.is_alive() and time.monotonic() < end:
        thread.join(0.1)
    answers = [*found]
    programs.end()
    if answers:
        return replace(answers[0], subject=subject)
    cure = LATE.get(subject, "start the machine again, and look at its disks")
    return Check(subject, f"no answer in {seconds:g} s", cure)


def check_disk() -> Check:
    """Check that `data/work` can be written, and that the disk has space."""
    folder = find_work_folder()
    # It is made by the first notebook.
    there = next(x for x in (folder, *folder.parents) if x.is_dir())
    try:
        # Without a name on Linux, so that nothing is left even if this is killed.
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(2**20))
            file.flush()
        free = shutil.disk_usage(there).free / 1024**3
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            return Check("Disk", "data/work: the disk is full", _cure_of_space())
        cure = "copy the kit to a folder that you can write, or ask for the right to"
        return Check("Disk", f"data/work cannot be written: {err.strerror}", cure)
    cure = "" if free >= NEEDED_DISK_GB else _cure_of_space()
    return Check("Disk", f"data/work can be written, {free:.1f} GB free", cure)


def _cure_of_space() -> str:
    return f"free {NEEDED_DISK_GB} GB, for the results of the notebooks"


def check_browser() -> Check:
    """Check that there is a browser, where JupyterLab opens on this machine."""
    if "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
        return Check("Browser", "not needed here: learners have their own")
    is_desktop = platform.system() in ("Windows", "Darwin") or any(
        name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if "SSH_CONNECTION" in os.environ or not is_desktop:
        cure = (
            "open the address that JupyterLab prints in a browser of your own machine"
        )
        return Check("Browser", "this machine has no screen", cure, is_advice=True)
    with suppress(webbrowser.Error):
        name = Path(getattr(webbrowser.get(), "name", "")).name
        if name not in TEXT_BROWSERS:
            return Check("Browser", name or "found")
    return Check("Browser", "not found", "install Firefox, Chrome or Edge")


def _line(check: Check) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    mark, arrow = check.mark, "→"
    if not _can_write(f"{mark}{arrow}", encoding):
        mark, arrow = PLAIN_MARKS[mark], "->"
    text = f"{mark} {check.subject:<18} {check.found}"
    if check.cure:
        text += f"\n{'':<20} {arrow} {check.cure}"
    return text.encode(encoding, "replace").decode(encoding)


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _conclusion(report: MachineReport, *, quick: bool) -> str:
    wrong = sum(check.mark == "✘" for check in report.checks)
    if not wrong and quick:
        return "Nothing is wrong so far. Without `--quick`, programs are started too."
    if not wrong:
        return "A course can be held on this machine."
    things = counted(wrong, "thing has", "things have")
    return f"{things} to be done first. Then run `tutorial-lib doctor` again."


def as_json(report: MachineReport) -> str:
    """The report as one line of JSON, without names of the user and of folders.

    Example:
        >>> line = as_json(MachineReport((Check("Python", "3.13.1", "use 3.12"),)))
        >>> json.loads(line)["ready"]
        False
    """
    verdicts = {"✔": "fine", "○": "advice", "✘": "wrong"}
    checks = [
        {
            "subject": check.subject,
            "verdict": verdicts[check.mark],
            "found": _neutral(check.found),
            "cure": _neutral(check.cure),
        }
        for check in report.checks
    ]
    content = {
        "kit": installed_version(KIT),
        "system": f"{platform.system()} {platform.machine()}",
        "ready": report.ok,
        "checks": checks,
    }
    return json.dumps(content, ensure_ascii=False)


def _neutral(text: str) -> str:
    """A text with the last name of each path only: folders may name the user."""
    for folder in (Path.cwd(), Path.home()):
        text = text.replace(str(folder), "…")
    return PATHS.sub(r"…/\1", text)
