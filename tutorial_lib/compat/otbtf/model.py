"""OTBTF's base class of networks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tutorial_lib import arguments
from tutorial_lib.kinds import kind_of
from tutorial_lib.networks.devices import grow_gpu_memory
from tutorial_lib.networks.patch_model import TargetModel, cropped
from tutorial_lib.notices import warn

DEFAULT_CROPS = (16, 32, 64, 96, 128)

__all__ = ["ModelBase", "cropped_tensor_name"]


def cropped_tensor_name(tensor_name: str, crop: int) -> str:
    """Name of the output that is another one without its borders.

    Args:
        tensor_name: Name of the other output.
        crop: Pixels that are removed from each side.

    Example:
        >>> cropped_tensor_name("estimated", 32)
        'estimated_crop32'
    """
    return f"{tensor_name}_crop{crop}"


class ModelBase(ABC):
    """A network with its scaling and its cropped outputs.

    A subclass defines `get_outputs`, and mostly `normalize_inputs`. What this class
    does not define (`compile`, `fit`, `save`, `export`…) is taken from the Keras model,
    `self.model`. Its losses and metrics look only at the outputs that have a target.

    Args:
        dataset_element_spec: The `element_spec` of a dataset of batches: the shapes of
            the inputs are taken from it.
        input_keys: Names of the inputs that the network takes; None for all.
        inference_cropping: Pixels that are removed from each side in the outputs
            `<output>_crop<N>`; None or an empty list for 16, 32, 64, 96 and 128.

    Attributes:
        model: The Keras model.
        input_keys: Names of the inputs.
        inference_cropping: The crops.

    Raises:
        TypeError: If an argument has a wrong type, or `get_outputs` returns no
            dictionary of tensors.
        ValueError: If the dataset has no such input, or an output that is to be cropped
            is not an image.

    Example:
        >>> import tensorflow as tf
        >>> class Slope(ModelBase):
        ...     def normalize_inputs(self, inputs):
        ...         return {"input": inputs["input"] * 1e-4}
        ...     def get_outputs(self, normalized_inputs):
        ...         layer = keras.layers.Conv2D(3, 5, activation="softmax")
        ...         return {"estimated": layer(normalized_inputs["input"])}
        >>> inputs = {"input": tf.TensorSpec((8, 16, 16, 4), tf.uint16)}
        >>> model = Slope(dataset_element_spec=(inputs, {}), inference_cropping=[2])
        >>> sorted(model.output), model.output["estimated"].shape
        (['estimated', 'estimated_crop2'], (None, None, None, 3))
    """

    def __init__(
        self,
        dataset_element_spec: Any,
        input_keys: Sequence[str] | None = None,
        inference_cropping: Sequence[int] | None = None,
    ) -> None:
        self.dataset_input_element_spec = _inputs_of(dataset_element_spec)
        self.input_keys = _chosen(self.dataset_input_element_spec, input_keys)
        if inference_cropping is None or not len(inference_cropping):
            inference_cropping = DEFAULT_CROPS
        self.inference_cropping = list(
            arguments.whole_numbers("inference_cropping", inference_cropping, least=0)
        )
        self.model = self.create_network()

    def __getattr__(self, name: str) -> Any:
        """What the Keras model has, such as `fit`."""
        if name == "model":
            raise AttributeError(
                f"{type(self).__name__} has no Keras model yet. Call `super().__init__("
                "dataset_element_spec)` before you use it."
            )
        return getattr(self.model, name)

    def get_inputs(self) -> dict[str, Any]:
        """The inputs of the Keras model by name; images are of any height and width."""
        inputs = {}
        for name in self.input_keys:
            # Without the axis of the batch.
            shape = tuple(self.dataset_input_element_spec[name].shape)[1:]
            if len(shape) > 2:
                shape = (None, None, *shape[2:])
            inputs[name] = keras.Input(shape, name=name)
        return inputs

    def normalize_inputs(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Scale the inputs; without a definition in the subclass they stay the same.

        Args:
            inputs: {input name: (batch, height, width, channel)} pixel values.
        """
        warn(
            f"{type(self).__name__} has no `normalize_inputs`, so the network takes "
            "the pixel values as they are. Scale them there, such as by 1e-4."
        )
        return inputs

    @abstractmethod
    def get_outputs(self, normalized_inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Define the network.

        Args:
            normalized_inputs: {input name: (batch, height, width, channel)} scaled
                values.

        Returns:
            {output name: (batch, height, width, channel)}.
        """

    def postprocess_outputs(
        self,
        outputs: Mapping[str, Any],
        inputs: Mapping[str, Any] | None = None,
        normalized_inputs: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Compute further outputs from the network's outputs; by default their crops.

        Args:
            outputs: What `get_outputs` returned.
            inputs: The inputs of the model.
            normalized_inputs: The scaled inputs.

        Returns:
            {output name: tensor} to add.
        """
        for name, value in outputs.items():
            if len(value.shape) != 4:
                raise ValueError(
                    f"The output '{name}' has the shape {tuple(value.shape)}, and only "
                    "images (batch, height, width, channel) can be cropped. Write a "
                    "`postprocess_outputs` for this model."
                )
        return {
            cropped_tensor_name(name, crop): cropped(value, crop)
            for name, value in outputs.items()
            for crop in self.inference_cropping
        }

    def create_network(self) -> keras.Model:
        """The Keras model: its inputs scaled, its outputs with their crops."""
        grow_gpu_memory()
        inputs = self.get_inputs()
        normalized = self.normalize_inputs(inputs)
        outputs = dict(_checked(self.get_outputs(normalized)))
        outputs |= self.postprocess_outputs(
            outputs=outputs, inputs=inputs, normalized_inputs=normalized
        )
        return TargetModel(inputs, outputs, name=type(self).__name__)

    def summary(self, strategy: Any = None, **options: Any) -> None:
        """Print the layers; with a strategy of several workers, the first one does."""
        if _is_first_worker(strategy):
            self.model.summary(**options)

    def plot(
        self, output_path: Any, strategy: Any = None, show_shapes: bool = False
    ) -> None:
        """Draw the layers into a file; Keras needs pydot and Graphviz for it."""
        if _is_first_worker(strategy):
            keras.utils.plot_model(self.model, output_path, show_shapes=show_shapes)


def _inputs_of(spec: Any) -> dict[str, Any]:
    """Shapes of the inputs, from the `element_spec` of a dataset."""
    # A dataset with targets gives pairs.
    inputs = spec[0] if isinstance(spec, tuple | list) and spec else spec
    example = "`dataset.element_spec` of batches ({input name: …}, {target: …})"
    return arguments.mapping("dataset_element_spec", inputs, example)


def _chosen(inputs: Mapping[str, Any], keys: Any) -> list[str]:
    if keys is None:
        return list(inputs)
    keys = arguments.sequence("input_keys", keys, "names of inputs")
    unknown = [name for name in keys if name not in inputs]
    if unknown:
        raise ValueError(
            f"`input_keys` has '{unknown[0]}', and the dataset has no such input. It "
            f"has: {', '.join(inputs)}. Give some of these names."
        )
    return keys


def _checked(outputs: Any) -> Mapping[str, Any]:
    if not isinstance(outputs, Mapping) or not outputs:
        raise TypeError(
            f"`get_outputs` returned {kind_of(outputs)}, "
            f"{arguments.shown(outputs)}. It must return a dictionary of tensors by "
            "name, such as {'estimated': …}."
        )
    return outputs


def _is_first_worker(strategy: Any) -> bool:
    resolver = getattr(strategy, "cluster_resolver", None)
    return resolver is None or not resolver.task_id
