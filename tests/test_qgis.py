"""Maps of the kit in real QGIS, which needs no screen.

Debian and Ubuntu: `apt-get install --no-install-recommends python3-qgis
qgis-providers`, about 3 minutes.
Elsewhere, KIT_QGIS_PYTHON names a Python that can import `qgis`.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tutorial_lib as tl
from data_fetch.havel import LEGEND as HAVEL
from tutorial_lib import testing
from tutorial_lib.rasters import Legend, write_array

PYTHON = os.environ.get("KIT_QGIS_PYTHON", "/usr/bin/python3")
NUMBERED = Legend(
    ("oats <&>", 'mai"ze', "wheat é"), ("#102030", "#ff0000", "#00ff7f"), (10, 20, 30)
)
LARGE = Legend(
    ("sea", "lake", "pond"), ("#000001", "#0000ff", "#7f7f00"), (3, 300, 65534)
)

# name: legend, type, no-data value
LEGENDS = {
    "havel": (HAVEL, "uint8", 255),
    "own numbers": (NUMBERED, "uint8", 0),
    "own numbers in 16 bits": (NUMBERED, "uint16", 65535),
    "large numbers": (LARGE, "uint16", 65535),
}
HEIGHT, WIDTH = 61, 87

pytestmark = pytest.mark.slow


def run_qgis(folder, *words):
    """Run `qgis_looks.py`; its answer."""
    script = Path(__file__).with_name("qgis_looks.py")
    # Its own folder for settings, and none of this environment's packages and data.
    keep = {"PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "QGIS_PREFIX_PATH"}
    environment = {name: os.environ[name] for name in keep & os.environ.keys()}
    folder.chmod(0o700)
    environment |= {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    done = subprocess.run(
        [PYTHON, script, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder for the settings of QGIS; skips the tests where there is no QGIS."""
    command = [PYTHON, "-c", "import qgis.core"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as err:
        pytest.skip(f"QGIS is not installed: {err}")
    if done.returncode:
        pytest.skip(f"QGIS is not installed: {done.stderr.strip().splitlines()[-1]}")
    return tmp_path_factory.mktemp("qgis")


def look(home, *paths):
    """What QGIS shows of rasters, and its pictures (height, width, RGBA)."""
    words = [str(word) for path in paths for word in (path, path.with_suffix(".png"))]
    found = run_qgis(home, *words)["rasters"]
    for path in paths:
        with Image.open(path.with_suffix(".png")) as picture:
            found[str(path)]["picture"] = np.array(picture.convert("RGBA"))
    return [found[str(path)] for path in paths]


def labels(legend, dtype, nodata):
    """Labels (HEIGHT, WIDTH, 1): classes in rows, a corner without data."""
    rows = np.arange(HEIGHT) * len(legend) // HEIGHT
    array = np.array(legend.classes, dtype)[rows][:, np.newaxis, np.newaxis]
    array = array.repeat(WIDTH, axis=1)
    array[: HEIGHT // 3, : WIDTH // 4] = nodata
    return array


def classes_of(legend):
    numbered = zip(legend.classes, legend.names, legend.colors, strict=True)
    return [list(one) for one in numbered]


def picture_of(array, legend):
    """The pixels that a picture of these labels should have; others are transparent."""
    picture = np.zeros((*array.shape[:2], 4), "uint8")
    for number, color in zip(legend.classes, legend.rgb, strict=True):
        picture[array[..., 0] == number] = (*color, 255)
    return picture


@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize("name", LEGENDS)
def test_qgis_lists_the_classes_of_the_legend_and_draws_their_colours(
    home, tmp_path, name, cog
):
    legend, dtype, nodata = LEGENDS[name]
    array = labels(legend, dtype, nodata)
    grid = testing.small_grid(HEIGHT, WIDTH)
    about = {"nodata": nodata, "legend": legend, "cog": cog}
    path = write_array(tmp_path / "map.tif", array, grid, **about)
    (shown,) = look(home, path)
    assert shown["valid"]
    assert shown["renderer"] == "QgsPalettedRasterRenderer"
    assert shown["classes"] == classes_of(legend)
    assert shown["legend"] == list(legend.names)
    assert shown["nodata"] == nodata
    np.testing.assert_array_equal(shown["picture"], picture_of(array, legend))


def test_without_the_style_qgis_lists_numbers_that_are_no_classes(home, tmp_path):
    array = labels(HAVEL, "uint8", 255)
    grid = testing.small_grid(HEIGHT, WIDTH)
    path = write_array(tmp_path / "map.tif", array, grid, nodata=255, legend=HAVEL)
    (tmp_path / "map.qml").unlink()
    (shown,) = look(home, path)
    assert len(shown["classes"]) > 200
    assert shown["classes"][1][1] == "1"


def test_a_map_by_a_network_has_its_legend_in_qgis(home, tmp_path):
    scene = testing.small_scene()
    path = tmp_path / "map.tif"
    tl.predict_raster(
        testing.BlockMean({"input": 16}),
        tl.Source(scene["input_10m"], receptive_field=16),
        path,
        output="estimated_labels",
        legend=testing.SMALL_LEGEND,
        progress=False,
    )
    (shown,) = look(home, path)
    assert shown["classes"] == classes_of(testing.SMALL_LEGEND)


def test_numbers_that_are_no_classes_are_transparent(home, tmp_path):
    array = labels(HAVEL, "uint8", 77)
    grid = testing.small_grid(HEIGHT, WIDTH)
    path = write_array(tmp_path / "map.tif", array, grid, legend=HAVEL)
    (shown,) = look(home, path)
    assert shown["classes"] == classes_of(HAVEL)
    np.testing.assert_array_equal(shown["picture"], picture_of(array, HAVEL))


def test_a_style_that_qgis_saves_is_kept_and_shown(home, tmp_path):
    array = labels(HAVEL, "uint8", 255)
    grid = testing.small_grid(HEIGHT, WIDTH)
    path = write_array(tmp_path / "map.tif", array, grid, nodata=255, legend=HAVEL)
    run_qgis(home, "--save-style", str(path))
    saved = (tmp_path / "map.qml").read_bytes()
    assert b"tutorial_lib" not in saved
    other = Legend(HAVEL.names[::-1], HAVEL.colors)
    for legend in (other, None):
        write_array(path, array, grid, nodata=255, legend=legend)
        assert (tmp_path / "map.qml").read_bytes() == saved
    (shown,) = look(home, path)
    assert shown["classes"] == classes_of(HAVEL)
