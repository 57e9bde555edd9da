"""Notebooks 00 to 06 run on every scene of the layout, not only on the Havel."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from nbclient import NotebookClient
from odc.geo.geobox import GeoBox

import tutorial_lib as tl
from data_fetch import practice
from tutorial_lib import rasters
from tutorial_lib.recorded import recipes
from tutorial_lib.testing import small_grid

TESTS = Path(__file__).resolve().parent
FOLDER = TESTS.parent / "notebooks"

sys.path.insert(0, str(FOLDER))

build = import_module("build")
lint = import_module("lint")

SOURCES = {
    path.stem: path
    for path in build.list_sources(starts=("00", "01", "02", "03", "04", "05", "06"))
}
# Settings of the notebooks that make their trainings short.
SHORT = {"epochs = 6": "epochs = 1", "epochs = 10 ": "epochs = 3 "}
SHORT |= {"most_epochs = 40": "most_epochs = 3"}
SHORT |= {"epochs, learning_rate, seed = 5,": "epochs, learning_rate, seed = 1,"}

# Rows and columns that the other scenes have more than the Havel.
MORE_ROWS, MORE_COLUMNS = 24, 52


# The scenes


def turned(array, factor=1):
    """An image turned by 180 degrees and mirrored beyond its border."""
    more = (0, MORE_ROWS // factor), (0, MORE_COLUMNS // factor), (0, 0)
    return np.pad(array[::-1, ::-1], more, mode="symmetric")


def grid_of_poor(havel, spacing):
    """The grid of the poor scene: south of the equator, and larger than the Havel's."""
    height, width = tl.read_grid(havel / f"s2_{spacing}m.tif").shape
    factor = spacing // 10
    return GeoBox(
        (height + MORE_ROWS // factor, width + MORE_COLUMNS // factor),
        Affine(spacing, 0, 300_000, 0, -spacing, 6_200_000),
        "EPSG:32755",
    )


def make_poor(havel, folder):
    """The Havel turned and enlarged, with holes in its images and few classes."""
    folder.mkdir()
    for spacing in (10, 20):
        write_images(havel, folder, spacing)
    # The areas have changed their places in turn.
    for area, other in zip("abc", "bca", strict=True):
        path = havel / f"terrain_truth_{other}.tif"
        labels = turned(rasters.read_array(path))
        make_rare(area, labels)
        rasters.write_array(
            folder / f"terrain_truth_{area}.tif",
            labels,
            grid_of_poor(havel, 10),
            nodata=255,
            legend=tl.read_legend(path),
        )


def write_images(havel, folder, spacing):
    """An image from which a cloud was cut out, and its copy with a wedge."""
    factor = spacing // 10
    values = rasters.read_array(havel / f"s2_{spacing}m.tif")
    values = np.maximum(turned(values, factor), 1)
    values[120 // factor : 230 // factor, 500 // factor : 640 // factor] = 0
    grid = grid_of_poor(havel, spacing)
    rasters.write_array(folder / f"s2_{spacing}m.tif", values, grid, nodata=0)
    rows, columns = np.indices(values.shape[:2])
    values[columns + rows // 2 < values.shape[1] // 4] = 0
    rasters.write_array(folder / f"s2_{spacing}m_nodata.tif", values, grid, nodata=0)


def make_rare(area, labels):
    """Remove a class from each area, and most of another one from A."""
    missing = {"a": 5, "b": 2, "c": 0}[area]
    labels[labels == missing] = 255
    if area == "a":
        wetland = np.flatnonzero(labels == 1)
        labels.flat[wetland[:-60]] = 255


def make_with(command, folder, *options):
    """Run a command of `data_fetch` that makes a scene in a process of its own."""
    options = [*options, "--name", folder.name, "--folder", folder.parent]
    command = [sys.executable, "-m", "data_fetch", command, *map(str, options)]
    subprocess.run(command, check=True, capture_output=True, cwd=FOLDER.parent)


def fetch(havel, folder):
    """A scene of a day in May, from the catalogue on this machine."""
    files = practice.make_practice(havel=havel)
    options = ["--area", files / "area.geojson", "--date", "2023-05-17"]
    with practice.running(files) as address:
        labels = practice.worldcover_address(address)
        make_with("stac", folder, *options, "--catalogue", address, "--labels", labels)


def generate(havel, folder):
    """A synthetic scene of the Havel's size; its classes have other names."""
    size = tl.read_grid(havel / "s2_10m.tif").shape
    make_with("synthetic", folder, "--size", *size)


SCENES = {"poor": make_poor, "fetched": fetch, "generated": generate}


@pytest.fixture(scope="module")
def kit_with(havel_folder, tmp_path_factory):
    """Function of a scene's name; it gives a folder like the kit's, with this scene."""
    kit = tmp_path_factory.mktemp("kit")
    (kit / "notebooks").mkdir()
    (kit / "data").mkdir()

    def make(name):
        if not (kit / "data" / name).exists():
            SCENES[name](havel_folder, kit / "data" / name)
        return kit

    return make


# Running notebooks


def is_claim(cell):
    return lint.CLAIM in cell.metadata.get("tags", [])


def notebook_of(stem, scene, *, solved=False, short=False):
    """A notebook for another scene; nothing else is changed, if it is not short."""
    notebook = build.build_notebook(SOURCES[stem], solved=solved)
    notebook.cells = [cell for cell in notebook.cells if not is_claim(cell)]
    (cell,) = [x for x in notebook.cells if "parameters" in x.metadata.get("tags", [])]
    assert cell.source.count('SCENE = "havel"') == 1
    cell.source = cell.source.replace('"havel"', f'"{scene}"')
    for old, new in SHORT.items() if short else ():
        cell.source = cell.source.replace(old, new)
    return notebook


def execute(notebook, kit):
    """Run a notebook in a folder; the result of its cells as one text."""
    resources = {"metadata": {"path": str(kit / "notebooks")}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    return "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def verdicts(notebook):
    """What the check of each exercise says, by the id of its cell."""
    return {
        cell.id: "".join(x.get("data", {}).get("text/plain", "") for x in cell.outputs)
        for cell in notebook.cells
        if cell.id.endswith("-answer")
    }


@pytest.mark.slow
@pytest.mark.parametrize("stem", SOURCES)
def test_the_learners_notebook_runs_where_classes_are_missing(stem, kit_with):
    kit = kit_with("poor")
    text = execute(notebook_of(stem, "poor", short=True), kit)
    assert (kit / "data" / "work" / "poor" / stem).is_dir()
    assert "RuntimeWarning" not in text


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["fetched", "generated"])
@pytest.mark.parametrize("stem", SOURCES)
def test_the_learners_notebook_runs_with_another_scene(stem, scene, kit_with):
    kit = kit_with(scene)
    text = execute(notebook_of(stem, scene), kit)
    assert (kit / "data" / "work" / scene / stem).is_dir()
    assert "RuntimeWarning" not in text


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["poor", "fetched"])
@pytest.mark.parametrize("stem", SOURCES)
def test_the_checks_accept_the_solutions(stem, scene, kit_with):
    notebook = notebook_of(stem, scene, solved=True, short=True)
    execute(notebook, kit_with(scene))
    found = verdicts(notebook)
    assert found
    assert [x for x, verdict in found.items() if "✔ Right" not in verdict] == []


# What is said of a class that is rare or missing


def small_labels(tmp_path, classes, pixels=200):
    """Folder of a scene whose three areas have these classes, each `pixels` times."""
    grid = small_grid(60, 90)
    legend = rasters.Legend(("water", "wood"), ("#0000ff", "#00ff00"))
    labels = np.full((60, 90, 1), 255, "uint8")
    for number in classes:
        spots = labels[10 + 20 * number : 20 + 20 * number, 10:70]
        spots.reshape(-1)[:] = 255
        rows, columns = np.divmod(np.arange(pixels), 60)
        labels[10 + 20 * number + rows, 10 + columns] = number
    for area in "abc":
        path = tmp_path / f"terrain_truth_{area}.tif"
        rasters.write_array(path, labels, grid, nodata=255, legend=legend)
    image = np.ones((60, 90, 4), "uint16")
    rasters.write_array(tmp_path / "s2_10m.tif", image, grid)
    return tmp_path


# What `select_positions` says of the same labels.
@pytest.mark.filterwarnings("ignore:Class . has only 7 pixels")
@pytest.mark.parametrize(
    ("classes", "pixels", "sentence"),
    [
        ([0], 200, "Area B has no label of 'wood': .*terrain_truth_b.tif.*another pl"),
        ([0, 1], 7, "Area B has only 7 positions of each class, not 50: "),
        ([1], 7, "Area B has no label of 'water' and only 7 positions"),
    ],
)
def test_a_rare_class_is_named_with_its_area(tmp_path, classes, pixels, sentence):
    scene = small_labels(tmp_path, classes, pixels)
    with pytest.warns(UserWarning, match=sentence):
        recipes.cut_patches(scene, tmp_path / "work", counts={"b": 50})


def test_enough_labels_are_not_warned_of(tmp_path):
    scene = small_labels(tmp_path, [0, 1])
    patches = recipes.cut_patches(scene, tmp_path / "work", counts={"b": 50})
    assert patches["b"].count == 100


# What the sources say of the scene


def code_of(stem):
    cells = build.build_notebook(SOURCES[stem], solved=True).cells
    return [cell for cell in cells if cell.cell_type == "code" and not is_claim(cell)]


@pytest.mark.parametrize("stem", SOURCES)
def test_only_the_parameter_names_the_scene(stem):
    lines = [line for cell in code_of(stem) for line in cell.source.splitlines()]
    named = [line for line in lines if '"havel"' in line]
    assert [line.split("  #")[0] for line in named] == ['SCENE = "havel"']
    (work,) = [line for line in lines if line.startswith("work = ")]
    assert work == f'work = scene.parent / "work" / SCENE / "{stem}"'


@pytest.mark.parametrize("stem", SOURCES)
def test_no_code_names_a_class(stem, havel_folder):
    names = tl.read_legend(havel_folder / "terrain_truth_a.tif").names
    code = "\n".join(cell.source for cell in code_of(stem))
    assert [
        name for name in names if f'["{name}"]' in code or f'("{name}"' in code
    ] == []
