"""Actions of the command line: patches, train, export and map.

Each action turns its options into calls of the library.
"""

import inspect
import sys
from argparse import Namespace
from collections.abc import Iterable
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
    "scaled": "scaled",
    "source_nodata": "nodata",
}
# Options that go with --labels, and those that go with --positions.
DRAWING = ("strategy", "count", "nodata", "margin", "seed")
READING = ("field", "layer")

__all__ = ["ARCHITECTURES", "export", "map_scene", "patches", "train"]


def patches(options: Namespace) -> None:
    """Cut patches and print each file as NAME=PATH, ready for --train or --valid."""
    sources, sizes = _sources(options), _value_by_name(options, "size")
    _check_drawing(options)
    prefix = getattr(options, "prefix", "")
    # The library knows the sources; the raster of --labels is known here only.
    for name in (*sources, "labels"):
        _check_output(
            Path(options.out_dir, f"{prefix}{name}.tif"), _inputs(options, "source")
        )
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

    from tutorial_lib.training.best_epoch import fit_best_epoch

    _check_training(options)
    classes, names = _classes(options)
    # Set before the datasets are made, because their order depends on this seed too.
    keras.utils.set_random_seed(options.seed)
    batches = [_dataset(options, name, classes) for name in ("train", "valid")]
    model = _network(options, len(classes), batches[0])
    for name, dataset in zip(("train", "valid"), batches, strict=True):
        _check_patches(model, dataset, f"--{name}")
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


def export(options: Namespace) -> None:
    """Write the network of a `.keras` file as a SavedModel."""
    print(f"'{tl.export(options.model, options.directory)}' is written.")


def map_scene(options: Namespace) -> None:
    """Plan a map, print the plan, and write the map."""
    _check_output(options.path, [options.model, *_inputs(options, "source")])
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


def _check_drawing(options: Namespace) -> None:
    wrong, other = (
        (READING, "positions") if "labels" in options else (DRAWING, "labels")
    )
    for name in _given(options, *wrong):
        options.usage_error(f"{_flag(name)} goes with --{other}")


def _positions(options: Namespace) -> "tl.Positions":
    if "labels" in options:
        keywords = _given(options, *DRAWING, "classes")
        return tl.select_positions(options.labels, **keywords)
    keywords = _given(options, *READING, "classes")
    return tl.Positions.from_file(options.positions, **keywords)


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


# Files that are written


def _inputs(options: Namespace, *named: str) -> list[Path]:
    """The files that an action reads: those of options `NAME=PATH`, and single ones."""
    paths = [path for option in named for _, path in getattr(options, option)]
    single = _given(options, "labels", "positions", "legend_from")
    return paths + list(single.values())


def _check_output(path: str | Path, inputs: Iterable[Path]) -> None:
    """Raise an error if a file cannot be written, or if it is an input."""
    from tutorial_lib.rasters.files import check_destination, check_not_input

    check_not_input(check_destination(path), inputs)


# Training


def _check_training(options: Namespace) -> None:
    """Raise an error for paths that would fail after the training, or destroy it."""
    from tutorial_lib.rasters.files import check_folder

    model = Path(options.model)
    if model.suffix != ".keras":
        options.usage_error(f"--model: '{options.model}' does not end in .keras")
    _check_output(options.model, _inputs(options, "train", "valid"))
    if "log_dir" in options:
        logs = check_folder(options.log_dir)
        if logs.exists() and not logs.is_dir():
            raise NotADirectoryError(
                f"--log-dir: '{logs}' is a file, and not a folder. Give another folder."
            )
        if logs.absolute() == model.absolute():
            options.usage_error("--log-dir and --model are the same path")


def _classes(options: Namespace) -> tuple[tuple[int, ...], tuple[str, ...] | None]:
    """Class number of each channel of the network, and the names of the classes."""
    legend = _legend(options)
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
    unknown = [number for number in classes if number not in names]
    if unknown:
        raise ValueError(
            f"--classes: {unknown[0]} is not in the legend of '{options.legend_from}', "
            f"which has {', '.join(map(str, names))}. Leave it out, or leave "
            "--legend-from out."
        )
    return classes, tuple(names[number] for number in classes)


def _dataset(
    options: Namespace, name: str, classes: tuple[int, ...]
) -> "tf.data.Dataset":
    """The batches of --train or --valid; only those of --train are shuffled."""
    wanted = {*ARCHITECTURES[options.architecture], "labels"}
    paths = _values_by_name(options, name)
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


def _callbacks(options: Namespace) -> "list[keras.callbacks.Callback]":
    import keras

    callbacks = []
    if "patience" in options:
        callbacks.append(keras.callbacks.EarlyStopping(patience=options.patience))
    if "log_dir" in options:
        callbacks.append(keras.callbacks.TensorBoard(options.log_dir))
    return callbacks
