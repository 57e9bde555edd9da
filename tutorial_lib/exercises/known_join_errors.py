# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of Keras' layers that join images, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import ast
import re
from collections.abc import Callable, Sequence

from tutorial_lib.exercises.causes import Cause, image_of
from tutorial_lib.exercises.findings import and_joined

__all__ = ["JOINS", "KNOWN", "how_to_join", "shapes_in"]

Sentence = str | Callable[[re.Match, Cause], str]

# Layers that join images. Most inherit from Keras' `Merge`, which learners never see.
JOINS = (
    *("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply"),
    "Subtract",
)


def shapes_in(text: str) -> list[tuple]:
    """The shapes in a message: (None, 8, 8, 4) or [1,7,7,3]."""
    found = re.findall(r"[\[(]([\dN][\dNone, ]*)[\])]", text)
    return [ast.literal_eval(f"({one.rstrip(', ')},)") for one in found]


def _layer_in(cause: Cause) -> str:
    """The layer that joins images in the learner's line; empty if there is none."""
    found = re.search(rf"\b({'|'.join(JOINS)})\b", cause.line)
    if found:
        return found[1]
    kinds = [type(value).__name__ for value in cause.used().values()]
    return next((kind for kind in kinds if kind in JOINS), "")


def _form(layer: str, cause: Cause) -> str:
    """A call that joins images, with the name of the module that the line uses."""
    written = re.search(rf"(?:\w+\.)*\b{layer}\b", cause.line)
    place = written[0] if written else f"keras.layers.{layer}"
    return f"{place}({'axes=-1' if layer == 'Dot' else ''})([one, other])"


def how_to_join(layer: str, cause: Cause) -> str:
    """Sentence on a layer that joins images, and has none in its second brackets."""
    return (
        f"`{layer}` has two pairs of brackets: the first for its settings, the second for "
        f"the list of the images. Write `{_form(layer, cause)}`."
    )


def _in_settings(match: re.Match, cause: Cause) -> str:
    return how_to_join(_layer_in(cause) or "Add", cause)


def _list_of(layer: str, cause: Cause) -> str:
    return (
        f"`{layer}` takes one list of the images that it joins: write "
        f"`{_form(layer, cause)}`."
    )


def _no_list(match: re.Match, cause: Cause) -> str:
    layer = _layer_in(cause)
    return _list_of(layer, cause) if layer else ""


def _one_by_one(match: re.Match, cause: Cause) -> str:
    return _no_list(match, cause) or (
        "A layer that joins images takes a list of them: "
        "`keras.layers.Add()([one, other])`. Other layers take one image."
    )


def _count(match: re.Match, cause: Cause) -> str:
    """Sentence on a layer that joins two images, and gets another number of them."""
    if not match[2].startswith("["):
        return _list_of(match[1], cause)
    count = len(shapes_in(match[2][1:]))
    return (
        f"`{match[1]}` joins two images, and its list has {count}: write "
        f"`{_form(match[1], cause)}`."
    )


def _nothing(match: re.Match, cause: Cause) -> str:
    """Sentence on an empty list, or on `None` in the place of an image."""
    layer = _layer_in(cause)
    if not layer:
        return ""
    used = cause.used()
    if "[]" in cause.line or [] in [x for x in used.values() if isinstance(x, list)]:
        return f"`{layer}` gets an empty list. Which line should put images into it?"
    names = [name for name, value in used.items() if value is None]
    what = f"`{names[0]}`, which is `None`" if names else "`None`"
    return (
        f"`{layer}` gets {what}, in the place of an image. Each image is the result of a "
        "layer: `net = …`."
    )


def _differ(shapes: Sequence[tuple]) -> str:
    """Sentence on images that cannot be joined."""
    if len({len(shape) for shape in shapes}) > 1:
        listed = and_joined(list(dict.fromkeys(map(str, shapes))))
        return (
            f"The shapes {listed} have different numbers of axes, so they cannot be "
            "joined. Is there a `Flatten`, `Dense` or global pooling in one branch?"
        )
    images = [image_of(shape) for shape in shapes]
    sizes = {shape[-3:-1] for shape in shapes}
    if len(sizes) > 1:
        hint = "All images of a join must have the same height and width."
    else:
        hint = "All images of a sum must have the same number of bands."
    return f"Images of different size are joined: {' and '.join(dict.fromkeys(images))}. {hint}"


def _joined(match: re.Match, cause: Cause) -> str:
    shapes = shapes_in(cause.message)
    return _differ(shapes) if len(shapes) > 1 else ""


KNOWN: tuple[tuple[str, str, Sentence], ...] = (
    (
        "TypeError",
        rf"^(?:Merge|{'|'.join(JOINS)})\.__init__\(\) takes",
        _in_settings,
    ),
    # The first argument of `Dot` is a setting, so an image may stand there.
    ("TypeError", r"for argument `axes`.*KerasTensor", _in_settings),
    ("ValueError", r"for argument `axes`.*KerasTensor", _in_settings),
    (
        "ValueError",
        r"`Concatenate` layer requires inputs with matching shapes",
        _joined,
    ),
    (
        "ValueError",
        r"`(\w+)` layer should be called on (?:a list of|exactly) 2 inputs\. Received: "
        r"input_shape=(.*)",
        _count,
    ),
    ("ValueError", r"layer should be called on a list", _one_by_one),
    ("KeyError", r"^0$", _no_list),
    ("TypeError", r"too many positional arguments", _one_by_one),
    ("TypeError", r"'NoneType' .*(?:subscriptable|no len|not iterable)", _nothing),
    (
        "AttributeError",
        r"'NoneType' object has no attribute 'shape'.*Arguments received by \w+\.call",
        _nothing,
    ),
    (
        "ValueError",
        r"^Incompatible input shapes: axis values (\d+) \(at axis (-?\d+)\) != (\d+) "
        r"\(at axis (-?\d+)\)",
        r"`Dot` multiplies and adds along one axis of each image. Axis \2 of the first has "
        r"\1 values, and axis \4 of the second \3: both must be equal.",
    ),
    ("ValueError", r"Inputs have incompatible shapes", _joined),
    ("ValueError", r"Cannot broadcast shape", _joined),
    ("InvalidArgumentError", r"ConcatOp : Dimension \d+ in both shapes", _joined),
    (
        "ValueError",
        r"^(\w*Attention) layer (?:must be called on a list|accepts inputs list)",
        r"`\1` takes one list of two or three images: `keras.layers.\1()([one, other])`.",
    ),
)
