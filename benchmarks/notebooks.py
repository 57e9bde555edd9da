"""Measure time and memory of each notebook: `make bench`.

    python benchmarks/notebooks.py [notebook …]

Each notebook runs alone, from top to bottom. A notebook may take 90 s on two cores
without other load, and 1.2 GB. The table in README.md has these numbers, rounded.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
BUDGET_S, BUDGET_GB = 90, 1.2


def measure(notebook: Path) -> tuple[float, float]:
    """Run a notebook; return its seconds, and the peak of its largest process in GB."""
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    command += ["--stdout", "--log-level", "ERROR", str(notebook)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(
            f"'{notebook.name}' failed. Run it in JupyterLab to see the error."
        )
    # `ru_maxrss` is the largest peak of the command and its children, such as the
    # kernel. On Linux it is in kB.
    return time.perf_counter() - started, usage.ru_maxrss / 1e6


def main() -> int:
    """Measure the notebooks; return 1 if one is over the budget."""
    parser = argparse.ArgumentParser(description="Time and memory of each notebook.")
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="paths (default: all notebooks)"
    )
    paths = parser.parse_args().notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    over = 0
    print(f"{'notebook':<28}{'seconds':>9}{'peak GB':>9}")
    for path in paths:
        seconds, memory = measure(path)
        over += seconds > BUDGET_S or memory > BUDGET_GB
        print(f"{path.stem:<28}{seconds:>9.0f}{memory:>9.2f}", flush=True)
    print(f"Budget: {BUDGET_S} s and {BUDGET_GB} GB. Notebooks over it: {over}.")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
