# Sentences are prose for the browser, and stay in one piece.
# ruff: noqa: E501
"""Errors of Keras and TensorFlow, and what to tell a learner of them.

A row has the type of the error, a pattern of its message, and the sentence; a function of
the match and the cause may make the sentence.
"""

import re
from collections.abc import Callable
from typing import Any

from tutorial_lib.exercises.causes import Cause, image_of, listed, nearest
from tutorial_lib.exercises.known_join_errors import JOINS, how_to_join, shapes_in

__all__ = ["KNOWN"]

Sentence = str | Callable[[re.Match, Cause], str]

# Kernels are small: a larger one is probably a number of filters.
_LARGEST_KERNEL = 11


def _too_small(match: re.Match, cause: Cause) -> str:
    shapes = re.search(r"inputs[ .]shape=[(\[]([^)\]]+)[)\]]", cause.message)
    kernel = re.search(r"(?:kernel shape|pool_size)=[(\[]([^)\]]+)[)\]]", cause.message)
    if not shapes or not kernel:
        return "The kernel is larger than the image, so no pixel is left."
    sides = re.findall(r"\d+|None", kernel[1])[:2]
    image = re.findall(r"\d+|None", shapes[1])[1:3]
    word = "pooling block" if "pool" in cause.message else "kernel"
    text = (
        f"The {word} of {' x '.join(sides)} pixels does not fit into an image of "
        f"{' x '.join(image)} pixels, so no pixel is left."
    )
    if word == "kernel" and int(sides[0]) > _LARGEST_KERNEL:
        text += " Are the number of filters and the size of the kernel exchanged?"
    return text


def _too_small_in_call(match: re.Match, cause: Cause) -> str:
    shape = re.search(r"shape=\((\d+), (\d+), (\d+), (\d+)\)", cause.message)
    size = f" of {shape[2]} x {shape[3]} pixels" if shape else ""
    return (
        f"A layer gets an image{size}, which is smaller than its kernel. The images that "
        "the network is run on are too small for it, or its kernels are too large. Are "
        "the number of filters and the size of a kernel exchanged?"
    )


def _other_bands(match: re.Match, cause: Cause) -> str:
    shapes = shapes_in(cause.message)
    if len(shapes) < 2:
        return ""
    return (
        f"The network or layer expects {image_of(shapes[0])}, and gets "
        f"{image_of(shapes[1])}."
    )


def _axes(match: re.Match, cause: Cause) -> str:
    wanted, found = int(match[1]), int(match[2])
    shape = match[3]
    if found == wanted - 1:
        return (
            f"A layer of images needs {wanted} axes, (image, row, column, band), and gets "
            f"the shape {shape}. One image alone needs another axis in front: "
            "`image[None]`."
        )
    return (
        f"A layer of images needs {wanted} axes, (image, row, column, band), and gets the "
        f"shape {shape}. Is there a `Flatten` or `Dense` before it?"
    )


def _keyword(match: re.Match, cause: Cause) -> str:
    layer, names = match[1], re.findall(r"'(\w+)':", match[2])
    if layer in JOINS and "KerasTensor" in match[2]:
        return how_to_join(layer, cause)
    parameters = cause.parameters(layer) or _parameters_of_layer(layer)
    close = nearest(names[0], parameters) if names else ""
    hint = f" Did you mean `{close}`?" if close else f" It has {listed(parameters)}."
    return f"`{layer}` has no argument {listed(names)}.{hint}"


def _parameters_of_layer(name: str) -> list[str]:
    import inspect

    import keras

    layer = getattr(keras.layers, name, None)
    if layer is None:
        return []
    return [one for one in inspect.signature(layer).parameters if one != "kwargs"]


def _identifier(match: re.Match, cause: Cause) -> str:
    import keras

    what, name = match[1].replace(" function", ""), match[2]
    if name.startswith("<class"):
        return (
            f"The {what} is a class, and must be called: write `(…)` behind its name."
        )
    modules: dict[str, Any] = {
        "activation": keras.activations,
        "loss": keras.losses,
        "optimizer": keras.optimizers,
        "metric": keras.metrics,
    }
    known = [one for one in dir(modules.get(what)) if not one.startswith("_")]
    close = nearest(name, known)
    hint = f" Did you mean `{close}`?" if close else " Is it written correctly?"
    return f"Keras has no {what} of the name `{name}`.{hint}"


def _input_name(match: re.Match, cause: Cause) -> str:
    keys = listed(re.findall(r"\w+", match[2]))
    return (
        f"The network has an input `{match[1]}`, and the dictionary has {keys}. Use the "
        "name of the input as its key."
    )


def _several(match: re.Match, cause: Cause) -> str:
    """Sentence on several images in the place of one, with their name if it is known."""
    for name, value in cause.used().items():
        if isinstance(value, dict) and value:
            return (
                f"`{name}` is a dictionary, and a layer gets an image. Take one image out "
                f'of it, such as `{name}["{next(iter(value))}"]`.'
            )
        if isinstance(value, list | tuple) and any(hasattr(x, "shape") for x in value):
            kind = type(value).__name__
            if len(value) == 1:
                return (
                    f"`{name}` is a {kind} of one image, and a layer gets the image "
                    "itself. Remove the brackets around it, or the comma behind it."
                )
            return (
                f"`{name}` is a {kind} of {len(value)} values, and a layer gets one image. "
                "A layer that joins them is missing, such as "
                "`keras.layers.Add()([one, other])`."
            )
    return (
        "A layer gets several images, in a dictionary or a list. Take one image out of it, "
        'such as `inputs["input"]`, or join them, as in '
        "`keras.layers.Add()([one, other])`."
    )


def _not_an_image(match: re.Match, cause: Cause) -> str:
    layer = match[1]
    if layer in JOINS:
        return how_to_join(layer, cause)
    return (
        f"The layer `{layer}` is given where an image is expected: the layer was made, "
        f"but not called. Write `{layer}(…)(net)`: first its settings, then the image."
    )


_SYMBOLIC = (
    "The images of a network have no values yet while it is built. NumPy and TensorFlow "
    "cannot compute with them: use a layer, or a function of `keras.ops`."
)
_IMAGE_AS_NUMBER = (
    "An image of the network stands in the place of a number, such as the number of "
    "filters or the size of a kernel. Compare the order of the arguments. A layer gets its "
    "settings first, then the image: `keras.layers.MaxPool2D(2)(net)`."
)


def _side(match: re.Match, cause: Cause) -> str:
    text = f"`{match[1]}` is {match[2]}, and must be a whole number above 0."
    is_text = re.search(rf"['\"]{re.escape(match[2])}['\"]", cause.line)
    return f"{text} A number is written without quotes." if is_text else text


def _no_layer(match: re.Match, cause: Cause) -> str:
    layers = re.findall(r"'([^']+)'", match[2])
    close = nearest(match[1], layers)
    hint = f"Did you mean `{close}`?" if close else f"It has {listed(layers)}."
    return f"The network has no layer `{match[1]}`. {hint}"


def _no_bands(match: re.Match, cause: Cause) -> str:
    """Sentence on what stands in the place of an image, whose bands Keras divides."""
    if match[1] != "NoneType":
        return _several(match, cause)
    names = [name for name, value in cause.used().items() if value is None]
    if names:
        return (
            f"`{names[0]}` is `None`, and a layer gets an image. Each image is the result "
            f"of a layer: `{names[0]} = …`."
        )
    return (
        "The image has no fixed number of bands, so no convolution can be made for it. "
        "Which layer made it?"
    )


KNOWN: tuple[tuple[str, str, Sentence], ...] = (
    ("ValueError", r"Cannot convert '\(.*\(.*\)' to a shape", _several),
    (
        "TypeError",
        r"unsupported operand type\(s\) for %: '(tuple|list|NoneType)' and 'int'",
        _no_bands,
    ),
    (
        "ValueError",
        r"to a shape\. Found invalid dimension '([-\d.]+)'",
        r"The number of filters, or another size, is \1. It must be a whole number above 0.",
    ),
    (
        "ValueError",
        r"Only instances of `?keras\.Layer`? can be added to a Sequential",
        "`keras.Sequential` takes a list of layers that are not called yet. A layer that is "
        "called with an image gives an image: use it without `keras.Sequential`.",
    ),
    ("ValueError", r"No such layer: (.+?)\. Existing layers are: \[(.*)\]", _no_layer),
    (
        "ValueError",
        r"Argument `learning_rate` should be .* learning_rate=(.{1,40})",
        r"The learning rate is a number with decimals, above 0, and this is `\1`.",
    ),
    (
        "ValueError",
        r"Expected `(\w+)` argument to be .*? Received instead: \w+=(.{1,40}?) of type",
        r"`\1` cannot be `\2`. Write its name before each argument, as in `loss=…`.",
    ),
    (
        "ValueError",
        r"cannot add new elements of state",
        "A layer cannot become a part of a layer that is built already. Is a value meant, "
        "such as `True`?",
    ),
    (
        "TypeError",
        r"instantiate abstract class (\w+) with.* abstract methods? '?(\w+)'?",
        r"The class `\1` has no method `\2`. Is its name written correctly?",
    ),
    (
        "ValueError",
        r"passed as a keyword argument: <class '(?:\w+\.)*(\w+)'>",
        r"A layer must be called with an image, and gets the class `\1`. A layer has two "
        r"pairs of brackets, the first for its settings: `\1(…)(image)`.",
    ),
    (
        "ValueError",
        r"Inputs to a layer should be tensors\. Got '(.{1,40}?)' \(of type",
        r"A layer must be called with an image, and gets `\1`. Does the line before make "
        "an image?",
    ),
    (
        "ValueError",
        r"Unsupported key type for array slice\. Received: `(.{1,40}?)`",
        r"An image of the network has numbers as indices, and this index is `\1`. Only a "
        "dictionary, such as `inputs`, has names.",
    ),
    (
        "ValueError",
        r"not a valid dtype for Keras|Invalid dtype:",
        "An image of the network can be combined with an image or a number. One of the two "
        "is text, `None` or another thing.",
    ),
    (
        "ValueError",
        r"Invalid value received for argument `(\w+)`\. (Expected [^.]+)\. Received: "
        r"\w+=(.{1,40})",
        r"`\1` is \3, and the layer does not take it. \2.",
    ),
    (
        "ValueError",
        r"Output with path `.*?` is not connected to `inputs`",
        "What the network gives does not come from its inputs. Each layer must be called "
        "with the image of the layer before, and the first with one of `inputs`.",
    ),
    (
        "TypeError",
        r"missing a required argument: '(\w+)'",
        r"The call also needs `\1`: an argument is missing in the brackets.",
    ),
    (
        "ValueError",
        r"filename must end in `(\S+?)`",
        r"Keras writes here only into a file whose name ends in `\1`. Does the question ask "
        "for such a file?",
    ),
    ("ValueError", r"Computed output size would be zero or negative", _too_small),
    (
        "InvalidArgumentError",
        r"Conv2D(?:Transpose)?\.call|Incompatible shapes: \[\d+,\d+,\d+,\d+\] vs\. \[1,1,1,\d+\]",
        _too_small_in_call,
    ),
    ("ValueError", r"[Nn]egative dimension size|output size .* negative", _too_small),
    ("ValueError", r"resulted in an empty output", _too_small_in_call),
    (
        "ValueError",
        r"is incompatible with the layer: expected (?:min_)?ndim=(\d+), found ndim=(\d+)"
        r"\. Full shape received: (\(.*?\))",
        _axes,
    ),
    (
        "ValueError",
        r"is incompatible with the layer: expected (?:shape|axis)",
        _other_bands,
    ),
    (
        "ValueError",
        r"Invalid input shape for input .*? Expected shape (\(.*?\)), but input has "
        r"incompatible shape (\(.*?\))",
        r"The network expects arrays of the shape \1, and gets \2. One image alone needs "
        "another axis in front: `image[None]`.",
    ),
    (
        "ValueError",
        r"input channels|depth of (?:the )?input",
        "The image has another number of bands than the layer was built for.",
    ),
    ("ValueError", r"Missing data for input \"(\w+)\".*?keys \[(.*?)\]", _input_name),
    (
        "ValueError",
        r"Layer \"(\w+)\" expects 1 input\(s\), but it received (\d+)",
        _several,
    ),
    ("KeyError", r"^-1$", _several),
    (
        "ValueError",
        r"argument value should be passed as a keyword argument: <(\w+) name=",
        _not_an_image,
    ),
    (
        "ValueError",
        r"argument value should be passed as a keyword argument: (.{1,40}?) \(of type",
        r"A layer must be called with an image, and gets `\1`. Is it the `net` of the line "
        "before?",
    ),
    (
        "ValueError",
        r"KerasTensor is symbolic|cannot be used as input to a TensorFlow",
        _SYMBOLIC,
    ),
    ("TypeError", r"KerasTensor cannot be used as a boolean", _SYMBOLIC),
    ("TypeError", r"int\(\) argument must be .* not 'KerasTensor'", _IMAGE_AS_NUMBER),
    ("NotImplementedError", r"Iterating over a symbolic", _IMAGE_AS_NUMBER),
    ("NotImplementedError", r"[Ss]ymbolic", _SYMBOLIC),
    (
        "ValueError",
        r"The name \"(\w+)\" is used (\d+) times",
        r"\2 layers have the name `\1`. Give each layer a name of its own.",
    ),
    (
        "ValueError",
        r"Argument `name` must be a string .*?Received: name=(.*?) \(of type",
        r"The name of a layer must be text without `/`, and is \1. Are the arguments in the "
        "right order?",
    ),
    (
        "ValueError",
        r"must be fully-defined .*shape=\([^)]*, None\)",
        "The number of filters, or of units, is `None`. Give a whole number above 0.",
    ),
    (
        "ValueError",
        r"Shapes used to initialize variables must be fully-defined",
        "`Flatten` and `Dense` need images of a fixed size, and this network takes images "
        "of any size. Leave them out: a convolution works on every size.",
    ),
    (
        "TypeError",
        r"returned a dictionary of .*?'(\w+)': \((?:None|\d+), (?:None|\d+)\)",
        r"The output `\1` is no longer an image: rows and columns are gone. A `Flatten`, "
        "`Dense` or global pooling takes them away; leave it out.",
    ),
    (
        "ValueError",
        r"Unrecognized keyword arguments passed to (\w+): (\{.*?\})",
        _keyword,
    ),
    (
        "ValueError",
        r"`(kernel_size|pool_size|strides)` argument must be .*?Received "
        r"\w+=(\([^)]*\)|.*?)(?:,|$)",
        _side,
    ),
    (
        "ValueError",
        r"argument `filters`.*?Received filters=(\S+?)\.?$",
        r"The number of filters is \1, and must be a whole number above 0.",
    ),
    (
        "ValueError",
        r"number of filters must be evenly divisible .*?filters=(\S+?)\.?$",
        r"The number of filters is \1, and must be a whole number above 0.",
    ),
    (
        "ValueError",
        r"`padding` argument must be .*?Received: (.*)",
        r'The padding is "\1", and must be "valid" or "same".',
    ),
    (
        "AttributeError",
        r"'(\w+)' object has no attribute 'lower'",
        "A number stands in the place of a word, such as a padding or an activation. Are "
        "the arguments in the right order?",
    ),
    ("ValueError", r"Could not interpret ([\w ]+?) identifier: (\S+)", _identifier),
    (
        "ValueError",
        r"`target` and `output` must have the same shape\. Received: target\.shape="
        r"(\(.*?\)), output\.shape=(\(.*?\))",
        r"The labels have the shape \1, and the network gives \2. Compare the number of "
        "classes, and the size of the patches.",
    ),
    (
        "ValueError",
        r"You must call `compile\(\)`",
        "The network must be compiled first, with an optimizer and a loss: "
        "`model.compile(…)`.",
    ),
    (
        "ValueError",
        r"No loss to compute",
        "The network is compiled without a loss, so there is nothing to make smaller. "
        '`loss={"estimated": …}` names the output and its loss.',
    ),
    (
        "ValueError",
        r"No gradients provided for any variable",
        "What is used as the loss cannot be made smaller by training. Is a metric given "
        "as the loss?",
    ),
    (
        "ValueError",
        r"Argument\(s\) not recognized: \{'(\w+)'",
        r"The optimizer has no argument `\1`. The learning rate is `learning_rate`.",
    ),
    (
        "KeyError",
        r"^'class_name'$",
        "A dictionary stands where Keras expects an optimizer, a loss or a metric. Are "
        "two arguments exchanged?",
    ),
    (
        "KeyError",
        r"The path: \('?(\w+)'?,?\) in the `?(\w+)`? argument",
        r"The \2 is given for an output `\1`, which the network does not have. Use the name "
        "of one of its outputs.",
    ),
    (
        "ValueError",
        r"File not found: filepath=(\S+?)\. Please",
        r"There is no file `\1`. Compare its name and folder with the cells before.",
    ),
)
