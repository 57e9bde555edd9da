"""The time until something happens: imports, and the first map."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from parts.goals import Goal
from parts.processes import fresh_environment
from parts.scenes import one_source
from parts.timing import best, in_turns

TITLE = "Start-up"
NOTE = "Each is a fresh Python, from its start to its end; they take turns."

PROGRAMS = {
    "Python": "",
    "import tutorial_lib": "import tutorial_lib",
    "import tensorflow": "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'\n"
    "import tensorflow",
    "import tutorial_lib, then Keras": "import tutorial_lib, keras",
    "first map of a scene of 1000²": "import sys, tutorial_lib as tl\n"
    "from tutorial_lib import recorded\n"
    "tl.predict_raster(recorded.weights_path('fcnn_havel'), sys.argv[1], sys.argv[2],\n"
    "                  output='estimated_labels', progress=False)",
}


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Wall time of each program, and what it takes longer than Python alone."""
    raster = one_source(folder, 300 if quick else 1000)

    def action(program: str) -> Callable[[], None]:
        paths = [str(raster), str(folder / "map.tif")]
        command = [sys.executable, "-P", "-c", program, *paths]
        return lambda: subprocess.run(command, check=True, env=fresh_environment())

    actions = {name: action(program) for name, program in PROGRAMS.items()}
    # The first round reads the programs from the disk.
    costs = in_turns(actions, 1 if quick else 3)
    return [{"program": name, "s": best(costs[name]).wall} for name in actions]


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """An empty list: this part has no goal."""
    return []
