"""Areas for training, validation and test: their gaps, shares, and the search."""

import tracemalloc

import numpy as np
import pytest

from data_fetch import area_search, areas
from data_fetch.areas import NO_LABEL, Division, choose_division, count_regions
from tutorial_lib import testing

LAYOUTS = [
    ((61, 97), ("abc",), 6),
    ((61, 97), ("ab", "ca"), 6),
    ((61, 97), ("caaaab", "abcaac"), 6),
    ((97, 41), ("a", "b", "c", "a"), 10),
    ((50, 70), ("abc", "bca", "cab"), 16),
]


def random_labels(shape, classes=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, shape, dtype="uint8")
    labels[rng.random(shape) < 0.3] = NO_LABEL
    return labels


def landscape(shape, classes=6, seed=0):
    """Labels in patches, as real ones; a third of the pixels has none."""
    rng = np.random.default_rng(seed)
    size = tuple(side // 16 + 2 for side in shape)
    coarse = rng.choice([*range(classes), NO_LABEL, NO_LABEL], size)
    labels = coarse.repeat(16, axis=0).repeat(16, axis=1)
    return labels[5 : 5 + shape[0], 3 : 3 + shape[1]].astype("uint8")


def reading(labels):
    return lambda rows: labels[rows.start : rows.stop]


def divided(labels, division):
    """Labels of each area."""
    rows = range(labels.shape[0])
    return {
        area: np.where(division.inside(area, rows), labels, NO_LABEL) for area in "abc"
    }


def distance(one, other):
    """Pixels between two sets of pixels, along the axis where they are more apart."""
    one, other = (np.argwhere(mask) for mask in (one, other))
    apart = abs(one[:, np.newaxis] - other).max(axis=-1)
    return apart.min() - 1


@pytest.mark.parametrize(("shape", "layout", "gap"), LAYOUTS)
def test_each_label_is_in_the_area_of_its_block_or_in_a_gap(shape, layout, gap):
    labels = random_labels(shape)
    height, width = shape
    half = gap // 2
    block = np.array(
        [
            [layout[r * len(layout) // height][c * len(layout[0]) // width] for c in
             range(width)]
            for r in range(height)
        ]
    )  # fmt: skip
    for area, kept in divided(labels, Division(shape, layout, gap)).items():
        for row, column in np.ndindex(shape):
            around = block[
                max(row - half, 0) : row + half + 1,
                max(column - half, 0) : column + half + 1,
            ]
            expected = labels[row, column] if (around == area).all() else NO_LABEL
            assert kept[row, column] == expected


@pytest.mark.parametrize(("shape", "layout", "gap"), LAYOUTS)
def test_areas_are_a_gap_apart_also_diagonally(shape, layout, gap):
    everything = np.zeros(shape, "uint8")
    kept = divided(everything, Division(shape, layout, gap))
    for one, other in ("ab", "ac", "bc"):
        assert distance(kept[one] == 0, kept[other] == 0) >= gap


def test_blocks_that_touch_by_a_corner_only_are_exactly_a_gap_apart():
    kept = divided(np.zeros((60, 80), "uint8"), Division((60, 80), ("ac", "bb"), 12))
    assert distance(kept["a"] == 0, kept["c"] == 0) == 12
    kept = divided(np.zeros((60, 80), "uint8"), Division((60, 80), ("ac", "ca"), 12))
    inside = kept["a"] == 0
    # Two blocks of the same area that touch by a corner keep their gap there too.
    assert not inside[24:36, 34:46].any()
    assert inside[23, 33]


@pytest.mark.parametrize(("shape", "layout", "gap"), LAYOUTS)
def test_masks_and_regions_do_not_depend_on_the_stripe(shape, layout, gap):
    division = Division(shape, layout, gap)
    rows = range(shape[0])
    for height in (1, 7, 33):
        parts = list(areas.stripes(shape[0], height))
        assert [row for part in parts for row in part] == list(rows)
        for area in "abc":
            masks = np.concatenate([division.inside(area, part) for part in parts])
            assert (masks == division.inside(area, rows)).all()
        regions = np.concatenate([division.regions(part) for part in parts])
        assert (regions == division.regions(rows)).all()


@pytest.mark.parametrize(("shape", "layout", "gap"), LAYOUTS)
def test_counted_pixels_are_those_that_the_areas_keep(shape, layout, gap):
    labels = random_labels(shape)
    division = Division(shape, layout, gap)
    counts = count_regions(division, reading(labels), 6)
    numbers = np.array([["abc".index(area) for area in row] for row in layout])
    counted = area_search.kept_pixels(numbers[np.newaxis], counts)[0].sum(axis=(1, 2))
    for area, pixels in zip("abc", counted, strict=True):
        kept = divided(labels, division)[area]
        assert pixels.tolist() == [(kept == number).sum() for number in range(6)]


SHAPES = [(768, 1536), (96, 160), (301, 203), (512, 512), (40, 1500), (1200, 33)]


@pytest.mark.parametrize("shape", SHAPES)
def test_any_scene_is_divided_with_a_gap_that_fits_it(shape):
    labels = landscape(shape)
    division, pixels = choose_division(shape, reading(labels), 6)
    kept = divided(labels, division)
    for area, counted in zip("abc", pixels, strict=True):
        expected = [(kept[area] == number).sum() for number in range(6)]
        assert counted.tolist() == expected
        assert sum(expected) > 0
    assert (np.sum([one != NO_LABEL for one in kept.values()], axis=0) < 2).all()
    rows, columns = division.blocks
    assert 16 <= division.gap <= 64
    assert division.gap % 2 == 0
    # Without the gaps, a block keeps at least as much as a patch needs.
    for side, count in zip(shape, (rows, columns), strict=True):
        assert count == 1 or side // count >= 2 * division.gap
    if min(shape) >= 768:
        assert division.gap == 64


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_a_varied_landscape_are_as_wanted(seed):
    labels = landscape((800, 1400), seed=seed)
    division, pixels = choose_division(labels.shape, reading(labels), 6)
    shares = pixels / pixels.sum(axis=0)
    assert shares[0].min() >= 0.4
    assert shares[1:].min() >= 0.1
    assert 0.53 <= pixels[0].sum() / pixels.sum() <= 0.67
    assert pixels.sum() >= 0.8 * (labels != NO_LABEL).sum()
    # The area that is looked at once, for the score, is the larger one.
    assert pixels[2].sum() >= pixels[1].sum()
    assert division.gap == 64
    for area in "bc":
        where = np.argwhere(np.array([list(row) for row in division.layout]) == area)
        assert np.ptp(where, axis=0).max() >= 2


def test_a_class_in_one_corner_is_in_every_area():
    """Two thirds of the blocks lack the class: areas by chance would miss it."""
    labels = np.zeros((768, 1280), "uint8")
    labels[:400, :640] = 1
    _, pixels = choose_division(labels.shape, reading(labels), 2)
    shares = pixels / pixels.sum(axis=0)
    assert shares[0].min() >= 0.4
    assert shares[1:].min() >= 0.1


@pytest.mark.sampled(daily=2)
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(4))
def test_no_change_of_one_block_would_be_better(seed):
    labels = landscape((1000, 1400), seed=seed)
    division = Division(labels.shape, ("aaaaaaa",) * 5, 64)
    counts = count_regions(division, reading(labels), 6)
    best, _ = area_search.best_areas(counts)
    cost = area_search._costs(best[np.newaxis], counts)[0]
    for row, column in np.ndindex(best.shape):
        for area in range(3):
            other = best.copy()
            other[row, column] = area
            assert area_search._costs(other[np.newaxis], counts)[0] >= cost - 1e-9


def cost_of(layout, counts):
    areas = np.array([["abc".index(area) for area in row] for row in layout])
    return area_search._costs(areas[np.newaxis], counts)[0]


def even_counts(rows, columns, classes=2):
    """The same labels in all regions of all blocks."""
    return np.full((rows, columns, 3, 3, classes), 1000)


def test_areas_that_lie_apart_are_better():
    counts = even_counts(1, 10)
    # Gaps cost nothing here: their regions have no labels.
    counts[..., [0, 2], :] = 0
    assert cost_of(["aabaacaabc"], counts) < cost_of(["aaabbaaacc"], counts) - 100


def test_a_class_that_is_known_from_more_blocks_is_better():
    counts = even_counts(1, 10, classes=1)
    counts[..., [0, 2], :] = 0
    better = cost_of(["abcaaaacab"], counts)
    # B has as many pixels as before, most of them in one of its two blocks.
    counts[0, 1, 1, 1], counts[0, 9, 1, 1] = 1600, 400
    assert better < cost_of(["abcaaaacab"], counts)


def test_a_class_of_few_pixels_counts_less():
    costs = []
    for pixels in (30, 3000):
        counts = even_counts(1, 10)
        counts[..., 1] = 0
        # All of it is in the last block, so A and B miss it.
        counts[0, 9, 1, 1, 1] = pixels
        with_it = cost_of(["aabaacaabc"], counts)
        costs.append(with_it - cost_of(["aabaacaabc"], counts[..., :1]))
    assert 0 < costs[0] < costs[1] / 5


def test_the_same_labels_give_the_same_areas():
    labels = landscape((400, 600), seed=1)
    one, _ = choose_division(labels.shape, reading(labels), 6)
    np.random.default_rng().random(10)
    other, _ = choose_division(labels.shape, reading(labels.copy()), 6)
    assert one == other


def test_a_scene_of_one_class_is_divided():
    labels = np.full((300, 420), 3, "uint8")
    _, pixels = choose_division(labels.shape, reading(labels), 6)
    assert (pixels[:, 3] > 0).all()
    assert (pixels[:, [0, 1, 2, 4, 5]] == 0).all()


def test_a_class_of_some_pixels_does_not_spoil_the_areas():
    labels = landscape((800, 1400), classes=5, seed=2)
    labels[400, 700:705] = 5
    _, pixels = choose_division(labels.shape, reading(labels), 6)
    assert 0.53 <= pixels[0].sum() / pixels.sum() <= 0.67
    assert (pixels[1:, :5] / pixels[:, :5].sum(axis=0)).min() >= 0.1


def test_labels_in_one_block_only_are_an_answer_and_not_an_error():
    labels = np.full((500, 700), NO_LABEL, "uint8")
    labels[20:60, 30:80] = 2
    _, pixels = choose_division(labels.shape, reading(labels), 6)
    assert pixels[0, 2] > 0


def test_a_scene_without_labels_is_refused():
    labels = np.full((200, 300), NO_LABEL, "uint8")
    with pytest.raises(ValueError, match=r"None of the 200x300 px has a label.*Choose"):
        choose_division(labels.shape, reading(labels), 6)


@pytest.mark.parametrize("shape", [(1, 1), (95, 95), (20, 60)])
def test_a_scene_that_is_too_small_is_refused(shape):
    labels = np.zeros(shape, "uint8")
    with pytest.raises(ValueError, match=rf"{shape[0]}x{shape[1]} px.* need 96 px"):
        choose_division(labels.shape, reading(labels), 6)


@pytest.mark.slow
def test_many_classes_take_little_memory():
    labels = np.random.default_rng(0).integers(0, 255, (768, 1536), dtype="uint8")
    tracemalloc.start()
    _, pixels = choose_division(labels.shape, reading(labels), 255)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    shares = pixels.sum(axis=1) / pixels.sum()
    assert 0.53 <= shares[0] <= 0.67


@pytest.mark.slow
def test_a_whole_tile_of_sentinel_2_is_divided_in_little_memory():
    side = 10_980
    row = landscape((1, side))[0]

    def read(rows):
        down = np.arange(rows.start, rows.stop)[:, np.newaxis] // 40
        return np.where(down % 3 == 2, NO_LABEL, (row + down) % 6).astype("uint8")

    tracemalloc.start()
    division, pixels = choose_division((side, side), read, 6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 250e6
    assert division.gap == 64
    assert min(side // count for count in division.blocks) > 1000
    shares = pixels / pixels.sum(axis=0)
    assert shares[0].min() >= 0.4
    assert shares[1:].min() >= 0.1


def test_the_havel_grid_of_the_notebooks_has_blocks_of_at_least_192_px():
    shape = testing.small_grid(768, 1536).shape
    division, _ = choose_division(tuple(shape), reading(landscape(tuple(shape))), 6)
    rows, columns = division.blocks
    assert min(shape[0] // rows, shape[1] // columns) >= areas.WANTED_SIDE
