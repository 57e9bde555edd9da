"""The recorded network from PyTorch: one file, margins as measured, a decent map."""

import sys

import numpy as np
import onnx
import pytest
from onnx_networks import measured_margins
from rasterio.windows import Window

import tutorial_lib as tl
from tutorial_lib import recorded
from tutorial_lib.rasters import read_array
from tutorial_lib.recorded import from_pytorch

PATH = recorded.weights_path(from_pytorch.NAME)
# By hand, in pixels of each level that depend on what lies beyond the chunk. The two
# convolutions of a block add 2. Pooling halves them and rounds up. Bilinear enlarging
# doubles them, and one more pixel reads the last of them.
FINE = 2
MIDDLE = -(-FINE // 2) + 2
COARSE = -(-MIDDLE // 2) + 2
UP_MIDDLE = 2 * COARSE + 1 + 2
UP_FINE = 2 * UP_MIDDLE + 1 + 2
MARGINS = (UP_FINE,) * 4


def test_the_file_has_the_margins_that_are_measured():
    analysis = tl.analyse(PATH)
    assert analysis.total_stride == {"image": 4}
    assert set(analysis.margins.values()) == {MARGINS}
    rng = np.random.default_rng(0)
    assert measured_margins(onnx.load(PATH), rng, "probabilities") == MARGINS


def test_the_file_is_complete_and_names_no_file_of_its_computer():
    content = PATH.read_bytes()
    assert len(content) < 300_000
    model = onnx.load(PATH, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert not any(one.external_data for one in model.graph.initializer)
    assert b".py" not in content
    assert b"stack_trace" not in content


@pytest.mark.thorough
def test_its_map_in_tiles_is_the_whole_map(havel_folder, tmp_path):
    image = havel_folder / "s2_10m.tif"
    options = {"output": "probabilities", "window": Window(3, 5, 301, 283)}
    maps = []
    for side in (64, 304):
        path = tmp_path / f"{side}.tif"
        tl.predict_raster(PATH, image, path, **options, tile_size=side, progress=False)
        maps.append(read_array(path))
    assert np.abs(maps[0] - maps[1]).max() < 1e-5


@pytest.mark.thorough
def test_its_map_is_better_than_the_baseline(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    found = from_pytorch.accuracies(PATH, tmp_path)
    assert found["network"] > found["maximum likelihood"] + 0.05


def test_without_pytorch_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(from_pytorch, "find_spec", lambda name: None)
    assert from_pytorch.main() == 1
    assert "pip install torch onnxscript" in capsys.readouterr().err
    assert "torch" not in sys.modules


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_its_recipe_exports_a_file_with_the_same_margins(tmp_path):
    for package in from_pytorch.NEEDED:
        pytest.importorskip(package, reason="pip install torch onnxscript")
    network = from_pytorch.unet([1000] * 4, [300] * 4)
    from_pytorch.export(network, tmp_path / "network.onnx")
    found, expected = tl.analyse(tmp_path / "network.onnx"), tl.analyse(PATH)
    assert found.margins == expected.margins
    assert found.total_stride == expected.total_stride
