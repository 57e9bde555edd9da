"""The files of a scene: written stripe by stripe, complete, as they were read."""

import subprocess
import sys

import numpy as np
import pytest

from data_fetch import layout
from data_fetch.layout import BANDS_10M, BANDS_20M, LEGEND, write_images, write_truth
from tutorial_lib import rasters, testing

# More than two stripes, and no multiple of anything.
GRID = testing.small_grid(1126, 374)
ABOUT = "Contains modified Copernicus Sentinel data 2024"


class Pixels:
    """Pixels that differ by place, band and spacing, and what was asked for."""

    def __init__(self, grid=GRID, holes=True):
        self.calls = []
        rng = np.random.default_rng(0)
        self.images = {
            10: rng.integers(1, 9000, (*grid.shape, 4), dtype="uint16"),
            20: rng.integers(1, 9000, (*grid.zoom_out(2).shape, 6), dtype="uint16"),
        }
        if holes:
            self.images[20][200:300, 90:120] = 0
            self.images[10][400:600, 180:240] = 0

    def __call__(self, spacing, rows):
        self.calls.append((spacing, rows))
        return self.images[spacing][rows.start : rows.stop]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder, pixels = tmp_path_factory.mktemp("scene"), Pixels()
    write_images(folder, GRID, pixels, attribution=ABOUT)
    return folder, pixels


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("spacing", "bands"), [(10, BANDS_10M), (20, BANDS_20M)])
def test_images_hold_what_was_read(written, spacing, bands):
    folder, pixels = written
    path = folder / f"s2_{spacing}m.tif"
    assert (rasters.read_array(path) == pixels.images[spacing]).all()
    with rasters.opened(path) as dataset:
        assert dataset.descriptions == bands
        assert dataset.tags()["ATTRIBUTION"] == ABOUT
        assert dataset.nodata == 0
    assert rasters.read_grid(path) == (GRID if spacing == 10 else GRID.zoom_out(2))


def test_copies_lack_the_wedge_only(written):
    folder, pixels = written
    height, width = GRID.zoom_out(2).shape
    for spacing, factor in ((10, 2), (20, 1)):
        copy = rasters.read_array(folder / f"s2_{spacing}m_nodata.tif")
        for row in (0, 1, 255, 256, 400, height - 1):
            # 28 % of the width at the top, 8 % at the bottom, in pixels of 20 m.
            share = 0.28 - 0.2 * row / height
            blank = factor * int(np.ceil(share * width))
            for line in range(factor * row, factor * row + factor):
                assert not copy[line, :blank].any()
                expected = pixels.images[spacing][line, blank:]
                assert (copy[line, blank:] == expected).all()
        assert rasters.read_nodata(folder / f"s2_{spacing}m_nodata.tif") == 0


def test_each_row_is_read_once_from_top_to_bottom_at_both_spacings(written):
    _, pixels = written
    for spacing, height in ((10, 1126), (20, 563)):
        asked = [row for size, rows in pixels.calls if size == spacing for row in rows]
        assert asked == list(range(height))
    order = [spacing for spacing, _ in pixels.calls]
    assert order == [10, 20] * (len(order) // 2)
    for (_, fine), (_, coarse) in zip(
        pixels.calls[::2], pixels.calls[1::2], strict=True
    ):
        assert (fine.start, fine.stop) == (2 * coarse.start, 2 * coarse.stop)


def test_without_a_nodata_value_a_measured_zero_becomes_one_in_the_copies(tmp_path):
    grid, pixels = testing.small_grid(40, 60), Pixels(testing.small_grid(40, 60))
    pixels.images[10][30, 50, 2] = 0
    write_images(tmp_path, grid, pixels, attribution=ABOUT, nodata=None)
    assert rasters.read_array(tmp_path / "s2_10m.tif")[30, 50, 2] == 0
    assert rasters.read_array(tmp_path / "s2_10m_nodata.tif")[30, 50, 2] == 1
    assert rasters.read_nodata(tmp_path / "s2_10m.tif") is None


@pytest.mark.parametrize("shape", [(41, 60), (40, 61)])
def test_an_odd_side_is_refused(tmp_path, shape):
    grid = testing.small_grid(*shape)
    with pytest.raises(ValueError, match=rf"has {shape[0]}x{shape[1]} px.*20 m"):
        write_images(tmp_path, grid, Pixels(), attribution=ABOUT)
    assert not names(tmp_path)


def test_wrong_pixels_are_refused_and_nothing_is_left(tmp_path):
    pixels = Pixels()
    cases = {
        "float64": lambda spacing, rows: pixels(spacing, rows).astype(float),
        "bands": lambda spacing, rows: pixels(spacing, rows)[..., :3],
        "rows": lambda spacing, rows: pixels(spacing, rows)[1:],
        # After a whole stripe.
        "late": lambda spacing, rows: pixels(spacing, rows)[: 512 - rows.start],
    }
    for wrong in cases.values():
        with pytest.raises(ValueError, match=r"The pixels at \d0 m have the shape"):
            write_images(tmp_path, GRID, wrong, attribution=ABOUT)
        assert not names(tmp_path)


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupted(spacing, rows):
        if rows.start:
            raise KeyboardInterrupt
        return pixels(spacing, rows)

    pixels = Pixels()
    with pytest.raises(KeyboardInterrupt):
        write_images(tmp_path, GRID, interrupted, attribution=ABOUT)
    assert not names(tmp_path)


# Labels -----------------------------------------------------------------------


class Labels:
    def __init__(self, labels):
        self.labels, self.rows = labels, []

    def __call__(self, rows):
        self.rows += rows
        return self.labels[rows.start : rows.stop]


def some_labels(shape=(610, 450)):
    labels = np.random.default_rng(0).integers(0, 6, shape, dtype="uint8")
    labels[:, 100:130] = 255
    return labels


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder, labels = tmp_path_factory.mktemp("truth"), Labels(some_labels())
    grid = testing.small_grid(*labels.labels.shape)
    text = write_truth(folder, grid, labels, LEGEND, attribution=ABOUT)
    return folder, labels, grid, text


def areas_of(folder):
    return [
        rasters.read_array(folder / f"terrain_truth_{area}.tif")[..., 0]
        for area in "abc"
    ]


def test_label_rasters_divide_the_labels(truth):
    folder, labels, grid, _ = truth
    kept = areas_of(folder)
    assert (np.sum([one != 255 for one in kept], axis=0) < 2).all()
    for area, one in zip("abc", kept, strict=True):
        assert (one != 255).sum() > 3000
        assert (one[one != 255] == labels.labels[one != 255]).all()
        path = folder / f"terrain_truth_{area}.tif"
        assert rasters.read_legend(path) == LEGEND
        assert rasters.read_nodata(path) == 255
        assert rasters.read_grid(path) == grid


def test_labels_are_read_once(truth):
    _, labels, grid, _ = truth
    assert labels.rows == list(range(grid.height))


def test_only_files_of_the_layout_and_their_styles_are_left(truth):
    folder, *_ = truth
    assert {name for name in names(folder) if not name.endswith(".qml")} == {
        f"terrain_truth_{area}.tif" for area in "abc"
    }


def test_the_table_has_the_numbers_of_the_files(truth):
    folder, _, _, text = truth
    pixels = [np.bincount(one[one != 255], minlength=6) for one in areas_of(folder)]
    for number, name in enumerate(LEGEND.names):
        counts = " | ".join(str(one[number]) for one in pixels)
        assert f"\n| {number} | {name} | {counts} |\n" in text
    assert "for the test" in text


def test_a_scene_with_enough_labels_has_no_warning(tmp_path, capsys):
    labels = Labels(some_labels((900, 700)))
    grid = testing.small_grid(900, 700)
    text = write_truth(tmp_path, grid, labels, LEGEND, attribution=ABOUT)
    assert capsys.readouterr().out == ""
    assert "Choose" not in text


def test_classes_with_few_pixels_are_named_in_one_sentence(tmp_path, capsys):
    rare = some_labels((900, 700))
    rare[rare == 1] = 2
    rare[rare == 4] = 255
    rare[450, 300:340] = 4
    grid = testing.small_grid(*rare.shape)
    text = write_truth(tmp_path, grid, Labels(rare), LEGEND, attribution=ABOUT)
    output = capsys.readouterr().out
    assert len(output.splitlines()) == 1
    assert "wetland and scrub (A: 0, B: 0, C: 0); forest (A: " in output
    assert "larger area or another place" in output
    assert "farm" not in output
    assert output.removeprefix("Please note: ").strip() in text


def test_a_scene_without_labels_is_refused_and_nothing_is_left(tmp_path):
    labels = Labels(np.full((300, 200), 255, "uint8"))
    grid = testing.small_grid(300, 200)
    with pytest.raises(ValueError, match="has a label"):
        write_truth(tmp_path, grid, labels, LEGEND, attribution=ABOUT)
    assert not names(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda labels: labels.astype("int16"), "type int16"),
        (lambda labels: labels[:, :-1], r"shape \(256, 199\)"),
        (lambda labels: np.where(labels == 3, 6, labels).astype("uint8"), "is 6"),
    ],
)
def test_wrong_labels_are_refused_and_nothing_is_left(tmp_path, wrong, match):
    labels = some_labels((300, 200))
    grid = testing.small_grid(300, 200)
    with pytest.raises(ValueError, match=match):
        write_truth(
            *(tmp_path, grid, lambda rows: wrong(labels[rows.start : rows.stop])),
            LEGEND,
            attribution=ABOUT,
        )
    assert not names(tmp_path)


def test_areas_do_not_depend_on_the_stripe(truth, tmp_path, monkeypatch):
    folder, labels, grid, text = truth
    monkeypatch.setattr(layout.stripes, "__defaults__", (37,))
    again = write_truth(tmp_path, grid, labels, LEGEND, attribution=ABOUT)
    assert again == text
    assert np.array_equal(areas_of(folder), areas_of(tmp_path))


MEMORY = """
import resource, sys
import numpy as np
from data_fetch.layout import LEGEND, write_images, write_truth
from tutorial_lib import testing

height, width = int(sys.argv[1]), 3000
grid = testing.small_grid(height, width)

def read(spacing, rows):
    bands = 4 if spacing == 10 else 6
    return np.full((len(rows), width * 10 // spacing, bands), 100, "uint16")

def labels(rows):
    return np.tile(np.arange(width) // 50 % 6, (len(rows), 1)).astype("uint8")

folder = testing.scratch_folder()
write_images(folder, grid, read, attribution="a")
write_truth(folder, grid, labels, LEGEND, attribution="a")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_the_memory_does_not_grow_with_the_height_of_a_scene():
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", MEMORY, str(height)],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()[-1]
        )
        for height in (1100, 6600)
    ]
    assert peaks[1] < 1.1 * peaks[0]
