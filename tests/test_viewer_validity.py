"""Pixels that a map calls background are the ones that the viewers draw as empty."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from scenes import write

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.viewers import reading
from tutorial_lib.viewers.options import Display
from tutorial_lib.viewers.webmaps.overlays import read_overlay

ROWS, COLS = 13, 17
GRID = testing.small_grid(ROWS, COLS)
# Places of pixels that a raster marks in its own way, and of pixels that look alike.
EMPTY, WHOLE = (slice(2, 5), slice(3, 9)), (slice(8, 10), slice(1, 4))


def values(dtype="uint16", channels=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 100, (channels, ROWS, COLS)).astype(dtype)


def save(path, planes, *, nodata=None, mask=None, alpha=False, sidecar=False):
    profile = {"driver": "GTiff", "height": ROWS, "width": COLS, "crs": "EPSG:32631"}
    profile |= {"count": len(planes), "dtype": planes.dtype, "nodata": nodata}
    if sidecar:
        # GDAL writes masks of BMP files beside them: these have no place for one.
        profile |= {"photometric": "minisblack"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=not sidecar),
        rasterio.open(path, "w", transform=GRID.transform, **profile) as dataset,
    ):
        if alpha:
            kinds = [ColorInterp.undefined] * (len(planes) - 1)
            dataset.colorinterp = [*kinds, ColorInterp.alpha]
        dataset.write(planes)
        if mask is not None:
            dataset.write_mask(mask)
    return path


def tagged(path, dtype, nodata, fill=None):
    planes = values(dtype)
    fill = nodata if fill is None else fill
    planes[:, *EMPTY] = fill
    # Not in all bands: the pixel has data.
    planes[:2, *WHOLE] = fill
    return save(path, planes, nodata=nodata)


def not_finite(path, dtype, nodata, band):
    planes = values(dtype)
    planes[:, *EMPTY] = np.nan if nodata is None else nodata
    planes[band, 11, 3], planes[band, 12, 4] = np.nan, -np.inf
    return save(path, planes, nodata=nodata)


def masked(path, *, sidecar):
    mask = np.full((ROWS, COLS), 255, "uint8")
    mask[EMPTY] = 0
    return save(path, values(), mask=mask, sidecar=sidecar)


def with_alpha(path, channels, nodata=None):
    planes = values("uint8", channels)
    planes[-1] = 255
    planes[-1][EMPTY] = 0
    if nodata is not None:
        planes[:, *WHOLE] = nodata
    return save(path, planes, nodata=nodata, alpha=True)


def per_band(path, *, types=("UInt16",) * 3):
    """A VRT of three bands with no-data values 1, 2 and none."""
    names = []
    for band, kind in enumerate(types):
        planes = np.full((1, ROWS, COLS), band + 1, kind.lower())
        planes[0, :, 9:] = 50
        names.append(path.with_name(f"{band}.tif"))
        save(names[-1], planes)
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{band + 1}">'
        + (f"<NoDataValue>{band + 1}</NoDataValue>" if band < 2 else "")
        + f'<SimpleSource><SourceFilename relativeToVRT="1">{name.name}'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for band, (kind, name) in enumerate(zip(types, names, strict=True))
    )
    transform = ", ".join(map(str, GRID.transform.to_gdal()))
    path.with_suffix(".vrt").write_text(
        f'<VRTDataset rasterXSize="{COLS}" rasterYSize="{ROWS}"><SRS>EPSG:32631</SRS>'
        f"<GeoTransform>{transform}</GeoTransform>{bands}</VRTDataset>"
    )
    return path.with_suffix(".vrt")


def many_bands(path, dtype):
    """20 bands; one pixel lacks one of the last bands, others lack all."""
    planes = values(dtype, channels=20)
    planes[:, *EMPTY] = -5
    planes[:19, *WHOLE] = -5
    if planes.dtype.kind == "f":
        planes[18, 11, 3] = np.nan
    return save(path, planes, nodata=-5)


def two_tags(path):
    """A VRT of two bands, both without data in the same place."""
    return per_band(path, types=("UInt16",) * 2)


KINDS = {
    "no tag": lambda path: save(path, values()),
    "a tag": lambda path: tagged(path, "uint16", 0),
    "int8": lambda path: tagged(path, "int8", -128),
    "a tag of float32 that is rounded": lambda path: tagged(path, "float32", 3.4e38),
    "a tag of float32 as float64": lambda path: tagged(path, "float32", 0.1),
    "the lowest float32": lambda path: tagged(path, "float32", -3.4028234663852886e38),
    "int64": lambda path: tagged(path, "int64", -9999),
    "NaN is the tag": lambda path: tagged(path, "float32", np.nan),
    "NaN without a tag": lambda path: not_finite(path, "float32", None, 0),
    "NaN beside a tag": lambda path: not_finite(path, "float64", -9999, 1),
    "NaN in a band that is not drawn": lambda path: not_finite(path, "float32", 0, 3),
    "an internal mask": lambda path: masked(path, sidecar=False),
    "a mask beside the file": lambda path: masked(path, sidecar=True),
    "red, green, blue, alpha": lambda path: with_alpha(path, 4),
    "grey and alpha": lambda path: with_alpha(path, 2),
    "alpha and a tag": lambda path: with_alpha(path, 4, nodata=7),
    "a tag for some bands": per_band,
    "a tag for each band": two_tags,
    "more bands than are read at a time": lambda path: many_bands(path, np.float32),
    "more bands of integers": lambda path: many_bands(path, np.int16),
    "bands of several types": lambda path: per_band(path, types=("UInt16", "Float32")),
}


def background(path):
    """Where a map of this source has its background."""
    with rasters.open_source(rasters.Source(path)) as reader:
        return reader.read_block(0, 0, ROWS, COLS).empty


@pytest.fixture(params=KINDS)
def raster(request, tmp_path):
    return KINDS[request.param](tmp_path / "a.tif")


def test_most_kinds_have_pixels_without_data(tmp_path):
    with_gaps = 0
    for name, make in KINDS.items():
        (tmp_path / name).mkdir()
        with_gaps += background(make(tmp_path / name / "a.tif")).any()
    assert with_gaps >= len(KINDS) - 2


@pytest.mark.parametrize("kind", [None, "grey"])
def test_show_draws_the_background_as_empty(raster, kind):
    (ax,) = [ax for ax in tl.show(raster, kind=kind).as_figure().axes if ax.images]
    alpha = np.asarray(ax.images[0].get_array())[..., 3]
    np.testing.assert_array_equal(alpha == 0, background(raster))


def test_compare_draws_the_background_as_empty(raster):
    widget = tl.compare(raster, raster, kind="grey")
    for layer in widget.scene.layers:
        np.testing.assert_array_equal(~layer.valid, background(raster))
    np.testing.assert_array_equal(~widget.difference().valid, background(raster))


WITH_CLASSES = [name for name in KINDS if "float" not in name and "NaN" not in name]


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_the_map_draws_the_background_of_classes_as_empty(tmp_path, name):
    check_overlay(KINDS[name](tmp_path / "a.tif"), "classes")


def test_the_map_draws_the_background_as_empty(raster):
    check_overlay(raster, "grey")


def check_overlay(raster, kind):
    overlay = read_overlay(raster, "a", Display(kind=kind))
    # Every map pixel, by the raster's pixel that contains its centre.
    rows, cols = np.mgrid[: overlay.grid.height, : overlay.grid.width]
    x, y = overlay.grid.transform @ (cols + 0.5, rows + 0.5)
    move = rasterio.warp.transform("EPSG:3857", "EPSG:32631", x.ravel(), y.ravel())
    col, row = ~GRID.transform @ tuple(map(np.array, move))
    # Beside the border of two pixels, rounding decides which of them it is.
    clear = (np.abs(row % 1 - 0.5) < 0.45) & (np.abs(col % 1 - 0.5) < 0.45)
    inside = clear & (row > 0) & (row < ROWS) & (col > 0) & (col < COLS)
    seen = overlay.picture[..., 3].ravel()[inside] == 0
    there = background(raster)[row[inside].astype(int), col[inside].astype(int)]
    assert inside.sum() > 50 * ROWS * COLS * 0.5
    np.testing.assert_array_equal(seen, there)


def test_a_value_that_is_given_counts_in_all_bands(tmp_path):
    planes = values()
    planes[:, *EMPTY] = 5
    planes[:3, *WHOLE] = 5
    path = save(tmp_path / "a.tif", planes)
    source = rasters.Source(path, nodata=5)
    with rasters.open_source(source) as reader:
        expected = reader.read_block(0, 0, ROWS, COLS).empty
    assert expected.sum() == 18
    widget = tl.compare(path, path, nodata=5, bands=2)
    np.testing.assert_array_equal(~widget.scene.layers[0].valid, expected)
    as_array = np.moveaxis(planes, 0, -1)
    widget = tl.compare(as_array, as_array, nodata=5, bands=2)
    np.testing.assert_array_equal(~widget.scene.layers[0].valid, expected)


def test_a_smaller_picture_is_empty_where_its_pixels_are(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_SIDE", 6)
    planes = values("float32")
    planes[:, 1, 4] = planes[:, 4, 7] = np.nan
    path = save(tmp_path / "a.tif", planes)
    with reading.open_layer(path) as layer:
        preview = layer.read(range(ROWS), range(COLS), bands=(1, 2, 3), average=True)
    rows, cols = reading.picked(ROWS, 5), reading.picked(COLS, 6)
    np.testing.assert_array_equal(~preview.valid, background(path)[np.ix_(rows, cols)])
    assert np.isfinite(preview.pixels[preview.valid]).all()


# Class numbers of one's own

FIELDS = tl.Legend(
    ("maize", "wheat", "beet"), ("#ffd300", "#a57000", "#a800e5"), classes=(10, 20, 30)
)


@pytest.fixture
def fields(tmp_path):
    labels = np.repeat([[10, 20, 30, 255]], 5, axis=0).astype("uint8")
    return write(tmp_path / "fields.tif", labels, nodata=255, legend=FIELDS)


def test_classes_are_named_and_coloured_by_their_number(fields):
    figure = tl.show(fields)
    (ax,) = [ax for ax in figure.as_figure().axes if ax.images]
    picture = np.asarray(ax.images[0].get_array())
    assert [tuple(c) for c in picture[0, :3, :3]] == list(FIELDS.rgb)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["maize: 33 %", "wheat: 33 %", "beet: 33 %", "no data"]
    classes = tl.compare(fields, fields).get_state()["_layers"][0]["classes"]
    expected = [
        [number, name, list(rgb)]
        for number, name, rgb in zip(
            (10, 20, 30), FIELDS.names, FIELDS.rgb, strict=True
        )
    ]
    assert classes == expected
    web = tl.show_map(fields)
    assert "maize: 33 %" in web.description
    page = web._page()
    for name, color in zip(FIELDS.names, FIELDS.colors, strict=True):
        assert f'style="background:{color}"></i><span>{name}</span>' in page


def test_patches_are_named_by_the_number_of_their_class():
    patches = {"x": np.ones((4, 3, 3, 1)), "labels": np.array([30, 10, 10, 20])}
    figure = tl.show_patches(patches, legend=FIELDS)
    assert "2 of maize (10), 1 of wheat (20), 1 of beet (30)" in figure.description
    browser = tl.browse_patches(patches, legend=FIELDS)
    assert "maize (10)" in browser.title


def test_a_class_that_the_legend_does_not_name_is_said(fields):
    short = tl.Legend(("maize", "wheat"), ("#ffd300", "#a57000"), classes=(10, 20))
    for draw in (tl.show, tl.show_map, lambda path, **o: tl.compare(path, path, **o)):
        with pytest.warns(
            UserWarning, match="classes 10, 20, and 'fields' also holds 30"
        ):
            draw(fields, legend=short)


def test_classes_without_a_legend_keep_their_numbers(tmp_path):
    labels = np.repeat([[10, 20, 30]], 5, axis=0).astype("uint8")
    figure = tl.show(write(tmp_path / "plain.tif", labels))
    assert "class 10: 33 %, class 20: 33 %, class 30: 33 %" in figure.description


def test_whole_floats_are_class_numbers_and_others_are_refused():
    whole = np.array([[0.0, 1.0, 3.0, np.nan]])
    figure = tl.show(whole, kind="classes", legend=testing.SMALL_LEGEND)
    assert "water: 33 %, meadow: 33 %, town: 33 %" in figure.description
    with pytest.raises(ValueError, match=r"whole, and the array holds 0\.5.*'grey'"):
        tl.show(whole / 2, kind="classes")


def test_a_legend_of_many_classes_lists_the_common_ones():
    labels = np.arange(60 * 50).reshape(60, 50) // 3
    labels[:30] = 7
    figure = tl.show(labels, kind="classes")
    assert "class 7: 50 %" in figure.description
    assert "461 more classes: 46 %" in figure.description
    with pytest.raises(ValueError, match=r"5000 different numbers in the array.*grey"):
        tl.show(np.arange(5000).reshape(50, 100), kind="classes")
