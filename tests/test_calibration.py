"""Calibration: against theory, against a second computation, and in its limits."""

import numpy as np
import pytest

from tutorial_lib.training import calibration_error, reliability


def drawn(count=60_000, classes=6, seed=0):
    """Probabilities, and labels that are drawn with these probabilities."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(classes, 0.4), count)
    cumulated = probabilities.cumsum(axis=1)
    labels = (rng.random((count, 1)) > cumulated).sum(axis=1)
    return np.minimum(labels, classes - 1), probabilities


def test_a_network_that_means_its_probabilities_has_no_error():
    found = reliability(*drawn())
    assert found.error < 0.01
    assert abs(found.overconfidence) < 0.01


@pytest.mark.parametrize(("power", "too_sure"), [(3, True), (0.5, False)])
def test_sharper_probabilities_are_too_sure_and_flatter_ones_not_enough(
    power, too_sure
):
    labels, probabilities = drawn()
    other = probabilities**power
    found = reliability(labels, other / other.sum(axis=1, keepdims=True))
    assert found.error > 0.1
    assert (found.overconfidence > 0) == too_sure
    # All bins err to one side, so the two are equal.
    assert abs(found.overconfidence) == pytest.approx(found.error, abs=0.01)


@pytest.mark.parametrize("bins", [1, 7, 10, 15])
def test_the_error_is_the_one_of_equation_3(bins):
    labels, probabilities = drawn(count=500, seed=1)
    probabilities = np.float32(probabilities[:, ::-1])
    rows = list(zip(labels, probabilities.astype(float), strict=True))
    total = 0.0
    for number in range(bins):
        inside = [
            (label == row.argmax(), row.max())
            for label, row in rows
            if number <= row.max() * bins < number + 1
            or number + 1 == bins == row.max() * bins
        ]
        if inside:
            accuracy, confidence = np.mean(inside, axis=0)
            total += len(inside) / len(rows) * abs(accuracy - confidence)
    assert calibration_error(labels, probabilities, bins) == pytest.approx(total)


def test_one_bin_gives_the_difference_of_the_means():
    labels, probabilities = drawn(count=300, seed=2)
    right = (probabilities.argmax(axis=1) == labels).mean()
    wanted = abs(probabilities.max(axis=1).mean() - right)
    assert calibration_error(labels, probabilities, 1) == pytest.approx(wanted)


def test_certainty_lies_in_the_last_bin():
    certain = reliability([0, 1, 1], np.eye(2)[[0, 1, 0]])
    assert certain.counts.tolist() == [0] * 9 + [3]
    assert certain.error == pytest.approx(1 / 3)
    assert certain.table().index.tolist() == ["0.9 to 1.0"]
    assert "calibration error 0.333 of 3 patches" in repr(certain)


@pytest.mark.parametrize("bins", [1, 4, 15, 100])
def test_each_bin_of_the_table_has_a_name_of_its_own(bins):
    table = reliability(*drawn(count=5000), bins).table()
    assert table.index.is_unique
    assert table["patches"].sum() == 5000


def test_a_plot_says_in_words_what_it_shows():
    labels, probabilities = drawn(count=2000)
    good, bad = (
        reliability(labels, probabilities),
        reliability(labels, np.eye(6)[labels]),
    )
    text = repr(good.plot("area B", others={"area <C>": bad}))
    assert "area B: calibration error 0.0" in text
    assert "area <C>: calibration error 0.00, about as sure" in text
    figure = good.plot("area B", others={"$C$": bad}).as_figure()
    drawn_names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert drawn_names == ["calibrated", "area B", "$C$"]


@pytest.mark.parametrize(
    ("labels", "probabilities", "error", "match"),
    [
        ([0, 1], [[0.5, 0.5]], ValueError, r"\(1, 2\), and there are 2 labels"),
        ([0], [0.5, 0.5], ValueError, "one row for each label"),
        ([2], [[0.5, 0.5]], ValueError, "holds the class 2.*2 columns"),
        ([0], [[0.5, 0.4]], ValueError, r"\[0.5, 0.4\], which does not add up"),
        ([0, 0], [[1, 0], [1.5, -0.5]], ValueError, r"-0.5\], which holds a negative"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], ValueError, r"row \[nan, 0.5\]"),
        ([0], [["a", "b"]], TypeError, "array .patch, class. of numbers"),
        ([0.5], [[0.5, 0.5]], TypeError, "whole numbers"),
    ],
)
def test_what_does_not_fit_together_is_refused(labels, probabilities, error, match):
    with pytest.raises(error, match=match):
        reliability(labels, probabilities)


def test_no_bins_are_refused():
    with pytest.raises(ValueError, match="`bins` is 0"):
        calibration_error([0], [[0.5, 0.5]], 0)
