"""Maps for the browser: every layer where it lies, and nothing from elsewhere."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import folium
import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from matplotlib.backends.backend_agg import FigureCanvasAgg
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from PIL import Image
from rasterio.warp import transform_bounds

from tutorial_lib import Legend, rasters, select_positions, testing
from tutorial_lib.patches.positions import Positions
from tutorial_lib.viewers.pictures import CLASS_COLORS
from tutorial_lib.viewers.webmaps import show_map
from tutorial_lib.viewers.webmaps.leaflet import leaflet_script
from tutorial_lib.viewers.webmaps.legends import legend_groups
from tutorial_lib.viewers.webmaps.overlays import read_overlay
from tutorial_lib.viewers.webmaps.shapes import (
    MAX_SHAPES,
    NO_CLASS,
    read_shapes,
    spare_colors,
)

ROWS, COLS = 37, 53
UTM_CRS = CRS("EPSG:32631")
LEGEND = testing.SMALL_LEGEND
TURNED = Affine.translation(500_000, 4_800_000) @ Affine.rotation(25)
GRIDS = {
    "UTM": testing.small_grid(ROWS, COLS),
    "far from the meridian": testing.small_grid(
        ROWS, COLS, spacing=900, corner=(180_000, 7_900_000), crs="EPSG:32633"
    ),
    "bent at its top": testing.small_grid(
        ROWS, COLS, spacing=5000, corner=(367_500, 7_000_000), crs="EPSG:32633"
    ),
    "southern": testing.small_grid(
        ROWS, COLS, corner=(300_000, 6_200_000), crs="EPSG:32756"
    ),
    "degrees": GeoBox((ROWS, COLS), Affine(0.01, 0, 12, 0, -0.01, 52), "EPSG:4326"),
    "south up": GeoBox(
        (ROWS, COLS), Affine(10, 0, 500_000, 0, 10, 4_800_000), "EPSG:32631"
    ),
    "turned": GeoBox((ROWS, COLS), TURNED @ Affine.scale(10, -10), "EPSG:32631"),
    "over the date line": testing.small_grid(
        ROWS, COLS, spacing=300, corner=(815_000, 8_000_000), crs="EPSG:32760"
    ),
}


@pytest.fixture
def folder():
    return testing.scratch_folder()


@pytest.fixture
def scene():
    return testing.small_scene()


def numbered(path, grid, **options):
    """A class map in which every pixel has a number of its own."""
    numbers = np.arange(grid.height * grid.width, dtype="uint16")
    return rasters.write_array(path, numbers.reshape(*grid.shape, 1), grid, **options)


def on_the_map(x, y, crs, near=0.0):
    """Web Mercator by PROJ, on the same side of the date line as `near`."""
    move = pyproj.Transformer.from_crs(str(crs), "EPSG:3857", always_xy=True)
    x, y = move.transform(x, y)
    world = 2 * np.pi * 6_378_137
    return np.asarray(x) + world * np.round((near - np.asarray(x)) / world), y


# Where rasters lie


@pytest.mark.parametrize("name", GRIDS)
def test_every_pixel_lies_where_proj_puts_it(folder, name):
    grid = GRIDS[name]
    overlay = read_overlay(numbered(folder / "a.tif", grid), kind="classes")
    rows, cols = np.mgrid[:ROWS, :COLS]
    centres = grid.transform @ (cols + 0.5, rows + 0.5)
    middle = (overlay.bounds.left + overlay.bounds.right) / 2
    place = on_the_map(*centres, grid.crs, near=middle)
    col, row = (np.floor(i).astype(int) for i in ~overlay.grid.transform @ place)
    assert overlay.layer.valid[row, col].all()
    found = overlay.layer.preview.pixels[row, col, 0]
    np.testing.assert_array_equal(found, rows * COLS + cols)


@pytest.mark.parametrize(
    "name", ["UTM", "far from the meridian", "bent at its top", "southern"]
)
def test_the_corners_are_those_of_gdal_to_a_pixel(folder, name):
    grid = GRIDS[name]
    overlay = read_overlay(numbered(folder / "a.tif", grid), kind="classes")
    bounds = tuple(grid.boundingbox)
    metres = transform_bounds(str(grid.crs), "EPSG:3857", *bounds, densify_pts=999)
    degrees = transform_bounds("EPSG:3857", "EPSG:4326", *metres)
    (south, west), (north, east) = overlay.bounds.corners
    width, height = degrees[2] - degrees[0], degrees[3] - degrees[1]
    off = np.abs(np.array([west, south, east, north]) - degrees)
    pixel = np.array([width / overlay.grid.width, height / overlay.grid.height] * 2)
    assert (off < pixel).all()
    # More than that: what is lost of a bent side is a small part of a pixel.
    assert (off < 0.05 * pixel).all()


def test_a_large_raster_is_drawn_from_its_overviews(folder):
    shape = (1801, 3307)
    grid = testing.small_grid(*shape)
    path = folder / "large.tif"
    rasters.write_array(path, np.full((*shape, 1), 3, "uint8"), grid)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
        # Only the full resolution changes: what is drawn tells where it was read.
        dataset.write(np.full(shape, 1, "uint8"), 1)
    overlay = read_overlay(path)
    assert max(overlay.grid.shape) <= 1600
    assert np.unique(overlay.layer.preview.pixels[overlay.layer.valid]) == [3]


@pytest.mark.parametrize("name", ["UTM", "turned", "degrees"])
@pytest.mark.parametrize(("rows", "cols"), [(203, 311), (1801, 3307)])
def test_what_is_interpolated_lies_there_too(folder, name, rows, cols):
    grid = GeoBox((rows, cols), GRIDS[name].transform, GRIDS[name].crs)
    path = testing.coordinate_raster(folder / "a.tif", grid)
    for band in (1, 2):
        overlay = read_overlay(path, bands=band, kind="grey")
        spots = np.argwhere(overlay.layer.valid)[::997]
        x, y = overlay.grid.transform @ (spots[:, 1] + 0.5, spots[:, 0] + 0.5)
        move = pyproj.Transformer.from_crs("EPSG:3857", str(grid.crs), always_xy=True)
        col, row = ~grid.transform @ move.transform(x, y)
        expected = (row, col)[band - 1] - 0.5
        found = overlay.layer.preview.pixels[spots[:, 0], spots[:, 1], 0]
        # Means of the pixels that a screen has no room for: not at the very border.
        inside = (np.minimum(row, rows - row) > 4) & (np.minimum(col, cols - col) > 4)
        assert np.abs(found - expected)[inside].max() < 0.5
        assert inside.sum() > 50


def test_a_raster_around_the_world_ends_where_the_map_does(folder):
    grid = GeoBox((90, 180), Affine(2, 0, -180, 0, -2, 90), "EPSG:4326")
    overlay = read_overlay(numbered(folder / "a.tif", grid), kind="classes")
    edge = np.pi * 6_378_137
    bounds = overlay.bounds
    sides = (bounds.left, bounds.bottom, bounds.right, bounds.top)
    assert sides == pytest.approx((-edge, -edge, edge, edge), rel=1e-6)


# How they look


def test_no_data_stays_clear_and_darkens_no_border(folder):
    array = np.full((ROWS, COLS, 3), 500, "uint16")
    array[10:20, 5:31] = 0
    grid = GRIDS["UTM"]
    path = rasters.write_array(folder / "a.tif", array, grid, nodata=0)
    overlay = read_overlay(path, value_range=(0, 1000))
    seen = overlay.picture[overlay.layer.valid]
    assert set(map(tuple, seen.tolist())) == {(128, 128, 128, 255)}
    hole = on_the_map(*(grid.transform @ (18, 15)), grid.crs)
    col, row = map(int, ~overlay.grid.transform @ hole)
    assert overlay.picture[row, col, 3] == 0


def test_classes_are_never_mixed(scene):
    overlay = read_overlay(scene["labels"])
    colors = {(*rgb, 255) for rgb in LEGEND.rgb} | {(0, 0, 0, 0)}
    assert set(map(tuple, overlay.picture.reshape(-1, 4).tolist())) == colors


def test_the_legend_names_what_is_there_once(folder, scene):
    probability = np.linspace(0, 1, ROWS * COLS, dtype="float32").reshape(ROWS, COLS, 1)
    path = rasters.write_array(folder / "water.tif", probability, GRIDS["UTM"])
    positions = select_positions(scene["labels"], count=3)
    classes, scale = legend_groups(show_map(scene["labels"], positions, path).layers)
    assert [name for name, _ in classes["classes"]] == list(LEGEND.names)
    assert [color for _, color in classes["classes"]] == list(LEGEND.colors)
    assert (scale["title"], scale["ends"]) == ("water", ["0", "1"])


# Vectors


def test_positions_keep_their_places_and_classes(scene):
    positions = select_positions(scene["labels"], count=7)
    shapes = read_shapes(positions, legend=LEGEND)
    move = pyproj.Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    expected = np.stack(move.transform(positions.x, positions.y), axis=-1)
    found = shapely.get_coordinates(shapes.geometries)
    # A millionth of a degree is a tenth of a metre.
    np.testing.assert_allclose(found, expected, rtol=0, atol=6e-7)
    np.testing.assert_array_equal(shapes.classes, positions.labels)
    assert shapes.present[2] == ("forest", "#106b00")


def write_shapes(path, geometries, crs="EPSG:32631", **columns):
    fields = {name: np.asarray(values) for name, values in columns.items()}
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(one) for one in geometries], object),
        field_data=list(fields.values()),
        fields=np.array(list(fields), object),
        geometry_type="Unknown",
        crs=crs,
    )
    return path


def squares(count):
    lefts = 500_000 + 100 * np.arange(count)
    return [shapely.box(x, 4_799_800, x + 50, 4_799_890) for x in lefts]


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_polygons_are_where_they_lie(folder, ending):
    path = write_shapes(folder / f"a.{ending}", squares(3), **{"class": [0, 2, 2]})
    shapes = read_shapes(path)
    move = pyproj.Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    for found, square in zip(shapes.geometries, squares(3), strict=True):
        expected = move.transform(*square.exterior.xy)
        own = shapely.get_coordinates(found)
        assert {tuple(np.round(xy, 5)) for xy in own} == {
            tuple(np.round(xy, 5)) for xy in np.transpose(expected)
        }
    assert list(shapes.present) == [0, 2]


def test_classes_may_be_names(folder):
    names = ["town", "water", "town"]
    path = write_shapes(folder / "a.geojson", squares(3), kind=names)
    known = read_shapes(path, field="kind", legend=LEGEND)
    assert known.classes.tolist() == [3, 0, 3]
    assert known.present[3] == ("town", "#ff0004")
    own = read_shapes(path, field="kind")
    assert [name for name, _ in own.present.values()] == ["town", "water"]


def test_names_that_the_legend_knows_keep_its_colours(folder, scene):
    names = ["water", "ocean", "forest", "beach"]
    path = write_shapes(folder / "a.geojson", squares(4), kind=names)
    raster, shapes = show_map(scene["labels"], path, field="kind").layers
    colors = dict(shapes.present.values())
    own = dict(zip(LEGEND.names, LEGEND.colors, strict=True))
    assert colors["water"] == own["water"]
    assert colors["forest"] == own["forest"]
    assert len(set(colors.values()) | set(own.values())) == len(own) + 2
    # In the legend each name stands once with one colour.
    groups = legend_groups([raster, shapes])
    entries = [entry for group in groups for entry in group["classes"]]
    assert len({name for name, _ in entries}) == len(set(entries))


def test_a_name_that_no_legend_knows_has_one_colour_in_all_layers(folder):
    paths = [
        write_shapes(folder / f"{number}.geojson", squares(len(names)), kind=names)
        for number, names in enumerate((["town", "water"], ["ocean", "water"]))
    ]
    first, second = show_map(*paths, field="kind").layers
    colors = [dict(one.present.values()) for one in (first, second)]
    assert colors[0]["water"] == colors[1]["water"]
    assert len({*colors[0].values(), *colors[1].values()}) == 3


def test_class_numbers_are_not_named_after_another_layer(folder):
    named = write_shapes(folder / "a.geojson", squares(2), kind=["ocean", "town"])
    numbered_ = write_shapes(folder / "b.geojson", squares(2), kind=[0, 1])
    _, second = show_map(named, numbered_, field="kind").layers
    assert [name for name, _ in second.present.values()] == ["class 0", "class 1"]


def test_spare_colours_differ_from_those_of_the_legend():
    taken = Legend(("a", "b"), (CLASS_COLORS[0].upper(), CLASS_COLORS[3]))
    spare = spare_colors(taken)
    assert set(spare) == set(CLASS_COLORS) - {CLASS_COLORS[0], CLASS_COLORS[3]}
    everything = Legend(CLASS_COLORS, CLASS_COLORS)
    assert spare_colors(everything) == list(CLASS_COLORS)


def test_legends_come_in_the_order_of_the_layers(folder):
    few = write_shapes(folder / "few.geojson", squares(1), kind=["a"])
    many = write_shapes(folder / "many.geojson", squares(2), kind=["b", "c"])
    ramp = np.linspace(0, 1, ROWS * COLS, dtype="float32").reshape(ROWS, COLS, 1)
    scale = rasters.write_array(folder / "scale.tif", ramp, GRIDS["UTM"])
    for order in ((few, many, scale), (scale, many, few), (many, scale, few)):
        groups = legend_groups(show_map(*order, field="kind").layers)
        assert [group["title"] for group in groups] == [path.stem for path in order]


def test_shapes_without_a_class_are_drawn_and_named_so(folder):
    path = write_shapes(folder / "a.gpkg", squares(3), **{"class": [1.0, np.nan, 0.5]})
    shapes = read_shapes(path)
    assert shapes.classes.tolist() == [1, NO_CLASS, NO_CLASS]
    assert shapes.present[NO_CLASS][0] == "no class"
    plain = read_shapes(write_shapes(folder / "b.geojson", squares(2)))
    assert (plain.classes, plain.present) == (None, {})


def test_what_is_left_out_is_said(folder):
    count = 2 * MAX_SHAPES + 1
    x = np.linspace(500_000, 501_000, count)
    many = Positions(x, x + 4_300_000, np.zeros(count, int), UTM_CRS)
    shapes = read_shapes(many)
    assert len(shapes.geometries) <= MAX_SHAPES
    assert f"of {count:_} shown".replace("_", " ") in shapes.description
    control = show_map(many).map.get_root().render()
    assert f"of {count:_} shown".replace("_", " ") in control
    empty = [*squares(1), shapely.Polygon()]
    some = read_shapes(write_shapes(folder / "a.geojson", empty))
    assert "1 of 2 shown" in some.description


# The map


class Addresses(HTMLParser):
    """What a page may load: values of attributes, within frames too."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "srcdoc":
                self.feed_frame(value)
            elif value and re.match(r"(https?:)?//", value):
                self.found.append((tag, name, value))

    def feed_frame(self, text):
        inner = Addresses()
        inner.feed(text)
        self.found += inner.found


def addresses(text):
    parser = Addresses()
    parser.feed(text)
    # Scripts and styles: what is left without Leaflet itself.
    rest = text.replace(leaflet_script(), "")
    rest = re.sub(r"/\*.*?\*/", "", rest, flags=re.DOTALL)
    return parser.found + re.findall(r"https?://[^\s\"']+", rest)


def test_the_page_names_no_remote_address(folder, scene):
    positions = select_positions(scene["labels"], count=5)
    web = show_map(scene["input_10m"], scene["labels"], positions, side_by_side=True)
    text = web.save(folder / "map.html").read_text()
    assert addresses(text) == []
    # Leaflet itself: its home page, which the map does not link to, and the namespace.
    own = set(re.findall(r"https?://[^\s\"']+", leaflet_script()))
    assert own == {"https://leafletjs.com", "http://www.w3.org/2000/svg"}
    assert "sourceMappingURL" not in text


def test_a_basemap_is_added_on_demand_alone(scene):
    page = show_map(scene["labels"], basemap=True).map.get_root().render()
    tiles = [found for found in addresses(page) if "tile" in found]
    assert tiles == ["https://tile.openstreetmap.org/{z}/{x}/{y}.png"]
    assert "OpenStreetMap" in page
    assert "OpenStreetMap" not in show_map(scene["labels"]).map.get_root().render()


def test_the_zoom_ends_with_the_pixels_but_on_a_basemap_with_its_streets(folder):
    for spacing in (10, 1000):
        grid = testing.small_grid(ROWS, COLS, spacing=spacing)
        path = numbered(folder / f"{spacing}.tif", grid)
        (south, _), (north, _) = show_map(path).bounds
        # Web Mercator stretches the ground by 1 / cos(latitude).
        side = spacing / np.cos(np.radians((south + north) / 2))
        ends = [
            json.loads(re.search(r'"finest": ([0-9.]+)', page)[1])
            for page in (show_map(path)._page(), show_map(path, basemap=True)._page())
        ]
        pixels = side / (2 * np.pi * 6_378_137 / 256 / 2 ** ends[0])
        assert 48 / 2**0.25 * 0.98 < pixels < 48 * 1.02
        assert ends[1] >= 19
    assert '"everywhere": true' in show_map(path, basemap=True)._page()
    assert '"everywhere": false' in show_map(path)._page()


def test_a_notebook_gets_page_picture_and_words(scene):
    web = show_map(scene["input_10m"], scene["labels"], height=333)
    bundle, about = web._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == repr(web) == about["image/png"]["alt"]
    assert "water" in repr(web)
    # Without the frame, as in a notebook that is not trusted, the picture is left.
    left = re.sub(r"<iframe.*?</iframe>", "", bundle["text/html"], flags=re.DOTALL)
    assert "<img alt=" in left
    kind, data = re.search(r'src="data:image/(\w+);base64,([^"]+)"', left).groups()
    small, full = (
        Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")
        for text in (data, bundle["image/png"])
    )
    assert kind == "webp"
    assert small.size == full.size
    off = np.asarray(small, int) - np.asarray(full, int)
    assert np.abs(off).mean() < 4
    assert "min-height:333px" in left
    assert re.search(r'<iframe [^>]*srcdoc="&lt;!DOCTYPE', bundle["text/html"])


def pixels_of(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def test_the_still_shows_the_layers(scene):
    labels = show_map(scene["labels"])
    figure = labels.as_figure()
    drawn = pixels_of(figure).reshape(-1, 3)
    for rgb in LEGEND.rgb:
        # Half the page is the map, and no class is rare.
        assert (drawn == rgb).all(axis=1).mean() > 0.02
    (axes,) = figure.axes
    (_, west), (_, east) = labels.bounds
    assert axes.get_xlim() == pytest.approx(
        [on_the_map(lon, 0, "EPSG:4326")[0] for lon in (west, east)]
    )
    for place, text in zip(
        axes.get_yticks(), axes.yaxis.get_major_formatter().seq, strict=True
    ):
        lat = float(text.rstrip("°"))
        assert place == pytest.approx(on_the_map(0, lat, "EPSG:4326")[1])


def test_the_still_is_cut_where_the_page_is(folder):
    colors = {"left": 0, "right": 3}
    grid = GRIDS["UTM"]
    paths = [
        rasters.write_array(
            folder / f"{name}.tif",
            np.full((ROWS, COLS, 1), number, "uint8"),
            grid,
            legend=LEGEND,
        )
        for name, number in colors.items()
    ]
    figure = show_map(*paths, side_by_side=True).as_figure()
    drawn = pixels_of(figure)
    box = figure.axes[0].get_window_extent()
    row = drawn.shape[0] - int((box.y0 + box.y1) / 2)
    for share, number in ((0.25, 0), (0.75, 3)):
        col = int(box.x0 + share * box.width)
        assert tuple(drawn[row, col]) == LEGEND.rgb[number]


def test_layers_may_be_in_different_crs(folder, scene):
    corners = np.array(
        shapely.box(*rasters.read_grid(scene["labels"]).boundingbox).boundary.coords
    )
    square = shapely.Polygon(
        np.transpose(
            pyproj.Transformer.from_crs(
                "EPSG:32631", "EPSG:4326", always_xy=True
            ).transform(*corners.T)
        )
    )
    path = write_shapes(folder / "a.geojson", [square], crs="EPSG:4326")
    raster, shapes = show_map(scene["labels"], path).layers
    for mine, other in zip(
        np.ravel(raster.bounds.corners), np.ravel(shapes.bounds.corners), strict=True
    ):
        assert mine == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize(
    ("opacity", "side_by_side", "expected"),
    [
        (0.8, False, [1, 1, 0.8, 0.8]),
        (0.8, True, [1, 1, 0.8, 0.8]),
        ([0.3, 0.2, 0.1], False, [0.3, 1, 0.2, 0.1]),
    ],
)
def test_opacity_is_for_rasters_above_others(scene, opacity, side_by_side, expected):
    positions = select_positions(scene["labels"], count=2)
    layers = [scene["input_10m"], positions, scene["input_20m"], scene["labels"]]
    web = show_map(*layers, opacity=opacity, side_by_side=side_by_side)
    assert list(web._opacities) == expected


def test_two_rasters_beside_each_other_are_opaque(scene):
    layers = [scene["input_10m"], scene["labels"]]
    assert show_map(*layers, side_by_side=True)._opacities == (1, 1)


def test_layers_of_one_name_are_told_apart(scene):
    web = show_map(scene["labels"], scene["labels"])
    assert [layer.title for layer in web.layers] == ["labels (1)", "labels (2)"]


def test_what_is_added_to_the_map_later_is_in_its_control(scene):
    web = show_map(scene["labels"])
    before = web._page()
    group = folium.FeatureGroup(name="my own layer")
    group.add_to(web.map)
    page = web._page()
    assert "my own layer" not in before
    assert page.index(f"var {group.get_name()}") < page.index('["my own layer"')


def test_titles_cannot_write_html(folder, scene):
    web = show_map(scene["labels"], titles="</script><img src=x>")
    text = web.save(folder / "map.html").read_text()
    assert "</script><img" not in text


# What cannot be shown


def no_crs(folder):
    grid = GeoBox((ROWS, COLS), Affine(10, 0, 0, 0, -10, 0), None)
    return [numbered(folder / "a.tif", grid)]


def no_crs_vector(folder):
    with pytest.warns(UserWarning, match="crs"):
        return [write_shapes(folder / "a.gpkg", squares(1), crs=None)]


def apart(folder):
    far = testing.small_grid(ROWS, COLS, corner=(600_000, 4_800_000))
    near = numbered(folder / "near.tif", GRIDS["UTM"])
    return [near, numbered(folder / "far.tif", far)]


def text_file(folder):
    path = folder / "notes.txt"
    path.write_text("not a map")
    return [path]


def no_features(folder):
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    return [path]


def beyond_the_map(folder):
    grid = GeoBox((9, 11), Affine(0.1, 0, 12, 0, -0.1, 89), "EPSG:4326")
    return [numbered(folder / "a.tif", grid)]


def wrong_coordinates(folder):
    grid = testing.small_grid(ROWS, COLS, corner=(5e9, 5e9))
    return [numbered(folder / "a.tif", grid)]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (lambda folder: [], "nothing to show"),
        (no_crs, "has no CRS.*Write it with one"),
        (no_crs_vector, "CRS of .* is not known.*Write"),
        (
            lambda folder: [Positions(*np.ones((3, 1)), None)],
            "CRS of positions is not known",
        ),
        (
            lambda folder: [Positions(*np.ones((3, 0)), UTM_CRS)],
            "positions.*0 features",
        ),
        (apart, "'far'.*shares no ground.*'near'.*Check its CRS"),
        (no_features, "nothing to draw: 0 features.*Check"),
        (beyond_the_map, "beyond latitude 85.*Draw it with `show`"),
        (wrong_coordinates, "no longitude and latitude.*Correct"),
    ],
)
def test_what_has_no_place_is_refused(folder, layers, words):
    with pytest.raises(ValueError, match=words):
        show_map(*layers(folder))


def test_files_that_are_no_layers_are_refused(folder):
    with pytest.raises(FileNotFoundError, match=r"no layer at.*Check the path"):
        show_map(folder / "absent.tif")
    with pytest.raises(OSError, match="neither a raster nor a vector") as caught:
        show_map(*text_file(folder))
    # GDAL's advice is for those who write its command line.
    assert "driver" not in str(caught.value)
    assert ".." not in str(caught.value)
    with pytest.raises(TypeError, match=r"NoneType.*path of a raster or a vector"):
        show_map(None)
    with pytest.raises(TypeError, match=r"array.*does not say where.*`show`"):
        show_map(np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": 9}, "Band 9 of .* does not exist: it has 4 bands"),
        ({"titles": ["a", "b"]}, "2 titles for 1 layer. Give"),
        ({"opacity": [0.1, 0.2]}, "2 opacities for 1 raster. Give"),
        ({"opacity": []}, "0 opacities for 1 raster. Give"),
        ({"opacity": 80}, "from 0, invisible, to 1. Received: 80"),
        ({"opacity": "half"}, "number from 0, invisible, to 1. Received: 'half'"),
        ({"opacity": None}, "number from 0.*Received: None"),
        ({"opacity": ["a"]}, "number from 0.*Received: 'a'"),
        ({"opacity": np.nan}, "number from 0.*Received: nan"),
        ({"height": -5}, "whole number of px.*Received: -5"),
        ({"height": "tall"}, "whole number of px.*Received: 'tall'"),
        ({"height": 480.5}, "whole number of px.*Received: 480.5"),
        ({"height": True}, "whole number of px.*Received: True"),
        ({"side_by_side": True}, "needs two rasters; there is 1"),
        ({"kind": "map"}, "kind 'map' is unknown"),
    ],
)
def test_wrong_options_are_refused(scene, options, words):
    with pytest.raises(ValueError, match=words):
        show_map(scene["input_10m"], **options)


def test_one_opacity_is_not_called_opacities(scene):
    with pytest.raises(ValueError, match="There is 1 opacity for 2 rasters"):
        show_map(scene["input_10m"], scene["labels"], opacity=[0.5])


@pytest.mark.parametrize(
    ("fill", "dtype", "nodata"), [(np.nan, "float32", None), (255, "uint8", 255)]
)
def test_a_raster_without_data_is_refused(folder, scene, fill, dtype, nodata):
    array = np.full((ROWS, COLS, 1), fill, dtype)
    path = rasters.write_array(folder / "a.tif", array, GRIDS["UTM"], nodata=nodata)
    with pytest.raises(ValueError, match=rf"nothing to draw.*{ROWS * COLS} pixels.*no"):
        show_map(scene["labels"], path)


def test_a_field_is_a_name(scene):
    with pytest.raises(TypeError, match=r"name of a field.*3"):
        show_map(scene["labels"], field=3)


def test_a_missing_field_is_refused(folder):
    path = write_shapes(folder / "a.geojson", squares(1), kind=["town"])
    with pytest.raises(ValueError, match=r"no field 'type'.*kind"):
        show_map(path, field="type")
