"""Exported notebooks in a browser without internet: figures, maps, widgets."""

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

from browser.figures import SETUP, STILLS, WIDGETS
from tutorial_lib import testing

TEXT = """\
# A small notebook

The next one is [01b](01b_networks_in_brief.ipynb) with a [loss](../glossary.md#loss);
the kit's ideas come from
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
    "long = 'one line of code that is longer than any page is wide' # " + 30 * "word ",
    "print('one-long-line-of-output ' * 20)",
    "import pandas\n\npandas.DataFrame({'loss': [1.5]}, index=['one'])",
    SETUP,
    "network.summary()",
    *STILLS,
    *WIDGETS,
    """\
from pathlib import Path

Path("logs").mkdir(exist_ok=True)
tl.show_tensorboard("logs")""",
]


@pytest.fixture(scope="module")
def export(repository):
    sys.path.insert(0, str(repository / "notebooks"))
    yield import_module("export")
    sys.path.remove(str(repository / "notebooks"))


@pytest.fixture(scope="module")
def exported(export, repository, tmp_path_factory):
    """Path of the page of a small notebook."""
    folder = tmp_path_factory.mktemp("export")
    cells = [new_markdown_cell(TEXT), *map(new_code_cell, CODE)]
    path = folder / "07_small.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(repository), prepend=os.pathsep)
        (page,) = export.export([path], folder / "html", kept=folder / "executed")
    assert (folder / "executed" / path.name).exists()
    return page


@pytest.fixture(scope="module")
def page(open_shared_tab, exported):
    """The page, opened once: each test changes another part of it."""
    tab = open_shared_tab(width=1280, height=900)
    tab.goto(exported.as_uri())
    return tab


def test_the_page_loads_nothing_from_elsewhere(export, exported):
    text = exported.read_text()
    assert export.remote_addresses(text) == []
    for name in ("require.min.js", "MathJax", "mermaid", "html-manager"):
        assert name not in text


def test_text_and_figures_are_there(page):
    assert page.title() == "A small notebook"
    expect(page.get_by_role("heading", name="A small notebook")).to_be_visible()
    expect(page.get_by_text("ready & <set>", exact=True)).to_be_visible()
    picture = page.get_by_alt_text("s2_10m (bands 1, 2, 3): colour image").first
    assert picture.evaluate("(image) => image.naturalWidth") > 300
    next_one = page.get_by_role("link", name="01b")
    assert next_one.get_attribute("href") == "01b_networks_in_brief.html"


def test_a_word_leads_to_its_place_in_the_glossary(page, exported):
    word = page.get_by_role("link", name="loss", exact=True)
    assert word.get_attribute("href") == "glossary.html#loss"
    glossary = exported.with_name("glossary.html").read_text()
    assert 'id="loss"' in glossary
    assert ".ipynb" not in glossary


def test_every_figure_is_there_once_with_its_words(page):
    alts = page.locator("main img").evaluate_all("(all) => all.map((one) => one.alt)")
    assert all(alts)
    for start in [*STILLS.values(), *WIDGETS.values()]:
        assert sum(alt.startswith(start) for alt in alts) >= 1, start
    assert sum("<b>water" in alt for alt in alts) == 1
    assert page.locator("main b", has_text="water:").count() == 0


@pytest.mark.parametrize("width", [1280, 640, 400, 320])
def test_long_lines_scroll_at_any_width(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    measure = """(all) => all.map((one) => {
        let scroller = one;
        while (scroller && getComputedStyle(scroller).overflowX === "visible")
            scroller = scroller.parentElement;
        const { left, right } = scroller.getBoundingClientRect();
        return [getComputedStyle(scroller).overflowX, left, right,
                scroller.scrollWidth - scroller.clientWidth];
    })"""
    found = page.locator(".jp-CodeCell pre").evaluate_all(measure)
    assert len(found) > 20
    assert any(hidden > 0 for *_, hidden in found)
    for overflow, left, right, hidden in found:
        assert hidden <= 1 or overflow in ("auto", "scroll")
        assert left >= 0
        assert right <= width + 1
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture
def paper(page):
    """The page as it is printed on A4; afterwards it is on the screen again."""
    page.locator("[data-widget-model] .compare[data-ready=true]").wait_for()
    # A browser draws no new frames for paper.
    page.evaluate("""() => {
        window.draw = requestAnimationFrame;
        window.requestAnimationFrame = () => null;
    }""")
    page.emulate_media(media="print")
    # The width of a sheet between its margins.
    page.set_viewport_size({"width": 718, "height": 900})
    yield page
    page.evaluate("() => { window.requestAnimationFrame = window.draw; }")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_on_paper_long_lines_wrap_and_maps_and_comparisons_are_whole(paper):
    cut = (
        """(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"""
    )
    assert paper.locator(".jp-CodeCell pre").evaluate_all(cut) == 0
    assert not paper.locator("iframe.kit-map").is_visible()
    still = paper.get_by_alt_text("Map of 2 layers")
    canvas = paper.locator(".compare canvas")
    for one in (still, canvas):
        box = one.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 718
    box = canvas.bounding_box()
    # The line and the names are where the picture is, though it is narrower.
    handle = paper.locator(".compare-handle").bounding_box()
    line = (handle["x"] + handle["width"] / 2 - box["x"]) / box["width"]
    assert line == pytest.approx(0.5, abs=0.01)
    for name in paper.locator(".compare-name").all():
        right = name.bounding_box()["x"] + name.bounding_box()["width"]
        assert right <= box["x"] + box["width"]
    shape = canvas.evaluate("(canvas) => canvas.width / canvas.height")
    assert box["width"] / box["height"] == pytest.approx(shape, rel=0.02)


def test_the_comparison_works(page):
    root = page.locator("[data-widget-model] .compare[data-ready=true]")
    root.wait_for()
    line = root.get_by_role("slider", name="Swipe line")
    line.press("PageUp")
    expect(line).to_have_value("0.6")
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


def test_the_map_works(page):
    frame = page.frame_locator("iframe")
    images = frame.locator(".leaflet-image-layer")
    expect(images).to_have_count(2)
    frame.get_by_role("checkbox", name="labels").click()
    expect(images).to_have_count(1)


def test_a_widget_that_needs_a_kernel_says_so(page):
    # The slider and TensorBoard do; the progress bar is not missed.
    expect(page.get_by_text("needs a running notebook")).to_have_count(2)
    expect(page.get_by_text("0%|")).to_have_count(0)


def test_the_page_is_as_wide_as_the_window(page):
    rights = """[...document.querySelectorAll("img, iframe, .compare")]
        .map((one) => one.getBoundingClientRect().right)"""
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert len(page.evaluate(rights)) >= 3
        assert max(page.evaluate(rights)) <= width


def test_the_page_is_light_or_dark_with_readable_text(page):
    brightness = """(element) => {
        const style = getComputedStyle(element);
        const colour = element.tagName === "P" ? style.color : style.backgroundColor;
        return colour.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + +one, 0);
    }"""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ground = page.locator("body").evaluate(brightness)
        ink = page.locator(".jp-RenderedMarkdown p").first.evaluate(brightness)
        assert (ground < 3 * 128) == (scheme == "dark")
        assert (ink < 3 * 128) == (scheme == "light")


# A span for every kind of token that the style sheets of the page colour.
ADD_TOKENS = """(line) => {
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const texts = rules.map((rule) => rule.selectorText ?? "").join();
    const found = [...texts.matchAll(/\\.highlight \\.(\\w+)/g)];
    const kinds = new Set(found.map((match) => match[1]));
    kinds.delete("hll");
    for (const kind of kinds) {
        const token = document.createElement("span");
        Object.assign(token, { className: kind, textContent: kind });
        line.append(token, "\\n");
    }
    return kinds.size;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_reader_is_kept_from_a_page(page, faults, scheme):
    page.locator("[data-widget-model] .compare[data-ready=true]").wait_for()
    page.emulate_media(color_scheme=scheme)
    assert page.locator(".highlight pre").first.evaluate(ADD_TOKENS) > 30
    assert faults(page) == []


def test_the_glossary_keeps_no_reader_out(open_tab, exported, faults):
    tab = open_tab()
    tab.goto(exported.with_name("glossary.html").as_uri())
    assert faults(tab) == []


def saved(path, *cells):
    nbformat.write(new_notebook(cells=cells), path)
    return path


def texts(notebook):
    return [output.text for cell in notebook.cells for output in cell.outputs]


def test_an_executed_notebook_is_used_until_its_cells_change(
    export, tmp_path, monkeypatch
):
    class Client:
        """Executes without a kernel: the output is the code."""

        def __init__(self, notebook, **_):
            self.notebook = notebook

        def execute(self):
            for cell in self.notebook.cells:
                cell.outputs = [new_output("stream", text=cell.source)]

    monkeypatch.setattr(export, "NotebookClient", Client)
    path, kept = tmp_path / "07_small.ipynb", tmp_path / "kept"
    for code in ("one", "two"):
        assert texts(export.executed(saved(path, new_code_cell(code)), kept)) == [code]
    old = new_code_cell("two", outputs=[new_output("stream", text="from before")])
    saved(kept / path.name, old)
    assert texts(export.executed(path, kept)) == ["from before"]
    assert texts(export.executed(path, kept, again=True)) == ["two"]


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
def test_an_address_that_a_page_loads_is_found(export, loads):
    (address,) = export.remote_addresses(loads)
    assert "//example.org/a." in address


def test_a_page_that_loads_something_is_not_written(export, tmp_path):
    image = "<img src='https://example.org/a.png'>"
    cell = new_code_cell(
        "1", outputs=[new_output("display_data", {"text/html": image})]
    )
    path, kept = saved(tmp_path / "07_small.ipynb", cell), tmp_path / "kept"
    kept.mkdir()
    saved(kept / path.name, cell)
    with pytest.raises(ValueError, match=r"would load \S*//example.org"):
        export.export([path], tmp_path / "html", kept=kept)
    assert not list((tmp_path / "html").iterdir())


def test_a_link_is_not_loaded(export):
    assert export.remote_addresses("<a href='https://example.org'>x</a>") == []


def test_an_unknown_notebook_is_refused_with_the_known_ones(export, capsys):
    assert export.main(["99"]) == 1
    assert "No notebook starts with 99." in capsys.readouterr().err


def test_a_cell_that_fails_ends_the_export(export, tmp_path):
    path = saved(tmp_path / "07_small.ipynb", new_code_cell("1 / 0"))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        export.export([path], tmp_path / "html", kept=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    assert not list((tmp_path / "html").iterdir())
