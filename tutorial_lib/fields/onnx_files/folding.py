"""Arithmetic of sizes in a file, done without running it.

Exporters write the sizes of images as nodes: the shape of a tensor, one of its numbers,
that number doubled, and so on. Each function follows the definition of its operator.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from math import ceil
from typing import Any

import numpy as np

from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.sizes import Number, Size, greater, rounded, same
from tutorial_lib.fields.onnx_files.tensors import Known, Unfolded, Uniform, Value

# Larger arrays are weights: no size is computed from them.
MOST_VALUES = 4096
FLOAT_TYPES = (1, 10, 11, 16)
FILLED = ("ConstantOfShape", "Expand")

__all__ = ["FOLDED", "fold", "objects", "shape_of"]


def objects(values: Any) -> np.ndarray:
    """An array of Python numbers and sizes."""
    array = np.empty(np.shape(values), object)
    flat = values.ravel() if isinstance(values, np.ndarray) else values
    array.ravel()[:] = [v.item() if isinstance(v, np.generic) else v for v in flat]
    return array


def fold(use: Use) -> list[Value]:
    """The outputs of a node that reads no image."""
    why = f"'{use.name}' ({use.kind}), which is not known before the network runs"
    unknown: list[Value] = [Unfolded(why) for _ in use.node.output]
    given = [value for value in use.inputs if value is not None]
    if use.kind == "Shape" and isinstance(given[0], Uniform):
        return [shape_of(use, given[0].sizes)]
    if not all(isinstance(value, Known) for value in given):
        first = next(value for value in given if isinstance(value, Unfolded))
        return [Unfolded(first.why) for _ in use.node.output]
    sized = any(value.sized for value in given)
    try:
        if any(value.values.dtype == object for value in given):
            if use.kind in FILLED:
                return [_filled(use, why)]
            found = _symbolic(use) if use.kind in FOLDED else unknown
        else:
            found = _numeric(use, given)
    except (ArithmeticError, TypeError, ValueError, IndexError, RuntimeError):
        # A part of a size, or a formula that is no polynomial.
        return unknown
    return [
        replace(one, sized=sized) if isinstance(one, Known) else one for one in found
    ]


def shape_of(use: Use, sizes: Sequence[Number]) -> Known:
    """What the operator Shape gives for a tensor of some sizes."""
    part = slice(use.attribute("start", 0), use.attribute("end"))
    return Known(objects(sizes)[part], False, sized=True)


def _filled(use: Use, why: str) -> Value:
    """A tensor of one number, whose shape is the last input.

    Some exporters give such a tensor without channels in place of a missing level.
    """
    *values, sizes = [value.values for value in use.inputs]
    if any(one.size != 1 for one in values):
        return Unfolded(why)
    return Uniform(why, tuple(objects(sizes)))


def _numeric(use: Use, given: Sequence[Known]) -> list[Value]:
    """The outputs of a node that reads numbers only, as ONNX defines it."""
    from onnx.reference import ReferenceEvaluator

    if use.kind.startswith("Random"):
        raise ValueError("Random numbers differ from chunk to chunk.")
    names = [name for name in use.node.input if name]
    arrays = [value.values for value in given]
    # Sizes that turned out to be constants are int64, whatever the file had.
    if {array.dtype for array in arrays} == {np.dtype("int32"), np.dtype("int64")}:
        arrays = [array.astype("int64") for array in arrays]
    run = ReferenceEvaluator(use.node, opsets={use.node.domain: use.opset})
    results = run.run(None, dict(zip(names, arrays, strict=True)))
    return [Known(np.asarray(x), np.asarray(x).dtype.kind == "f") for x in results]


def _symbolic(use: Use) -> list[Value]:
    """The outputs of a node that reads sizes."""
    is_float = any(isinstance(v, Known) and v.is_float for v in use.inputs)
    if use.kind == "Cast":
        is_float = use.attribute("to") in FLOAT_TYPES
    if any(v is not None and v.values.size > MOST_VALUES for v in use.inputs):
        raise ValueError("Weights are no sizes.")
    arrays = [None if v is None else objects(v.values) for v in use.inputs]
    results = FOLDED[use.kind](use, *arrays)
    if not isinstance(results, list):
        results = [results]
    return [Known(_simple(one, is_float), is_float) for one in results]


def _simple(values: np.ndarray, is_float: bool) -> np.ndarray:
    """Numbers as an ordinary array, where no size is left."""
    values = np.asarray(values)
    if any(isinstance(v, Size | Fraction) for v in values.ravel()):
        return values if values.dtype == object else objects(values)
    array = np.array(values.tolist())
    # Operators divide whole numbers in another way than floats, or refuse a mixture.
    return array.astype("float32") if is_float and array.dtype.kind == "i" else array


def _each(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The function of arrays that applies another one to each number."""
    vectorised = np.frompyfunc(function, function.__code__.co_argcount, 1)
    return lambda use, *arrays: np.asarray(vectorised(*arrays), object)


def _several(function: Callable[[Any, Any], Any]) -> Callable[..., np.ndarray]:
    """As `_each`, for an operator of any number of inputs."""
    vectorised = np.frompyfunc(function, 2, 1)
    return lambda use, *arrays: np.asarray(reduce(vectorised, arrays), object)


def _divided(use: Use, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    is_float = any(value.is_float for value in use.inputs)

    def divide(a: Any, b: Any) -> Any:
        quotient = a / b if isinstance(a, Size) or isinstance(b, Size) else None
        quotient = Fraction(a) / Fraction(b) if quotient is None else quotient
        return quotient if is_float else rounded(quotient)

    return np.asarray(np.frompyfunc(divide, 2, 1)(one, other), object)


def _modulo(one: Any, other: Any) -> Any:
    if isinstance(one, Size) or isinstance(other, Size):
        raise ArithmeticError("The rest depends on the size of the image.")
    return one % other


def _cast(use: Use, values: np.ndarray) -> np.ndarray:
    if use.attribute("to") in FLOAT_TYPES:
        return values
    return np.asarray(np.frompyfunc(rounded, 1, 1)(values), object)


def _index(value: Any) -> int:
    if isinstance(value, Size):
        raise ValueError("A place that depends on the size of the image.")
    return int(value)


def _gathered(use: Use, values: np.ndarray, places: np.ndarray) -> np.ndarray:
    places = np.vectorize(_index, otypes=[int])(places)
    return np.take(values, places, axis=use.attribute("axis", 0))


def _sliced(use: Use, values: np.ndarray, *_: Any) -> np.ndarray:
    settings = [
        use.setting(name, place)
        for place, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    ]
    starts, ends, axes, steps = settings
    key = [slice(None)] * values.ndim
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        key[int(axis)] = slice(*map(_index, (start, end, step)))
    return values[tuple(key)]


def _split(use: Use, values: np.ndarray, *_: Any) -> list[np.ndarray]:
    axis, sizes = use.attribute("axis", 0), use.setting("split", 1)
    places = len(use.node.output) if sizes is None else np.cumsum(sizes)[:-1].tolist()
    return np.split(values, places, axis=axis)


def _unsqueezed(use: Use, values: np.ndarray, *_: Any) -> np.ndarray:
    return np.expand_dims(values, tuple(map(int, use.setting("axes", 1))))


def _squeezed(use: Use, values: np.ndarray, *_: Any) -> np.ndarray:
    axes = use.setting("axes", 1)
    return np.squeeze(values, None if axes is None else tuple(map(int, axes)))


def _reshaped(use: Use, values: np.ndarray, shape: np.ndarray) -> np.ndarray:
    sizes = [
        values.shape[i] if size == 0 else _index(size) for i, size in enumerate(shape)
    ]
    return values.reshape(sizes)


def _product(use: Use, values: np.ndarray, *_: Any) -> np.ndarray:
    keep = use.attribute("keepdims", 1)
    return objects(np.full((1,) * (values.ndim if keep else 0), values.prod()))


def _chosen(condition: Any, one: Any, other: Any) -> Any:
    return one if condition else other


# Operators on sizes. For large images, a size is greater than a constant.
FOLDED: dict[str, Callable[..., Any]] = {
    "Abs": _each(lambda a: a if greater(a, 0) else -a),
    "Add": _each(lambda a, b: a + b),
    "And": _each(lambda a, b: bool(a and b)),
    "Cast": _cast,
    "Ceil": _each(lambda a: rounded(a, ceil)),
    "Concat": lambda use, *a: np.concatenate(a, use.attribute("axis", 0)),
    "Div": _divided,
    "Equal": _each(lambda a, b: same(a, b)),
    "Floor": _each(lambda a: rounded(a)),
    "Gather": _gathered,
    "Greater": _each(lambda a, b: greater(a, b)),
    "GreaterOrEqual": _each(lambda a, b: not greater(b, a)),
    "Identity": lambda use, a: a,
    "Less": _each(lambda a, b: greater(b, a)),
    "LessOrEqual": _each(lambda a, b: not greater(a, b)),
    "Max": _several(lambda a, b: a if greater(a, b) else b),
    "Min": _several(lambda a, b: b if greater(a, b) else a),
    "Mod": _each(_modulo),
    "Mul": _each(lambda a, b: a * b),
    "Neg": _each(lambda a: -a),
    "Not": _each(lambda a: not a),
    "Or": _each(lambda a, b: bool(a or b)),
    "ReduceProd": _product,
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Split": _split,
    "Squeeze": _squeezed,
    "Sub": _each(lambda a, b: a - b),
    "Transpose": lambda use, a: a.transpose(use.attribute("perm")),
    "Unsqueeze": _unsqueezed,
    "Where": _each(_chosen),
}
