"""The comparison and the map in a real JupyterLab: no key changes a learner's cell."""

import pytest

from browser.lab import (
    COMMAND_KEYS,
    cells,
    open_notebook,
    run_cells,
    run_code,
    write_notebook,
)

COMPARISON = """\
import numpy as np
import tutorial_lib as tl

maps = [np.arange(1200).reshape(30, 40) % 3 + n for n in range(3)]
widget = tl.compare(*maps, legend=tl.testing.SMALL_LEGEND, kind="grey")
widget"""
MAP = """\
scene = tl.testing.small_scene()
positions = tl.select_positions(scene["labels"], count=5)
tl.show_map(scene["input_10m"], scene["labels"], positions)"""

MODES = ["swipe", "blink", "side_by_side", "difference"]
WIDGETS = [*MODES, "map"]

# Where Tab stops; of a group of radio buttons, at the chosen one only.
FIND_STOPS = """(root) => {
    const found = root.querySelectorAll(
        "a[href], button, input, select, summary, [tabindex], [contenteditable]");
    window.stops = [...found].filter((one) =>
        one.tabIndex >= 0 && !one.disabled && (one.type !== "radio" || one.checked)
        && one.checkVisibility({ visibilityProperty: true }));
    return window.stops.length;
}"""


@pytest.fixture(scope="module")
def page(lab, open_shared_tab):
    """A notebook of a comparison and a map in a tab, with its cells run."""
    address, notebooks = lab
    write_notebook(notebooks / "keys.ipynb", COMPARISON, MAP, "'the next cell'")
    page = open_shared_tab()
    open_notebook(page, address, "keys.ipynb")
    assert run_cells(page) == []
    page.locator(".compare[data-ready=true]").wait_for()
    page.frame_locator(".kit-map").locator(".leaflet-control-scale").wait_for()
    return page


class Widget:
    """A widget, by the elements at which Tab stops."""

    def __init__(self, page, name):
        self.page = page
        if name == "map":
            self.root = page.frame_locator(".kit-map").locator("body")
        else:
            self.root = page.locator(".compare")
            # Python gets what was done in the browser after a moment of rest.
            page.wait_for_timeout(500)
            # In the middle of the zoom, all buttons have a use.
            run_code(page, f"widget.mode, widget.zoom = '{name}', 2.0")
            page.locator(f".compare-zoomed[data-mode={name}]").wait_for()
        number = int(name == "map")
        page.evaluate(
            "(n) => jupyterapp.shell.currentWidget.content.activeCellIndex = n", number
        )
        self.count = self.root.evaluate(FIND_STOPS)

    def focus(self, number):
        self.root.evaluate("(_, n) => window.stops[n].focus()", number)

    def focused(self):
        """Number of the stop that has the focus; -1 if it is none of them."""
        return self.root.evaluate("() => stops.indexOf(document.activeElement)")

    def has_page(self):
        """Whether keys go to the document of the widget."""
        return self.root.evaluate("() => document.hasFocus()")


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("name", WIDGETS)
def test_tab_reaches_every_control_and_leaves_the_widget(page, name):
    widget = Widget(page, name)
    assert widget.count >= 8
    widget.focus(0)
    reached = []
    for _ in range(widget.count):
        reached.append(widget.focused())
        page.keyboard.press("Tab")
    assert sorted(reached) == list(range(widget.count))
    if name == "map":
        assert not widget.has_page()
    else:
        assert widget.focused() == -1
    page.keyboard.press("Shift+Tab")
    assert widget.focused() == reached[-1]


@pytest.mark.sampled(daily=2)
@pytest.mark.parametrize("name", WIDGETS)
def test_no_key_changes_a_cell(page, name):
    widget = Widget(page, name)
    before = cells(page)
    for number in range(widget.count):
        widget.focus(number)
        for key in COMMAND_KEYS:
            page.keyboard.press(key)
        page.wait_for_timeout(50)
        assert cells(page) == before, number


@pytest.mark.sampled(daily=2)
@pytest.mark.parametrize("name", WIDGETS)
def test_what_is_typed_before_and_after_tab_changes_no_cell(page, name):
    widget = Widget(page, name)
    before = cells(page)
    for number in range(widget.count):
        widget.focus(number)
        page.keyboard.type("12")
        page.keyboard.press("Tab")
        # After the last control, the keys are JupyterLab's again.
        inside = widget.has_page() if name == "map" else widget.focused() >= 0
        if inside:
            page.keyboard.type("xdd")
        page.wait_for_timeout(50)
        assert cells(page) == before, number


@pytest.mark.parametrize(
    ("label", "times"), [("Zoom out", 12), ("Zoom in", 12), ("Whole", 1)]
)
def test_a_button_that_ends_its_own_use_keeps_the_keys(page, label, times):
    widget, before = Widget(page, "swipe"), cells(page)
    button = widget.root.get_by_role("button", name=label, exact=True)
    button.focus()
    for _ in range(times):
        page.keyboard.press("Enter")
        page.wait_for_timeout(30)
    assert button.evaluate("(one) => one === document.activeElement")
    page.keyboard.type("xdd")
    page.wait_for_timeout(50)
    assert cells(page) == before


def test_a_click_beside_the_controls_keeps_the_keys(page):
    widget, before = Widget(page, "map"), cells(page)
    widget.root.locator(".webmap-legend").click()
    page.keyboard.type("xdd")
    widget.root.locator(".leaflet-container").click(position={"x": 300, "y": 300})
    page.keyboard.type("xdd")
    page.wait_for_timeout(50)
    assert cells(page) == before
