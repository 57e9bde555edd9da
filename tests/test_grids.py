"""Pixels, patches, tiles, windows and grids: golden numbers and laws."""

from fractions import Fraction

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tutorial_lib import testing
from tutorial_lib.grids import (
    GridMismatchError,
    align,
    map_grid,
    patch_start,
    pixel_index,
    tile_spans,
    window_ranges,
)

# Points and patches


@pytest.mark.parametrize(
    ("x", "size", "first"), [(85, 16, 0), (80, 16, 0), (79.999, 16, -1), (25, 5, 0)]
)
def test_a_patch_starts_at_the_pixel_where_otbtf_starts_it(x, size, first):
    assert patch_start(pixel_index(x, corner=0, spacing=10), size) == first


def test_a_point_on_an_edge_belongs_to_the_pixel_right_or_below():
    assert pixel_index(500_020, corner=500_000, spacing=10) == 2
    assert pixel_index(4_799_980, corner=4_800_000, spacing=-10) == 2
    assert pixel_index(4_799_980.01, corner=4_800_000, spacing=-10) == 1


@pytest.mark.parametrize(
    ("corner", "spacing"),
    [
        (0.3, 0.1),
        (600_000.7, 0.6),
        (139.1, 0.1),
        (-179.95, 1 / 12000),
        (35.000416666666666, -1 / 12000),
        (12.5, 1 / 3),
    ],
)
def test_an_edge_belongs_to_the_pixel_that_begins_there_at_any_spacing(corner, spacing):
    for pixel in (0, 1, 2, 3, 7, 10, 4999, 10980, 1_234_567):
        # The coordinate is a sum of floats, as programs write it into a file.
        assert pixel_index(corner + pixel * spacing, corner, spacing) == pixel
        assert pixel_index(corner + (pixel + 0.5) * spacing, corner, spacing) == pixel
        assert pixel_index(corner + (pixel + 0.99) * spacing, corner, spacing) == pixel


def test_indices_continue_outside_the_raster():
    assert pixel_index(-0.1, corner=0, spacing=10) == -1
    assert pixel_index(-10, corner=0, spacing=10) == -1
    assert pixel_index(-10.1, corner=0, spacing=10) == -2


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16])
def test_a_patch_has_its_position_in_the_middle(size):
    before = 40 - patch_start(40, size)
    after = size - 1 - before
    assert before - after == (1 if size % 2 == 0 else 0)


# Alignment of rasters


def test_sources_are_measured_in_pixels_of_the_reference_from_its_corner():
    pan = testing.small_grid(640, 768, spacing=1.5)
    xs = testing.small_grid(100, 192, spacing=6, corner=(500_009, 4_799_976))
    rows, cols = align({"pan": pan, "xs": xs})["xs"]
    assert (rows.offset, rows.spacing, rows.size) == (16, 4, 100)
    assert (cols.offset, cols.spacing, cols.size) == (6, 4, 192)
    rows, cols = align({"xs": xs, "pan": pan})["pan"]
    assert (rows.offset, rows.spacing) == (-4, Fraction(1, 4))
    assert (cols.offset, cols.spacing) == (Fraction(-3, 2), Fraction(1, 4))


def test_rounded_spacings_give_exact_ratios():
    fine = GeoBox((60, 80), Affine(1 / 12000, 0, 0.1, 0, -1 / 12000, 0.3), "EPSG:4326")
    coarse = GeoBox((20, 27), Affine(1 / 4000, 0, 0.1, 0, -1 / 4000, 0.3), "EPSG:4326")
    for side in align({"fine": fine, "coarse": coarse})["coarse"]:
        assert (side.offset, side.spacing) == (0, 3)


@pytest.mark.parametrize(
    "transform",
    [
        Affine.translation(500_000, 4_800_000) @ Affine.rotation(30),
        Affine(10, 0, 0, 0, 10, 0),
        Affine(-10, 0, 0, 0, -10, 0),
    ],
)
def test_rotated_and_flipped_rasters_are_refused(transform):
    grid = GeoBox((20, 30), transform, "EPSG:32631")
    with pytest.raises(GridMismatchError, match="'a' is rotated or not north-up"):
        align({"a": grid})


def test_a_source_in_another_crs_is_refused_with_both_names():
    grids = {
        "a": testing.small_grid(9, 8),
        "b": testing.small_grid(9, 8, crs="EPSG:4326"),
    }
    with pytest.raises(GridMismatchError, match=r"'b' is in .*4326 .*'a' in .*32631"):
        align(grids)


def test_a_source_without_crs_is_refused_with_the_cure():
    plain = testing.small_grid(9, 8)
    bare = GeoBox(plain.shape, plain.transform, None)
    for grids in ({"a": plain, "b": bare}, {"a": bare, "b": plain}):
        with pytest.raises(GridMismatchError, match=r"CRS None.*gdal_edit"):
            align(grids)


# Tiles


@given(st.integers(-9, 9), st.integers(1, 70), st.integers(1, 80), st.data())
def test_the_tiles_of_a_window_are_tiles_of_the_full_map(first, size, tile_size, data):
    pixels = range(first, first + size)
    start = data.draw(st.integers(pixels.start, pixels.stop - 1))
    window = range(start, data.draw(st.integers(start + 1, pixels.stop)))
    whole = list(tile_spans(pixels, tile_size, pixels))
    assert [p for tile in whole for p in tile] == list(pixels)
    assert all(len(tile) == tile_size for tile in whole[:-1])
    touched = [tile for tile in whole if set(tile) & set(window)]
    assert list(tile_spans(pixels, tile_size, window)) == touched


# Windows


def test_a_window_becomes_a_range_of_rows_and_one_of_columns():
    window = Window(col_off=7.0, row_off=2, width=5, height=9)
    assert window_ranges(window, (30, 40), "a") == (range(2, 11), range(7, 12))
    whole = Window(col_off=0, row_off=0, width=40, height=30)
    assert window_ranges(whole, (30, 40), "a") == (range(30), range(40))


@pytest.mark.parametrize(
    "numbers",
    [(-1, 0, 5, 5), (0, -1, 5, 5), (36, 0, 5, 5), (0, 26, 5, 5), (3, 3, 0, 5)],
)
def test_a_window_outside_or_without_pixels_is_refused(numbers):
    with pytest.raises(ValueError, match=r"of 'a.tif' .* inside its 30x40 px"):
        window_ranges(Window(*numbers), (30, 40), "'a.tif'")


@pytest.mark.parametrize("numbers", [(0.5, 0, 5, 5), (0, 0, 5, 4.5)])
def test_a_window_that_cuts_pixels_is_refused_with_the_cure(numbers):
    with pytest.raises(ValueError, match=r"not in whole pixels.*`round_offsets`"):
        window_ranges(Window(*numbers), (30, 40), "'a.tif'")


def test_a_window_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"a tuple.*Window\(col_off"):
        window_ranges((0, 0, 5, 5), (30, 40), "'a.tif'")


# The grid of a map


def test_a_map_has_the_corner_that_otbtf_gives_it():
    ten = GeoBox(
        (10980, 10980), Affine(10, 0, 300_000, 0, -10, 4_000_020), "EPSG:32654"
    )
    # A network with a receptive field of 16 px maps the pixels 8 to 10972.
    pixels = range(8, 10973)
    grid = map_grid(ten, Fraction(1), rows=pixels[4000:5000], columns=pixels[4000:5003])
    assert (grid.transform.c, grid.transform.f) == (340_080, 3_959_940)
    assert grid.shape.yx == (1000, 1003)
    assert (grid.resolution.x, grid.resolution.y) == (10, -10)
    assert grid.crs == ten.crs


def test_the_corner_of_a_map_is_exact_at_decimal_spacings():
    grid = GeoBox((50, 90), Affine(0.1, 0, 0.3, 0, -0.1, 0.7), "EPSG:4326")
    part = map_grid(grid, Fraction(3), rows=range(1, 4), columns=range(2, 9))
    assert (part.transform.c, part.transform.f) == (0.9, 0.4)
    assert (part.transform.a, part.transform.e) == (0.3, -0.3)
