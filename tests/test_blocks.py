"""The block rule: golden numbers and laws of what declared fields read."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.grids import Axis
from tutorial_lib.inference.blocks import BlockLattice


def axis(size, spacing=1, offset=0):
    return Axis(Fraction(offset), Fraction(spacing), size)


def lattice(*sources, e=1, k=1, covers=False):
    """`sources` are (axis, receptive field), reference first; named "a", "b", "c"."""
    named = dict(zip("abc", sources, strict=False))
    axes = {name: source for name, (source, _) in named.items()}
    fields = {name: field for name, (_, field) in named.items()}
    return BlockLattice(axes, fields, expression=e, scale=Fraction(k), covers=covers)


def block(number, count=1):
    return range(number, number + count)


@pytest.mark.parametrize(
    ("field", "e", "first"),
    [(16, 1, 8), (5, 1, 2), (128, 64, 32), (128, 128, 0), (128, 96, 16), (64, 49, 8)],
)
def test_first_pixels_are_those_of_the_design(field, e, first):
    assert lattice((axis(1000), field), e=e).shift == first


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
    assert len(lattice((axis(size), field), k=k).mapped) == count


def test_a_20_m_reference_reads_the_10_m_pixels_under_it():
    rows = lattice((axis(50), 8), (axis(100, spacing="1/2"), 16))
    # The first output pixel has number 4.
    assert rows.shift == 4
    assert [rows.chunk("b", block(4 + m)) for m in (0, 1, 7)] == [
        range(0, 16),
        range(2, 18),
        range(14, 30),
    ]
    assert len(rows.mapped) == 43


@pytest.mark.parametrize("offset", [7, 5])
def test_a_shifted_second_source_is_read_where_it_lies(offset):
    # The real OTBTF with the 20 m image moved by (+70 m, -50 m): windows of the 10 m
    # image start at 7 + 2i and 5 + 2i, so the 20 m reference at i.
    rows = lattice((axis(250), 8), (axis(500, "1/2", Fraction(-offset, 2)), 16))
    assert [rows.start("b", i) for i in range(3)] == [offset, offset + 2, offset + 4]


def test_expression_fields_count_blocks_of_pan_and_xs():
    # 768 px: 640 with e=128 and 640 with e=64 in OTBTF, which loses a block.
    pan, xs = axis(768), axis(192, spacing=4)
    one = lattice((pan, 128), (xs, 32), e=128)
    two = lattice((pan, 128), (xs, 32), e=64)
    assert one.mapped == range(0, 768)
    assert two.mapped == range(32, 736)
    blocks_5_to_9 = two.pixels_of(block(5, 5))
    assert two.chunk("a", blocks_5_to_9) == range(320, 704)
    assert two.chunk("b", blocks_5_to_9) == range(80, 176)


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
def lattices(draw):
    sources = [(axis(draw(st.integers(1, 60))), draw(st.integers(1, 16)))]
    for offset, spacing, size, field in draw(st.lists(extra_sources, max_size=2)):
        sources.append((axis(size, spacing, offset), field))
    scale = draw(st.sampled_from([1, 2, 3, Fraction(1, 2), Fraction(3, 2)]))
    return lattice(*sources, e=draw(st.integers(1, 7)), k=scale)


@given(lattices())
def test_blocks_exist_exactly_where_all_they_read_exists(rows):
    def exists(j):
        for name, source in rows.axes.items():
            place = j * rows.expression * rows.scale
            start = floor((place - source.offset) / source.spacing)
            if start < 0 or start + rows.fields[name] > source.size:
                return False
        return True

    assert list(rows.inner_blocks) == [j for j in range(-80, 200) if exists(j)]
    assert rows.mapped == rows.pixels_of(rows.inner_blocks)


@given(lattices(), st.integers(-30, 30), st.integers(1, 9))
def test_the_pixels_of_blocks_are_held_by_these_blocks(rows, first, count):
    blocks = block(first, count)
    assert rows.blocks_of(rows.pixels_of(blocks)) == blocks
    assert rows.given(rows.pixels_of(blocks)) == rows.pixels_of(blocks)


@given(lattices(), st.integers(-30, 30), st.integers(1, 40))
def test_the_blocks_of_pixels_hold_them_and_none_is_idle(rows, first, count):
    pixels = block(first, count)
    blocks = rows.blocks_of(pixels)
    assert len(blocks)
    for number in blocks:
        assert set(rows.pixels_of(block(number))) & set(pixels)
    assert set(pixels) <= set(rows.given(pixels))


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([1, 2, 4]), st.data())
def test_a_larger_block_of_the_same_network_gives_the_same_pixels(size, field, k, data):
    # (r + kt, e + t) describes the map of (r, e): each of its pixels reads the same.
    t = data.draw(st.integers(0, 20))
    small = lattice((axis(size), field), k=k)
    large = lattice((axis(size), field + k * t), e=1 + t, k=k)
    assert large.shift == small.shift
    assert set(large.mapped) <= set(small.mapped)
    for number in large.inner_blocks:
        for i, pixel in enumerate(large.pixels_of(block(number))):
            (own,) = small.blocks_of(block(pixel))
            assert small.start("a", own) == large.start("a", number) + k * i


@given(lattices(), st.integers(-5, 5), st.integers(1, 6))
def test_a_chunk_is_what_its_blocks_read(rows, first, count):
    blocks = block(first, count)
    for name, field in rows.fields.items():
        read = {rows.start(name, j) + p for j in blocks for p in range(field)}
        chunk = rows.chunk(name, rows.pixels_of(blocks))
        assert (chunk.start, chunk.stop) == (min(read), max(read) + 1)


def test_the_centre_of_an_output_pixel_lies_in_the_source_pixel_under_it():
    rows = lattice((axis(100), 16), (axis(40, 2, offset=6), 8), k=2)
    # Output pixel 5 is from 10 to 12 reference pixels, its centre at 11.
    assert rows.place("a", 5) == 11
    assert rows.place("b", 5) == 2


@pytest.mark.parametrize(("size", "count"), [(100, 50), (99, 50)])
def test_a_map_up_to_the_borders_covers_the_reference(size, count):
    rows = lattice((axis(size), 16), k=2, covers=True)
    assert rows.mapped == range(0, count)
    assert set(rows.mapped) <= set(rows.computed)
