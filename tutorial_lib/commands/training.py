"""The action `train` of the command line."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import tutorial_lib as tl
from tutorial_lib.commands.given import (
    check_output,
    given,
    inputs_of,
    legend_of,
    values_by_name,
)
from tutorial_lib.notices import error_line, warn

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Inputs of each network, in the order of its argument `channels`. Written here, because
# building the networks to ask them needs TensorFlow, and `--help` must be quick.
ARCHITECTURES = {
    "deeper_unet": ("input_p", "input_xs"),
    "dual_source_fcnn": ("input_10m", "input_20m"),
    "pan_xs_unet": ("input_p", "input_xs"),
    "pixelwise_fcnn": ("input",),
    "pooled_cnn": ("input",),
}

__all__ = ["ARCHITECTURES", "train"]


def train(options: Namespace) -> None:
    """Train a network, keep its best epoch, and print its scores by class."""
    import keras

    from tutorial_lib.training.best_epoch import fit_best_epoch

    _check_training(options)
    classes, names = _classes(options)
    # Set before the datasets are made, because their order depends on this seed too.
    keras.utils.set_random_seed(options.seed)
    batches = [_dataset(options, name, classes) for name in ("train", "valid")]
    model = _network(options, len(classes), batches[0])
    for name, dataset in zip(("train", "valid"), batches, strict=True):
        _check_patches(model, dataset, f"--{name}")
    with _log_errors_named(options):
        losses = fit_best_epoch(
            model,
            batches,
            options.model,
            epochs=options.epochs,
            callbacks=_callbacks(options),
            verbose=2,
        ).history["val_loss"]
    best = keras.models.load_model(options.model, compile=False)
    epoch = int(np.nanargmin(losses))
    print(
        f"'{options.model}' is epoch {epoch + 1} of {len(losses)}, with the smallest "
        f"validation loss, {losses[epoch]:.4f}"
    )
    print(tl.training.evaluate_classes(best, batches[1], names=names))


def _check_training(options: Namespace) -> None:
    """Raise an error for paths that would fail after the training, or destroy it."""
    from tutorial_lib.rasters.destinations import check_folder

    model = Path(options.model)
    if model.suffix != ".keras":
        options.usage_error(f"--model: '{options.model}' does not end in .keras")
    check_output(options.model, inputs_of(options, "train", "valid"))
    if "log_dir" in options:
        logs, file = check_folder(options.log_dir).resolve(), model.resolve()
        if logs == file:
            options.usage_error("--log-dir and --model are the same path")
        if file in logs.parents:
            options.usage_error("--log-dir lies within --model, which will be a file")


def _classes(options: Namespace) -> tuple[tuple[int, ...], tuple[str, ...] | None]:
    """Class number of each channel of the network, and the names of the classes."""
    legend = legend_of(options)
    if "class_count" in options:
        if "classes" in options or legend:
            options.usage_error(
                "--class-count does not go with --classes or --legend-from"
            )
        return tuple(range(options.class_count)), None
    if "classes" not in options and legend is None:
        options.usage_error(
            "one of --class-count, --classes and --legend-from is required"
        )
    classes = options.classes if "classes" in options else legend.classes
    if legend is None:
        return classes, tuple(map(str, classes))
    names = dict(zip(legend.classes, legend.names, strict=True))
    return classes, tuple(names[number] for number in classes)


def _dataset(
    options: Namespace, name: str, classes: tuple[int, ...]
) -> "tf.data.Dataset":
    """The batches of --train or --valid; only those of --train are shuffled."""
    wanted = {*ARCHITECTURES[options.architecture], "labels"}
    paths = values_by_name(options, name)
    if set(paths) != wanted:
        raise ValueError(
            f"--{name} has {', '.join(paths)}, but the network "
            f"'{options.architecture}' needs {', '.join(sorted(wanted))}. Give "
            f"--{name} NAME=PATH for each of these names, and for no others."
        )
    numbers = {} if classes == tuple(range(len(classes))) else {"classes": classes}
    return tl.patch_dataset(
        paths,
        class_count=len(classes),
        **numbers,
        shuffle=name == "train",
        seed=options.seed,
        **given(options, "batch_size"),
    )


def _network(
    options: Namespace, class_count: int, dataset: "tf.data.Dataset"
) -> "keras.Model":
    """The compiled network, with inputs for the bands of the patches."""
    import keras

    if ("depth" in options) != (options.architecture == "deeper_unet"):
        options.usage_error("--depth and --architecture deeper_unet go together")
    specs, _ = dataset.element_spec
    channels = [specs[name].shape[-1] for name in ARCHITECTURES[options.architecture]]
    model = getattr(tl.architectures, options.architecture)(
        class_count,
        channels=channels if len(channels) > 1 else channels[0],
        **given(options, "depth", "scale"),
        statistics=_statistics(options),
    )
    model.compile(
        optimizer=keras.optimizers.Adam(options.learning_rate),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    return model


def _statistics(options: Namespace) -> "dict[str, tl.BandStatistics] | None":
    """The statistics of the training patches for --standardise, otherwise None."""
    if not getattr(options, "standardise", False):
        return None
    paths = values_by_name(options, "train")
    return tl.band_statistics(
        {
            name: np.concatenate([tl.read_patches(path) for path in paths[name]])
            for name in ARCHITECTURES[options.architecture]
        }
    )


def _check_patches(
    model: "keras.Model", dataset: "tf.data.Dataset", option: str
) -> None:
    """Raise ValueError unless the network takes the patches and fits their labels."""
    import keras

    # Only shapes: reading a batch would change the order of the patches in the
    # training, and oneDNN gives results of a wrong shape for too small patches.
    specs, targets = dataset.element_spec
    shapes = {name: tuple(spec.shape[1:]) for name, spec in specs.items()}
    inputs = {name: keras.KerasTensor((1, *shape)) for name, shape in shapes.items()}
    try:
        made = tuple(model(inputs, training=False)["estimated"].shape[1:3])
    # Keras and TensorFlow raise exceptions of many types for wrong shapes.
    except Exception as err:
        raise ValueError(
            f"The network does not take the patches of {option}, {shapes}. Cut them "
            "with the sizes that it needs, and with the same bands in both areas."
        ) from err
    expected = tuple(targets["estimated"].shape[1:3])
    if made != expected:
        raise ValueError(
            f"The network turns the patches of {option}, {shapes}, into {made} px, but "
            f"their labels have {expected} px. Cut them with the sizes that it needs."
        )


def _callbacks(options: Namespace) -> "list[keras.callbacks.Callback]":
    import keras

    callbacks = []
    if "patience" in options:
        callbacks.append(keras.callbacks.EarlyStopping(patience=options.patience))
    if "log_dir" in options:
        callbacks.append(keras.callbacks.TensorBoard(options.log_dir))
    return callbacks


@contextmanager
def _log_errors_named(options: Namespace) -> Iterator[None]:
    """Say what happened to the logs: TensorFlow's errors are long, or do not come."""
    import tensorflow as tf

    from tutorial_lib.rasters.write_errors import is_full, not_written

    folder = getattr(options, "log_dir", None)
    try:
        yield
    except tf.errors.OpError as err:
        if folder is None or str(folder) not in str(err):
            raise
        raise not_written(folder, OSError(error_line(err))) from err
    if folder is not None and is_full(folder):
        warn(
            f"The disk of '{folder}' is full, so epochs may be missing in the logs. "
            "Free some space, or give another --log-dir."
        )
