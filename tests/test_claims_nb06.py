"""Statements of notebooks 05 and 06 about the recorded networks, over seeds (slow)."""

import keras
import numpy as np
import pytest
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import recorded
from tutorial_lib.exercises import nb06_two_sources
from tutorial_lib.recorded import recipes

ENDS = ("", "_1", "_2")

pytestmark = pytest.mark.slow


def network(name):
    return keras.models.load_model(recorded.weights_path(name))


@pytest.fixture(scope="module")
def legend(havel_folder):
    return tl.read_legend(havel_folder / "terrain_truth_c.tif")


@pytest.fixture(scope="module")
def patches(havel_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_sources")
    return recipes.cut_patches(havel_folder, folder, sizes=recipes.TWO_SIZES)


@pytest.fixture(scope="module")
def found(patches):
    """True classes of area C, and those that each recorded network estimates."""
    _, _, test = recipes.datasets(patches, class_count=6)
    one = test.map(lambda x, y: ({"input": x["input_10m"]}, y))
    estimated = {}
    for kind, data in {"fcnn_havel": one, "dual_source_havel": test}.items():
        for end in ENDS:
            labels, classes = tl.training.classify(network(kind + end), data)
            estimated[kind + end] = classes
    return labels, estimated


@pytest.fixture(scope="module")
def tables(found, patches, legend):
    labels, estimated = found
    return [
        tl.training.compare_over_places(
            labels,
            estimated[f"fcnn_havel{end}"],
            estimated[f"dual_source_havel{end}"],
            patches["c"].polygons,
            names=legend.names,
        )
        for end in ENDS
    ]


def test_the_network_of_two_sources_has_more_weights():
    one, two = (
        sum(np.prod(w.shape) for w in network(name).trainable_weights)
        for name in ("fcnn_havel", "dual_source_havel")
    )
    assert two > one


def gains_in(tables, name):
    """For each seed, whether the interval of a gain lies above 0."""
    return [table["low"][name] > 0 for table in tables]


def test_no_gain_of_two_sources_is_decided(tables):
    for name in tables[0].index:
        assert not all(gains_in(tables, name)), name
        assert not all(table["high"][name] < 0 for table in tables), name


def test_two_sources_gain_less_than_seeds_differ(found):
    labels, estimated = found
    one, two = (
        np.array([np.mean(labels == estimated[kind + end]) for end in ENDS])
        for kind in ("fcnn_havel", "dual_source_havel")
    )
    assert (two > one).all()
    assert np.ptp(one) > np.mean(two - one)


@pytest.fixture(scope="module")
def baseline(patches):
    return tl.training.maximum_likelihood(patches["a"], patches["c"])


@pytest.mark.parametrize("end", ENDS)
def test_the_gain_over_the_baseline_is_decided(end, found, patches, baseline):
    labels, estimated = found
    two, places = estimated[f"dual_source_havel{end}"], patches["c"].polygons
    table = tl.training.compare_over_places(labels, baseline, two, places)
    assert table["low"]["overall accuracy"] > 0
    assert np.mean(estimated[f"fcnn_havel{end}"] == labels) > np.mean(
        baseline == labels
    )


def length(interval):
    low, high = interval
    return high - low


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["fcnn_havel", "dual_source_havel"])
def test_patches_tell_no_more_than_as_many_samples_as_there_are_polygons(
    kind, end, found, patches
):
    labels, estimated = found[0], found[1][kind + end]
    places = patches["c"].polygons
    single = length(tl.training.accuracy_interval(labels, estimated))
    whole = length(tl.training.accuracy_interval(labels, estimated, places))
    samples = len(labels) * (single / whole) ** 2
    count = len(np.unique(places))
    assert count / 2 < samples < count


def test_the_exercise_draws_as_the_kit_does_when_classes_are_drawn_together(
    found, patches
):
    # The kit keeps the number of polygons of each class, so its interval is shorter.
    labels, estimated = found[0], found[1]["dual_source_havel"]
    places, rng = patches["c"].polygons, np.random.default_rng(0)
    draw = nb06_two_sources.draw_again.run(nb06_two_sources.draw_again.solution_code)
    draws = [draw(labels == estimated, places, rng) for _ in range(300)]
    own = length(np.quantile(draws, [0.025, 0.975]))
    kits = length(tl.training.accuracy_interval(labels, estimated, places))
    assert 0.9 * kits < own < 1.3 * kits


def test_a_single_seed_shows_a_gain_that_others_do_not_confirm(tables):
    assert any(
        any(gains_in(tables, name)) and not all(gains_in(tables, name))
        for name in tables[0].index
    )


@pytest.mark.parametrize("end", ENDS)
def test_the_network_is_less_sure_where_two_classes_meet(havel_folder, end):
    plan = tl.plan_inference(
        network(f"fcnn_havel{end}"),
        havel_folder / "s2_10m.tif",
        output="estimated",
        window=Window(512, 256, 512, 256),
    )
    probabilities = plan.read()
    labels, surest = probabilities.argmax(-1), probabilities.max(-1)
    at_edge = (labels[1:, 1:] != labels[:-1, 1:]) | (labels[1:, 1:] != labels[1:, :-1])
    assert surest[1:, 1:][at_edge].mean() < surest[1:, 1:][~at_edge].mean() - 0.05
