"""Measure time and memory of each notebook: `make bench`.

    python benchmarks/notebooks.py [notebook …]

Each notebook runs alone, from top to bottom. A notebook may take 90 s on two cores
without other load, and 1.2 GB, rounded. What was measured is kept in notebooks.json
beside this file. README.md and the head of each notebook state it, rounded by
`stated_time` and `stated_memory`. A test compares them, and this program prints what
has to be changed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
MEASURED = Path(__file__).with_name("notebooks.json")
BUDGET_S, BUDGET_GB = 90, 1.25

# The line at the head of a notebook, in its source.
NEEDS = re.compile(
    r"\*\*Needs\*\* about (?P<minutes>\d+) minutes of your time, (?P<computing>[^,]+?) "
    r"of computing and (?P<memory>[\d.]+ GB) of memory; no internet\."
)
# A row of the table in README.md.
ROW = re.compile(
    r"^\| \[[^\]]+\]\(notebooks/(?P<name>\w+)\.ipynb\) \|[^|]+\| (?P<minutes>\d+) min "
    r"\| (?P<computing>[^|]+) \| (?P<memory>[^|]+) \|$",
    re.MULTILINE,
)


def stated_time(seconds: float) -> str:
    """A measured time as texts state it: to half a minute, or "seconds".

    Example:
        >>> [stated_time(one) for one in (22, 23, 60, 76, 90)]
        ['seconds', '½ minute', '1 minute', '1½ minutes', '1½ minutes']
    """
    halves = int(seconds / 30 + 0.5)
    if seconds < 22.5:
        return "seconds"
    whole, half = divmod(halves, 2)
    number = f"{whole or ''}{'½' * half}"
    return f"{number} minute{'s' if halves > 2 else ''}"


def stated_memory(gigabytes: float) -> str:
    """A measured memory as texts state it, in tenths of a gigabyte.

    Example:
        >>> stated_memory(0.96)
        '1.0 GB'
    """
    return f"{gigabytes:.1f} GB"


def read_measured() -> dict[str, dict[str, float]]:
    """What was measured last, by the name of the notebook."""
    return json.loads(MEASURED.read_text()) if MEASURED.exists() else {}


def _prose(source: str) -> str:
    """The text of a notebook's source in one line, without the signs of comments."""
    return " ".join(re.sub("^# ?", "", source, flags=re.MULTILINE).split())


def differences(measured: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What README.md and the notebooks state otherwise than it was measured.

    Args:
        measured: "seconds" and "gigabytes" by the name of the notebook.

    Returns:
        A sentence for each place, with what to write there.
    """
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = {row["name"]: row for row in ROW.finditer(table)}
    found = []
    for source in sorted((NOTEBOOKS / "source").glob("*.py")):
        name, place = source.stem, f"notebooks/source/{source.name}"
        if name not in measured:
            found.append(f"{name} was not measured: run `make bench`.")
            continue
        needs = [*NEEDS.finditer(_prose(source.read_text(encoding="utf-8")))]
        # The minutes of a person are not measured: the notebook says them first.
        minutes = needs[0]["minutes"] if needs else "45"
        computing = stated_time(measured[name]["seconds"])
        memory = stated_memory(measured[name]["gigabytes"])
        stated = [(one["computing"], one["memory"]) for one in needs]
        if stated != [(computing, memory)]:
            found.append(
                f"{place} needs this line once: **Needs** about {minutes} minutes of "
                f"your time, {computing} of computing and {memory} of memory; no "
                "internet."
            )
        short = computing.replace("minutes", "min").replace("minute", "min")
        row = rows.get(name)
        if row is None or row.group(2, 3, 4) != (minutes, short, memory):
            found.append(
                f"README.md, table of notebooks, row of {name}, needs these cells: "
                f"| {minutes} min | {short} | {memory} |"
            )
    return found


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
    paths = parser.parse_args().notebooks or sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    # Notebooks that no longer exist are forgotten.
    names = {path.stem for path in (NOTEBOOKS / "source").glob("*.py")}
    kept = {name: one for name, one in read_measured().items() if name in names}
    over = 0
    print(f"{'notebook':<28}{'seconds':>9}{'peak GB':>9}")
    for path in paths:
        seconds, memory = measure(path)
        over += seconds > BUDGET_S or memory > BUDGET_GB
        print(f"{path.stem:<28}{seconds:>9.0f}{memory:>9.2f}", flush=True)
        kept[path.stem] = {"seconds": round(seconds), "gigabytes": round(memory, 2)}
        text = json.dumps(dict(sorted(kept.items())), indent=2)
        MEASURED.write_text(text + "\n", encoding="utf-8")
    print(f"Budget: {BUDGET_S} s and {BUDGET_GB} GB. Notebooks over it: {over}.")
    print(*differences(kept), sep="\n")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
