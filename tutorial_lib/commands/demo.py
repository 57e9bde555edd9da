"""The demonstration, without a notebook: `make demo`.

It makes a georeferenced land-cover map from a real image. The steps are positions,
patches, a dataset, the pixel-wise network, its best epoch, the map, and a figure of
image and map side by side.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tutorial_lib.commands.signals import ended_like_ctrl_c, exit_code
from tutorial_lib.patches.statistics import band_statistics
from tutorial_lib.rasters import Legend, Source, read_legend
from tutorial_lib.rasters.destinations import check_folder
from tutorial_lib.recorded import recipes
from tutorial_lib.recorded.recordings import JITTER

# The demonstration takes about a minute with this number of epochs.
EPOCHS = 14

__all__ = ["main", "map_scene", "train"]


def train(scene: Path, folder: Path, legend: Legend) -> Path:
    """Train the pixel-wise network on a scene, and print its scores by class.

    Args:
        scene: Folder of the Havel scene, made by `python -m data_fetch sample`.
        folder: Folder for the patches and the model.
        legend: Names and colours of the classes.

    Returns:
        Path of the `.keras` file with the best epoch.
    """
    import keras

    from tutorial_lib.networks.architectures import pixelwise_fcnn
    from tutorial_lib.patches.augmentation import augment
    from tutorial_lib.training import evaluate_classes

    patches = recipes.cut_patches(scene, folder)
    for area, cut in patches.items():
        print(f"area {area}: {cut}")
    train, valid, test = recipes.datasets(patches, class_count=len(legend))
    network = partial(pixelwise_fcnn, statistics=band_statistics(patches["a"]))
    best = folder / "fcnn.keras"
    recipes.train(
        network,
        (augment(train, **JITTER), valid),
        best,
        class_count=len(legend),
        epochs=EPOCHS,
        verbose=2,
    )
    scores = evaluate_classes(keras.models.load_model(best), test, names=legend.names)
    print(f"Scores in area c, which chose neither weights nor epoch:\n{scores}")
    return best


def map_scene(image: Path, model: Path, path: Path, legend: Legend) -> None:
    """Map an image with the pixel-wise network, and draw image and map side by side.

    Args:
        image: Raster with the four 10 m bands.
        model: `.keras` file of the network.
        path: Path of the map, a GeoTIFF. The figure has the same name and ends in .png.
        legend: Names and colours of the classes.
    """
    from tutorial_lib.inference.planning import plan_inference
    from tutorial_lib.viewers.show import show

    source = Source(image, receptive_field=recipes.SIZES["input"])
    plan = plan_inference(model, source, output="estimated_labels", legend=legend)
    print(plan)
    print(plan.write(path, progress=False))
    figure = show(image, path, titles=("Sentinel-2", "Land cover by the network"))
    figure.savefig(path.with_suffix(".png"))
    print(f"The figure is in '{path.with_suffix('.png')}'.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration with the folders of the command line.

    Args:
        arguments: The words of the command line; None takes those of the program.

    Returns:
        The exit code, as of `tutorial-lib`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tutorial_lib.commands.demo",
        description="Train the pixel-wise network on the Havel scene and map it.",
    )
    parser.add_argument(
        "--scene",
        type=Path,
        default=Path("data/havel"),
        help="folder of the Havel scene (default: data/havel)",
    )
    parser.add_argument(
        "--out",
        default="data/demo",
        help="folder for patches, network, map and figure (default: data/demo)",
    )
    options = parser.parse_args(arguments)
    try:
        with ended_like_ctrl_c():
            _run(options.scene, check_folder(options.out))
    except (OSError, ValueError) as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print("demo: interrupted", file=sys.stderr)
        return exit_code(interrupt)
    return 0


def _run(scene: Path, folder: Path) -> None:
    started = time.perf_counter()
    labels = scene / "terrain_truth_a.tif"
    if not labels.exists():
        raise FileNotFoundError(
            f"'{scene}' is not the folder of the Havel scene. Run `python -m "
            "data_fetch sample`, or give the folder with --scene."
        )
    legend = read_legend(labels)
    model = train(scene, folder, legend)
    map_scene(scene / "s2_10m_nodata.tif", model, folder / "map.tif", legend)
    print(f"The demonstration took {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
