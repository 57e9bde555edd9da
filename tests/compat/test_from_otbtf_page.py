"""docs/from_otbtf.md: its code runs, and both sides give what the page says."""

import re
import shutil

import numpy as np
import pytest

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.rasters import read_array

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def page(repository, tmp_path_factory):
    """The names that the code of the page leaves, and the folder it ran in."""
    folder = tmp_path_factory.mktemp("page")
    scene = testing.small_scene()
    shutil.copy(scene["input_10m"], folder / "s2_10m.tif")
    shutil.copy(scene["input_20m"], folder / "s2_20m.tif")
    positions = tl.select_positions(scene["labels"], count=30, margin=9)
    positions.to_file(folder / "pos_a.geojson")
    text = (repository / "docs" / "from_otbtf.md").read_text()
    blocks = re.findall(r"<!-- run: \w+ -->\n\n```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 11
    assert text.count("```python") == 11
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile("\n".join(blocks), "from_otbtf.md", "exec"), names)
    return names, folder


def test_both_cut_the_same_patches(page):
    names, folder = page
    patches = names["patches"]
    assert patches.count == 120
    for name, side in (("10m", 16), ("20m", 8)):
        otbtf = tl.read_patches(folder / f"otbtf_{name}.tif")
        assert otbtf.shape[:3] == (120, side, side)
        assert otbtf.dtype == "float32"
        assert (otbtf == patches.arrays[f"input_{name}"]).all()
    labels = tl.read_patches(folder / "otbtf_labels.tif")
    assert (labels == patches.arrays["labels"]).all()


def test_both_datasets_have_the_same_elements(page):
    names, _ = page
    for dataset in (names["training"], names["dataset"]):
        inputs, targets = next(iter(dataset))
        assert inputs["input_10m"].shape == (8, 16, 16, 4)
        assert inputs["input_20m"].shape == (8, 8, 8, 6)
        assert targets["estimated"].shape == (8, 1, 1, 4)


def test_both_networks_have_crops(page):
    names, _ = page
    for model in (names["model"].model, names["own"]):
        assert {"estimated", "estimated_labels", "estimated_crop16"} <= set(
            model.output
        )
    shape = names["model"].model.output["estimated"].shape
    assert shape == (None, None, None, 4)


def test_both_maps_are_equal(page):
    names, folder = page
    otbtf, kit = (read_array(folder / f"{x}_map.tif") for x in ("otbtf", "kit"))
    assert otbtf.shape == kit.shape == (40, 60, 1)
    assert len(np.unique(kit)) > 1
    assert names["rmse"] == pytest.approx(float(names["rmse_of_kit"]), abs=1e-6)
    assert np.mean(otbtf == kit) > 0.999
