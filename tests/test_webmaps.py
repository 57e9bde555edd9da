"""`show_map`: every layer at its place, offline pages, still pictures, errors."""

import base64
import html
import io
import json
import re

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
from scenes import constant, write

from tutorial_lib import Legend, select_positions, testing
from tutorial_lib.patches.positions import Positions
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.webmaps import show_map
from tutorial_lib.viewers.webmaps.leaflet import leaflet_script
from tutorial_lib.viewers.webmaps.legends import legend_entries
from tutorial_lib.viewers.webmaps.overlays import read_overlay
from tutorial_lib.viewers.webmaps.shapes import COLOR, MAX_SHAPES, read_shapes

ROWS, COLS = 37, 53
UTM = "EPSG:32631"
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
    "south up": GeoBox((ROWS, COLS), Affine(10, 0, 500_000, 0, 10, 4_800_000), UTM),
    "turned": GeoBox((ROWS, COLS), TURNED @ Affine.scale(10, -10), UTM),
    "over the date line": testing.small_grid(
        ROWS, COLS, spacing=300, corner=(815_000, 8_000_000), crs="EPSG:32760"
    ),
}


@pytest.fixture(scope="module")
def scene():
    return testing.small_scene()


@pytest.fixture(scope="module")
def positions(scene):
    return select_positions(scene["labels"], count=7)


@pytest.fixture(scope="module")
def web(scene, positions):
    """A map of an image, a class map and positions."""
    return show_map(scene["input_10m"], scene["labels"], positions, height=333)


@pytest.fixture(scope="module")
def page(web, tmp_path_factory):
    """Text of the saved page of `web`."""
    path = web.save(tmp_path_factory.mktemp("page") / "map.html")
    return path.read_text(encoding="utf-8")


def rendered(web):
    """Text of a map's page."""
    return web.map.get_root().render()


def numbered(path, grid):
    """A raster in which no two pixels have the same number."""
    numbers = np.arange(grid.height * grid.width, dtype="uint16")
    return write(path, numbers.reshape(grid.shape), grid)


def on_the_map(x, y, crs, near=0.0):
    """Web Mercator by PROJ, on the same side of the date line as `near`."""
    move = pyproj.Transformer.from_crs(str(crs), "EPSG:3857", always_xy=True)
    x, y = move.transform(x, y)
    world = 2 * np.pi * 6_378_137
    return np.asarray(x) + world * np.round((near - np.asarray(x)) / world), y


# Places of rasters


@pytest.mark.parametrize("name", GRIDS)
def test_every_pixel_lies_where_proj_puts_it(tmp_path, name):
    grid = GRIDS[name]
    path = numbered(tmp_path / "a.tif", grid)
    overlay = read_overlay(path, "a", Display(kind="classes"))
    rows, cols = np.mgrid[:ROWS, :COLS]
    centres = grid.transform @ (cols + 0.5, rows + 0.5)
    middle = (overlay.bounds.left + overlay.bounds.right) / 2
    place = on_the_map(*centres, grid.crs, near=middle)
    col, row = (np.floor(i).astype(int) for i in ~overlay.grid.transform @ place)
    assert overlay.layer.valid[row, col].all()
    found = overlay.layer.preview.pixels[row, col, 0]
    np.testing.assert_array_equal(found, rows * COLS + cols)


def test_a_large_raster_is_read_from_its_overviews(tmp_path):
    shape = (301, 3307)
    path = constant(tmp_path / "large.tif", 3, shape)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
        # From now on, the full resolution differs from its overview.
        dataset.write(np.full(shape, 1, "uint8"), 1)
    overlay = read_overlay(path, "large")
    assert max(overlay.grid.shape) <= 1600
    assert np.unique(overlay.layer.preview.pixels[overlay.layer.valid]) == [3]


@pytest.mark.parametrize(
    ("name", "rows", "cols"),
    [
        ("UTM", 203, 311),
        ("degrees", 203, 311),
        ("turned", 203, 311),
        # Larger than a screen, so that pixels are averaged.
        ("turned", 401, 3307),
    ],
)
def test_interpolated_values_lie_where_proj_puts_them(tmp_path, name, rows, cols):
    grid = GeoBox((rows, cols), GRIDS[name].transform, GRIDS[name].crs)
    path = testing.coordinate_raster(tmp_path / "a.tif", grid)
    for band in (1, 2):
        overlay = read_overlay(path, "a", Display(bands=band, kind="grey"))
        spots = np.argwhere(overlay.layer.valid)[::997]
        x, y = overlay.grid.transform @ (spots[:, 1] + 0.5, spots[:, 0] + 0.5)
        move = pyproj.Transformer.from_crs("EPSG:3857", str(grid.crs), always_xy=True)
        col, row = ~grid.transform @ move.transform(x, y)
        expected = (row, col)[band - 1] - 0.5
        found = overlay.layer.preview.pixels[spots[:, 0], spots[:, 1], 0]
        # At the very border, a mean has pixels on one side only.
        inside = (np.minimum(row, rows - row) > 4) & (np.minimum(col, cols - col) > 4)
        assert inside.sum() > 50
        assert np.abs(found - expected)[inside].max() < 0.5


def test_a_raster_of_the_world_ends_where_the_map_ends(tmp_path):
    grid = GeoBox((90, 180), Affine(2, 0, -180, 0, -2, 90), "EPSG:4326")
    bounds = read_overlay(numbered(tmp_path / "a.tif", grid), "a").bounds
    edge = np.pi * 6_378_137
    sides = (bounds.left, bounds.bottom, bounds.right, bounds.top)
    assert sides == pytest.approx((-edge, -edge, edge, edge), rel=1e-6)


# Pictures and legends


def test_no_data_is_transparent_and_darkens_no_neighbour(tmp_path):
    array = np.full((ROWS, COLS, 3), 500, "uint16")
    array[10:20, 5:31] = 0
    path = write(tmp_path / "a.tif", array, nodata=0)
    overlay = read_overlay(path, "a", Display(value_range=(0, 1000)))
    seen = overlay.picture[overlay.layer.valid]
    assert set(map(tuple, seen.tolist())) == {(128, 128, 128, 255)}
    hole = on_the_map(*(GRIDS["UTM"].transform @ (18, 15)), UTM)
    col, row = map(int, ~overlay.grid.transform @ hole)
    assert overlay.picture[row, col, 3] == 0


def test_colours_of_classes_are_never_mixed(web):
    picture = web.layers[1].picture
    colors = {(*rgb, 255) for rgb in LEGEND.rgb} | {(0, 0, 0, 0)}
    assert set(map(tuple, picture.reshape(-1, 4).tolist())) == colors


def test_the_legend_has_each_class_once_and_the_scales(tmp_path, scene, positions):
    ramp = np.linspace(0, 1, ROWS * COLS, dtype="float32").reshape(ROWS, COLS)
    water = write(tmp_path / "water & more.tif", ramp)
    web = show_map(scene["labels"], water, positions, scene["labels"])
    classes = list(zip(LEGEND.names, LEGEND.colors, strict=True))
    assert legend_entries(web.layers) == [*classes, ("positions", COLOR)]
    (legend,) = re.findall("<details.*?</details>", rendered(web), flags=re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", legend).split()
    assert words == [
        *("Legend", *LEGEND.names, "positions", "water", "&amp;", "more", "0", "1")
    ]
    assert [color in legend for color in LEGEND.colors] == [True] * 4


def test_an_image_has_no_legend(scene):
    assert "<details" not in rendered(show_map(scene["input_10m"]))


# Vectors


def write_shapes(path, geometries, crs=UTM):
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(one) for one in geometries], object),
        field_data=[],
        fields=np.array([], object),
        geometry_type="Unknown",
        crs=crs,
    )
    return path


def squares(count):
    lefts = 500_000 + 100 * np.arange(count)
    return [shapely.box(x, 4_799_800, x + 50, 4_799_890) for x in lefts]


def test_positions_keep_their_places(positions):
    shapes = read_shapes(positions, "samples")
    move = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    expected = np.stack(move.transform(positions.x, positions.y), axis=-1)
    found = shapely.get_coordinates(shapes.geometries)
    # A millionth of a degree is a tenth of a metre.
    np.testing.assert_allclose(found, expected, rtol=0, atol=6e-7)
    assert shapes.description == "samples: 28 points."


@pytest.mark.parametrize("ending", ["geojson", "gpkg"])
def test_polygons_keep_their_places(tmp_path, ending):
    (shapes,) = show_map(write_shapes(tmp_path / f"a.{ending}", squares(3))).layers
    move = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    assert shapes.description == "a: 3 polygons."
    for found, square in zip(shapes.geometries, squares(3), strict=True):
        expected = np.transpose(move.transform(*square.exterior.xy))
        distances = found.hausdorff_distance(shapely.Polygon(expected))
        assert distances < 1e-5


def test_shapes_that_are_left_out_are_counted(tmp_path):
    count = 2 * MAX_SHAPES + 1
    x = np.linspace(500_000, 501_000, count)
    many = Positions(x, x + 4_300_000, np.zeros(count, int), CRS(UTM))
    web = show_map(many)
    assert len(web.layers[0].geometries) <= MAX_SHAPES
    assert f"of {count} shown" in repr(web)
    assert f"of {count} shown)" in rendered(web)
    empty = write_shapes(tmp_path / "a.geojson", [*squares(1), shapely.Polygon()])
    assert "1 of 2 shown" in read_shapes(empty, "a").description


# The page


def addresses(text):
    """Addresses that a page may load, outside Leaflet's script and comments."""
    rest = re.sub(r"/\*.*?\*/", "", text.replace(leaflet_script(), ""), flags=re.DOTALL)
    return re.findall(r"""https?://[^\s"']+|["'(=]//[^\s"']+""", rest)


def test_the_page_names_no_remote_address(page):
    assert addresses(page) == []
    # Leaflet names its home page, which the map does not link, and a namespace.
    own = set(re.findall(r"https?://[^\s\"']+", leaflet_script()))
    assert own == {"https://leafletjs.com", "http://www.w3.org/2000/svg"}
    assert "sourceMappingURL" not in page


def test_a_basemap_is_drawn_only_on_demand(scene, page):
    with_basemap = rendered(show_map(scene["labels"], basemap=True))
    tiles = [found for found in addresses(with_basemap) if "tile" in found]
    assert tiles == ["https://tile.openstreetmap.org/{z}/{x}/{y}.png"]
    assert "OpenStreetMap" in with_basemap
    assert "OpenStreetMap" not in page


def test_the_zoom_ends_at_large_pixels_or_at_the_basemaps_streets(tmp_path):
    for spacing in (10, 1000):
        path = constant(tmp_path / f"{spacing}.tif", 1, (ROWS, COLS), spacing=spacing)
        (south, _), (north, _) = show_map(path).bounds
        # Web Mercator stretches the ground by 1 / cos(latitude).
        side = spacing / np.cos(np.radians((south + north) / 2))
        pages = [rendered(show_map(path, basemap=choice)) for choice in (False, True)]
        ends = [float(re.search(r'"finest": ([0-9.]+)', text)[1]) for text in pages]
        pixels = side / (2 * np.pi * 6_378_137 / 256 / 2 ** ends[0])
        assert 48 / 2**0.25 * 0.98 < pixels < 48 * 1.02
        assert ends[1] >= 19
        assert '"everywhere": false' in pages[0]
        assert '"everywhere": true' in pages[1]


def test_a_notebook_gets_the_page_a_picture_and_a_text(web):
    bundle, about = web._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == repr(web) == about["image/png"]["alt"]
    assert "water" in repr(web)
    # An untrusted notebook loses the frame. What is left is the picture.
    left = re.sub(r"<iframe.*?</iframe>", "", bundle["text/html"], flags=re.DOTALL)
    assert "<img alt=" in left
    kind, data = re.search(r'src="data:image/(\w+);base64,([^"]+)"', left).groups()
    small, full = (
        Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")
        for text in (data, bundle["image/png"])
    )
    assert kind == "webp"
    assert small.size == full.size
    assert np.abs(np.asarray(small, int) - np.asarray(full, int)).mean() < 4
    assert "min-height:333px" in left
    assert re.search(r'<iframe [^>]*srcdoc="&lt;!DOCTYPE', bundle["text/html"])


def test_the_still_picture_shows_the_layers(scene):
    labels = show_map(scene["labels"])
    figure = labels.as_figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].reshape(-1, 3)
    for rgb in LEGEND.rgb:
        # Half the page is the map, and no class is rare.
        assert (drawn == rgb).all(axis=1).mean() > 0.02
    (axes,) = figure.axes
    (_, west), (_, east) = labels.bounds
    sides = [on_the_map(lon, 0, "EPSG:4326")[0] for lon in (west, east)]
    assert axes.get_xlim() == pytest.approx(sides)
    texts = axes.yaxis.get_major_formatter().seq
    assert len(texts) > 2
    for place, text in zip(axes.get_yticks(), texts, strict=True):
        lat = float(text.rstrip("°"))
        assert place == pytest.approx(on_the_map(0, lat, "EPSG:4326")[1])


def test_the_still_picture_draws_vectors_and_scales(tmp_path):
    ramp = np.linspace(0, 1, ROWS * COLS, dtype="float32").reshape(ROWS, COLS)
    hole = squares(1)[0].buffer(-10)
    shapes = [squares(1)[0] - hole, hole.exterior, hole.centroid]
    vectors = write_shapes(tmp_path / "a.geojson", shapes)
    figure = show_map(write(tmp_path / "a.tif", ramp), vectors).as_figure()
    area, line, dot = figure.axes[0].collections
    counts = [len(one.get_paths()) for one in (area, line)] + [len(dot.get_offsets())]
    assert counts == [1, 1, 1]
    (scale,) = figure.axes[0].child_axes
    assert scale.get_ylim() == (0, 1)


def test_a_map_opens_each_raster_once_and_keeps_the_lowest_opaque(
    scene, positions, monkeypatch
):
    opened, real = [], rasterio.open

    def counting(path, *args, **options):
        opened.append(str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(rasterio, "open", counting)
    paths = [scene["labels"], scene["input_20m"], scene["labels"]]
    web = show_map(positions, *paths, opacity=0.6)
    assert opened == [str(path) for path in paths]
    seen = [getattr(layer, "opacity", None) for layer in web.layers]
    assert seen == [None, 1, 0.6, 0.6]
    # A list of layers has each name once.
    titles = [layer.title for layer in web.layers]
    assert titles == ["positions", "labels (1)", "s2_20m", "labels (2)"]


def test_layers_that_are_added_later_are_in_the_list(scene):
    web = show_map(scene["labels"])
    before = rendered(web)
    group = folium.FeatureGroup(name="my own layer")
    group.add_to(web.map)
    after = rendered(web)
    assert "my own layer" not in before
    assert after.index(f"var {group.get_name()}") < after.index('["my own layer"')
    assert after.count("<details") == 1


def test_titles_cannot_write_html(tmp_path):
    grid = GRIDS["UTM"]
    text = "</script><img src=x>"
    path = write(
        tmp_path / "a.tif",
        np.zeros((ROWS, COLS), "uint8"),
        grid,
        legend=Legend((text,), ("#106b00",)),
    )
    assert "<img src=x" not in rendered(show_map(path, titles=text))


# Makes a folder "ran" if it is run as a template. It has no quotes: those are escaped.
INTRUDER = "{{ cycler.__init__.__globals__.os.mkdir(dict(ran=1)|join) }}"
ODD_TEXTS = (
    INTRUDER,
    "{{ water }}",
    "{% if %}",
    "{# dark #}",
    "{%raw%}",
    "}} {",
    "7*7",
)


@pytest.mark.sampled(daily=3)
@pytest.mark.thorough
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_braces_in_texts_are_not_templates(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    path = write(
        tmp_path / f"{text}.tif",
        np.zeros((ROWS, COLS), "uint8"),
        GRIDS["UTM"],
        legend=Legend((text,), ("#106b00",)),
        tags={"ATTRIBUTION": text},
    )
    write_shapes(tmp_path / "a.gpkg", squares(2))
    # GDAL names the layer after the file, and takes no such name.
    vectors = (tmp_path / "a.gpkg").rename(tmp_path / f"{text}.gpkg")
    # Names of files and classes, tags, titles; as a page, in a file and in a notebook.
    for web in (show_map(path, vectors), show_map(path, titles=text)):
        page = rendered(web)
        assert web.save(tmp_path / "map.html").stat().st_size > 1000
        assert "text/html" in web._repr_mimebundle_()[0]
        literal = json.dumps(text).replace("'", "\\u0027")
        assert page.count(literal[1:-1]) + page.count(html.escape(text)) > 2
    assert not (tmp_path / "ran").exists()


# Errors


def vectors_without_crs(folder):
    with pytest.warns(UserWarning, match="crs"):
        return [write_shapes(folder / "a.gpkg", squares(1), crs=None)]


def apart(folder):
    near = constant(folder / "near.tif", 1)
    return [near, constant(folder / "far.tif", 1, corner=(600_000, 4_800_000))]


def no_features(folder):
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    return [path]


def beyond_the_map(folder):
    grid = GeoBox((9, 11), Affine(0.1, 0, 12, 0, -0.1, 89), "EPSG:4326")
    return [numbered(folder / "a.tif", grid)]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (lambda f: [], "nothing to show"),
        (lambda f: [constant(f / "a.tif", 1, crs=None)], "has no CRS.*Write it with"),
        (vectors_without_crs, "CRS of .* is not known.*Write"),
        (apart, "'far'.*shares no ground.*'near'.*Check its CRS"),
        (no_features, "nothing to draw: 0 features.*Check"),
        (beyond_the_map, "beyond latitude 85.*Draw it with `show`"),
        (
            lambda f: [constant(f / "a.tif", 1, corner=(5e9, 5e9))],
            "no longitude and latitude.*Correct",
        ),
    ],
)
def test_layers_without_a_place_are_errors(tmp_path, layers, words):
    with pytest.raises(ValueError, match=words):
        show_map(*layers(tmp_path))


def test_missing_files_and_other_files_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"vector file at '.*absent.*Check"):
        show_map(tmp_path / "absent.tif")
    text = tmp_path / "notes.txt"
    text.write_text("not a map")
    with pytest.raises(OSError, match="neither a raster nor a vector") as caught:
        show_map(text)
    # GDAL's own advice is about its command line.
    assert "driver" not in str(caught.value)
    with pytest.raises(TypeError, match=r"nothing .*path of a raster or a vector"):
        show_map(None)
    with pytest.raises(TypeError, match=r"array.*does not say where.*`show`"):
        show_map(np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bands": 9}, "Band 9 of .* has 4 bands"),
        ({"titles": ["a", "b"]}, "2 titles for 1 layer"),
        ({"opacity": 80}, "`opacity` is 80. Give a number from 0 to 1"),
        ({"opacity": [0.5]}, r"`opacity` is \[0.5\]. Give a number from 0 to 1"),
        ({"opacity": np.nan}, "`opacity` is nan. Give a number from 0 to 1"),
        ({"basemap": "no"}, "`basemap` is 'no'. Give True or False"),
        ({"height": -5}, "`height` is -5. Give a whole number, 100 or more"),
        ({"height": "tall"}, "`height` is 'tall'. Give a whole number, 100 or more"),
        ({"kind": "map"}, "`kind` is 'map'. Give one of 'rgb', 'classes'"),
    ],
)
def test_wrong_options_are_errors(scene, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        show_map(scene["input_10m"], **options)


@pytest.mark.parametrize(
    ("fill", "dtype", "nodata"), [(np.nan, "float32", None), (255, "uint8", 255)]
)
def test_a_raster_without_data_is_an_error(tmp_path, scene, fill, dtype, nodata):
    path = constant(tmp_path / "a.tif", fill, (ROWS, COLS), dtype=dtype, nodata=nodata)
    with pytest.raises(ValueError, match=rf"nothing to draw.*{ROWS * COLS} pixels"):
        show_map(scene["labels"], path)
