"""Scores against counts made one sample at a time, and trainings that repeat."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tutorial_lib as tl
from tutorial_lib.recorded import recipes
from tutorial_lib.training import ClassScores, compare_scores, evaluate_classes

NAMES = ("water", "meadow", "forest", "town")


def scored_by_hand(true, estimated, number):
    """Precision, recall and F-score of one class, sample by sample."""
    hits = sum(t == e == number for t, e in zip(true, estimated, strict=True))
    found, there = list(estimated).count(number), list(true).count(number)
    precision = hits / found if found else 0
    recall = hits / there if there else 0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0


def one_hot_dataset(true, probabilities, batch_size):
    """A dataset whose inputs are what the "model" below gives back."""
    target = np.eye(probabilities.shape[-1], dtype="float32")[true]
    slices = ({"input": probabilities}, {"estimated": target})
    return tf.data.Dataset.from_tensor_slices(slices).batch(batch_size)


def echo(inputs, training=None):
    return {"estimated": inputs["input"], "features": inputs["input"][..., :1]}


@pytest.fixture
def samples():
    """50 patches of 2x3 pixels; class 2 is never true, class 1 never estimated."""
    rng = np.random.default_rng(0)
    true = rng.choice([0, 1, 3], (50, 2, 3))
    probabilities = rng.dirichlet(np.ones(4), (50, 2, 3)).astype("float32")
    probabilities[..., 1] = 0
    return true, probabilities


def test_scores_equal_those_counted_by_hand_also_of_absent_classes(samples):
    true, probabilities = samples
    dataset = one_hot_dataset(true, probabilities, batch_size=7)
    scores = evaluate_classes(echo, dataset, names=NAMES)
    estimated = probabilities.argmax(-1)
    expected = [
        scored_by_hand(true.ravel(), estimated.ravel(), number) for number in range(4)
    ]
    columns = np.stack([scores.precision, scores.recall, scores.f_score], axis=1)
    assert np.allclose(columns, expected)
    assert scores.overall_accuracy == pytest.approx((true == estimated).mean())
    assert scores.confusion.sum() == true.size
    # Estimated and never true; true and never estimated.
    assert scores.confusion[2].sum() == 0 < scores.confusion[:, 2].sum()
    assert scores.confusion[:, 1].sum() == 0 < scores.confusion[1].sum()


@pytest.mark.parametrize("number", range(4))
def test_scores_at_the_threshold_are_those_of_keras(samples, number):
    true, probabilities = samples
    scores = evaluate_classes(echo, one_hot_dataset(*samples, 7), names=NAMES)
    target = np.eye(4)[true]
    for metric, ours in (
        (keras.metrics.Precision(class_id=number), scores.threshold_precision),
        (keras.metrics.Recall(class_id=number), scores.threshold_recall),
    ):
        metric.update_state(target, probabilities)
        assert ours[number] == pytest.approx(float(metric.result()))
    precision, recall = scores.threshold_precision, scores.threshold_recall
    both = precision + recall
    expected = 2 * precision * recall / np.where(both > 0, both, 1)
    assert np.allclose(scores.threshold_f_score, expected)
    # A winner may have less than one half.
    assert scores.threshold_recall.sum() < scores.recall.sum()


def test_both_decisions_count_outputs_that_are_no_shares(samples):
    # With sigmoids several classes may be above one half.
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


def test_rows_of_the_confusion_matrix_are_the_true_classes():
    probabilities = np.eye(3, dtype="float32")[[1, 1, 2]].reshape(3, 1, 1, 3)
    dataset = one_hot_dataset(np.array([[[0]], [[0]], [[2]]]), probabilities, 2)
    confusion = evaluate_classes(echo, dataset).confusion
    assert confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_a_winner_below_one_half_counts_as_found():
    # At the threshold 0.5 of Keras' Recall this sample is not found.
    probabilities = np.array([[[[0.3, 0.45, 0.25]]]], "float32")
    scores = evaluate_classes(echo, one_hot_dataset([[[1]]], probabilities, 1))
    assert scores.recall[1] == scores.precision[1] == scores.overall_accuracy == 1
    assert scores.threshold_recall[1] == scores.threshold_precision[1] == 0


def test_classes_without_names_are_numbered(samples):
    assert evaluate_classes(echo, one_hot_dataset(*samples, 50)).names == tuple("0123")


def test_the_table_has_a_row_for_each_class_and_the_overall_accuracy():
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


def test_scores_without_probabilities_have_none_at_the_threshold():
    scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
    assert set(scores.table().columns.get_level_values(0)) == {"argmax"}
    with pytest.raises(ValueError, match=r"none at the threshold 0.5. Make them with"):
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


def test_a_loss_too_small_to_show_is_no_negative_zero():
    before = ClassScores(np.array([[5001, 4999], [0, 1]]), ("water", "land"))
    after = ClassScores(np.array([[5000, 5000], [0, 1]]), ("water", "land"))
    table = compare_scores({"before": before, "after": after}, score="recall")
    assert after.recall[0] < before.recall[0]
    assert not np.signbit(table.loc["water recall", "difference"])


@pytest.mark.parametrize("score", ["precision", "threshold_recall"])
def test_any_score_can_be_compared_and_is_named(two_models, score):
    table = compare_scores(
        {**two_models, "third": two_models["one source"]}, score=score
    )
    assert "difference" not in table.columns
    assert f"land {score.replace('_', ' ')}" in table.index
    expected = getattr(two_models["one source"], score)
    assert np.allclose(table["third"][:2], expected, atol=6e-4)


def test_models_of_other_classes_are_not_compared(two_models):
    other = ClassScores(np.eye(2), ("land", "water"))
    match = r"'one source' has \('water', 'land'\) and 'other' \('land', 'water'\)"
    with pytest.raises(ValueError, match=match):
        compare_scores({**two_models, "other": other})
    with pytest.raises(ValueError, match=r"no score 'iou'. There are: precision, rec"):
        compare_scores(two_models, score="iou")
    with pytest.raises(ValueError, match="no scores to compare"):
        compare_scores({})


def test_a_comparison_on_other_pixels_warns(two_models):
    other = ClassScores(np.diag([4, 5]), ("water", "land"))
    match = r"'one source' and 'other' .* pixels: \[10, 10\] and \[4, 5\]"
    with pytest.warns(UserWarning, match=match) as caught:
        compare_scores({**two_models, "other": other})
    assert caught[0].filename == __file__


def test_an_output_of_another_shape_is_an_error_and_not_a_score(samples):
    true, probabilities = samples
    target = np.eye(4, dtype="float32")[true]
    slices = ({"input": probabilities}, {"features": target})
    dataset = tf.data.Dataset.from_tensor_slices(slices).batch(50)
    match = r"'features' has the shape \(50, 2, 3, 1\) and its target \(50, 2, 3, 4\)"
    with pytest.raises(ValueError, match=match):
        evaluate_classes(echo, dataset, target="features")


def test_names_of_another_number_than_the_classes_are_an_error(samples):
    with pytest.raises(ValueError, match=r"2 classes need .* 2x2. Received: \(4, 4\)"):
        evaluate_classes(echo, one_hot_dataset(*samples, 50), names=("a", "b"))


def test_an_empty_dataset_is_an_error(samples):
    with pytest.raises(ValueError, match="dataset is empty"):
        evaluate_classes(echo, one_hot_dataset(*samples, 50).take(0))


def test_the_same_settings_give_the_same_weights_twice(tmp_path):
    scene = tl.testing.small_scene()
    positions = tl.select_positions(scene["labels"], count=15, margin=8)
    sources = {"input": scene["input_10m"]}
    patches = tl.extract_patches(
        sources, positions, sizes=recipes.SIZES, out_dir=tmp_path
    )
    best, weights, curves = tmp_path / "best.keras", [], []
    for before in (1, 2):
        # Whatever ran earlier in the session must not count.
        keras.utils.set_random_seed(before)
        batches = [
            tl.patch_dataset(patches.paths, class_count=4, shuffle=shuffle)
            for shuffle in (True, False)
        ]
        history = recipes.train_fcnn(*batches, best, class_count=4, epochs=3)
        curves.append(history.history)
        weights.append(keras.models.load_model(best).get_weights())
    assert curves[0] == curves[1]
    assert all(np.array_equal(*pair) for pair in zip(*weights, strict=True))


def test_scores_and_replays_need_no_keras():
    code = (
        "import sys, tutorial_lib as tl\n"
        "tl.training.replay_early_stopping({'val_loss': [2.0, 1.0]})\n"
        "tl.training.ClassScores\n"
        "sys.exit('keras' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_of_training_is_an_error_that_lists_those_there_are():
    with pytest.raises(AttributeError, match=r"no 'Scores'. It has: ClassMetrics"):
        _ = tl.training.Scores
    assert {"LiveCurves", "FScore"} <= set(dir(tl.training))
