"""Class colours stay apart without full colour vision and, for the scenes, in grey."""

import numpy as np
import pytest
from colours import (
    VISIONS,
    ciede2000,
    lab,
    lightness,
    nearest,
    nearest_in_grey,
)

from data_fetch.layout import LEGEND as SCENE
from data_fetch.synthetic.mixtures import LEGEND as SYNTHETIC
from data_fetch.town.files import LEGEND as TOWN
from tutorial_lib.viewers.pictures import CLASS_COLORS

LEGENDS = {"scene": SCENE, "synthetic": SYNTHETIC, "town": TOWN}

# Sharma, Wu and Dalal (2005), table 1: two colours in CIELAB, and their difference.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "expected"), SHARMA)
def test_the_difference_of_two_colours_is_the_published_one(one, other, expected):
    assert ciede2000(one, other) == pytest.approx(expected, abs=5e-5)
    assert ciede2000(other, one) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("vision", VISIONS)
def test_every_vision_sees_white_and_black(vision):
    np.testing.assert_allclose(lab("#ffffff", vision), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(lab("#000000", vision), 0, atol=1e-9)
    assert lightness("#777777") == pytest.approx(50.03, abs=0.01)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("name", LEGENDS)
def test_classes_of_a_scene_stay_apart(name, vision):
    apart, *pair = nearest(LEGENDS[name].colors, vision)
    assert apart >= 11, pair


@pytest.mark.parametrize("name", LEGENDS)
def test_classes_of_a_scene_stay_apart_in_grey(name):
    apart, *pair = nearest_in_grey(LEGENDS[name].colors)
    assert apart >= 9, pair


@pytest.mark.parametrize("vision", VISIONS)
def test_classes_without_colours_of_their_own_stay_apart(vision):
    apart, *pair = nearest(CLASS_COLORS, vision)
    assert apart >= 10, pair
