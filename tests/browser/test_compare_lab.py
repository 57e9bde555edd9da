"""The compare widget in a real JupyterLab: its keys, and its state in Python."""

import json
import os

import nbformat
import pytest
from playwright.sync_api import expect

from browser.lab import cells, jupyterlab, open_notebook, run_cells, run_code
from tutorial_lib.viewers.pictures import class_color

CODE = """\
import numpy as np
from tutorial_lib import testing
from tutorial_lib.viewers.comparison import compare

maps = [np.full((30, 40), number, "uint8") for number in range(3)]
widget = compare(*maps, legend=testing.SMALL_LEGEND, titles=("0", "16", "32"))
widget"""
# A chessboard of single pixels, which no subsampled picture can show.
LARGE = """\
board = np.indices((1500, 2400)).sum(axis=0) % 2
large = compare(board.astype("uint8"), board.astype("uint8") + 2)
large"""
STATE = ("mode", "left", "right", "zoom", "view", "pixel")
# Without a kernelspec, JupyterLab asks which kernel to start.
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture
def lab(tmp_path, repository, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(repository), prepend=os.pathsep)
    notebooks, private = tmp_path / "notebooks", tmp_path / "private"
    notebooks.mkdir()
    cells = [
        nbformat.v4.new_code_cell(code) for code in (CODE, LARGE, "'the next cell'")
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, notebooks / "compare.ipynb")
    with jupyterlab(notebooks, private) as address:
        yield address


def state(page):
    code = f"import json; print(json.dumps([getattr(widget, n) for n in {STATE}]))"
    return dict(zip(STATE, json.loads(run_code(page, code)), strict=True))


@pytest.fixture
def page(lab, open_tab):
    """The notebook with both widgets drawn; the page closes before its server."""
    page = open_tab()
    open_notebook(page, lab, "compare.ipynb")
    assert run_cells(page) == []
    page.locator(".compare[data-ready=true]").nth(1).wait_for()
    return page


def press_all(page, root):
    """Type the keys of JupyterLab's commands into each control."""
    controls = root.locator("input, select, button, [tabindex]")
    for number in range(controls.count()):
        control = controls.nth(number)
        if control.is_visible() and control.is_enabled():
            control.focus()
            # Next cell, insert below and above, cut, delete, Markdown, scroll.
            for key in ("ArrowDown", "b", "a", "x", "d", "d", "m", "Space"):
                page.keyboard.press(key)


def until(page, wanted):
    """Wait for the state in Python, which gets it after a moment of rest."""
    for _ in range(50):
        if wanted.items() <= (seen := state(page)).items():
            return
        page.wait_for_timeout(100)
    pytest.fail(f"after 5 s the state is {seen}, not {wanted}")


def test_the_widget_works_in_jupyterlab(page):
    # One test, because JupyterLab takes longer to start than all that is tested in it.
    small, large = page.locator(".compare").all()
    check_that_keys_stay_in_the_widget(page, small)
    check_that_the_state_goes_both_ways(page, small)
    check_that_zooming_shows_every_pixel(page, large)


def check_that_keys_stay_in_the_widget(page, widget):
    page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    before = cells(page)
    press_all(page, widget)
    page.wait_for_timeout(300)
    assert cells(page) == before


def check_that_the_state_goes_both_ways(page, widget):
    run_code(page, "widget.left, widget.right, widget.zoom = 0, 1, 1.0")
    widget.get_by_role("radio", name="Side by side").check(force=True)
    widget.get_by_label("Second layer").focus()
    page.keyboard.press("ArrowRight")
    canvas = widget.locator("canvas")
    canvas.focus()
    page.keyboard.press("+")
    # Two thirds of 30 x 40 pixels around the middle: rows 5 to 25, columns 6.7 to 33.3.
    until(page, {"mode": "side_by_side", "right": 2, "zoom": 1.5})
    until(page, {"view": [5, 6, 20, 28]})
    box = canvas.bounding_box()
    # Just below and right of the middle of the first pane.
    page.mouse.click(box["x"] + box["width"] / 4 + 2, box["y"] + box["height"] / 2 + 5)
    until(page, {"pixel": [15, 20]})
    run_code(page, "widget.mode, widget.position = 'swipe', 0.25")
    line = widget.get_by_role("slider", name="Swipe line")
    expect(line).to_have_value("0.25")
    run_code(page, "widget.zoom, widget.center = 2.0, [0.0, 0.0]")
    until(page, {"view": [0, 0, 15, 20]})


def check_that_zooming_shows_every_pixel(page, large):
    expect(large.locator(".compare-notes").first).to_contain_text("Zoom in")
    classes = [class_color(number, None) for number in range(4)]
    run_code(page, "large.center, large.zoom = [700.5, 1200.5], 60.0")
    # The middle of pixel (700, 1200) is at the middle of the view, on the swipe line.
    for _ in range(50):
        colours = middle_row(large)
        if len(set(colours)) == 4:
            break
        page.wait_for_timeout(100)
    scale = large.locator("canvas").bounding_box()["width"] / (2400 / 60)
    half = len(colours) // 2
    for step in (-8, -3, -1):
        assert colours[half + round(step * scale)] == classes[step % 2]
    for step in (1, 4, 9):
        assert colours[half + round(step * scale)] == classes[2 + step % 2]
    large.locator("canvas").hover(position={"x": half + 2 * scale, "y": 240})
    expect(large.locator(".compare-readout")).to_contain_text("row 700, column 1202")


def middle_row(root):
    """Colours of the canvas along its middle, one for each CSS pixel."""
    return [
        tuple(colour)
        for colour in root.locator("canvas").evaluate(
            """(canvas) => {
                const { width, height } = canvas;
                const row = canvas.getContext("2d")
                    .getImageData(0, Math.floor(height / 2), width, 1).data;
                return Array.from({ length: width }, (_, i) =>
                    [...row.slice(4 * i, 4 * i + 3)]);
            }"""
        )
    ]
