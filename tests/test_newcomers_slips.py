"""Slips of newcomers to Python, in all notebooks: the note names each of them."""

from textwrap import indent

import pytest

from tests.mutants import all_exercises
from tests.test_exercises import fresh
from tests.test_newcomers import noted

pytestmark = pytest.mark.thorough

EXERCISES = all_exercises()

MEAN, FIRST = "nb00_start.mean_reflectance", "nb01_patches.first_pixel"
LOST, ENTROPY = "nb01_patches.lost_share", "nb01b_networks_in_brief.cross_entropy"
SUM, STEP = (f"nb01b_networks_in_brief.{x}" for x in ("weighted_sum", "gradient_step"))
FIELD, RECALLS = (f"nb02_patch_based_cnn.{x}" for x in ("field_and_scale", "recalls"))
STANDARDISE, JITTER = (f"nb03_pixelwise_fcnn.{x}" for x in ("standardise", "jitter"))
COMPILE = "nb03_pixelwise_fcnn.compile_model"
EPOCH, RUN = (f"nb04_early_stopping.{x}" for x in ("best_epoch", "epochs_run"))
TRAINED = "nb05_mapping_a_scene.as_trained"
CALIBRATION = "nb05_mapping_a_scene.calibration_error"
VALID = "nb07_blocking_artifacts.valid_size"
ACCURACY = "nb08_convolutional_distortion.map_accuracy"
GROUND, CLASSES, FREEZE = (
    f"nb09_going_further.{x}" for x in ("shows_ground", "to_classes", "freeze")
)

READ = "pixels = rasters.read_array(path, window=window)\n"
LOOP = "for kernel, stride in layers"
OWN = "own = probabilities[labels == class_id]\n"
SHARE = "(own.argmax(axis=1) == class_id).mean()"
COMPILED = 'model.compile(optimizer="adam", loss={"estimated": "mse"})'

# Name of the exercise, body of the function, words of the note.
BODIES = {
    "print and no return": (FIRST, "print(centre - size // 2)", "`print` only shows"),
    "print behind return": (STEP, "return print(weight)", "`print` only shows"),
    "nothing behind a sum": (SUM, "(image * kernel).sum()", "end with `return …`?"),
    "one way without return": (VALID, "if transposed:\n    return x", "every way"),
    "append assigned": (
        MEAN,
        f"{READ}means = []\nmeans = means.append(3)\nreturn means.append(4)",
        "Write `a.append(…)` alone",
    ),
    "compile assigned": (COMPILE, f"model = {COMPILED}\nreturn model", "is `None`"),
    "compile returned": (FREEZE, f"return {COMPILED}", "`compile(…)` is `None`"),
    "no `()`": (MEAN, f"{READ}return pixels.mean / 100", "Call the function, with"),
    "no `()` in a comparison": (
        RECALLS,
        f"{OWN}return (own.argmax == class_id).mean(), {SHARE}",
        "Is each function in it called",
    ),
    "`()` too many": (LOST, "return patches.count()", "leave `()` out"),
    "round brackets for square ones": (
        ENTROPY,
        "return -np.log(probabilities(label))",
        "`probabilities[…]`, in square brackets",
    ),
    "square brackets for round ones": (
        ENTROPY,
        "return -np.log[probabilities[label]]",
        "round brackets: `np.log(…)`",
    ),
    "square brackets of a method": (
        JITTER,
        "return patch * rng.uniform[1 - gain, 1 + gain]",
        "round brackets: `rng.uniform(…)`",
    ),
    "an index in quotes": (
        ENTROPY,
        'return -np.log(probabilities["label"])',
        "`label` is written without quotes",
    ),
    "a path in quotes": (
        MEAN,
        'return rasters.read_array("path", window=window)',
        "Write `path` without quotes",
    ),
    "an attribute for an index": (
        ENTROPY,
        "return -np.log(probabilities.label)",
        "an array has no `label`.",
    ),
    "a path in quotes, in another line": (
        MEAN,
        'file = "path"\nreturn rasters.read_array(file, window=window)',
        "Write `path` without quotes",
    ),
    "the name of an argument is missing": (
        MEAN,
        "return rasters.read_array(path, window)",
        "Others need their name: `window=…`",
    ),
    "a function of another module": (
        MEAN,
        "return rasters.mean(path)",
        "Did you mean `np.mean`?",
    ),
    "a function with a long name": (
        STANDARDISE,
        "return (values - np.mean(training)) / np.stdev(training)",
        "Did you mean `std`?",
    ),
    "a method of tables": (
        STANDARDISE,
        "return (values - training.mean()) / training.sd()",
        "Did you mean `std`?",
    ),
    "an axis as text": (
        MEAN,
        f'{READ}return pixels.mean(axis="rows")',
        "a whole number is needed here, and this is text",
    ),
    "a list plus a number": (
        LOST,
        "return patches.rejected + 3",
        "The length of a list is `len(…)`",
    ),
    "the length of a number": (
        LOST,
        "return len(patches.rejected) / len(patches.count)",
        "Use it without `len`.",
    ),
    "an attribute that is not there": (
        LOST,
        "return patches.refused / patches.count",
        "It has `arrays`, `count`, `paths`",
    ),
    "half an attribute": (LOST, "return len(patches.reject)", "mean `rejected`?"),
    "a loop over a number": (
        SUM,
        "for i in len(kernel):\n    return image[i, i]",
        "write `for … in range(…)`",
    ),
    "a range of a shape": (
        SUM,
        "for i in range(kernel.shape):\n    return image[i, i]",
        "as in `shape[0]`",
    ),
    "values as places": (
        ACCURACY,
        "for i in users:\n    return users[i] * map_pixels[i]",
        "`range(len(…))` counts",
    ),
    "a pair like an object": (
        FIELD,
        "for layer in layers:\n    return (layer.kernel, layer.stride)",
        "`one, other = …`",
    ),
    "a list like a dictionary": (
        FIELD,
        f"{LOOP}.items():\n    return (kernel, stride)",
        "Only a dictionary has it.",
    ),
    "keys for keys and values": (
        CLASSES,
        "for code, number in class_of:\n    return codes",
        "`….items()` gives keys and values",
    ),
    "one value for two names": (
        RUN,
        "best, waited = val_loss[0]\nreturn 1",
        "need several values on the right",
    ),
    "a method of arrays": (
        EPOCH,
        "return val_loss.argmin() + 1",
        "NumPy has `np.argmin(…)`.",
    ),
    "a list compared with a number": (
        EPOCH,
        "return np.where(val_loss == min(val_loss))[0][0]",
        "`np.array(…)`",
    ),
    "a power for a product": (
        TRAINED,
        "return (pixels + add_offset) / quantification ** 10_000",
        "`**` is a power",
    ),
    "not in an array": (
        GROUND,
        "return scl not in (0, 1, 3)",
        "`np.isin(values, (…))`",
    ),
    "not of an array": (GROUND, "return not np.isin(scl, (0, 1, 3))", "Write `~`."),
    "or of arrays": (GROUND, "return scl != 0 or scl != 1", "`&` and `|`"),
    "no brackets": (GROUND, "return scl != 0 & scl != 1", "comparison in brackets"),
    "a chain": (GROUND, "return 3 < scl < 8", "joined by `&`"),
    "a method that arrays do not have": (
        CLASSES,
        "return codes.map(class_of)",
        "an array has no `map`.",
    ),
    "`abs` as a method": (
        CALIBRATION,
        "return (surest.mean() - right.mean()).abs()",
        "NumPy has `np.abs(…)`.",
    ),
    "a module that is not imported": (
        "nb02_patch_based_cnn.map_pixels",
        "return np.ceil(size / scale)",
        "Write `import numpy as np` first.",
    ),
    "many values for one": (
        FIRST,
        "return range(centre - size // 2, centre + size // 2)",
        "gave 16 values; it should be one: 0.",
    ),
}


def answered(name, code):
    """The note about code that makes an answer."""
    exercise = fresh(EXERCISES[name])
    given = exercise.example()
    return exercise.check(exercise.run(code, **given), **given)


@pytest.mark.parametrize("case", BODIES)
def test_a_slip_in_a_function_is_named(case):
    name, body, words = BODIES[case]
    lines = EXERCISES[name].solution_code.splitlines()
    first = next(line for line in lines if line.startswith("def "))
    note = answered(name, f"{first}\n{indent(body, '    ')}")
    assert note.kind in ("wrong", "raised")
    assert words in note.text


@pytest.mark.parametrize("arguments", ["", "centre", "centre, size, step"])
def test_other_arguments_than_those_of_the_question_are_named(arguments):
    note = answered(FIRST, f"def first_pixel({arguments}):\n    return 0")
    assert note.text.endswith(
        "Keep the line that begins with `def` as the question gives it."
    )


FCNN, DUAL = "nb03_pixelwise_fcnn.network", "nb06_two_sources.network"
DEEPER = "nb08_convolutional_distortion.deeper"
CONV2 = 'net = conv(net, 16, 3, "conv2")'
JOINED = 'keras.layers.Concatenate(name="feats")([fine, coarse])'
ADDED = "keras.layers.Add()([double(net, skip.shape[-1]), skip])"

# Name of the exercise, piece of the solution, what stands there, words of the note.
NETWORKS = {
    "no self": (FCNN, "(self, inputs)", "(inputs)", "`self` comes first"),
    "another method": (FCNN, "def network(", "def layers(", "no method `network`"),
    "a function of self": (FCNN, CONV2, f"net = self.{CONV2[6:]}", "without `self.`"),
    "an attribute": (FCNN, 'inputs["input"]', "inputs.input", 'write `["input"]`'),
    "a number": (FCNN, 'inputs["input"]', "inputs[0]", "The keys are names: `input`."),
    "round brackets": (FCNN, 'inputs["input"]', 'inputs("input")', "square brackets"),
    "a comma": (FCNN, CONV2, f"{CONV2},", "the comma behind it"),
    "half a filter": (FCNN, "(net, 16, 3,", "(net, 16.0, 3,", "is 16.0. It must be"),
    "a list of images": (
        FCNN,
        CONV2,
        f"net = keras.Sequential([{CONV2[6:]}])",
        "without `keras.Sequential`",
    ),
    "images one by one": (
        DUAL,
        "([fine, coarse])",
        "(fine, coarse)",
        "`Concatenate` takes one list",
    ),
    "a product of matrices": (
        DUAL,
        JOINED,
        "keras.layers.Dot(axes=-1)([fine, coarse])",
        "no fixed number of bands",
    ),
    "a product of matrices of two": (
        DUAL,
        JOINED,
        "keras.layers.Dot(axes=-1)(fine, coarse)",
        "`Dot` takes one list",
    ),
    "a sum one by one": (
        DEEPER,
        ADDED,
        ADDED.replace("[double", "double").replace("skip])", "skip)"),
        "`Add` takes one list",
    ),
    "the difference of one": (
        DEEPER,
        ADDED,
        "keras.layers.Subtract()([skip])",
        "its list has 1",
    ),
    "filters of an image": (DEEPER, ".shape[-1]", ".filters", "`.shape[-1]`"),
    "no super": (
        DEEPER,
        "super().__init__(crops=",
        "dict(crops=",
        "`super().__init__(",
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_slip_in_a_network_is_named(case):
    name, old, new, words = NETWORKS[case]
    note = noted(name, (old, new))
    assert note.kind in ("wrong", "raised")
    assert words in note.text
    assert "another kind of answer" not in note.text
