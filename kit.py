"""Set up and start the kit without `make`: `python kit.py setup`, `python kit.py lab`.

It needs only Python 3.11 or 3.12, on Linux, macOS or Windows. `make` installs with it.
Where the folder `wheels` lies beside it, it installs from there, without a network.
"""

# Python 3.7 and later can read this file, so that it can say which Python it needs.
from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# Package files of `make offline-kit`, and the platforms for which they are complete.
WHEELS = ROOT / "wheels"
CONTENTS = WHEELS / "contents.json"
PYTHONS = ("3.12", "3.11")
# A Python that only seems to be there, or one without `venv`, cannot be used.
USABLE = (
    "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))"
)
# The names that `PLATFORM=` knows, by what Python says of a machine.
PLATFORMS = {
    ("linux", "x86_64"): "linux",
    ("linux", "aarch64"): "linux-arm",
    ("win32", "AMD64"): "windows",
    ("darwin", "arm64"): "macos",
    ("darwin", "x86_64"): "macos-intel",
}
# Tests of a file stay in one process, because they share what is slow to make.
PYTEST = ("-m", "pytest", "-q", "-rfEs")
PYTEST += ("--numprocesses", os.environ.get("WORKERS", "3"))
PYTEST += ("--dist", "loadfile", "--durations", "20")
# Its plugin for notebooks takes seconds to load, in each process.
UNIT = (*PYTEST, "-p", "no:nbval")
# Both versions of a notebook compute the same. Of these only the solved one is run.
LONG = ("02_patch_based_cnn", "03_pixelwise_fcnn", "05_mapping_a_scene")
LONG += ("06_two_sources", "09_going_further")
NBVAL = (*PYTEST, "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "300")
# `tests/offline` turns the network off in every Python that starts.
NETWORK_OFF = {"KIT_OFFLINE": "1", "PYTHONPATH": str(ROOT / "tests" / "offline")}


class Environment:
    """The virtual environment of the kit, and the files in it that say its state.

    Attributes:
        folder: Folder of the environment.
        python: Its Python.
        ready: File that is there once everything is installed. It holds the folder of
            the kit: in a moved one, what is installed points to the old place.
        unfinished: File that is there while something is being installed.
        variant_file: File with the TensorFlow that is installed, "cpu" or "gpu".
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder.joinpath(*self.python_parts())
        self.ready = folder / "ready"
        self.unfinished = folder / "unfinished"
        self.variant_file = folder / "variant"

    @staticmethod
    def python_parts() -> tuple[str, str]:
        """Where the Python lies in the folder."""
        return ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")

    @property
    def variant(self) -> str:
        """The TensorFlow that was installed last; "cpu" before there is one."""
        return _text(self.variant_file) or "cpu"

    def is_ready(self, variant: str) -> bool:
        """Whether what the lists of today ask for is installed, for this folder."""
        if _text(self.ready) != str(ROOT) or self.variant != variant:
            return False
        lists = (ROOT / "pyproject.toml", ROOT / "constraints.txt")
        newest = max(path.stat().st_mtime for path in lists)
        return self.ready.stat().st_mtime >= newest

    def works(self) -> bool:
        """Whether its installation was not interrupted, and its pip answers."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        return _succeeds([str(self.python), "-m", "pip", "--version"])


class Runner:
    """Runs commands in the kit's folder, or prints them."""

    def __init__(self, python: Path, dry: bool) -> None:
        self.python, self.dry = python, dry

    def __call__(self, *words: str, **variables: str) -> None:
        """Run the environment's Python with these words and environment variables."""
        self.run([str(self.python), *words], **variables)

    def run(self, command: list[str], **variables: str) -> None:
        """Run a command; end with its exit code if it fails."""
        if self.dry:
            print(*(f"{x}={shlex.quote(y)}" for x, y in variables.items()), end="")
            print(" " * bool(variables) + " ".join(map(shlex.quote, command)))
            return
        sys.stdout.flush()
        own = {"PYTHONNOUSERSITE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        environment = {**os.environ, **own, **variables}
        process = subprocess.Popen(command, cwd=str(ROOT), env=environment)
        # Ctrl-C reaches the command too. It may ask before it ends, as JupyterLab does.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            code = process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if code:
            raise SystemExit(code if code > 0 else 128 - code)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def this_platform() -> str:
    """Name of this machine's platform, such as "linux" or "windows"."""
    found = sys.platform, platform.machine()
    return PLATFORMS.get(found, "-".join(found))


def check_python() -> None:
    """Raise OSError unless this Python can install the kit."""
    if _succeeds([sys.executable, "-c", USABLE]):
        return
    number = ".".join(map(str, sys.version_info[:2]))
    if number in PYTHONS:
        raise OSError(
            f"Python {number} at {sys.executable} cannot make virtual environments. "
            "Install what it lacks (Debian: apt install python3-venv)."
        )
    started = "py -3.12" if os.name == "nt" else "python3.12"
    raise OSError(
        f"This is Python {number}, and the kit needs {' or '.join(PYTHONS)}. Start it "
        f"with one of them, for example: {started} {' '.join(sys.argv)}"
    )


def pip_sources(offline: bool) -> list[str]:
    """Options for pip: none for PyPI, or those for the folder `wheels`.

    Args:
        offline: Whether the folder has to be there.

    Raises:
        OSError: If it is not, or has no packages for this machine.
    """
    if not offline and not WHEELS.is_dir():
        return []
    known = json.loads(_text(CONTENTS) or "{}").get("complete", [])
    wanted = f"{this_platform()} {'.'.join(map(str, sys.version_info[:2]))}"
    if wanted not in known:
        system, number = wanted.split()
        raise OSError(
            f"'{WHEELS}' has the packages for {', '.join(known) or 'no platform'}, and "
            f"this is {wanted}. On a machine with internet, run: make offline-kit "
            f"PLATFORM={system} PYTHON_VERSION={number}. If this one has internet, "
            "remove the folder."
        )
    return ["--isolated", "--no-index", "--find-links", str(WHEELS)]


def setup(options: argparse.Namespace) -> None:
    """Install the kit into its environment, unless it is there already."""
    environment = Environment(options.environment)
    wanted = {"0": "cpu", "1": "gpu"}.get(options.gpu, environment.variant)
    if environment.is_ready(wanted):
        return
    check_python()
    sources = pip_sources(options.offline)
    if sources and wanted == "gpu":
        raise OSError("'wheels' has TensorFlow for processors only: leave out GPU=1.")
    cuda = " and 3.4 GB to download for CUDA" * (wanted == "gpu")
    print(
        f"Installing the kit into {options.environment}: a few minutes, 2.7 GB{cuda}."
    )
    runner = Runner(environment.python, options.dry_run)
    if not environment.works():
        runner.run([sys.executable, "-m", "venv", "--clear", str(environment.folder)])
    _install(environment, wanted, sources, runner)


def _install(
    environment: Environment, wanted: str, sources: list[str], runner: Runner
) -> None:
    if not runner.dry:
        environment.unfinished.touch()
        environment.ready.unlink(missing_ok=True)
    if wanted != environment.variant:
        # The two packages hold the same files: one goes before the other comes.
        quietly = ("--quiet", "--quiet", "--yes")
        runner("-m", "pip", "uninstall", *quietly, "tensorflow", "tensorflow-cpu")
    install = ("-m", "pip", "install", "--quiet", "--constraint", "constraints.txt")
    runner(*install, *sources, "--editable", f".[{wanted},dev]")
    if runner.dry:
        return
    environment.variant_file.write_text(f"{wanted}\n", encoding="utf-8")
    environment.unfinished.unlink()
    environment.ready.write_text(f"{ROOT}\n", encoding="utf-8")
    version = subprocess.check_output([str(environment.python), "--version"], text=True)
    print(f"Installed with {version.strip()}.")


def sample(run: Runner) -> None:
    """Get the sample scenes."""
    run("-m", "data_fetch", "sample")


def lab(run: Runner) -> None:
    """Open JupyterLab on the first notebook."""
    sample(run)
    # Root, as in a container, has to ask for what Jupyter otherwise refuses.
    as_root = ["--allow-root"] * (hasattr(os, "geteuid") and os.geteuid() == 0)
    first = "/lab/tree/notebooks/00_start_here.ipynb"
    folder = f"--ServerApp.root_dir={ROOT}"
    run("-m", "jupyterlab", *as_root, folder, f"--LabApp.default_url={first}")


def demo(run: Runner) -> None:
    """Patches, training, map and figure in about a minute."""
    sample(run)
    run("-m", "tutorial_lib.commands.demo")


def lint(run: Runner) -> None:
    """Check style and format."""
    run("-m", "ruff", "check")
    run("-m", "ruff", "format", "--check")


def check(run: Runner) -> None:
    """Check style and run the fast tests."""
    lint(run)
    sample(run)
    run(*UNIT, "-m", "not slow and not thorough", "--ignore=tests/browser")


def test(run: Runner) -> None:
    """Run all tests: library, notebooks without network, widgets in a browser."""
    lint(run)
    sample(run)
    run(*UNIT, "-m", "not slow")
    # The two versions of a notebook write into one folder, so they do not run together.
    for folder in ("notebooks", "notebooks/solutions"):
        left_out = LONG if folder == "notebooks" else ()
        paths = sorted((ROOT / folder).glob("*.ipynb"))
        paths = [x.relative_to(ROOT) for x in paths if x.stem not in left_out]
        run(*NBVAL, *map(str, paths), **NETWORK_OFF)


def build_offline_kit(run: Runner, words: tuple[str, ...]) -> None:
    """Build a folder from which a machine without a network installs the kit."""
    sample(run)
    run("-m", "offline_kit", *words)


COMMANDS = {"lab": lab, "sample": sample, "demo": demo, "check": check, "test": test}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python kit.py",
        description="Set up and start the kit. Each command sets up what it needs.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add(commands, "setup", "Install the kit into .venv")
    for name, function in COMMANDS.items():
        _add(commands, name, str(function.__doc__).rstrip("."))
    text = str(build_offline_kit.__doc__).rstrip(".")
    builder = _add(commands, "offline-kit", text)
    names = sorted(PLATFORMS.values())
    builder.add_argument("--platform", choices=names, help="default: this machine's")
    builder.add_argument("--python-version", choices=PYTHONS, help="default: 3.12")
    return parser


def _add(
    commands: argparse._SubParsersAction, name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"{text}.")
    command.add_argument(
        "--environment",
        type=Path,
        default=Path(".venv"),
        metavar="FOLDER",
        help="the virtual environment (default: .venv)",
    )
    command.add_argument(
        "--gpu",
        choices=("0", "1"),
        help="1: TensorFlow for NVIDIA cards, 0: the one for processors (default: the "
        "one that was installed last, or the one for processors)",
    )
    command.add_argument(
        "--offline",
        action="store_true",
        help="install from the folder 'wheels' beside this file, or not at all",
    )
    command.add_argument(
        "--dry-run", action="store_true", help="print the commands and run none"
    )
    return command


def _run(options: argparse.Namespace) -> None:
    setup(options)
    run = Runner(Environment(options.environment).python, options.dry_run)
    if options.command == "offline-kit":
        asked = {"platform": options.platform, "python-version": options.python_version}
        build_offline_kit(run, tuple(f"--{x}={y}" for x, y in asked.items() if y))
    elif options.command != "setup":
        COMMANDS[options.command](run)


def main() -> int:
    """Run one command; return its exit code, or 1 error, 130 interrupted by Ctrl-C."""
    options = _parser().parse_args()
    os.chdir(str(ROOT))
    try:
        _run(options)
    except OSError as err:
        print(f"kit.py: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("kit.py: Interrupted. Run the same command again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
