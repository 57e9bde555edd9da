"""Scores compared with counts by hand, and trainings that can be repeated."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tutorial_lib as tl
from tutorial_lib import recorded
from tutorial_lib.recorded import recipes, recordings
from tutorial_lib.training import ClassScores, compare_scores, evaluate_classes

NAMES = ("water", "meadow", "forest", "town")


def scores_by_hand(true, estimated, number):
    """Precision, recall and F-score of one class, counted sample by sample."""
    hits = sum(t == e == number for t, e in zip(true, estimated, strict=True))
    found, pixels = list(estimated).count(number), list(true).count(number)
    precision = hits / found if found else 0
    recall = hits / pixels if pixels else 0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0


def one_hot_dataset(true, probabilities, batch_size):
    """A dataset whose inputs are the probabilities that `echo` returns."""
    target = np.eye(probabilities.shape[-1], dtype="float32")[true]
    slices = ({"input": probabilities}, {"estimated": target})
    return tf.data.Dataset.from_tensor_slices(slices).batch(batch_size)


def echo(inputs, training=None):
    """A model whose output is its input."""
    return {"estimated": inputs["input"], "features": inputs["input"][..., :1]}


@pytest.fixture
def samples():
    """50 patches of 2x3 pixels; class 2 is never true, class 1 never estimated."""
    rng = np.random.default_rng(0)
    true = rng.choice([0, 1, 3], (50, 2, 3))
    probabilities = rng.dirichlet(np.ones(4), (50, 2, 3)).astype("float32")
    probabilities[..., 1] = 0
    return true, probabilities


def test_scores_equal_a_count_by_hand_even_for_absent_classes(samples):
    true, probabilities = samples
    dataset = one_hot_dataset(true, probabilities, batch_size=7)
    scores = evaluate_classes(echo, dataset, names=NAMES)
    estimated = probabilities.argmax(-1)
    expected = [
        scores_by_hand(true.ravel(), estimated.ravel(), number) for number in range(4)
    ]
    columns = np.stack([scores.precision, scores.recall, scores.f_score], axis=1)
    assert np.allclose(columns, expected)
    assert scores.overall_accuracy == pytest.approx((true == estimated).mean())
    assert scores.confusion.sum() == true.size
    # Class 2 is estimated and never true; class 1 is true and never estimated.
    assert scores.confusion[2].sum() == 0 < scores.confusion[:, 2].sum()
    assert scores.confusion[:, 1].sum() == 0 < scores.confusion[1].sum()


@pytest.mark.parametrize("number", range(4))
def test_scores_at_the_threshold_equal_those_of_keras(samples, number):
    true, probabilities = samples
    scores = evaluate_classes(echo, one_hot_dataset(*samples, 7), names=NAMES)
    target = np.eye(4)[true]
    expected = keras.metrics.Precision(class_id=number)(target, probabilities)
    assert scores.threshold_precision[number] == pytest.approx(float(expected))
    expected = keras.metrics.Recall(class_id=number)(target, probabilities)
    assert scores.threshold_recall[number] == pytest.approx(float(expected))
    precision, recall = scores.threshold_precision, scores.threshold_recall
    both = precision + recall
    expected = 2 * precision * recall / np.where(both > 0, both, 1)
    assert np.allclose(scores.threshold_f_score, expected)
    # The most probable class of a pixel may be below one half.
    assert scores.threshold_recall.sum() < scores.recall.sum()


def test_several_classes_of_a_pixel_can_be_above_the_threshold(samples):
    # The outputs of sigmoids do not add up to 1.
    true, probabilities = samples
    likely = np.sqrt(probabilities)
    scores = evaluate_classes(echo, one_hot_dataset(true, likely, 7))
    assert scores.above_threshold.sum() > scores.confusion.sum()
    recall = keras.metrics.Recall(class_id=3)
    recall.update_state(np.eye(4)[true], likely)
    assert scores.threshold_recall[3] == pytest.approx(float(recall.result()))


def test_pixels_without_a_class_do_not_count(samples):
    true, probabilities = samples
    target = np.eye(4, dtype="float32")[true]
    target[:, 0] = 0
    slices = ({"input": probabilities}, {"estimated": target})
    dataset = tf.data.Dataset.from_tensor_slices(slices).batch(50)
    expected = one_hot_dataset(true[:, 1:], probabilities[:, 1:], 50)
    scores, labelled = (evaluate_classes(echo, d) for d in (dataset, expected))
    assert np.array_equal(scores.confusion, labelled.confusion)
    assert np.array_equal(scores.above_threshold, labelled.above_threshold)


@pytest.mark.parametrize(
    ("confusion", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),  # 0.7 agree, 0.5 by chance
        ([[5, 0], [0, 3]], 1),
        ([[0, 5], [5, 0]], -1),
        ([[3, 3], [3, 3]], 0),
        ([[8, 0], [0, 0]], 0),
        ([[0, 0], [0, 0]], 0),
    ],
)
def test_kappa_is_the_agreement_beyond_chance(confusion, kappa):
    scores = ClassScores(np.array(confusion), ("a", "b"))
    assert scores.kappa == pytest.approx(kappa)


def test_the_rows_of_the_confusion_matrix_are_true_classes():
    probabilities = np.eye(3, dtype="float32")[[1, 1, 2]].reshape(3, 1, 1, 3)
    dataset = one_hot_dataset(np.array([[[0]], [[0]], [[2]]]), probabilities, 2)
    confusion = evaluate_classes(echo, dataset).confusion
    assert confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_the_most_probable_class_is_found_by_argmax_also_below_one_half():
    probabilities = np.array([[[[0.3, 0.45, 0.25]]]], "float32")
    scores = evaluate_classes(echo, one_hot_dataset([[[1]]], probabilities, 1))
    assert scores.recall[1] == scores.precision[1] == scores.overall_accuracy == 1
    assert scores.threshold_recall[1] == scores.threshold_precision[1] == 0


def test_classes_without_names_are_numbered(samples):
    assert evaluate_classes(echo, one_hot_dataset(*samples, 50)).names == tuple("0123")


def test_the_text_has_a_row_for_each_class_and_the_overall_accuracy():
    scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
    header, water, land, overall = repr(scores).splitlines()
    assert header.split() == ["class", "precision", "recall", "F-score"]
    # 8 of 9 and 8 of 10; 9 of 11 and 9 of 10.
    assert water.split() == ["water", "0.89", "0.80", "0.84"]
    assert land.split() == ["land", "0.82", "0.90", "0.86"]
    assert overall == "overall accuracy 0.85, kappa 0.70, by argmax"


def test_the_table_has_both_decisions_side_by_side(samples):
    scores = evaluate_classes(echo, one_hot_dataset(*samples, 50), names=NAMES)
    table = scores.table()
    assert list(table.index) == list(NAMES)
    assert list(table["argmax"]) == ["precision", "recall", "F-score"]
    assert np.allclose(table["argmax", "recall"], scores.recall, atol=6e-4)
    column = table["threshold 0.5", "F-score"]
    assert np.allclose(column, scores.threshold_f_score, atol=6e-4)


def test_scores_from_argmax_only_have_no_columns_at_the_threshold():
    scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
    assert set(scores.table().columns.get_level_values(0)) == {"argmax"}
    with pytest.raises(ValueError, match="`evaluate_classes`"):
        _ = scores.threshold_recall


@pytest.fixture
def two_models():
    above = np.array([[6, 1], [0, 9]])
    first = ClassScores(np.array([[8, 2], [3, 7]]), ("water", "land"), above)
    second = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"), above)
    return {"one source": first, "two sources": second}


def test_two_models_are_compared_class_by_class_with_their_difference(two_models):
    table = compare_scores(two_models)
    assert list(table.columns) == ["one source", "two sources", "difference"]
    rows = ["water F-score", "land F-score", "overall accuracy", "kappa"]
    assert list(table.index) == rows
    assert table.loc["water F-score", "two sources"] == 0.842  # 16 of 19
    assert table.loc["overall accuracy", "difference"] == 0.1


def test_a_difference_that_rounds_to_zero_has_no_minus_sign():
    before = ClassScores(np.array([[5001, 4999], [0, 1]]), ("water", "land"))
    after = ClassScores(np.array([[5000, 5000], [0, 1]]), ("water", "land"))
    table = compare_scores({"before": before, "after": after}, score="recall")
    assert after.recall[0] < before.recall[0]
    assert not np.signbit(table.loc["water recall", "difference"])


@pytest.mark.parametrize("score", ["precision", "threshold_recall"])
def test_the_rows_name_the_score_that_is_compared(two_models, score):
    table = compare_scores(
        {**two_models, "third": two_models["one source"]}, score=score
    )
    assert "difference" not in table.columns
    assert f"land {score.replace('_', ' ')}" in table.index
    expected = getattr(two_models["one source"], score)
    assert np.allclose(table["third"][:2], expected, atol=6e-4)


def test_scores_that_cannot_be_compared_are_an_error(two_models):
    other = ClassScores(np.eye(2), ("land", "water"))
    with pytest.raises(ValueError, match="The classes differ"):
        compare_scores({**two_models, "other": other})
    with pytest.raises(ValueError, match=r"`score` is 'iou'\. Give one of 'precision'"):
        compare_scores(two_models, score="iou")
    with pytest.raises(ValueError, match="no scores to compare"):
        compare_scores({})


def test_a_comparison_on_different_pixels_warns(two_models):
    other = ClassScores(np.diag([4, 5]), ("water", "land"))
    with pytest.warns(UserWarning, match=r"\[10, 10\] and \[4, 5\]") as caught:
        compare_scores({**two_models, "other": other})
    assert caught[0].filename == __file__


def test_an_output_of_another_shape_than_its_target_is_an_error(samples):
    true, probabilities = samples
    target = np.eye(4, dtype="float32")[true]
    slices = ({"input": probabilities}, {"features": target})
    dataset = tf.data.Dataset.from_tensor_slices(slices).batch(50)
    with pytest.raises(ValueError, match=r"3, 1\) and its target \(50, 2, 3, 4\)"):
        evaluate_classes(echo, dataset, target="features")


def test_patches_that_are_too_small_for_the_network_are_an_error():
    """Kernels of oneDNN turn 14 px into 1 px, as they do with 16 px."""
    model = tl.architectures.pixelwise_fcnn(4, crops=())
    patches = np.ones((5, 16, 16, 4), "float32")
    target = {"estimated": np.eye(4, dtype="float32")[[[[0]]] * 5]}
    good = [({"input": patches}, target)]
    assert evaluate_classes(model, good).confusion.sum() == 5
    small = [*good, ({"input": patches[:, :14, :14]}, target)]
    with pytest.raises(ValueError, match="does not take the inputs of the dataset"):
        evaluate_classes(model, small)


def test_too_few_names_of_classes_are_an_error(samples):
    with pytest.raises(ValueError, match=r"2x2. Received: \(4, 4\)"):
        evaluate_classes(echo, one_hot_dataset(*samples, 50), names=("a", "b"))


def test_a_dataset_without_classes_is_an_error(samples):
    with pytest.raises(ValueError, match="no pixel with a class"):
        evaluate_classes(echo, one_hot_dataset(*samples, 50).take(0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_with_nan_is_not_counted_and_never_class_0(samples, value):
    true, probabilities = samples
    where = np.random.default_rng(1).random(true.shape) < 0.2
    damaged = probabilities.copy()
    # In the last channel: argmax would give this channel, or class 0 if all are NaN.
    damaged[where, 3] = value
    damaged[0, 0, 0] = value
    where[0, 0, 0] = True
    with pytest.warns(UserWarning, match=rf"^{where.sum()} of 300 .* NaN") as caught:
        scores = evaluate_classes(echo, one_hot_dataset(true, damaged, 7))
    assert caught[0].filename == __file__
    assert scores.confusion.sum() == true.size - where.sum()
    expected = [
        scores_by_hand(true[~where], probabilities.argmax(-1)[~where], number)
        for number in range(4)
    ]
    columns = np.stack([scores.precision, scores.recall, scores.f_score], axis=1)
    assert np.allclose(columns, expected)


def test_a_model_that_estimates_only_nan_is_an_error(samples):
    true, probabilities = samples
    dataset = one_hot_dataset(true, probabilities * np.nan, 7)
    with pytest.raises(ValueError, match=r"no class: .* in all of 300 pixels"):
        evaluate_classes(echo, dataset)


def refuses(inputs, training=None):
    raise RuntimeError("\x1b[1mNo such input.\x1b[0m\n  details")


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"model": None}, TypeError, "`model` is None. Give a Keras model"),
        ({"model": "a.keras"}, TypeError, "`model` is 'a.keras'"),
        ({"model": refuses}, ValueError, "take the inputs .*: No such input. Use"),
        ({"model": lambda x, training: x["input"]}, ValueError, "outputs without nam"),
        ({"model": lambda x, training: {}}, ValueError, r"outputs \[\], and not 'esti"),
        ({"dataset": None}, TypeError, "`dataset` is None. Give batches of"),
        ({"dataset": "patches"}, TypeError, "`dataset` is 'patches'"),
        ({"dataset": {"input": 1}}, TypeError, "`dataset` is {'input': 1}"),
        ({"dataset": [np.zeros(3)]}, TypeError, "Give batches of"),
        ({"dataset": [(1, 2, 3)]}, TypeError, "Give batches of"),
        ({"dataset": [({"input": 1}, np.eye(2))]}, ValueError, "targets without names"),
        ({"dataset": []}, ValueError, "no pixel with a class"),
        (
            {"target": "labels"},
            ValueError,
            r"targets \['estimated'\], and not 'lab",
        ),
        ({"target": 3}, TypeError, "`target` is 3"),
        ({"names": "abcd"}, TypeError, "`names` is 'abcd'. Give a list of names"),
        ({"names": ["a", "b", "c", 4]}, TypeError, "`names` is 4. Give a text"),
        ({"names": ["a", "b", "a", "d"]}, ValueError, "`names` has 'a' twice"),
        ({"names": []}, ValueError, "at least one"),
        ({"names": list("abcde")}, ValueError, r"5x5. Received: \(4, 4\)"),
    ],
)
def test_wrong_arguments_are_one_sentence(samples, change, error, match):
    given = {"model": echo, "dataset": one_hot_dataset(*samples, 50), **change}
    with pytest.raises(error, match=match) as caught:
        evaluate_classes(**given)
    assert "\x1b" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("confusion", "names", "error", "match"),
    [
        (None, ("a", "b"), TypeError, "`confusion` is None"),
        ("text", ("a", "b"), TypeError, "`confusion` is 'text'"),
        ([[1, 2], [3]], ("a", "b"), TypeError, "`confusion` is .*of numbers"),
        ([[1, 2], [3, None]], ("a", "b"), TypeError, "of numbers"),
        ([[1, 2], [3, -4]], ("a", "b"), ValueError, "`confusion` holds -4"),
        ([[1, 2], [3, np.nan]], ("a", "b"), ValueError, "`confusion` holds nan"),
        ([[1, 2], [3, 4]], ("a", "a"), ValueError, "'a' twice"),
        ([[1, 2], [3, 4]], "ab", TypeError, "`names` is 'ab'"),
        ([[1, 2], [3, 4]], ("a", "b", "c"), ValueError, "3x3"),
    ],
)
def test_scores_of_wrong_counts_are_an_error(confusion, names, error, match):
    with pytest.raises(error, match=match):
        ClassScores(confusion, names)
    if error is TypeError and confusion is None:
        return
    with pytest.raises(error, match=match.replace("confusion`", "above_threshold`")):
        ClassScores(np.eye(len(names)), names, confusion)


def test_lists_are_as_good_as_arrays():
    scores = ClassScores([[8, 2], [1, 9]], ["water", "land"], [[6, 1], [0, 9]])
    assert scores.recall.tolist() == [0.8, 0.9]
    assert scores.threshold_recall.tolist() == [0.6, 0.9]
    assert scores.names == ("water", "land")


@pytest.mark.parametrize("wrong", [None, [], "scores", {"a": np.eye(2)}, {1: None}])
def test_only_scores_can_be_compared(two_models, wrong):
    with pytest.raises(TypeError, match=r"`scores.* is .* Give"):
        compare_scores(wrong)
    with pytest.raises(ValueError, match="`score` is"):
        compare_scores(two_models, score=wrong)


@pytest.mark.parametrize("name", ["no", "../recorded/fcnn_havel", "", "fcnn_havel/"])
def test_an_unknown_recording_is_an_error_that_lists_the_known_ones(name):
    for read in (recorded.read_history, recorded.weights_path):
        with pytest.raises(ValueError, match=r"is recorded\. Choose .*fcnn_havel"):
            read(name)
        with pytest.raises(TypeError, match="`name` is 3"):
            read(3)


def test_a_damaged_recording_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    for text in (b"", b'{"loss": [1', b"\xff"):
        (tmp_path / "a.json").write_bytes(text)
        with pytest.raises(OSError, match=r"a\.json' is damaged.*make weights"):
            recorded.read_history("a")


def test_weights_and_curves_are_recorded_together(two_areas, tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    for name in ("a.keras", "a.json"):
        (tmp_path / name).write_text("old")
    best = tmp_path / "best" / "a.keras"
    best.parent.mkdir()
    batches = recipes.datasets(two_areas, class_count=4, batch_size=8)
    curves = recipes.train(build_one, batches, best, class_count=4, **SHORT).history
    with monkeypatch.context() as patch:
        patch.setattr(json, "dumps", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recordings._write("a", best, curves)
    assert [(tmp_path / name).read_text() for name in ("a.keras", "a.json")] == [
        "old",
        "old",
    ]
    recordings._write("a", best, curves)
    assert len(recorded.read_history("a")["loss"]) == 1
    assert keras.models.load_model(recorded.weights_path("a"), compile=False)
    files = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert files == ["a.json", "a.keras"]


def test_everything_that_is_recorded_has_its_recipe():
    for ending, with_weights in ((".json", (True, False)), (".keras", (True,))):
        files = {path.stem for path in recorded.FOLDER.glob(f"*{ending}")}
        assert files == {
            name
            for name, one in recordings.RECORDINGS.items()
            if one.weights in with_weights
        }
    for name, one in recordings.RECORDINGS.items():
        curves = recorded.read_history(name)
        assert {len(values) for values in curves.values()} == {one.epochs}
    size = sum(path.stat().st_size for path in recorded.FOLDER.iterdir())
    assert size < 5_000_000


def test_recorded_networks_have_the_inputs_of_their_recipe():
    for name, one in recordings.RECORDINGS.items():
        if one.weights:
            model = keras.models.load_model(recorded.weights_path(name), compile=False)
            kinds = {
                type(layer).__name__
                for layer in model.layers
                if layer.name.endswith("_scaled")
            }
            assert kinds == {"Normalization" if one.standardised else "Rescaling"}


def test_an_unknown_recording_cannot_be_made():
    with pytest.raises(ValueError, match="`names` is"):
        recordings.record("no")


SHORT = {"epochs": 1, "verbose": 0}


def build_one(class_count):
    return OneLayer(crops=()).build({"input": 4})


def interrupted(*_, **__):
    raise KeyboardInterrupt


class OneLayer(tl.PatchModel):
    """The smallest network for patches of 16 pixels."""

    def network(self, inputs):
        layer = keras.layers.Conv2D(4, 16, activation="softmax")
        return {"estimated": layer(inputs["input"])}


@pytest.fixture(scope="module")
def two_areas(tmp_path_factory):
    """Patches to train on and to validate on, 32 each, from the same scene."""
    scene = tl.testing.small_scene()
    return {
        area: tl.extract_patches(
            {"input": scene["input_10m"]},
            tl.select_positions(scene["labels"], count=8, margin=8, seed=seed),
            sizes=recipes.SIZES,
            out_dir=tmp_path_factory.mktemp(area),
        )
        for seed, area in enumerate("ab")
    }


def train_one_layer(two_areas, best, earlier_seed):
    """Weights and curves of a training that starts after another seed was set."""
    keras.utils.set_random_seed(earlier_seed)
    history = recipes.train(
        lambda class_count: OneLayer(crops=()).build({"input": 4}),
        recipes.datasets(two_areas, class_count=4, batch_size=8),
        best,
        class_count=4,
        epochs=2,
    )
    return keras.models.load_model(best).get_weights(), history.history


def test_the_same_settings_give_the_same_weights_twice(two_areas, tmp_path):
    best = tmp_path / "best.keras"
    weights, curves = train_one_layer(two_areas, best, earlier_seed=1)
    again, curves_again = train_one_layer(two_areas, best, earlier_seed=2)
    assert len(curves["val_loss"]) == 2
    assert curves == curves_again
    assert [array.size for array in weights] == [16 * 16 * 4 * 4, 4]
    assert all(np.array_equal(*pair) for pair in zip(weights, again, strict=True))


TRAIN_TWICE = """
import hashlib, keras, numpy as np, tutorial_lib as tl
rng = np.random.default_rng(0)
labels = rng.integers(4, size=96)
patches = rng.uniform(0, 2000, (96, 16, 16, 4)) + 900 * labels[:, None, None, None]
keras.utils.set_random_seed(0)
model = tl.architectures.pixelwise_fcnn(4, crops=())
model.compile("adam", loss={"estimated": keras.losses.CategoricalCrossentropy()})
targets = {"estimated": np.eye(4, dtype="float32")[labels].reshape(96, 1, 1, 4)}
model.fit({"input": patches.astype("float32")}, targets, epochs=3, verbose=0)
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
"""


@pytest.mark.thorough
# oneDNN is what everyone has who changes nothing.
@pytest.mark.slow
@pytest.mark.parametrize("kernels", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_the_same_machine_and_settings_give_the_same_weights_in_two_processes(kernels):
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": kernels}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", TRAIN_TWICE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    )
    assert len(first.strip()) == 64
    assert first == second


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"patches": None}, TypeError, "`patches` is None"),
        ({"patches": {"a": 1, "b": 2}}, TypeError, r"`patches\['a'\]` is 1"),
        ({"patches": {}}, ValueError, "`patches`: there is no 'a'. Choose from: none"),
        (
            {"labels": "truth"},
            ValueError,
            "`labels`: there is no 'truth'",
        ),
        ({"inputs": {"x": "no"}}, ValueError, "`inputs`: there is no 'no'. Choose"),
        ({"inputs": "input"}, TypeError, "`inputs` is 'input'"),
    ],
)
def test_datasets_of_unknown_names_are_an_error(two_areas, change, error, match):
    with pytest.raises(error, match=match):
        recipes.datasets(**{"patches": two_areas, "class_count": 4} | change)


def test_patches_of_an_unknown_source_are_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"no 'red'. Choose from: input, input_10m"):
        recipes.cut_patches(tmp_path, tmp_path, sizes={"red": 16})


def test_scores_and_replays_do_not_load_keras():
    code = (
        "import sys, tutorial_lib as tl\n"
        "tl.training.replay_early_stopping({'val_loss': [2.0, 1.0]})\n"
        "tl.training.ClassScores\n"
        "sys.exit('keras' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_of_training_is_an_error_that_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"no 'Scores'. It has: AreaAd"):
        _ = tl.training.Scores
    assert {"LiveCurves", "FScore"} <= set(dir(tl.training))
