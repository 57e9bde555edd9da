"""The compare widget in the page that `to_html` makes: what is on the canvas."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tutorial_lib import rasters, testing
from tutorial_lib.viewers import reading as previews
from tutorial_lib.viewers.comparison import compare
from tutorial_lib.viewers.comparison.differences import SIGNED_RAMP
from tutorial_lib.viewers.pictures import class_color

LEGEND = testing.SMALL_LEGEND
ROWS, COLS = 30, 40
# A window of 30 rows on 480 px: each pixel is 16 px wide, and the whole 640.
SCALE = 16
READY = ".compare[data-ready=true]"
# What was asked for is on the screen after two frames.
FRAMES = "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))"


@pytest.fixture
def folder():
    return testing.scratch_folder()


@pytest.fixture
def show(open_tab, folder):
    """Function that opens the page of a widget."""

    def shown(widget, *, clock=False, **options):
        page = open_tab(**options)
        if clock:
            page.clock.install()
        page.goto(widget.to_html(folder / "page.html").as_uri())
        page.locator(READY).wait_for()
        return page

    return shown


@pytest.fixture
def labels():
    """Two maps whose classes differ everywhere, so that a place tells the layer."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    first = (rows * 3 + cols) % 2
    return first.astype("uint8"), (first + 2).astype("uint8")


def colour(page, x, y):
    """Colour of the canvas at a place in CSS pixels, when the next frame is drawn."""
    return tuple(
        page.evaluate(
            """async ([x, y]) => {
                const frame = () => new Promise((done) => requestAnimationFrame(done));
                await frame(); await frame();
                const canvas = document.querySelector("canvas");
                const ratio = canvas.width / canvas.getBoundingClientRect().width;
                const at = [x, y].map((place) => Math.floor(place * ratio));
                return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
            }""",
            [x, y],
        )[:3]
    )


def middle(row, col, scale=SCALE):
    """Middle of a pixel on the canvas, where the whole window is seen."""
    return (col + 0.5) * scale, (row + 0.5) * scale


def class_at(labels, row, col):
    return class_color(int(labels[row, col]), LEGEND)


def state(page, name):
    return page.evaluate(f"comparison.model.get('{name}')")


def until(page, condition):
    """Wait; `page.wait_for_function` would need what the page's policy forbids."""
    for _ in range(250):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"after 5 s it is still not so that {condition}")


def canvas_box(page):
    page.evaluate(FRAMES)
    return page.locator("canvas").bounding_box()


def point(page, x, y):
    box = canvas_box(page)
    page.mouse.move(box["x"] + x, box["y"] + y)


def reading(page):
    page.evaluate(FRAMES)
    return page.locator(".compare-readout span").all_inner_texts()


# Swipe


def test_left_of_the_line_is_the_first_layer_and_right_of_it_the_second(show, labels):
    page = show(compare(*labels, legend=LEGEND))
    box = canvas_box(page)
    assert (box["width"], box["height"]) == (COLS * SCALE, ROWS * SCALE)
    for row, col in [(0, 0), (7, 18), (29, 19)]:
        assert colour(page, *middle(row, col)) == class_at(labels[0], row, col)
    for row, col in [(0, 20), (29, 39)]:
        assert colour(page, *middle(row, col)) == class_at(labels[1], row, col)


def test_colours_are_those_of_the_picture_that_python_draws(show):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 5000, (ROWS, COLS, 3)).astype("uint16")
    grey = rng.normal(size=(ROWS, COLS)).astype("float32")
    widget = compare(image, grey)
    page = show(widget)
    for number, (row, col) in [(0, (0, 0)), (0, (17, 9)), (1, (4, 30)), (1, (29, 39))]:
        expected = widget.scene.layers[number].picture[row, col, :3].astype(int)
        assert np.abs(colour(page, *middle(row, col)) - expected).max() <= 1


def test_the_line_follows_the_mouse(show, labels):
    page = show(compare(*labels, legend=LEGEND))
    point(page, 320, 100)
    page.mouse.down()
    point(page, 160, 120)
    page.mouse.up()
    assert state(page, "position") == pytest.approx(0.25)
    assert colour(page, *middle(5, 9)) == class_at(labels[0], 5, 9)
    assert colour(page, *middle(5, 10)) == class_at(labels[1], 5, 10)
    # Away from the line, too: a picture that is seen whole cannot be moved.
    point(page, 500, 200)
    page.mouse.down()
    point(page, 480, 200)
    page.mouse.up()
    assert state(page, "position") == pytest.approx(0.75)


def test_the_line_follows_the_keys(show, labels):
    page = show(compare(*labels, legend=LEGEND))
    line = page.get_by_role("slider", name="Swipe line")
    line.focus()
    page.keyboard.press("End")
    assert colour(page, *middle(3, 39)) == class_at(labels[0], 3, 39)
    page.keyboard.press("Home")
    assert colour(page, *middle(3, 0)) == class_at(labels[1], 3, 0)
    for key in ("PageUp", "ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert state(page, "position") == pytest.approx(0.21)
    expect(line).to_have_attribute("aria-valuenow", "21")
    expect(line).to_have_attribute("aria-valuetext", "21 % layer 1")


# Blink


def test_blinking_alternates_at_the_rate(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"), clock=True)
    seen = []
    page.clock.run_for(500)  # to look between two changes
    for _ in range(4):
        seen.append(page.locator(".compare").get_attribute("data-second"))
        page.clock.run_for(1000)
    assert seen == ["false", "true", "false", "true"]
    page.get_by_label("Changes a second").fill("2")
    page.clock.run_for(250)
    seen = []
    for _ in range(4):
        seen.append(page.locator(".compare").get_attribute("data-second"))
        page.clock.run_for(500)
    assert seen in (["false", "true"] * 2, ["true", "false"] * 2)


def test_what_blinks_is_each_layer_in_full(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"), reduced_motion="reduce")
    name = page.locator(".compare-name").first
    for number in (0, 1, 0):
        for row, col in [(0, 0), (29, 39)]:
            expected = class_at(labels[number], row, col)
            assert colour(page, *middle(row, col)) == expected
        expect(name).to_have_text(f"layer {number + 1}")
        page.get_by_role("button", name="Show the other").click()


def test_nothing_blinks_where_motion_is_unwelcome_until_asked(show, labels):
    widget = compare(*labels, legend=LEGEND, mode="blink")
    page = show(widget, clock=True, reduced_motion="reduce")
    page.clock.run_for(5000)
    assert page.locator(".compare").get_attribute("data-second") == "false"
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(1100)
    assert page.locator(".compare").get_attribute("data-second") == "true"


def test_space_pauses_and_shows_the_other(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"), clock=True)
    page.locator("canvas").focus()
    page.keyboard.press("Space")
    page.clock.run_for(5000)
    assert page.locator(".compare").get_attribute("data-second") == "true"
    expect(page.get_by_role("button", name="Play")).to_be_visible()


# Difference


def test_the_difference_is_drawn_from_the_values(show):
    rng = np.random.default_rng(3)
    a = rng.random((ROWS, COLS)).astype("float32")
    b = a + np.linspace(-0.1, 0.2, ROWS * COLS).reshape(a.shape).astype("float32")
    widget = compare(a, b, mode="difference")
    page = show(widget)
    values = widget.difference().values
    top = np.abs(values).max()
    for gain in (1, 4):
        page.evaluate(f"comparison.model.set('gain', {gain})")
        for row, col in [(0, 0), (3, 30), (10, 5), (15, 15), (29, 39)]:
            share = np.clip(values[row, col] * gain / top, -1, 1)
            step = (share + 1) / 2 * 255
            shown = np.array(colour(page, *middle(row, col)), int)
            near = SIGNED_RAMP[[int(np.floor(step)), int(np.ceil(step))]].astype(int)
            assert np.abs(near - shown).sum(axis=1).min() == 0
        legend = page.locator(".compare-legend").inner_text()
        assert f"{top / gain:.5g}" in legend
        assert f"-{top / gain:.5g}" in legend


def test_the_reading_of_a_difference_is_exact(show):
    a, b = np.full((ROWS, COLS), 0.25), np.full((ROWS, COLS), 0.25)
    b[4, 6] = 0.75
    page = show(compare(a, b, mode="difference"))
    point(page, *middle(4, 6))
    assert reading(page)[1:] == ["layer 1: 0.25", "layer 2: 0.75", "difference: 0.5"]
    share = 100 / (ROWS * COLS)
    expect(page.locator(".compare-legend")).to_contain_text(f"{share:.4g} % of the")


def test_other_classes_are_marked_and_counted(show):
    a, b = np.zeros((ROWS, COLS), "uint8"), np.zeros((ROWS, COLS), "uint8")
    b[2, 3:33] = 1
    page = show(compare(a, b, mode="difference"))
    assert colour(page, *middle(2, 3)) == (0xC2, 0x41, 0x0C)
    assert colour(page, *middle(2, 2)) == (0xE4, 0xE4, 0xE4)
    expect(page.locator(".compare-legend")).to_contain_text("another class: 2.5 %")


def test_pixels_without_data_are_hatched_and_do_not_count(show):
    a, b = np.full((ROWS, COLS), 0.25), np.full((ROWS, COLS), 0.25)
    b[2, 3:33], b[4, 4] = np.nan, 0.75
    page = show(compare(a, b, mode="difference"))
    percent = 100 / (ROWS * COLS - 30)
    legend = page.locator(".compare-legend")
    expect(legend).to_contain_text(f"{percent:.4g} % of the pixels with data in both")
    expect(legend).to_contain_text("no data")
    for mode in ("difference", "side_by_side"):
        page.evaluate(f"comparison.model.set('mode', '{mode}')")
        box = canvas_box(page)
        pane = box["width"] if mode == "difference" else (box["width"] - 6) / 2
        x, y = box["width"] - pane + 20.5 * pane / COLS, 2.5 * pane / COLS
        across = {colour(page, x + step, y) for step in range(-4, 4)}
        # Dark stripes on a light ground; a pixel with data is of one colour.
        assert min(across)[0] < 0xD0 < 0xF0 < max(across)[0]
        equal = {colour(page, x + step, y + 5 * pane / COLS) for step in range(-4, 4)}
        assert len(equal) == 1


def test_layers_of_two_kinds_say_that_they_have_no_difference(show, labels):
    page = show(compare(labels[0], np.full((ROWS, COLS), 0.5)))
    page.get_by_role("radio", name="Difference").check(force=True)
    expect(page.get_by_role("status")).to_contain_text("have no difference. Choose two")
    assert colour(page, *middle(3, 4)) == (128, 128, 128)


# Zoom, pan, readings


def test_the_wheel_scrolls_the_page_until_the_picture_is_asked(show, labels):
    page = show(compare(*labels, legend=LEGEND), height=400)
    point(page, 200, 100)
    page.mouse.wheel(0, -300)
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
    # Seen whole, there is no less to see: the turn ends there, the next one scrolls.
    for _ in range(4):
        page.mouse.wheel(0, 400)
    until(page, "comparison.model.get('zoom') === 1")
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == 50
    page.mouse.wheel(0, 30)
    until(page, "scrollY === 80")


def test_zooming_keeps_the_place_below_the_pointer(show, folder):
    path = testing.coordinate_raster(folder / "a.tif", testing.small_grid(ROWS, COLS))
    page = show(compare(path, path, bands=1))
    point(page, *middle(6, 28))
    before = reading(page)
    assert before[0].startswith("row 6, column 28")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    until(page, "comparison.model.get('zoom') > 2")
    assert reading(page) == before
    zoom, (row, col, height, width) = state(page, "zoom"), state(page, "view")
    # Where 6.5 and 28.5 lie on the screen is where they were: 0.2167 and 0.7125 of it.
    high, wide = ROWS / zoom, COLS / zoom
    top, left = 6.5 - high * 6.5 / 30, 28.5 - wide * 28.5 / 40
    assert (row, col) == (int(top), int(left))
    assert (height, width) == (
        int(np.ceil(top + high)) - row,
        int(np.ceil(left + wide)) - col,
    )


def test_a_zoomed_picture_moves_with_the_mouse_and_the_arrows(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"), reduced_motion="reduce")
    page.evaluate("comparison.model.set('zoom', 2)")
    assert colour(page, 1, 1) == class_at(labels[0], 7, 10)
    point(page, 300, 300)
    page.mouse.down()
    point(page, 332, 364)
    page.mouse.up()
    # By one pixel to the right and two down, of 32 px each.
    assert state(page, "center") == pytest.approx([13, 19])
    expected = class_color(int(labels[0][7, 14]), LEGEND)
    assert colour(page, (14.5 - 9) * 32, (7.5 - 5.5) * 32) == expected
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    assert state(page, "center") == pytest.approx([13, 19 + 60 / 32])
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert state(page, "center") == pytest.approx([13, 30])
    assert state(page, "view") == [5, 20, 16, 20]


def test_keys_that_come_faster_than_frames_all_count(show, labels):
    page = show(compare(*labels, mode="blink"), reduced_motion="reduce")
    page.evaluate("comparison.model.set('zoom', 2)")
    page.evaluate(FRAMES)
    page.evaluate(
        """() => {
            const key = () => new KeyboardEvent("keydown", { key: "ArrowRight" });
            const canvas = document.querySelector("canvas");
            for (let i = 0; i < 3; i++) canvas.dispatchEvent(key());
        }"""
    )
    assert state(page, "center") == pytest.approx([15, 20 + 3 * 60 / (2 * SCALE)])


def test_both_panes_show_the_same_place(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="side_by_side"))
    page.evaluate("comparison.model.set('zoom', 3)")
    page.evaluate("comparison.model.set('center', [11, 17])")
    box = canvas_box(page)
    pane = (box["width"] - 6) / 2
    scale = 3 * pane / COLS
    for row, col in [(11, 17), (9, 12), (13, 22)]:
        x = pane / 2 + (col + 0.5 - 17) * scale
        y = box["height"] / 2 + (row + 0.5 - 11) * scale
        assert colour(page, x, y) == class_at(labels[0], row, col)
        assert colour(page, x + pane + 6, y) == class_at(labels[1], row, col)
    point(page, pane + 6 + pane / 2 + 0.5 * scale, box["height"] / 2 + 0.5 * scale)
    assert reading(page)[0] == "row 11, column 17"


def test_values_and_coordinates_are_those_below_the_pointer(show, folder):
    grid = testing.small_grid(ROWS + 3, COLS + 5)
    first = testing.coordinate_raster(folder / "first.tif", grid, channels=3)
    inner = testing.small_grid(ROWS, COLS, corner=(500_050, 4_799_970))
    labels = np.full((ROWS, COLS, 1), 255, "uint8")
    labels[4, 7] = 2
    second = folder / "second.tif"
    rasters.write_array(second, labels, inner, nodata=255, legend=LEGEND)
    page = show(compare(first, second))
    point(page, *middle(4, 7))
    assert reading(page) == [
        "row 7, column 12  (x 500125.0, y 4799925.0)",
        "first: 7, 12, 7012",
        "second: forest (2)",
        "",
    ]
    point(page, *middle(29, 0))
    assert reading(page)[2] == "second: no data"
    page.mouse.move(1, 1)
    assert reading(page)[0].startswith("Point at")


def test_a_click_is_kept_as_a_pixel(show, labels):
    page = show(compare(*labels, legend=LEGEND, mode="blink"))
    point(page, *middle(21, 33))
    page.mouse.down()
    page.mouse.up()
    assert state(page, "pixel") == [21, 33]


def test_the_keyboard_reads_values_too(show, folder):
    path = testing.coordinate_raster(folder / "a.tif", testing.small_grid(ROWS, COLS))
    page = show(compare(path, path, bands=2))
    page.locator("canvas").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert reading(page)[0].startswith("row 16, column 22")
    expect(page.locator(".compare-readout")).to_have_attribute("aria-live", "polite")


# Layers and tiles


def test_the_slider_chooses_among_all_layers(show):
    maps = [np.full((ROWS, COLS), number, "uint8") for number in range(4)]
    titles = [f"crop {crop}" for crop in (0, 16, 32, 64)]
    page = show(compare(*maps, legend=LEGEND, titles=titles))
    slider = page.get_by_role("slider", name="Second layer")
    slider.focus()
    for number in (2, 3):
        page.keyboard.press("ArrowRight")
        assert colour(page, *middle(3, 39)) == class_color(number, LEGEND)
        expect(slider).to_have_attribute("aria-valuetext", titles[number])
    assert state(page, "right") == 3
    page.get_by_label("First layer").select_option("crop 32")
    assert colour(page, *middle(3, 0)) == class_color(2, LEGEND)


def test_two_layers_need_no_choice(show, labels):
    page = show(compare(*labels))
    expect(page.get_by_label("Second layer")).to_be_hidden()


def test_the_picture_stays_where_it_is_in_all_modes(show, labels):
    for layers, width in ((labels, 1280), ((*labels, labels[0]), 800)):
        page = show(compare(*layers, legend=LEGEND), width=width)
        seen = set()
        for mode in ("Swipe", "Blink", "Side by side", "Difference"):
            page.get_by_role("radio", name=mode).check(force=True)
            seen.add(canvas_box(page)["y"])
        assert len(seen) == 1


def dark_columns(page, y, width):
    """Columns of the canvas where there is a dark line, at a height."""
    row = page.evaluate(
        """async ([y, width]) => {
            await new Promise((done) => requestAnimationFrame(done));
            const g = document.querySelector("canvas").getContext("2d");
            return [...g.getImageData(0, y, width, 1).data];
        }""",
        [y, width],
    )
    return np.flatnonzero(np.array(row).reshape(-1, 4)[:, 0] < 100).tolist()


def tiled(widget):
    widget.tiles_shown = True
    return widget


def test_tiles_begin_at_the_corner_of_their_own_layer(show, folder):
    flat = np.full((ROWS + 2, COLS + 3, 1), 200, "uint8")
    first = rasters.write_array(
        folder / "a.tif", flat, testing.small_grid(*flat.shape[:2])
    )
    inner = testing.small_grid(ROWS, COLS, corner=(500_030, 4_799_980))
    second = rasters.write_array(folder / "b.tif", flat[2:, 3:], inner)
    options = {"kind": "grey", "value_range": (0, 255)}
    page = show(tiled(compare(first, second, tile=8, **options)))
    # Of the first raster three columns lie left of the window: its tiles end at 5, 13.
    left = [k * SCALE for k in (5, 13)]
    right = [k * SCALE for k in (24, 32)]
    assert dark_columns(page, 40, 640) == left + right
    page.get_by_label("Tiles of").uncheck()
    assert dark_columns(page, 40, 640) == []
    page.get_by_label("Side of a tile").fill("20")
    assert dark_columns(page, 40, 640) == [17 * SCALE, 20 * SCALE]
    # What is no size is not kept, and does not stay to be seen.
    page.get_by_label("Side of a tile").fill("-4")
    page.get_by_label("Side of a tile").blur()
    assert page.get_by_label("Side of a tile").input_value() == "20"
    assert state(page, "tiles") == [20, 20]


def test_layers_have_tiles_of_their_own_and_a_difference_those_of_the_first(show):
    flat = np.full((ROWS, COLS), 200.0)
    options = {"kind": "grey", "value_range": (0, 255)}
    page = show(tiled(compare(flat, flat + 1, tile=(8, 5), **options)))
    left, right = ([k * SCALE for k in range(0, COLS, side)] for side in (8, 5))
    half = COLS * SCALE // 2
    swiped = [x for x in left if x < half] + [x for x in right if x >= half]
    # The last one may lie on the border.
    assert dark_columns(page, 40, 640) == swiped
    page.get_by_role("radio", name="Difference").check(force=True)
    assert dark_columns(page, 40, 640) == left
    page.get_by_role("radio", name="Swipe").check(force=True)
    page.get_by_label("The same for the other layer").fill("10")
    assert state(page, "tiles") == [8, 10]


def test_tiles_too_fine_to_draw_say_so(show):
    flat = np.full((300, 400), 200.0)
    page = show(tiled(compare(flat, flat, tile=4, kind="grey", value_range=(0, 255))))
    assert dark_columns(page, 41, 640) == []
    notes = page.locator(".compare-notes").first
    expect(notes).to_have_text("Zoom in to see tiles of 4 px.")
    page.get_by_role("button", name="Zoom in").click()
    expect(notes).to_have_text("")
    assert dark_columns(page, 41, 640)


def test_the_whole_is_seen_where_nobody_zooms(show, labels):
    page = show(compare(*labels, mode="side_by_side"), width=900)
    assert state(page, "view") == [0, 0, ROWS, COLS]
    # More than there is to see is not kept.
    page.evaluate("comparison.model.set('zoom', 1e9)")
    page.evaluate(FRAMES)
    assert 1 < state(page, "zoom") < 100


# People and screens


def test_every_control_has_a_name_and_keeps_its_keys(show, labels):
    page = show(compare(*labels, labels[0], legend=LEGEND))
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, [tabindex]")]
            .filter((e) => e.dataset.lmSuppressShortcuts !== "true")
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
    tree = page.locator("main").aria_snapshot()
    for line in (
        'radio "Swipe" [checked]',
        'combobox "First layer"',
        'slider "Second layer"',
        'checkbox "Tiles of"',
        'spinbutton "Side of a tile, in pixels"',
        'button "Zoom in"',
        'slider "Swipe line"',
        'application "Swipe: layer 1 and layer 2, zoom 1.0. layer 1: class map',
    ):
        assert line in tree


@pytest.mark.parametrize("width", [1280, 800, 380])
@pytest.mark.parametrize("mode", ["swipe", "blink", "side_by_side", "difference"])
def test_everything_fits_the_page(show, labels, mode, width):
    widget = compare(*labels, labels[0], legend=LEGEND, mode=mode)
    page = show(widget, width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    clipped = page.evaluate(
        """() => [...document.querySelectorAll(".compare button, .compare span")]
            .filter((e) => e.offsetWidth && e.scrollWidth > e.clientWidth + 1
                && getComputedStyle(e).display !== "inline")
            .map((e) => e.textContent)"""
    )
    assert clipped == []


def luminance(rgb):
    """Relative luminance of WCAG 2.2."""
    shares = np.array(rgb) / 255
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_themes(show, labels, scheme):
    page = show(compare(*labels, legend=LEGEND), color_scheme=scheme)
    pairs = page.evaluate(
        """() => {
            const rgb = (text) => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
            const style = (query) => getComputedStyle(document.querySelector(query));
            const page = style("body").backgroundColor;
            const tab = style("input:checked + span");
            const texts = [style(".compare").color, style(".compare-notes").color];
            const pairs = texts.map((text) => [text, page]);
            pairs.push([tab.color, tab.backgroundColor]);
            return pairs.map((pair) => pair.map(rgb));
        }"""
    )
    for text, ground in pairs:
        low, high = sorted([luminance(text), luminance(ground)])
        # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
        assert (high + 0.05) / (low + 0.05) >= 4.5
    light = luminance(pairs[0][1]) > 0.5
    assert light == (scheme == "light")


def test_fine_screens_are_used_in_full(show, labels):
    page = show(compare(*labels, legend=LEGEND), device_scale_factor=2)
    assert page.evaluate("document.querySelector('canvas').width") == 2 * COLS * SCALE
    assert colour(page, *middle(7, 3)) == class_at(labels[0], 7, 3)
    assert colour(page, *middle(7, 33)) == class_at(labels[1], 7, 33)


def test_a_closed_view_leaves_nothing_behind(show, labels):
    page = show(compare(*labels, mode="blink"), clock=True)
    page.evaluate("comparison.close()")
    page.clock.run_for(3000)
    assert page.locator(".compare").get_attribute("data-second") == "false"
    listeners = "[...comparison.model.listeners.values()].flat().length"
    assert page.evaluate(listeners) == 0


def test_a_move_is_on_the_screen_within_50_ms(show):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4000, (2, 1500, 1500, 3)).astype("uint16")
    page = show(compare(a, b, height=800), height=1000)
    page.evaluate(
        """() => {
            window.times = [];
            const handle = document.querySelector(".compare-handle");
            handle.addEventListener("pointermove", (event) => {
                const line = () => comparison.model.get("position");
                // The widget's own frame runs first; the message after its painting.
                requestAnimationFrame(() => {
                    const channel = new MessageChannel();
                    channel.port1.onmessage = () =>
                        times.push([performance.now() - event.timeStamp, line()]);
                    channel.port2.postMessage(0);
                });
            });
        }"""
    )
    box = canvas_box(page)
    point(page, box["width"] / 2, 300)
    page.mouse.down()
    for step in range(40):
        point(page, box["width"] / 2 + 8 * step - 150, 300)
        until(page, f"times.length >= {step + 1}")
    page.mouse.up()
    times, places = zip(*page.evaluate("times"), strict=True)
    print(f"median {np.median(times):.0f} ms, slowest {max(times):.0f} ms")
    assert len(set(places)) >= 40
    assert np.median(times) < 50


def test_a_page_of_large_layers_promises_no_finer_pixels(show):
    large = np.zeros((20, 2 * previews.MAX_SIDE), "uint8")
    page = show(compare(large, large + 1, legend=LEGEND))
    notes = page.locator(".compare-notes").first.inner_text()
    assert notes == "Of the whole, 10 x 1600 of 20 x 3200 pixels are shown, unmixed."
