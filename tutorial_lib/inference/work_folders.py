"""The folder of finished shards: hidden for one run, or kept until the map is there."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tutorial_lib.inference.fingerprints import (
    Fingerprint,
    differences,
    digest_of,
)
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.files import write_text
from tutorial_lib.rasters.part_folders import part_folder
from tutorial_lib.rasters.write_errors import errors_named, real_path

try:
    import fcntl
except ImportError:
    # Windows has no fcntl, and another way to lock a file.
    fcntl = None
    import msvcrt

# Added to the name of the map.
ENDING = ".work"
PLAN, LOCK = "plan.json", "lock"

__all__ = ["hidden_folder", "kept_folder"]


@contextmanager
def hidden_folder(path: PathLike) -> Iterator[Path]:
    """An empty hidden folder on the disk of a map, removed in the end.

    Raises:
        OSError: If it cannot be made.
    """
    target = real_path(Path(path))
    with ExitStack() as stack:
        with errors_named(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(part_folder(target.parent))
        yield folder


@contextmanager
def kept_folder(path: PathLike, prints: Fingerprint) -> Iterator[Path]:
    """The folder of a map's finished shards, beside it: `map.tif.work`.

    It is removed when the `with` block ends. If an error ends it, the folder stays, and
    the error says so.

    Args:
        path: The map.
        prints: What decides its pixels.

    Yields:
        The folder of the shards, with those of earlier runs.

    Raises:
        ValueError: If the folder belongs to another map; with what differs.
        BlockingIOError: If another run works in it.
        OSError: If it cannot be made.
    """
    target = real_path(Path(path))
    folder = target.with_name(target.name + ENDING)
    # Named by what is computed: a worker that still computes for a killed run then
    # never writes into the shards of another map.
    shards = folder / f"shards-{digest_of(prints)[:12]}"
    with _locked(folder, path):
        _check_plan(folder, path, prints)
        try:
            with errors_named(folder):
                write_text(folder / PLAN, _as_text(prints))
                shards.mkdir(exist_ok=True)
            yield shards
        except BaseException as err:
            _tell(err, shards)
            if not any(shards.glob("*.json")):
                _remove(folder, shards)
            raise
        _remove(folder, shards)


def _check_plan(folder: Path, path: PathLike, prints: Fingerprint) -> None:
    """Raise ValueError if the folder was begun for another map."""
    file = folder / PLAN
    cure = (
        f"Delete the folder '{folder}' to compute the map anew, or give another path."
    )
    try:
        before = json.loads(file.read_text(encoding="utf-8"))["fingerprint"]
    except FileNotFoundError:
        return
    # KeyError, TypeError: the text is JSON, but not a plan.
    except (KeyError, OSError, TypeError, ValueError) as err:
        raise ValueError(f"'{file}' is damaged: {err}. {cure}") from err
    if not isinstance(before, dict):
        raise ValueError(f"'{file}' is damaged: it holds no fingerprint. {cure}")
    if before != prints:
        raise ValueError(
            f"The unfinished '{path}' cannot be continued: "
            f"{differences(before, prints)}. Repeat the call with the earlier values. "
            f"{cure}"
        )


def _as_text(prints: Fingerprint) -> str:
    return json.dumps({"fingerprint": prints}, indent=1)


def _tell(err: BaseException, shards: Path) -> None:
    """Add to an error that finished shards are kept."""
    count = len(list(shards.glob("*.json")))
    if not count:
        return
    parts = "1 finished part is" if count == 1 else f"{count} finished parts are"
    sentence = (
        f"{parts} kept in '{shards.parent}'. Run it again with `resume=True` to go on "
        "from there."
    )
    if isinstance(err, KeyboardInterrupt):
        # A command prints them; its own note would be lost.
        err.args = (sentence,)
    else:
        err.add_note(sentence)


def _remove(folder: Path, shards: Path) -> None:
    """Remove what the kit wrote; files of others in the folder stay."""
    # The plan goes after the shards: without it nobody would know what they are.
    shutil.rmtree(shards, ignore_errors=True)
    for name in (PLAN, LOCK):
        # Windows does not remove a file that is open, such as the lock.
        with suppress(OSError):
            (folder / name).unlink()
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _locked(folder: Path, path: PathLike) -> Iterator[None]:
    """Hold the lock of a folder, which is made; the system frees it in any case."""
    descriptor = None
    while descriptor is None:
        with errors_named(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(descriptor):
            os.close(descriptor)
            raise BlockingIOError(
                f"Another run is writing '{path}': it works in '{folder}'. Wait for "
                "its end, or give another path."
            )
        # Another run may have removed the folder between the two steps.
        if not _is_file(descriptor, folder / LOCK):
            os.close(descriptor)
            descriptor = None
    try:
        yield
    finally:
        os.close(descriptor)
        # Windows does not remove the lock while it is open; elsewhere it is gone, or
        # another run has taken it.
        if fcntl is None and not (folder / PLAN).exists():
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()


def _lock(descriptor: int) -> bool:
    """Lock an open file; False if another run has locked it."""
    try:
        if fcntl is None:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # Some network disks have no locks.
        return True
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
