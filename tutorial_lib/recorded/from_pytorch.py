"""A U-Net of PyTorch that is trained on the Havel, and exported as an ONNX file.

`python -m tutorial_lib.recorded.from_pytorch` trains it again. Notebook 09 maps with
the file, as if a colleague had sent it. The kit does not install PyTorch, so functions
import it when they need it.
"""

import copy
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.inference.planning import plan_inference
from tutorial_lib.patches.extraction import LABELS, Patches, extract_patches
from tutorial_lib.patches.positions import Positions
from tutorial_lib.patches.selection import select_positions
from tutorial_lib.patches.statistics import band_statistics
from tutorial_lib.rasters import PathLike, Source
from tutorial_lib.rasters.files import replacing_together
from tutorial_lib.recorded import FOLDER, recipes
from tutorial_lib.recorded.recordings import JITTER
from tutorial_lib.testing import scratch_folder
from tutorial_lib.training.baseline import maximum_likelihood

if TYPE_CHECKING:
    import torch

SCENE = Path("data/havel")
NAME = "unet_pytorch_havel"
NEEDED = ("torch", "onnxscript")
SIDE, COUNTS = 64, {"a": 200, "b": 60}
EPOCHS, BATCH, SEED = 10, 32, 0
NO_LABEL, CLASS_COUNT = 255, 6

__all__ = ["accuracies", "export", "main", "record", "train", "unet"]


def unet(
    mean: np.ndarray,
    std: np.ndarray,
    *,
    class_count: int = CLASS_COUNT,
    filters: int = 8,
) -> "torch.nn.Module":
    """Build a U-Net with two poolings, which standardises its input itself.

    Args:
        mean: Mean of each band in the training area.
        std: Standard deviation of each band.
        class_count: Number of classes.
        filters: Filters of the first convolutions; each pooling doubles them.

    Returns:
        A module. In training it gives a score for each class, and else
        probabilities (batch, class, row, col) and classes (batch, row, col).
    """
    import torch
    from torch import nn
    from torch.nn import functional

    def block(before: int, after: int) -> nn.Module:
        layers: list[nn.Module] = []
        for channels in (before, after):
            layers.append(nn.Conv2d(channels, after, 3, padding=1, bias=False))
            layers += [nn.BatchNorm2d(after), nn.ReLU()]
        return nn.Sequential(*layers)

    def joined(coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        size = fine.shape[-2:]
        enlarged = functional.interpolate(coarse, size=size, mode="bilinear")
        return torch.cat([enlarged, fine], 1)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, values in {"mean": mean, "std": std}.items():
                column = torch.tensor(values, dtype=torch.float32)[:, None, None]
                self.register_buffer(name, column)
            self.fine = block(len(mean), filters)
            self.middle = block(filters, 2 * filters)
            self.coarse = block(2 * filters, 4 * filters)
            self.up_middle = block(6 * filters, 2 * filters)
            self.up_fine = block(3 * filters, filters)
            self.last = nn.Conv2d(filters, class_count, 1)

        def forward(self, image: torch.Tensor) -> torch.Tensor | tuple:
            fine = self.fine((image - self.mean) / self.std)
            middle = self.middle(functional.max_pool2d(fine, 2))
            coarse = self.coarse(functional.max_pool2d(middle, 2))
            middle = self.up_middle(joined(coarse, middle))
            scores = self.last(self.up_fine(joined(middle, fine)))
            if self.training:
                return scores
            return torch.softmax(scores, 1), scores.argmax(1)

    return UNet().to(memory_format=torch.channels_last)


def train(
    network: "torch.nn.Module",
    patches: Mapping[str, Patches],
    *,
    epochs: int = EPOCHS,
    seed: int = SEED,
) -> "torch.nn.Module":
    """Train a network on patches of area "a", and keep its best epoch on area "b".

    Args:
        network: The module, as `unet` builds it.
        patches: Patches of both areas, with the class of each pixel as "truth".
        epochs: Number of epochs.
        seed: Seed of the order of the patches, and of their changes.

    Returns:
        The network with the weights of the best epoch, in the mode for its use.
    """
    import torch

    rng, best, kept = np.random.default_rng(seed), np.inf, network.state_dict()
    adam = torch.optim.Adam(network.parameters(), 3e-3)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs)
    for epoch in range(epochs):
        network.train()
        for images, labels in _batches(patches["a"], rng):
            adam.zero_grad()
            _loss(network(images), labels).backward()
            adam.step()
        rates.step()
        loss = _validation_loss(network, patches["b"])
        print(f"epoch {epoch + 1}: validation loss {loss:.3f}", flush=True)
        if loss < best:
            best, kept = loss, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return network.eval()


def _loss(scores: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
    """Cross-entropy of the labelled pixels, with the same weight for each class."""
    import torch
    from torch.nn.functional import cross_entropy

    count = torch.bincount(labels[labels != NO_LABEL], minlength=scores.shape[1])
    weight = 1 / count.clamp(min=1)
    return cross_entropy(scores, labels, weight, ignore_index=NO_LABEL)


def _validation_loss(network: "torch.nn.Module", patches: Patches) -> float:
    """Mean of the negative logarithm of the labels' probability, class by class."""
    import torch

    network.eval()
    sums, counts = np.zeros(CLASS_COUNT), np.zeros(CLASS_COUNT)
    with torch.no_grad():
        for images, labels in _batches(patches):
            probabilities, _ = network(images)
            for number in range(CLASS_COUNT):
                of_class = probabilities[:, number][labels == number]
                # 1e-7, as in the loss of Keras: one pixel cannot decide.
                sums[number] -= float(of_class.clamp(min=1e-7).log().sum())
                counts[number] += len(of_class)
    return float((sums / counts).mean())


def _batches(
    patches: Patches, rng: np.random.Generator | None = None
) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
    """Images (n, band, row, col) and classes (n, row, col); `rng` changes them."""
    import torch

    images, labels = patches.arrays["input"], patches.arrays["truth"][..., 0]
    order = np.arange(len(images)) if rng is None else rng.permutation(len(images))
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        image, label = images[chosen].astype("float32"), labels[chosen].astype("int64")
        if rng is not None:
            image, label = _changed(image, label, rng)
        # Bands stay last in memory, which is faster here.
        pixels = torch.from_numpy(np.ascontiguousarray(image, "float32"))
        classes = torch.from_numpy(np.ascontiguousarray(label))
        yield pixels.permute(0, 3, 1, 2), classes


def _changed(
    image: np.ndarray, label: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A batch that is turned and mirrored, with another sun and other air."""
    turns, step = rng.integers(4), rng.choice([1, -1])
    image, label = (np.rot90(x, turns, (1, 2))[:, ::step] for x in (image, label))
    size, gain = (len(image), 1, 1, image.shape[-1]), JITTER["gain"]
    image = image * rng.uniform(1 - gain, 1 + gain, size)
    return image + rng.uniform(-JITTER["offset"], JITTER["offset"], size), label


def export(network: "torch.nn.Module", path: PathLike) -> None:
    """Write a network as one ONNX file, for images of any number, height and width.

    Args:
        network: The module, as `train` returns it.
        path: The file to write.
    """
    import onnx
    import torch

    example = torch.zeros(2, len(network.mean), SIDE, SIDE)
    torch.onnx.export(
        network.eval(),
        (example,),
        path,
        input_names=["image"],
        output_names=["probabilities", "classes"],
        dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}},
        external_data=False,
    )
    model = onnx.load(path)
    # The exporter writes the lines of code behind each node, with the paths of this
    # computer.
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        part.ClearField("metadata_props")
    onnx.save(model, path)


def accuracies(path: PathLike, folder: PathLike) -> dict[str, float]:
    """Accuracy of a file on the positions of area C, beside that of the baseline.

    Args:
        path: ONNX file with the output "classes".
        folder: Folder for the patches of the baseline.

    Returns:
        Shares of right classes; there are as many positions of each class.
    """
    patches = recipes.cut_patches(SCENE, folder)
    positions = _positions("c", recipes.COUNTS["c"], recipes.MARGIN)
    plan = plan_inference(path, SCENE / "s2_10m.tif", output="classes", edge="pad")
    columns, rows = ~plan.grid.transform @ (positions.x, positions.y)
    labels = patches["c"].arrays[LABELS].ravel()
    estimated = {
        "network": plan.read()[rows.astype(int), columns.astype(int)].ravel(),
        "maximum likelihood": maximum_likelihood(patches["a"], patches["c"]),
    }
    return {way: float(np.mean(labels == x)) for way, x in estimated.items()}


def record() -> None:
    """Train the network, record its file, and print its accuracy on area C."""
    import torch

    torch.manual_seed(SEED)
    patches = {area: _cut(area) for area in COUNTS}
    statistics = band_statistics(patches["a"])["input"]
    network = train(unet(statistics.mean, statistics.std), patches)
    path = FOLDER / f"{NAME}.onnx"
    with replacing_together([path]) as [part]:
        export(network, part)
    for way, accuracy in accuracies(path, scratch_folder()).items():
        print(f"accuracy on area C, {way}: {accuracy:.3f}")


def main() -> int:
    """Record the network; return 1 if PyTorch is not installed."""
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        print(
            f"This training needs {' and '.join(missing)}, which the kit does not "
            f"install. Run `pip install {' '.join(missing)}` in the kit's environment.",
            file=sys.stderr,
        )
        return 1
    record()
    return 0


def _cut(area: str) -> Patches:
    """Patches of the image and of all labels around positions of an area."""
    positions = _positions(area, COUNTS[area], SIDE // 2)
    # 255, no label, is a value of the patches like the others. 254 does not occur.
    truth = Source(SCENE / f"terrain_truth_{area}.tif", nodata=254)
    sources = {"input": SCENE / "s2_10m.tif", "truth": truth}
    return extract_patches(sources, positions, sizes=dict.fromkeys(sources, SIDE))


def _positions(area: str, count: int, margin: int) -> Positions:
    return select_positions(
        SCENE / f"terrain_truth_{area}.tif",
        count=count,
        margin=margin,
        most_per_polygon=recipes.MOST_PER_POLYGON,
    )


if __name__ == "__main__":
    sys.exit(main())
