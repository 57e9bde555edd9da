"""Networks that contain the scaling of their inputs and the crops of their outputs.

A subclass of `PatchModel` defines how inputs are scaled and what the outputs are;
`build` makes a Keras model of it. Each output also exists cropped, as
`<output>_crop<N>`, with N pixels less on each side: the crop removes the pixels that
depend on a chunk's borders.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tutorial_lib import arguments
from tutorial_lib.display import counted
from tutorial_lib.kinds import kind_of
from tutorial_lib.networks.devices import grow_gpu_memory
from tutorial_lib.networks.scaling import watched
from tutorial_lib.patches.statistics import BandStatistics, Statistics

PACKAGE = "tutorial_lib"

__all__ = ["PatchModel", "TargetModel", "labels_of"]


@keras.saving.register_keras_serializable(package=PACKAGE)
class TargetModel(keras.Model):
    """A Keras model whose loss and metrics look only at outputs that have a target.

    The other outputs (crops, labels, features) have none. With such outputs, a plain
    model of Keras 3.14 or later raises KeyError when losses or metrics go by name.
    """

    def fit(
        self, x: Any = None, y: Any = None, batch_size: Any = None, **options: Any
    ) -> Any:
        """Train; see `keras.Model.fit`."""
        # Keras's default, True, makes it warn about each dataset: those shuffle their
        # batches themselves.
        options.setdefault("shuffle", y is not None)
        x = watched(self, x, options)
        return super().fit(x, y, batch_size=batch_size, **options)

    def get_config(self) -> dict[str, Any]:
        """The layers, in a form that every supported version of Keras can read."""
        return _readable_by_older(super().get_config())

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """The loss, only of the outputs that have a target in `y`."""
        return super().compute_loss(x, y, _with_target(y_pred, y), *args, **kwargs)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """The metrics, only of the outputs that have a target in `y`."""
        return super().compute_metrics(x, y, _with_target(y_pred, y), sample_weight)


def _readable_by_older(config: Any) -> Any:
    """A saved structure without the options of initializers that are None.

    Keras 3.15 saves all options, also those that Keras 3.12 does not know; None is the
    default of these.
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
                f"The dataset has a target '{unknown[0]}', and the model has no such "
                f"output. It has: {', '.join(sorted(outputs))}. Give the `target` of "
                "the dataset one of these names."
            )
        return {name: outputs[name] for name in targets}
    return outputs


class PatchModel(ABC):
    """A network for patches of any size, with its scaling and its crops.

    A subclass defines `network`; it may replace `normalize` and `postprocess` too.

    Attributes:
        crops: Pixels removed from each side in the outputs `<output>_crop<N>`.
        scale: Factor that `normalize` applies to pixel values. A subclass may have
            another one, and so may each network: `Slope(scale=1 / 255)`.
        statistics: Mean and standard deviation of the bands of each input, or None.
            With them `normalize` standardises the inputs, and `scale` does not count.

    Example:
        >>> class Slope(PatchModel):
        ...     def network(self, inputs):
        ...         layer = keras.layers.Conv2D(3, 5, activation="softmax")
        ...         return {"estimated": layer(inputs["input"])}
        >>> model = Slope(crops=(2,)).build({"input": 4})
        >>> sorted(model.output), model.output["estimated"].shape
        (['estimated', 'estimated_crop2'], (None, None, None, 3))
    """

    # Reflectance x 10 000 becomes reflectance.
    scale: float = 1e-4
    statistics: Statistics | None = None

    def __init__(
        self,
        crops: int | Sequence[int] = (16, 32, 64, 96, 128),
        *,
        scale: float | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        none = isinstance(crops, Sequence) and not crops
        self.crops = () if none else arguments.whole_numbers("crops", crops, least=0)
        if scale is not None:
            self.scale = arguments.number("scale", scale, above=0)
        if statistics is not None:
            self.statistics = _checked_statistics(statistics)

    def normalize(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Scale the inputs, as float32; a subclass may do it in another way.

        With `statistics`, every band is standardised: (value - mean) / standard
        deviation. Without, every value is multiplied by `scale`.

        Args:
            inputs: {input name: (batch, height, width, channel)} pixel values.

        Returns:
            The same names with scaled values.

        Raises:
            ValueError: If `statistics` lacks an input, or has another number of bands.
        """
        return {name: self._scaling(name, x)(x) for name, x in inputs.items()}

    def _scaling(self, name: str, value: Any) -> keras.layers.Layer:
        """The layer that scales an input; it has no weights."""
        layer_name = f"{name}_scaled"
        if self.statistics is None:
            return keras.layers.Rescaling(self.scale, name=layer_name)
        if name not in self.statistics:
            raise ValueError(
                f"`statistics` has no '{name}'. It has: {', '.join(self.statistics)}. "
                "Give the statistics of each input under its name."
            )
        mean, std = self.statistics[name].mean, self.statistics[name].std
        if len(mean) != value.shape[-1]:
            raise ValueError(
                f"`statistics[{name!r}]` has {counted(len(mean), 'band')}, and the "
                f"input {value.shape[-1]}. Give one mean and one standard deviation "
                "for each band."
            )
        # Lists, because these are what Keras can save.
        return keras.layers.Normalization(
            mean=list(mean), variance=[x**2 for x in std], name=layer_name
        )

    @abstractmethod
    def network(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Define the network.

        Args:
            inputs: {input name: (batch, height, width, channel)} scaled values.

        Returns:
            {output name: (batch, height, width, channel)}; "estimated" is the one that
            is trained.
        """

    def postprocess(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Compute further outputs from the network's outputs; by default their crops.

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

        Raises:
            TypeError: If a number of channels is missing, or `network` does not return
                images by name.
            ValueError: If a number of channels is not a whole number from 1 to 65535.
        """
        channels = arguments.mapping("channels", channels, '{"input": 4}')
        if not channels:
            raise ValueError(
                '`channels` is empty. Give the bands of each input: {"input": 4}.'
            )
        grow_gpu_memory()
        inputs = {
            name: keras.Input((None, None, _bands(f"channels['{name}']", n)), name=name)
            for name, n in channels.items()
        }
        outputs = _checked(self.network(self.normalize(inputs)))
        outputs = dict(outputs) | self.postprocess(outputs)
        return TargetModel(inputs, outputs, name=type(self).__name__.lower())


def _checked_statistics(statistics: Any) -> dict[str, BandStatistics]:
    example = "`tl.band_statistics(patches)`"
    statistics = arguments.mapping("statistics", statistics, example)
    for name, one in statistics.items():
        arguments.instance(f"statistics[{name!r}]", one, BandStatistics, example)
    return statistics


def _bands(name: str, value: Any) -> int:
    return arguments.whole_number(name, value, least=1, most=arguments.MOST_BANDS)


def _checked(outputs: Any) -> Mapping[str, Any]:
    """What a `network` returned, if it is images by name."""
    images = isinstance(outputs, Mapping) and all(
        isinstance(x, keras.KerasTensor) and len(x.shape) == 4 for x in outputs.values()
    )
    if not images or not outputs:
        received = kind_of(outputs)
        if isinstance(outputs, Mapping):
            kinds = {n: getattr(x, "shape", kind_of(x)) for n, x in outputs.items()}
            received = f"a dictionary of {kinds}" if outputs else "an empty dictionary"
        raise TypeError(
            f"`network` returned {received}. It must return a dictionary of images by "
            "name, (batch, height, width, channel), such as {'estimated': …}."
        )
    return outputs


def labels_of(probabilities: Any) -> Any:
    """Number of the most probable class, with a channel axis of one.

    Args:
        probabilities: (batch, height, width, class) tensor or array.

    Returns:
        (batch, height, width, 1) integers; a symbolic tensor of the network if
        `probabilities` is one.

    Raises:
        TypeError: If they are not numbers.
        ValueError: If there is no class.

    Example:
        >>> import numpy as np
        >>> int(labels_of(np.array([[[[0.2, 0.7, 0.1]]]]))[0, 0, 0, 0])
        1
    """
    if not keras.ops.is_tensor(probabilities):
        probabilities = _as_scores(probabilities)
    return keras.ops.argmax(probabilities, axis=-1, keepdims=True)


def _as_scores(probabilities: Any) -> Any:
    """An array of numbers with a last axis of classes; symbolic tensors as they are."""
    if isinstance(probabilities, keras.KerasTensor):
        return probabilities
    what = "Give an array or a tensor of numbers, (batch, height, width, class)."
    try:
        array = np.asarray(probabilities)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.dtype.kind not in "buif" and array.dtype.name != "bfloat16":
        given = arguments.shown(probabilities)
        raise TypeError(f"`probabilities` is {given}. {what}")
    if not array.ndim or not array.shape[-1]:
        raise ValueError(f"`probabilities` has the shape {array.shape}. {what}")
    return array


def cropped(value: Any, crop: int) -> Any:
    """Remove `crop` pixels from each side; a smaller image becomes an empty one.

    Keras's Cropping2D raises an error there; in training the outputs have 1x1 pixels.
    """
    inner = slice(crop, -crop or None)
    return value[:, inner, inner, :]
