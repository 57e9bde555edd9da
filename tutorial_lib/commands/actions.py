"""Actions of the command line: patches, train, export and map.

Each action turns its options into calls of the library.
"""

import inspect
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tutorial_lib as tl

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

# Options `NAME=VALUE` of a source, and the argument of `Source` that each one sets.
SOURCE_OPTIONS = {
    "bands": "bands",
    "receptive_field": "receptive_field",
    "source_nodata": "nodata",
}
# Options that go with --labels.
DRAWING = ("strategy", "count", "nodata", "margin", "seed")

__all__ = ["ARCHITECTURES", "export", "map_scene", "patches", "train"]


def patches(options: Namespace) -> None:
    """Cut patches and print each file as NAME=PATH, ready for --train or --valid."""
    sources, sizes = _sources(options), _value_by_name(options, "size")
    result = tl.extract_patches(
        sources,
        _positions(options),
        sizes=sizes,
        out_dir=options.out_dir,
        **_given(options, "prefix"),
    )
    print(result)
    for name, path in result.paths.items():
        print(f"{name}={path}")


def train(options: Namespace) -> None:
    """Train a network, keep its best epoch, and print its scores by class."""
    import keras

    if options.model.suffix != ".keras":
        options.usage_error(f"--model: '{options.model}' does not end in .keras")
    legend = _legend(options)
    class_count = len(legend) if legend else options.class_count
    # Set before the datasets are made, because their order depends on this seed too.
    keras.utils.set_random_seed(options.seed)
    batches = [_dataset(options, name, class_count) for name in ("train", "valid")]
    model = _network(options, class_count, batches[0])
    for name, dataset in zip(("train", "valid"), batches, strict=True):
        _check_patches(model, dataset, f"--{name}")
    losses = _fit(model, *batches, options)
    best = keras.models.load_model(options.model, compile=False)
    epoch = int(np.nanargmin(losses))
    print(
        f"'{options.model}' is epoch {epoch + 1} of {len(losses)}, with the smallest "
        f"validation loss, {losses[epoch]:.4f}"
    )
    names = legend.names if legend else None
    print(tl.training.evaluate_classes(best, batches[1], names=names))


def export(options: Namespace) -> None:
    """Write the network of a `.keras` file as a SavedModel."""
    print(f"'{tl.export(options.model, options.directory)}' is written.")


def map_scene(options: Namespace) -> None:
    """Plan a map, print the plan, and write the map."""
    keywords = inspect.signature(tl.plan_inference).parameters
    arguments = _given(options, *keywords) | {
        "sources": _sources(options),
        "legend": _legend(options),
    }
    if arguments.get("nodata_rule") == "none":
        arguments["nodata_rule"] = None
    if "window" in options:
        from rasterio.windows import Window

        row, col, height, width = options.window
        arguments["window"] = Window(col, row, width, height)
    plan = tl.plan_inference(**arguments)
    print(plan)
    # A log file of a batch job would be filled with progress lines.
    progress = sys.stderr.isatty()
    print(plan.write(options.path, progress=progress, **_given(options, "dtype")))


# Arguments of the library's functions, from options


def _given(options: Namespace, *names: str) -> dict[str, Any]:
    """The options that are on the command line, by name; others keep their defaults."""
    return {name: getattr(options, name) for name in names if name in options}


def _values_by_name(options: Namespace, option: str) -> dict[str, list]:
    """The values of an option `NAME=VALUE`, as a list for each name."""
    values: dict[str, list] = {}
    for name, value in getattr(options, option, []):
        values.setdefault(name, []).append(value)
    return values


def _value_by_name(options: Namespace, option: str) -> dict[str, Any]:
    """The value of an option `NAME=VALUE` for each name; a name may be given once."""
    values = _values_by_name(options, option)
    for name, given in values.items():
        if len(given) > 1:
            options.usage_error(
                f"{_flag(option)}: '{name}' is given {len(given)} times"
            )
    return {name: value for name, (value,) in values.items()}


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _sources(options: Namespace) -> "dict[str, tl.Source]":
    rasters = _values_by_name(options, "source")
    arguments: dict[str, dict[str, Any]] = {name: {} for name in rasters}
    for option, argument in SOURCE_OPTIONS.items():
        for name, value in _value_by_name(options, option).items():
            if name not in rasters:
                options.usage_error(
                    f"{_flag(option)}: there is no source '{name}'. The sources are "
                    f"{', '.join(rasters)}"
                )
            arguments[name][argument] = value
    return {
        name: tl.Source(paths if len(paths) > 1 else paths[0], **arguments[name])
        for name, paths in rasters.items()
    }


def _positions(options: Namespace) -> "tl.Positions":
    if "labels" in options:
        if "field" in options:
            options.usage_error("--field goes with --positions")
        return tl.select_positions(options.labels, **_given(options, *DRAWING))
    wrong = _given(options, *DRAWING)
    if wrong:
        options.usage_error(f"{_flag(next(iter(wrong)))} goes with --labels")
    return tl.Positions.from_file(options.positions, **_given(options, "field"))


def _legend(options: Namespace) -> "tl.Legend | None":
    if "legend_from" not in options:
        return None
    legend = tl.read_legend(options.legend_from)
    if legend is None:
        raise ValueError(
            f"'{options.legend_from}' has no legend (names and colours of classes). "
            "Give another raster, or leave --legend-from out."
        )
    return legend


# Training


def _dataset(options: Namespace, name: str, class_count: int) -> "tf.data.Dataset":
    """The batches of --train or --valid; only those of --train are shuffled."""
    wanted = {*ARCHITECTURES[options.architecture], "labels"}
    paths = _values_by_name(options, name)
    if set(paths) != wanted:
        raise ValueError(
            f"--{name} has {', '.join(paths)}, but the network "
            f"'{options.architecture}' needs {', '.join(sorted(wanted))}. Give "
            f"--{name} NAME=PATH for each of these names, and for no others."
        )
    return tl.patch_dataset(
        paths,
        class_count=class_count,
        shuffle=name == "train",
        seed=options.seed,
        **_given(options, "batch_size"),
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
        **_given(options, "depth"),
    )
    model.compile(
        optimizer=keras.optimizers.Adam(options.learning_rate),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
    )
    return model


def _check_patches(
    model: "keras.Model", dataset: "tf.data.Dataset", option: str
) -> None:
    """Raise ValueError unless the network takes the patches and fits their labels."""
    # The check runs on zeros, because reading a batch would change the order of the
    # patches in the training.
    specs, targets = dataset.element_spec
    inputs = {k: np.zeros((1, *v.shape[1:]), "float32") for k, v in specs.items()}
    shapes = {name: array.shape[1:] for name, array in inputs.items()}
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


def _fit(
    model: "keras.Model",
    train: "tf.data.Dataset",
    valid: "tf.data.Dataset",
    options: Namespace,
) -> list[float]:
    """Train, keep the best epoch, and return the validation losses.

    An interrupted training keeps its best epoch too.
    """
    options.model.parent.mkdir(parents=True, exist_ok=True)
    best = options.model.with_name(f".part-{options.model.name}")
    best.unlink(missing_ok=True)
    try:
        history = model.fit(
            train,
            validation_data=valid,
            epochs=options.epochs,
            verbose=2,
            callbacks=_callbacks(options, best),
        )
    except KeyboardInterrupt as err:
        if best.exists():
            message = f"'{options.model}' is the best epoch until now"
            raise KeyboardInterrupt(message) from err
        raise
    finally:
        kept = best.exists()
        if kept:
            best.replace(options.model)
    if not kept:
        raise ValueError(
            "The validation loss is not a number in any epoch, so no model is written. "
            f"Use a smaller --learning-rate than {options.learning_rate:g}."
        )
    return history.history["val_loss"]


def _callbacks(options: Namespace, best: Path) -> "list[keras.callbacks.Callback]":
    import keras

    # Without this threshold, Keras keeps the first epoch even if its loss is NaN.
    keep_best = keras.callbacks.ModelCheckpoint(
        best, save_best_only=True, initial_value_threshold=np.inf
    )
    callbacks = [keep_best]
    if "patience" in options:
        callbacks.append(keras.callbacks.EarlyStopping(patience=options.patience))
    if "log_dir" in options:
        callbacks.append(keras.callbacks.TensorBoard(options.log_dir))
    return callbacks
