"""Which output pixels are background, against loops over single pixels."""

import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp
from rasterio.windows import Window
from scenes import write

from tutorial_lib import Source, plan_inference, rasters, testing
from tutorial_lib.inference.background import windows_without_data
from tutorial_lib.networks.predictors import Predictor

# Functions do not show their layers; test_judging.py tests the warning.
pytestmark = pytest.mark.filterwarnings("ignore:Whether the tiles give the map")

FIELD = 6
SHAPE = (41, 57)
RULES = ("center", "all", "any")


def holes(shape, *, seed, size=9):
    """Mask (height, width) with a few squares, one of them at the border."""
    mask = np.zeros(shape, bool)
    rng = np.random.default_rng(seed)
    for row, col in rng.integers(0, np.array(shape) - size, (3, 2)):
        mask[row : row + size, col : col + size] = True
    mask[:7, -13:] = True
    return mask


def raster_with_holes(path, mask, *, value, spacing=10, dtype="float32", tag=True):
    """Two bands of values from 1 to 99, both `value` where the mask is set."""
    rng = np.random.default_rng(5)
    array = rng.integers(1, 100, (*mask.shape, 2)).astype(dtype)
    array[mask] = value
    return write(path, array, spacing=spacing, nodata=value if tag else None)


def background(model, sources, **options):
    options = {"output": "estimated", "nodata_rule": "center"} | options
    return np.isnan(plan_inference(model, sources, **options).read()[..., 0])


def naive_background(masks, rule, *, field=FIELD, shape=SHAPE):
    """Background of the map of windows of the first mask, other masks twice as coarse.

    Output pixel (i, j) reads `field` pixels from (i, j) and lies `field / 2` further.
    """
    result = np.zeros((shape[0] - field + 1, shape[1] - field + 1), bool)
    for row, col in np.ndindex(result.shape):
        for number, mask in enumerate(masks):
            ratio = 2**number
            side = field // ratio
            top, left = row // ratio, col // ratio
            block = mask[top : top + side, left : left + side]
            place = mask[(row + field // 2) // ratio, (col + field // 2) // ratio]
            hit = {"center": place, "all": block.all(), "any": block.any()}[rule]
            result[row, col] |= hit
    return result


@pytest.mark.parametrize("value", [0, -9999, float("nan")])
@pytest.mark.parametrize("rule", RULES)
def test_background_follows_the_rule_pixel_by_pixel(tmp_path, rule, value):
    mask = holes(SHAPE, seed=1)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=value)
    source = Source(path, receptive_field=FIELD)
    expected = naive_background([mask], rule)
    for size in (7, 16, 37, 1000):
        got = background(
            testing.BlockMean({"input": FIELD}),
            source,
            nodata_rule=rule,
            tile_size=size,
        )
        np.testing.assert_array_equal(got, expected, err_msg=f"tile of {size} px")


@pytest.mark.parametrize("rule", RULES)
def test_one_source_without_data_is_enough(tmp_path, rule):
    """Two resolutions, each with its own value, one given and one from the tag."""
    masks = [holes(SHAPE, seed=1), holes((21, 29), seed=2, size=5)]
    fine = raster_with_holes(tmp_path / "a.tif", masks[0], value=0, tag=False)
    coarse = raster_with_holes(
        tmp_path / "b.tif", masks[1], value=float("nan"), spacing=20
    )
    sources = {
        "fine": Source(fine, receptive_field=FIELD, nodata=0),
        "coarse": Source(coarse, receptive_field=FIELD // 2),
    }
    model = testing.BlockMean({"fine": FIELD, "coarse": FIELD // 2})
    expected = naive_background(masks, rule)
    for size in (13, 40):
        got = background(
            model, sources, nodata_rule=rule, tile_size=size, mode="patch_based"
        )
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("rule", ["all", "any"])
def test_a_block_of_several_pixels_is_background_as_one(tmp_path, rule):
    mask = holes(SHAPE, seed=1)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    got = background(
        testing.BlockMean({"input": FIELD}),
        Source(path, receptive_field=FIELD + 3),
        expression_field=4,
        nodata_rule=rule,
        tile_size=12,
    )
    single = naive_background([mask], rule, field=FIELD + 3)[::4, ::4]
    np.testing.assert_array_equal(got, single.repeat(4, 0).repeat(4, 1))


def test_a_window_of_the_background_is_the_background_of_the_window(tmp_path):
    mask = holes(SHAPE, seed=1, size=22)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    source = Source(path, receptive_field=FIELD)
    window = Window(col_off=11, row_off=3, width=38, height=29)
    for mode in ("fully_convolutional", "patch_based"):
        for rule in (*RULES, "tile"):
            options = {"nodata_rule": rule, "tile_size": 8, "mode": mode}
            model = testing.BlockMean({"input": FIELD})
            whole = background(model, source, **options)
            part = background(model, source, window=window, **options)
            np.testing.assert_array_equal(part, whole[window.toslices()], err_msg=rule)
            assert part.any()


def test_the_tile_rule_empties_tiles_that_read_only_no_data(tmp_path):
    mask = np.zeros(SHAPE, bool)
    mask[3:25, 23:50] = True
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    source = Source(path, receptive_field=FIELD)
    model = testing.BlockMean({"input": FIELD})
    counts = []
    for size in (1, 8, 20):
        got = background(model, source, nodata_rule="tile", tile_size=size)
        expected = np.zeros_like(got)
        for row in range(0, got.shape[0], size):
            for col in range(0, got.shape[1], size):
                tile = expected[row : row + size, col : col + size]
                height, width = tile.shape
                read = mask[row : row + height + FIELD - 1, col : col + width + 5]
                tile[:] = read.all()
        np.testing.assert_array_equal(got, expected)
        counts.append(int(got.sum()))
    # One pixel is a window without data; larger tiles find fewer of them.
    assert counts[0] == (22 - 5) * (27 - 5) > counts[1] > counts[2] == 0


def test_no_data_does_not_leak_into_its_surroundings(tmp_path):
    """The network sees the fill in place of any no-data value."""
    mask = holes(SHAPE, seed=1)
    model = testing.BlockMean({"input": FIELD})
    maps = []
    for number, value in enumerate((0, -9999, float("nan"), float("inf"))):
        path = raster_with_holes(tmp_path / f"{number}.tif", mask, value=value)
        plan = plan_inference(
            model, Source(path, receptive_field=FIELD), output="estimated"
        )
        maps.append(plan.read())
    assert np.isfinite(maps[0]).sum() == (~naive_background([mask], "center")).sum()
    for other in maps[1:]:
        np.testing.assert_array_equal(other, maps[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tag", [None, -1.0])
def test_pixels_that_are_not_finite_have_no_data_without_a_tag(tmp_path, value, tag):
    mask = holes(SHAPE, seed=1)
    rng = np.random.default_rng(5)
    array = rng.integers(1, 100, (*SHAPE, 2)).astype("float32")
    # In one band: the pixel is of no use all the same.
    array[mask, 1] = value
    path = write(tmp_path / "a.tif", array, nodata=tag)
    source = Source(path, receptive_field=FIELD)
    for rule in RULES:
        model = testing.BlockMean({"input": FIELD})
        got = background(model, source, nodata_rule=rule)
        np.testing.assert_array_equal(got, naive_background([mask], rule))
    # Without a rule all is mapped, and no NaN spreads.
    model = testing.BlockMean({"input": FIELD})
    assert not background(model, source, nodata_rule=None).any()


def masked_raster(folder, kind, mask):
    """Two bands of values from 1 to 99 without a tag, and a mask of some kind."""
    array = np.random.default_rng(5).integers(1, 100, (*mask.shape, 2), dtype="uint8")
    path = folder / f"{kind.replace(' ', '_')}.tif"
    grid = testing.small_grid(*mask.shape)
    profile = {"count": 2 + (kind == "alpha"), "dtype": "uint8", "driver": "GTiff"}
    profile |= {"height": grid.height, "width": grid.width}
    place = {"transform": grid.transform, "crs": "EPSG:32631"}
    inside = "YES" if kind == "internal mask" else "NO"
    shown = np.where(mask, 0, 255).astype("uint8")
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        rasterio.open(path, "w", **profile, **place) as dataset,
    ):
        dataset.write(np.moveaxis(array, -1, 0), indexes=[1, 2])
        if kind == "alpha":
            dataset.colorinterp = [
                ColorInterp.red,
                ColorInterp.green,
                ColorInterp.alpha,
            ]
            dataset.write(shown, 3)
        else:
            dataset.write_mask(shown)
    return path


@pytest.mark.parametrize("kind", ["internal mask", "sidecar", "alpha"])
@pytest.mark.parametrize("rule", RULES)
def test_masks_and_alpha_bands_say_where_no_data_is(tmp_path, kind, rule):
    mask = holes(SHAPE, seed=1)
    path = masked_raster(tmp_path, kind, mask)
    assert path.with_name(path.name + ".msk").exists() == (kind == "sidecar")
    source = Source(path, receptive_field=FIELD, bands=[1, 2])
    for size in (7, 1000):
        got = background(
            testing.BlockMean({"input": FIELD}),
            source,
            nodata_rule=rule,
            tile_size=size,
        )
        np.testing.assert_array_equal(got, naive_background([mask], rule))


def test_scaled_sources_are_mapped_and_the_plan_says_so(tmp_path):
    """Baseline 04.00 of Sentinel-2: reflectance = value / 10 000 - 0.1."""
    array = np.random.default_rng(5).integers(1000, 9000, (*SHAPE, 2), dtype="uint16")
    array[holes(SHAPE, seed=1)] = 0
    path = write(tmp_path / "a.tif", array, nodata=0)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4,) * 2, (-0.1,) * 2
    model = testing.BlockMean({"input": FIELD})
    stored, scaled = (
        plan_inference(
            model,
            Source(path, receptive_field=FIELD, scaled=scaled),
            output="estimated",
            nodata_rule="any",
        )
        for scaled in (False, True)
    )
    assert "source 'input': values * 0.0001 - 0.1" in repr(scaled)
    assert "source 'input': stored values" in repr(stored)
    np.testing.assert_allclose(scaled.read(), stored.read() * 1e-4 - 0.1, atol=1e-6)


def test_a_pixel_with_data_in_one_band_has_data(tmp_path):
    array = np.zeros((*SHAPE, 2), "uint16")
    array[..., 1] = 3
    path = write(tmp_path / "a.tif", array, nodata=0)
    source = Source(path, receptive_field=FIELD)
    for rule in (*RULES, "tile"):
        plan = plan_inference(
            testing.BlockMean({"input": FIELD}),
            source,
            output="estimated",
            nodata_rule=rule,
        )
        assert (plan.read() == 1.5).all()


def test_without_a_rule_no_data_values_are_mapped(tmp_path):
    path = raster_with_holes(tmp_path / "a.tif", np.ones(SHAPE, bool), value=-9999)
    plan = plan_inference(
        testing.BlockMean({"input": FIELD}),
        Source(path, receptive_field=FIELD),
        output="estimated",
        nodata_rule=None,
    )
    assert (plan.read() == -9999).all()


def test_a_no_data_value_outside_the_type_is_refused(tmp_path):
    array = np.full((*SHAPE, 1), 7, "uint8")
    path = write(tmp_path / "a.tif", array)
    source = Source(path, receptive_field=FIELD, nodata=-9999)
    with pytest.raises(ValueError, match=r"-9999.*uint8.*Leave it out"):
        background(testing.BlockMean({"input": FIELD}), source)


@pytest.mark.parametrize("mode", ["fully_convolutional", "patch_based"])
def test_tiles_that_are_all_background_are_not_run(tmp_path, mode):
    mask = np.zeros(SHAPE, bool)
    mask[:, :30] = True
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    inner, calls = testing.BlockMean({"input": FIELD}), []

    def counted(inputs):
        calls.append(1)
        return inner(inputs)

    plan = plan_inference(
        counted,
        Source(path, receptive_field=FIELD),
        output="estimated",
        mode=mode,
        tile_size=12,
    )
    calls.clear()
    report = plan.write(tmp_path / "map.tif", progress=False)
    # 36x52 px in 3x5 tiles; map column j lies in source column j + 3, so that the
    # tiles of columns 0-11 and 12-23 lie in the mask and that of 24-35 does not.
    assert (report.tile_count, report.skipped, len(calls)) == (15, 6, 9)
    assert report.background_share == 27 / 52


def labels_of_classes(count):
    """A model that gives the first band as labels, and `count` probabilities."""

    def function(inputs, outputs):
        labels = inputs["input"][..., :1].astype("int64") % count
        return {"labels": labels, "estimated": np.zeros((*labels.shape[:3], count))}

    return Predictor(function, {"input": 2}, ("labels", "estimated"))


@pytest.mark.parametrize(
    ("class_count", "expected", "dtype"),
    [(6, 255, "uint8"), (255, 255, "uint8"), (256, 65535, "uint16")],
)
def test_the_background_of_labels_is_not_a_class(
    tmp_path, class_count, expected, dtype
):
    mask = holes(SHAPE, seed=1)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0, dtype="uint8")
    model = labels_of_classes(class_count)
    source = Source(path, receptive_field=1)
    plan = plan_inference(model, source, output="labels")
    plan.write(tmp_path / "map.tif", progress=False)
    written = rasters.read_array(tmp_path / "map.tif")[..., 0]
    assert written.dtype == dtype
    assert rasters.read_nodata(tmp_path / "map.tif") == expected
    np.testing.assert_array_equal(written == expected, mask)


def test_nan_as_background_of_integers_is_their_largest_value(tmp_path):
    mask = holes(SHAPE, seed=1)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    plan = plan_inference(
        testing.BlockMean({"input": 1}),
        Source(path, receptive_field=1),
        output="estimated",
    )
    for dtype, expected in (("uint8", 255), ("int16", 32767), ("float32", np.nan)):
        plan.write(tmp_path / "map.tif", dtype=dtype, progress=False)
        written = rasters.read_array(tmp_path / "map.tif")[..., 0]
        np.testing.assert_equal(rasters.read_nodata(tmp_path / "map.tif"), expected)
        found = np.isnan(written) if np.isnan(expected) else written == expected
        np.testing.assert_array_equal(found, mask)


def test_a_background_that_is_a_class_warns(tmp_path):
    path = raster_with_holes(tmp_path / "a.tif", holes(SHAPE, seed=1), value=0)
    source = Source(path, receptive_field=1)
    with pytest.warns(UserWarning, match="background 2 is also a class: the two"):
        plan_inference(labels_of_classes(4), source, output="labels", background=2)
    with pytest.warns(UserWarning, match=r"background 3 is also a class \('town'\)"):
        plan_inference(
            lambda inputs: {"labels": inputs["input"][..., :1].astype("uint8")},
            source,
            output="labels",
            background=3,
            legend=testing.SMALL_LEGEND,
        )


def test_a_mapped_class_equal_to_the_background_warns(tmp_path):
    path = raster_with_holes(tmp_path / "a.tif", holes(SHAPE, seed=1), value=0)
    plan = plan_inference(
        lambda inputs: {"labels": inputs["input"][..., :1].astype("uint8") * 0 + 255},
        Source(path, receptive_field=1),
        output="labels",
    )
    with pytest.warns(UserWarning, match="the class 255, which is also the background"):
        plan.read()


def test_background_pixels_alone_do_not_warn(tmp_path):
    """Class numbers of background pixels are not written, so they are not checked."""
    mask = holes(SHAPE, seed=1)
    path = raster_with_holes(tmp_path / "a.tif", mask, value=0)
    plan = plan_inference(
        lambda inputs: {
            "labels": 255 * (inputs["input"][..., :1] == 0).astype("uint8")
        },
        Source(path, receptive_field=1),
        output="labels",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(plan.read()[..., 0] == 255, mask)


def test_windows_are_counted_as_by_a_loop():
    rng = np.random.default_rng(3)
    empty = rng.random((23, 31)) < 0.7
    # Of different sizes, as an output's reach changes with its phase.
    rows, cols = ([0, 4, 5, 19], [3, 9, 9, 23]), ([1, 2, 27], [5, 3, 31])
    for rule, reduce in (("all", np.all), ("any", np.any)):
        got = windows_without_data(empty, rows, cols, rule=rule)
        expected = [
            [
                reduce(empty[top:bottom, left:right])
                for left, right in zip(*cols, strict=True)
            ]
            for top, bottom in zip(*rows, strict=True)
        ]
        np.testing.assert_array_equal(got, expected)


def test_a_source_of_another_pixel_size_is_empty_at_its_own_places(tmp_path):
    """The place of a 20 m output pixel in a 10 m source is right of its centre."""
    coarse_grid = GeoBox((20, 27), Affine(20, 0, 0, 0, -20, 0), "EPSG:32633")
    fine_grid = GeoBox((40, 54), Affine(10, 0, 0, 0, -10, 0), "EPSG:32633")
    values = np.ones((40, 54, 1), "float32")
    values[21, 31] = 0
    fine = rasters.write_array(tmp_path / "f.tif", values, fine_grid, nodata=0)
    coarse = rasters.write_array(tmp_path / "c.tif", values[:20, :27], coarse_grid)
    sources = {
        "coarse": Source(coarse, receptive_field=2),
        "fine": Source(fine, receptive_field=4),
    }
    model = testing.BlockMean({"coarse": 2, "fine": 4}, {"coarse": 1, "fine": 2})
    got = background(model, sources)
    # Lattice pixel (10, 15); the first map pixel has lattice index 1.
    assert np.argwhere(got).tolist() == [[9, 14]]
