"""Names and shapes of a Keras model's inputs and outputs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# How a model whose layers cannot be followed is used: as a function, measured.
AS_FUNCTION = (
    "`lambda inputs: {'out': model(inputs['input'], training=False)}`, measured with "
    "`tl.certify(function, 'out', tile=…, inputs={'input': (channels, 1, largest "
    "value)})`"
)

__all__ = ["AS_FUNCTION", "check_images", "named_tensors"]


def named_tensors(model: "keras.Model") -> tuple[dict[str, Any], dict[str, Any]]:
    """Symbolic inputs and outputs of a model by key, or by layer where it has no keys.

    Raises:
        ValueError: If the model was never built or is not a graph of layers, its inputs
            or outputs are nested, or two of them have one name.

    Example:
        >>> from tutorial_lib import architectures
        >>> inputs, outputs = named_tensors(architectures.pixelwise_fcnn(6, crops=()))
        >>> list(inputs), sorted(outputs)
        (['input'], ['estimated', 'estimated_labels', 'features'])
    """
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"The model '{model.name}' does not know its inputs. Build it from "
            "`keras.Input`, or with `PatchModel.build`; or give a function in its "
            f"place: {AS_FUNCTION}."
        )
    if not getattr(model, "outputs", None):
        raise ValueError(
            f"The model '{model.name}' has no outputs. Give it at least one: "
            "`keras.Model(inputs, {'estimated': …})`."
        )
    # A `Sequential` has neither before its first call, and never names of outputs.
    inputs, outputs = (getattr(model, key, None) for key in ("input", "output"))
    layers = getattr(model, "output_names", None) or [model.layers[-1].name]
    return (
        _named("input", inputs, model.inputs, [tensor.name for tensor in model.inputs]),
        _named("output", outputs, model.outputs, layers),
    )


def _named(
    what: str, structure: Any, tensors: Sequence[Any], names: Sequence[str]
) -> dict[str, Any]:
    """Tensors by name; the structure is how the model takes or gives them."""
    # Here, because `check_images` serves processes that never load Keras.
    import keras

    if isinstance(structure, Mapping):
        names, tensors = list(structure), list(structure.values())
    elif isinstance(structure, list | tuple):
        tensors = list(structure)
    example = "`keras.Model(…, {'a': …, 'b': …})`"
    if what == "input":
        example = "`keras.Model({'a': …, 'b': …}, …)`"
    flat = all(isinstance(tensor, keras.KerasTensor) for tensor in tensors)
    if not flat or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"The {what}s of the model are nested, or not named by texts. Build it "
            f"with one dictionary of {what}s: {example}."
        )
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice or len(names) != len(tensors):
        which = (
            f"Several {what}s of the model are named '{twice[0]}'"
            if twice
            else (f"The model has {len(tensors)} {what}s without names")
        )
        raise ValueError(f"{which}. Give each one a name: {example}.")
    return dict(zip(names, tensors, strict=True))


def check_images(shapes: Mapping[str, tuple[int | None, ...]]) -> None:
    """Raise ValueError unless all inputs of a model are images.

    Args:
        shapes: Shape of each input, with the axis of the batch.

    Example:
        >>> check_images({"x": (None, None, 4)})
        Traceback (most recent call last):
        ValueError: The input 'x' has the shape (None, None, 4). The kit takes images:
        (batch, height, width, channel). Build it with `keras.Input((None, None, 4))`.
    """
    for name, shape in shapes.items():
        if len(shape) != 4:
            raise ValueError(
                f"The input '{name}' has the shape {shape}. The kit takes images: "
                "(batch, height, width, channel). Build it with `keras.Input((None, "
                f"None, {shape[-1] if shape else 4}))`."
            )
