"""Measure the engine: time, memory, and what else takes how long.

    python benchmarks/engine.py [--quick] [part …]

Each part measures by turns, in fresh processes, so that its ratios hold on any machine.
Seconds hold for an idle one. What was measured is kept in engine.json beside this file
and drawn into docs/bench_*.png. README.md and docs/*.md quote it: it is written where
they have `<!-- bench:KEY --><!-- /bench -->`. The program ends with the table of goals,
and with exit status 1 if one is missed. All parts take about 12 minutes on two idle
cores, and 1 GB of disk.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from parts import (
    alternatives,
    certificates,
    extraction,
    formats,
    pictures,
    runners,
    sizes,
    start_up,
    tables,
    tiles,
    workers,
)
from parts.goals import Goal

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_name("engine.json")
PARTS = {
    "sizes": sizes,
    "tiles": tiles,
    "alternatives": alternatives,
    "workers": workers,
    "runners": runners,
    "formats": formats,
    "extraction": extraction,
    "start_up": start_up,
    "certificates": certificates,
}
# Packages whose versions change times.
PACKAGES = (
    *("tensorflow", "keras", "numpy", "rasterio", "distributed"),
    *("openvino", "onnxruntime"),
)
# An idle machine has a lower load, in processes that want to run.
IDLE = 0.5

Results = dict[str, Any]


def machine() -> dict[str, Any]:
    """What the results depend on, without the name of the machine."""
    found = {one.metadata["Name"] for one in metadata.distributions()}
    versions = {n: metadata.version(n) for n in PACKAGES if n in found}
    if "tensorflow" not in versions and "tensorflow_cpu" in found:
        versions["tensorflow"] = metadata.version("tensorflow_cpu")
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "memory GB": round(psutil.virtual_memory().total / 1e9),
        "system": platform.system(),
        "Python": platform.python_version(),
        **versions,
    }


def read_results() -> Results:
    """What was measured last: "machine", and "parts" by name."""
    if not RESULTS.exists():
        return {"machine": {}, "parts": {}}
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def rows_of(results: Results) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part that was measured, in the order of the parts."""
    measured = results["parts"]
    return {name: measured[name]["rows"] for name in PARTS if name in measured}


def goals_of(results: Results) -> list[Goal]:
    """The goals of the parts that were measured."""
    rows = rows_of(results)
    return [goal for name in rows for goal in PARTS[name].goals(rows[name])]


def texts_of(results: Results) -> dict[str, str]:
    """What README.md and docs/*.md may quote, by its key."""
    return tables.texts(rows_of(results), goals_of(results))


def _rounded(value: Any) -> Any:
    """Numbers with four digits, so that the file is short."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return value


def measure(name: str, scratch: Path, *, quick: bool) -> dict[str, Any]:
    """Run one part, and print its table.

    Args:
        name: Its name in `PARTS`.
        scratch: Folder for scenes and maps.
        quick: Whether to try it on tiny scenes.

    Returns:
        "seconds" that it took, and its "rows".
    """
    part, started = PARTS[name], time.perf_counter()
    print(f"\n## {part.TITLE} ({name})\n\n{part.NOTE}\n", flush=True)
    rows = [_rounded(row) for row in part.measure(scratch, quick=quick)]
    seconds = round(time.perf_counter() - started)
    print(f"{tables.markdown(rows)}\n\nMeasured in {seconds} s.", flush=True)
    return {"seconds": seconds, "rows": rows}


def keep(results: Results) -> None:
    """Write the results into their file."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def publish(results: Results) -> None:
    """Draw the pictures, and fill the texts."""
    pictures.draw(rows_of(results), REPOSITORY / "docs")
    tables.fill_texts(REPOSITORY, texts_of(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of the engine.")
    names = ", ".join(PARTS)
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"{names}; all if none"
    )
    text = "try it on tiny scenes: nothing is kept or judged"
    parser.add_argument("--quick", action="store_true", help=text)
    text = "draw and fill in what was measured last, without measuring"
    parser.add_argument("--draw", action="store_true", help=text)
    text = "folder for scenes and maps, 1 GB on a disk; they are removed at the end"
    parser.add_argument("--scratch", type=Path, help=text)
    options = parser.parse_args()
    for name in set(options.parts) - set(PARTS):
        parser.error(f"'{name}' is not a part. Give some of: {names}.")
    return options


def main() -> int:
    """Measure, keep, draw; return 1 if a goal is missed."""
    options = _options()
    results = read_results()
    if not options.draw:
        results = _measure_all(options, results)
    if options.quick:
        return 0
    publish(results)
    goals = goals_of(results)
    if goals:
        print(f"\n## Goals\n\n{tables.goal_table(goals)}")
    return int(not all(goal.met for goal in goals))


def _measure_all(options: argparse.Namespace, results: Results) -> Results:
    """Measure parts; results of other versions or another machine are dropped."""
    here = machine()
    print(", ".join(f"{name} {value}" for name, value in here.items()))
    if os.getloadavg()[0] > IDLE:
        print(f"Other programs are running (load {os.getloadavg()[0]:.1f}).")
    if results["machine"] != here:
        results = {"machine": here, "parts": {}}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.scratch) as scratch:
        for name in options.parts or PARTS:
            one = measure(name, Path(scratch), quick=options.quick)
            results["parts"][name] = one
            if not options.quick:
                keep(results)
    return results


if __name__ == "__main__":
    sys.exit(main())
