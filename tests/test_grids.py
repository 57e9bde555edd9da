"""Golden numbers and laws of the pixel arithmetic."""

from fractions import Fraction
from math import floor

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from tutorial_lib import testing
from tutorial_lib.grids import (
    Axis,
    GridMismatchError,
    align,
    map_grid,
    patch_start,
    pixel_index,
    tile_spans,
)
from tutorial_lib.inference.blocks import BlockAxis


def axis(size, spacing=1, offset=0):
    return Axis(Fraction(offset), Fraction(spacing), size)


def block_axis(*sources, e=1, k=1):
    """`sources` are (axis, receptive field), reference first."""
    axes, fields = zip(*sources, strict=True)
    return BlockAxis(axes, fields, expression=e, scale=Fraction(k))


# Points and patches


@pytest.mark.parametrize(
    ("x", "size", "first"), [(85, 16, 0), (80, 16, 0), (79.999, 16, -1), (25, 5, 0)]
)
def test_patches_of_otbtf_start_where_it_starts_them(x, size, first):
    assert patch_start(pixel_index(x, corner=0, spacing=10), size) == first


def test_a_point_on_an_edge_belongs_to_the_right_and_to_the_pixel_below():
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
def test_every_edge_belongs_to_the_pixel_it_opens_whatever_the_spacing(corner, spacing):
    for pixel in (0, 1, 2, 3, 7, 10, 4999, 10980, 1_234_567):
        # The sum in floats: what any program writes into a file.
        assert pixel_index(corner + pixel * spacing, corner, spacing) == pixel
        assert pixel_index(corner + (pixel + 0.5) * spacing, corner, spacing) == pixel
        assert pixel_index(corner + (pixel + 0.99) * spacing, corner, spacing) == pixel


def test_indices_go_on_outside_of_the_raster():
    assert pixel_index(-0.1, corner=0, spacing=10) == -1
    assert pixel_index(-10, corner=0, spacing=10) == -1
    assert pixel_index(-10.1, corner=0, spacing=10) == -2


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16])
def test_a_patch_holds_its_pixel_in_the_middle(size):
    before = 40 - patch_start(40, size)
    after = size - 1 - before
    assert before - after == (1 if size % 2 == 0 else 0)


# Alignment of rasters


def test_sources_are_measured_in_reference_pixels_from_its_corner():
    pan = testing.small_grid(640, 768, spacing=1.5)
    xs = testing.small_grid(100, 192, spacing=6, corner=(500_009, 4_799_976))
    rows, cols = align({"pan": pan, "xs": xs})["xs"]
    assert (rows.offset, rows.spacing, rows.size) == (16, 4, 100)
    assert (cols.offset, cols.spacing, cols.size) == (6, 4, 192)
    rows, cols = align({"xs": xs, "pan": pan})["pan"]
    assert (rows.offset, rows.spacing) == (-4, Fraction(1, 4))
    assert (cols.offset, cols.spacing) == (Fraction(-3, 2), Fraction(1, 4))


def test_spacings_that_are_no_exact_floats_give_exact_ratios():
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
    with pytest.raises(GridMismatchError, match=r"'a' is rotated or not north-up"):
        align({"a": grid})


def test_another_crs_is_refused_with_both_names():
    grids = {
        "a": testing.small_grid(9, 8),
        "b": testing.small_grid(9, 8, crs="EPSG:4326"),
    }
    with pytest.raises(
        GridMismatchError, match=r"'b' is in EPSG:4326 .*'a' in EPSG:32631"
    ):
        align(grids)


def test_a_missing_crs_is_refused_with_the_way_to_declare_it():
    plain = testing.small_grid(9, 8)
    bare = GeoBox(plain.shape, plain.transform, None)
    for grids in ({"a": plain, "b": bare}, {"a": bare, "b": plain}):
        with pytest.raises(GridMismatchError, match=r"None.*gdal_edit -a_srs"):
            align(grids)


# The block rule


def test_first_pixels_are_those_of_the_design():
    def shift(r, e=1, k=1):
        return block_axis((axis(1000), r), e=e, k=k).shift

    assert shift(16) == 8
    assert shift(5) == 2
    assert shift(128, e=64) == 32
    assert shift(128, e=128) == 0
    assert shift(128, e=96) == 16
    assert shift(64, e=49) == 8


@pytest.mark.parametrize(
    ("size", "field", "k", "count"),
    [
        # DESIGN 5: a scale factor reads every k-th window.
        (100, 16, 1, 85),
        (100, 16, 2, 43),
        (100, 16, 3, 29),
        (100, 16, 4, 22),
        (100, 5, 1, 96),
        (10980, 16, 1, 10965),
        (15, 16, 1, 0),
        (16, 16, 4, 1),
    ],
)
def test_a_source_gives_as_many_pixels_as_windows_fit(size, field, k, count):
    assert len(block_axis((axis(size), field), k=k).blocks) == count


def test_a_20_m_reference_reads_the_10_m_pixels_under_it():
    rule = block_axis((axis(50), 8), (axis(100, spacing="1/2"), 16))
    assert [rule.chunk(1, range(m, m + 1)) for m in (0, 1, 7)] == [
        range(0, 16),
        range(2, 18),
        range(14, 30),
    ]
    assert len(rule.blocks) == 43


def test_a_shifted_second_source_is_read_where_it_lies():
    # The real OTBTF with the 20 m image moved by (+70 m, -50 m): windows of the 10 m
    # image start at 7 + 2i and 5 + 2i, so the 20 m reference at i.
    for offset in (7, 5):
        rule = block_axis((axis(250), 8), (axis(500, "1/2", Fraction(-offset, 2)), 16))
        assert [rule.start(1, i) for i in range(3)] == [offset, offset + 2, offset + 4]


def test_expression_fields_count_blocks_of_pan_and_xs():
    # 768 px: 640 with e=128 and 640 with e=64 in OTBTF, which loses a block.
    pan, xs = axis(768), axis(192, spacing=4)
    one = block_axis((pan, 128), (xs, 32), e=128)
    two = block_axis((pan, 128), (xs, 32), e=64)
    assert one.pixels(one.blocks) == range(0, 768)
    assert two.pixels(two.blocks) == range(32, 736)
    assert two.chunk(0, range(5, 10)) == range(320, 704)
    assert two.chunk(1, range(5, 10)) == range(80, 176)


spacings = st.sampled_from(
    [Fraction(1, 4), Fraction(1, 2), Fraction(2, 3), Fraction(3, 2)]
)
extra_sources = st.tuples(
    st.fractions(-9, 9, max_denominator=4),
    spacings,
    st.integers(1, 90),
    st.integers(1, 9),
)


@st.composite
def block_axes(draw):
    sources = [(axis(draw(st.integers(1, 60))), draw(st.integers(1, 16)))]
    for offset, spacing, size, field in draw(st.lists(extra_sources, max_size=2)):
        sources.append((axis(size, spacing, offset), field))
    scale = draw(st.sampled_from([1, 2, 3, Fraction(1, 2), Fraction(3, 2)]))
    return block_axis(*sources, e=draw(st.integers(1, 7)), k=scale)


@given(block_axes())
def test_blocks_exist_exactly_where_all_they_read_exists(rule):
    def exists(j):
        for one, field in zip(rule.axes, rule.fields, strict=True):
            place = j * rule.expression * rule.scale
            start = floor((place - one.offset) / one.spacing)
            if start < 0 or start + field > one.size:
                return False
        return True

    assert list(rule.blocks) == [j for j in range(-80, 200) if exists(j)]


@given(block_axes(), st.integers(-30, 30), st.integers(1, 9))
def test_pixels_of_blocks_are_covered_by_these_blocks(rule, first, count):
    blocks = range(first, first + count)
    assert rule.covering(rule.pixels(blocks)) == blocks


@given(block_axes(), st.integers(-30, 30), st.integers(1, 40))
def test_covering_blocks_hold_the_pixels_and_none_is_idle(rule, first, count):
    pixels = range(first, first + count)
    blocks = rule.covering(pixels)
    for block in blocks:
        assert set(rule.pixels(range(block, block + 1))) & set(pixels)
    assert set(pixels) <= set(rule.pixels(blocks))


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([1, 2, 4]), st.data())
def test_a_larger_block_of_the_same_network_gives_the_same_pixels(size, field, k, data):
    # (r + kt, e + t) describes the map of (r, e): each of its pixels reads the same.
    t = data.draw(st.integers(0, 20))
    small = block_axis((axis(size), field), k=k)
    large = block_axis((axis(size), field + k * t), e=1 + t, k=k)
    assert large.shift == small.shift
    assert set(large.pixels(large.blocks)) <= set(small.pixels(small.blocks))
    for block in large.blocks:
        for i, pixel in enumerate(large.pixels(range(block, block + 1))):
            (own,) = small.covering(range(pixel, pixel + 1))
            assert small.start(0, own) == large.start(0, block) + k * i


@given(block_axes(), st.integers(-5, 5), st.integers(1, 6))
def test_a_chunk_is_what_its_blocks_read(rule, first, count):
    blocks = range(first, first + count)
    for i, field in enumerate(rule.fields):
        read = {rule.start(i, j) + p for j in blocks for p in range(field)}
        chunk = rule.chunk(i, blocks)
        assert (chunk.start, chunk.stop) == (min(read), max(read) + 1)


def test_the_centre_of_an_output_pixel_lies_in_the_source_pixel_under_it():
    rule = block_axis((axis(100), 16), (axis(40, 2, offset=6), 8), k=2)
    # Output pixel 5 is from 10 to 12 reference pixels, its centre at 11.
    assert rule.place(0, 5) == 11
    assert rule.place(1, 5) == 2
    assert rule.covered == range(0, 50)
    assert block_axis((axis(99), 16), k=2).covered == range(0, 50)


# Tiles


@given(st.integers(-9, 9), st.integers(1, 70), st.integers(1, 80), st.data())
def test_tiles_part_a_window_and_lie_where_the_whole_map_has_them(
    first, size, tile_size, data
):
    pixels = range(first, first + size)
    start = data.draw(st.integers(pixels.start, pixels.stop - 1))
    window = range(start, data.draw(st.integers(start + 1, pixels.stop)))
    whole = list(tile_spans(pixels, tile_size, pixels))
    assert [p for tile in whole for p in tile] == list(pixels)
    assert all(len(tile) == tile_size for tile in whole[:-1])
    touched = [tile for tile in whole if set(tile) & set(window)]
    assert list(tile_spans(pixels, tile_size, window)) == touched


# The grid of a map


def test_a_map_lies_where_otbtf_puts_it():
    ten = GeoBox(
        (10980, 10980), Affine(10, 0, 300_000, 0, -10, 4_000_020), "EPSG:32654"
    )
    rule = block_axis((axis(10980), 16))
    pixels = rule.pixels(rule.blocks)
    grid = map_grid(ten, Fraction(1), rows=pixels[4000:5000], columns=pixels[4000:5003])
    assert (grid.transform.c, grid.transform.f) == (340_080, 3_959_940)
    assert grid.shape.yx == (1000, 1003)
    assert (grid.resolution.x, grid.resolution.y) == (10, -10)
    assert grid.crs == ten.crs


def test_a_map_of_decimal_spacing_has_the_corner_that_decimals_give():
    grid = GeoBox((50, 90), Affine(0.1, 0, 0.3, 0, -0.1, 0.7), "EPSG:4326")
    part = map_grid(grid, Fraction(3), rows=range(1, 4), columns=range(2, 9))
    assert (part.transform.c, part.transform.f) == (0.9, 0.4)
    assert (part.transform.a, part.transform.e) == (0.3, -0.3)
