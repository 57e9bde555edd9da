"""Other ways to the same map: `model.predict` by tiles, and patch by patch."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parts.goals import Goal, at_least
from parts.processes import in_fresh_process
from parts.scenes import two_sources
from parts.timing import best, in_turns

if TYPE_CHECKING:
    import keras

TITLE = "Other ways to a map of the same scene"
NOTE = "All run in one process and take turns. Times are for each 10 m pixel mapped."

ENGINE, LOOP = "engine", "model.predict, tile by tile, with rasterio"
PATCHES, SOURCES = "engine, patch-based", "engine, two sources (10 m and 20 m)"
# Rows and columns of the first source that one output pixel of the network reads
# before and after itself.
BEFORE, AFTER = 8, 7


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time of each way."""
    side = 400 if quick else 2000
    rasters = {name: str(path) for name, path in two_sources(folder, side).items()}
    options = {"patches": 40 if quick else 400, "rounds": 1 if quick else 3}
    return in_fresh_process(measure_ways, rasters=rasters, **options)


def measure_ways(
    rasters: dict[str, str], patches: int, rounds: int
) -> list[dict[str, Any]]:
    """Map the scene in each way; patch by patch, only a part of it."""
    import numpy as np
    from rasterio.windows import Window

    import tutorial_lib as tl
    from parts.networks import fcnn
    from tutorial_lib.rasters import read_array

    image, folder = rasters["input_10m"], Path(rasters["input_10m"]).parent
    model, dual = fcnn(), tl.architectures.dual_source_fcnn(6, crops=())
    plan = tl.plan_inference(model, image, output="estimated_labels")
    plans = {
        ENGINE: plan,
        SOURCES: tl.plan_inference(dual, rasters, output="estimated_labels"),
        PATCHES: tl.plan_inference(
            model,
            image,
            output="estimated_labels",
            mode="patch_based",
            window=Window(0, 0, patches, patches),
        ),
    }
    paths = {way: folder / f"{number}.tif" for number, way in enumerate(plans)}
    actions = {
        way: lambda plan=plan, path=paths[way]: plan.write(path, progress=False)
        for way, plan in plans.items()
    }
    labels = labels_model(model)
    actions[LOOP] = lambda: predict_by_tiles(labels, image, folder / "loop.tif")
    in_turns(actions, 1)
    same = np.mean(read_array(paths[ENGINE]) == read_array(folder / "loop.tif"))
    costs = in_turns(actions, rounds)
    pixels = dict.fromkeys(actions, len(plan.rows) * len(plan.cols))
    pixels[PATCHES] = patches**2
    seconds = {way: best(costs[way]).wall / pixels[way] * 1e6 for way in actions}
    return [
        {
            "way": way,
            "s/Mpx": seconds[way],
            "CPU s/Mpx": best(costs[way]).cpu / pixels[way] * 1e6,
            "times the engine's": seconds[way] / seconds[ENGINE],
            "same labels": float(same) if way == LOOP else None,
        }
        for way in actions
    ]


def labels_model(model: "keras.Model") -> "keras.Model":
    """The model with its labels as its only output: `predict` computes all outputs."""
    import keras

    return keras.Model(model.input, model.output["estimated_labels"])


def predict_by_tiles(
    model: "keras.Model", path: str, target: Path, tile: int = 256
) -> None:
    """Map a scene with rasterio and Keras alone, as many programs do.

    Each tile is read with the margin that the network needs, so the map has no seams.
    """
    import rasterio
    from rasterio.windows import Window

    margin = BEFORE + AFTER
    with rasterio.open(path) as scene:
        height, width = scene.height - margin, scene.width - margin
        whole = Window(BEFORE, BEFORE, width, height)
        profile = scene.profile | {
            "count": 1,
            "dtype": "uint8",
            "height": height,
            "width": width,
            "transform": scene.window_transform(whole),
        }
        with rasterio.open(target, "w", **profile) as raster:
            for row, col, rows, cols in _tiles(height, width, tile):
                window = Window(col, row, cols + margin, rows + margin)
                image = scene.read(window=window).transpose(1, 2, 0)[None]
                batch = {"input": image.astype("float32")}
                labels = model.predict(batch, verbose=0)[0, ..., 0]
                raster.write(
                    labels.astype("uint8"), 1, window=Window(col, row, cols, rows)
                )


def _tiles(height: int, width: int, tile: int) -> Iterator[tuple[int, int, int, int]]:
    for row in range(0, height, tile):
        for col in range(0, width, tile):
            yield row, col, min(tile, height - row), min(tile, width - col)


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """Faster than what people write instead, and than patch by patch."""
    times = {row["way"]: row["times the engine's"] for row in rows}
    return [
        at_least("predict_loop", "model.predict by tiles / engine", times[LOOP], 2),
        at_least("patch_based", "patch-based / engine, per pixel", times[PATCHES], 20),
    ]
