"""Maps of TensorflowModelServe, compared with what a loop over pixels gives."""

from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow as tf
from affine import Affine
from odc.geo.geobox import GeoBox
from served_networks import chunk_corner, first_pixels, save, weighted, window_first

import tutorial_lib as tl
from tutorial_lib import architectures
from tutorial_lib.compat import pyotb, served_image
from tutorial_lib.compat.images import ArrayImage
from tutorial_lib.networks.running import CompiledModel
from tutorial_lib.rasters import read_array, read_grid, write_array
from tutorial_lib.testing import coordinate_raster, small_grid

# Neither square nor multiples of anything.
SHAPE = (61, 83)
RNG = np.random.default_rng(21)
KERNEL = RNG.integers(-4, 5, (5, 4, 2, 1)).astype("float32")
PIXELS = RNG.integers(1, 50, (*SHAPE, 2)).astype("uint16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("serve")


@pytest.fixture(scope="module")
def image(folder):
    return write_array(folder / "image.tif", PIXELS, small_grid(*SHAPE))


@pytest.fixture(scope="module")
def coordinates(folder):
    """Pixels that hold their own row and column."""
    return coordinate_raster(folder / "coordinates.tif", small_grid(*SHAPE))


@pytest.fixture(scope="module")
def coarse_coordinates(folder):
    grid = small_grid(30, 41, spacing=20)
    return coordinate_raster(folder / "coarse.tif", grid)


@pytest.fixture(scope="module")
def sums(folder):
    return save(folder / "sums", weighted(KERNEL), ("x", 2))


@pytest.fixture(scope="module")
def corners(folder):
    return save(folder / "corners", chunk_corner, ("x", 2))


def serve(model, *sources, **more):
    """A map; a source is (image, height of its receptive field, width)."""
    given = {}
    for number, (path, height, width) in enumerate(sources, 1):
        given |= {
            f"source{number}_il": path,
            f"source{number}_rfieldy": height,
            f"source{number}_rfieldx": width,
        }
    return pyotb.TensorflowModelServe(model_dir=model, **given, **more)


def serve_sums(sums, image, **more):
    return serve(sums, (image, 5, 4), **({"output_names": "sum"} | more))


def expected_sums(pixels=PIXELS):
    """One sum for each window of 5 rows and 4 columns that lies inside."""
    height, width = pixels.shape[0] - 4, pixels.shape[1] - 3
    found = np.zeros((height, width, 1))
    for row in range(height):
        for col in range(width):
            window = pixels[row : row + 5, col : col + 4].astype("float64")
            found[row, col] = (window * KERNEL[..., 0]).sum()
    return found


TILES = [
    *({"optim_tilesizex": n, "optim_tilesizey": n} for n in (10, 16, 17, 64)),
    {"optim_tilesizex": 13, "optim_tilesizey": 200},
    {"optim_disabletiling": True},
]


@pytest.mark.parametrize("fully", [True, False])
@pytest.mark.parametrize("tiles", TILES)
def test_every_tile_size_gives_the_whole_map(sums, image, tiles, fully):
    app = serve_sums(sums, image, model_fullyconv=fully, **tiles)
    assert (app.to_numpy() == expected_sums()).all()
    # The pixel whose patch begins at the corner: row 2 and column 2 of the image.
    assert app.transform[2] == 500_020
    assert app.transform[5] == 4_799_980


def test_tiles_of_a_pixel(sums, folder):
    path = write_array(folder / "small.tif", PIXELS[:14, :17], small_grid(14, 17))
    tiles = {"optim_tilesizex": 1, "optim_tilesizey": 1}
    for fully in (True, False):
        app = serve_sums(sums, path, model_fullyconv=fully, **tiles)
        assert (app.to_numpy() == expected_sums(PIXELS[:14, :17])).all()


@pytest.mark.parametrize("fully", [True, False])
def test_a_box_is_a_part_of_the_whole_map(sums, image, folder, fully):
    app = serve_sums(sums, image, model_fullyconv=fully)
    app.write(folder / "box.tif", ext_fname="box=21:13:40:30")
    assert (read_array(folder / "box.tif") == expected_sums()[13:43, 21:61]).all()
    expected = Affine(10, 0, 500_000 + 230, 0, -10, 4_800_000 - 150)
    assert read_grid(folder / "box.tif").transform == expected


@pytest.mark.parametrize("fully", [True, False])
@pytest.mark.parametrize(
    "name", ["sum", "three_axes", "two_axes", "one_axis", "odd", "odd one_axis sum"]
)
def test_outputs_of_one_to_four_axes(sums, image, name, fully):
    app = serve_sums(sums, image, output_names=name, model_fullyconv=fully)
    bands = {"odd": expected_sums() % 2}
    expected = [bands.get(one, expected_sums()) for one in name.split()]
    assert (app.to_numpy() == np.concatenate(expected, axis=-1)).all()
    assert app.dtype == "float32"


def valid_pixels(size, spacing, others, field):
    """Pixels of a reference whose patches lie inside of all sources.

    Args:
        size: Pixels of the reference.
        spacing: Size of one, in metres.
        others: (pixels, size of one, receptive field) of the other sources.
        field: Receptive field of the reference.
    """
    found = []
    for pixel in range(size):
        place = (pixel + 0.5) * spacing
        starts = [(pixel - field // 2, field, size)]
        starts += [(int(place // s) - r // 2, r, n) for n, s, r in others]
        if all(0 <= start <= n - r for start, r, n in starts):
            found.append(pixel)
    return found


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_patches_of_one_source(folder, coordinates, scale):
    model = save(folder / f"first_{scale}", first_pixels, ("x", 2))
    app = serve(model, (coordinates, 7, 6), output_spcscale=scale)
    rows = valid_pixels(61, 10, [], 7)
    columns = valid_pixels(83, 10, [], 6)
    expected = np.stack(
        np.meshgrid(
            [rows[0] - 3 + scale * m for m in range(len(rows) // scale)],
            [columns[0] - 3 + scale * m for m in range(len(columns) // scale)],
            indexing="ij",
        ),
        axis=-1,
    )
    assert (app.to_numpy() == expected).all()
    # The corner of a pixel whose centre is that of the reference's pixel.
    assert app.transform[2] == 500_000 + 10 * (columns[0] + 0.5 - scale / 2)
    assert app.transform[5] == 4_800_000 - 10 * (rows[0] + 0.5 - scale / 2)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("coarse_first", [True, False])
def test_patches_of_two_sources(
    folder, coordinates, coarse_coordinates, coarse_first, scale
):
    name = f"two_{scale}_{coarse_first}"
    model = save(folder / name, first_pixels, ("a", 2), ("b", 2))
    # Both begin on the edge of a coarse pixel, in rows and in columns.
    sources = [(coordinates, 9, 12), (coarse_coordinates, 5, 6)]
    sizes = [((61, 83), 10), ((30, 41), 20)]
    if coarse_first:
        sources, sizes = sources[::-1], sizes[::-1]
    app = serve(model, *sources, output_spcscale=scale).to_numpy()
    (shape, spacing), (other, other_spacing) = sizes
    for axis in (0, 1):
        fields = sources[0][1 + axis], sources[1][1 + axis]
        pixels = valid_pixels(
            shape[axis], spacing, [(other[axis], other_spacing, fields[1])], fields[0]
        )
        assert app.shape[axis] == len(pixels) // scale
        for m, values in enumerate(np.moveaxis(app, axis, 0)):
            place = (pixels[0] + m * scale + 0.5) * spacing
            first = pixels[0] + m * scale - fields[0] // 2
            second = int(place // other_spacing) - fields[1] // 2
            assert (values[..., axis] == first).all()
            assert (values[..., 2 + axis] == second).all()


def test_batches_of_patches_are_one_tile(sums, image, monkeypatch):
    monkeypatch.setattr(served_image, "PATCH_VALUES", 1000)
    assert (serve_sums(sums, image).to_numpy() == expected_sums()).all()


@pytest.mark.parametrize(("scale", "before"), [(1, 0), (2, 0), (3, 1), (4, 1)])
def test_scale_factors_of_fully_convolutional_networks(
    folder, coordinates, scale, before
):
    """OTBTF reads one pixel too early from the second tile on, for 3 and 4."""
    model = save(
        folder / f"strided_{scale}", window_first(8, 6, stride=scale), ("x", 2)
    )
    app = serve(
        model,
        (coordinates, 8, 6),
        output_spcscale=scale,
        model_fullyconv=True,
        optim_tilesizex=5,
        optim_tilesizey=4,
    )
    values = app.to_numpy()
    assert values.shape == ((61 - 7) // scale, (83 - 5) // scale, 2)
    for row, line in enumerate(values[..., 0]):
        assert (line == row * scale - before * (row >= 4)).all()
    for col, line in enumerate(values[..., 1].T):
        assert (line == col * scale - before * (col >= 5)).all()


def test_tiles_are_counted_from_the_corner_of_the_map(corners, coordinates, folder):
    app = serve(
        corners,
        (coordinates, 1, 1),
        model_fullyconv=True,
        optim_tilesizex=13,
        optim_tilesizey=9,
    )
    app.write(folder / "corners.tif", ext_fname="box=20:11:40:30")
    values = read_array(folder / "corners.tif")
    for row in range(30):
        for col in range(40):
            first = max(11, (11 + row) // 9 * 9), max(20, (20 + col) // 13 * 13)
            assert tuple(values[row, col]) == first


def test_requests_are_enlarged_to_whole_blocks(corners, coordinates, folder):
    """An expression field of 4 rows and 6 columns."""
    options = {"output_efieldy": 4, "output_efieldx": 6, "model_fullyconv": True}
    tiles = {"optim_tilesizex": 12, "optim_tilesizey": 10}
    with pytest.warns(UserWarning, match="Tiles of 12 px"):
        app = serve(corners, (coordinates, 4, 6), **options, **tiles)
    assert app.shape == (60, 78, 2)
    assert app.transform[2] == 500_000
    app.write(folder / "blocks.tif", ext_fname="box=20:15:40:30")
    values = read_array(folder / "blocks.tif")
    for row in range(30):
        for col in range(40):
            top = max(12, (15 + row) // 12 * 12)
            left = max(18, (20 + col) // 12 * 12)
            assert tuple(values[row, col]) == (top, left)


def test_what_a_request_was_enlarged_by_is_cut_off(folder, coordinates):
    model = save(folder / "same", lambda x: {"y": x["x"] + 0}, ("x", 2))
    options = {"output_efieldy": 4, "output_efieldx": 6, "model_fullyconv": True}
    tiles = {"optim_tilesizex": 12, "optim_tilesizey": 8}
    app = serve(model, (coordinates, 4, 6), **options, **tiles)
    app.write(folder / "same.tif", ext_fname="box=20:15:40:30")
    expected = read_array(coordinates)[15:45, 20:60]
    assert (read_array(folder / "same.tif") == expected).all()


def test_a_default_tile_becomes_one_block_silently(corners, coordinates):
    more = {"output_efieldx": 20, "output_efieldy": 20, "model_fullyconv": True}
    values = serve(corners, (coordinates, 20, 20), **more).to_numpy()
    assert values.shape == (60, 80, 2)
    assert values[39, 59].tolist() == [20, 40]


def lacks_data(pixels, tile, sizes, *, field=(5, 4), value=0):
    """The rule of OTBTF for each pixel of a map: all that its tile reads is no-data."""
    lacks = np.zeros(sizes, bool)
    for top in range(0, sizes[0], tile):
        for left in range(0, sizes[1], tile):
            down, right = min(top + tile, sizes[0]), min(left + tile, sizes[1])
            read = pixels[top : down + field[0] - 1, left : right + field[1] - 1]
            same = np.isnan(read) if np.isnan(value) else read == value
            lacks[top:down, left:right] = same.all()
    return lacks


@pytest.mark.parametrize("fully", [True, False])
@pytest.mark.parametrize("tile", [3, 8, 16])
def test_tiles_without_data(sums, folder, tile, fully):
    pixels = PIXELS.copy()
    pixels[3:58, 9:80] = 0
    # No-data of one band only is a value like any other.
    pixels[20, 20, 1] = 7
    path = write_array(folder / "holes.tif", pixels, small_grid(*SHAPE))
    app = serve_sums(
        sums,
        path,
        model_fullyconv=fully,
        source1_nodata=0,
        output_bv=-9999,
        optim_tilesizex=tile,
        optim_tilesizey=tile,
    )
    lacks = lacks_data(pixels, tile, (57, 80))
    assert lacks.any()
    expected = np.where(lacks[..., np.newaxis], -9999, expected_sums(pixels))
    assert (app.to_numpy() == expected).all()


def test_nan_is_a_nodata_value(sums, folder):
    pixels = PIXELS[:40, :44].astype("float32")
    pixels[3:31, 9:40] = np.nan
    path = write_array(folder / "nan.tif", pixels, small_grid(40, 44))
    tiles = {"optim_tilesizex": 8, "optim_tilesizey": 8, "model_fullyconv": True}
    app = serve_sums(sums, path, source1_nodata="nan", output_bv=-9999, **tiles)
    lacks = lacks_data(pixels, 8, (36, 41), value=np.nan)
    assert lacks.any()
    assert ((app.to_numpy()[..., 0] == -9999) == lacks).all()


@pytest.mark.parametrize("fully", [True, False])
def test_one_source_without_data_is_enough(folder, image, fully):
    def function(given):
        return {"a": given["a"], "b": given["b"]}

    model = save(folder / f"pair_{fully}", function, ("a", 2), ("b", 2))
    pixels = PIXELS.copy()
    pixels[16:48, 32:64] = 0
    path = write_array(folder / f"hole_{fully}.tif", pixels, small_grid(*SHAPE))
    more = {"source2_nodata": 0, "output_names": ["b", "a"], "model_fullyconv": fully}
    values = serve(model, (image, 1, 1), (path, 1, 1), **more).to_numpy()
    expected = np.concatenate([pixels, PIXELS], axis=-1)
    expected[16:48, 32:64] = 0
    assert (values == expected).all()


class CountingImage(ArrayImage):
    """An image that keeps the windows that are read of it."""

    def __init__(self, array, grid):
        super().__init__(array, grid)
        self.windows = []

    @contextmanager
    def reading(self):
        with super().reading() as read:

            def counted(*window):
                self.windows.append(window)
                return read(*window)

            yield counted


@pytest.mark.parametrize("fully", [True, False])
def test_sources_are_read_once_for_a_row_of_tiles(sums, folder, fully):
    source = CountingImage(PIXELS, small_grid(*SHAPE))
    app = serve_sums(sums, source, model_fullyconv=fully)
    app.write(folder / "counted.tif")
    assert source.windows == [
        (top, 0, min(16, 57 - top) + 4, 83) for top in range(0, 57, 16)
    ]


def test_a_network_is_compiled_once(sums, image, monkeypatch):
    compiled, original = [], CompiledModel._compiled

    def counted(*given):
        compiled.append(given)
        return original(*given)

    monkeypatch.setattr(CompiledModel, "_compiled", counted)
    serve_sums(sums, image, model_fullyconv=True).to_numpy()
    assert len(compiled) == 1


def test_sources_by_name_and_in_alphabetical_order(folder, image):
    model = save(folder / "named", lambda x: {"b": x["b"]}, ("a", 2), ("b", 1))
    one = f"{image}?&bands=2"
    sources = {"source1_il": one, "source2_il": image}
    app = pyotb.TensorflowModelServe(
        **sources, source1_placeholder="b", source2_placeholder="a", model_dir=model
    )
    assert (app.to_numpy() == PIXELS[..., 1:]).all()
    app = pyotb.TensorflowModelServe(
        source1_il=image, source2_il=one, model_dir=model / "saved_model.pb"
    )
    assert (app.to_numpy() == PIXELS[..., 1:]).all()


def test_a_list_of_images_is_stacked(folder, image):
    model = save(folder / "three", lambda x: {"y": x["x"][..., 1:]}, ("x", 3))
    app = serve(model, ([image, f"{image}?&bands=1"], 1, 1))
    assert (app.to_numpy() == PIXELS[..., [1, 0]]).all()


def test_inputs_become_the_type_of_the_network(folder, image):
    module = tf.Module()
    module.serve = tf.function(lambda x: {"half": x // 2})
    spec = tf.TensorSpec([None, None, None, 2], tf.int32, "x")
    concrete = module.serve.get_concrete_function(x=spec)
    tf.saved_model.save(module, str(folder / "whole"), signatures=concrete)
    app = serve(folder / "whole", (image, 1, 1))
    assert (app.to_numpy() == PIXELS // 2).all()


@pytest.mark.parametrize("fully", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        "gain=3 negative=true shifts=(1.5,-2) each=(10,20)",
        ["gain=3", "negative=True", "shifts=(1.5,", "-2)", "each=(10,20)"],
    ],
)
def test_values_of_inputs_that_are_no_images(folder, image, words, fully):
    def function(given):
        values = given["x"] * tf.cast(given["gain"], tf.float32) + given["shifts"]
        values += given["each"][:, tf.newaxis, tf.newaxis]
        return {"y": tf.where(given["negative"], -values, values)}

    model = save(
        folder / f"values_{fully}_{len(words)}",
        function,
        ("x", 2),
        gain=tf.TensorSpec([], tf.int32),
        negative=tf.TensorSpec([], tf.bool),
        shifts=tf.TensorSpec([None], tf.float32),
        # One vector for each image of a batch.
        each=tf.TensorSpec([None, 2], tf.float32),
    )
    more = {"model_userplaceholders": words, "model_fullyconv": fully}
    app = serve(model, (image, 1, 1), **more)
    expected = -(PIXELS * 3.0 + np.array([1.5, -2]) + np.array([10, 20]))
    assert (app.to_numpy() == expected).all()


@pytest.mark.thorough
def test_networks_of_keras_in_every_form(folder, image):
    model = architectures.pixelwise_fcnn(2, channels=2, crops=())
    model.save(folder / "fcnn.keras")
    model.export(folder / "by_keras", verbose=False)
    tl.export(model, folder / "by_kit")
    more = {"output_names": "estimated", "model_fullyconv": True}
    maps = [
        serve(folder / name, (image, 16, 16), **more).to_numpy()
        for name in ("fcnn.keras", "by_keras", "by_kit")
    ]
    whole = model({"input": PIXELS[np.newaxis].astype("float32")})["estimated"]
    for one in maps:
        np.testing.assert_allclose(one, whole[0], atol=1e-5)


def test_a_map_is_the_input_of_another_application(sums, image):
    app = serve_sums(sums, image)
    part = pyotb.ExtractROI(app, startx=7, starty=20, sizex=30, sizey=25)
    assert (part.to_numpy() == expected_sums()[20:45, 7:37]).all()


def test_grids_with_a_shift_of_half_a_pixel_are_told(folder, image):
    grid = GeoBox(SHAPE, Affine(10, 0, 500_005, 0, -10, 4_800_000), "EPSG:32631")
    moved = write_array(folder / "moved.tif", PIXELS, grid)
    model = save(folder / "moved", lambda x: {"y": x["a"]}, ("a", 2), ("b", 2))
    with pytest.warns(UserWarning, match=r"0 rows and 0\.5 columns beside"):
        serve(model, (image, 1, 1), (moved, 1, 1), model_fullyconv=True)
