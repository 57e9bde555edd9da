"""The compare widget in the page that `to_html` makes: what is on the canvas."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from scenes import coordinates, grid_at, write

from tutorial_lib import testing
from tutorial_lib.viewers import comparison, reading
from tutorial_lib.viewers.comparison import compare
from tutorial_lib.viewers.comparison.differences import SIGNED_RAMP
from tutorial_lib.viewers.pictures import class_color

LEGEND = testing.SMALL_LEGEND
ROWS, COLS = 30, 40
# A window of 30 rows is 480 px high: each pixel is 16 px wide, and the picture 640 px.
SCALE = 16
MEDIA = {"reduced_motion": "no-preference", "color_scheme": "light"}
READY = ".compare[data-ready=true]"
MODES = ("swipe", "blink", "side_by_side", "difference")
# A change of the state is on the screen after two frames.
FRAMES = "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))"
# The second layer of the pair is seen in "blink".
SECOND = "document.querySelector('.compare').dataset.second === 'true'"


@pytest.fixture(scope="module")
def tab(open_shared_tab):
    """One tab for most tests: a new one costs more time than a test."""
    return open_shared_tab()


@pytest.fixture
def show(tab, tmp_path):
    """Function that opens the page of a widget in the shared tab."""

    def shown(widget, *, width=1280, height=900, **media):
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(**(MEDIA | media))
        tab.mouse.move(1, 1)
        tab.goto(widget.to_html(tmp_path / "page.html").as_uri())
        tab.locator(READY).wait_for()
        return tab

    return shown


@pytest.fixture
def show_alone(open_tab, tmp_path):
    """Function that opens the page of a widget in a new tab with a fake clock."""

    def shown(widget, **options):
        page = open_tab(**options)
        page.clock.install()
        page.goto(widget.to_html(tmp_path / "page.html").as_uri())
        page.locator(READY).wait_for()
        return page

    return shown


@pytest.fixture
def labels():
    """Two maps whose classes differ everywhere, so that a colour tells the layer."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    first = (rows * 3 + cols) % 2
    return first.astype("uint8"), (first + 2).astype("uint8")


def colour(page, x, y):
    """Colour of the canvas at a place in CSS pixels, after the next drawing."""
    read = """([x, y]) => {
        const canvas = document.querySelector("canvas");
        const ratio = canvas.width / canvas.getBoundingClientRect().width;
        const at = [x, y].map((place) => Math.floor(place * ratio));
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
    }"""
    page.evaluate(FRAMES)
    return tuple(page.evaluate(read, [x, y])[:3])


def middle(row, col, scale=SCALE):
    """Middle of a pixel on the canvas, if the whole window is seen."""
    return (col + 0.5) * scale, (row + 0.5) * scale


def class_at(labels, row, col):
    return class_color(int(labels[row, col]), LEGEND)


def state(page, name):
    return page.evaluate(f"comparison.model.get('{name}')")


def put(page, **changes):
    """Set the state, as Python does."""
    for name, value in changes.items():
        page.evaluate("([n, v]) => comparison.model.set(n, v)", [name, value])


def until(page, condition):
    """Wait; `page.wait_for_function` needs what the page's policy forbids."""
    for _ in range(250):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"after 5 s this is still false: {condition}")


def canvas_box(page):
    page.evaluate(FRAMES)
    return page.locator("canvas").bounding_box()


def point(page, x, y):
    box = canvas_box(page)
    page.mouse.move(box["x"] + x, box["y"] + y)


def drag(page, start, stop):
    point(page, *start)
    page.mouse.down()
    point(page, *stop)
    page.mouse.up()


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def texts(page):
    """Place, values of the two layers, and difference below the pointer."""
    page.evaluate(FRAMES)
    return page.locator(".compare-readout span").all_inner_texts()


# Swipe


def layers_on_canvas(page, labels, places):
    """Numbers of the layers that are drawn at the middles of some (row, col)."""
    colours = [[class_at(layer, *place) for layer in labels] for place in places]
    shown = [colour(page, *middle(*place)) for place in places]
    return [pair.index(one) for pair, one in zip(colours, shown, strict=True)]


def test_the_line_between_the_two_layers_follows_mouse_and_keys(show, labels):
    page = show(compare(*labels, legend=LEGEND))
    box = canvas_box(page)
    assert (box["width"], box["height"]) == (COLS * SCALE, ROWS * SCALE)
    places = [(0, 0), (7, 18), (29, 19), (0, 20), (29, 39)]
    assert layers_on_canvas(page, labels, places) == [0, 0, 0, 1, 1]
    drag(page, (320, 100), (160, 120))
    assert state(page, "position") == pytest.approx(0.25)
    assert layers_on_canvas(page, labels, [(5, 9), (5, 10)]) == [0, 1]
    # A picture that is seen whole cannot move: dragging it moves the line.
    drag(page, (500, 200), (480, 200))
    assert state(page, "position") == pytest.approx(0.75)
    line = page.get_by_role("slider", name="Swipe line")
    line.focus()
    for key, number in (("End", 0), ("Home", 1)):
        press(page, key)
        assert layers_on_canvas(page, labels, [(3, 0), (3, 39)]) == [number, number]
    press(page, "PageUp", "PageUp", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert state(page, "position") == pytest.approx(0.21)
    expect(line).to_have_attribute("aria-valuetext", "21 % layer 1")


def test_colours_are_those_of_the_picture_that_python_draws(show):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 5000, (ROWS, COLS, 3)).astype("uint16")
    grey = rng.normal(size=(ROWS, COLS)).astype("float32")
    widget = compare(image, grey)
    page = show(widget)
    for number, (row, col) in [(0, (0, 0)), (0, (17, 9)), (1, (4, 30)), (1, (29, 39))]:
        expected = widget.scene.layers[number].picture[row, col, :3].astype(int)
        assert np.abs(colour(page, *middle(row, col)) - expected).max() <= 1


# Blink


def test_blinking_changes_once_a_second_until_it_is_paused_or_closed(
    show_alone, labels
):
    page = show_alone(compare(*labels, legend=LEGEND, mode="blink"))
    seen = []
    page.clock.run_for(500)  # to look between two changes
    for _ in range(4):
        seen.append(page.evaluate(SECOND))
        page.clock.run_for(1000)
    assert seen == [False, True, False, True]
    page.get_by_role("button", name="Show the other").click()  # and pause
    page.clock.run_for(5000)
    assert page.evaluate(SECOND)
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1100)
    assert not page.evaluate(SECOND)
    page.evaluate("comparison.close()")
    put(page, mode="swipe")
    page.clock.run_for(3000)
    assert not page.evaluate(SECOND)
    assert page.locator(".compare").get_attribute("data-mode") == "blink"


def test_with_reduced_motion_each_layer_is_shown_in_full_until_play_is_pressed(
    show_alone, labels
):
    widget = compare(*labels, legend=LEGEND, mode="blink")
    page = show_alone(widget, reduced_motion="reduce")
    page.clock.run_for(5000)
    page.clock.resume()
    name = page.locator(".compare-name").first
    for number in (0, 1, 0):
        expect(name).to_have_text(f"layer {number + 1}")
        found = layers_on_canvas(page, labels, [(0, 0), (29, 39)])
        assert found == [number, number]
        page.get_by_role("button", name="Show the other").click()
    until(page, SECOND)
    page.get_by_role("button", name="Play").click()
    page.evaluate(FRAMES)
    page.clock.fast_forward(1000)
    until(page, f"!({SECOND})")


# Difference


def test_a_difference_is_drawn_from_values(show):
    rng = np.random.default_rng(3)
    a = rng.random((ROWS, COLS)).astype("float32")
    b = a + np.linspace(-0.1, 0.2, ROWS * COLS).reshape(a.shape).astype("float32")
    widget = compare(a, b, mode="difference")
    page = show(widget)
    values = widget.difference().values
    top = np.abs(values).max()
    for row, col in [(0, 0), (3, 30), (10, 5), (15, 15), (29, 39)]:
        step = (values[row, col] / top + 1) / 2 * 255
        shown = np.array(colour(page, *middle(row, col)), int)
        near = SIGNED_RAMP[[int(np.floor(step)), int(np.ceil(step))]].astype(int)
        assert np.abs(near - shown).sum(axis=1).min() == 0
    legend = page.locator(".compare-legend").inner_text()
    assert f"{top:.5g}" in legend
    assert f"-{top:.5g}" in legend


def test_a_difference_of_colours_is_the_mean_over_the_bands(show):
    a = np.zeros((ROWS, COLS, 3))
    b = a.copy()
    b[4, 6] = 3, -6, 0
    page = show(compare(a, b, mode="difference"))
    point(page, *middle(4, 6))
    assert texts(page)[3] == "difference: 3"
    expect(page.locator(".compare-legend")).to_contain_text("at most 3 (mean over")


def test_pixels_of_another_class_are_marked_and_counted(show):
    a, b = np.zeros((ROWS, COLS), "uint8"), np.zeros((ROWS, COLS), "uint8")
    b[2, 3:33] = 1
    page = show(compare(a, b, mode="difference"))
    assert colour(page, *middle(2, 3)) == (0xC2, 0x41, 0x0C)
    assert colour(page, *middle(2, 2)) == (0xE4, 0xE4, 0xE4)
    expect(page.locator(".compare-legend")).to_contain_text("another class: 2.5 %")


@pytest.mark.parametrize(
    ("count", "same", "another"), [(43, "96.42", "3.58"), (1, "99.917", "0.083")]
)
def test_the_shares_of_a_legend_have_the_same_decimals(show, count, same, another):
    a, b = np.zeros((2, ROWS * COLS), "uint8")
    b[:count] = 1
    maps = [one.reshape(ROWS, COLS) for one in (a, b)]
    page = show(compare(*maps, mode="difference"))
    legend = page.locator(".compare-legend")
    expect(legend).to_contain_text(f"the same class: {same} % of the pixels")
    expect(legend).to_contain_text(f"another class: {another} %")


def test_values_of_a_difference_are_exact_and_pixels_without_data_do_not_count(show):
    a, b = np.full((ROWS, COLS), 0.25), np.full((ROWS, COLS), 0.25)
    b[2, 3:33], b[4, 4] = np.nan, 0.75
    page = show(compare(a, b, mode="difference"))
    point(page, *middle(4, 4))
    assert texts(page)[1:] == ["layer 1: 0.25", "layer 2: 0.75", "difference: 0.5"]
    percent = 100 / (ROWS * COLS - 30)
    legend = page.locator(".compare-legend")
    expect(legend).to_contain_text(f"{percent:.4g} % of the pixels with data in both")
    expect(legend).to_contain_text("no data")
    for mode in ("difference", "side_by_side"):
        put(page, mode=mode)
        box = canvas_box(page)
        pane = box["width"] if mode == "difference" else (box["width"] - 6) / 2
        x, y = box["width"] - pane + 20.5 * pane / COLS, 2.5 * pane / COLS
        across = {colour(page, x + step, y) for step in range(-4, 4)}
        # Dark stripes on a light ground; a pixel with data has one colour.
        assert min(across)[0] < 0xD0 < 0xF0 < max(across)[0]
        equal = {colour(page, x + step, y + 5 * pane / COLS) for step in range(-4, 4)}
        assert len(equal) == 1


def test_layers_of_two_kinds_have_no_difference_and_the_page_says_so(show, labels):
    page = show(compare(labels[0], np.full((ROWS, COLS), 0.5)))
    page.get_by_role("radio", name="Difference").check(force=True)
    expect(page.get_by_role("status")).to_contain_text("have no difference. Choose two")
    assert colour(page, *middle(3, 4)) == (128, 128, 128)


# Zoom, pan, values


def test_the_wheel_scrolls_the_page_unless_ctrl_or_focus_asks_for_zoom(show, labels):
    page = show(compare(*labels, legend=LEGEND), height=400)
    point(page, 200, 100)
    page.mouse.wheel(0, 50)
    until(page, "scrollY === 50")
    assert state(page, "zoom") == 1
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    until(page, "comparison.model.get('zoom') > 1")
    zoom = state(page, "zoom")
    assert zoom == pytest.approx(np.exp(0.6))
    page.evaluate("document.querySelector('canvas').focus({ preventScroll: true })")
    page.mouse.wheel(0, -100)
    until(page, f"comparison.model.get('zoom') > {zoom}")
    assert page.evaluate("scrollY") == 50
    # The turn that reaches the whole window ends there; the next turn scrolls.
    for _ in range(4):
        page.mouse.wheel(0, 400)
    until(page, "comparison.model.get('zoom') === 1")
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == 50
    page.mouse.wheel(0, 30)
    until(page, "scrollY === 80")


def test_zooming_keeps_the_place_below_the_pointer(show, tmp_path):
    path = coordinates(tmp_path / "a.tif", ROWS, COLS)
    page = show(compare(path, path, bands=1))
    point(page, *middle(6, 28))
    before = texts(page)
    assert before[0].startswith("row 6, column 28")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    until(page, "comparison.model.get('zoom') > 2")
    assert texts(page) == before
    zoom, (row, col, height, width) = state(page, "zoom"), state(page, "view")
    # (6.5, 28.5) is still at 6.5 / 30 of the height and 28.5 / 40 of the width.
    high, wide = ROWS / zoom, COLS / zoom
    top, left = 6.5 - high * 6.5 / 30, 28.5 - wide * 28.5 / 40
    assert (row, col) == (int(top), int(left))
    assert (height, width) == (
        int(np.ceil(top + high)) - row,
        int(np.ceil(left + wide)) - col,
    )


def test_a_zoomed_picture_moves_with_mouse_and_arrow_keys(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"), reduced_motion="reduce")
    put(page, zoom=2)
    assert colour(page, 1, 1) == class_at(labels[0], 7, 10)
    # By one pixel of 32 px to the right, and by two down.
    drag(page, (300, 300), (332, 364))
    assert state(page, "center") == pytest.approx([13, 19])
    expected = class_color(int(labels[0][7, 14]), LEGEND)
    assert colour(page, (14.5 - 9) * 32, (7.5 - 5.5) * 32) == expected
    # Keys may come faster than frames: all of them count.
    page.evaluate(
        """() => {
            const key = () => new KeyboardEvent("keydown", { key: "ArrowRight" });
            const canvas = document.querySelector("canvas");
            for (let i = 0; i < 3; i++) canvas.dispatchEvent(key());
        }"""
    )
    assert state(page, "center") == pytest.approx([13, 19 + 3 * 60 / 32])
    page.locator("canvas").focus()
    press(page, *["ArrowRight"] * 20)
    assert state(page, "center") == pytest.approx([13, 30])
    assert state(page, "view") == [5, 20, 16, 20]


def test_both_panes_show_the_same_place(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="side_by_side"), width=900)
    assert state(page, "view") == [0, 0, ROWS, COLS]
    put(page, zoom=3, center=[11, 17])
    box = canvas_box(page)
    pane = (box["width"] - 6) / 2
    scale = 3 * pane / COLS
    for row, col in [(11, 17), (9, 12), (13, 22)]:
        x = pane / 2 + (col + 0.5 - 17) * scale
        y = box["height"] / 2 + (row + 0.5 - 11) * scale
        assert colour(page, x, y) == class_at(labels[0], row, col)
        assert colour(page, x + pane + 6, y) == class_at(labels[1], row, col)
    point(page, pane + 6 + pane / 2 + 0.5 * scale, box["height"] / 2 + 0.5 * scale)
    assert texts(page)[0] == "row 11, column 17"
    # A larger zoom than there is does not stay in the state.
    put(page, zoom=1e9)
    page.evaluate(FRAMES)
    assert 1 < state(page, "zoom") < 100


def test_values_and_coordinates_are_those_below_the_pointer(show, tmp_path):
    first = coordinates(tmp_path / "first.tif", ROWS + 3, COLS + 5, channels=3)
    labels = np.full((ROWS, COLS), 255, "uint8")
    labels[4, 7] = 2
    inner, options = grid_at(3, 5, ROWS, COLS), {"nodata": 255, "legend": LEGEND}
    second = write(tmp_path / "second.tif", labels, inner, **options)
    page = show(compare(first, second))
    point(page, *middle(4, 7))
    assert texts(page) == [
        "row 7, column 12  (x 500125.0, y 4799925.0)",
        "first: 7, 12, 7012",
        "second: forest (2)",
        "",
    ]
    page.mouse.down()
    page.mouse.up()
    assert state(page, "pixel") == [7, 12]
    point(page, *middle(29, 0))
    assert texts(page)[2] == "second: no data"
    page.mouse.move(1, 1)
    assert texts(page)[0].startswith("Point at")
    # The picture cannot move: the arrow keys read values, from its middle on.
    page.locator("canvas").focus()
    press(page, "ArrowRight", "ArrowRight", "Shift+ArrowDown")
    assert texts(page)[0].startswith("row 19, column 27")
    expect(page.locator(".compare-readout")).to_have_attribute("aria-live", "polite")


def test_a_page_of_large_layers_says_what_is_shown_and_offers_no_more(show):
    large = np.zeros((20, 2 * reading.MAX_SIDE), "uint8")
    page = show(compare(large, large + 1, legend=LEGEND))
    notes = page.locator(".compare-notes").first.inner_text()
    assert "10 x 1600" in notes
    assert "Zoom in" not in notes


# Layers and tiles


def test_the_slider_chooses_among_all_layers(show):
    maps = [np.full((ROWS, COLS), number, "uint8") for number in range(4)]
    titles = [f"crop {crop}" for crop in (0, 16, 32, 64)]
    page = show(compare(*maps, legend=LEGEND, titles=titles))
    slider = page.get_by_role("slider", name="Second layer")
    slider.focus()
    for number in (2, 3):
        press(page, "ArrowRight")
        assert colour(page, *middle(3, 39)) == class_color(number, LEGEND)
        expect(slider).to_have_attribute("aria-valuetext", titles[number])
    assert state(page, "right") == 3
    page.get_by_label("First layer").select_option("crop 32")
    assert colour(page, *middle(3, 0)) == class_color(2, LEGEND)


def dark_columns(page, y):
    """Columns of the canvas with a dark line, at a height."""
    page.evaluate(FRAMES)
    row = page.evaluate(
        """([y, width]) => {
            const g = document.querySelector("canvas").getContext("2d");
            return [...g.getImageData(0, y, width, 1).data];
        }""",
        [y, COLS * SCALE],
    )
    return np.flatnonzero(np.array(row).reshape(-1, 4)[:, 0] < 100).tolist()


def tiled(*layers, tile):
    """A comparison of light grey layers with their tiles."""
    widget = compare(*layers, kind="grey", value_range=(0, 255), tile=tile)
    widget.tiles_shown = True
    return widget


def test_tiles_begin_at_the_corner_of_their_own_layer(show, tmp_path):
    flat = np.full((ROWS + 2, COLS + 3), 200, "uint8")
    first = write(tmp_path / "a.tif", flat)
    second = write(tmp_path / "b.tif", flat[2:, 3:], grid_at(2, 3, ROWS, COLS))
    page = show(tiled(first, second, tile=8))
    # Three columns of the first raster lie left of the window: its tiles end at 5, 13.
    left = [k * SCALE for k in (5, 13)]
    right = [k * SCALE for k in (24, 32)]
    assert dark_columns(page, 40) == left + right
    page.get_by_label("Tiles of 8 px").uncheck()
    assert dark_columns(page, 40) == []


def test_each_layer_has_its_tiles_and_a_difference_those_of_the_first(show):
    flat = np.full((ROWS, COLS), 200.0)
    page = show(tiled(flat, flat + 1, tile=(8, 5)))
    left, right = ([k * SCALE for k in range(0, COLS, side)] for side in (8, 5))
    half = COLS * SCALE // 2
    swiped = [x for x in left if x < half] + [x for x in right if x >= half]
    assert dark_columns(page, 40) == swiped
    expect(page.get_by_label("Tiles of 8 and 5 px")).to_be_checked()
    put(page, mode="difference")
    assert dark_columns(page, 40) == left
    expect(page.get_by_label("Tiles of 8 px", exact=True)).to_be_checked()


def test_tiles_that_are_too_small_are_not_drawn_and_the_page_says_so(show):
    flat = np.full((240, 320), 200.0)
    page = show(tiled(flat, flat, tile=3))
    assert dark_columns(page, 41) == []
    notes = page.locator(".compare-notes").first
    expect(notes).to_have_text("Zoom in to see tiles of 3 px.")
    page.get_by_role("button", name="Zoom in").click()
    expect(notes).to_have_text("")
    assert dark_columns(page, 41)


# People and screens


def test_every_control_has_a_name_and_keeps_its_keys(show, labels):
    page = show(compare(*labels, labels[0], legend=LEGEND))
    controls = "input, select, button, [tabindex]"
    kept = page.evaluate(
        f"""[...document.querySelectorAll("{controls}")]
            .map((e) => e.dataset.lmSuppressShortcuts)"""
    )
    assert kept == ["true"] * 14
    tree = page.locator("main").aria_snapshot()
    for line in (
        'radio "Swipe" [checked]',
        'combobox "First layer"',
        'slider "Second layer"',
        'checkbox "Tiles of 64 px"',
        'button "Zoom in"',
        'slider "Swipe line"',
        'application "Swipe: layer 1 and layer 2, zoom 1.0. layer 1: class map',
    ):
        assert line in tree


def test_everything_fits_the_page_and_the_picture_keeps_its_place(show, labels):
    page = show(compare(*labels, labels[0], legend=LEGEND))
    clipped = """[...document.querySelectorAll(".compare button, .compare span")]
        .filter((e) => e.offsetWidth && e.scrollWidth > e.clientWidth + 1
            && getComputedStyle(e).display !== "inline")
        .map((e) => e.textContent)"""
    for width in (1280, 800, 380):
        page.set_viewport_size({"width": width, "height": 900})
        tops = set()
        for mode in MODES:
            put(page, mode=mode)
            tops.add(canvas_box(page)["y"])
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.evaluate(clipped) == []
        assert len(tops) == 1


def test_a_notebook_has_the_buttons_in_one_row_in_every_mode(show):
    flat = np.full((ROWS, COLS), 200.0)
    # A notebook in JupyterLab has 848 px on a screen of 1280; the page has borders.
    page = show(compare(flat, flat + 1, tile=(128, 64)), width=880)
    tops = set()
    for mode in MODES:
        put(page, mode=mode)
        tops.add(canvas_box(page)["y"])
        assert page.locator(".compare-bar").bounding_box()["height"] < 45
    assert len(tops) == 1


@pytest.mark.parametrize("width", [1280, 880, 380])
def test_the_widget_keeps_its_height_while_values_are_read(show, tmp_path, width):
    image = np.random.default_rng(2).random((ROWS, COLS, 3)).astype("float32")
    paths = [
        write(tmp_path / f"{name}.tif", image * factor)
        for name, factor in (("patch-based", 3000), ("pixelwise", 2000))
    ]
    page = show(compare(*paths), width=width)
    heights = """[".compare", ".compare-readout"]
        .map((name) => document.querySelector(name).offsetHeight)"""
    cut = """[...document.querySelectorAll(".compare-readout span")]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""
    for mode in MODES:
        put(page, mode=mode)
        page.mouse.move(1, 1)
        assert texts(page)[0].startswith("Point at")
        before = page.evaluate(heights)
        point(page, 50, 100)
        assert texts(page)[0].startswith("row ")
        assert page.evaluate(heights) == before
        assert page.evaluate(cut) == []
    assert texts(page)[3].startswith("difference: ")


def luminance(rgb):
    """Relative luminance of WCAG 2.2."""
    shares = np.array(rgb) / 255
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def test_text_stands_out_in_both_themes(show, labels):
    page = show(compare(*labels, legend=LEGEND))
    read = """() => {
        const style = (query) => getComputedStyle(document.querySelector(query));
        const tab = style("input:checked + span"), page = style("body").backgroundColor;
        return [[style(".compare").color, page], [style(".compare-notes").color, page],
            [tab.color, tab.backgroundColor]].map((pair) => pair.map((text) =>
                text.match(/[0-9.]+/g).slice(0, 3).map(Number)));
    }"""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        pairs = np.vectorize(luminance, signature="(c)->()")(page.evaluate(read))
        # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
        assert ((pairs.max(axis=1) + 0.05) / (pairs.min(axis=1) + 0.05) >= 4.5).all()
        assert (pairs[0, 1] > 0.5) == (scheme == "light")
    assert pairs.shape == (3, 2)


@pytest.mark.parametrize(
    ("side", "options", "scale"),
    [(640, {}, 1), (640, {"height": 600}, 600 / 640), (300, {}, 1), (230, {}, 2)],
)
def test_pixels_have_a_whole_size_where_there_is_room(show, side, options, scale):
    wide = np.indices((side, side)).sum(axis=0) % 2
    page = show(compare(wide, 1 - wide, kind="grey", **options))
    box = canvas_box(page)
    assert box["height"] == pytest.approx(side * scale, abs=1)
    assert box["width"] == pytest.approx(side * scale, abs=1)


def test_side_by_side_pixels_have_a_whole_size_too(show):
    wide = np.indices((230, 230)).sum(axis=0) % 2
    page = show(compare(wide, 1 - wide, kind="grey", mode="side_by_side"))
    assert canvas_box(page)["height"] == 460


def test_the_whole_picture_is_printed_on_narrow_paper(show):
    wide = np.indices((300, 900)).sum(axis=0) % 2
    page = show(compare(wide, 1 - wide, kind="grey"))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 900})
    # Printing draws no new frame; the picture is the one of the wide window.
    canvas = page.locator("canvas")
    shape = canvas.evaluate(
        """(canvas) => {
            const { width, height, right } = canvas.getBoundingClientRect();
            return [width / height, canvas.width / canvas.height, right];
        }"""
    )
    assert shape[0] == pytest.approx(shape[1], rel=0.01)
    assert shape[2] <= 700
    page.emulate_media(media="screen")


def test_every_pixel_of_a_fine_screen_is_used(show_alone, labels):
    page = show_alone(compare(*labels, legend=LEGEND), device_scale_factor=2)
    assert page.evaluate("document.querySelector('canvas').width") == 2 * COLS * SCALE
    page.clock.resume()
    assert colour(page, *middle(7, 3)) == class_at(labels[0], 7, 3)
    assert colour(page, *middle(7, 33)) == class_at(labels[1], 7, 33)


def test_a_move_of_the_line_is_on_the_screen_within_50_ms(show):
    blocks = np.random.default_rng(0).integers(0, 4, (2, 150, 150))
    a, b = np.kron(blocks, np.ones((1, 10, 10), int)).astype("uint8")
    page = show(compare(a, b, height=800), height=1000)
    page.evaluate(
        """() => {
            window.times = [];
            const line = document.querySelector(".compare-swipe");
            line.addEventListener("input", (event) => {
                // The widget's own frame runs first; the message after its painting.
                requestAnimationFrame(() => {
                    const channel = new MessageChannel();
                    channel.port1.onmessage = () =>
                        times.push([performance.now() - event.timeStamp, line.value]);
                    channel.port2.postMessage(0);
                });
            });
        }"""
    )
    box = canvas_box(page)
    point(page, box["width"] / 2, 300)
    page.mouse.down()
    for step in range(1, 21):
        page.mouse.move(box["x"] + box["width"] / 2 + 8 * step, box["y"] + 300)
        until(page, f"times.length >= {step}")
    page.mouse.up()
    times, places = zip(*page.evaluate("times"), strict=True)
    assert len(set(places)) >= 20
    assert np.median(times) < 50


# Modules


def test_the_modules_are_modules_by_themselves(open_tab):
    """The kit joins them for the browser; here the browser itself resolves them."""
    folder, address = Path(comparison.__file__).parent, "http://127.0.0.1:9/"
    page = open_tab()
    page.route(
        address + "*.js",
        lambda route: route.fulfill(path=folder / route.request.url.split("/")[-1]),
    )
    page.route(address, lambda route: route.fulfill(body="", content_type="text/html"))
    page.goto(address)
    code = f"import('{address}compare.js').then((m) => typeof m.default.render)"
    assert page.evaluate(code) == "function"
    limits = {
        path.name: len(path.read_text().splitlines()) for path in folder.glob("*.js")
    }
    assert len(limits) >= 5
    assert max(limits.values()) <= 150
