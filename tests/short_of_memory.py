"""Programs that load a model and then have too little memory for a large image."""

import subprocess
import sys

PROGRAM = """
import resource, sys
from pathlib import Path
import numpy as np
from tutorial_lib import load_predictor
predict = load_predictor(sys.argv[1], runner=sys.argv[2])
small, large = (np.zeros((1, side, side, 4), "float32") for side in (64, 2000))
predict({"input": small}, ["estimated"])
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000,) * 2)
try:
    predict({"input": large}, ["estimated"])
except MemoryError as err:
    print(err)
print(predict({"input": small}, ["estimated"])["estimated"].shape)
"""


def check_that_it_is_told(path, runner):
    """Check that a lack of memory is told, and that a smaller image goes on."""
    command = [sys.executable, "-c", PROGRAM, str(path), runner]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told, shape = done.stdout.splitlines()
    assert told == (
        "The model has not enough memory for images of {'input': (1, 2000, 2000, 4)}. "
        "Give it smaller ones."
    )
    assert shape == "(1, 49, 49, 5)"
