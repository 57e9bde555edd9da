"""The size of a scene, and the engine beside the bare model on the same tiles."""

from pathlib import Path
from typing import Any

from parts.goals import Goal, at_most
from parts.processes import in_fresh_process
from parts.scenes import one_source
from parts.timing import best, cost_of, peak_gigabytes, ratio

TITLE = "Scenes from 512² to a whole Sentinel-2 tile, pixel-wise network"
NOTE = (
    "Each size runs in a new process. The bare model runs on arrays in memory, "
    "as many and as large as the engine's; both take turns."
)

# Side in pixels, and rounds: small scenes take a fraction of a second.
SIDES = {512: 15, 1000: 8, 2000: 5, 4000: 2, 10980: 2}
QUICK = {300: 1, 400: 1}
# From this side on, the time for each pixel and the memory should not change.
FLAT_FROM = 2000
WHOLE = 10980


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time and memory of each size."""
    rows = []
    for side, rounds in (QUICK if quick else SIDES).items():
        raster = str(one_source(folder, side))
        rows.append(in_fresh_process(measure_side, raster=raster, rounds=rounds))
    return rows


def measure_side(raster: str, rounds: int) -> dict[str, Any]:
    """Map a scene and run the bare model, by turns."""
    from rasterio.windows import Window

    import tutorial_lib as tl
    from parts.networks import bare_model, fcnn

    model, target = fcnn(), Path(raster).with_name("map.tif")
    # TensorFlow compiles the model, which takes a large part of a small map's time.
    start = tl.plan_inference(
        model, raster, output="estimated_labels", window=Window(0, 0, 200, 200)
    )
    start.write(target, progress=False)
    plan = tl.plan_inference(model, raster, output="estimated_labels")
    costs, bare, peak = {"engine": [], "bare": []}, None, None
    for _ in range(rounds):
        costs["engine"].append(cost_of(lambda: plan.write(target, progress=False)))
        if bare is None:
            # Before the arrays of the bare model are in memory too.
            peak, bare = peak_gigabytes(), bare_model(plan)
        costs["bare"].append(cost_of(bare))
    megapixels = plan.grid.shape[0] * plan.grid.shape[1] / 1e6
    engine, times = best(costs["engine"]), ratio(costs, "engine", "bare")
    return {
        "side": tl.read_grid(raster).width,
        "tile": len(plan.largest_tile.rows),
        "s/Mpx": engine.wall / megapixels,
        "CPU s/Mpx": engine.cpu / megapixels,
        "bare s/Mpx": best(costs["bare"]).wall / megapixels,
        "wall ratio": times.wall,
        "CPU ratio": times.cpu,
        "peak GB": peak,
        "s": engine.wall,
    }


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """The whole scene as fast as the model, in the memory of a small machine."""
    by_side = {row["side"]: row for row in rows}
    if WHOLE not in by_side or FLAT_FROM not in by_side:
        return []
    whole, first = by_side[WHOLE], by_side[FLAT_FROM]
    flat = [row["s/Mpx"] for row in rows if row["side"] >= FLAT_FROM]
    return [
        at_most(
            "wall_ratio",
            "whole scene / bare model, wall time",
            whole["wall ratio"],
            1.10,
        ),
        at_most(
            "cpu_ratio", "whole scene / bare model, CPU time", whole["CPU ratio"], 1.10
        ),
        at_most(
            "flatness",
            "slowest / fastest s/Mpx from 2 000² on",
            max(flat) / min(flat),
            1.10,
        ),
        at_most("peak", "peak memory of the whole scene, GB", whole["peak GB"], 1.2),
        at_most(
            "growth",
            "peak memory, whole scene / 2 000²",
            whole["peak GB"] / first["peak GB"],
            1.10,
        ),
    ]
