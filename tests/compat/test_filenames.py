"""Extended file names and pixel types, as OTB has them."""

import numpy as np
import pytest

from tutorial_lib.compat.filenames import chosen_bands, split, target
from tutorial_lib.compat.pixel_types import cast, dtype_of


def test_options_follow_the_path():
    assert split("a b.tif?&box=1:2:3:4&nodata=255") == (
        "a b.tif",
        {"box": "1:2:3:4", "nodata": "255"},
    )


@pytest.mark.parametrize(
    "ext_fname",
    ["box=2:3:40:20", "?&box=2:3:40:20", "&box=2:3:40:20", {"box": "2:3:40:20"}],
)
def test_a_box_is_x_y_width_height(ext_fname):
    window = target("map.tif", ext_fname).window(height=100, width=200)
    assert (window.col_off, window.row_off, window.width, window.height) == (
        *(2, 3),
        *(40, 20),
    )


def test_an_option_in_the_path_wins():
    found = target("map.tif?&box=0:0:5:6", "box=2:3:40:20&nodata=7")
    assert found.box == (0, 0, 5, 6)
    assert found.nodata == 7


def test_a_box_that_leaves_the_image_is_cut_and_told():
    with pytest.warns(UserWarning, match="Only 10x5 px"):
        window = target("map.tif", "box=90:45:50:50").window(height=50, width=100)
    assert (window.width, window.height) == (10, 5)


def test_a_box_beside_the_image_is_refused():
    with pytest.raises(ValueError, match=r"box=100:0:5:5 lies outside .* 100 px wide"):
        target("map.tif", "box=100:0:5:5").window(height=50, width=100)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("bax=1:2:3:4", r"'bax' .* did you mean `box`\?"),
        ("box=1:2:3", "four whole numbers"),
        ("box=-1:2:3:4", "four whole numbers"),
        ("box", "not an option"),
        ("nodata=x", "not one number"),
        ("nodata=1:0,2:255", "one no-data value for all"),
        ("bands=1-3", "not a list of band numbers"),
    ],
)
def test_wrong_options_are_told(options, words):
    with pytest.raises(ValueError, match=words):
        target("map.tif", options)


def test_streaming_options_change_nothing():
    options = "streaming:type=tiled&streaming:sizemode=height&streaming:sizevalue=64"
    assert target("map.tif", options) == target("map.tif")


def test_integers_are_clamped_then_cut_off():
    # otbtf_semantics 1.4: neither wrapped nor rounded.
    given = np.array([-1.0, -0.9, 2.9, 254.99, 300.0, np.nan, np.inf, -np.inf])
    assert cast(given, np.dtype("uint8")).tolist() == [0, 0, 2, 254, 255, 0, 255, 0]
    assert cast(given, np.dtype("int16")).tolist()[:5] == [-1, 0, 2, 254, 300]


def test_the_limits_of_32_bit_integers_are_met():
    given = np.array([2.0**31, -(2.0**31) - 1, 2.0**32], "float64")
    assert cast(given, np.dtype("int32")).tolist() == [
        *(2**31 - 1, -(2**31)),
        2**31 - 1,
    ]
    assert cast(given, np.dtype("uint32")).tolist() == [2**31, 0, 2**32 - 1]


def test_integers_become_smaller_ones_by_clamping():
    assert cast(np.array([300, -5]), np.dtype("uint8")).tolist() == [255, 0]


def test_an_unknown_pixel_type_is_told():
    with pytest.raises(ValueError, match="'uint8', 'int16'"):
        dtype_of("byte")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2", [1]),
        ("2:", [1, 2, 3]),
        (":2", [0, 1]),
        (":", [0, 1, 2, 3]),
        ("-1", [3]),
        ("-3:-2", [1, 2]),
        ("4,:2", [3, 0, 1]),
    ],
)
def test_ranges_of_bands_are_open_or_count_from_the_end(words, expected):
    assert chosen_bands(target("map.tif", f"bands={words}").bands, 4) == expected


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("0", "asks for band 0, and the image has 4"),
        ("5", "asks for band 5, and the image has 4"),
        ("-5", "asks for band -5"),
        ("3:2", r"3:2, which is empty.* bands=2:3\."),
    ],
)
def test_bands_that_an_image_does_not_have_are_told(words, told):
    ranges = target("map.tif", f"bands={words}").bands
    with pytest.raises(ValueError, match=told):
        chosen_bands(ranges, 4)
