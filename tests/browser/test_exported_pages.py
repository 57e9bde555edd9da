"""Exported notebooks in a browser without internet: figures, maps, living widgets."""

import json
import os
import sys
from importlib import import_module

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from playwright.sync_api import expect

from tutorial_lib import testing

TEXT = """\
# A small notebook

The next one is [01](01_patches.ipynb); the kit's ideas come from
[elsewhere](https://example.org/paper). A field of *r* pixels and a stride of *s* give
(*n* - *r*) / *s* + 1 pixels."""
CODE = [
    """\
import numpy as np
import ipywidgets
from tutorial_lib import testing
from tutorial_lib.viewers.comparison import compare
from tutorial_lib.viewers.show import show
from tutorial_lib.viewers.webmaps import show_map

scene = testing.small_scene()
print("ready & <set>")""",
    "show(scene['input_10m'])",
    """\
maps = [np.full((30, 40), number, "uint8") for number in range(2)]
widget = compare(*maps, legend=testing.SMALL_LEGEND, titles=("whole", "tiled"))
widget""",
    "show_map(scene['input_10m'], scene['labels'])",
    "ipywidgets.IntSlider(description='crop')",
    """\
from tqdm.notebook import tqdm

for _ in tqdm(range(3), desc="progress"):
    pass""",
]


@pytest.fixture(scope="module")
def export(repository):
    sys.path.insert(0, str(repository / "notebooks"))
    yield import_module("export")
    sys.path.remove(str(repository / "notebooks"))


@pytest.fixture(scope="module")
def exported(export, repository, tmp_path_factory):
    """Path of the page of a small notebook, and of the notebook that was executed."""
    folder = tmp_path_factory.mktemp("export")
    cells = [new_markdown_cell(TEXT), *map(new_code_cell, CODE)]
    path = folder / "07_small.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(repository), prepend=os.pathsep)
        (page,) = export.export([path], folder / "html", kept=folder / "executed")
    return page, folder / "executed" / path.name


@pytest.fixture
def page(open_tab, exported):
    tab = open_tab(width=1280, height=900)
    tab.goto(exported[0].as_uri())
    return tab


def test_the_page_loads_nothing_from_elsewhere(export, exported):
    text = exported[0].read_text()
    assert export.remote_addresses(text) == []
    for name in ("require.min.js", "MathJax", "mermaid", "html-manager"):
        assert name not in text


def test_text_and_figures_are_there(page):
    assert page.title() == "A small notebook"
    expect(page.get_by_role("heading", name="A small notebook")).to_be_visible()
    expect(page.get_by_text("ready & <set>", exact=True)).to_be_visible()
    picture = page.get_by_alt_text("s2_10m (bands 1, 2, 3): colour image")
    assert picture.evaluate("(image) => image.naturalWidth") > 300
    next_one = page.get_by_role("link", name="01")
    assert next_one.get_attribute("href") == "01_patches.html"


def test_the_comparison_is_alive(page):
    root = page.locator("[data-widget-model] .compare[data-ready=true]")
    root.wait_for()
    line = root.get_by_role("slider", name="Swipe line")
    before = line.get_attribute("aria-valuenow")
    line.press("PageUp")
    expect(line).not_to_have_attribute("aria-valuenow", before)
    canvas = root.locator("canvas")
    pixel = """(canvas, share) => {
        const x = Math.floor(share * canvas.width), y = Math.floor(canvas.height / 2);
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
    }"""
    for key, number in (("Home", 1), ("End", 0)):
        line.press(key)
        page.wait_for_timeout(100)
        color = list(testing.SMALL_LEGEND.rgb[number])
        assert canvas.evaluate(pixel, 0.25) == color
        assert canvas.evaluate(pixel, 0.75) == color


def test_the_map_is_alive(page):
    frame = page.frame_locator("iframe")
    images = frame.locator(".leaflet-image-layer")
    expect(images).to_have_count(2)
    frame.get_by_role("checkbox", name="labels").click()
    expect(images).to_have_count(1)


def test_what_needs_a_kernel_says_so(page):
    # The slider does; the progress bar is not missed.
    expect(page.get_by_text("needs a running notebook")).to_have_count(1)
    expect(page.get_by_text("0%|")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 800])
def test_the_page_is_as_wide_as_the_window(open_tab, exported, width):
    tab = open_tab(width=width)
    tab.goto(exported[0].as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Nor is anything cut off.
    rights = tab.evaluate(
        """[...document.querySelectorAll("img, iframe, .compare")]
            .map((one) => one.getBoundingClientRect().right)"""
    )
    assert len(rights) >= 3
    assert max(rights) <= width


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_is_light_or_dark(open_tab, exported, scheme, dark):
    tab = open_tab(color_scheme=scheme)
    tab.goto(exported[0].as_uri())
    red, green, blue = tab.evaluate(
        """getComputedStyle(document.body).backgroundColor
            .match(/\\d+/g).slice(0, 3).map(Number)"""
    )
    assert (red + green + blue < 3 * 128) == dark
    # Text is on the other side.
    ink = tab.locator(".jp-RenderedMarkdown p").first.evaluate(
        "(p) => getComputedStyle(p).color.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert (sum(ink) < 3 * 128) != dark


def test_what_was_executed_is_used_again(export, exported, tmp_path):
    kept = exported[1].parent
    notebook = nbformat.read(exported[1], as_version=4)
    notebook.cells[1].outputs = [new_output("stream", text="from before")]
    copy = tmp_path / "kept"
    copy.mkdir()
    nbformat.write(notebook, copy / "07_small.ipynb")
    source = tmp_path / "07_small.ipynb"
    blank = nbformat.read(kept / "07_small.ipynb", as_version=4)
    nbformat.write(blank, source)
    assert "from before" in json.dumps(export.executed(source, copy))


def test_what_changed_is_executed_anew(export, tmp_path):
    path = tmp_path / "07_small.ipynb"
    for text in ("one", "two"):
        nbformat.write(new_notebook(cells=[new_code_cell(f"print('{text}')")]), path)
        done = export.executed(path, tmp_path / "kept")
        assert done.cells[0].outputs[0].text == f"{text}\n"
    kept = nbformat.read(tmp_path / "kept" / path.name, as_version=4)
    kept.cells[0].outputs = []
    nbformat.write(kept, tmp_path / "kept" / path.name)
    assert export.executed(path, tmp_path / "kept").cells[0].outputs == []
    anew = export.executed(path, tmp_path / "kept", again=True)
    assert anew.cells[0].outputs[0].text == "two\n"


@pytest.mark.parametrize(
    "loads",
    [
        "<img src='https://example.org/a.png'>",
        "<script src='//example.org/a.js'></script>",
        "<link rel='stylesheet' href='http://example.org/a.css'>",
        "<style>@import 'https://example.org/a.css';</style>",
        "<div style='background: url(https://example.org/a.png)'></div>",
        "<iframe srcdoc='&lt;img src=&quot;https://example.org/a.png&quot;&gt;'></iframe>",
    ],
)
def test_a_page_that_loads_something_is_not_written(export, tmp_path, loads):
    path = tmp_path / "07_small.ipynb"
    cell = new_code_cell("1")
    cell.outputs = [new_output("display_data", data={"text/html": loads})]
    nbformat.write(new_notebook(cells=[cell]), path)
    kept = tmp_path / "kept"
    kept.mkdir()
    nbformat.write(nbformat.read(path, as_version=4), kept / path.name)
    with pytest.raises(ValueError, match=r"would load \S*//example.org"):
        export.export([path], tmp_path / "html", kept=kept)
    assert not list((tmp_path / "html").iterdir())


def test_links_may_lead_elsewhere(export):
    assert export.remote_addresses("<a href='https://example.org'>x</a>") == []


def test_a_notebook_that_is_not_there_is_named(export, capsys):
    assert export.main(["99"]) == 1
    assert "No notebook begins with 99. There are: 00_start" in capsys.readouterr().err


def test_a_cell_that_fails_ends_the_export(export, tmp_path):
    path = tmp_path / "07_small.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), path)
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        export.export([path], tmp_path / "html", kept=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    assert not list((tmp_path / "html").iterdir())
