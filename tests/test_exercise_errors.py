"""Errors that real code of learners raises, and the sentences that notes say."""

import re

import numpy as np
import pytest

from tutorial_lib import testing
from tutorial_lib.exercises import Exercise
from tutorial_lib.exercises.attempts import run_code
from tutorial_lib.exercises.causes import nearest
from tutorial_lib.exercises.errors import describe_error
from tutorial_lib.exercises.findings import try_cases

IMPORTS = """
import math
import keras
import numpy as np
import pandas as pd
import rasterio
import tensorflow as tf
import tutorial_lib as tl

L = keras.layers


def conv(net, filters, kernel, name, activation="relu"):
    return keras.layers.Conv2D(filters, kernel, activation=activation, name=name)(net)


def image(*shape):
    return keras.Input(shape or (None, None, 4))


def build(network):
    kind = type("Own", (tl.PatchModel,), {"network": network})
    return kind(crops=()).build({"input": 4})


def add(one, other):
    return one + other


def small():
    start = image()
    return keras.Model(start, conv(start, 3, 1, "softmax"))


def trained(target, classes=6, **compiled):
    model = tl.architectures.pixelwise_fcnn(6, crops=())
    if compiled:
        model.compile(**compiled)
    images = {"input": np.zeros((2, 16, 16, 4), "float32")}
    model.fit(images, {target: np.zeros((2, 1, 1, classes))}, verbose=0)


LOSS = {"estimated": "categorical_crossentropy"}
"""


@pytest.fixture(scope="module")
def names():
    scene = testing.small_scene()
    return run_code(IMPORTS, {"scene": scene}, title="cell 1")


def check(names, body, call="answer()"):
    """The note about a function whose body raises an error when the check calls it."""
    lines = "\n    ".join(body.split("\n"))
    answer = run_code(f"def answer():\n    {lines}", names, title="cell 2")["answer"]
    exercise = Exercise(
        name="side",
        title="Side",
        question="?",
        answer_name="answer",
        stub="answer = ...",
        solution_code="def answer():\n    return 1",
        judge=lambda answer: answer() and None,
        mistakes={},
        hints=("a",),
    )
    return exercise.check(answer)


# Code of a learner, and words that the sentence must have.
NETWORKS = [
    (
        "L.Concatenate()([image(8, 8, 4), image(6, 6, 4)])",
        "8 x 8 pixels",
        "same height",
    ),
    ("L.Add()([image(8, 8, 4), image(6, 6, 4)])", "6 x 6 pixels", "same height"),
    ("L.Add()([image(8, 8, 4), image(8, 8, 3)])", "with 3 bands", "number of bands"),
    ("image(8, 8, 4) + image(6, 6, 4)", "different size", "same height"),
    ("keras.ops.add(image(8, 8, 4), image(6, 6, 4))", "different size"),
    ("L.Concatenate()(image(8, 8, 4))", "takes one list", "`L.Concatenate()([one"),
    ("L.Add()(image(), image())", "takes one list", "`L.Add()([one, other])`"),
    ("L.MaxPool2D()(image(), image())", "Other layers take one image."),
    ("L.Conv2D(3, 5)(image(4, 4, 2))", "kernel of 5 x 5", "4 x 4 pixels"),
    ("L.MaxPool2D(4)(image(3, 3, 2))", "pooling block of 4 x 4", "3 x 3"),
    ("conv(image(16, 16, 4), 3, 32, 'a')", "32 x 32", "exchanged"),
    ("build(lambda self, x: {'estimated': conv(x, 3, 3, 'a')})", 'x["input"]'),
    (
        "build(lambda self, x: {'estimated': L.Flatten()(x['input'])})",
        "no longer an image",
    ),
    (
        "build(lambda self, x: {'estimated': L.Dense(6)(L.Flatten()(x['input']))})",
        "any size",
    ),
    ("keras.losses.categorical_crossentropy(0, np.full(2, 0.5))", "a single number"),
    ("L.Conv2D(2, 2)(L.Flatten()(image(4, 4, 2)))", "4 axes", "`Flatten` or `Dense`"),
    ("build(lambda self, x: conv(x['input'], 3, 3, 'a'))", "dictionary of images"),
    ("np.sqrt(image())", "no values yet", "keras.ops"),
    ("np.concatenate([image(), image()], -1)", "no values yet"),
    ("tf.reduce_sum(image(), -1)", "no values yet"),
    ("if image() > 0:\n    return 1", "no values yet"),
    ("conv(L.MaxPool2D(2), 3, 3, 'a')", "made, but not called"),
    ("L.MaxPool2D(image())(image())", "its settings first"),
    ("conv(3, 3, image(), 'a')", "order of the arguments"),
    ("conv(image(), 3, 'a', 3)", "right order"),
    ("conv(image(), 3, 3, 'a', activation='rellu')", "Did you mean `relu`?"),
    (
        "net = conv(image(), 3, 3, 'a')\nnet = conv(net, 3, 3, 'a')\n"
        "return keras.Model(net, net) and keras.Model(image(), net)",
        "",
    ),
    ("L.Conv2D(3, 3, activaton='relu')", "Did you mean `activation`?"),
    ("L.Conv2D(filters=3)", "`kernel_size`", "missing"),
    ("L.Conv2D(3, 0)(image())", "`kernel_size` is 0"),
    ("L.Conv2D(-3, 3)(image())", "-3", "above 0"),
    ("L.Conv2D(3, 3, padding='some')(image())", '"valid" or "same"'),
    ("L.Conv2D(3, 3, 2, 3)(image())", "in the place of a word"),
    ("keras.callbacks.EarlyStopping(monitr='val_loss')", "Did you mean `monitor`?"),
    ("keras.optimizers.get(keras.optimizers.Adam)", "a class, and must be called"),
    ("keras.optimizers.get('adamm')", "optimizer", "`Adam`"),
    ("L.Conv2D(3, 3)(np.zeros((16, 16, 4), 'float32'))", "`image[None]`"),
    ("trained('estimated')", "compiled first"),
    ("trained('estimated', 5, loss=LOSS)", "number of classes"),
    ("trained('estimated', loss={'estimated': 'categorical'})", "no loss of the name"),
    ("trained('estimated', loss={'labels': 'mse'})", "`labels`", "does not have"),
    ("trained('labels', loss=LOSS)", "labels"),
    ("keras.models.load_model('/nowhere.keras')", "no file `/nowhere.keras`"),
    (
        "model = tl.architectures.pixelwise_fcnn(6, crops=())\n"
        "return model({'input': np.zeros((1, 8, 8, 4), 'float32')})",
        "smaller than its kernel",
    ),
    (
        "tl.architectures.pixelwise_fcnn(6, crops=())({'x': np.zeros((1, 18, 18, 4))})",
        "an input `input`",
        "`x`",
    ),
    (
        "tl.architectures.pixelwise_fcnn(6, crops=())"
        "({'input': np.zeros((1, 18, 18, 3))})",
        "4 bands",
        "with 3 bands",
    ),
]
TRAININGS = [
    ("L.Add()(image())", "takes one list"),
    ("L.Dot(axes=3)(image())", "takes one list", "`L.Dot(axes=-1)([one, other])`"),
    ("L.Dot(axes=3)(image(), image())", "takes one list", "`L.Dot(axes=-1)([one"),
    ("L.Dot(image(), image())", "two pairs of brackets", "`L.Dot(axes=-1)([one"),
    ("L.Dot([image(), image()])", "two pairs of brackets", "`L.Dot(axes=-1)([one"),
    ("L.Dot(axes=3)([image()])", "joins two images, and its list has 1"),
    ("L.Dot()([image(), image()])", "also needs `axes`"),
    ("L.Dot(axes=1)([image(8, 8, 4), image(6, 6, 4)])", "has 8 values", "second 6"),
    ("L.Subtract()([image()])", "joins two images, and its list has 1"),
    ("L.Subtract()([image(), image(), image()])", "and its list has 3"),
    ("L.Multiply()({'a': image(), 'b': image()})", "`Multiply` takes one list"),
    ("join = L.Maximum()\nreturn join({'a': image()})", "`Maximum` takes one list"),
    ("L.Minimum()([])", "`Minimum` gets an empty list"),
    ("levels = []\nreturn L.Concatenate()(levels)", "gets an empty list"),
    ("L.Average()([image(), None])", "`Average` gets `None`", "result of a layer"),
    ("net = None\nreturn L.Concatenate()([image(), net])", "`net`, which is `None`"),
    ("L.Concatenate()([image(8, 8, 4), image(4)])", "numbers of axes", "`Flatten`"),
    ("L.Attention()(image())", "list of two or three images"),
    ("super.__init__(3)", "`super().__init__(…)`"),
    ("conv(image(), None, 3, 'a')", "number of filters", "is `None`"),
    ("conv(image(), 3, '3', 'a')", "`kernel_size` is 3", "without quotes"),
    ("conv(image(), 3, (3, 3, 3), 'a')", "`kernel_size` is (3, 3, 3)"),
    ("conv(image(), 3, 3, 'a/b')", "without `/`", "a/b"),
    ("conv([image(), image()], 3, 3, 'a')", "a dictionary or a list"),
    ("x = image(), image()\nreturn conv(x, 3, 3, 'a')", "tuple of 2", "Add()([one"),
    ("L.Add(3)", "`L.Add()([one, other])`", "two pairs of brackets"),
    ("L.Average(name='a', x=[image(), image()])", "`L.Average()([one, other])`"),
    ("conv(L.Concatenate([image()]), 3, 3, 'a')", "`L.Concatenate()([one, other])`"),
    ("L.Add(axis=3)", "no argument `axis`"),
    ("conv(image(), '3', 3, 'a')", "Inside the function", "without quotes"),
    ("type('Own', (tl.PatchModel,), {'net': 3})()", "`Own` has no method `network`"),
    ("conv(L.MaxPool2D, 3, 3, 'a')", "the class `MaxPooling2D`", "two pairs"),
    ("conv(None, 3, 3, 'a')", "gets `None`", "line before"),
    ("image()['a']", "this index is `a`", "`inputs`"),
    ("image() + 'a'", "is text"),
    ("image() + None", "`None`"),
    ("L.Dropout(5)", "`rate` is 5", "between 0 and 1"),
    ("keras.Model(image(), conv(image(), 3, 3, 'a'))", "does not come from its inputs"),
    ("small().get_layer('Softmax')", "no layer `Softmax`", "Did you mean `softmax`?"),
    ("small().get_layer('abc')", "It has", "`softmax`"),
    ("keras.optimizers.Adam('rate')", "above 0", "`rate`"),
    ("keras.optimizers.Adam(0)", "above 0", "`0`"),
    ("small().compile('adam', 'mse', 'mae')", "`loss_weights` cannot be `mae`"),
    ("small().layers[-1].trainable = small().layers[1]", "`True`"),
    ("small()()", "`inputs`", "missing"),
    ("small().save_weights('a.keras')", "`.weights.h5`"),
]
VALUES = [
    ("return centr + 1", "`centr` is not known"),
    ("centre = 3\nreturn centr + 1", "Did you mean `centre`?"),
    ("np.ln(2)", "Did you mean `log`?"),
    ("ceil(2.5)", "Did you mean `np.ceil`?"),
    ("math.log(np.ones(3))", "this is an array", "`math`"),
    ("np.ceil(5, 2)", "an argument too many"),
    ("np.zeros(3)['a']", '`"a"` is text'),
    ("np.zeros(3)[{1}]", "neither"),
    ("np.zeros((3, 4)).mean(0, 1)", "`axis=(0, 1)`"),
    ("np.zeros((3, 4)).mean(axis=[0, 1])", "`axis=(0, 1)`"),
    ("return kernel_side + 1", "Does a line before assign it?"),
    ("if 0:\n    k = 3\nreturn k", "`k` has no value yet"),
    ("L.Conv2d(3, 3)", "Did you mean `Conv2D`?"),
    ("np.zeros(3).shpae", "Did you mean `shape`?"),
    ("(3).shape", "A number has no `shape`"),
    ("[1].apend(2)", "A list has no `apend`. Did you mean `append`?"),
    ("np.zeros(3).length", "An array has no `length`. Its length is `len(…)`."),
    ("{'input': 3}.input", 'write `["input"]` in place of `.input`'),
    ("np.float32.layers", "`numpy.float32` is a class", "Is it called"),
    ("None.shape", "without `return`"),
    ("sizes = {'input_10m': 1}\nreturn sizes['input_10']", "Did you mean `input_10m`?"),
    ("table = pd.DataFrame({'a': [1]})\nreturn table['b']", "There are: `a`"),
    ("tl.extract_patches(scene['input_10m'], siz=16)", "Did you mean `sizes`?"),
    ("tl.select_positions(scene['labels'], cout=3)", "Did you mean `count`?"),
    ("add(1)", "`other`", "missing"),
    ("add()", "`one` and `other`: 2 arguments are missing"),
    ("add(1, 2, 3)", "takes 2 arguments, `one` and `other`, and the call gives 3."),
    ("(lambda a, b=1: a)(1, 2, 3)", "takes 1 to 2 arguments and the call gives 3."),
    ("small().count_params(1)", "takes no argument and the call gives 1."),
    (
        "tl.select_positions(scene['labels'], 4, 5)",
        "takes 1 argument, `labels_path`, and the call gives 3.",
        "Others need their name: `strategy=…`, `count=…`",
    ),
    ("tl.write_maps(3)", "The kit has no `write_maps`. Is its name"),
    ("tl.Conv2D(3)", "The kit has no `Conv2D`. Did you mean `keras.layers.Conv2D`?"),
    ("add(1, 2, one=3)", "twice"),
    ("[1, 2][5]", "shorter than this index"),
    ("np.zeros(3)[5]", "no value 5", "3 values"),
    ("np.zeros((3, 4))[1, 2, 3]", "2 axes"),
    ("np.zeros(3)[1.0]", "whole number"),
    ("range(3.0)", "whole number", "`//`"),
    ("[1, 2, 3][:1.5]", "whole number"),
    ("a = [1, 2]\nreturn a[0, 1]", "one index"),
    ("a, b = 1, 2, 3", "2 names"),
    ("a, b = (1,)", "2 names"),
    ("a, b = 3", "need several values on the right"),
    ("(1, 2) - 1", "`size[0]`"),
    ("'3' + 3", "without quotes"),
    ("[1, 2] * 1.5", "cannot multiply"),
    ("None + 1", "`return`"),
    ("'3' < 3", "without quotes"),
    ("add + 1", "with `()`"),
    ("np.zeros(3).mean + 1", "with `()`"),
    ("a = 3\nreturn a(4)", "Is a `*` missing"),
    ("for one in add:\n    pass", "Several values", "a function"),
    ("add[0]", "round brackets: `add(…)`"),
    ("[add][0][0]", "Call the function first, with `()`."),
    ("{[1]: 2}", "key of a dictionary"),
    ("add(*3)", "several arguments"),
    ("-add", "no meaning"),
    ("np.zeros((3, 4)) + np.zeros((4, 3))", "(3,4) and (4,3)"),
    ("np.concatenate([np.zeros((3, 4)), np.zeros((2, 3))], axis=1)", "`axis`"),
    ("np.zeros(6).reshape(4, 2)", "does not fit"),
    ("np.zeros((3, 4)).sum(axis=2)", "no axis 2"),
    ("np.zeros((3, 4)).sum(axis=(0, 0))", "twice"),
    ("np.stack([np.zeros(3), np.zeros(4)])", "stacked"),
    ("if np.zeros(3) > 0:\n    return 1", "`.any()`"),
    ("np.zeros((3, 4)) @ np.zeros((3, 4))", "`*`"),
    ("a = np.arange(3)\na /= 2", "a = a / b"),
    ("np.zeros(3)[np.zeros(2)]", "whole number"),
    ("min([])", "empty"),
    ("np.argmin([])", "empty"),
    ("np.array([[1, 2], [3]])", "different lengths"),
    ("pd.DataFrame({'a': [1], 'b': [1, 2]})", "different lengths"),
    ("pd.DataFrame({'a': [1]}).iloc[4]", "no row"),
    ("math.sqrt(-1)", "negative"),
    ("int('3.5')", "'3.5'"),
    ("1 // 0", "divides by zero"),
    ("rasterio.open('/nowhere/x.tif')", "/nowhere/x.tif"),
    ("rasterio.open(scene['input_10m']).read(9)", "no band 9"),
    ("open('/nowhere')", "The file was not found"),
    ("return answer()", "calls itself"),
    ("import tensorfow", "no module `tensorfow`"),
    ("from numpy import maen", "`numpy` has no `maen`"),
    ("tl.exports(3)", "The kit has no `exports`. Did you mean `export`?"),
    ("a = 255\na[np.ones(3) > 0] = 1", "this is a number", "Make an array"),
    ("a = np.uint8(255)\na[0] = 1", "this is a single number"),
    ("a = None\na[0] = 1", "nothing back"),
    ("a = np.zeros\na[0] = 1", "a function", "with `()`"),
    ("a = [1, 2]\na[np.ones(2) > 0] = 1", "`a` is a list", "array"),
    ("np.sum(np.ones(2), np.ones(2))", "an axis or a count"),
    ("np.ones((4, 5))[np.ones((5, 4)) > 0]", "5 values along axis 0", "has 4"),
    ("a = np.zeros(3)\na[a == 0] = [1, 2]", "chooses 3", "there are 2"),
    ("a = np.zeros(3)\na[:] = [1, 2]", "(2,)", "(3,)"),
    ("np.zeros(3)[0][0]", "one index too many"),
    ("np.array([[1, 2]]).astype('unit8')", "Did you mean `uint8`?"),
    ("np.zeros(3, 'numbers')", "`numbers`", "Usual ones"),
    ("np.full(3, 256, 'uint8')", "from 0 to 255"),
    ("np.zeros(10**13)", "(10000000000000,)", "memory"),
    ("np.zeros((3, -1))", "negative"),
    ("np.zeros({1: 2})", "whole number"),
    ("np.zeros(3) + 'a'", "`add`", "without quotes"),
    ("np.sum(['a', 'b'])", "without quotes"),
    ("np.sqrt({})", "a dictionary"),
    ("np.zeros(3) > 'a'", "`greater`", "without quotes"),
    ("-(np.zeros(3) > 1)", "`~`"),
    ("np.where(np.ones(3) > 0, 1)", "three things"),
    ("np.select([np.ones(3) > 0], [])", "one length"),
    ("np.concatenate([])", "list of arrays", "empty"),
    ("np.concatenate([1, 2])", "single numbers"),
    ("np.concatenate(x for x in [np.ones(2)])", "square brackets"),
    ("np.ones((5, 5))[range(3), range(2)]", "`first:last`"),
    ("np.ones((2, 3)).dot(np.ones(2))", "(2,3) and (2,)", "`*`"),
    ("np.broadcast_to(np.ones(3), (2, 2))", "(3,) and (2,2)"),
    ("np.ones((2, 3)).transpose(0, 1, 2)", "each of its axes"),
    ("round(np.ones(3))", "`np.round`"),
    ("np.average(np.ones(2), np.ones(2))", "`weights=…`"),
    ("np.random.default_rng().choice(3, 5, replace=False)", "`replace=False`"),
    ("np.random.default_rng().choice([], 5)", "nothing to draw from"),
    ("np.random.default_rng().choice(3, 5, p=[1])", "their sum must be 1"),
    ("np.random.default_rng().integers(0)", "larger than the lower"),
    ("np.ones(2).unique()", "`np.unique(…)`"),
    ("np.ones(2).mean(weights=3)", "`mean` has no argument `weights`"),
    ("np.add(1)", "`add` needs 2 arguments and the call gives 1."),
    ("{1: 2}[3]", "no key 3", "`key in …`"),
    ("{1: 2}[np.uint8(60)]", "no key 60"),
    ("{1: 2}[1, 2]", "no key (1, 2)"),
    ("int(None)", "nothing (`None`)"),
    ("float(add)", "a function", "with `()`"),
    ("range('3')", "whole number", "text"),
    ("len(1, 2)", "`len` cannot be called", "exactly one argument (2 given)"),
    ("sum([1], 2, 3)", "`sum` cannot be called", "at most 2 arguments (3 given)"),
    ("sum(np.ones((3, 4)), axis=0)", "`np.sum(…, axis=…)`", "no argument `axis`"),
    ("max(np.ones((3, 4)), axis=0)", "`np.max(…, axis=…)`"),
    ("sorted(np.ones(3), axis=0)", "`sorted` of Python", "`np.sort(…, axis=…)`"),
    ("any(np.ones(3), axis=0)", "`np.any(…, axis=…)`"),
    ("abs(np.ones(3), axis=0)", "`np.abs` takes an array", "needs no `axis`"),
    ("round(np.ones(3), axis=0)", "`np.round` takes an array", "needs no `axis`"),
    ("max(np.ones((3, 4)))", "`np.max`, or `np.maximum` for two"),
    ("sorted(np.ones((3, 4)))", "Use `np.sort`."),
    ("if max(np.ones((3, 4))) > 1:\n    return 1", "`.any()`"),
    ("len(x=2)", "`len` cannot be called", "takes no keyword arguments"),
    ("(lambda: 3)(mode=4)", "The `lambda` has no argument `mode`"),
    ("(lambda: 3)(4)", "The `lambda` takes no argument and the call gives 1."),
    ("open(np.ones(2))", "path of a file", "an array"),
    ("[*3]", "a number"),
    ("{**3}", "a number"),
    ("range(3)[5]", "shorter than this index"),
    ("range(1, 3, 0)", "step is 0"),
    ("next(x for x in [] if x)", "nothing left"),
    ("1 << -3", "negative"),
    ("float(np.array('a'))", "made a number: 'a'."),
    ("a = []\na = a.append(3)\nreturn a.append(4)", "Write `a.append(…)` alone."),
    ("len(3)", "`len` counts", "Use it without `len`."),
    ("len(add)", "`len` counts", "this is a function"),
    ("k = 3\nreturn k()", "leave `()` out."),
    ("k = np.ones(3)\nreturn k(1)", "`k` is an array", "`k[…]`, in square brackets"),
    ("np.log[3]", "round brackets: `np.log(…)`"),
    ("k = 'input'\nreturn np.ones(3)['k']", '`"k"` is text', "without quotes"),
    ("for i in np.ones(2):\n    np.ones(3)[i]", "`i` is 1", "`range(len(…))`"),
    ("for i in len([1, 2]):\n    pass", "`for … in range(…)`"),
    ("range(np.ones((3, 4)).shape)", "as in `shape[0]`"),
    ("a, b = [(1, 2)][0].kernel", "`one, other = …`"),
    ("[1].items()", "Only a dictionary has it."),
    ("[1].argmin()", "NumPy has `np.argmin(…)`."),
    ("(np.ones(3).argmax == 3).mean()", "called, with `()`"),
    ("np.where([1, 2] == 1)", "`np.array(…)`"),
    ("np.stdev([1, 2])", "Did you mean `std`?"),
    ("keras.mean([1, 2])", "Did you mean `np.mean`?"),
    ("np.ones(3) / 10000 ** 10000", "`**` is a power"),
    ("[1] + 3", "The length of a list is `len(…)`"),
    ("path = 'a'\nreturn open('path')", "Write `path` without quotes"),
    ("return np.ones(3) not in (0, 1)", "`np.isin(values, (…))`"),
    ("return not np.ones(3)", "Write `~`."),
    ("return np.ones(3) == 1 & np.ones(3) == 1", "each comparison in brackets"),
    ("np.ones(3) > 0.5 & np.ones(3) > 1", "each comparison in brackets"),
    ("return 0 < np.ones(3) < 2", "joined by `&`"),
    ("tl.Source('a').file", "`Source` has no `file`", "It has `bands`"),
    ("plt.plot([1])", "Write `import matplotlib.pyplot as plt` first."),
]


COMMON = [(x[0], x[1:]) for x in NETWORKS + TRAININGS + VALUES]


@pytest.mark.parametrize(("code", "words"), COMMON)
def test_a_known_error_becomes_a_sentence_on_its_cause(names, code, words):
    note = check(names, code)
    assert note.kind == "raised"
    for word in words:
        assert word in note.text
    if words[-1] and "`TypeError`: `network`" not in note.text:
        assert note.folded or "labels" in words


def test_keys_are_those_of_the_dictionary_that_lacks_the_key(names):
    code = "a, b = {'fine': 1}, {'coarse': 2}\nreturn a['fine'] + b['fine']"
    assert "no key `fine`. There are: `coarse`." in check(names, code).text


def test_long_text_is_not_shown(names):
    note = check(names, "float(str(np.zeros((50, 50))))")
    assert len(note.text.splitlines()[0]) < 90


@pytest.mark.thorough
@pytest.mark.parametrize("code", [x[0] for x in NETWORKS])
def test_no_note_has_colours_of_terminals_or_nodes_of_graphs(names, code):
    note = check(names, code)
    everything = f"{note!r}{note._repr_html_()}"
    assert "\x1b" not in everything
    assert not re.search(r"function_node|\{\{|Exception encountered", everything)


def test_plain_text_has_the_sentence_and_the_line_only(names):
    """Numbers of automatic names change from run to run: they are folded away."""
    code = "net = image(8, 8, 4)\nnet = L.Add()([net, image(6, 6, 4)])"
    first, second = (repr(check(names, code)) for _ in range(2))
    assert first == second
    assert first.splitlines()[2:] == [
        "Line 3 of the cell: `net = L.Add()([net, image(6, 6, 4)])`"
    ]


def test_the_original_error_is_folded_in_the_page(names):
    note = check(names, "L.Add()([image(8, 8, 4), image(6, 6, 4)])")
    assert note.folded.startswith("ValueError: Inputs have incompatible shapes")
    page = note._repr_html_()
    assert "<details><summary>The original error</summary>" in page
    assert "incompatible shapes" in page
    assert "incompatible shapes" not in repr(note)


def test_the_line_is_that_of_the_learner_and_not_of_a_function_of_the_notebook(names):
    note = check(names, "net = conv(image(4, 4, 2), 3, 5, 'a')\nreturn net")
    assert "Line 2 of the cell: `net = conv(image(4, 4, 2), 3, 5, 'a')`" in note.text


def test_an_unknown_error_shows_its_type_its_first_line_and_the_line(names):
    note = check(names, "raise OSError('first\\nsecond')")
    lines = note.text.splitlines()
    assert lines[0] == "`OSError`: first"
    assert lines[1].startswith("Line 2 of the cell:")
    assert note.folded == "OSError: first\nsecond"


def test_an_error_of_the_kit_stays_as_it_is(names):
    note = check(names, "tl.select_positions(3)")
    assert note.text.startswith("`TypeError`: ")
    assert not note.folded


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("kernelsize", ["filters", "kernel_size"], "kernel_size"),
        ("Conv2d", ["Conv1D", "Conv2D"], "Conv2D"),
        ("heigth", ["height", "weight"], "height"),
        ("MaxPool", ["AveragePooling2D", "MaxPool2D"], "MaxPool2D"),
        ("rate", ["learning_rate", "clipvalue"], "learning_rate"),
        ("best_weights", ["restore_best_weights"], "restore_best_weights"),
        ("maen", ["mean", "max"], "mean"),
        # Alike by chance.
        ("x", ["filters", "kernel_size"], ""),
        ("label", ["ravel", "all"], ""),
        ("num", ["sum"], ""),
        ("image_height", ["image", "image_path"], ""),
        ("distance", ["instance"], ""),
    ],
)
def test_the_name_that_is_probably_meant(name, names, meant):
    assert nearest(name, names) == meant


def test_of_many_names_few_are_meant():
    assert nearest("pritn", ["print", "int"], strict=True) == "print"
    assert nearest("inputs", ["input"], strict=True) == ""
    assert nearest("item", ["iter"], strict=True) == ""


def test_an_error_without_a_message_shows_its_type():
    assert describe_error(OSError()) == ("`OSError`, without a message.", "")


def test_an_error_without_a_sentence_says_what_the_names_in_its_line_are(names):
    code = "codes, steps = np.ones((4, 3)), 50\nparts = np.split(codes, steps)"
    text = check(names, code).text
    assert text.endswith(
        "In this line, `codes` is an array of the shape (4, 3) and `steps` is 50."
    )
    bare = check(names, "np.split(np.ones(3), None)").text
    assert "`None` is" not in bare
    own = check(names, "steps = 50\nassert steps == 3, 'not 3'").text
    assert own.splitlines()[0] == "`AssertionError`: not 3"
    assert "In this line" not in own


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        ("return itertools.count()", "Write `import itertools` first."),
        ("return time.time()", "Write `import time` first."),
        # A name that a module of Python has too, and that a learner gives to a value.
        ("return statistics * 2", "Does a line before assign it?"),
    ],
)
def test_a_module_that_is_not_imported_is_named(names, body, cure):
    assert cure in check(names, body).text


@pytest.mark.parametrize(
    ("body", "words", "elsewhere"),
    [
        # Functions of modules that the learner writes without the module.
        ("EarlyStopping(patience=3)", "`keras.callbacks.EarlyStopping`", "make_"),
        ("Conv2D(3, 3)", "`keras.layers.Conv2D`", "conv2d"),
        ("callbacks.EarlyStopping()", "`keras.callbacks`", "assign"),
        ("mean([1, 2])", "`np.mean`", "assign"),
        ("mean = mean([1, 2])", "`np.mean`", "every way"),
        ("select_positions(3)", "`tl.select_positions`", "assign"),
        # A text without quotes, and a value of the notebook that is written alike.
        ("keras.callbacks.EarlyStopping(monitor=validation_loss)", "quotes", "val_l"),
        ("return {input_10m: 16}", "A text needs quotes.", "Did you mean"),
        ("return 1 if 3 == input_10m else 2", "A text needs quotes.", "Did you mean"),
        ("images = 1\nreturn np.mean(band)", "The function has `images`.", "bands"),
        # A name of the function itself comes first.
        ("bandz = 1\nreturn np.mean(bands_)", "Did you mean `bandz`?", "quotes"),
        ("random.uniform(0, 1)", "`rng.uniform(…)`", "import"),
        ("return np.mean(rgn)", "Did you mean `rng`?", "assign"),
    ],
)
def test_a_name_that_is_not_known_leads_to_what_is_meant(names, body, words, elsewhere):
    values = {"bands": 3, "val_loss": [1], "make_stopping": min, "conv2d": 1}
    values["rng"] = np.random.default_rng(0)
    text = check(names | values, body).text.splitlines()[0]
    assert words in text
    assert elsewhere not in text


def noted(names, code):
    """The note about a whole cell that defines `answer` of two arguments."""
    answer = run_code(code, names, title="cell 3")["answer"]
    exercise = Exercise(
        name="side",
        title="Side",
        question="?",
        answer_name="answer",
        stub="answer = ...",
        solution_code="def answer(a, b):\n    return a",
        judge=lambda answer: try_cases(answer, [(3, 4)], lambda a, b: a),
        mistakes={},
        hints=("a",),
    )
    return exercise.check(answer).text


def test_a_function_with_other_arguments_than_asked_for_is_named(names):
    kept = "Keep the line that begins with `def` as the question gives it."
    few = noted(names, "def answer(a):\n    return a")
    assert f"takes 1 argument and the call gives 2. {kept}" in few
    many = noted(names, "def answer(a, b, c):\n    return a")
    assert f"also needs `c`: an argument is missing in the call. {kept}" in many
    inside = noted(names, "def answer(a, b):\n    return add(a)")
    assert "also needs `other`" in inside
    assert kept not in inside


def test_a_value_that_is_printed_is_not_given_back(names):
    text = noted(names, "def answer(a, b):\n    print(a)")
    assert text.endswith("`print` only shows a value; `return` gives it back.")
    text = noted(names, "def answer(a, b):\n    a + b")
    assert text.endswith("Does it end with `return …`?")


def test_many_values_in_place_of_one_are_counted_once(names):
    text = noted(names, "def answer(a, b):\n    return list(range(20))")
    assert text == "`answer(3, 4)` gave 20 values; it should be one: 3."


def test_a_method_without_self_is_told_so(names):
    text = check(
        names, "class Own:\n    def side(n):\n        pass\nOwn().side(3)"
    ).text
    assert "`side` takes no argument and the call gives 1. Keep its line" in text


def test_a_module_is_named_where_nothing_draws_random_numbers(names):
    assert "Write `import random` first." in check(names, "random.random()").text
