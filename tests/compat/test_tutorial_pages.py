"""The code blocks of the three tutorial pages run, as they stand there.

They are read from the pages when the test runs. Only paths, boxes and the number of
epochs are replaced, and an ellipsis by the parameters that it stands for.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import rasterio

import tutorial_lib as tl
from tutorial_lib import architectures
from tutorial_lib.compat import pyotb
from tutorial_lib.rasters import read_array, read_grid

SCRIPTS = Path(__file__).parent / "scripts"
BOXES = {
    "box=4000:4000:1000:1000": "box=40:40:100:90",
    "box=2000:2000:500:500": "box=20:20:50:45",
    "box=2000:2000:1000:1000": "box=200:200:500:400",
}
HELPER = "def compute_rmse_value"

pytestmark = [pytest.mark.reference, pytest.mark.thorough]


class Pages:
    """The three pages, and the folder that stands for /data."""

    def __init__(self, folder, data):
        self.data = data
        self.lines = {}
        for number, path in enumerate(sorted(folder.glob("tutorial_[123]_*.txt")), 1):
            self.lines[number] = path.read_text().splitlines()
        order = (1, 2, 3)
        assert tuple(self.lines) == order, f"'{folder}' does not hold the three pages."
        titles = [path.stem for path in sorted(folder.glob("tutorial_[123]_*.txt"))]
        # The names of the files say which page is which.
        assert [int(title.split("_")[1]) for title in titles] == [1, 2, 3]

    def block(self, page, first, stop, *, number=0):
        """The lines from the one that begins with `first` to the one before `stop`."""
        lines = self.lines[page]
        starts = [i for i, line in enumerate(lines) if line.startswith(first)]
        start = starts[number]
        end = next(i for i in range(start, len(lines)) if lines[i].startswith(stop))
        text = "\n".join(lines[start:end])
        for box, ours in BOXES.items():
            text = text.replace(box, ours)
        return text.replace("/data/", f"{self.data}/")

    def run(self, code, *words, name="script.py"):
        """Run code as a script without any other change; what it printed."""
        path = self.data / name
        path.write_text(code)
        return self.shell(f"python {name} {shlex.join(words)}")

    def shell(self, command):
        """Run a command of the page; `python` is the kit's way to run scripts."""
        words = shlex.split(command.replace("\\\n", " "))
        if words[0] == "python":
            words = [sys.executable, "-m", "tutorial_lib.compat", *words[1:]]
        else:
            words[0] = str(Path(sys.executable).with_name(words[0]))
        done = subprocess.run(
            words, cwd=self.data, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def pages(reference_data, havel_folder, tmp_path_factory):
    """The pages, with all files in place that earlier pages would have left."""
    data = tmp_path_factory.mktemp("data")
    for side in ("10m", "20m"):
        shutil.copy(havel_folder / f"s2_{side}.tif", data / f"s2_tokyo_{side}.tif")
    for letter in "ab":
        pyotb.LabelImageSampleSelection(
            inref=havel_folder / f"terrain_truth_{letter}.tif",
            nodata=255,
            strategy_constant_nb=100,
            outvec=data / f"pos_{letter}.geojson",
        )
        pyotb.PatchesExtraction(
            source1_il=data / "s2_tokyo_10m.tif",
            source1_patchsizex=16,
            source1_patchsizey=16,
            source1_out=data / f"{letter}_img_10m.tif",
            vec=data / f"pos_{letter}.geojson",
            field="class",
            outlabels=data / f"{letter}_labels.tif",
        )
    town = havel_folder.parent / "town"
    for name in ("pan.tif", "xs.tif"):
        shutil.copy(town / name, data / name)
    shutil.copy(SCRIPTS / "part_2_savedmodel.py", data)
    keras.utils.set_random_seed(3)
    tl.export(architectures.pan_xs_unet(4), data / "models" / "model3")
    return Pages(reference_data.parent / "reference", data)


@pytest.fixture(scope="module")
def fcn(pages):
    """The SavedModel of page 1, trained by its script and its command."""
    script = pages.block(1, "import argparse", "Training")
    (pages.data / "part_2_train_fcn.py").write_text(script)
    command = pages.block(1, "python part_2_train_fcn.py", "Note")
    pages.shell(f"{command.strip()} --epochs 1")
    model = pages.data / "models" / "model1_fcn.keras"
    served = pages.data / "models" / "model1_fcn_savedmodel"
    pages.shell(f"python part_2_savedmodel.py --model {model} --savedmodel {served}")
    return served


@pytest.fixture(scope="module")
def dual(pages):
    """The SavedModel of page 3, with its extraction, training and conversion."""
    pages.run(pages.block(3, "import pyotb", "Note"))
    script = pages.block(3, "import argparse", "Command:")
    (pages.data / "part_2_train_fcn_2_sources.py").write_text(script)
    command = pages.block(3, "python part_2_train_fcn_2_sources.py", "Inference")
    pages.shell(f"{command.strip()} --epochs 1")
    command = pages.block(3, "python part_2_savedmodel.py", "Patch based mode")
    pages.shell(command.strip())
    return pages.data / "models" / "model2_dualsrc_savedmodel"


@pytest.mark.slow
def test_page_1_trains_and_maps(pages, fcn):
    assert (pages.data / "logs/model1_fcn/fcn").is_dir()
    code = pages.block(1, "import pyotb", "Note")
    pages.run(code, "--savedmodel", str(fcn))
    whole = read_array(pages.data / "map1_fcn.tif")
    assert whole.shape == (90, 100, 1)
    assert whole.dtype == "uint8"

    # The block with larger tiles leaves the other parameters out.
    large = pages.block(1, "infer = pyotb", "Note that you must", number=1)
    rest = re.search(r"TensorflowModelServe\(\n(.*?)\n\)\n", code, re.DOTALL)[1]
    head, tail = code.split("infer = ", 1)
    write = tail[tail.index("infer.write") :]
    large = large.replace("    ...", rest)
    pages.run(f"{head}\n{large}\n{write}", "--savedmodel", str(fcn))
    assert (read_array(pages.data / "map1_fcn.tif") == whole).all()


@pytest.mark.slow
def test_page_2_maps_twice_and_measures_the_difference(pages):
    served = str(pages.data / "models" / "model3")
    pages.run(pages.block(2, "import pyotb", "Question"), "--savedmodel", served)
    code = pages.block(2, "import pyotb", "Question", number=1)
    pages.run(code, "--savedmodel", served)
    maps = {x: pages.data / f"map_{x}.tif" for x in ("artifacts", "valid")}
    for path in maps.values():
        assert read_array(path).shape == (400, 500, 4)
    # The same box, 32 pixels apart.
    corners = [read_grid(path).transform.c for path in maps.values()]
    assert corners[1] - corners[0] == pytest.approx(32 * 1.5)

    # The helper is the last thing on the page; its maps have to lie on one place.
    lines = pages.lines[2]
    at = next(i for i, line in enumerate(lines) if line.startswith(HELPER))
    start = max(i for i in range(at) if lines[i] == "import pyotb")
    # The text of this page has lost its indentation.
    body = [f"    {line}" for line in lines[at + 1 :]]
    helper = "\n".join([*lines[start : at + 1], *body])
    call = f"""
a = pyotb.ExtractROI({str(maps["artifacts"])!r}, startx=32, starty=32)
print(compute_rmse_value(a["out"], {str(maps["valid"])!r}))
"""
    found = float(pages.run(helper + call).split()[-1])
    first, second = (read_array(path).astype("float64") for path in maps.values())
    squares = (first[32:, 32:] - second[:-32, :-32]) ** 2
    assert found == pytest.approx(squares.sum(axis=-1).mean() ** 0.5, rel=1e-5)


def test_page_3_counts_its_sources(pages, monkeypatch):
    export = pages.block(3, "export OTB_TF_NSOURCES", "Then,").strip()
    name, _, count = export.removeprefix("export ").partition("=")
    monkeypatch.setitem(os.environ, name, count)
    for application in ("PatchesExtraction", "TensorflowModelServe"):
        command = pages.block(3, f"otbcli_{application} -help", "").splitlines()
        command = command or [f"otbcli_{application} -help"]
        text = pages.shell(command[0])
        assert "-source2.il" in text
        assert "-source3.il" not in text


@pytest.mark.slow
def test_page_3_extracts_from_both_images(pages, dual):
    counts = set()
    for letter in "ab":
        for name, side in (("img_10m", 16), ("img_20m", 8), ("labels", 1)):
            with rasterio.open(pages.data / f"{letter}_{name}_2src.tif") as patches:
                assert patches.width == side
                counts.add((letter, patches.height / side))
    assert len(counts) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "stop", "name", "spacing", "offset"),
    [
        (1, "Question", "pb", 20, 80),
        (2, "Fully convolutional mode", "pb_spc2", 20, 75),
        (3, "Question", "fcn", 20, 80),
        (4, "end of the page", "fcn_spc2", 20, 75),
    ],
)
def test_page_3_maps_in_four_ways(pages, dual, number, stop, name, spacing, offset):
    pages.lines[3] = [*pages.lines[3], "end of the page"]
    code = pages.block(3, "import pyotb", stop, number=number)
    assert f"map_fcn_2_sources_{name}.tif" in code
    pages.run(code, "--savedmodel", str(dual))
    path = pages.data / f"map_fcn_2_sources_{name}.tif"
    grid, scene = read_grid(path), read_grid(pages.data / "s2_tokyo_10m.tif")
    assert grid.shape == (45, 50)
    assert grid.resolution.x == spacing
    # Section 3.3 of the semantics: the corner of the map, then 20 pixels of the box.
    assert grid.transform.c - scene.transform.c == offset + 20 * spacing
    assert scene.transform.f - grid.transform.f == offset + 20 * spacing
