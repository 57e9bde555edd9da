"""Networks that hold their own scaling and crops, trained and served as one.

A network is a `PatchModel`: it says how inputs are scaled and what the outputs are, and
`build` makes a Keras model of it. Every output exists also cropped, under the name
`<output>_crop<N>`: N pixels less on each side, without what the borders of a chunk
have reached. What is trained is saved as a `.keras` file and, with `export`, as a
SavedModel folder that needs neither Keras nor this library.
"""

import json
import os
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras

from tutorial_lib.rasters import PathLike

PACKAGE = "tutorial_lib"
# What TensorFlow and Keras put into a SavedModel folder.
SAVED_MODEL_PARTS = {
    "assets",
    "assets.extra",
    "fingerprint.pb",
    "keras_metadata.pb",
    "saved_model.pb",
    "variables",
}

__all__ = [
    "PatchModel",
    "TargetModel",
    "export",
    "labels_of",
    "named_tensors",
    "read_model",
]


@keras.saving.register_keras_serializable(package=PACKAGE)
class TargetModel(keras.Model):
    """A Keras model whose loss and metrics look only at outputs that have a target.

    A plain model raises KeyError in Keras 3.14 and later when losses or metrics are
    given by name and some outputs have none (crops, labels, features).
    """

    def fit(self, x: Any = None, y: Any = None, **options: Any) -> Any:
        """Train; see `keras.Model.fit`."""
        # Keras warns, in each call, that a dataset shuffles itself unless told so.
        options.setdefault("shuffle", y is not None)
        return super().fit(x, y, **options)

    def get_config(self) -> dict[str, Any]:
        """The layers, such that each Keras that the kit supports can read them."""
        return _readable_by_older(super().get_config())

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """The loss of the outputs that `y` names."""
        return super().compute_loss(x, y, _with_target(y_pred, y), *args, **kwargs)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """The metrics of the outputs that `y` names."""
        return super().compute_metrics(x, y, _with_target(y_pred, y), sample_weight)


def _readable_by_older(config: Any) -> Any:
    """A saved structure without what initializers leave to their defaults.

    The newest saves options of initializers that 3.12 does not know, also unset ones.
    """
    if isinstance(config, list | tuple):
        return type(config)(map(_readable_by_older, config))
    if not isinstance(config, dict):
        return config
    if config.get("module") == "keras.initializers":
        options = {k: v for k, v in config["config"].items() if v is not None}
        return config | {"config": options}
    return {name: _readable_by_older(value) for name, value in config.items()}


def _with_target(outputs: Any, targets: Any) -> Any:
    if isinstance(outputs, Mapping) and isinstance(targets, Mapping):
        unknown = [name for name in targets if name not in outputs]
        if unknown:
            raise ValueError(
                f"The dataset has a target '{unknown[0]}' and the model no such output."
                f" It has: {', '.join(sorted(outputs))}. Give the `target` of the "
                "dataset one of these names."
            )
        return {name: outputs[name] for name in targets}
    return outputs


class PatchModel(ABC):
    """A network for patches of any size, with its scaling and crops inside.

    Subclasses say what the `network` is; `normalize` may be replaced too.

    Attributes:
        crops: Pixels removed from each side in the outputs `<output>_crop<N>`.
        scale: Factor that `normalize` applies to pixel values.

    Example:
        >>> class Slope(PatchModel):
        ...     def network(self, inputs):
        ...         layer = keras.layers.Conv2D(3, 5, activation="softmax")
        ...         return {"estimated": layer(inputs["input"])}
        >>> model = Slope(crops=(2,)).build({"input": 4})
        >>> sorted(model.output), model.output["estimated"].shape
        (['estimated', 'estimated_crop2'], (None, None, None, 3))
    """

    scale: ClassVar[float] = 1e-4

    def __init__(self, crops: Sequence[int] = (16, 32, 64, 96, 128)) -> None:
        self.crops = tuple(crops)

    def normalize(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Scale the inputs; by default every value times `scale`, as float32.

        Args:
            inputs: {input name: (batch, height, width, channel)} pixel values.

        Returns:
            The same names with scaled values.
        """
        return {
            name: keras.layers.Rescaling(self.scale, name=f"{name}_scaled")(value)
            for name, value in inputs.items()
        }

    @abstractmethod
    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The network itself.

        Args:
            inputs: {input name: (batch, height, width, channel)} scaled values.

        Returns:
            {output name: (batch, height, width, channel)}; "estimated" is the one that
            is trained.
        """

    def postprocess(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """More outputs made from the network's; by default their crops.

        Args:
            outputs: What `network` returned.

        Returns:
            {output name: tensor} to add.
        """
        return {
            f"{name}_crop{crop}": cropped(value, crop)
            for name, value in outputs.items()
            for crop in self.crops
        }

    def build(self, channels: Mapping[str, int]) -> keras.Model:
        """Make a Keras model of inputs of any height and width.

        Args:
            channels: {input name: number of channels}.

        Returns:
            Model from {input name: (batch, height, width, channel)} to {output name:
            (batch, height, width, channel)}; compile it with a loss for "estimated".
        """
        inputs = {
            name: keras.Input((None, None, count), name=name)
            for name, count in channels.items()
        }
        outputs = self.network(self.normalize(inputs))
        outputs = dict(outputs) | self.postprocess(outputs)
        return TargetModel(inputs, outputs, name=type(self).__name__.lower())


def labels_of(probabilities: Any) -> Any:
    """Number of the most probable class, with a channel axis of one.

    Args:
        probabilities: (batch, height, width, class) tensor or array.

    Returns:
        (batch, height, width, 1) integers; a layer of the network when given one's
        output.

    Example:
        >>> import numpy as np
        >>> int(labels_of(np.array([[[[0.2, 0.7, 0.1]]]]))[0, 0, 0, 0])
        1
    """
    return keras.ops.argmax(probabilities, axis=-1, keepdims=True)


def cropped(value: Any, crop: int) -> Any:
    """`crop` pixels less on each side; empty, not an error, where there are no more.

    Keras's Cropping2D refuses the 1x1 pixels that a network gives in training.
    """
    inner = slice(crop, -crop or None)
    return value[:, inner, inner, :]


def read_model(path: PathLike) -> keras.Model:
    """Read a `.keras` file, for predicting only.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If Keras cannot read it, with the cause and the version that saved
            it.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no model at '{path}'. Train and save it first."
        )
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(
            f"'{path}' is not a model saved by Keras 3, or not a whole one. Save it "
            "again with `model.save('….keras')`."
        )
    try:
        return keras.models.load_model(path, compile=False)
    # Any exception: what is missing shows deep inside Keras, in many ways.
    except Exception as err:
        raise ValueError(
            f"'{path}' cannot be read by Keras {keras.__version__} "
            f"({_saved_by(path)}): {_root_cause(err)}. Import what defines its "
            "classes, or export it to a SavedModel where it was trained."
        ) from err


def _saved_by(path: Path) -> str:
    try:
        metadata = json.loads(zipfile.ZipFile(path).read("metadata.json"))
        return f"saved by {metadata['keras_version']}"
    except (KeyError, ValueError):
        return "not saved by Keras"


def _root_cause(err: BaseException) -> str:
    """The first error of a chain: Keras repeats it with pages of configuration."""
    while err.__context__:
        err = err.__context__
    return str(err).partition("\n")[0].rstrip(". ")


def named_tensors(model: keras.Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Symbolic inputs and outputs of a model by name: its keys, or else its layers'.

    Raises:
        ValueError: If the model was never built.
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"The model '{model.name}' does not know its inputs. Build it from "
            "`keras.Input`, or with `PatchModel.build`."
        )
    # A `Sequential` has none of them before its first call, and never output names.
    inputs, outputs = (getattr(model, key, None) for key in ("input", "output"))
    if not isinstance(inputs, Mapping):
        inputs = {tensor.name: tensor for tensor in model.inputs}
    if not isinstance(outputs, Mapping):
        layers = getattr(model, "output_names", [model.layers[-1].name])
        outputs = dict(zip(layers, model.outputs, strict=True))
    return dict(inputs), dict(outputs)


def export(model: keras.Model | PathLike, directory: PathLike) -> Path:
    """Export a model as a SavedModel whose inputs and outputs go by their names.

    The folder appears when it is complete.

    Args:
        model: A Keras model or a `.keras` file.
        directory: The folder; a SavedModel that is there is replaced.

    Returns:
        The folder.

    Raises:
        FileExistsError: If the folder is there and holds something else.
        FileNotFoundError: If there is no such `.keras` file.
        TypeError: If `model` is neither.
        ValueError: If the model cannot be read, was never built, or TensorFlow cannot
            keep the name of an input.

    Example:
        >>> from tutorial_lib import architectures, load_predictor, testing
        >>> folder = testing.scratch_folder() / "fcnn"
        >>> path = export(architectures.pixelwise_fcnn(6, crops=()), folder)
        >>> sorted(load_predictor(path).outputs)
        ['estimated', 'estimated_labels', 'features']
    """
    if isinstance(model, str | os.PathLike):
        model = read_model(model)
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` is a keras.Model or the path of a `.keras` file. "
            f"Received: {type(model).__name__}."
        )
    directory = Path(directory)
    _check_replaceable(directory)
    served = _served(model)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".part-") as part:
        served.export(Path(part, "new"), verbose=False)
        _replace(directory, Path(part, "new"), Path(part, "old"))
    return directory


def _check_replaceable(directory: Path) -> None:
    if not directory.exists():
        return
    held = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if not directory.is_dir() or (held and "saved_model.pb" not in held):
        raise FileExistsError(
            f"'{directory}' exists and is not a SavedModel. Export to another folder."
        )
    others = sorted(held - SAVED_MODEL_PARTS)
    if others:
        raise FileExistsError(
            f"The SavedModel '{directory}' holds other files too, and would be "
            f"replaced with them: {', '.join(others[:5])}. Move them away, or export "
            "to another folder."
        )


def _served(model: keras.Model) -> keras.Model:
    """The model with inputs and outputs in dictionaries, whose keys are exported."""
    inputs, outputs = named_tensors(model)
    wrong = [name for name in inputs if not name.isidentifier()]
    if wrong:
        raise ValueError(
            f"TensorFlow cannot keep the name of the input '{wrong[0]}' in a "
            "SavedModel. Name it with letters, digits and underscores only."
        )
    if isinstance(model.input, Mapping) and isinstance(model.output, Mapping):
        return model
    return keras.Model(inputs, outputs)


def _replace(directory: Path, new: Path, old: Path) -> None:
    """Put the folder `new` in the place of `directory`, or leave all as it was."""
    if directory.exists():
        directory.rename(old)
    try:
        new.rename(directory)
    except BaseException:
        if old.exists():
            old.rename(directory)
        raise
