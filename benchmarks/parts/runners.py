"""TensorFlow, OpenVINO and ONNX Runtime on one network, in float32 and in bfloat16."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from parts.goals import Goal
from parts.processes import in_fresh_process
from parts.scenes import one_source

TITLE = "Runners and precisions"
NOTE = (
    "Each run is a fresh Python, and they take turns. The first map, of 1000² px, "
    "counts from the start of Python. Labels are compared with TensorFlow's in float32."
)

SAVED_MODEL, ONNX = "SavedModel", "ONNX"
# What runs the network, from what kind of file, in what precision.
Run = tuple[str, str, str]
FIRST: Run = ("tensorflow", SAVED_MODEL, "float32")
RUNS: tuple[Run, ...] = (
    FIRST,
    ("tensorflow", SAVED_MODEL, "bfloat16"),
    ("openvino", SAVED_MODEL, "float32"),
    ("openvino", SAVED_MODEL, "bfloat16"),
    ("openvino", ONNX, "float32"),
    ("onnxruntime", ONNX, "float32"),
)


def measure(folder: Path, *, quick: bool = False) -> list[dict[str, Any]]:
    """Time and memory of each runner and precision that this machine has."""
    raster = str(one_source(folder, 500 if quick else 2000))
    runs = {run: [] for run in RUNS if _is_here(*run)}
    exported = in_fresh_process(
        export_network, folder=str(folder), forms=sorted({form for _, form, _ in runs})
    )
    for number in range(1 if quick else 2):
        for runner, form, precision in runs:
            target = folder / f"{runner}_{form}_{precision}_{number}.tif"
            measured = in_fresh_process(
                measure_run,
                exported=exported[form],
                raster=raster,
                target=str(target),
                runner=runner,
                precision=precision,
            )
            runs[runner, form, precision].append(measured | {"map": target})
    first = runs[FIRST]
    return [_row(run, found, first) for run, found in runs.items()]


def _is_here(runner: str, form: str, precision: str) -> bool:
    from tutorial_lib.networks.precisions import has_bfloat16

    needed = {runner, *(("onnx", "tf2onnx", "onnxruntime") if form == ONNX else ())}
    installed = all(find_spec(name) is not None for name in needed)
    return installed and (precision == "float32" or bool(has_bfloat16()))


def _row(
    run: Run, found: list[dict[str, Any]], first: list[dict[str, Any]]
) -> dict[str, Any]:
    """The best of several processes."""
    from tutorial_lib.rasters import read_array

    differ = (read_array(found[0]["map"]) != read_array(first[0]["map"])).mean()
    runner, form, precision = run
    numbers = ("s/Mpx", "CPU s/Mpx", "peak GB", "first map s")
    best = {name: min(one[name] for one in found) for name in numbers}
    return {
        "runner": runner,
        "file": form,
        "precision": precision,
        "time / TensorFlow's": best["s/Mpx"] / min(one["s/Mpx"] for one in first),
        **best,
        "other labels %": 100 * float(differ),
        "TensorFlow loaded": found[0]["TensorFlow loaded"],
    }


def export_network(folder: str, forms: list[str]) -> dict[str, str]:
    """Write the pixel-wise network as SavedModel and as ONNX, and return where."""
    import tutorial_lib as tl
    from parts.networks import fcnn

    network, names = fcnn(), {SAVED_MODEL: "network", ONNX: "network.onnx"}
    return {form: str(tl.export(network, Path(folder, names[form]))) for form in forms}


def measure_run(
    exported: str, raster: str, target: str, runner: str, precision: str
) -> dict[str, Any]:
    """Map a window, then the whole scene."""
    import sys
    import time

    import psutil
    from rasterio.windows import Window

    import tutorial_lib as tl
    from parts.timing import best, in_turns, peak_gigabytes
    from tutorial_lib.inference.writing import write_map

    side = min(1000, *tl.read_grid(raster).shape) - 15
    network = tl.load_predictor(exported, runner=runner)
    options = {"output": "estimated_labels", "precision": precision}
    first = tl.plan_inference(
        network, raster, window=Window(0, 0, side, side), **options
    )
    first.write(target, progress=False)
    start_up = time.time() - psutil.Process().create_time()
    plan = tl.plan_inference(network, raster, **options)
    # Without the comparison with float32, of which a large map notices little.
    made = {"dtype": plan.format.dtype, "cog": False, "compress": "deflate"}
    action = {"map": lambda: write_map(plan, target, progress=False, **made)}
    cost = best(in_turns(action, 3)["map"])
    megapixels = plan.grid.shape[0] * plan.grid.shape[1] / 1e6
    return {
        "s/Mpx": cost.wall / megapixels,
        "CPU s/Mpx": cost.cpu / megapixels,
        "peak GB": peak_gigabytes(),
        "first map s": start_up,
        "TensorFlow loaded": "tensorflow" in sys.modules,
    }


def goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """An empty list: this part has no goal."""
    return []
