"""The main job from end to end, without a notebook: `make demo`.

Real pixels in, a georeferenced land-cover map out: positions, patches, a dataset, the
pixel-wise network, its best epoch, the map, and a figure of it beside the image.
"""

import argparse
import time
from pathlib import Path

from tutorial_lib.rasters import Legend, Source, read_legend
from tutorial_lib.recorded import recipes

EPOCHS = 14

__all__ = ["main", "map_scene", "train"]


def train(scene: Path, folder: Path, legend: Legend) -> Path:
    """Train the pixel-wise network on a scene; say how good it is.

    Args:
        scene: Folder of the Havel scene, as `data_fetch` makes it.
        folder: Where patches and model go.
        legend: The classes.

    Returns:
        The best epoch, a `.keras` file.
    """
    import keras

    from tutorial_lib.training import evaluate_classes

    patches = recipes.cut_patches(scene, folder)
    for area, cut in patches.items():
        print(f"area {area}: {cut}")
    train, valid = recipes.datasets(patches, class_count=len(legend))
    best = folder / "fcnn.keras"
    recipes.train_fcnn(
        train, valid, best, class_count=len(legend), epochs=EPOCHS, verbose=2
    )
    scores = evaluate_classes(keras.models.load_model(best), valid, names=legend.names)
    print(f"area b, which the network has not seen:\n{scores}")
    return best


def map_scene(image: Path, model: Path, path: Path, legend: Legend) -> None:
    """Map an image with the pixel-wise network, and draw both side by side.

    Args:
        image: Raster with the four 10 m bands.
        model: `.keras` file of the network.
        path: The map, a GeoTIFF; the figure goes beside it, as PNG.
        legend: The classes.
    """
    from tutorial_lib.inference.planning import plan_inference
    from tutorial_lib.viewers.show import show

    source = Source(image, receptive_field=recipes.SIZES["input"])
    plan = plan_inference(model, source, output="estimated_labels", legend=legend)
    print(plan)
    print(plan.write(path, progress=False))
    figure = show(image, path, titles=("Sentinel-2", "Land cover, by the network"))
    figure.savefig(path.with_suffix(".png"))
    print(f"'{path.with_suffix('.png')}' drawn")


def main() -> None:
    """Run the demonstration; `--help` says with which folders."""
    parser = argparse.ArgumentParser(
        prog="python -m tutorial_lib.commands.demo",
        description="Train the pixel-wise network on the Havel scene and map it.",
    )
    parser.add_argument("--scene", type=Path, default=Path("data/havel"))
    parser.add_argument("--out", type=Path, default=Path("data/demo"))
    options = parser.parse_args()
    started = time.perf_counter()
    legend = read_legend(options.scene / "terrain_truth_a.tif")
    model = train(options.scene, options.out, legend)
    image = options.scene / "s2_10m_nodata.tif"
    map_scene(image, model, options.out / "map.tif", legend)
    print(f"{time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
