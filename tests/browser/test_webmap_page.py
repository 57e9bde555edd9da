"""The map in a browser: what is drawn where, and its controls by mouse and keyboard."""

import io
import re

import nbformat
import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from playwright.sync_api import expect
from pyproj import Transformer
from scenes import write

from browser.lab import open_notebook, run_cells, write_notebook
from tutorial_lib import Legend, select_positions, testing
from tutorial_lib.viewers.webmaps import show_map

LEGEND = testing.SMALL_LEGEND
ROWS, COLS = 21, 34
UTM = testing.small_grid(ROWS, COLS, spacing=100)
TURN = Affine.translation(500_000, 4_800_000) @ Affine.rotation(25)
TURNED = GeoBox((ROWS, COLS), TURN @ Affine.scale(100, -100), "EPSG:32631")
TO_DEGREES = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True).transform
CHECKS = (np.arange(ROWS)[:, np.newaxis] // 2 + np.arange(COLS) // 3) % 2


@pytest.fixture(scope="module")
def tab(open_shared_tab):
    """One tab for all maps."""
    return open_shared_tab()


@pytest.fixture
def open_page(tab):
    """Function that opens a page in a window of a given size and theme."""

    def opened(path, width=1280, height=900, color_scheme="light"):
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=color_scheme)
        tab.mouse.move(0, 0)
        tab.goto(path.as_uri())
        return tab

    return opened


@pytest.fixture
def show(open_page, tmp_path):
    """Function that opens the page of a map."""

    def shown(web, **options):
        page = open_page(web.save(tmp_path / "map.html"), **options)
        page.locator(".leaflet-control-layers").wait_for()
        images = "[...document.querySelectorAll('.leaflet-image-layer')]"
        page.wait_for_function(f"{images}.every((image) => image.complete)")
        return page

    return shown


def class_map(path, labels=CHECKS, grid=UTM, **options):
    array = labels.astype("uint8")
    return write(path, array, grid, legend=LEGEND, nodata=255, **options)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A map of one class map, which fills the window."""
    return show_map(class_map(tmp_path_factory.mktemp("map") / "16.tif"))


def places(page, web, lon, lat):
    """Where Leaflet puts degrees, in CSS pixels of the page."""
    return page.evaluate(
        """([name, lon, lat]) => lon.map((x, i) => {
            const place = window[name].latLngToContainerPoint([lat[i], x]);
            return [place.x, place.y];
        })""",
        [web.map.get_name(), list(lon), list(lat)],
    )


def on_the_map(page, spots):
    """Whether the map itself is at each place, and not a control."""
    return page.evaluate(
        """(spots) => spots.map(([x, y]) => !document.elementFromPoint(x, y)
            ?.closest('.leaflet-control, .webmap-legend'))""",
        spots,
    )


def screen(page):
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def zoom(page, web):
    return page.evaluate(f"{web.map.get_name()}.getZoom()")


# What is drawn where


@pytest.mark.parametrize("grid", [UTM, TURNED], ids=["upright", "turned"])
def test_each_pixel_is_drawn_where_its_coordinates_are(show, tmp_path, grid):
    web = show_map(class_map(tmp_path / "a.tif", CHECKS, grid))
    page = show(web, height=700)
    rows, cols = np.mgrid[:ROWS, :COLS].reshape(2, -1)
    centres = TO_DEGREES(*(grid.transform @ (cols + 0.5, rows + 0.5)))
    spots, seen, checked = places(page, web, *centres), screen(page), 0
    free = on_the_map(page, spots)
    for (x, y), is_free, label in zip(spots, free, CHECKS.ravel(), strict=True):
        if is_free:
            assert tuple(seen[round(y), round(x)]) == LEGEND.rgb[label]
            checked += 1
    assert checked > 0.8 * ROWS * COLS


def test_the_border_is_drawn_where_it_lies_to_a_pixel(show, web):
    page = show(web, height=700)
    # PROJ puts the corner of the raster here.
    corner = TO_DEGREES(500_000, 4_800_000)
    ((x, y),) = places(page, web, *np.reshape(corner, (2, 1)))
    image = screen(page)
    seen = np.any([(image == rgb).all(axis=-1) for rgb in LEGEND.rgb], axis=0)
    assert np.argmax(seen[round(y) + 5]) == pytest.approx(x, abs=1.5)
    assert np.argmax(seen[:, round(x) + 5]) == pytest.approx(y, abs=1.5)


def test_points_are_drawn_at_their_coordinates(show):
    scene = testing.small_scene()
    positions = select_positions(scene["labels"], count=12)
    web = show_map(scene["input_10m"], positions)
    page = show(web, height=700)
    spots = places(page, web, *TO_DEGREES(positions.x, positions.y))
    seen, checked = screen(page), 0
    for number, is_free in enumerate(on_the_map(page, spots)):
        x, y = spots[number]
        others = np.delete(spots, number, axis=0)
        if is_free and np.hypot(*(others - (x, y)).T).min() > 14:
            assert tuple(seen[round(y), round(x)]) == (0xE6, 0x9F, 0x00)
            checked += 1
    assert checked > 20


# Controls


def test_layers_and_their_opacity_follow_mouse_and_keys(show, tmp_path):
    # JavaScript puts names that are numbers in the order of the numbers.
    paths = [class_map(tmp_path / f"{name}.tif") for name in (32, 16)]
    page = show(show_map(*paths, opacity=0.6))
    names = page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    assert [name.strip() for name in names] == ["32", "16"]

    images = page.locator(".leaflet-image-layer")
    lower, upper = images.all()
    slider = page.get_by_role("slider", name="Opacity of 16")
    assert slider.get_attribute("aria-valuetext") == "60 %"
    expect(upper).to_have_css("opacity", "0.6")
    lines = page.locator(".webmap-opacity")
    assert lines.all_inner_texts() == ["Opacity\n100 %", "Opacity\n60 %"]
    slider.press("ArrowLeft")
    expect(upper).to_have_css("opacity", "0.55")
    assert lines.nth(1).inner_text() == "Opacity\n55 %"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    expect(upper).to_have_css("opacity", "0")
    expect(lower).to_have_css("opacity", "1")

    checkbox = page.get_by_role("checkbox", name="16")
    checkbox.click()
    expect(images).to_have_count(1)
    checkbox.press("Space")
    expect(images).to_have_count(2)


def test_odd_names_are_shown_as_they_are(show, tmp_path):
    odd = ("{{ 7*7 }}", "{% if %}", "{# a #}", "<b>bold</b>", "</script>", "'\"`$&amp;")
    legend = Legend(odd, ("#7fbcfc",) * len(odd))
    labels = np.arange(ROWS * COLS).reshape(ROWS, COLS) % len(odd)
    path = write(tmp_path / "a.tif", labels.astype("uint8"), UTM, legend=legend)
    page = show(show_map(*[path] * len(odd), titles=odd))
    names = page.locator(".leaflet-control-layers-overlays label")
    for name, text in zip(names.all(), odd, strict=True):
        assert text in name.inner_text()
    page.locator(".webmap-legend").get_by_text("Legend").wait_for()
    assert page.locator(".webmap-class").all_inner_texts() == list(odd)
    assert page.title() == ", ".join(odd)
    assert page.locator("b").count() == 0


def test_the_legend_shows_names_and_colours_and_closes(show, tmp_path):
    page = show(show_map(class_map(tmp_path / "a.tif", CHECKS + 2)))
    legend = page.locator(".webmap-legend")
    names = legend.locator(".webmap-class").all_inner_texts()
    assert [name.strip() for name in names] == ["forest", "town"]
    swatch = legend.locator(".webmap-class i").nth(0)
    expect(swatch).to_have_css("background-color", "rgb(16, 107, 0)")
    legend.locator("summary").press("Enter")
    expect(swatch).to_be_hidden()
    legend.locator("summary").click()
    expect(swatch).to_be_visible()


def test_names_and_sources_are_shown_as_they_are_written(show, tmp_path):
    text = "<b>A</b> & B"
    options = {"legend": Legend((text,), ("#106b00",)), "tags": {"ATTRIBUTION": text}}
    path = write(tmp_path / "a.tif", 0 * CHECKS.astype("uint8"), UTM, **options)
    page = show(show_map(path, titles=text))
    for place in (
        ".leaflet-control-layers-overlays label",
        ".leaflet-control-attribution",
        ".webmap-class",
    ):
        assert text in " ".join(page.locator(place).all_inner_texts())


@pytest.mark.parametrize("width", [1280, 800, 380])
def test_controls_keep_apart_and_inside(show, tmp_path, width):
    tags = {"ATTRIBUTION": "Contains modified data of somebody with a long name 2017"}
    paths = [
        class_map(tmp_path / name, tags=tags)
        for name in ("a_long_name_of_a_map.tif", "b.tif")
    ]
    page = show(show_map(*paths), width=width, height=480)
    controls = page.locator(".leaflet-control, .webmap-legend").all()
    places = [one.bounding_box() for one in controls if one.is_visible()]
    assert len(places) == 6
    boxes = [
        shapely.box(p["x"], p["y"], p["x"] + p["width"], p["y"] + p["height"])
        for p in places
    ]
    assert shapely.covers(shapely.box(0, 0, width, 480), boxes).all()
    # Where two boxes overlap, their union is smaller than their sum.
    total = sum(box.area for box in boxes)
    assert shapely.union_all(boxes).area == pytest.approx(total)


# The wheel


@pytest.fixture
def scroll_page(open_page, tmp_path, web):
    """Function that opens a long page with a map in it, like a notebook."""

    def opened(theme=""):
        text = web._repr_mimebundle_()[0]["text/html"]
        path = tmp_path / "page.html"
        path.write_text(
            f"<!doctype html><body {theme}><p style='height:500px'>Above</p>"
            f"{text}<p style='height:3000px'>Below</p>"
        )
        page = open_page(path)
        frame = page.frames[1]
        frame.locator(".leaflet-image-layer").wait_for()
        return page, frame

    return opened


def scrolled(page, times, by):
    """Turn the wheel; gives how far the page has scrolled."""
    before = page.evaluate("scrollY")
    for _ in range(times):
        page.mouse.wheel(0, by)
        # Longer than Leaflet collects turns of the wheel and animates a zoom.
        page.wait_for_timeout(350)
    return page.evaluate("scrollY") - before


@pytest.mark.slow
def test_the_wheel_zooms_with_a_key_or_after_a_click_and_else_scrolls(scroll_page, web):
    page, frame = scroll_page()
    whole = zoom(frame, web)
    page.mouse.move(600, 300)
    # The first turn puts the map below the pointer, the third takes it away.
    assert scrolled(page, 3, 300) == 3 * 300
    assert scrolled(page, 3, -300) == -3 * 300
    assert zoom(frame, web) == whole

    page.mouse.move(600, 700)
    for key in ("Control", "Meta"):
        before = zoom(frame, web)
        page.keyboard.down(key)
        assert scrolled(page, 1, -300) == 0
        assert zoom(frame, web) > before
        # Where the zoom ends, too: the browser would zoom the page.
        assert scrolled(page, 2, 900) == 0
        page.keyboard.up(key)

    # No farther out than where the scene fills half of the map.
    assert zoom(frame, web) == whole - 1
    page.mouse.click(600, 700)
    # The page does not jump to show the part of the map below the window.
    assert page.evaluate("scrollY") == 0
    assert scrolled(page, 1, -50) == 0
    assert zoom(frame, web) > whole - 1
    # Back where the zoom ends, the page scrolls.
    assert scrolled(page, 3, 300) > 0
    assert zoom(frame, web) == whole - 1
    page.evaluate("scrollTo(0, 100)")
    page.mouse.click(600, 300)
    page.mouse.move(600, 700)
    assert scrolled(page, 1, -50) == -50
    assert zoom(frame, web) == whole - 1


# What is in view


def is_whole(page, web):
    """Whether the layers are in view and fill it, as far as steps of zoom allow."""
    (south, west), (north, east) = web.bounds
    (left, top), (right, bottom) = places(page, web, [west, east], [north, south])
    size = page.viewport_size
    inside = left >= 0 and top >= 0 and right <= size["width"] + 1
    inside = inside and bottom <= size["height"] + 1
    share = max((right - left) / size["width"], (bottom - top) / size["height"])
    return inside and share > 2**-0.25 * 0.9


def test_the_layers_are_in_view_until_the_map_is_moved_and_again_after_whole(show, web):
    page = show(web)

    def resize(width, height):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(200)

    assert is_whole(page, web)
    for size in ((800, 900), (1280, 500)):
        resize(*size)
        assert is_whole(page, web)
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(400)
    before = zoom(page, web)
    resize(1280, 900)
    assert zoom(page, web) == before
    assert not is_whole(page, web)
    button = page.get_by_role("button", name="Whole")
    button.click()
    assert is_whole(page, web)
    page.mouse.move(600, 500)
    page.mouse.down()
    page.mouse.move(900, 600, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)
    assert not is_whole(page, web)
    button.press("Enter")
    assert is_whole(page, web)
    resize(450, 500)
    assert is_whole(page, web)


def test_all_layers_are_on_a_sheet_of_paper(show, web):
    page = show(web)
    size = """(() => {
        const container = document.querySelector(".leaflet-container");
        return [container.clientWidth, container.clientHeight];
    })()"""
    before = page.evaluate(size)
    for event, wide in (("beforeprint", 718), ("afterprint", 1280)):
        page.evaluate("(name) => dispatchEvent(new Event(name))", event)
        width, height = page.evaluate(size)
        (south, west), (north, east) = web.bounds
        lon, lat = [west, east], [north, south]
        (left, top), (right, bottom) = places(page, web, lon, lat)
        assert width <= wide
        assert -1 <= left < right <= width + 1
        assert -1 <= top < bottom <= height + 1
    assert page.evaluate(size) == before


def test_a_pixel_grows_to_48_of_the_screen(show, tmp_path):
    grid = testing.small_grid(151, 203)
    labels = np.indices((151, 203)).sum(axis=0) % 2
    web = show_map(class_map(tmp_path / "a.tif", labels, grid))
    page = show(web)
    page.evaluate(f"{web.map.get_name()}.setZoom(99, {{animate: false}})")
    ends = np.transpose([grid.transform @ (x, 75) for x in (100, 101)])
    left, right = places(page, web, *TO_DEGREES(*ends))
    # Leaflet rounds to whole pixels, and zooms in steps of a quarter.
    assert 48 / 2**0.25 - 2 <= np.hypot(*np.subtract(left, right)) <= 48 + 1


def test_a_map_of_few_pixels_fills_its_place(show, tmp_path):
    grid = testing.small_grid(2, 3, spacing=10)
    web = show_map(class_map(tmp_path / "a.tif", np.eye(2, 3), grid))
    assert is_whole(show(web), web)


# Themes and notebooks


def luminance(rgb):
    """Relative luminance of WCAG 2.2."""
    shares = np.array(rgb) / 255
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def colours(page, query):
    """Luminance of the text and of the ground of an element."""
    style = f"getComputedStyle(document.querySelector('{query}'))"
    texts = page.evaluate(f"[{style}.color, {style}.backgroundColor]")
    return [luminance([float(x) for x in re.findall(r"[0-9.]+", t)[:3]]) for t in texts]


def test_frames_follow_the_theme_of_jupyterlab(scroll_page):
    page, frame = scroll_page("data-jp-theme-light='false'")
    assert colours(frame, ".leaflet-control-layers")[1] < 0.5
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    assert colours(frame, ".leaflet-control-layers")[1] > 0.5
    page.emulate_media(color_scheme="dark")
    assert colours(frame, ".leaflet-control-layers")[1] > 0.5


def test_text_stands_out_in_both_themes(show, web):
    page = show(web)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for query in (
            *(".webmap-legend", ".leaflet-control-layers"),
            *(".leaflet-bar a", ".webmap-whole"),
        ):
            text, ground = colours(page, query)
            low, high = sorted([text, ground])
            # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
            assert (high + 0.05) / (low + 0.05) >= 4.5
            assert (ground > 0.5) == (scheme == "light")


@pytest.mark.slow
def test_jupyterlab_shows_the_picture_until_the_notebook_is_run(lab, open_tab):
    code = """\
from tutorial_lib import testing
from tutorial_lib.viewers.webmaps import show_map

show_map(testing.small_scene()["labels"])"""
    data, about = show_map(testing.small_scene()["labels"])._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell(code)
    cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=about)]
    address, notebooks = lab
    # Nobody has signed it, so it is not trusted.
    write_notebook(notebooks / "map.ipynb", cell)
    page = open_tab()
    open_notebook(page, address, "map.ipynb")
    output = page.locator(".jp-OutputArea")
    picture = output.get_by_role("img", name="Map of 1 layer")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.naturalWidth") > 300
    expect(output.locator("iframe")).to_have_count(0)

    assert run_cells(page) == []
    frame = output.frame_locator("iframe")
    expect(frame.locator(".leaflet-image-layer")).to_be_visible()
    # The frame lies over the picture, not below it.
    place, below = (
        output.locator(tag).first.bounding_box() for tag in ("iframe", "img")
    )
    assert place["height"] == 480
    assert place["y"] == below["y"]
    # Keys go to the map, not to the notebook.
    frame.get_by_role("slider", name="Opacity of labels").focus()
    for key in ("ArrowLeft", "b", "x", "ArrowDown"):
        page.keyboard.press(key)
    count = "jupyterapp.shell.currentWidget.content.model.cells.length"
    assert page.evaluate(count) == 1


# Readers with other needs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_from_a_map(show, faults, scheme):
    scene = testing.small_scene()
    positions = select_positions(scene["labels"], count=5)
    web = show_map(scene["input_10m"], scene["labels"], positions)
    page = show(web, color_scheme=scheme)
    assert faults(page) == []
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Map of {web.layers[0].title}, {web.layers[1].title}, {web.layers[2].title}"
    )


def test_frames_are_told_apart_by_their_layers(tmp_path):
    shown = [show_map(class_map(tmp_path / f"{x}.tif"), titles=x) for x in "<ab"]
    texts = [web._repr_mimebundle_()[0]["text/html"] for web in shown]
    titles = [re.search(r'<iframe [^>]*title="([^"]*)"', text)[1] for text in texts]
    assert titles == ["Map of &lt;", "Map of a", "Map of b"]


FOLLOW = """(image) => {
    window.places = new Set();
    const look = () => {
        window.places.add(JSON.stringify(image.getBoundingClientRect()));
        requestAnimationFrame(look);
    };
    look();
}"""


def test_the_map_jumps_for_readers_who_want_no_motion(open_page, tab, tmp_path):
    web = show_map(class_map(tmp_path / "a.tif"))
    tab.emulate_media(reduced_motion="reduce")
    page = open_page(web.save(tmp_path / "map.html"))
    page.locator(".leaflet-image-layer").evaluate(FOLLOW)
    page.locator(".leaflet-container").focus()
    # Zoom, and move by an arrow: a place before, and one after.
    for count, key in enumerate(("+", "ArrowRight"), 2):
        page.keyboard.press(key)
        page.wait_for_timeout(500)
        assert page.evaluate("window.places.size") == count, key
    tab.emulate_media(reduced_motion="no-preference")
