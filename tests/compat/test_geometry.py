"""OTBTF's geometry: golden numbers, and its formulas written down in metres."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_lib.compat.geometry import map_axis, tile_side
from tutorial_lib.grids import Axis


def axes(*sources):
    """Axes of sources (pixels, spacing in metres, corner in metres)."""
    _, unit, corner = (*sources[0], 0)[:3]
    found = []
    for pixels, spacing, *place in sources:
        offset = Fraction(str((place or [0])[0] - corner)) / Fraction(str(unit))
        found.append(Axis(offset, Fraction(str(spacing)) / Fraction(str(unit)), pixels))
    return found


TEN, TWENTY = (10980, 10), (5490, 20)
PAN, XS = (4000, 1.5), (1000, 6)
S2_10, S2_20 = (600, 10), (300, 20)


@pytest.mark.parametrize(
    ("sources", "fields", "scale", "block", "fully", "size", "first", "corner"),
    [
        ([(100, 10)], [16], 1, 1, True, 85, 85, 80),
        ([(100, 10)], [16], 2, 1, True, 42, 85, 75),
        ([(100, 10)], [16], 3, 1, True, 28, 85, 70),
        ([(100, 10)], [16], 4, 1, True, 21, 85, 65),
        ([(100, 10)], [5], 1, 1, True, 96, 25, 20),
        ([TEN], [16], 1, 1, True, 10965, 85, 80),
        ([TEN], [16], 4, 1, True, 2741, 85, 65),
        ([TWENTY, TEN], [8, 16], 1, 1, True, 5482, 90, 80),
        ([TWENTY, TEN], [8, 16], 1, 1, False, 5482, 90, 80),
        ([TEN, TWENTY], [16, 8], 2, 1, True, 5482, 85, 75),
        ([TEN, TWENTY], [16, 8], 2, 1, False, 5482, 85, 75),
        ([(100, 20), (200, 10)], [8, 16], 1, 1, True, 92, 90, 80),
        ([(200, 10), (100, 20)], [16, 8], 2, 1, True, 92, 85, 75),
        ([(200, 10), (100, 20)], [16, 8], 1, 1, False, 185, 85, 80),
        ([(200, 10), (100, 20)], [16, 8], 1, 1, True, 184, 85, 80),
        ([PAN, XS], [128, 32], 1, 64, True, 3904, 48.75, 48),
        ([PAN, XS], [128, 32], 1, 128, True, 3968, 0.75, 0),
        # Runs of the real OTBTF, columns and rows.
        ([S2_10], [16], 1, 1, True, 585, 85, 80),
        ([(500, 10)], [16], 1, 1, True, 485, 85, 80),
        ([S2_10], [64], 1, 49, True, 539, 85, 80),
        ([(500, 10)], [64], 1, 49, True, 441, 85, 80),
        ([(601, 10)], [16], 1, 1, True, 586, 85, 80),
        ([(499, 10)], [16], 1, 1, True, 484, 85, 80),
        ([S2_20, S2_10], [8, 16], 1, 1, True, 292, 90, 80),
        ([(250, 20), (500, 10)], [8, 16], 1, 1, False, 242, 90, 80),
        ([S2_10, S2_20], [16, 8], 2, 1, True, 292, 85, 75),
        ([(500, 10), (250, 20)], [16, 8], 2, 1, False, 242, 85, 75),
        ([S2_10, S2_20], [16, 8], 1, 1, False, 585, 85, 80),
        ([(500, 10), (250, 20)], [16, 8], 1, 1, False, 485, 85, 80),
        # The 20 m image 70 m to the east and 50 m to the south of the other one; its
        # places are counted from the 10 m image.
        ([(290, 20, 70), (600, 10, 0)], [8, 16], 1, 1, True, 283, 90, 80),
        ([(244, 20, 50), (500, 10, 0)], [8, 16], 1, 1, True, 237, 90, 80),
        ([(768, 1.5), (192, 6)], [128, 32], 1, 128, True, 640, 0.75, 0),
        ([(640, 1.5), (160, 6)], [128, 32], 1, 128, True, 512, 0.75, 0),
        ([(768, 1.5), (192, 6)], [128, 32], 1, 96, True, 672, 24.75, 24),
        ([(640, 1.5), (160, 6)], [128, 32], 1, 96, True, 576, 24.75, 24),
        ([(768, 1.5), (192, 6)], [128, 32], 1, 64, True, 640, 48.75, 48),
        ([(640, 1.5), (160, 6)], [128, 32], 1, 64, True, 512, 48.75, 48),
        ([(601, 1.5), (150, 6)], [128, 32], 1, 128, True, 512, 0.75, 0),
        ([(499, 1.5), (124, 6)], [128, 32], 1, 128, True, 384, 0.75, 0),
        ([(601, 1.5), (150, 6)], [128, 32], 1, 64, True, 512, 48.75, 48),
        ([(499, 1.5), (124, 6)], [128, 32], 1, 64, True, 384, 48.75, 48),
    ],
)
def test_golden_grids(sources, fields, scale, block, fully, size, first, corner):
    one = map_axis(
        axes(*sources),
        fields,
        scale=Fraction(scale),
        block=block,
        fully_convolutional=fully,
    )
    spacing = Fraction(str(sources[0][1]))
    assert (one.size, one.first * spacing, one.corner * spacing) == (
        size,
        Fraction(str(first)),
        Fraction(str(corner)),
    )


def test_golden_places_of_boxes():
    """Tokyo's tile begins at (300 000, 4 000 020)."""
    options = {"scale": Fraction(1), "fully_convolutional": True}
    by_ten = map_axis(axes(TEN), [16], **options)
    by_twenty = map_axis(axes(TWENTY, TEN), [8, 16], **options)
    switched = map_axis(
        axes(TEN, TWENTY), [16, 8], scale=Fraction(2), fully_convolutional=True
    )
    places = [
        (by_ten.corner + 4000) * 10,
        (by_twenty.corner + 2000) * 20,
        (switched.corner + 2000 * 2) * 10,
    ]
    assert [300_000 + place for place in places] == [340_080, 340_080, 340_075]
    assert [4_000_020 - place for place in places] == [3_959_940, 3_959_940, 3_959_945]


def test_regions_of_one_source():
    one = map_axis(axes((100, 10)), [16], fully_convolutional=True)
    assert one.region(0, range(5, 10)) == range(5, 25)
    assert one.region(0, range(84, 85)) == range(84, 100)


def test_regions_of_blocks():
    one = map_axis(axes(PAN, XS), [128, 32], block=64, fully_convolutional=True)
    assert one.whole_blocks(range(330, 600)) == range(320, 640)
    assert one.region(0, range(320, 640)) == range(320, 704)
    assert one.region(1, range(320, 640)) == range(80, 176)


def test_other_scale_factors_jump_behind_the_first_tile():
    """Of a network of factor 4, the first tile is cut at the border of the image."""
    for scale, first, second in [(2, 0, 32), (3, 0, 47), (4, 0, 63)]:
        one = map_axis(
            axes((400, 10)), [16], scale=Fraction(scale), fully_convolutional=True
        )
        assert one.region(0, range(16)).start == first
        region = one.region(0, range(16, 32))
        assert region.start == second
        # As many pixels more than the network needs as OTBTF reads.
        assert len(region) == 15 * scale + 16 + scale - 1


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_patches_of_one_source_begin_at_multiples_of_the_scale(scale):
    one = map_axis(axes((100, 10)), [16], scale=Fraction(scale))
    assert one.starts(0, range(21)) == [scale * m for m in range(21)]


def test_patches_of_two_sources():
    coarse = map_axis(axes(TWENTY, TEN), [8, 16])
    assert coarse.starts(0, range(50)) == list(range(50))
    assert coarse.starts(1, range(50)) == [2 * m + 1 for m in range(50)]
    switched = map_axis(axes(TEN, TWENTY), [16, 8], scale=Fraction(2))
    assert switched.starts(0, range(50)) == [2 * m for m in range(50)]
    assert switched.starts(1, range(50)) == list(range(50))
    fine = map_axis(axes(TEN, TWENTY), [16, 8])
    assert fine.starts(0, range(50)) == list(range(50))
    assert fine.starts(1, range(50)) == [(m + 8) // 2 - 4 for m in range(50)]


def test_windows_of_a_shifted_source():
    """OTBTF read the 10 m image from column 7 and row 5 on, in steps of two."""
    for corner, size, first in [(70, 290, 7), (50, 244, 5)]:
        sources = axes((size, 20, corner), (700, 10, 0))
        one = map_axis(sources, [8, 16], fully_convolutional=True)
        starts = [one.region(1, range(i, i + 1)).start for i in range(9)]
        assert starts == [first + 2 * i for i in range(9)]


@pytest.mark.parametrize(
    ("side", "block", "expected"),
    [(16, 64, 64), (16, 128, 128), (100, 64, 128), (128, 64, 128), (17, 1, 17)],
)
def test_tiles_hold_whole_blocks(side, block, expected):
    assert tile_side(side, block) == expected


def test_too_small_a_source_gives_no_pixel():
    assert map_axis(axes((16, 10)), [16], block=5).size == 5
    with pytest.raises(ValueError, match="leave no output pixel"):
        map_axis(axes((15, 10)), [16], block=5)


# Eighths of a metre: floats of such numbers are exact, so formulas in metres are too.
eighths = st.integers(1, 400).map(lambda n: n / 8)
shifts = st.integers(-4000, 4000).map(lambda n: n / 8)
one_source = st.tuples(st.integers(20, 300), eighths, shifts, st.integers(1, 20))


def in_metres(sources, scale, block, fully):
    """Size and first centre by the formulas of OTBTF's source, in metres."""
    lows = [u + r // 2 * s for n, s, u, r in sources]
    highs = [u + (r // 2 + n - r + 1) * s for n, s, u, r in sources]
    low, high = max(lows), min(highs)
    if fully:
        low = max(u + math.ceil((low - u) / s) * s for _, s, u, _ in sources)
        high = min(u + math.floor((high - u) / s) * s for _, s, u, _ in sources)
    spacing = scale * sources[0][1]
    first = low + sources[0][1] / 2 - spacing * (block // 2)
    size = math.floor((high - low) / spacing) + block - 1
    return size - size % block, first


def region_in_metres(source, first, spacing, reference, scale, block, x0, x1):
    n, s, u, r = source
    centre = u + s / 2
    p0, p1 = first + x0 * spacing, first + x1 * spacing
    p0, p1 = sorted((p0 + (s - spacing) / 2, p1 - (s - spacing) / 2))
    a, b = (math.floor((p - centre) / s + 0.5) for p in (p0, p1))
    a, b = max(a, 0), min(b, n - 1)
    pad = r - int(1 + (block - 1) * scale * reference / s)
    return max(a - (pad - pad // 2), 0), min(b + pad // 2, n - 1)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(one_source, min_size=1, max_size=3),
    st.integers(1, 6),
    st.integers(1, 9),
    st.booleans(),
    st.data(),
)
def test_formulas_in_metres(sources, scale, block, fully, data):
    # Powers of two, so that quotients of metres are exact as well.
    sources = [(n, 2.0 ** round(math.log2(s)), u, r) for n, s, u, r in sources]
    size, first = in_metres(sources, scale, block, fully)
    given_axes = axes(*[(n, s, u) for n, s, u, _ in sources])
    fields = [source[3] for source in sources]
    options = {"scale": Fraction(scale), "block": block, "fully_convolutional": fully}
    if size < block:
        with pytest.raises(ValueError, match="no output pixel"):
            map_axis(given_axes, fields, **options)
        return
    one = map_axis(given_axes, fields, **options)
    unit, corner = sources[0][1], sources[0][2]
    assert (one.size, float(one.first) * unit + corner) == (size, first)
    x0 = data.draw(st.integers(0, size // block - 1)) * block
    x1 = x0 + block * data.draw(st.integers(1, (size - x0) // block)) - 1
    for index, source in enumerate(sources):
        if one.margin(index) >= 0:
            expected = region_in_metres(
                source, first, scale * unit, unit, scale, block, x0, x1
            )
            region = one.region(index, range(x0, x1 + 1))
            assert (region[0], region[-1]) == expected
        _, s, u, r = source
        place = first + x0 * scale * unit
        start = math.floor((place - (u + s / 2)) / s + 0.5) - r // 2
        assert one.starts(index, range(x0, x0 + 1)) == [start]
