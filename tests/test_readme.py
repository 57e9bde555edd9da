"""The code in README.md runs, and makes a good map."""

import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pyogrio
import pytest
import shapely

from tutorial_lib import rasters, select_positions, testing

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def two_epochs(monkeypatch):
    """Trainings stop after two epochs, which are enough for a good map."""
    fit = keras.Model.fit

    def fit_two_epochs(self, *args, epochs, **options):
        return fit(self, *args, epochs=min(epochs, 2), verbose=0, **options)

    monkeypatch.setattr(keras.Model, "fit", fit_two_epochs)


def own_data(folder):
    """A photo of 8 bits, and points with the classes 10, 20, 30 and 40."""
    scene = testing.small_scene()
    bands = rasters.read_array(scene["input_10m"])[..., [3, 2, 1]]
    photo = rasters.to_type(bands / 4000 * 255, "uint8", nan=0)
    rasters.write_array(folder / "photo.tif", photo, rasters.read_grid(scene["labels"]))
    points = select_positions(scene["labels"], count=500)
    table = {
        "landuse": 10 * (1 + points.labels),
        "geometry": shapely.points(points.x, points.y),
    }
    pyogrio.raw.write(
        folder / "field_work.gpkg",
        shapely.to_wkb(table["geometry"]),
        field_data=[table["landuse"]],
        fields=["landuse"],
        geometry_type="Point",
        crs=str(points.crs),
    )


def check_own_map(path, truth):
    """The map has the photo's size and class numbers; town, class 40, is unknown."""
    labels, known = rasters.read_array(path), truth < 3
    assert labels.shape == truth.shape
    assert set(np.unique(labels)) <= {10, 20, 30}
    assert np.mean(labels[known] == 10 * (1 + truth[known])) > 0.6
    assert rasters.read_legend(path).classes == (10, 20, 30)


def headings(path):
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "notebooks/glossary.md"),
    *sorted(f"docs/{page.name}" for page in DOCS.glob("*.md")),
]


@pytest.mark.parametrize("name", PAGES)
def test_no_link_of_a_page_is_dead(repository, name):
    page = repository / name
    # What stands in code is an example, not a link.
    text = re.sub(r"```.*?```|`[^`]*`(?!\])", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        # A badge or a link of an account that does not exist would be dead.
        assert not re.search("OWNER|ACCOUNT|NAME", link)
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.thorough
def test_the_examples_of_the_readme_run(
    repository, tmp_path, monkeypatch, capfd, two_epochs
):
    text = (repository / "README.md").read_text()
    # The blocks are one program: later ones use names of earlier ones.
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    # The small scene has four classes, the real one six.
    code = code.replace("class_count=6", "class_count=4")
    code = code.replace("pixelwise_fcnn(6,", "pixelwise_fcnn(4,")
    scene = testing.small_scene()
    shutil.copy(scene["input_10m"], tmp_path / "s2_10m.tif")
    shutil.copy(scene["labels"], tmp_path / "terrain_truth_a.tif")
    own_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    labels = rasters.read_array(tmp_path / "map.tif")
    assert labels.shape == (105, 153, 1)
    truth = rasters.read_array(scene["labels"])[8:-7, 8:-7]
    known = truth != 255
    # The four classes of the small scene are easy to tell apart; guessing gives 0.25.
    assert np.mean(labels[known] == truth[known]) > 0.6
    assert rasters.read_legend(tmp_path / "map.tif") == testing.SMALL_LEGEND
    check_own_map(tmp_path / "own_map.tif", truth=rasters.read_array(scene["labels"]))
