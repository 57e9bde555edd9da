"""Measure how much the metrics of each class slow down a training.

`python benchmarks/metrics_cost.py` trains the pixel-wise network three times: without
metrics, with three Keras metrics for each of six classes (as the tutorial does), and
with one confusion matrix. The three take turns epoch by epoch, so that other load on
the machine slows all of them. The result is the ratio of their times.
"""

import argparse
import time
from statistics import median

import numpy as np

import tutorial_lib as tl

NAMES = ("water", "meadow", "farm", "forest", "wetland", "town")


def compiled_network(kind: str) -> "keras.Model":
    """The compiled network with "no metric", "18 metrics" or "one matrix"."""
    metrics = {
        "no metric": list,
        "18 metrics": lambda: [
            make(class_id=number, name=f"{make.__name__.lower()}_{number}")
            for number in range(len(NAMES))
            for make in (
                keras.metrics.Precision,
                keras.metrics.Recall,
                tl.training.FScore,
            )
        ],
        "one matrix": lambda: [tl.training.ClassMetrics(NAMES, decision="both")],
    }
    model = tl.architectures.pixelwise_fcnn(len(NAMES))
    loss = {"estimated": "categorical_crossentropy"}
    model.compile("adam", loss, metrics={"estimated": metrics[kind]()})
    return model


def random_patches(count: int, batch_size: int) -> "tf.data.Dataset":
    """Batches of random patches; the time does not depend on their values."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 4000, (count, 16, 16, 4)).astype("float32")
    targets = np.eye(len(NAMES), dtype="float32")[rng.integers(0, 6, (count, 1, 1))]
    slices = ({"input": inputs}, {"estimated": targets})
    return tf.data.Dataset.from_tensor_slices(slices).batch(batch_size)


def measure_epoch(model: "keras.Model", dataset: "tf.data.Dataset") -> float:
    """Processor time of an epoch in seconds; other programs do not count."""
    started = time.process_time()
    model.fit(dataset, verbose=0)
    return time.process_time() - started


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default, text in (
        ("patches", 2000, "number of patches"),
        ("batch-size", 32, "patches in a batch"),
        ("epochs", 7, "epochs that are measured, after a first one"),
    ):
        text = f"{text} (default: {default})"
        parser.add_argument(f"--{name}", type=int, default=default, help=text)
    options = parser.parse_args()
    dataset = random_patches(options.patches, options.batch_size)
    models = {
        kind: compiled_network(kind)
        for kind in ("no metric", "18 metrics", "one matrix")
    }
    first = {kind: measure_epoch(model, dataset) for kind, model in models.items()}
    epochs = [
        {kind: measure_epoch(model, dataset) for kind, model in models.items()}
        for _ in range(options.epochs)
    ]
    print(f"{options.patches} patches, batches of {options.batch_size}, FCNN")
    print(f"{'':12}  {'time of an epoch':>22}  {'extra in first epoch':>24}")
    for kind in models:
        ratio = median(epoch[kind] / epoch["no metric"] for epoch in epochs)
        start = first[kind] - median(epoch[kind] for epoch in epochs)
        print(f"{kind:12}  {ratio:20.2f} x  {start:22.1f} s")


if __name__ == "__main__":
    # Imported after `tutorial_lib`, which turns TensorFlow's log lines off.
    import keras
    import tensorflow as tf

    main()
