"""Reflectance of level 2A: masked classes, arithmetic, and where the offset is."""

import numpy as np
import pytest

from data_fetch import reflectance
from data_fetch.reflectance import (
    DarkSample,
    choose_offset,
    dark_samples,
    darkest_parts,
)

RNG = np.random.default_rng(3)


def scene(*, offset, kind=reflectance.WATER, shape=(23, 31)):
    """A classification and bands in which one kind of pixel is dark."""
    scl = np.full(shape, 5)
    scl[3:20, 4:27] = kind
    # Typical values of clear water in B12 and of vegetation in B4 (mean and spread).
    dark = {"B12": (90, 30), "B4": (300, 60), "B2": (260, 50)}
    bands = {}
    for band, (mean, spread) in dark.items():
        pixels = RNG.normal(2500, 300, shape)
        inside = scl == kind
        pixels[inside] = RNG.normal(mean, spread, inside.sum())
        bands[band] = np.maximum(np.rint(pixels) + offset, 1).astype("uint16")
    return scl, bands.get


def test_each_class_of_the_scene_classification_is_ground_or_not():
    # The classes in the handbook of Sentinel-2: 0 no data, 1 saturated, 2 dark, 3 cloud
    # shadow, 4 vegetation, 5 bare, 6 water, 7 unclassified, 8 and 9 cloud, 10 thin
    # cirrus, 11 snow.
    ground = [2, 4, 5, 6, 7, 11]
    scl = np.arange(12, dtype="uint8").reshape(3, 4)
    assert np.flatnonzero(reflectance.has_data(scl)).tolist() == ground


@pytest.mark.parametrize("scale", [1e-4, 1 / 10_000, 2e-4])
def test_reflectance_is_the_linear_function_that_stac_declares(scale):
    dn = RNG.integers(1, 20_000, (5, 7, 3)).astype("uint16")
    valid = RNG.random((5, 7, 1)) < 0.7
    found = reflectance.to_reflectance(dn, scale=scale, offset=-0.1, valid=valid)
    expected = np.round((dn.astype(float) * scale - 0.1) * 10_000)
    assert found.dtype == np.uint16
    kept = np.broadcast_to(valid, dn.shape)
    assert (found[kept] == np.maximum(expected, 1)[kept]).all()
    assert (found[~kept] == 0).all()


def test_measured_values_are_at_least_1_and_fit_the_type():
    dn = np.array([0, 1, 999, 1000, 1001, 65535], "uint16")
    valid = np.ones(6, bool)
    inside = reflectance.to_reflectance(dn, scale=1e-4, offset=-0.1, valid=valid)
    assert inside.tolist() == [1, 1, 1, 1, 1, 64535]
    doubled = reflectance.to_reflectance(dn, scale=2e-4, offset=0.0, valid=valid)
    assert doubled[-1] == 65535


@pytest.mark.parametrize("truth", [-0.1, 0.0])
@pytest.mark.parametrize("declared", [-0.1, 0.0, None])
@pytest.mark.parametrize("kind", [reflectance.WATER, reflectance.VEGETATION])
def test_dark_pixels_find_the_offset_whatever_metadata_says(truth, declared, kind):
    scl, read = scene(offset=round(-truth * 10_000), kind=kind)
    dark = dark_samples(scl, read)
    choice = choose_offset(declared, "the metadata says something", dark)
    assert choice.value == truth
    assert choice.checked
    agree = "confirms" in choice.reason
    assert agree == (declared == truth)
    assert choice.reason.startswith("The metadata says something. ")


def test_water_is_asked_before_vegetation():
    scl, read = scene(offset=0)
    scl[:2] = reflectance.VEGETATION
    scl = np.vstack([scl, np.full((9, 31), reflectance.VEGETATION)])
    asked = []

    def recorded(band):
        asked.append(band)
        return np.vstack([read(band), np.full((9, 31), 4000, "uint16")])

    assert [one.what for one in dark_samples(scl, recorded)] == ["water in B12"]
    assert asked == ["B12"]


@pytest.mark.parametrize("declared", [-0.1, 0.0, None])
def test_glitter_on_the_sea_is_not_taken_for_the_offset(declared):
    scl, read = scene(offset=0, kind=reflectance.VEGETATION)
    # A sea that reflects 0.12 in B12, below the land.
    scl = np.vstack([scl, np.full((15, 31), reflectance.WATER)])

    def with_sea(band):
        return np.vstack([read(band), np.full((15, 31), 1200, "uint16")])

    dark = dark_samples(scl, with_sea)
    choice = choose_offset(declared, "it says so", dark)
    assert (choice.value, choice.checked) == (0.0, True)
    assert "vegetation in B4" in choice.reason


def test_glitter_far_from_the_land_is_refuted_by_its_vegetation():
    """The parts with most water may have no land, so others are read too."""
    sea, land = np.full((2000, 6), reflectance.WATER), np.full((600, 6), 4)
    scl = np.vstack([sea, land])
    values = np.where(scl == reflectance.WATER, 1200, 300).astype("uint16")
    read = []

    def classes(rows):
        read.append(rows)
        return scl[rows.start : rows.stop]

    parts = darkest_parts(len(scl), classes)
    assert max(len(rows) for rows in read) <= 256
    assert sum(len(rows) for rows in parts) <= 8 * 256

    def taken(array):
        return np.concatenate([array[rows.start : rows.stop] for rows in parts])

    dark = dark_samples(taken(scl), lambda band: taken(values))
    assert choose_offset(-0.1, "it says so", dark).value == 0.0


def test_a_scene_without_dark_pixels_has_a_part_that_shows_none():
    scl = np.full((700, 6), 5)
    (part,) = darkest_parts(700, lambda rows: scl[rows.start : rows.stop])
    assert dark_samples(scl[part.start : part.stop], lambda band: None) == []


def test_too_few_dark_pixels_leave_the_metadata_unchecked():
    scl, read = scene(offset=1000)
    scl[scl == reflectance.WATER] = 5
    scl[0, :31] = reflectance.WATER
    assert dark_samples(scl, read) == []
    choice = choose_offset(0.0, "the flag is true", [])
    assert choice == (0.0, choice.reason, False)
    assert "could not be checked" in choice.reason


def test_pixels_without_data_do_not_count_as_dark():
    scl, read = scene(offset=1000)
    empty = np.where(scl == reflectance.WATER, 0, read("B12"))
    few = np.where(np.arange(scl.size).reshape(scl.shape) % 5, empty, read("B12"))
    assert [
        x.what for x in dark_samples(scl, lambda band: few if band == "B12" else None)
    ] == []


def test_a_band_that_is_missing_is_passed_over():
    scl, read = scene(offset=0, kind=reflectance.VEGETATION)
    found = dark_samples(scl, lambda band: None if band == "B4" else read(band))
    assert [one.what for one in found] == ["vegetation in B2"]


@pytest.mark.parametrize("low", [701, 800, 899])
@pytest.mark.parametrize("declared", [-0.1, 0.0])
def test_values_that_fit_both_leave_the_metadata_unchecked(low, declared):
    sample = DarkSample("water in B12", 500, low)
    choice = choose_offset(declared, "it says so", [sample])
    assert (choice.value, choice.checked) == (declared, False)


@pytest.mark.parametrize(("forced", "value"), [("inside", -0.1), ("removed", 0.0)])
def test_the_user_overrules_metadata_and_pixels(forced, value):
    for low in (100, 1100):
        sample = DarkSample("water in B12", 500, low)
        for declared in (-0.1, 0.0, None):
            choice = choose_offset(declared, "it says so", [sample], forced=forced)
            assert choice.value == value
            assert forced in choice.reason


def test_an_offset_that_nothing_tells_is_refused_with_the_cure():
    with pytest.raises(ValueError, match=r"`--offset inside` or `--offset removed`"):
        choose_offset(None, "the metadata tells nothing", [])


def test_a_declared_offset_of_another_size_is_kept():
    sample = DarkSample("water in B12", 500, 1040)
    assert choose_offset(-0.105, "it says so", [sample]).value == -0.105
