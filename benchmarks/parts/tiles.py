"""The size of the tiles, for networks with small and large margins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parts.goals import Goal, at_most
from parts.processes import in_fresh_process
from parts.scenes import one_source, pan_and_xs
from parts.timing import best, in_turns, ratio

TITLE = "Tile sizes"
NOTE = (
    "The best fixed size and the automatic one take turns again, for their ratio. A "
    "size without a time would take too long."
)

SIDE = 1536
TILES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 16)
# A size is not run if it reads more times as many pixels as the one that reads fewest.
MOST_READ = 7
# Sizes that take at most so many times as long as the fastest run again.
NEAR = 1.3
NETWORKS = ("FCNN", "pan/xs U-Net", "MobileNetV2 U-Net")


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time of each tile size for each network."""
    side = 320 if quick else SIDE
    options = {
        "tiles": (128, 64) if quick else TILES,
        "rounds": 1 if quick else 4,
    }
    image = {"input": one_source(folder, side)}
    rasters = dict(zip(NETWORKS, (image, pan_and_xs(folder, side), image), strict=True))
    rows = []
    for network in NETWORKS:
        sources = {name: str(path) for name, path in rasters[network].items()}
        rows += in_fresh_process(
            measure_network, network=network, sources=sources, **options
        )
    return rows


def measure_network(
    network: str, sources: Mapping[str, str], tiles: list[int], rounds: int
) -> list[dict[str, Any]]:
    """Map a scene with tiles of each size."""
    plans = _plans(network, sources, tiles)
    folder = Path(next(iter(sources.values()))).parent

    def action(size: int | str) -> Any:
        return lambda: plans[size].write(folder / "map.tif", progress=False)

    costs = in_turns({"auto": action("auto")}, 2)
    read = {size: one.redundancy for size, one in plans.items() if size != "auto"}
    short = [size for size in read if read[size] <= MOST_READ * min(read.values())]
    costs |= in_turns({size: action(size) for size in short}, 1)
    fastest = min(best(one).wall for one in costs.values())
    near = [n for n in costs if best(costs[n]).wall <= NEAR * fastest]
    # The first run of each size was also the one that prepared for it.
    costs |= in_turns({size: action(size) for size in near}, 2)
    fixed = min(costs.keys() - {"auto"}, key=lambda size: best(costs[size]).wall)
    again = in_turns({"auto": action("auto"), fixed: action(fixed)}, rounds)
    times = ratio(again, "auto", fixed).wall
    return [
        _row(network, size, plan, costs.get(size))
        | {"auto / best fixed": times if size == "auto" else None}
        for size, plan in plans.items()
    ]


def _plans(
    network: str, sources: Mapping[str, str], tiles: list[int]
) -> dict[int | str, Any]:
    """A plan for each tile size, which is rounded up to one that is legal."""
    import tutorial_lib as tl
    from parts.networks import fcnn, mobilenet_unet, pan_xs_unet

    makers = (fcnn, pan_xs_unet, mobilenet_unet)
    model = dict(zip(NETWORKS, makers, strict=True))[network]()

    def plan(size: int | str) -> Any:
        return tl.plan_inference(
            model, sources, output="estimated_labels", tile_size=size, edge="pad"
        )

    auto = plan("auto")
    unit = auto.job.rows.unit
    legal = dict.fromkeys(-(-size // unit) * unit for size in tiles)
    return {"auto": auto, **{size: plan(size) for size in legal}}


def _row(network: str, size: int | str, plan: Any, costs: Any) -> dict[str, Any]:
    megapixels = plan.grid.shape[0] * plan.grid.shape[1] / 1e6
    return {
        "network": network,
        "tile": size,
        "side": len(plan.largest_tile.computed_rows),
        "px read / px": plan.redundancy,
        "s/Mpx": best(costs).wall / megapixels if costs else None,
        "CPU s/Mpx": best(costs).cpu / megapixels if costs else None,
    }


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """The automatic tile as good as the best fixed one."""
    return [
        at_most(
            f"auto_tile_{number}",
            f"automatic / best fixed tile, {row['network']}",
            row["auto / best fixed"],
            1.05,
        )
        for number, row in enumerate(row for row in rows if row["tile"] == "auto")
    ]
