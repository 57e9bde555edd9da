"""Which pixels have data, against loops over pixels and rasterio's own masks."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from tutorial_lib import rasters, testing
from tutorial_lib.rasters import NoData, Source, open_source
from tutorial_lib.rasters.validity import pixels_without_data

SHAPE = (23, 37)
VRT_TYPES = {"uint8": "Byte", "int16": "Int16", "uint16": "UInt16", "int64": "Int64"}
VRT_TYPES |= {"float32": "Float32", "float64": "Float64", "uint64": "UInt64"}


def block_of(source, window=None):
    """The whole of a source, or a window, as `read_block` gives it."""
    with open_source(Source.of(source)) as reader:
        height, width = reader.grid.shape
        row, col, height, width = window or (0, 0, height, width)
        block = reader.read_block(row, col, height, width)
        assert np.array_equal(
            block.values, reader.read(row, col, height, width), equal_nan=True
        )
        assert block.values.dtype == reader.dtype
        if not reader.may_lack_data:
            assert not block.incomplete.any()
        assert not (block.empty & ~block.incomplete).any()
        return block


def values_of(shape=SHAPE, bands=3, dtype="uint8", seed=0, count=4):
    """A few different values, so that every combination of bands is there."""
    return scenes.image(*shape, bands, seed, largest=count, dtype=dtype)


def vrt(path, source, tags, *, dtype="uint8", shape=SHAPE, extra="", scales=()):
    """A virtual raster with a no-data tag, or none, for each band."""
    bands = []
    for number, (tag, scale) in enumerate(
        itertools.zip_longest(tags, scales, fillvalue=""), start=1
    ):
        tag = f"<NoDataValue>{tag}</NoDataValue>" if tag not in (None, "") else ""
        bands.append(
            f'<VRTRasterBand dataType="{VRT_TYPES[dtype]}" band="{number}">{tag}{scale}'
            f"<SimpleSource><SourceFilename>{source}</SourceFilename>"
            f"<SourceBand>{number}</SourceBand></SimpleSource></VRTRasterBand>"
        )
    path.write_text(
        f'<VRTDataset rasterXSize="{shape[1]}" rasterYSize="{shape[0]}">{extra}'
        f"<GeoTransform>500000,10,0,4800000,0,-10</GeoTransform>{''.join(bands)}"
        "</VRTDataset>"
    )
    return path


def naive(values, tags, masked=None):
    """Empty and incomplete pixels, one after the other."""
    empty, incomplete = np.zeros((2, *values.shape[:2]), bool)
    for row, col in np.ndindex(*values.shape[:2]):
        pixel = values[row, col]
        lacks = [
            tag is not None and value == tag
            for value, tag in zip(pixel, tags, strict=True)
        ]
        strange = not all(np.isfinite(pixel))
        hidden = masked is not None and bool(masked[row, col])
        empty[row, col] = all(lacks) or strange or hidden
        incomplete[row, col] = any(lacks) or strange or hidden
    return empty, incomplete


def assert_found(block, expected):
    np.testing.assert_array_equal(block.empty, expected[0])
    np.testing.assert_array_equal(block.incomplete, expected[1])


# Values of each band


@pytest.mark.parametrize(
    "tags", [(0, 1, 2), (0, 0, 0), (3, None, 1), (None, 2, None), (None,) * 3]
)
@pytest.mark.parametrize("bands", [None, (3, 1), (2,)])
def test_each_band_has_its_own_value(tmp_path, tags, bands):
    values = values_of()
    scenes.write(tmp_path / "a.tif", values)
    path = vrt(tmp_path / "a.vrt", tmp_path / "a.tif", tags)
    chosen = [band - 1 for band in bands or (1, 2, 3)]
    expected = naive(values[..., chosen], [tags[i] for i in chosen])
    assert_found(block_of(Source(path, bands=bands)), expected)
    part = block_of(Source(path, bands=bands), (5, 9, 11, 6))
    assert_found(part, [mask[5:16, 9:15] for mask in expected])


def test_one_tag_for_all_bands_is_what_rasterio_masks(tmp_path):
    path = scenes.write(tmp_path / "a.tif", values_of(), nodata=1)
    block = block_of(path)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(block.empty, dataset.dataset_mask() == 0)
        hidden = dataset.read(masked=True).mask
    np.testing.assert_array_equal(block.incomplete, hidden.any(axis=0))
    assert block.empty.any()


def test_a_given_value_replaces_the_tags_of_all_bands(tmp_path):
    values = values_of()
    scenes.write(tmp_path / "a.tif", values)
    path = vrt(tmp_path / "a.vrt", tmp_path / "a.tif", (0, 1, 2))
    for nodata in (3, 3.0, np.uint8(3), np.float64(3)):
        assert_found(block_of(Source(path, nodata=nodata)), naive(values, (3,) * 3))


@pytest.mark.parametrize("nodata", [-9999, 256, 0.5, float("nan"), np.inf])
def test_a_value_that_the_type_cannot_hold_is_refused(tmp_path, nodata):
    path = scenes.write(tmp_path / "a.tif", values_of())
    with pytest.raises(ValueError, match=r"`nodata` is .*a.tif' holds uint8.*Leave it"):
        block_of(Source(path, nodata=nodata))


def test_a_tag_that_the_type_cannot_hold_matches_nothing(tmp_path):
    scenes.write(tmp_path / "a.tif", values_of())
    for tag in (-9999, 256, 0.5, "nan"):
        path = vrt(tmp_path / "a.vrt", tmp_path / "a.tif", (tag,) * 3)
        assert not block_of(path).incomplete.any()


# Types


@pytest.mark.parametrize("nodata", [3.4e38, -3.4e38, 0.1, -1.5, np.float64(0.1), 1e-40])
def test_floats_are_compared_in_their_own_type(tmp_path, nodata):
    array = values_of(dtype="float32")
    array[3:9, 4:11] = nodata
    array[12, 5, 1] = nodata
    tagged = scenes.write(tmp_path / "a.tif", array, nodata=nodata)
    bare = scenes.write(tmp_path / "b.tif", array)
    mine = np.zeros(SHAPE, bool)
    mine[3:9, 4:11] = True
    some = mine.copy()
    some[12, 5] = True
    assert_found(block_of(tagged), (mine, some))
    assert_found(block_of(Source(bare, nodata=nodata)), (mine, some))
    with rasterio.open(tagged) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask() == 0, mine)


def test_values_beyond_a_float_type_do_not_become_infinite_or_zero(tmp_path):
    path = scenes.write(tmp_path / "a.tif", np.zeros((*SHAPE, 1), "float32"))
    for nodata in (1e300, -1.7976931348623157e308, 1e-300):
        with pytest.raises(ValueError, match="holds float32"):
            block_of(Source(path, nodata=nodata))
    double = scenes.write(tmp_path / "b.tif", np.zeros((*SHAPE, 1)))
    assert not block_of(Source(double, nodata=1e-300)).empty.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("tag", [None, -9999, float("nan")])
@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_never_data(tmp_path, dtype, tag, strange):
    array = values_of(dtype=dtype)
    array[2:5, 3:9, 1] = strange
    array[7:9, 3:9] = -9999
    path = scenes.write(tmp_path / "a.tif", array, nodata=tag)
    tags = (tag if tag == -9999 else None,) * 3
    assert_found(block_of(path), naive(array, tags))
    assert not block_of(Source(path, bands=[1])).empty[2:5, 3:9].any()


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int64", -(2**63)),
        ("int64", 2**53 + 1),
        ("int64", -7),
        ("uint64", 2**64 - 1),
        ("uint64", 2**63 + 1),
    ],
)
def test_integers_of_64_bits_are_compared_exactly(tmp_path, dtype, value):
    array = np.full((*SHAPE, 2), value, dtype)
    array[4:9, 3:7, 0] += np.array(1).astype(dtype)
    array[8:12, 3:7, 1] -= np.array(1).astype(dtype)
    path = scenes.write(tmp_path / "a.tif", array)
    tagged = vrt(tmp_path / "a.vrt", path, (value, value), dtype=dtype)
    lacks = array == np.array(value, dtype)
    expected = lacks.all(-1), lacks.any(-1)
    assert_found(block_of(Source(path, nodata=value)), expected)
    assert_found(block_of(tagged), expected)


# Masks


def masked_raster(path, values, mask, *, internal, **profile):
    """A raster with a mask for all bands, in the file or in a .msk file."""
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=values.shape[0],
            width=values.shape[1],
            count=values.shape[2],
            dtype=values.dtype,
            transform=testing.small_grid(3, 4).transform,
            **profile,
        ) as dataset,
    ):
        dataset.write(np.moveaxis(values, -1, 0))
        dataset.write_mask(mask)
    assert Path(f"{path}.msk").exists() is not internal
    return path


@pytest.mark.parametrize("internal", [True, False])
@pytest.mark.parametrize("nodata", [None, 2])
def test_a_mask_counts_beside_the_tag(tmp_path, internal, nodata):
    values, mask = values_of(), values_of(bands=1, seed=3)[..., 0] > 0
    path = masked_raster(
        tmp_path / "a.tif", values, mask, internal=internal, nodata=nodata
    )
    block = block_of(path)
    assert_found(block, naive(values, (nodata,) * 3, ~mask))
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask() == 0, ~mask)
    # The mask also counts beside a value that the user gives, and for single bands.
    given = block_of(Source(path, nodata=1, bands=[2]))
    assert_found(given, naive(values[..., 1:2], (1,), ~mask))


@pytest.mark.parametrize("nodata", [None, 2, 0, 60])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_an_alpha_band_marks_pixels_without_data(tmp_path, nodata, dtype):
    values = values_of(bands=4, dtype=dtype)
    values[..., 3] = values_of(bands=1, seed=4)[..., 0] * 60
    path = scenes.write(tmp_path / "a.tif", values, nodata=nodata)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [*dataset.colorinterp[:3], ColorInterp.alpha]
    hidden = values[..., 3] == 0
    # Tags do not mean the alpha band: its values are not measured.
    found = naive(values[..., :3], (nodata,) * 3, hidden)
    assert_found(block_of(path), found)
    three = block_of(Source(path, bands=(1, 2, 3)))
    assert_found(three, found)
    if nodata is None:
        with rasterio.open(path) as dataset:
            np.testing.assert_array_equal(dataset.dataset_mask() == 0, three.empty)


def test_each_band_may_have_a_mask_of_its_own(tmp_path):
    values = values_of(bands=2)
    scenes.write(tmp_path / "a.tif", values)
    masks = values_of(bands=2, seed=8, count=2) * 255
    scenes.write(tmp_path / "m.tif", masks)
    path = tmp_path / "a.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource><SourceFilename>'
        f"{tmp_path}/a.tif</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource>"
        f'<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename>'
        f"{tmp_path}/m.tif</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource>"
        "</VRTRasterBand></MaskBand></VRTRasterBand>"
        for n in (1, 2)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{SHAPE[1]}" rasterYSize="{SHAPE[0]}">'
        f"<GeoTransform>500000,10,0,4800000,0,-10</GeoTransform>{bands}</VRTDataset>"
    )
    block = block_of(path)
    assert_found(block, ((masks == 0).all(-1), (masks == 0).any(-1)))
    assert 0 < block.empty.sum() < block.incomplete.sum()
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask() == 0, block.empty)


def test_a_tag_for_the_whole_pixel_is_followed(tmp_path):
    """NODATA_VALUES: a pixel is empty where all bands have their value."""
    values = values_of()
    path = scenes.write(tmp_path / "a.tif", values)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(NODATA_VALUES="1 2 3")
    hidden = (values == (1, 2, 3)).all(-1)
    assert hidden.any()
    np.testing.assert_array_equal(block_of(path).empty, hidden)
    given = block_of(Source(path, nodata=0))
    np.testing.assert_array_equal(given.empty, (values == 0).all(-1))


# Stacks


def test_stacked_rasters_keep_their_own_tags_and_types(tmp_path):
    first = values_of(bands=2)
    second = values_of(bands=1, dtype="float32", seed=5)
    second[second == 1] = -3.4e38
    first[2:4, :9] = 2
    second[2:4, :9] = -3.4e38
    third = values_of(bands=1, dtype="int16", seed=6)
    third[3:5] = 255
    paths = [
        scenes.write(tmp_path / "a.tif", first, nodata=2),
        scenes.write(tmp_path / "b.tif", second, nodata=-3.4e38),
        scenes.write(tmp_path / "c.tif", third, nodata=255),
    ]
    lacks = np.concatenate(
        [first == 2, second == np.float32(-3.4e38), third == 255], axis=-1
    )
    block = block_of(paths)
    assert_found(block, (lacks.all(-1), lacks.any(-1)))
    assert block.empty.any()
    swapped = block_of(Source(paths, bands=(4, 1)))
    assert_found(swapped, (lacks[..., [3, 0]].all(-1), lacks[..., [3, 0]].any(-1)))


def test_the_mask_of_one_stacked_raster_empties_the_pixel(tmp_path):
    values, mask = values_of(), values_of(bands=1, seed=3)[..., 0] > 0
    crs = {"crs": "EPSG:32631"}
    masked = masked_raster(tmp_path / "a.tif", values, mask, internal=False, **crs)
    other = scenes.write(tmp_path / "b.tif", values)
    assert_found(block_of([other, masked]), (~mask, ~mask))


def test_a_given_value_is_accepted_if_one_of_the_types_holds_it(tmp_path):
    paths = [
        scenes.write(tmp_path / "a.tif", values_of(bands=1)),
        scenes.write(tmp_path / "b.tif", np.full((*SHAPE, 1), -1, "int16")),
    ]
    block = block_of(Source(paths, nodata=-1))
    assert block.incomplete.all()
    assert not block.empty.any()


# What costs nothing


def test_integers_without_tag_and_mask_are_not_judged(tmp_path, monkeypatch):
    path = scenes.write(tmp_path / "a.tif", values_of(), nodata=None)

    def never(*_, **__):
        raise AssertionError("a mask was read")

    monkeypatch.setattr(NoData, "lacks", never)
    with open_source(Source(path)) as reader:
        assert reader.may_lack_data is False
        block = reader.read_block(2, 3, 4, 5)
    assert block.empty.shape == block.incomplete.shape == (4, 5)
    assert not block.incomplete.any()


@pytest.mark.parametrize("nodata", [None, 1])
def test_no_mask_of_gdal_is_read_where_there_is_none(tmp_path, nodata):
    path = scenes.write(tmp_path / "a.tif", values_of(), nodata=nodata)

    class Counting:
        def __init__(self, dataset):
            self.dataset = dataset

        def __getattr__(self, name):
            assert "mask" not in name.replace("mask_flag_enums", ""), name
            return getattr(self.dataset, name)

    with rasterio.open(path) as dataset:
        block = NoData(Counting(dataset), [1, 2]).block(Window(0, 0, 9, 7))
    assert block.empty.shape == (7, 9)


# Coarse reading, as viewers do


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_coarse_block_is_the_block_of_the_coarse_pixels(tmp_path, dtype):
    values = values_of((40, 66), dtype=dtype)
    path = scenes.write(tmp_path / "a.tif", values, nodata=1)
    with rasterio.open(path) as dataset:
        window = Window(0, 0, 66, 40)
        block = NoData(dataset, [1, 2, 3]).block(window, out_shape=(20, 33))
        expected = dataset.read(window=window, out_shape=(3, 20, 33))
    np.testing.assert_array_equal(block.values, np.moveaxis(expected, 0, -1))
    np.testing.assert_array_equal(block.empty, (expected == 1).all(axis=0))


# Scale and offset


def scaled_vrt(path, source, pairs, tags=(None, None, None)):
    scales = [f"<Offset>{o}</Offset><Scale>{s}</Scale>" for s, o in pairs]
    return vrt(path, source, tags, scales=scales, dtype="uint16")


def test_scaled_values_are_floats_and_no_data_is_judged_before(tmp_path):
    values = values_of(dtype="uint16") * 1000
    source = scenes.write(tmp_path / "a.tif", values)
    pairs = [(0.0001, -0.1), (0.5, 0), (1, 7)]
    path = scaled_vrt(tmp_path / "a.vrt", source, pairs, tags=(0, 1000, 2000))
    block = block_of(Source(path, scaled=True))
    assert block.values.dtype == "float32"
    for band, (scale, offset) in enumerate(pairs):
        expected = values[..., band] * scale + offset
        np.testing.assert_allclose(block.values[..., band], expected, rtol=1e-6)
    assert_found(block, naive(values, (0, 1000, 2000)))
    stored = block_of(path)
    np.testing.assert_array_equal(stored.values, values)


def test_a_plan_can_say_how_values_are_scaled(tmp_path):
    source = scenes.write(tmp_path / "a.tif", values_of(dtype="uint16"))
    path = scaled_vrt(tmp_path / "a.vrt", source, [(0.0001, -0.1)] * 3)
    with open_source(Source(path, scaled=True)) as reader:
        assert reader.scaling == "values * 0.0001 - 0.1"
    with open_source(Source(path)) as reader:
        assert "scaled=True" in reader.scaling
    with open_source(Source(source)) as reader:
        assert reader.scaling is None
    with open_source(Source(source, scaled=True)) as reader:
        assert "no scale" in reader.scaling
        assert reader.dtype == "float32"


def test_rasters_of_two_scales_are_stacked_only_when_scaled(tmp_path):
    source = scenes.write(tmp_path / "a.tif", values_of(dtype="uint16"))
    old = scaled_vrt(tmp_path / "old.vrt", source, [(0.0001, 0)] * 3)
    new = scaled_vrt(tmp_path / "new.vrt", source, [(0.0001, -0.1)] * 3)
    message = r"new.vrt' \(\* 0.0001 - 0.1\).*old.vrt' \(\* 0.0001\).*scaled=True"
    with pytest.raises(ValueError, match=message):
        block_of([old, new])
    block = block_of(Source([old, new], scaled=True))
    difference = block.values[..., :3] - block.values[..., 3:]
    np.testing.assert_allclose(difference, 0.1, rtol=1e-5)
    # Only bands that are used count.
    block_of(Source([old, new], bands=(4, 5)))


def test_a_scale_of_zero_cannot_be_applied(tmp_path):
    source = scenes.write(tmp_path / "a.tif", values_of(dtype="uint16"))
    path = scaled_vrt(tmp_path / "a.vrt", source, [(0, 3)] * 3)
    block_of(path)
    with pytest.raises(ValueError, match=r"scale 0 .*Leave out `scaled=True`"):
        block_of(Source(path, scaled=True))


# Arrays in memory


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("nodata", [None, 1, 1.0, np.float64(1), -9999, 0.5])
def test_arrays_are_judged_by_the_same_rule(dtype, nodata):
    values = values_of(bands=2, dtype=dtype)
    if values.dtype.kind == "f":
        values[3, 4, 1], values[5, 6, 0] = np.nan, np.inf
    found = pixels_without_data(values, nodata)
    np.testing.assert_array_equal(found, naive(values, (nodata,) * 2)[0])


def test_sums_that_overflow_are_no_reason_to_call_a_pixel_empty(tmp_path):
    array = np.full((*SHAPE, 1), 3e38, "float32")
    array[3, 4] = -np.inf
    block = block_of(scenes.write(tmp_path / "a.tif", array))
    assert np.argwhere(block.empty).tolist() == [[3, 4]]


# What is refused


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "complex_int16"])
def test_complex_rasters_are_refused_in_one_sentence(tmp_path, dtype):
    profile = {"height": 3, "width": 5, "count": 1, "dtype": dtype}
    place = testing.small_grid(3, 5).transform
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", transform=place, **profile):
        pass
    for read in (rasters.read_array, block_of):
        with pytest.raises(TypeError, match=f"complex numbers \\({dtype}\\).*amplitud"):
            read(path)
