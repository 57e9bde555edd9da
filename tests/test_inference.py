"""The laws of tiled inference, its geometry, its files, and its errors.

Rasters are not square, and no tile size divides their sides.
"""

import inspect
import os
import re
import subprocess
import sys
import time
import tracemalloc
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window
from scenes import LEFT, TOP, constant, image, write

from tutorial_lib import Source, plan_inference, predict_raster, rasters, testing
from tutorial_lib.grids import GridMismatchError
from tutorial_lib.inference.plan import InferencePlan
from tutorial_lib.testing import BlockMean

# Functions do not show their layers; test_judging.py tests the warning.
pytestmark = pytest.mark.filterwarnings("ignore:Whether the tiles give the map")

TILE_SIZES = (37, 64, 256, 1000)
SHAPE = (121, 167)
CORNER = (LEFT, TOP)


def vrt_of(raster, path):
    """A VRT that shows a raster as it is."""
    grid = rasters.read_grid(raster)
    bands = "".join(
        f"""<VRTRasterBand dataType="UInt16" band="{band}"><SimpleSource>
        <SourceFilename relativeToVRT="1">{raster.name}</SourceFilename>
        <SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"""
        for band in range(1, 5)
    )
    a = grid.transform
    path.write_text(
        f"""<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">
        <SRS>EPSG:32631</SRS>
        <GeoTransform>{a.c}, {a.a}, 0, {a.f}, 0, {a.e}</GeoTransform>
        {bands}</VRTDataset>"""
    )
    return path


def random_raster(path, shape, *, spacing=10, corner=CORNER, channels=2, seed=0):
    """Whole numbers, so that sums of them are exact in any order."""
    array = image(*shape, channels, seed, largest=10_000)
    return write(path, array, spacing=spacing, corner=corner)


def one_source(folder, *, field=16, shape=SHAPE, **options):
    path = random_raster(folder / "a.tif", shape, **options)
    return Source(path, receptive_field=field)


def pyramid(folder):
    """Three resolutions; the corners of the coarse ones lie between pixels of the map.

    The second begins outside of the first, the third inside.
    """
    x, y = CORNER
    second = {"spacing": 20, "corner": (x - 30, y + 50), "channels": 3, "seed": 1}
    third = {"spacing": 40, "corner": (x + 100, y - 60), "channels": 1, "seed": 2}
    return {
        "fine": Source(random_raster(folder / "a.tif", SHAPE), receptive_field=16),
        "middle": Source(
            random_raster(folder / "b.tif", (63, 88), **second), receptive_field=8
        ),
        "coarse": Source(
            random_raster(folder / "c.tif", (31, 37), **third), receptive_field=4
        ),
    }


PYRAMID_MEAN = BlockMean(
    {"fine": 16, "middle": 8, "coarse": 4}, {"fine": 4, "middle": 2, "coarse": 1}
)


def naive_map(sources, *, scale=1):
    """The block rule with loops: sums of means, and the corner of the first pixel."""
    arrays = [rasters.read_array(s.path).astype("float64") for s in sources.values()]
    grids = [rasters.read_grid(s.path) for s in sources.values()]
    fields = [s.receptive_field for s in sources.values()]
    spacing = int(grids[0].transform.a) * scale
    values = {}
    for row, col in np.ndindex(*(size // scale for size in grids[0].shape)):
        x = grids[0].transform.c + col * spacing
        y = grids[0].transform.f - row * spacing
        total = 0
        for array, grid, field in zip(arrays, grids, fields, strict=True):
            left = floor((x - grid.transform.c) / grid.transform.a)
            top = floor((grid.transform.f - y) / grid.transform.a)
            block = array[max(top, 0) : top + field, max(left, 0) : left + field]
            if block.shape[:2] != (field, field) or min(top, left) < 0:
                break
            total += block.mean()
        else:
            values[row, col] = total
    first, last = min(values), max(values)
    size = last[0] - first[0] + 1, last[1] - first[1] + 1
    shift = floor(Fraction(fields[0], 2 * scale))
    corner = (
        grids[0].transform.c + (first[1] + shift) * spacing,
        grids[0].transform.f - (first[0] + shift) * spacing,
    )
    return np.array(list(values.values()), "float32").reshape(size), corner


@pytest.fixture(scope="module")
def fcnn():
    import keras

    from tutorial_lib import architectures

    keras.utils.set_random_seed(0)
    return architectures.pixelwise_fcnn(6, crops=())


# Law 1: tiled = whole


def test_tiles_of_any_size_give_the_whole_map(tmp_path):
    source = one_source(tmp_path)
    expected, corner = naive_map({"input": source})
    for size in TILE_SIZES:
        plan = plan_inference(
            BlockMean({"input": 16}), source, output="estimated", tile_size=size
        )
        np.testing.assert_array_equal(plan.read()[..., 0], expected)
        assert (plan.grid.transform.c, plan.grid.transform.f) == corner
    assert expected.shape == (106, 152)


@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_tiles_of_three_resolutions_give_the_whole_map(tmp_path, mode):
    sources = pyramid(tmp_path)
    expected, corner = naive_map(sources, scale=4)
    for size in (5, *TILE_SIZES):
        plan = plan_inference(
            PYRAMID_MEAN,
            sources,
            output="estimated",
            mode=mode,
            scale_factor=4,
            tile_size=size,
        )
        np.testing.assert_array_equal(plan.read()[..., 0], expected)
        assert (plan.grid.transform.c, plan.grid.transform.f) == corner


def test_tiles_of_a_real_network_give_the_whole_map(tmp_path, fcnn):
    source = one_source(tmp_path, channels=4)
    pixels = rasters.read_array(source.path).astype("float32")[np.newaxis]
    whole = fcnn({"input": pixels}, training=False)
    whole = {name: np.asarray(whole[name])[0] for name in whole}
    best = np.sort(whole["estimated"], axis=-1)[..., -2:]
    clear = best[..., 1] - best[..., 0] > 1e-5
    for size in TILE_SIZES:
        options = {"tile_size": size}
        values = plan_inference(fcnn, source, output="estimated", **options).read()
        labels = plan_inference(
            fcnn, source, output="estimated_labels", **options
        ).read()
        np.testing.assert_allclose(values, whole["estimated"], rtol=0, atol=1e-5)
        wrong = (labels != whole["estimated_labels"])[..., 0] & clear
        assert not wrong.any()
    assert clear.mean() > 0.9, "With many ties the comparison of labels proves little."


# Law 2: a window's map = the window of the full map


def padded_mean(inputs):
    """A 'same' network: it takes what lies outside a chunk for 0."""
    padded = {k: np.pad(v, ((0, 0), (3, 3), (3, 3), (0, 0))) for k, v in inputs.items()}
    return BlockMean({"input": 7})(padded)


WINDOWS = [
    Window(col_off=0, row_off=0, width=1, height=1),
    Window(col_off=31, row_off=16, width=33, height=47),
    Window(col_off=90, row_off=62, width=25, height=20),
]


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("edge", ["valid", "pad"])
@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_a_window_of_the_map_is_the_map_of_the_window(tmp_path, window, edge, mode):
    """Also where the tiles leave artefacts: a window does not move the tiles."""
    cases = [
        (BlockMean({"input": 16}), 16, {}),
        (BlockMean({"input": 16}), 18, {"expression_field": 3, "tile_size": 21}),
        (BlockMean({"input": 7}, {"input": 3}), 7, {"scale_factor": 3}),
        (padded_mean, 16, {"expression_field": 16, "tile_size": 32}),
    ]
    for model, field, options in cases:
        source = one_source(tmp_path, field=field, shape=(251, 349))
        options |= {"output": "estimated", "edge": edge, "mode": mode}
        whole = plan_inference(model, source, **options)
        part = plan_inference(model, source, window=window, **options)
        values = whole.read()[window.toslices()]
        np.testing.assert_array_equal(part.read(), values)
        step = whole.grid.transform.a
        assert part.grid.shape.yx == values.shape[:2]
        assert part.grid.transform.c == whole.grid.transform.c + window.col_off * step
        assert part.grid.transform.f == whole.grid.transform.f - window.row_off * step


def test_declared_fields_of_a_padding_network_show_its_tiles(tmp_path):
    """The test above needs this: otherwise it compares maps without artefacts."""
    source = one_source(tmp_path)
    maps = [
        plan_inference(
            padded_mean, source, output="estimated", expression_field=16, tile_size=size
        ).read()
        for size in (16, 48)
    ]
    assert (maps[0] != maps[1]).any()


# Law 3: one map, whatever the mode, the reference, and the size of the fields


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("extra", [0, 1, 5])
def test_both_modes_and_all_equal_fields_give_one_map(tmp_path, scale, extra):
    """Fields (r + k t, e + t) describe the same map as (r, e)."""
    model = BlockMean({"input": 16}, {"input": scale})
    smallest = one_source(tmp_path)
    expected, corner = naive_map({"input": smallest}, scale=scale)
    source = Source(smallest.path, receptive_field=16 + scale * extra)
    for mode in ("fully_convolutional", "patch_based"):
        plan = plan_inference(
            model,
            source,
            output="estimated",
            mode=mode,
            expression_field=1 + extra,
            scale_factor=scale,
        )
        values = plan.read()[..., 0]
        # Larger blocks may leave less than a block at the lower and right borders.
        part = expected[: values.shape[0], : values.shape[1]]
        np.testing.assert_array_equal(values, part)
        assert all(
            0 <= whole - got <= extra
            for whole, got in zip(expected.shape, values.shape, strict=True)
        )
        assert (plan.grid.transform.c, plan.grid.transform.f) == corner


@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_every_source_may_be_the_reference(tmp_path, mode):
    x, y = CORNER
    fine = random_raster(tmp_path / "f.tif", SHAPE)
    coarse = random_raster(
        tmp_path / "c.tif", (55, 81), spacing=20, corner=(x + 40, y - 60), seed=1
    )
    sources = {
        "coarse": Source(coarse, receptive_field=8),
        "fine": Source(fine, receptive_field=16),
    }
    model = BlockMean({"coarse": 8, "fine": 16}, {"coarse": 1, "fine": 2})
    options = {"output": "estimated", "mode": mode, "tile_size": 33}
    first = plan_inference(model, sources, **options)
    switched = dict(reversed(sources.items()))
    second = plan_inference(model, switched, scale_factor=2, **options)
    assert first.grid == second.grid
    np.testing.assert_array_equal(first.read(), second.read())
    expected, corner = naive_map(sources)
    np.testing.assert_array_equal(first.read()[..., 0], expected)
    assert (first.grid.transform.c, first.grid.transform.f) == corner


def test_patch_based_maps_of_a_real_network_are_the_same(tmp_path, fcnn):
    source = one_source(tmp_path, shape=(47, 59), channels=4)
    maps = [
        plan_inference(fcnn, source, output=("estimated", "features"), mode=mode).read()
        for mode in ("fully_convolutional", "patch_based")
    ]
    assert maps[0].shape == (32, 44, 6 + 32)
    np.testing.assert_allclose(maps[0], maps[1], rtol=0, atol=1e-5)


def test_a_patch_based_map_may_move_by_half_pixels(tmp_path):
    """Two 10 m pixels side by side share the 20 m pixel that holds them."""
    fine = random_raster(tmp_path / "f.tif", SHAPE)
    coarse = random_raster(tmp_path / "c.tif", (61, 84), spacing=20, seed=1)
    sources = {
        "fine": Source(fine, receptive_field=16),
        "coarse": Source(coarse, receptive_field=8),
    }
    model = BlockMean({"fine": 16, "coarse": 8})
    plan = plan_inference(model, sources, output="estimated", mode="patch_based")
    expected, _ = naive_map(sources)
    np.testing.assert_array_equal(plan.read()[..., 0], expected)


# Geometry: sizes and corners that theory and OTBTF's table give


def cropping(name, *, step=1, crop=0):
    """Every `step`-th pixel of an input without its border."""

    def model(inputs):
        inner = slice(crop, -crop or None, step)
        return {"estimated": inputs[name][:, inner, inner]}

    return model


def empty_raster(path, height, *, spacing, width=None):
    """`height` rows and a few columns that cover about the same ground as others."""
    shape = height, width or int(960 / spacing)
    return constant(path, 0, shape, spacing=spacing)


@pytest.mark.parametrize(
    ("pixels", "field", "scale", "size", "corner"),
    [
        # The corner is k * floor((r / k) / 2) reference pixels from the raster's, and
        # floor((n - r) / k) + 1 blocks fit.
        (100, 16, 1, 85, 80),
        (100, 16, 2, 43, 80),
        (100, 16, 3, 29, 60),
        (100, 16, 4, 22, 80),
        (100, 5, 1, 96, 20),
        (10980, 16, 1, 10965, 80),
        (10980, 16, 4, 2742, 80),
    ],
)
def test_one_source_gives_the_size_and_corner_of_theory(
    tmp_path, pixels, field, scale, size, corner
):
    path = empty_raster(tmp_path / "a.tif", pixels, spacing=10)
    for mode in ("fully_convolutional", "patch_based"):
        plan = plan_inference(
            BlockMean({"input": field}, {"input": scale}),
            Source(path, receptive_field=field),
            output="estimated",
            scale_factor=scale,
            mode=mode,
        )
        assert plan.grid.height == size
        assert plan.grid.transform.f == CORNER[1] - corner
        assert plan.grid.transform.c == CORNER[0] + corner
        assert plan.grid.resolution.x == 10 * scale


def test_a_tile_of_sentinel_2_in_two_resolutions_has_5483_rows(tmp_path):
    sources = {
        "20m": Source(
            empty_raster(tmp_path / "b.tif", 5490, spacing=20), receptive_field=8
        ),
        "10m": Source(
            empty_raster(tmp_path / "a.tif", 10980, spacing=10), receptive_field=16
        ),
    }
    model = BlockMean({"20m": 8, "10m": 16}, {"20m": 1, "10m": 2})
    switched = dict(reversed(sources.items()))
    plans = [
        plan_inference(model, sources, output="estimated"),
        plan_inference(model, switched, output="estimated", scale_factor=2),
    ]
    for plan in plans:
        assert plan.grid.height == 5483
        assert plan.grid.transform.f == CORNER[1] - 80
        assert plan.grid.resolution.x == 20


@pytest.mark.parametrize(
    ("expression", "size", "corner"), [(64, 3904, 48), (128, 3968, 0)]
)
def test_pan_and_multispectral_give_the_known_sizes(tmp_path, expression, size, corner):
    sources = {
        "pan": Source(
            empty_raster(tmp_path / "p.tif", 4000, spacing=1.5), receptive_field=128
        ),
        "xs": Source(
            empty_raster(tmp_path / "x.tif", 1000, spacing=6), receptive_field=32
        ),
    }
    plan = plan_inference(
        cropping("pan", crop=(128 - expression) // 2),
        sources,
        output="estimated",
        expression_field=expression,
        tile_size=256,
    )
    assert plan.grid.height == size
    assert plan.grid.transform.f == CORNER[1] - corner
    assert plan.grid.transform.c == CORNER[0] + corner
    table = plan.table()
    assert table["pixel size"].tolist() == [1.5, 6]
    rows = 256 - expression + 128
    assert table["chunk"]["pan"].startswith(f"{rows} x")
    assert table["chunk"]["xs"].startswith(f"{rows // 4} x")


@pytest.mark.parametrize(
    ("field", "scale", "first", "text"),
    [
        (16, 4, 8, "lies 15 m east and south of the centre"),
        (16, 3, 6, "lies 10 m west and north of the centre"),
        (15, 3, 6, "is the centre of its labelled pixel"),
    ],
)
def test_the_plan_says_where_a_coarse_pixel_lies(tmp_path, field, scale, first, text):
    """Theory: it begins at pixel `first` of the patch, the label is in the middle."""
    plan = plan_inference(
        BlockMean({"input": field}, {"input": scale}),
        one_source(tmp_path, field=field),
        output="estimated",
        scale_factor=scale,
    )
    labelled = field // 2 + 0.5
    assert plan.centre_offset == first + scale / 2 - labelled
    assert f"the centre of a map pixel {text}" in repr(plan)
    x, y = plan.grid.transform * (0.5, 0.5)
    assert x == CORNER[0] + 10 * (labelled + plan.centre_offset)
    assert y == CORNER[1] - 10 * (labelled + plan.centre_offset)


# Borders


@pytest.mark.parametrize(
    ("field", "expression", "scale"), [(16, 1, 1), (5, 1, 1), (18, 3, 1), (16, 1, 3)]
)
@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_a_padded_map_covers_the_reference(tmp_path, field, expression, scale, mode):
    """The expected map is computed from a raster that was mirrored before."""
    margin = 12 * expression * scale
    source = one_source(tmp_path, field=field, shape=(50, 71))
    array = rasters.read_array(source.path)
    widths = ((margin, margin), (margin, margin), (0, 0))
    x, y = CORNER
    larger = write(
        tmp_path / "larger.tif",
        np.pad(array, widths, "symmetric"),
        corner=(x - 10 * margin, y + 10 * margin),
    )
    window = field - expression + 1
    model = BlockMean({"input": window}, {"input": scale})
    options = {
        "output": "estimated",
        "expression_field": expression,
        "scale_factor": scale,
        "mode": mode,
    }
    padded = plan_inference(model, source, edge="pad", tile_size=21, **options)
    assert padded.grid.shape.yx == (-(-50 // scale), -(-71 // scale))
    assert (padded.grid.transform.c, padded.grid.transform.f) == CORNER
    whole = plan_inference(model, Source(larger, receptive_field=field), **options)
    col = (x - whole.grid.transform.c) / whole.grid.transform.a
    row = (whole.grid.transform.f - y) / whole.grid.transform.a
    part = whole.read()[int(row) :, int(col) :]
    height, width = padded.grid.shape
    np.testing.assert_array_equal(padded.read(), part[:height, :width])


def test_padding_mirrors_every_source(tmp_path):
    sizes = {"coarse": (30, 41), "fine": (60, 82)}
    paths = {
        "coarse": random_raster(tmp_path / "c.tif", sizes["coarse"], spacing=20),
        "fine": random_raster(tmp_path / "f.tif", sizes["fine"], seed=1),
    }
    larger = {}
    for name, border, spacing in (("coarse", 5, 20), ("fine", 10, 10)):
        array = rasters.read_array(paths[name])
        mirrored = np.pad(array, ((border,) * 2, (border,) * 2, (0, 0)), "symmetric")
        path, corner = tmp_path / f"{name}.tif", (LEFT - 100, TOP + 100)
        larger[name] = write(path, mirrored, spacing=spacing, corner=corner)
    model = BlockMean({"coarse": 8, "fine": 16}, {"coarse": 1, "fine": 2})
    fields = {"coarse": 8, "fine": 16}

    def plan(rasters_by_name, edge):
        sources = {
            k: Source(v, receptive_field=fields[k]) for k, v in rasters_by_name.items()
        }
        return plan_inference(model, sources, output="estimated", edge=edge)

    padded, whole = plan(paths, "pad"), plan(larger, "valid")
    assert padded.grid.shape.yx == sizes["coarse"]
    np.testing.assert_array_equal(padded.read(), whole.read()[1:31, 1:42])


def test_a_source_that_lacks_more_than_its_field_is_not_mirrored(tmp_path):
    sources = {
        "a": Source(random_raster(tmp_path / "a.tif", SHAPE), receptive_field=4),
        "b": Source(random_raster(tmp_path / "b.tif", (121, 80)), receptive_field=4),
    }
    message = r"'b' lacks 87 px along a border .* receptive field \(4 px\)"
    with pytest.raises(GridMismatchError, match=message):
        plan_inference(
            BlockMean({"a": 4, "b": 4}), sources, output="estimated", edge="pad"
        )


# Law 6: written, then read


def constant_labels(value, dtype="int64"):
    return lambda inputs: {
        "labels": np.full_like(inputs["input"][..., :1], value, dtype)
    }


def test_a_map_that_is_read_equals_the_map_that_was_written(tmp_path):
    grid = GeoBox((50, 71), Affine(0.5, 0, 3.25, 0, -0.5, 48.5), "EPSG:4326")
    array = np.random.default_rng(0).integers(0, 9000, (50, 71, 2)).astype("uint16")
    path = rasters.write_array(tmp_path / "a.tif", array, grid)
    plan = plan_inference(
        BlockMean({"input": 5}),
        Source(path, receptive_field=5),
        output="estimated",
        tile_size=20,
        background=-9999,
    )
    report = plan.write(tmp_path / "deep" / "map.tif", progress=False)
    written = tmp_path / "deep" / "map.tif"
    np.testing.assert_array_equal(rasters.read_array(written), plan.read())
    assert rasters.read_grid(written) == plan.grid
    assert plan.grid.crs == grid.crs
    assert plan.grid.transform == Affine(0.5, 0, 4.25, 0, -0.5, 47.5)
    assert rasters.read_nodata(written) == -9999
    assert (report.path, report.tile_count, report.skipped) == (written, 12, 0)
    assert list(tmp_path.glob("**/.*")) == []


def test_a_label_map_carries_its_legend(tmp_path):
    plan = plan_inference(
        BlockMean({"input": 16}),
        one_source(tmp_path),
        output="estimated_labels",
        legend=testing.SMALL_LEGEND,
    )
    for dtype in (None, "uint16", "int16", "int32"):
        plan.write(tmp_path / "map.tif", dtype=dtype, progress=False)
        assert (tmp_path / "map.qml").exists()
        assert rasters.read_legend(tmp_path / "map.tif") == testing.SMALL_LEGEND
        assert rasters.read_nodata(tmp_path / "map.tif") == 255
        np.testing.assert_array_equal(
            rasters.read_array(tmp_path / "map.tif"), plan.read()
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_types_without_classes_are_written_without_a_legend(tmp_path, dtype):
    plan = plan_inference(
        BlockMean({"input": 16}),
        one_source(tmp_path),
        output="estimated_labels",
        legend=testing.SMALL_LEGEND,
    )
    plan.write(tmp_path / "map.tif", dtype=dtype, progress=False)
    written = rasters.read_array(tmp_path / "map.tif")
    assert written.dtype == dtype
    assert rasters.read_legend(tmp_path / "map.tif") is None
    np.testing.assert_array_equal(written, plan.read())


def test_bands_are_named_after_outputs_and_classes(tmp_path):
    import rasterio

    def model(inputs):
        mean = BlockMean({"input": 16})(inputs)
        return mean | {"estimated": np.repeat(mean["estimated"], 4, axis=-1)}

    plan = plan_inference(
        model,
        one_source(tmp_path),
        output=["estimated_labels", "estimated"],
        legend=testing.SMALL_LEGEND,
    )
    plan.write(tmp_path / "map.tif", progress=False)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.descriptions == (
            "estimated_labels",
            "estimated water",
            "estimated meadow",
            "estimated forest",
            "estimated town",
        )
        assert "receptive fields {'input': 16}" in dataset.tags()["TUTORIAL_LIB_PLAN"]
    values = rasters.read_array(tmp_path / "map.tif")
    np.testing.assert_array_equal(values[..., 0], np.floor(values[..., 1]) % 2)


def test_an_output_may_be_stacked_twice(tmp_path):
    plan = plan_inference(
        BlockMean({"input": 16}), one_source(tmp_path), output=["estimated"] * 2
    )
    values = plan.read()
    assert plan.format.bands == ("estimated", "estimated")
    np.testing.assert_array_equal(values[..., 0], values[..., 1])


def test_predict_raster_plans_and_writes(tmp_path):
    source = one_source(tmp_path)
    options = {"output": "estimated", "window": WINDOWS[1], "tile_size": 20}
    model = BlockMean({"input": 16})
    report = predict_raster(
        model, source, tmp_path / "map.tif", dtype="uint16", progress=False, **options
    )
    expected = np.rint(plan_inference(model, source, **options).read())
    np.testing.assert_array_equal(rasters.read_array(report.path), expected)


def test_predict_raster_has_the_options_of_planning_and_writing_with_one_help():
    def options(function):
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    written = options(InferencePlan.write)
    assert options(predict_raster) == options(plan_inference) | written
    text = inspect.getdoc(predict_raster)
    assert "{options}" not in text
    (explained,) = re.findall(r"Args:\n(.*?)\n\n", inspect.getdoc(plan_inference), re.S)
    assert explained in text
    names = [*inspect.signature(predict_raster).parameters]
    assert names == [n for n in names if f"\n    {n}: " in text]


def test_a_map_never_replaces_what_it_is_made_from(tmp_path, fcnn):
    """Not through links, and not the rasters of a VRT."""
    image = random_raster(tmp_path / "a.tif", SHAPE, channels=4)
    fcnn.save(tmp_path / "model.keras")
    (tmp_path / "link.tif").symlink_to(image)
    (tmp_path / "hard.tif").hardlink_to(image)
    (tmp_path / "folder").symlink_to(tmp_path)
    mosaic = vrt_of(image, tmp_path / "a.vrt")
    kept = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    plan = plan_inference(
        tmp_path / "model.keras", tmp_path / "folder" / mosaic.name, output="estimated"
    )
    for name in ("a.tif", "a.vrt", "link.tif", "hard.tif", "model.keras"):
        for path in (tmp_path / name, tmp_path / "folder" / name):
            with pytest.raises(
                ValueError, match=r"also an input.*Choose|not end in \.tif"
            ):
                plan.write(path, progress=False)
    assert kept == {path: path.read_bytes() for path in tmp_path.glob("*.*")}


def test_a_plan_survives_a_change_of_the_working_folder(tmp_path, monkeypatch, fcnn):
    random_raster(tmp_path / "a.tif", SHAPE, channels=4)
    monkeypatch.chdir(tmp_path)
    plan = plan_inference(fcnn, "a.tif", output="estimated")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    plan.write("map.tif", progress=False)
    assert rasters.read_grid(tmp_path / "elsewhere" / "map.tif") == plan.grid


@pytest.mark.parametrize(
    "path", ["", ".", "folder", "folder/", "/vsimem/a.tif", "s3://b/a.tif", "pipe"]
)
def test_places_that_cannot_hold_a_map_are_refused_before_the_work(
    tmp_path, monkeypatch, path
):
    def never(inputs):
        raise AssertionError("The network was run.")

    source = one_source(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    # As a device is. A real one would be lost if this test failed.
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"folder|device|machine|path of a file"):
        predict_raster(never, source, path, output="estimated")
    assert sorted(tmp_path.rglob("*")) == before


# Types


def test_floats_become_integers_by_rounding_and_clamping(tmp_path):
    given = [-1.0, 0.4, 2.9, 254.6, 300, np.nan, -np.inf, np.inf]
    expected = [0, 0, 3, 255, 255, 7, 0, 255]

    def model(inputs):
        columns = inputs["input"][..., :1].astype("int64") % len(given)
        return {"estimated": np.array(given)[columns]}

    path = write(tmp_path / "a.tif", np.indices(SHAPE)[1])
    plan = plan_inference(
        model, Source(path, receptive_field=1), output="estimated", background=7
    )
    with pytest.warns(UserWarning, match="gives NaN"):
        plan.write(tmp_path / "map.tif", dtype="uint8", progress=False)
    written = rasters.read_array(tmp_path / "map.tif")[3, : len(given), 0]
    assert written.tolist() == expected


def probabilities(inputs):
    value = (inputs["input"][..., :1] % 10) / 9
    return {"estimated": np.concatenate([value, 1 - value], axis=-1)}


@pytest.mark.parametrize("first_tile_is_empty", [False, True])
def test_writing_probabilities_as_integers_warns(tmp_path, first_tile_is_empty):
    array = np.random.default_rng(0).integers(1, 99, (*SHAPE, 1))
    array[:40, :40] *= not first_tile_is_empty
    path = write(tmp_path / "a.tif", array, nodata=0)
    source = Source(path, receptive_field=1)
    plan = plan_inference(probabilities, source, output="estimated", tile_size=30)
    with pytest.warns(UserWarning, match="as uint8 only 0 and 1 are left"):
        plan.write(tmp_path / "map.tif", dtype="uint8", progress=False)


def test_writing_a_float_mask_of_zeros_and_ones_does_not_warn(tmp_path):
    plan = plan_inference(
        lambda inputs: {"mask": (inputs["input"][..., :1] > 5000).astype("float32")},
        one_source(tmp_path, field=1),
        output="mask",
    )
    plan.write(tmp_path / "map.tif", dtype="uint8", progress=False)
    assert set(np.unique(rasters.read_array(tmp_path / "map.tif"))) == {0, 1}


@pytest.mark.parametrize("number", [300, -2])
def test_a_class_number_is_never_clamped(tmp_path, number):
    source = one_source(tmp_path, field=1)
    plan = plan_inference(constant_labels(number), source, output="labels")
    with pytest.raises(
        ValueError, match=f"class number {number} does not fit .* uint8"
    ):
        plan.write(tmp_path / "map.tif", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif"]
    cure = {300: 65535, -2: -1}[number]
    plan = plan_inference(
        constant_labels(number), source, output="labels", background=cure
    )
    assert (plan.read() == number).all()


def test_a_background_that_the_type_cannot_hold_is_refused(tmp_path):
    plan = plan_inference(
        BlockMean({"input": 16}),
        one_source(tmp_path),
        output="estimated",
        background=-1,
    )
    message = "uint8 cannot hold the background -1.* from 0 to 255"
    with pytest.raises(ValueError, match=message):
        plan.write(tmp_path / "map.tif", dtype="uint8", progress=False)
    assert not (tmp_path / "map.tif").exists()


# Interrupted runs


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyboardInterrupt])
def test_a_broken_run_leaves_the_old_map(tmp_path, error):
    inner, calls = BlockMean({"input": 16}), []

    def model(inputs):
        calls.append(1)
        if len(calls) == 5:
            raise error("in the middle")
        return inner(inputs)

    plan = plan_inference(model, one_source(tmp_path), output="estimated", tile_size=40)
    target = tmp_path / "map.tif"
    target.write_bytes(b"the old map")
    calls.clear()
    with pytest.raises(error, match="in the middle"):
        plan.write(target, progress=False)
    assert len(calls) == 5
    assert target.read_bytes() == b"the old map"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "map.tif"]
    calls.extend([1] * 5)
    plan.write(target, progress=False)
    np.testing.assert_array_equal(rasters.read_array(target), plan.read())


def test_a_plan_of_many_tiles_is_described_quickly(tmp_path):
    """The description is in the map's tags, so it must not take longer than the map."""
    source = one_source(tmp_path, shape=(411, 307), channels=1)
    plan = plan_inference(
        BlockMean({"input": 16}), source, output="estimated", tile_size=1
    )
    started = time.thread_time()
    text = repr(plan)
    assert time.thread_time() - started < 2
    # Each pixel of the map reads its own 16x16 pixels.
    assert f"{396 * 292} tiles, 256.00 pixels read for each pixel mapped" in text


def test_millions_of_tiles_take_no_memory(tmp_path):
    grid, path = testing.small_grid(10_980, 10_979), tmp_path / "a.tif"
    # Blocks that are never written take no space and are read as zeros.
    with rasters.create_raster(path, grid, channels=1, dtype="uint8"):
        pass
    source = Source(path, receptive_field=1)
    tracemalloc.start()
    plan = plan_inference(
        BlockMean({"input": 1}), source, output="estimated", tile_size=8
    )
    text = repr(plan)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
    assert len(plan.tiles) == 1373 * 1373
    assert "1885129 tiles" in text
    last = plan.tiles[-1]
    assert (last.rows, last.cols) == (range(10_976, 10_980), range(10_976, 10_979))
    assert plan.tiles[1373:1375] == (plan.tiles[1373], plan.tiles[1374])
    with pytest.raises(IndexError):
        plan.tiles[1373 * 1373]
    assert plan.tiles.pixel_count == 10_980 * 10_979
    assert plan.tiles.largest == plan.tiles[0]


def test_the_plan_tells_how_many_pixels_are_read_for_each_mapped(tmp_path):
    plan = plan_inference(
        BlockMean({"input": 16}), one_source(tmp_path), output="estimated", tile_size=60
    )
    # 106 rows are tiles of 60 and 46, 152 columns are tiles of 60, 60 and 32.
    read = (75 + 61) * (75 + 75 + 47)
    assert plan.redundancy == read / (106 * 152)
    assert plan.table()["chunk"]["input"] == "75 x 75"


def test_planning_runs_the_network_on_small_arrays_only(tmp_path):
    sizes = []

    def model(inputs):
        sizes.append(inputs["input"].shape[1:3])
        return BlockMean({"input": 16})(inputs)

    plan = plan_inference(model, one_source(tmp_path), output="estimated")
    text = repr(plan)
    assert set(sizes) == {(16, 16), (17, 17)}
    assert "106 x 152 px of 10" in text
    assert "1 tile, 1." in text


# Law 7: memory

RUN = """
import sys
import numpy as np, psutil
from tutorial_lib import Source, plan_inference
process, peak = psutil.Process(), 0
def model(inputs):
    global peak
    peak = max(peak, process.memory_info().rss)
    return {"labels": (inputs["input"][:, 1:-1, 1:-1, :1] % 7).astype("uint8")}
source = Source(sys.argv[1], receptive_field=3)
plan = plan_inference(model, source, output="labels", tile_size=512)
plan.write(sys.argv[2], progress=False)
print(max(peak, process.memory_info().rss))
"""


@pytest.mark.thorough
def test_memory_does_not_grow_with_the_raster(tmp_path):
    """The smaller raster is large enough to fill GDAL's cache."""
    peaks = []
    for side in (2048, 6144):
        grid = testing.small_grid(side, side - 100)
        path = tmp_path / f"{side}.tif"
        # Blocks that are never written take no space and are read as zeros.
        with rasters.create_raster(path, grid, channels=4, dtype="float32") as raster:
            raster.write(np.ones((16, 16, 4), "float32"))
        command = [sys.executable, "-c", RUN, path, tmp_path / "map.tif"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.1 * peaks[0]


# What does not fit, and what would


def refused(error, message, model, sources, **options):
    with pytest.raises(error, match=message):
        plan_inference(model, sources, **({"output": "estimated"} | options))


def test_errors_for_wrong_names_list_the_right_ones(tmp_path, fcnn):
    source = one_source(tmp_path, channels=4)
    names = r"named \['image'\].* \['input'\]"
    refused(ValueError, names, fcnn, {"image": source})
    outputs = "no output 'softmax'.*estimated_labels, features"
    refused(ValueError, outputs, fcnn, source, output="softmax")
    refused(ValueError, "names no output.*features", fcnn, source, output=[])
    asked = r"asks for 'a', and the sources are named \['input'\]"
    refused(ValueError, asked, BlockMean({"a": 16}), source)


def test_a_model_of_two_inputs_needs_two_sources(tmp_path):
    from tutorial_lib.networks.predictors import Predictor

    model = Predictor(lambda inputs, outputs: {}, {"a": 1, "b": 4}, ("estimated",))
    refused(ValueError, r"2 inputs, \['a', 'b'\]", model, one_source(tmp_path))


def test_a_wrong_number_of_bands_is_refused(tmp_path, fcnn):
    source = one_source(tmp_path, channels=3)
    message = r"'input' has 3 .* takes 4. Choose .*bands="
    refused(ValueError, message, fcnn, source)
    stacked = Source([source.path] * 2, receptive_field=16, bands=[1, 2, 3, 6])
    assert plan_inference(fcnn, stacked, output="estimated").grid.height == 106


def test_bands_are_read_in_the_given_order(tmp_path):
    source = one_source(tmp_path, field=1, channels=3)
    turned = Source(source.path, receptive_field=1, bands=[3, 1])
    model = lambda inputs: {"same": inputs["input"].astype("float32")}  # noqa: E731
    values = plan_inference(model, turned, output="same").read()
    np.testing.assert_array_equal(values, rasters.read_array(source.path)[..., [2, 0]])


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (0, "`receptive_field` is 0. Give a whole number from 1 to"),
        (-16, "`receptive_field` is -16"),
        (16.0, "`receptive_field` is 16.0"),
        (8, r"refuses inputs of {'input': 8} px"),
        (20, r"has 5x5 px, not the declared .*, 1. Use `expression_field=5`"),
    ],
)
def test_wrong_receptive_fields_are_refused_with_a_cure(tmp_path, fcnn, field, message):
    path = one_source(tmp_path, channels=4).path
    with pytest.raises(ValueError, match=message):
        plan_inference(fcnn, Source(path, receptive_field=field), output="estimated")


@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_a_field_that_is_too_small_is_refused_after_one_that_fits(tmp_path, fcnn, mode):
    """oneDNN, TensorFlow's default, gives an output of the size of the call before."""
    source = one_source(tmp_path, channels=4)
    plan_inference(fcnn, source, output="estimated", mode=mode)
    for field in (15, 14, 12):
        small = Source(source.path, receptive_field=field)
        message = rf"refuses inputs of {{'input': {field}}} px: Computed output size"
        refused(ValueError, message, fcnn, small, mode=mode)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expression_field": 4}, "1x1 px, not the .*, 4. Use `expression_field=1`"),
        ({"expression_field": 0}, "`expression_field` is 0"),
        ({"expression_field": 1.5}, "`expression_field` is 1.5"),
        ({"scale_factor": -1}, "`scale_factor` is -1"),
        ({"scale_factor": float("nan")}, "`scale_factor` is nan"),
        ({"scale_factor": 4}, "scale factor is not 4. Use `scale_factor=1`"),
        ({"scale_factor": 0.5}, "move by 1/2 px.*`scale_factor=1`.*patch_based"),
        ({"tile_size": 0}, "of 0 px is not a positive multiple.*Use 1"),
        ({"tile_size": "large"}, "'large'. Give 'auto' or a whole number"),
        ({"tile_size": 32.0}, "whole number of pixels.* Received: 32.0"),
        ({"mode": "tiled"}, "`mode` is 'tiled'.*'fully_convolutional', 'patch_based'"),
        ({"edge": "same"}, "`edge` is 'same'.*'valid', 'pad'"),
        ({"nodata_rule": "most"}, "'most'.*'center', 'all', 'any', 'tile'"),
        ({"window": Window(150, 0, 3, 3)}, r"\(row 0, col 150, 3x3 px\).*106x152 px"),
        ({"window": Window(-1, 0, 3, 3)}, "col -1"),
        ({"window": Window(0, 0, 3, 0)}, "0x3 px"),
        ({"window": Window(0.5, 0, 3, 3)}, "col 0.5.*whole pixels"),
    ],
)
def test_wrong_options_are_refused_with_a_cure(tmp_path, options, message):
    source = one_source(tmp_path)
    refused(ValueError, message, BlockMean({"input": 16}), source, **options)


def test_a_window_of_another_type_is_refused(tmp_path):
    message = r"Received: \(0, 0, 5, 5\)"
    model = BlockMean({"input": 16})
    refused(TypeError, message, model, one_source(tmp_path), window=(0, 0, 5, 5))


def test_the_true_scale_factor_is_found(tmp_path):
    source = one_source(tmp_path)
    for scale in (2, 3, 4):
        model = BlockMean({"input": 16}, {"input": scale})
        message = f"is not 1. Use `scale_factor={scale}`"
        refused(ValueError, message, model, source)


def test_another_output_that_fits_is_offered(tmp_path):
    from tutorial_lib.networks.predictors import Predictor

    def function(inputs, outputs):
        pixels = inputs["input"]
        return {"estimated": pixels, "estimated_crop4": pixels[:, 4:-4, 4:-4]}

    model = Predictor(function, {"input": 2}, ("estimated", "estimated_crop4"))
    message = "`expression_field=16`, or the output 'estimated_crop4', which has 8"
    refused(ValueError, message, model, one_source(tmp_path), expression_field=8)


@pytest.mark.parametrize(
    ("size", "legal"), [(200, "128 or 256"), (64, "128"), (129, "128 or 256")]
)
def test_the_nearest_legal_tile_sizes_are_named(tmp_path, size, legal):
    refused(
        ValueError,
        rf"{size} px is not a multiple of .*128 px\). Use {legal}\.",
        cropping("input"),
        one_source(tmp_path, field=128, shape=(260, 300)),
        expression_field=128,
        tile_size=size,
    )


def test_whole_numbers_of_numpy_are_whole_numbers(tmp_path):
    source = one_source(tmp_path, field=np.int64(18))
    plan = plan_inference(
        BlockMean({"input": 16}),
        source,
        output="estimated",
        expression_field=np.int64(3),
        tile_size=np.int64(30),
    )
    assert plan.grid.shape.yx == (105, 150)


def two_rasters(folder, second):
    return {
        "a": Source(random_raster(folder / "a.tif", SHAPE), receptive_field=4),
        "b": Source(second, receptive_field=4),
    }


def test_sources_without_a_common_part_are_refused(tmp_path):
    far = random_raster(tmp_path / "b.tif", (50, 60), corner=(900_000, 0))
    message = r"common part.*'a' 121x167 px \(receptive field 4\); 'b' 50x60 px"
    model = BlockMean({"a": 4, "b": 4})
    refused(GridMismatchError, message, model, two_rasters(tmp_path, far))


def test_a_raster_smaller_than_the_field_is_refused(tmp_path):
    source = one_source(tmp_path, shape=(15, 99))
    message = r"'input' 15x99 px \(receptive field 16\)"
    refused(GridMismatchError, message, BlockMean({"input": 16}), source)


@pytest.mark.parametrize(
    ("transform", "crs", "message"),
    [
        (Affine(10, 1, 0, 1, -10, 0), "EPSG:32631", "'b' is rotated"),
        (Affine(10, 0, 0, 0, 10, 0), "EPSG:32631", "not north-up"),
        (Affine(10, 0, 0, 0, -10, 0), "EPSG:2154", "gdalwarp -t_srs EPSG:32631 -tr 10"),
    ],
)
def test_grids_that_do_not_fit_are_refused(tmp_path, transform, crs, message):
    array = np.zeros((*SHAPE, 1), "uint8")
    grid = GeoBox(SHAPE, transform, crs)
    other = rasters.write_array(tmp_path / "b.tif", array, grid)
    model = BlockMean({"a": 4, "b": 4})
    refused(GridMismatchError, message, model, two_rasters(tmp_path, other))


def test_a_source_that_would_move_by_half_pixels_is_refused(tmp_path):
    coarse = random_raster(tmp_path / "b.tif", (61, 84), spacing=20)
    sources = two_rasters(tmp_path, coarse)
    model = BlockMean({"a": 4, "b": 4}, {"a": 2, "b": 1})
    message = "'b' would move by 1/2 px.*`scale_factor=2`, or `mode='patch_based'`"
    with pytest.warns(UserWarning, match="'a' 4, 'b' 8"):
        refused(ValueError, message, model, sources)


def test_fields_that_cover_different_ground_warn(tmp_path):
    same = random_raster(tmp_path / "b.tif", SHAPE, seed=1)
    sources = two_rasters(tmp_path, same)
    sources["b"] = Source(same, receptive_field=6)
    with pytest.warns(UserWarning, match="'a' 4, 'b' 6.*not centred on each other"):
        plan = plan_inference(BlockMean({"a": 4, "b": 6}), sources, output="estimated")
    expected, _ = naive_map(sources)
    np.testing.assert_array_equal(plan.read()[..., 0], expected)


def test_a_network_whose_output_has_another_size_than_tried_is_stopped(tmp_path):
    """The size is right for one and two blocks, and wrong for more."""

    def model(inputs):
        return {"net": inputs["input"][:, :2, :2]}

    plan = plan_inference(model, one_source(tmp_path, field=1), output="net")
    with pytest.raises(ValueError, match="has 2x2 px, not 121x167"):
        plan.write(tmp_path / "map.tif", progress=False)
    assert not (tmp_path / "map.tif").exists()


def test_a_missing_raster_is_named(tmp_path):
    source = Source(tmp_path / "no.tif", receptive_field=16)
    refused(FileNotFoundError, r"no\.tif", BlockMean({"input": 16}), source)
