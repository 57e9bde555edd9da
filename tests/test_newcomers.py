"""Answers that newcomers gave: wrong ones are named, right ones are accepted."""

from fractions import Fraction

import keras
import numpy as np
import pytest

from tests.mutants import all_exercises
from tests.test_exercises import fresh
from tutorial_lib.exercises import nb04_early_stopping

pytestmark = pytest.mark.thorough

EXERCISES = all_exercises()


def noted(name, *changes):
    """The note about a solution in which pieces of code are replaced."""
    exercise = fresh(EXERCISES[name])
    code = exercise.solution_code
    for old, new in changes:
        assert old in code, f"{old!r} is not in the solution of {name}"
        code = code.replace(old, new)
    given = exercise.example()
    return exercise.check(exercise.run(code, **given), **given)


FCNN, DEEPER = "nb03_pixelwise_fcnn.network", "nb08_convolutional_distortion.deeper"
DATASET, STOPPING = "nb06_two_sources.make_dataset", "nb04_early_stopping.make_stopping"
DUAL, EPOCHS = "nb06_two_sources.network", "nb04_early_stopping.epochs_run"
FORMS, MENDED = "nb04_early_stopping.eight_forms", "nb04_early_stopping.mended_source"
FILTERS = "(16, 32, 64, 64, 64)"
PATIENCE = "patience=3"


def activated(activation):
    """Replace the activation of all layers between the first and the classifier."""
    return [
        (f'"{name}")', f'"{name}", activation={activation})')
        for name in ("conv2", "conv3", "conv4", "conv5", "conv6", "feats")
    ]


WRONG = {
    "softmax in all layers": (FCNN, *activated('"softmax"')),
    "no activation in six layers": (FCNN, *activated("None")),
    "kernels in another order": (
        FCNN,
        ('32, 3, "conv6"', '32, 2, "conv6"'),
        ('32, 2, "feats"', '32, 3, "feats"'),
    ),
    "filters and kernel swapped": (FCNN, ('16, 3, "conv2"', '3, 16, "conv2"')),
    "the whole dictionary": (FCNN, ('inputs["input"]', "inputs")),
    "a result thrown away": (
        FCNN,
        ('net = conv(net, 32, 3, "conv4")', 'conv(net, 32, 3, "x")'),
    ),
    "flattened": (
        FCNN,
        (
            'net = conv(net, 32, 2, "feats")',
            "net = keras.layers.Dense(32)(keras.layers.Flatten()(net))",
        ),
    ),
    "filters from large to small": (DEEPER, (FILTERS, "(64, 64, 64, 32, 16)")),
    "filters that double": (DEEPER, (FILTERS, "(16, 32, 64, 128, 256)")),
    "one crop only": (DEEPER, ("(8, 16, 32, 64)", "(64,)")),
    "the 10 m file twice": (DATASET, ('"input_20m": img_20m', '"input_20m": img_10m')),
    "never below 0": (
        "nb01_patches.first_pixel",
        ("return centre - size // 2", "return max(0, centre - size // 2)"),
    ),
    "one class only": (
        "nb01_patches.draw",
        ("count // 10", "count // 10, classes=(1,)"),
    ),
    "as many as the rarest class": (
        "nb01_patches.draw",
        ("count=count,", 'strategy="smallest",'),
    ),
    "the share of other patches": (
        "nb01_patches.lost_share",
        ("refused / (refused + patches.count)", "0.0173"),
    ),
    "min_delta": (STOPPING, (PATIENCE, f"{PATIENCE}, min_delta=0.1")),
    "start_from_epoch": (STOPPING, (PATIENCE, f"{PATIENCE}, start_from_epoch=3")),
    "mode": (STOPPING, (PATIENCE, f'{PATIENCE}, mode="max"')),
    "baseline": (STOPPING, (PATIENCE, f"{PATIENCE}, baseline=0.5")),
    "equal losses are better": (EPOCHS, ("loss < best", "loss <= best")),
    "the count goes on": (
        EPOCHS,
        ("best, waited = loss, 0", "best, waited = loss, waited + 1"),
    ),
    "min_delta by its name": (STOPPING, (PATIENCE, "min_delta=3")),
    "a name of a curve without quotes": (STOPPING, ('"val_loss"', "validation_loss")),
    "the class without its module": (STOPPING, ("keras.callbacks.Early", "Early")),
    "the epoch, and no reset": (EPOCHS, ("= loss, 0", "= epoch, waited")),
    "nothing, and no reset": (EPOCHS, ("= loss, 0", "= 0, waited")),
    "the count in the place of the loss": (EPOCHS, ("= loss, 0", "= waited, loss")),
    "the same mirrored form": (FORMS, ("form[:, ::-1]", "patch[::-1]")),
    "not mirrored": (FORMS, ("form[:, ::-1]", "form")),
    "turned once more": (FORMS, ("form[:, ::-1]", "np.rot90(form)")),
    "bands by their names": (MENDED, ("(2, 3, 4, 1)", '["B4", "B3", "B2", "B8"]')),
    "a name of a file in quotes": (MENDED, ("Source(path", 'Source("delivered.tif"')),
    "the variable in quotes": (MENDED, ("Source(path", 'Source("path"')),
    "the last of equal minima": (
        "nb04_early_stopping.best_epoch",
        (
            "int(np.argmin(val_loss)) + 1",
            "len(val_loss) - int(np.argmin(val_loss[::-1]))",
        ),
    ),
    "twice the total": (
        "nb01_patches.lost_share",
        (
            "refused / (refused + patches.count)",
            "refused / (2 * (refused + patches.count))",
        ),
    ),
    "16 filters everywhere": (DUAL, ("32,", "16,")),
    "a pooling that is not called": (
        DUAL,
        ("keras.layers.MaxPool2D(2)(fine)", "keras.layers.MaxPool2D(2)"),
    ),
    "tuples": (
        "nb07_blocking_artifacts.plan_blocks",
        ("receptive_field=128", "receptive_field=(128, 128)"),
        ("receptive_field=32", "receptive_field=(32, 32)"),
        ("expression_field=128", "expression_field=(128, 64)"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_of_a_newcomer_is_refused_and_its_fault_named(case):
    note = noted(*WRONG[case])
    assert note.kind in ("wrong", "raised"), note
    assert "This is not it yet" not in note.text
    assert "\x1b" not in f"{note.text}{note.folded}"
    assert "function_node" not in f"{note.text}{note.folded}"


# Words that the note must have, and words that would lead elsewhere.
POINTED = {
    "kernels in another order": ("kernel", "filters of each"),
    "filters and kernel swapped": ("swapped", "KeyError"),
    "the whole dictionary": ("dictionary", "KeyError"),
    "a result thrown away": ("net =", "filters"),
    "twice the total": ("lost_share", "does not come from"),
    "one class only": ("class 0, 2, 3", "together"),
    "as many as the rarest class": ("count=count", "every pixel"),
    "the share of other patches": ("argument", "divide"),
    "the count goes on": ("", "order"),
    "start_from_epoch": ("start_from_epoch", "restore"),
    "mode": ("mode", "patience"),
    "16 filters everywhere": ("16", "joins where"),
    "a pooling that is not called": ("called", "KeyError"),
    "never below 0": ("negative", "not it yet"),
    "no activation in six layers": ("activation", "filters"),
    "min_delta by its name": ("`min_delta`", "restore"),
    "a name of a curve without quotes": ("quotes", "Did you mean"),
    "the class without its module": ("`keras.callbacks.EarlyStopping`", "make_"),
    "the epoch, and no reset": ("number of the epoch", "right"),
    "nothing, and no reset": ("so small", "right"),
    "the count in the place of the loss": ("in its place", "Both"),
    "the same mirrored form": ("Each `form`", "quarter"),
    "not mirrored": ("none of its forms is mirrored", "columns"),
    "turned once more": ("none of its forms is mirrored", "columns"),
    "bands by their names": ("a whole number", "another file"),
    "a name of a file in quotes": ("`delivered.tif`", "training image"),
    "the variable in quotes": ("no quotes", "training image"),
}


@pytest.mark.parametrize("case", POINTED)
def test_the_note_points_to_the_fault_and_not_elsewhere(case):
    words, elsewhere = POINTED[case]
    note = noted(*WRONG[case])
    assert words in note.text
    assert elsewhere not in note.text


RIGHT = {
    "recalls as float32": (
        "nb02_patch_based_cnn.recalls",
        ("def recalls", "import numpy as np\n\n\ndef recalls"),
        (
            "return (at_threshold, by_argmax)",
            "return np.float32(at_threshold), np.float32(by_argmax)",
        ),
    ),
    "recalls as an array": (
        "nb02_patch_based_cnn.recalls",
        ("def recalls", "import numpy as np\n\n\ndef recalls"),
        (
            "return (at_threshold, by_argmax)",
            "return np.array([at_threshold, by_argmax])",
        ),
    ),
    "patience as a float": (STOPPING, (PATIENCE, "patience=3.0")),
    "a whole float": (
        "nb03_pixelwise_fcnn.size_after",
        ("size - kernel + 1", "size - kernel + 1.0"),
    ),
    "the path of an image": (
        "nb05_mapping_a_scene.write_map",
        ("        source,", "        image_path,"),
    ),
    "joined in another order": (DUAL, ("[fine, coarse]", "[coarse, fine]")),
    "ReLU as a layer": (
        FCNN,
        (
            'conv(net, 16, 3, "conv2")',
            'keras.layers.ReLU()(conv(net, 16, 3, "conv2", activation=None))',
        ),
    ),
    "an integer of NumPy": (
        "nb04_early_stopping.best_epoch",
        ("int(np.argmin(val_loss)) + 1", "np.argmin(val_loss) + 1"),
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_right_answer_of_a_newcomer_is_accepted(case):
    note = noted(*RIGHT[case])
    assert note.kind == "right", note


def test_numbers_of_other_types_are_the_same_numbers():
    for value in (5, 5.0, Fraction(5), np.int64(5), np.float32(5)):
        assert nb04_early_stopping.patience.read(value) == "c"
    exercise = fresh(EXERCISES["nb00_start.ground_size"])
    given = exercise.example()
    right = exercise.run(exercise.solution_code, **given)
    answers = (list(right), np.array(right), np.float32(right), (x for x in right))
    for value in answers:
        assert fresh(exercise).check(value, **given).kind == "right"


def test_recalls_of_keras_are_right():
    exercise = fresh(EXERCISES["nb02_patch_based_cnn.recalls"])

    def recalls(probabilities, labels, class_id):
        own = np.eye(probabilities.shape[1])
        metric = keras.metrics.Recall(thresholds=0.5, class_id=class_id)
        metric.update_state(own[labels], probabilities)
        other = keras.metrics.Recall(class_id=class_id)
        other.update_state(own[labels], own[probabilities.argmax(axis=1)])
        return float(metric.result()), float(other.result())

    assert exercise.check(recalls).kind == "right"
