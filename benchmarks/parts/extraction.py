"""Cutting patches out of rasters."""

from pathlib import Path
from typing import Any

from parts.goals import Goal
from parts.processes import in_fresh_process
from parts.scenes import two_sources
from parts.timing import best, in_turns

TITLE = "Extraction of patches"
NOTE = "Patches of 16x16 px at 10 m and 8x8 px at 20 m, written as patches images."


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Patches each second, from one source and from two."""
    rasters = two_sources(folder, 400 if quick else 4000)
    return in_fresh_process(
        measure_rates,
        rasters={name: str(path) for name, path in rasters.items()},
        count=50 if quick else 5000,
        rounds=1 if quick else 3,
    )


def measure_rates(
    rasters: dict[str, str], count: int, rounds: int
) -> list[dict[str, Any]]:
    """Cut random patches."""
    import numpy as np

    import tutorial_lib as tl

    grid = tl.read_grid(rasters["input_10m"])
    rng = np.random.default_rng(0)
    cols, rows = rng.integers(16, min(grid.shape) - 16, (2, count)) + 0.5
    x, y = grid.transform @ (cols, rows)
    positions = tl.Positions(x, y, np.zeros(count, int), grid.crs)
    sizes = {"input_10m": 16, "input_20m": 8}
    chosen = {"one source": ["input_10m"], "two sources": [*sizes]}

    def action(names: list[str], folder: Path) -> Any:
        return lambda: tl.extract_patches(
            {name: rasters[name] for name in names},
            positions,
            sizes={name: sizes[name] for name in names},
            out_dir=folder,
        )

    actions = {
        text: action(names, tl.testing.scratch_folder())
        for text, names in chosen.items()
    }
    costs = in_turns(actions, rounds)
    return [
        {
            "patches of": text,
            "patches": count,
            "patches/s": count / best(costs[text]).wall,
            "CPU ms/patch": best(costs[text]).cpu / count * 1e3,
        }
        for text in actions
    ]


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """An empty list: this part has no goal."""
    return []
