"""Scores by argmax, against counts made one sample at a time."""

import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.training import ClassScores, evaluate_classes

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


def test_rows_of_the_confusion_matrix_are_the_true_classes():
    probabilities = np.eye(3, dtype="float32")[[1, 1, 2]].reshape(3, 1, 1, 3)
    dataset = one_hot_dataset(np.array([[[0]], [[0]], [[2]]]), probabilities, 2)
    confusion = evaluate_classes(echo, dataset).confusion
    assert confusion.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]


def test_a_winner_below_one_half_counts_as_found():
    # At the threshold 0.5 of Keras' Recall this sample is not found.
    probabilities = np.array([[[[0.45, 0.3, 0.25]]]], "float32")
    scores = evaluate_classes(echo, one_hot_dataset([[[0]]], probabilities, 1))
    assert scores.recall[0] == scores.precision[0] == scores.overall_accuracy == 1


def test_classes_without_names_are_numbered(samples):
    assert evaluate_classes(echo, one_hot_dataset(*samples, 50)).names == tuple("0123")


def test_the_table_has_a_row_for_each_class_and_the_overall_accuracy():
    scores = ClassScores(np.array([[8, 2], [1, 9]]), ("water", "land"))
    header, water, land, overall = repr(scores).splitlines()
    assert header.split() == ["class", "precision", "recall", "F-score"]
    # 8 of 9 and 8 of 10; 9 of 11 and 9 of 10.
    assert water.split() == ["water", "0.89", "0.80", "0.84"]
    assert land.split() == ["land", "0.82", "0.90", "0.86"]
    assert overall == "overall accuracy 0.85"


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
