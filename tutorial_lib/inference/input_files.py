"""Whether the files that a map is made of stay the same while it is computed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tutorial_lib.rasters import PathLike

if TYPE_CHECKING:
    from tutorial_lib.inference.planned import PlannedMap

# Size in bytes, and time of the last change in nanoseconds.
State = tuple[int, int]

__all__ = ["changed_files", "file_states", "source_files"]


def source_files(plan: "PlannedMap") -> list[PathLike]:
    """The files of a plan's sources, without addresses."""
    model = plan.job.predictor.path
    return [one for one in plan.inputs if one != model and Path(one).is_file()]


def file_states(plan: "PlannedMap") -> dict[str, State]:
    """The state of each file that the sources of a plan are read from."""
    states = {os.fspath(file): _state(file) for file in source_files(plan)}
    return {file: state for file, state in states.items() if state is not None}


def changed_files(before: Mapping[str, State]) -> list[str]:
    """A sentence for each file that was changed since `file_states`.

    A file that is gone gives none: what is open can be read to the end.
    """
    return [
        f"'{file}' was changed while the map was computed, so parts of the map may "
        "show what it was before. Compute the map again."
        for file, state in before.items()
        if _state(file) not in (state, None)
    ]


def _state(file: PathLike) -> State | None:
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
