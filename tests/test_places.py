"""How sure scores are: intervals over places, and scores by the areas of a map."""

import numpy as np
import pytest
import tensorflow as tf

from tutorial_lib.training import (
    ClassScores,
    accuracy_interval,
    area_adjusted_scores,
    classify,
    compare_over_places,
)

# The example of Olofsson et al. (2014), section 5: samples (mapped, true), and the
# pixels of the map: deforestation, forest gain, stable forest, stable non-forest.
SAMPLES = np.array(
    [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]], dtype=int
)
MAP_PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]
HECTARES = 0.09


def of_counts(counts):
    """True and estimated classes whose counts (estimated, true) are these."""
    mapped, true = np.indices(counts.shape)
    return true.ravel().repeat(counts.ravel()), mapped.ravel().repeat(counts.ravel())


# Area-adjusted scores


def test_the_published_example_is_reproduced():
    scores = area_adjusted_scores(*of_counts(SAMPLES), MAP_PIXELS)
    half = {x: scores.interval(x)[1] - getattr(scores, x) for x in scores.errors}
    assert round(scores.overall, 2) == 0.95
    assert round(half["overall"], 2) == 0.02
    assert scores.users.round(2).tolist() == [0.88, 0.73, 0.93, 0.96]
    assert half["users"].round(2).tolist() == [0.07, 0.10, 0.04, 0.02]
    assert scores.producers.round(2).tolist() == [0.75, 0.85, 0.93, 0.96]
    hectares = sum(MAP_PIXELS) * HECTARES
    assert (scores.areas * hectares).round().astype(int).tolist() == [
        21_158,
        11_686,
        285_770,
        581_386,
    ]
    # The paper takes 1.96 for the quantile, and rounds the standard errors before.
    expected = [6158, 3756, 15_510, 16_282]
    assert np.allclose(half["areas"] * hectares, expected, rtol=1e-3)


def test_errors_of_producers_accuracies_are_those_of_equation_7():
    """Written out, class by class, as it stands in the paper."""
    scores = area_adjusted_scores(*of_counts(SAMPLES), MAP_PIXELS)
    sampled = SAMPLES.sum(1)
    for j in range(4):
        total = sum(MAP_PIXELS[i] * SAMPLES[i, j] / sampled[i] for i in range(4))
        right = SAMPLES[j, j] / sampled[j]
        producer = MAP_PIXELS[j] * right / total
        own = MAP_PIXELS[j] ** 2 * (1 - producer) ** 2 * right * (1 - right)
        variance = own / (sampled[j] - 1)
        for i in {0, 1, 2, 3} - {j}:
            rate = SAMPLES[i, j] / sampled[i]
            other = MAP_PIXELS[i] ** 2 * rate * (1 - rate) / (sampled[i] - 1)
            variance += producer**2 * other
        assert scores.producers[j] == pytest.approx(producer)
        assert scores.errors["producers"][j] == pytest.approx(variance**0.5 / total)


def test_a_table_has_a_row_for_each_class():
    names = ["loss", "gain", "forest", "other"]
    scores = area_adjusted_scores(*of_counts(SAMPLES), MAP_PIXELS, names)
    table = scores.table()
    assert table.index.tolist() == names
    assert table.loc["loss", "user's"] == 0.88
    assert table["mapped area"].tolist() == [0.02, 0.015, 0.32, 0.645]
    assert "overall accuracy 0.947 ± 0.0" in repr(scores)


def noisy_map(seed=0, side=300):
    """A true map of four classes, and one that is wrong more often in some of them."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, (side, side), p=[0.05, 0.15, 0.3, 0.5])
    wrong = rng.random(truth.shape) < np.array([0.3, 0.1, 0.25, 0.08])[truth]
    return truth, np.where(wrong, rng.choice(4, truth.shape), truth)


def share_covered(truth, mapped, *, draws=200, each=150):
    """How often the intervals of stratified draws hold the true values, by score."""
    rng, truth, mapped = np.random.default_rng(1), truth.ravel(), mapped.ravel()
    pixels = np.bincount(mapped)
    confusion = np.zeros((len(pixels), len(pixels)))
    np.add.at(confusion, (truth, mapped), 1)
    whole = ClassScores(confusion, tuple(map(str, range(len(pixels)))))
    true = {
        "overall": whole.overall_accuracy,
        "users": whole.precision,
        "producers": whole.recall,
        "areas": np.bincount(truth) / len(truth),
    }
    places = [np.flatnonzero(mapped == k) for k in range(len(pixels))]
    held = {score: [] for score in true}
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(p, each, replace=False) for p in places])
        scores = area_adjusted_scores(truth[drawn], mapped[drawn], pixels)
        for score, value in true.items():
            low, high = scores.interval(score)
            held[score].append((low <= value) & (value <= high))
    return {score: np.mean(values, axis=0) for score, values in held.items()}


def test_intervals_hold_the_truth_in_about_95_of_100_samples():
    covered = share_covered(*noisy_map())
    # Of 200 draws, 95 ± 3 % hold it by chance alone.
    assert 0.91 <= covered["overall"] <= 0.99
    for score in ("areas", "users", "producers"):
        assert covered[score].mean() >= 0.91
        # What a class lacks is counted from few samples of other classes.
        assert covered[score].min() >= (0.82 if score == "producers" else 0.89)


def test_the_plain_share_of_right_samples_is_not_the_accuracy_of_the_map():
    truth, mapped = noisy_map()
    rng, pixels = np.random.default_rng(0), np.bincount(mapped.ravel())
    drawn = np.concatenate(
        [rng.choice(np.flatnonzero(mapped == k), 2000, replace=True) for k in range(4)]
    )
    labels, estimated = truth.ravel()[drawn], mapped.ravel()[drawn]
    right = (truth == mapped).mean()
    assert abs((labels == estimated).mean() - right) > 0.05
    assert abs(area_adjusted_scores(labels, estimated, pixels).overall - right) < 0.02


def test_classes_that_are_not_on_the_map_have_no_users_accuracy():
    scores = area_adjusted_scores([0, 0, 1, 2], [0, 0, 1, 1], [5, 5, 0])
    assert np.isnan(scores.users[2])
    assert scores.producers[2] == 0
    assert scores.areas.tolist() == [0.5, 0.25, 0.25]
    scores = area_adjusted_scores([0, 0, 0, 0], [0, 0, 1, 1], [5, 5])
    assert np.isnan(scores.producers[1])
    assert scores.users.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"map_pixels": [10, 0]}, ValueError, "'1' is not on the map, and 2 samples"),
        ({"map_pixels": [10]}, ValueError, "there is a class 1"),
        ({"map_pixels": [1, 2, 3]}, ValueError, "The class '2' of the map has 0"),
        ({"names": ["a"]}, ValueError, "`names` 1"),
        ({"labels": [0.5] * 4}, TypeError, "`labels`"),
        ({"estimated": [0]}, ValueError, "`labels` has 4, `estimated` has 1 values"),
        ({"confidence": 1}, ValueError, "below 1"),
    ],
)  # fmt: skip
def test_samples_that_do_not_fit_the_map_are_refused(change, error, match):
    right = {"labels": [0, 0, 1, 1], "estimated": [0, 0, 1, 1], "map_pixels": [10, 20]}
    with pytest.raises(error, match=match):
        area_adjusted_scores(**right | change)


def test_an_unknown_score_has_no_interval():
    scores = area_adjusted_scores([0, 0, 1, 1], [0, 0, 1, 1], [1, 1])
    with pytest.raises(ValueError, match="`score` is 'kappa'"):
        scores.interval("kappa")


# Places


def places_of(*, places=40, each=25, spread=1.5, seed=0):
    """Patches of two classes, of places that are easy or hard as a whole."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(places) % 2, each)
    polygons = np.repeat(np.arange(places), each)
    ease = 1 / (1 + np.exp(-rng.normal(1, spread, places)))
    right = rng.random(len(labels)) < ease[polygons]
    return labels, np.where(right, labels, 1 - labels), polygons


def test_an_interval_over_places_is_longer_where_patches_are_alike():
    labels, estimated, polygons = places_of()
    low, high = accuracy_interval(labels, estimated, polygons)
    single = accuracy_interval(labels, estimated)
    assert low < (labels == estimated).mean() < high
    assert high - low > 2 * (single[1] - single[0])
    other = np.random.default_rng(1).permutation(len(labels))
    mixed = accuracy_interval(labels[other], estimated[other], np.arange(len(labels)))
    assert abs((mixed[1] - mixed[0]) - (single[1] - single[0])) < 0.01


def test_a_confidence_interval_over_places_holds_the_truth():
    """95 % intervals, of 200 sets of places with the same expected accuracy."""
    rng = np.random.default_rng(0)
    expected = (1 / (1 + np.exp(-rng.normal(1, 1.5, 200_000)))).mean()
    held = []
    for seed in range(200):
        low, high = accuracy_interval(*places_of(seed=seed), draws=300)
        held.append(low <= expected <= high)
    assert 0.88 <= np.mean(held) <= 0.99


def test_a_larger_confidence_gives_a_longer_interval():
    narrow, wide = (
        accuracy_interval(*places_of(), confidence=value) for value in (0.5, 0.99)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_same_seed_gives_the_same_interval():
    one, same, other = (accuracy_interval(*places_of(), seed=s) for s in (3, 3, 4))
    assert one == same
    assert one != other


def test_draws_are_those_of_whole_polygons():
    """Two places of one class: a draw has the one, the other, or both."""
    labels, polygons = np.zeros(30, int), np.repeat([7, 9], [10, 20])
    estimated = np.repeat([0, 1], [10, 20])
    found = {
        accuracy_interval(labels, estimated, polygons, draws=1, seed=seed)
        for seed in range(40)
    }
    assert found == {(0.0, 0.0), (1 / 3, 1 / 3), (1.0, 1.0)}


def test_a_gain_is_compared_on_the_same_places():
    labels, one, polygons = places_of()
    # The second model is right where the first one is, and on a tenth of the others.
    more = np.random.default_rng(0).random(len(labels)) < 0.1
    two = np.where(more, labels, one)
    table = compare_over_places(labels, one, two, polygons, names=["water", "land"])
    assert table.index.tolist() == ["water", "land", "overall accuracy"]
    row = table.loc["overall accuracy"]
    assert row["gain"] == pytest.approx((labels == two).mean() - (labels == one).mean())
    assert 0 < row["low"] < row["gain"] < row["high"]
    # Much shorter than the intervals of each of the two.
    low, high = accuracy_interval(labels, one, polygons)
    assert row["high"] - row["low"] < (high - low) / 2


def test_gains_of_classes_are_those_of_their_f_scores():
    labels, one, polygons = places_of()
    two = places_of(seed=1)[1]
    table = compare_over_places(labels, one, two, polygons)

    def f_scores(estimated):
        counts = np.zeros((2, 2))
        np.add.at(counts, (labels, estimated), 1)
        return ClassScores(counts, ("a", "b")).f_score

    assert np.allclose(table["gain"].iloc[:2], f_scores(two) - f_scores(one))
    assert (table["low"] <= table["gain"]).all()
    assert (table["gain"] <= table["high"]).all()


def test_a_model_does_not_gain_over_itself():
    labels, one, polygons = places_of()
    assert (compare_over_places(labels, one, one, polygons) == 0).all(axis=None)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"labels": None}, TypeError, "`labels` is None"),
        ({"labels": [[0]]}, ValueError, r"`labels` has the shape \(1, 1\)"),
        ({"labels": [-1, 0, 1]}, ValueError, "`labels` holds -1"),
        ({"polygons": [0, 1]}, ValueError, "`polygons` has 2 values"),
        ({"polygons": [0.5, 1, 2]}, TypeError, "whole numbers"),
        ({"confidence": 0}, ValueError, "`confidence` is 0"),
        ({"confidence": 95}, ValueError, "below 1"),
        ({"draws": 0}, ValueError, "`draws` is 0"),
        ({"seed": -1}, ValueError, "`seed` is -1"),
    ],
)
@pytest.mark.parametrize("compare", [False, True])
def test_wrong_classes_and_places_are_refused(compare, change, error, match):
    right = {"labels": [0, 1, 1], "polygons": [0, 1, 2]}
    if compare:
        right |= {"estimated_one": [0, 1, 1], "estimated_two": [0, 1, 0]}
        function = compare_over_places
    else:
        right |= {"estimated": [0, 1, 1]}
        function = accuracy_interval
    with pytest.raises(error, match=match):
        function(**right | change)


def test_too_few_names_are_refused():
    with pytest.raises(ValueError, match="2 names, and there is a class 2"):
        compare_over_places([0, 2], [0, 1], [0, 1], [0, 1], names=["a", "b"])


# Classes of patches


def a_model(inputs, training=False):
    return {"estimated": inputs["x"]}


def batches(values, targets):
    data = ({"x": values}, {"estimated": targets})
    return tf.data.Dataset.from_tensor_slices(data).batch(3)


def one_hot(numbers):
    return np.eye(3, dtype="float32")[np.asarray(numbers)]


def test_classes_are_in_the_order_of_the_dataset():
    labels, estimated = np.arange(8) % 3, np.arange(8) * 2 % 3
    found = classify(
        a_model,
        batches(*(one_hot(x)[:, None, None] for x in (estimated, labels))),
    )
    assert found[0].tolist() == labels.tolist()
    assert found[1].tolist() == estimated.tolist()


def test_pixels_of_a_patch_come_row_after_row():
    labels = np.random.default_rng(0).integers(0, 3, (4, 2, 5))
    found = classify(a_model, batches(one_hot(labels), one_hot(labels)))
    assert found[0].tolist() == labels.ravel().tolist()


@pytest.mark.parametrize(
    ("values", "targets", "match"),
    [
        (one_hot([[[0]]]), 0 * one_hot([[[0]]]), "a pixel without a class"),
        (np.nan * one_hot([[[0]]]), one_hot([[[0]]]), "NaN or infinite"),
        (one_hot([[[0]]]), one_hot([[[0, 1]]]), "has the shape"),
        (one_hot([[[0]]])[:0], one_hot([[[0]]])[:0], "empty"),
    ],
)
def test_patches_without_classes_are_refused(values, targets, match):
    with pytest.raises(ValueError, match=match):
        classify(a_model, batches(values, targets))


def test_what_is_no_model_or_dataset_is_refused():
    with pytest.raises(TypeError, match="`model` is 3"):
        classify(3, batches(one_hot([[[0]]]), one_hot([[[0]]])))
    with pytest.raises(TypeError, match="`dataset` is 3"):
        classify(a_model, 3)
