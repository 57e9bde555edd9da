"""How TensorFlow runs a model: compiled functions from arrays to arrays.

A call costs less than one of `model.predict`, which prepares a dataset each time, and
outputs that are not asked for are not computed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tutorial_lib.fields.layer_rules import registered_rules
from tutorial_lib.fields.names import check_images, named_tensors
from tutorial_lib.networks.bfloat16 import in_bfloat16
from tutorial_lib.networks.checks import Shape, check_shape
from tutorial_lib.networks.devices import gpu_count, grow_gpu_memory
from tutorial_lib.networks.files import no_signature
from tutorial_lib.networks.precisions import (
    BFLOAT16,
    FLOAT32,
    check_tensorflow_bfloat16,
)
from tutorial_lib.networks.scores import hidden_scores
from tutorial_lib.notices import error_line

# Functions that are kept for a model that is compiled for each size: a loop over tile
# sizes would fill the memory with them.
KEPT_FUNCTIONS = 64

Tensors = Mapping[str, Any]
Shapes = tuple[tuple[str, Shape], ...]

__all__ = [
    "CompiledModel",
    "of_folder",
    "of_keras",
    "served",
    "settings",
    "signature_of",
]


class CompiledModel:
    """A model of TensorFlow as a function of arrays, compiled once for some outputs.

    A function for each size of image would not be faster, and the first image of each
    size would wait for it. The weights are variables, which a compiled function reads
    at each call. So a model that trains on gives its new results, without being
    compiled again.

    Attributes:
        call: {input name: tensor} -> {output name: tensor}.
        shapes: Shape of each input, (batch, height, width, channel), None where any
            number goes.
        outputs: Names of the outputs.
        check: Raises an error for sizes that the model cannot take; None where only
            running the model tells.
        hidden: For outputs of whole numbers, the name by which `call` gives the floats
            that they are made of.
        weights: Its variables.
        precision: "float32", or "bfloat16".
    """

    def __init__(
        self,
        call: Callable[[Tensors], Tensors],
        shapes: Mapping[str, Shape],
        outputs: Iterable[str],
        check: Callable[[Shapes], None] | None = None,
        *,
        hidden: Mapping[str, str] | None = None,
        weights: Sequence[Any] = (),
    ) -> None:
        self.call, self.shapes, self.outputs = call, dict(shapes), tuple(outputs)
        self.hidden, self.weights = dict(hidden or {}), weights
        self._check = check
        self.precision, self._precisions = FLOAT32, {FLOAT32: self}
        self._keep_functions()

    def _keep_functions(self) -> None:
        self._for_all_sizes = cache(self._compiled_for_all_sizes)
        self._for_one_size = lru_cache(KEPT_FUNCTIONS)(self._compiled)

    def in_precision(self, precision: str) -> "CompiledModel":
        """The same model in a precision, the same object each time.

        Raises:
            ValueError: If TensorFlow cannot compute in it here.
        """
        if precision not in self._precisions:
            check_tensorflow_bfloat16(gpu_count())
            other = copy(self)
            other.precision = precision
            other._keep_functions()
            self._precisions[precision] = other
        return self._precisions[precision]

    @property
    def concurrent(self) -> bool:
        """Whether two calls at a time are faster. A GPU is busy with one."""
        return gpu_count() == 0

    @property
    def channels(self) -> dict[str, int | None]:
        """Number of channels of each input."""
        return {name: shape[-1] for name, shape in self.shapes.items()}

    def __call__(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        """The outputs of the given names.

        The arrays are TensorFlow's own memory, and read-only. Copy what you change.

        Raises:
            ValueError: If an image has a size that the model does not take.
            MemoryError: If the machine has not enough memory.
        """
        arrays = {n: np.asarray(inputs[n], "float32") for n in self.shapes}
        for name, array in arrays.items():
            check_shape(name, array.shape, self.shapes[name])
        shapes = tuple((name, array.shape) for name, array in arrays.items())
        try:
            return self._run(tuple(arrays.values()), shapes, tuple(outputs))
        # NumPy and the kernels of oneDNN raise errors of their own.
        except (tf.errors.ResourceExhaustedError, MemoryError) as err:
            raise MemoryError(
                f"The model has not enough memory for images of {dict(shapes)}. Give "
                "it smaller ones."
            ) from err
        # Any exception: each layer of Keras and TensorFlow has its own for wrong sizes.
        except Exception as err:
            raise ValueError(
                f"{error_line(err)}. The images have the shapes {dict(shapes)}. Give "
                "sizes that the model takes."
            ) from err

    def _run(
        self, arrays: Sequence[np.ndarray], shapes: Shapes, outputs: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        if self._check is not None:
            self._check(shapes)
        run = self._for_all_sizes(outputs)
        if run is None:
            run = self._for_one_size(shapes, outputs)
        results = run(*map(tf.convert_to_tensor, arrays))
        # `numpy()` would copy what `asarray` only looks at.
        return dict(zip(outputs, map(np.asarray, results), strict=True))

    def _compiled_for_all_sizes(self, outputs: tuple[str, ...]) -> Callable | None:
        try:
            return self._compiled(tuple(self.shapes.items()), outputs)
        # Any exception: Keras has no common one for layers that need to know the size
        # when they are compiled, as the bilinear UpSampling2D of 3.15 does. No error is
        # lost: the model is compiled for the size at hand next, which raises it again.
        except Exception:
            return None

    def _compiled(self, shapes: Shapes, outputs: tuple[str, ...]) -> Callable:
        # Images of 16 bits become floats before: casting them in the compiled function
        # saves 0.4 % of the pixel-wise network's time, and costs one for each type.
        names = [name for name, _ in shapes]

        def run(*images: Any) -> list[Any]:
            results = self.call(dict(zip(names, images, strict=True)))
            return [results[name] for name in outputs]

        specs = [tf.TensorSpec(shape, tf.float32) for _, shape in shapes]
        run = tf.function(run, autograph=False).get_concrete_function(*specs)
        return in_bfloat16(run) if self.precision == BFLOAT16 else run


def _check_numeric(types: Mapping[str, Any]) -> None:
    for name, dtype in types.items():
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise ValueError(
                f"The input '{name}' takes values of the type {dtype.name}, and images "
                "hold numbers. Build the model with inputs of numbers."
            )


def of_keras(model: keras.Model) -> CompiledModel:
    """A Keras model; inputs and outputs without a key go by their layers' names.

    Raises:
        ValueError: If its inputs are not images.
    """
    grow_gpu_memory()
    inputs, outputs = named_tensors(model)
    check_images({name: tuple(tensor.shape) for name, tensor in inputs.items()})
    _check_numeric({name: tf.as_dtype(x.dtype) for name, x in inputs.items()})
    structure = getattr(model, "input", None)
    scores = hidden_scores(model, outputs)
    hidden = {name: f"{name} (scores)" for name in scores}
    # The same layers, with the scores as further outputs.
    further = {hidden[name]: tensor for name, tensor in scores.items()}
    whole = keras.Model([*inputs.values()], {**outputs, **further}) if scores else None

    def in_structure(given: Mapping[str, Any]) -> Any:
        # Keras warns unless the structure is the very one that the model was made with.
        if isinstance(structure, Mapping):
            return given
        if isinstance(structure, list | tuple):
            return [given[name] for name in inputs]
        return given[next(iter(inputs))]

    # oneDNN's kernels do not notice that an image is too small: their output then has
    # the size that it had in an earlier call.
    @lru_cache(KEPT_FUNCTIONS)
    def check(shapes: Shapes) -> None:
        model.compute_output_shape(in_structure(dict(shapes)))

    def call(given: Tensors) -> Tensors:
        given = {n: _whole_numbers(given[n], x.dtype) for n, x in inputs.items()}
        if whole is not None:
            return whole([given[name] for name in inputs], training=False)
        result = model(in_structure(given), training=False)
        if isinstance(result, Mapping):
            return result
        results = result if isinstance(result, list | tuple) else [result]
        return dict(zip(outputs, results, strict=True))

    shapes = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
    return CompiledModel(
        call, shapes, tuple(outputs), check, hidden=hidden, weights=model.weights
    )


def _whole_numbers(image: Any, dtype: Any) -> Any:
    """The image of an input of whole numbers, with values that its type can hold.

    TensorFlow makes any number of others: not the same one in an image of another size.
    """
    if not tf.as_dtype(dtype).is_integer:
        return image
    return tf.saturate_cast(image, dtype)


def settings(model: keras.Model) -> list[Any]:
    """Everything that a compiled function and an analysis of a model take as fixed.

    These are the attributes of its layers that are not underscored, such as an
    activation or the mean of a `Normalization`, the classes of the layers and of the
    model, a `call` that it was given, and the rules of layers. Training leaves all of
    them the same objects.
    """
    layers = list(model._flatten_layers(include_self=False))
    kinds = [type(model), vars(model).get("call"), *map(type, layers)]
    fixed = [
        value
        for layer in layers
        for name, value in vars(layer).items()
        if not name.startswith("_")
    ]
    return [*kinds, *fixed, *registered_rules()]


def of_folder(folder: Path) -> CompiledModel:
    """The function that a SavedModel serves.

    Raises:
        ValueError: If TensorFlow cannot read the folder, or it has no signature.
    """
    return served(*signature_of(folder))


def signature_of(folder: Path, tags: Sequence[str] | None = None) -> tuple[Any, Any]:
    """A SavedModel, and the function of TensorFlow that it serves.

    Args:
        folder: The SavedModel.
        tags: Tags of the graph to take; None for the only one.

    Raises:
        ValueError: If TensorFlow cannot read the folder, or it has no signature.
    """
    grow_gpu_memory()
    try:
        loaded = tf.saved_model.load(str(folder), tags)
    # Any exception: TensorFlow has its own for each part that may be broken.
    except Exception as err:
        cause = (str(err).strip() or type(err).__name__).splitlines()[0].rstrip(". ")
        raise ValueError(
            f"The SavedModel '{folder}' cannot be read: {cause}. Export it again."
        ) from err
    if not loaded.signatures:
        raise no_signature(folder)
    # TensorFlow and Keras call the function that is served "serving_default".
    signatures = loaded.signatures
    serve = signatures.get("serving_default", signatures[sorted(signatures)[0]])
    return loaded, serve


def served(
    loaded: Any, serve: Any, values: Mapping[str, Any] | None = None
) -> CompiledModel:
    """A function of a SavedModel, from images by name.

    Args:
        loaded: The SavedModel.
        serve: The function that it serves.
        values: Numbers, or lists of numbers, for inputs that are no images.

    Raises:
        ValueError: If another input is no image.
    """
    every = serve.structured_input_signature[1]
    values = dict(values or {})
    specs = {name: spec for name, spec in every.items() if name not in values}

    def call(given: Tensors) -> Tensors:
        whole = {n: _whole_numbers(given[n], x.dtype) for n, x in specs.items()}
        cast = {name: tf.cast(whole[name], specs[name].dtype) for name in specs}
        batch = tf.shape(next(iter(cast.values())))[0]
        fixed = {n: _constant(value, every[n], batch) for n, value in values.items()}
        # `loaded` owns the variables: it must live as long as the function.
        return loaded and serve(**cast, **fixed)

    any_image = (None,) * 4
    shapes = {
        name: any_image if spec.shape.rank is None else tuple(spec.shape)
        for name, spec in specs.items()
    }
    check_images(shapes)
    _check_numeric({name: spec.dtype for name, spec in specs.items()})
    weights = getattr(loaded, "variables", ())
    return CompiledModel(call, shapes, serve.structured_outputs, weights=weights)


def _constant(value: Any, spec: Any, batch: Any) -> Any:
    """A value of an input that is no image, for each image where it has a batch."""
    tensor = tf.cast(tf.constant(value), spec.dtype)
    if spec.shape.rank == tensor.shape.rank + 1:
        return tf.repeat(tensor[tf.newaxis], batch, axis=0)
    return tensor
