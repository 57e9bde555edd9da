"""Whether two Keras models are the same: one number for all that they compute."""

import functools
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

__all__ = ["weights_digest"]


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of a model's weights, of the settings of its layers, and of its graph.

    Names of layers do not count: a network that is built again and given the same
    weights is the same network.

    Example:
        >>> from tutorial_lib import architectures
        >>> len(weights_digest(architectures.pixelwise_fcnn(6, crops=())))
        64
    """
    return _digest([*_weights(model), _network(model)])


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _weights(layer: Any) -> list[str]:
    return [_array(weight.numpy()) for weight in getattr(layer, "weights", ())]


def _array(value: Any) -> str:
    value = np.ascontiguousarray(value)
    # Without the shape, a transposed kernel of zeros would count as the same.
    return f"{value.shape}{value.dtype}{hashlib.sha256(value.tobytes()).hexdigest()}"


def _network(model: Any) -> str:
    """What a model computes: its graph, or its code and layers where it has none."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        return _digest([_settings(model), *_layers_inside(model)])
    # Each tensor by what it is computed from: networks with the same layers differ in
    # what these read.
    texts = {id(x): f"input {i} {x.dtype}" for i, x in enumerate(graph.inputs)}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                text = _node(node, texts)
                texts |= {id(x): f"{text}{i}" for i, x in enumerate(node.outputs)}
    named = model.output if isinstance(model.output, dict) else {}
    names = [str(name) for name in sorted(named)]
    calls = [_code(type(model).__call__), _code(vars(model).get("call", model.call))]
    return _digest([*calls, *names, *(texts[id(x)] for x in graph.outputs)])


def _node(node: Any, texts: dict[int, str]) -> str:
    """One use of a layer or operation as text."""
    operation, call = node.operation, node.arguments
    own = _network if isinstance(operation, keras.Model) else _settings
    read = [
        texts[id(value)] if isinstance(value, keras.KerasTensor) else _constant(value)
        for value in keras.tree.flatten((call.args, call.kwargs))
    ]
    return _digest(
        [own(operation), *_layers_inside(operation), *_weights(operation), *read]
    )


def _layers_inside(layer: Any) -> list[str]:
    """The layers that a layer of somebody else, or of Keras, calls."""
    if not isinstance(layer, keras.layers.Layer):
        return []
    return [_settings(one) for one in layer._flatten_layers(include_self=False)]


def _constant(value: Any) -> str:
    """A value of a call or of a setting, the same after saving and loading."""
    if isinstance(value, slice):
        return str([_constant(x) for x in (value.start, value.stop, value.step)])
    if value is None or isinstance(value, str):
        return repr(value)
    if callable(value):
        return _code(value)
    try:
        # Numbers, lists, arrays, tensors: Keras saves any of them as another.
        return _array(np.asarray(value, "float64"))
    # Any exception: somebody else's object of any kind. Its text holds its address
    # unless it has a better one, so another object is never taken for it.
    except Exception:
        return repr(value)


# Entries of a layer's settings that do not change what it computes, or that are not
# the same for the same function: its compiled code.
_NO_SETTINGS = re.compile(
    r"name|trainable|dtype|code|seed|batch_\w+|registered_name|\w+_(initializer|regularizer)"
)


def _settings(operation: Any) -> str:
    """A layer or operation as text, the same for each that computes the same."""
    kind = type(operation)
    # Keras writes all that it computes from into the configuration; others may not.
    own = "" if _is_known(kind) else f"{_code(kind)}{_attributes(operation)}"
    try:
        config = keras.saving.serialize_keras_object(operation.get_config())
    # Any exception: a layer of somebody else, or a Lambda, with settings of any kind.
    # Then its code and its attributes tell what it computes: `own`, and `codes` below.
    except Exception:
        config = {}
    text = json.dumps(_relevant(config), sort_keys=True, default=_constant)
    functions = [getattr(operation, name, None) for name in ("function", "activation")]
    codes = [_code(one) for one in functions if one is not None]
    return f"{kind.__name__}{own}{text}{codes}"


def _relevant(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return [_relevant(value) for value in config]
    if not isinstance(config, dict):
        return config
    # Newer versions of Keras have more settings, and None is their default.
    return {
        str(name): _relevant(value)
        for name, value in config.items()
        if value is not None and not _NO_SETTINGS.fullmatch(str(name))
    }


def _is_known(kind: type) -> bool:
    """Whether a class is of Keras, or of what it is made from."""
    return kind.__module__.partition(".")[0] in ("keras", "tensorflow", "builtins")


def _attributes(value: Any) -> list[str]:
    """The settings that an object keeps in its attributes, such as a number."""
    known = vars(keras.layers.Layer()) if isinstance(value, keras.layers.Layer) else {}
    kinds = (bool, int, float, str, list, tuple, np.ndarray, np.generic)
    return [
        f"{name}={_constant(one)}"
        for name, one in sorted(getattr(value, "__dict__", {}).items())
        if name[0] != "_" and name not in known and isinstance(one, kinds)
    ]


def _code(function: Any, around: tuple[Any, ...] = ()) -> str:
    """What a function, a class or a callable object computes, as text.

    `around` holds the functions that refer to this one: some refer to themselves.
    """
    if any(function is one for one in around):
        return ""
    around = (*around, function)
    if isinstance(function, keras.Model):
        return weights_digest(function)
    if isinstance(function, keras.Operation):
        return _digest([_settings(function), *_weights(function)])
    if isinstance(function, functools.partial):
        return _code(function.func, around) + _values(
            [*function.args, *function.keywords, *function.keywords.values()], around
        )
    function = getattr(function, "__func__", function)
    if isinstance(function, type):
        own = [kind for kind in function.__mro__ if not _is_known(kind)]
        parts = [part for kind in own for part in vars(kind).values()]
        methods = [x for x in parts if hasattr(getattr(x, "__func__", x), "__code__")]
        return _values(methods, around)
    code = getattr(function, "__code__", None)
    if code is None:
        kind = type(function)
        name = getattr(function, "__qualname__", kind.__name__)
        return f"{name}{_code(kind, around)}{_attributes(function)}"
    cells = [_content(cell) for cell in function.__closure__ or ()]
    return _compiled(code) + _values([*(function.__defaults__ or ()), *cells], around)


def _values(values: Iterable[Any], around: tuple[Any, ...]) -> str:
    return str([_code(x, around) if callable(x) else _constant(x) for x in values])


def _content(cell: Any) -> Any:
    """What a function refers to around it; None if that does not exist yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _compiled(code: Any) -> str:
    """Compiled code as text, with that of the functions inside it."""
    constants = [
        # Those have addresses of the memory in their own text, and a set has any order.
        _compiled(x) if isinstance(x, type(code)) else _repr(x)
        for x in code.co_consts
    ]
    return f"{code.co_code.hex()}{code.co_names}{constants}"


def _repr(value: Any) -> str:
    return (
        str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
    )
