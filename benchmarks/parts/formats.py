"""What the way of writing a map costs: compression, and a cloud-optimised GeoTIFF."""

from pathlib import Path
from typing import Any

from parts.goals import Goal
from parts.processes import in_fresh_process
from parts.scenes import one_source
from parts.timing import best, in_turns

TITLE = "Ways to write a map"
NOTE = "Labels of the pixel-wise network as uint8, scores as float32; all take turns."

WAYS = {
    "deflate": {"compress": "deflate"},
    "zstd": {"compress": "zstd"},
    "deflate, cog": {"compress": "deflate", "cog": True},
    "zstd, cog": {"compress": "zstd", "cog": True},
}


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time and size of each way, for labels and for scores."""
    raster = str(one_source(folder, 600 if quick else 2000))
    return in_fresh_process(measure_ways, raster=raster, rounds=1 if quick else 3)


def measure_ways(raster: str, rounds: int) -> list[dict[str, Any]]:
    """Write the same maps in each way."""
    import tutorial_lib as tl
    from parts.networks import fcnn

    model, rows = fcnn(), []
    for output in ("estimated_labels", "estimated"):
        plan = tl.plan_inference(model, raster, output=output)
        paths = {way: Path(raster).with_name(f"{way}.tif") for way in WAYS}
        actions = {
            way: lambda plan=plan, path=paths[way], options=options: plan.write(
                path, progress=False, **options
            )
            for way, options in WAYS.items()
        }
        costs = in_turns(actions, rounds)
        megapixels = plan.grid.shape[0] * plan.grid.shape[1] / 1e6
        rows += [
            {
                "output": output,
                "way": way,
                "s/Mpx": best(costs[way]).wall / megapixels,
                "CPU s/Mpx": best(costs[way]).cpu / megapixels,
                "MB/Mpx": paths[way].stat().st_size / 1e6 / megapixels,
            }
            for way in WAYS
        ]
    return rows


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """An empty list: this part has no goal."""
    return []
