"""Scripts of the shape of the tutorial's run from the first to the last, unchanged.

They say `import pyotb` and `import otbtf`, and are run by `python -m
tutorial_lib.compat`. What they write is compared with what the kit computes by itself.
"""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import architectures
from tutorial_lib.rasters import read_array, read_grid

SCRIPTS = Path(__file__).parent / "scripts"

pytestmark = pytest.mark.thorough


def run(script, *words):
    """What a script prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tutorial_lib.compat",
            SCRIPTS / script,
            *map(str, words),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def work(tmp_path_factory, havel_folder):
    """A folder with positions and patches, of one source and of two."""
    folder = tmp_path_factory.mktemp("work")
    given = ("--data", havel_folder, "--out", folder)
    run("part_2_sampling.py", *given, "--count", 150)
    run("part_2_sampling_2_sources.py", *given)
    return folder


@pytest.fixture(scope="module")
def network(work):
    """The trained pixel-wise network, as a `.keras` file and a SavedModel."""
    model, served = work / "fcn.keras", work / "fcn_savedmodel"
    given = ("--data", work, "--model", model, "--log_dir", work / "logs")
    run("part_2_train_fcn.py", *given, "--epochs", 2, "--learning_rate", 2e-3)
    run("part_2_savedmodel.py", "--model", model, "--savedmodel", served)
    return model, served


@pytest.fixture(scope="module")
def dual_network(work):
    """The trained network of two resolutions."""
    model, served = work / "dual.keras", work / "dual_savedmodel"
    run(
        "part_2_train_fcn_2_sources.py", "--data", work, "--model", model, "--epochs", 1
    )
    run("part_2_savedmodel.py", "--model", model, "--savedmodel", served)
    return model, served


def map_of_the_kit(model, sources, grid, **options):
    """The kit's map, at the pixels of a grid that lies on its lattice."""
    plan = tl.plan_inference(
        str(model), sources, output="estimated_labels", nodata_rule="all", **options
    )
    a, b = plan.grid.transform, grid.transform
    col, row = (b.c - a.c) / a.a, (b.f - a.f) / a.e
    assert col == int(col)
    assert row == int(row)
    window = Window(int(col), int(row), grid.width, grid.height)
    return tl.plan_inference(
        *(str(model), sources),
        output="estimated_labels",
        nodata_rule="all",
        window=window,
        **options,
    ).read()


@pytest.mark.slow
def test_positions_and_patches(work):
    for letter in "ab":
        positions = tl.Positions.from_file(work / f"pos_{letter}.geojson")
        labels = tl.read_patches(work / f"{letter}_labels.tif")
        assert positions.counts == dict.fromkeys(range(6), 150)
        assert len(labels) <= len(positions) == 900
        for name, shape in (("img_10m", (16, 16, 4)), ("img_10m_2src", (16, 16, 4))):
            patches = tl.read_patches(work / f"{letter}_{name}.tif")
            assert patches.shape[1:] == shape
            assert patches.dtype == "float32"
        both = tl.read_patches(work / f"{letter}_img_20m_2src.tif")
        assert both.shape == (len(patches), 8, 8, 6)
        assert len(both) <= len(labels)


@pytest.mark.slow
def test_the_trained_network_is_the_best_of_its_epochs(network):
    model = keras.models.load_model(network[0])
    assert model.count_params() == 33_718
    assert "estimated_crop32" in model.output
    events = network[0].parent / "logs" / "fcn"
    assert list(events.rglob("events.out.tfevents*"))


@pytest.mark.slow
@pytest.mark.parametrize("tile", [16, 100])
def test_the_map_is_the_kits_own(network, havel_folder, tmp_path, tile):
    path, image = tmp_path / "map.tif", havel_folder / "s2_10m.tif"
    given = ("--image", image, "--savedmodel", network[1], "--out", path)
    run("part_2_inference_fcn.py", *given, "--tile", tile)
    found, grid = read_array(path), read_grid(path)
    assert grid.shape == (100, 120)
    # The map begins 8 pixels inside of the image, the box 40 and 30 further on.
    corner = read_grid(image).transform * (48, 38)
    assert (grid.transform.c, grid.transform.f) == corner
    expected = map_of_the_kit(network[0], image, grid)
    assert np.mean(found == expected) > 0.9999


@pytest.mark.slow
def test_a_map_with_nodata_differs_only_where_data_are_missing(
    network, havel_folder, tmp_path
):
    image = havel_folder / "s2_10m_nodata.tif"
    maps = {}
    for name, words in (("with", ["--nodata", 0, "--tile", 16]), ("without", [])):
        path = tmp_path / f"{name}.tif"
        given = ("--image", image, "--savedmodel", network[1], "--out", path)
        run("part_2_inference_fcn.py", *given, *words)
        maps[name] = read_array(path)[..., 0]
    empty = (read_array(image) == 0).all(axis=-1)[38:138, 48:168]
    changed = maps["with"] != maps["without"]
    assert (maps["with"][changed] == 255).all()
    assert not (changed & ~empty).any()


@pytest.mark.slow
def test_maps_of_two_sources(dual_network, havel_folder, tmp_path):
    maps, grids = {}, {}
    for reference in ("20m", "10m"):
        for mode in ("--fullyconv", None):
            path = tmp_path / f"{reference}{mode}.tif"
            given = ["--data", havel_folder, "--savedmodel", dual_network[1]]
            given += ["--out", path, "--reference", reference]
            run("part_2_inference_2_sources.py", *given, *filter(None, [mode]))
            maps[reference, mode] = read_array(path)
            grids[reference, mode] = read_grid(path)
    # otbtf_semantics 14: with the 10 m reference, both modes give the values of the
    # fully convolutional map, 5 m to the north-west.
    whole = maps["20m", "--fullyconv"]
    for mode in ("--fullyconv", None):
        assert (maps["10m", mode] == whole).mean() > 0.999
        a, b = grids["10m", mode].transform, grids["20m", mode].transform
        assert (a.a, a.c, a.f) == (20, b.c - 5, b.f + 5)
    sources = {
        "input_20m": havel_folder / "s2_20m.tif",
        "input_10m": havel_folder / "s2_10m.tif",
    }
    expected = map_of_the_kit(dual_network[0], sources, grids["20m", "--fullyconv"])
    assert (whole == expected).mean() > 0.999
    # Patch-based with the 20 m reference reads its 10 m patches one pixel aside.
    assert 0.5 < (maps["20m", None] == whole).mean() < 0.9999


@pytest.mark.slow
def test_blocks_and_their_distortion(tmp_path):
    from_town = Path(__file__).parents[2] / "data" / "town"
    keras.utils.set_random_seed(3)
    served = tl.export(architectures.pan_xs_unet(4), tmp_path / "model3")
    given = ("--data", from_town, "--savedmodel", served)
    run("part_3_inference.py", *given, "--out", tmp_path / "artifacts.tif")
    run("part_3_inference.py", *given, "--crop", 32, "--out", tmp_path / "valid.tif")
    artifacts, valid = (tmp_path / f"{x}.tif" for x in ("artifacts", "valid"))
    # Section 3.3: n = 1100 x 1500, whole blocks of 128 and 64.
    assert read_grid(artifacts).shape == (1024, 1408)
    assert read_grid(valid).shape == (1024, 1408)
    words = run("part_3_distortion.py", artifacts, valid).splitlines()
    # The valid map begins 32 pixels inside of the other one, and leaves it at the end.
    first, second = read_array(artifacts), read_array(valid)
    common = first[32:, 32:] - second[: 1024 - 32, : 1408 - 32]
    expected = np.sqrt((common.astype("float64") ** 2).sum(axis=-1).mean())
    assert float(words[-1]) == pytest.approx(expected, rel=1e-5)
    assert expected > 0
