"""The map in a browser: what is drawn where, and its controls by mouse and keyboard."""

import html
import io
import os
import re

import nbformat
import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from playwright.sync_api import expect
from pyproj import Transformer

from browser.lab import jupyterlab, open_notebook, run_cells
from tutorial_lib import Legend, rasters, select_positions, testing
from tutorial_lib.viewers.webmaps import show_map

LEGEND = testing.SMALL_LEGEND
ROWS, COLS = 21, 34
UTM = testing.small_grid(ROWS, COLS, spacing=100)
TURNED = GeoBox(
    (ROWS, COLS),
    Affine.translation(500_000, 4_800_000)
    @ Affine.rotation(25)
    @ Affine.scale(100, -100),
    "EPSG:32631",
)


@pytest.fixture
def folder():
    return testing.scratch_folder()


@pytest.fixture
def show(open_tab, folder):
    """Function that opens the page of a map."""

    def shown(web, **options):
        page = open_tab(**options)
        page.goto(web.save(folder / "map.html").as_uri())
        page.locator(".leaflet-control-layers").wait_for()
        images = "[...document.querySelectorAll('.leaflet-image-layer')]"
        page.wait_for_function(f"{images}.every((image) => image.complete)")
        return page

    return shown


def class_map(path, labels, grid=UTM):
    array = labels.astype("uint8")[..., np.newaxis]
    return rasters.write_array(path, array, grid, legend=LEGEND, nodata=255)


@pytest.fixture
def labels():
    """Two maps whose classes differ everywhere, so that a place tells the layer."""
    rows, cols = np.mgrid[:ROWS, :COLS]
    first = (rows // 2 + cols // 3) % 2
    return first, first + 2


def places(page, web, lon, lat):
    """Where Leaflet puts degrees, in CSS pixels of the page."""
    return page.evaluate(
        """([name, lon, lat]) => lon.map((x, i) => {
            const place = window[name].latLngToContainerPoint([lat[i], x]);
            return [place.x, place.y];
        })""",
        [web.map.get_name(), list(lon), list(lat)],
    )


def screen(page):
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))


def centres(grid):
    """Longitudes and latitudes of all pixel centres, by PROJ."""
    rows, cols = np.mgrid[:ROWS, :COLS].reshape(2, -1)
    x, y = grid.transform @ (cols + 0.5, rows + 0.5)
    return Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True).transform(
        x, y
    )


def uncovered(page, x, y):
    """Whether the map itself is at a place, not a control."""
    return page.evaluate(
        "([x, y]) => !document.elementFromPoint(x, y)?.closest('.leaflet-control')",
        [x, y],
    )


@pytest.mark.parametrize("grid", [UTM, TURNED], ids=["upright", "turned"])
def test_each_pixel_is_drawn_where_its_coordinates_are(show, folder, labels, grid):
    web = show_map(class_map(folder / "a.tif", labels[0], grid))
    page = show(web, height=700)
    seen, checked = screen(page), 0
    spots = places(page, web, *centres(grid))
    for (x, y), label in zip(spots, labels[0].ravel(), strict=True):
        if uncovered(page, x, y):
            assert tuple(seen[round(y), round(x)]) == LEGEND.rgb[label]
            checked += 1
    assert checked > 0.8 * ROWS * COLS


def test_the_border_is_where_leaflet_has_it_to_a_pixel(show, folder):
    web = show_map(class_map(folder / "a.tif", np.full((ROWS, COLS), 3)))
    page = show(web, height=700)
    box = page.locator(".leaflet-image-layer").bounding_box()
    (south, west), (north, east) = web.bounds
    (left, top), (right, bottom) = places(page, web, [west, east], [north, south])
    found = [box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]]
    assert found == pytest.approx([left, top, right, bottom], abs=1)
    # And what is drawn in it begins where PROJ has the corner of the raster.
    corner = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True).transform(
        500_000, 4_800_000
    )
    ((x, y),) = places(page, web, *np.reshape(corner, (2, 1)))
    seen = (screen(page) == LEGEND.rgb[3]).all(axis=-1)
    assert np.argmax(seen[round(y) + 5]) == pytest.approx(x, abs=1.5)
    assert np.argmax(seen[:, round(x) + 5]) == pytest.approx(y, abs=1.5)


def test_points_lie_on_their_pixels_and_tell_their_class(show, folder):
    scene = testing.small_scene()
    positions = select_positions(scene["labels"], count=12)
    web = show_map(scene["input_10m"], positions, legend=LEGEND)
    page = show(web, height=700)
    lon, lat = Transformer.from_crs(
        "EPSG:32631", "EPSG:4326", always_xy=True
    ).transform(positions.x, positions.y)
    seen, checked = screen(page), 0
    spots = places(page, web, lon, lat)
    for number, (x, y) in enumerate(spots):
        others = [s for i, s in enumerate(spots) if i != number]
        alone = min(np.hypot(a - x, b - y) for a, b in others) > 14
        if alone and uncovered(page, x, y):
            color = LEGEND.rgb[positions.labels[number]]
            assert tuple(seen[round(y), round(x)]) == color
            checked += 1
            page.mouse.move(x - 2, y)
            page.wait_for_timeout(50)  # Leaflet looks at the mouse 30 times a second.
            page.mouse.move(x, y)
            name = LEGEND.names[positions.labels[number]]
            expect(page.locator(".leaflet-tooltip")).to_have_text(name)
    assert checked > 20


def names_in_the_panel(page):
    labels = page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    return [label.strip() for label in labels]


def test_layers_go_and_come_back(show, folder, labels):
    web = show_map(class_map(folder / "a.tif", labels[0]), titles="16")
    page = show(web)
    images = page.locator(".leaflet-image-layer")
    box = page.get_by_role("checkbox", name="16")
    expect(images).to_have_count(1)
    box.click()
    expect(images).to_have_count(0)
    box.press("Space")
    expect(images).to_have_count(1)
    assert names_in_the_panel(page) == ["16"]


def test_layers_are_listed_as_they_were_given(show, folder, labels):
    paths = [class_map(folder / f"{n}.tif", labels[0]) for n in (32, 16, 128)]
    page = show(show_map(*paths))
    assert names_in_the_panel(page) == ["32", "16", "128"]


def test_opacity_follows_mouse_and_keys(show, folder, labels):
    paths = [class_map(folder / f"{name}.tif", labels[0]) for name in ("a", "b")]
    page = show(show_map(*paths, opacity=0.6))
    upper = page.locator(".leaflet-image-layer").nth(1)
    slider = page.get_by_role("slider", name="Opacity of b")
    assert slider.get_attribute("aria-valuetext") == "60 %"
    expect(upper).to_have_css("opacity", "0.6")
    shares = page.locator(".webmap-opacity")
    assert shares.all_inner_texts() == ["Opacity\n100 %", "Opacity\n60 %"]
    slider.press("ArrowLeft")
    expect(upper).to_have_css("opacity", "0.55")
    assert shares.nth(1).inner_text() == "Opacity\n55 %"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    expect(upper).to_have_css("opacity", "0")
    slider.press("End")
    expect(upper).to_have_css("opacity", "1")
    expect(page.locator(".leaflet-image-layer").nth(0)).to_have_css("opacity", "1")


def colour_sides(page, web, x):
    """Which of the two maps is left of a place, and which right of it."""
    seen, sides = screen(page), []
    middle = seen.shape[0] // 2
    for column in (round(x) - 40, round(x) + 40):
        colors = set(map(tuple, seen[middle - 20 : middle + 20, column].tolist()))
        own = {LEGEND.rgb.index(color) // 2 for color in colors & set(LEGEND.rgb)}
        sides.append(own)
    return sides


def pair(folder, labels):
    """A map with a swipe line between two class maps."""
    paths = [
        class_map(folder / f"{name}.tif", own)
        for name, own in zip(("first", "second"), labels, strict=True)
    ]
    return show_map(*paths, side_by_side=True)


def test_the_swipe_line_follows_mouse_and_keys(show, folder, labels):
    web = pair(folder, labels)
    page = show(web)
    line = page.get_by_role("slider", name="Swipe line: first left, second right")
    assert line.get_attribute("aria-valuenow") == "50"
    assert colour_sides(page, web, 640) == [{0}, {1}]
    seen = f"String([{web.map.get_name()}.getZoom(), {web.map.get_name()}.getCenter()])"
    view = page.evaluate(seen)

    page.mouse.move(640, 300)
    page.mouse.down()
    page.mouse.move(520, 320, steps=4)
    page.mouse.up()
    page.mouse.dblclick(520, 320)
    assert line.get_attribute("aria-valuenow") == "41"
    assert colour_sides(page, web, 520) == [{0}, {1}]
    line.press("End")
    assert colour_sides(page, web, 640) == [{0}, {0}]
    line.press("Home")
    assert colour_sides(page, web, 640) == [{1}, {1}]
    for key in ("PageUp", "ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        line.press(key)
    assert line.get_attribute("aria-valuenow") == "15"
    # The map itself has not moved.
    page.wait_for_timeout(300)
    assert page.evaluate(seen) == view


def test_the_swipe_line_stays_when_the_map_moves(show, folder, labels):
    web = pair(folder, labels)
    page = show(web)
    line = page.get_by_role("slider", name="Swipe line")
    line.press("Home")
    for _ in range(5):
        line.press("PageUp")
    zoom = f"{web.map.get_name()}.setZoom({web.map.get_name()}.getZoom() + 1)"
    page.evaluate(f"{zoom}, 0")
    page.wait_for_timeout(500)
    page.mouse.move(300, 400)
    page.mouse.down()
    page.mouse.move(340, 380, steps=3)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert colour_sides(page, web, 640) == [{0}, {1}]


def test_the_legend_shows_names_and_colours_and_closes(show, folder, labels):
    page = show(show_map(class_map(folder / "a.tif", labels[1])))
    legend = page.locator(".webmap-legend")
    names = legend.locator(".webmap-class").all_inner_texts()
    assert names == ["forest", "town"]
    swatch = legend.locator(".webmap-class i").nth(0)
    expect(swatch).to_have_css("background-color", "rgb(16, 107, 0)")
    legend.locator("summary").press("Enter")
    expect(swatch).to_be_hidden()


def test_names_and_sources_are_shown_as_they_are_written(show, folder, labels):
    text = "<b>A</b> & B"
    names = Legend((text,), ("#106b00",))
    path = rasters.write_array(
        folder / "a.tif",
        np.zeros((ROWS, COLS, 1), "uint8"),
        UTM,
        legend=names,
        tags={"ATTRIBUTION": text},
    )
    other = class_map(folder / "b.tif", labels[1])
    page = show(show_map(path, other, titles=[text, "b"], side_by_side=True))
    for place in (
        ".leaflet-control-layers-overlays label",
        ".leaflet-control-attribution",
        ".webmap-class",
        ".webmap-side-l",
    ):
        assert text in " ".join(page.locator(place).all_inner_texts())


@pytest.mark.parametrize("width", [1280, 800, 380])
def test_controls_keep_apart_and_inside(show, folder, labels, width):
    tags = {"ATTRIBUTION": "Contains modified data of somebody with a long name 2017"}
    array = labels[0].astype("uint8")[..., np.newaxis]
    paths = [
        rasters.write_array(folder / name, array, UTM, legend=LEGEND, tags=tags)
        for name in ("a_long_name_of_a_map.tif", "b.tif")
    ]
    page = show(show_map(*paths, side_by_side=True), width=width, height=480)
    boxes = [
        box.bounding_box()
        for box in page.locator(".leaflet-control").all()
        if box.is_visible()
    ]
    for number, one in enumerate(boxes):
        assert one["x"] >= 0
        assert one["y"] >= 0
        assert one["x"] + one["width"] <= width
        assert one["y"] + one["height"] <= 480
        assert not any(boxes_overlap(one, other) for other in boxes[:number])


def boxes_overlap(one, other):
    return not (
        one["x"] >= other["x"] + other["width"]
        or other["x"] >= one["x"] + one["width"]
        or one["y"] >= other["y"] + other["height"]
        or other["y"] >= one["y"] + one["height"]
    )


@pytest.mark.parametrize("width", [1280, 800, 520])
def test_the_names_of_both_sides_are_not_covered(show, folder, labels, width):
    names = ["first map, after one epoch", "second map, after eight"]
    paths = [class_map(folder / f"{i}.tif", own) for i, own in enumerate(labels)]
    web = show_map(*paths, titles=names, side_by_side=True)
    page = show(web, width=width, height=480)
    controls = [
        box.bounding_box()
        for box in page.locator(".leaflet-control").all()
        if box.is_visible()
    ]
    line = page.get_by_role("slider", name="Swipe line").bounding_box()
    middle = line["x"] + line["width"] / 2
    for number, name in enumerate(names):
        side = page.locator(".webmap-side").nth(number)
        assert side.inner_text() == name
        box = side.bounding_box()
        assert not any(boxes_overlap(box, control) for control in controls)
        assert side.evaluate("(text) => text.scrollWidth <= text.clientWidth")
        assert (box["x"] < middle) == (number == 0)


# The wheel, and what is in view


@pytest.fixture
def scroll_page(open_tab, folder, labels):
    """Function that opens a long page with a map in it, as a notebook has it."""

    def opened(labels=labels[0], theme="", **options):
        web = show_map(class_map(folder / "a.tif", labels))
        text = web._repr_mimebundle_()[0]["text/html"]
        path = folder / "page.html"
        path.write_text(
            f"<!doctype html><body {theme}><p style='height:500px'>Above</p>"
            f"{text}<p style='height:3000px'>Below</p>"
        )
        page = open_tab(**options)
        page.goto(path.as_uri())
        frame = page.frames[1]
        frame.locator(".leaflet-image-layer").wait_for()
        return page, frame, web.map.get_name()

    return opened


def rolled(page, times, by):
    """Roll the wheel; gives how far the page has gone."""
    before = page.evaluate("scrollY")
    for _ in range(times):
        page.mouse.wheel(0, by)
        # Longer than Leaflet collects turns of the wheel, and draws a change of zoom.
        page.wait_for_timeout(350)
    return page.evaluate("scrollY") - before


def test_the_wheel_scrolls_past_the_map(scroll_page):
    page, frame, name = scroll_page(height=700)
    zoom = frame.evaluate(f"{name}.getZoom()")
    page.mouse.move(600, 300)
    assert rolled(page, 8, 150) == 8 * 150
    assert frame.evaluate(f"{name}.getZoom()") == zoom
    assert rolled(page, 8, -150) == -8 * 150


@pytest.mark.parametrize("key", ["Control", "Meta"])
def test_the_wheel_zooms_with_a_key_held(scroll_page, key):
    page, frame, name = scroll_page(height=900)
    zoom = frame.evaluate(f"{name}.getZoom()")
    page.mouse.move(600, 700)
    page.keyboard.down(key)
    assert rolled(page, 2, -300) == 0
    assert frame.evaluate(f"{name}.getZoom()") > zoom
    # Also at the end: the browser would take the keys for its own zoom.
    assert rolled(page, 8, 600) == 0
    page.keyboard.up(key)


def test_the_wheel_zooms_a_map_that_was_clicked_to_its_end(scroll_page):
    page, frame, name = scroll_page(height=900)
    whole = frame.evaluate(f"{name}.getZoom()")
    page.mouse.click(600, 700)
    # The map, of which a part is below the window, stays where it is.
    assert page.evaluate("scrollY") == 0
    assert rolled(page, 1, -300) == 0
    assert frame.evaluate(f"{name}.getZoom()") > whole
    far = rolled(page, 5, 300)
    # No farther out than where the scene fills half of the map.
    assert frame.evaluate(f"{name}.getZoom()") == whole - 1
    # Then the page goes on, and the map below the pointer with it.
    assert far > 0
    page.evaluate("scrollTo(0, 100)")
    page.mouse.click(600, 300)
    page.mouse.move(600, 700)
    assert rolled(page, 1, -50) == -50
    assert frame.evaluate(f"{name}.getZoom()") == whole - 1


def is_whole(page, web):
    """Whether the layers are in view and fill it, as far as steps of zoom allow."""
    (south, west), (north, east) = web.bounds
    (left, top), (right, bottom) = places(page, web, [west, east], [north, south])
    size = page.viewport_size
    inside = left >= 0 and top >= 0 and right <= size["width"] + 1
    inside = inside and bottom <= size["height"] + 1
    share = max((right - left) / size["width"], (bottom - top) / size["height"])
    return inside and share > 2**-0.25 * 0.9


def test_whole_brings_the_layers_back(show, folder, labels):
    web = show_map(class_map(folder / "a.tif", labels[0]))
    page = show(web)
    assert is_whole(page, web)
    button = page.get_by_role("button", name="Whole")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(400)
    assert not is_whole(page, web)
    button.click()
    assert is_whole(page, web)
    page.mouse.move(600, 500)
    page.mouse.down()
    page.mouse.move(900, 600, steps=4)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert not is_whole(page, web)
    button.press("Enter")
    assert is_whole(page, web)


def test_another_size_shows_the_layers_until_somebody_moves_the_map(
    show, folder, labels
):
    web = show_map(class_map(folder / "a.tif", labels[0]))
    page = show(web)

    def resized(width, height):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(400)

    for size in ((800, 900), (1280, 500)):
        resized(*size)
        assert is_whole(page, web)
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(400)
    zoom = page.evaluate(f"{web.map.get_name()}.getZoom()")
    resized(1000, 500)
    assert page.evaluate(f"{web.map.get_name()}.getZoom()") == zoom
    page.get_by_role("button", name="Whole").click()
    resized(450, 500)
    assert is_whole(page, web)


def test_a_pixel_grows_to_48_of_the_screen(show, folder):
    grid = testing.small_grid(151, 203)
    web = show_map(class_map(folder / "a.tif", np.indices((151, 203)).sum(0) % 2, grid))
    page = show(web)
    page.evaluate(f"{web.map.get_name()}.setZoom(99, {{animate: false}})")
    ends = [np.array(grid.transform @ (x, 75)) for x in (100, 101)]
    move = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    left, right = places(page, web, *move.transform(*np.transpose(ends)))
    # Leaflet rounds to whole pixels, zooms go in steps of a quarter.
    assert 48 / 2**0.25 - 2 <= np.hypot(*np.subtract(left, right)) <= 48 + 1


def test_a_map_of_few_pixels_fills_its_place(show, folder):
    grid = testing.small_grid(2, 3, spacing=10)
    web = show_map(class_map(folder / "a.tif", np.eye(2, 3), grid))
    assert is_whole(show(web), web)


def test_frames_follow_the_theme_of_jupyterlab(scroll_page):
    page, frame, _ = scroll_page(
        theme="data-jp-theme-light='false'", color_scheme="light"
    )

    def ground():
        style = "getComputedStyle(document.querySelector('.leaflet-control-layers'))"
        text = frame.evaluate(f"{style}.backgroundColor")
        return luminance([int(part) for part in re.findall(r"\d+", text)[:3]])

    assert ground() < 0.5
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    assert ground() > 0.5
    page.emulate_media(color_scheme="dark")
    assert ground() > 0.5


def luminance(rgb):
    """Relative luminance of WCAG 2.2."""
    shares = np.array(rgb) / 255
    linear = np.where(
        shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4
    )
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_themes(show, folder, labels, scheme):
    page = show(show_map(class_map(folder / "a.tif", labels[0])), color_scheme=scheme)
    pairs = page.evaluate(
        """() => [".webmap-legend", ".leaflet-control-layers", ".leaflet-bar a",
            ".webmap-whole"]
            .map((query) => getComputedStyle(document.querySelector(query)))
            .map((style) => [style.color, style.backgroundColor]
                .map((text) => text.match(/[0-9.]+/g).slice(0, 3).map(Number)))"""
    )
    for text, ground in pairs:
        low, high = sorted([luminance(text), luminance(ground)])
        # WCAG 2.2, 1.4.3: 4.5 to 1 for text.
        assert (high + 0.05) / (low + 0.05) >= 4.5
        assert (luminance(ground) > 0.5) == (scheme == "light")


def test_a_notebook_shows_the_map_or_else_the_picture(open_tab, folder, labels):
    web = show_map(class_map(folder / "a.tif", labels[0]), height=420)
    text = web._repr_mimebundle_()[0]["text/html"]
    for name, body in {
        "trusted": text,
        "not trusted": re.sub("<iframe.*?</iframe>", "", text, flags=re.DOTALL),
    }.items():
        page = open_tab(width=1000)
        path = folder / "page.html"
        path.write_text(f"<!doctype html><body>{body}")
        page.goto(path.as_uri())
        if name == "trusted":
            frame = page.frame_locator("iframe")
            expect(frame.locator(".leaflet-image-layer")).to_be_visible()
            assert page.locator("iframe").bounding_box()["height"] == 420
        else:
            picture = page.get_by_alt_text(html.unescape(web.description))
            expect(picture).to_be_visible()
            assert picture.evaluate("(image) => image.naturalWidth") > 300


def test_jupyterlab_shows_the_picture_until_the_notebook_is_run(
    open_tab, repository, monkeypatch, tmp_path
):
    code = """\
from tutorial_lib import testing
from tutorial_lib.viewers.webmaps import show_map

show_map(testing.small_scene()["labels"])"""
    web = show_map(testing.small_scene()["labels"])
    data, about = web._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell(code)
    cell.outputs = [nbformat.v4.new_output("display_data", data=data, metadata=about)]
    notebooks, private = tmp_path / "notebooks", tmp_path / "private"
    notebooks.mkdir()
    # Nobody has signed it, so it is not trusted.
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(notebook, notebooks / "map.ipynb")
    monkeypatch.setenv("PYTHONPATH", str(repository), prepend=os.pathsep)
    with jupyterlab(notebooks, private) as address:
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
        tops = [
            output.locator(tag).first.bounding_box()["y"] for tag in ("iframe", "img")
        ]
        assert tops[0] == tops[1]
        # Keys belong to the map, not to the notebook.
        slider = frame.get_by_role("slider", name="Opacity of labels")
        slider.focus()
        for key in ("ArrowLeft", "b", "x", "ArrowDown"):
            page.keyboard.press(key)
        count = "jupyterapp.shell.currentWidget.content.model.cells.length"
        assert page.evaluate(count) == 1
        # Before the server ends, which it would miss.
        page.close()
