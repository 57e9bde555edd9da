"""What each job of the command line does with its options, in calls of the library."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tutorial_lib as tl

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Inputs of each network, in the order of its argument `channels`.
ARCHITECTURES = {
    "deeper_unet": ("input_p", "input_xs"),
    "dual_source_fcnn": ("input_10m", "input_20m"),
    "pan_xs_unet": ("input_p", "input_xs"),
    "pixelwise_fcnn": ("input",),
    "pooled_cnn": ("input",),
}

DRAWING = ("strategy", "count", "nodata", "margin", "seed")

__all__ = ["ARCHITECTURES", "export", "map_scene", "patches", "train"]


def patches(options: Namespace) -> None:
    """Cut patches and say which files hold them, as `train` wants to hear it."""
    sources, sizes = _sources(options), _once(options, "size")
    cut = tl.extract_patches(
        sources,
        _positions(options),
        sizes=sizes,
        out_dir=options.out_dir,
        **_given(options, "prefix"),
    )
    print(cut)
    for name, path in cut.paths.items():
        print(f"{name}={path}")


def train(options: Namespace) -> None:
    """Train a network, keep its best epoch, and score it."""
    import keras

    if options.model.suffix != ".keras":
        options.refuse(f"--model: '{options.model}' does not end in .keras")
    legend = _legend(options)
    class_count = len(legend) if legend else options.class_count
    # Before the datasets: their order depends on this seed too.
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
    """Turn a `.keras` file into a SavedModel."""
    print(f"'{tl.export(options.model, options.directory)}' written")


def map_scene(options: Namespace) -> None:
    """Plan a map, print the plan, and write it."""
    chosen = _given(
        options, "mode", "expression_field", "scale_factor", "tile_size", "edge",
        "nodata_rule", "background",
    )  # fmt: skip
    if chosen.get("nodata_rule") == "none":
        chosen["nodata_rule"] = None
    if "window" in options:
        from rasterio.windows import Window

        row, col, height, width = options.window
        chosen["window"] = Window(col, row, width, height)
    plan = tl.plan_inference(
        options.model,
        _sources(options),
        output=options.output,
        legend=_legend(options),
        **chosen,
    )
    print(plan)
    chosen = _given(options, "dtype")
    print(plan.write(options.out, progress=sys.stderr.isatty(), **chosen))


# From options to arguments


def _given(options: Namespace, *names: str) -> dict[str, Any]:
    """The arguments that are on the command line; others keep their defaults."""
    return {name: getattr(options, name) for name in names if name in options}


def _gathered(options: Namespace, name: str) -> dict[str, list]:
    """All values of each name, for options `NAME=VALUE`."""
    gathered: dict[str, list] = {}
    for key, value in getattr(options, name, []):
        gathered.setdefault(key, []).append(value)
    return gathered


def _once(options: Namespace, name: str) -> dict[str, Any]:
    """The only value of each name."""
    gathered = _gathered(options, name)
    for key, values in gathered.items():
        if len(values) > 1:
            option = name.replace("_", "-")
            options.refuse(f"--{option}: '{key}' is given {len(values)} times")
    return {key: value for key, (value,) in gathered.items()}


def _sources(options: Namespace) -> "dict[str, tl.Source]":
    rasters = _gathered(options, "source")
    arguments = {
        "receptive_field": _once(options, "receptive_field"),
        "bands": _once(options, "bands"),
        "nodata": _once(options, "source_nodata"),
    }
    for argument, values in arguments.items():
        unknown = [name for name in values if name not in rasters]
        if unknown:
            options.refuse(
                f"{argument.replace('_', ' ')} given for '{unknown[0]}', which "
                f"is no --source; these are: {', '.join(rasters)}"
            )
    return {
        name: tl.Source(
            paths if len(paths) > 1 else paths[0],
            **{
                key: values[name] for key, values in arguments.items() if name in values
            },
        )
        for name, paths in rasters.items()
    }


def _positions(options: Namespace) -> "tl.Positions":
    if "labels" in options:
        if "field" in options:
            options.refuse("--field goes with --positions")
        return tl.select_positions(options.labels, **_given(options, *DRAWING))
    wrong = _given(options, *DRAWING)
    if wrong:
        options.refuse(f"--{next(iter(wrong))} goes with --labels")
    return tl.Positions.from_file(options.positions, **_given(options, "field"))


def _legend(options: Namespace) -> "tl.Legend | None":
    if "legend_from" not in options:
        return None
    legend = tl.read_legend(options.legend_from)
    if legend is None:
        raise ValueError(
            f"'{options.legend_from}' has no legend: names and colours of classes. "
            "Take another raster, or leave --legend-from out."
        )
    return legend


# Training


def _dataset(options: Namespace, name: str, class_count: int) -> "tf.data.Dataset":
    wanted = {*ARCHITECTURES[options.architecture], "labels"}
    paths = _gathered(options, name)
    if set(paths) != wanted:
        raise ValueError(
            f"The network '{options.architecture}' needs --{name} for "
            f"{', '.join(sorted(wanted))}. Received: {', '.join(paths)}."
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
    """The network for the bands of the patches, with its optimizer."""
    import keras

    if ("depth" in options) != (options.architecture == "deeper_unet"):
        options.refuse("--depth goes with deeper_unet, and it with --depth")
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
    """Refuse patches of another size or number of bands, before the training."""
    # Zeros: taking patches from the dataset would change their order in the training.
    specs, targets = dataset.element_spec
    inputs = {k: np.zeros((1, *v.shape[1:]), "float32") for k, v in specs.items()}
    shapes = {name: array.shape[1:] for name, array in inputs.items()}
    try:
        given = tuple(model(inputs, training=False)["estimated"].shape[1:3])
    # Any exception: Keras and TensorFlow have many for wrong shapes.
    except Exception as err:
        raise ValueError(
            f"The network cannot take the patches of {option}, {shapes}. Cut them in "
            "the sizes that it was made for, and with the same bands everywhere."
        ) from err
    wanted = tuple(targets["estimated"].shape[1:3])
    if given != wanted:
        raise ValueError(
            f"The network makes {given} px of the patches of {option}, {shapes}, and "
            f"their labels have {wanted}. Cut them in the sizes that it was made for."
        )


def _fit(
    model: "keras.Model",
    train: "tf.data.Dataset",
    valid: "tf.data.Dataset",
    options: Namespace,
) -> list[float]:
    """Train with the best epoch kept, also when interrupted; the validation losses."""
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
            message = f"'{options.model}' is the best epoch so far"
            raise KeyboardInterrupt(message) from err
        raise
    finally:
        kept = best.exists()
        if kept:
            best.replace(options.model)
    if not kept:
        raise ValueError(
            "No epoch has a validation loss that is a number, so that no model is "
            f"kept. Take a smaller --learning-rate than {options.learning_rate:g}."
        )
    return history.history["val_loss"]


def _callbacks(options: Namespace, best: Path) -> "list[keras.callbacks.Callback]":
    import keras

    # Without a threshold the first epoch is the best one even if its loss is NaN.
    keep_best = keras.callbacks.ModelCheckpoint(
        best, save_best_only=True, initial_value_threshold=np.inf
    )
    callbacks = [keep_best]
    if "patience" in options:
        callbacks.append(keras.callbacks.EarlyStopping(patience=options.patience))
    if "log_dir" in options:
        callbacks.append(keras.callbacks.TensorBoard(options.log_dir))
    return callbacks
