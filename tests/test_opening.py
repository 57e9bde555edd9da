"""What is said about files that cannot be read, by every function that reads."""

import os
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import scenes
from affine import Affine
from rasterio.control import GroundControlPoint

import tutorial_lib as tl
from tutorial_lib import grids, rasters, testing
from tutorial_lib.rasters import Source, open_source


def read_block(path):
    with open_source(Source(path)) as reader:
        return reader.read_block(0, 0, *reader.grid.shape)


DOORS = [rasters.read_array, read_block, tl.read_grid, tl.read_legend]
DOORS += [rasters.read_nodata]
PIXEL_DOORS = [rasters.read_array, read_block]


def refusal(door, path, kind=OSError):
    """The message of an error of this kind, after a check that it is one line."""
    with pytest.raises(kind) as caught:
        door(path)
    message = str(caught.value)
    assert re.fullmatch(r"[^\n]+\.", message), message
    assert "See previous" not in message
    return message


# Paths


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "path", [None, b"a.tif", 3, 1.5, {"input": "a.tif"}, {"a.tif"}, np.zeros((5, 4))]
)
def test_what_is_no_path_is_a_type_error(door, path):
    assert "Give the path of a" in refusal(door, path, TypeError)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("path", ["", "a\0b.tif"])
def test_a_path_that_no_file_can_have_is_a_value_error(door, path):
    assert "Give the path of a" in refusal(door, path, ValueError)


@pytest.mark.parametrize("door", DOORS)
def test_a_missing_file_is_named_even_if_its_name_is_too_long(door, tmp_path):
    for name in ("nowhere.tif", "n" * 300 + ".tif", "no/where.tif"):
        message = refusal(door, tmp_path / name, FileNotFoundError)
        assert f"no raster at '{tmp_path / name}'" in message


@pytest.mark.parametrize("door", DOORS)
def test_a_folder_is_refused_with_a_raster_in_it(door, tmp_path):
    assert "is a folder" in refusal(door, tmp_path, IsADirectoryError)
    scenes.constant(tmp_path / "b.tif", 1)
    message = refusal(door, tmp_path, IsADirectoryError)
    assert f"for example '{tmp_path / 'b.tif'}'" in message


@pytest.mark.parametrize("door", [tl.read_grid, tl.Positions.from_file, tl.show_map])
def test_a_removed_current_folder_does_not_hide_the_cause(tmp_path, door):
    here, gone = Path.cwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        message = refusal(door, "a.tif", FileNotFoundError)
    finally:
        os.chdir(here)
    assert re.search(
        "no (raster|vector file|raster or vector file) at 'a.tif'", message
    )
    assert "was removed" in message


@pytest.mark.parametrize("door", [*DOORS, tl.Positions.from_file, tl.show])
def test_a_name_that_is_not_in_utf_8_has_to_be_changed(tmp_path, door):
    path = tmp_path / os.fsdecode(b"\xff.tif")
    scenes.write(tmp_path / "a.tif", scenes.image(3, 5, 1)).rename(path)
    assert "UTF-8: rename it" in refusal(door, path, ValueError)


@pytest.mark.parametrize("door", DOORS)
def test_a_pipe_is_refused_and_not_waited_for(door, tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    assert "is not a file" in refusal(door, tmp_path / "a.tif")
    assert "is not a file" in refusal(door, "/dev/zero")


# Other kinds of files


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp"])
def test_a_vector_file_is_sent_to_where_positions_are_read(door, tmp_path, ending):
    positions = tl.select_positions(testing.small_scene()["labels"], count=9)
    positions.to_file(tmp_path / f"a.{ending}")
    message = refusal(door, tmp_path / f"a.{ending}")
    assert "extract_patches(…, positions=…)" in message
    assert "Positions.from_file" in message


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["a.tif", "a.jp2", "a.vrt", "a.png", "a.txt"])
def test_a_file_that_is_no_raster_is_named(door, tmp_path, name):
    for content in (b"", b"not a raster", b"II*\0", b"<VRTDataset", b"\x89PNG\r\n"):
        (tmp_path / name).write_bytes(content)
        message = refusal(door, tmp_path / name)
        assert f"{name}' is not a raster that GDAL can read" in message


@pytest.mark.parametrize("door", DOORS)
def test_a_container_lists_its_rasters(door, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number in range(9):
            file[f"band_{number}"] = np.full((4, 7), number, "float32")
    message = refusal(door, tmp_path / "a.h5")
    assert "holds 9 rasters" in message
    assert "and 3 more" in message
    listed = re.findall(r"'(HDF5:.*?)'", message)
    assert len(listed) == 6
    assert rasters.read_array(listed[2]).shape == (4, 7, 1)


@pytest.mark.parametrize("door", DOORS)
def test_a_geopackage_of_two_rasters_lists_them(door, tmp_path):
    path = tmp_path / "a.gpkg"
    for table in ("first", "second"):
        array = scenes.image(20, 30, 3, largest=255, dtype="uint8")
        grid = testing.small_grid(20, 30)
        with rasterio.open(
            path,
            "w",
            driver="GPKG",
            height=20,
            width=30,
            count=3,
            dtype="uint8",
            crs=str(grid.crs),
            transform=grid.transform,
            RASTER_TABLE=table,
            APPEND_SUBDATASET="YES" if table == "second" else "NO",
        ) as dataset:
            dataset.write(np.moveaxis(array, -1, 0))
    message = refusal(door, path)
    assert "holds 2 rasters" in message
    listed = re.findall(r"'(GPKG:.*?)'", message)
    assert rasters.read_array(listed[1]).shape[:2] == (20, 30)


# Damaged and incomplete files


def write_scene(folder):
    return scenes.write(folder / "a.tif", scenes.image(600, 700, 2))


@pytest.mark.parametrize("door", PIXEL_DOORS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_damaged(door, tmp_path, share):
    path = write_scene(tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    message = refusal(door, path)
    assert "a.tif' is damaged" in message or "is not a raster" in message


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("compress", ["deflate", "zstd"])
def test_a_file_that_is_cut_short_while_it_is_read_is_damaged(
    tmp_path, dtype, compress
):
    array = scenes.image(600, 700, 2, dtype=dtype)
    path = scenes.write(tmp_path / "a.tif", array, compress=compress)
    with open_source(path) as reader:
        for read in (reader.read, reader.read_block):
            read(0, 0, 5, 7)
        os.truncate(path, path.stat().st_size // 2)
        for read in (reader.read, reader.read_block):
            message = refusal(lambda _: read(300, 100, 300, 600), path)  # noqa: B023
            assert "a.tif' is damaged: its pixels from row 300, col 100 on" in message


def add_mask(path, mask):
    """Write a .msk file beside a raster."""
    options = {"GDAL_TIFF_INTERNAL_MASK": False}
    with rasterio.Env(**options), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)


@pytest.mark.parametrize("door", PIXEL_DOORS)
def test_a_truncated_mask_is_damaged(door, tmp_path):
    path = write_scene(tmp_path)
    add_mask(path, scenes.image(600, 700, 1, largest=2)[..., 0] > 0)
    mask = Path(f"{path}.msk")
    mask.write_bytes(mask.read_bytes()[: mask.stat().st_size // 2])
    if door is read_block:
        assert "a.tif' is damaged" in refusal(door, path)
    else:
        assert door(path).shape == (600, 700, 2)


VRT = """<VRTDataset rasterXSize="30" rasterYSize="20">
<GeoTransform>500000,10,0,4800000,0,-10</GeoTransform>
<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>
<SourceFilename relativeToVRT="1">{}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("door", PIXEL_DOORS)
def test_a_missing_part_of_a_virtual_raster_is_named(door, tmp_path):
    (tmp_path / "inner.vrt").write_text(VRT.format("gone.tif"))
    (tmp_path / "outer.vrt").write_text(VRT.format("inner.vrt"))
    for name in ("inner.vrt", "outer.vrt"):
        message = refusal(door, tmp_path / name, FileNotFoundError)
        assert f"{name}' refers to the file '{tmp_path / 'gone.tif'}'" in message


@pytest.mark.parametrize("door", PIXEL_DOORS)
def test_a_damaged_part_of_a_virtual_raster_is_named(door, tmp_path):
    (tmp_path / "part.tif").write_text("no raster")
    (tmp_path / "a.vrt").write_text(VRT.format("part.tif"))
    message = refusal(door, tmp_path / "a.vrt")
    assert "a.vrt' is damaged" in message
    assert "part.tif" in message


def test_a_part_that_disappears_while_it_is_read_is_named(tmp_path):
    part = scenes.write(tmp_path / "part.tif", scenes.image(20, 30, 1))
    (tmp_path / "a.vrt").write_text(VRT.format("part.tif"))
    with open_source(Source(tmp_path / "a.vrt")) as reader:
        part.unlink()
        with pytest.raises(FileNotFoundError, match=r"refers to the file .*part.tif"):
            reader.read_block(0, 0, 20, 30)


# rasterio cannot write such a message into its log either.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("door", [tl.show, tl.select_positions, tl.Positions.from_file])
def test_causes_that_quote_bytes_of_a_damaged_file_are_told(tmp_path, door):
    path = tmp_path / "a.gpkg"
    tl.Positions([1.0], [2.0], [0], "EPSG:32631").to_file(path)
    path.write_bytes(path.read_bytes().replace(b"NULL", b"\x84ULL"))
    assert "ULL" in refusal(door, path)


# The files of a source


@pytest.mark.parametrize("inner", ["inner.vrt", "inner.xml", "inner"])
def test_all_files_of_a_source_are_known(tmp_path, inner):
    part = scenes.write(tmp_path / "part.tif", scenes.image(20, 30, 1))
    add_mask(part, np.ones((20, 30), bool))
    (tmp_path / inner).write_text(VRT.format("part.tif"))
    (tmp_path / "outer.vrt").write_text(VRT.format(inner))
    other = scenes.write(tmp_path / "other.tif", scenes.image(20, 30, 1), crs=None)
    names = ("outer.vrt", inner, "part.tif", "part.tif.msk", "other.tif")
    with open_source(Source([tmp_path / "outer.vrt", other])) as reader:
        assert set(reader.files) == {str(tmp_path / name) for name in names}
    with open_source(Source(part)) as reader:
        assert set(reader.files) == {str(part), f"{part}.msk"}


def write_map(path):
    """Plan a map, and return the function that writes it."""
    source = tl.Source(path, receptive_field=3)
    plan = tl.plan_inference(lambda x: x, {"y": source}, output="y", expression_field=3)
    return lambda path: plan.write(path, progress=False)


WRITERS = {
    "map": write_map,
    "figure": lambda path: tl.show(path).savefig,
    "page": lambda path: tl.compare(path, path).to_html,
    "web map": lambda path: tl.show_map(path).save,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_inputs_are_known_after_a_change_of_the_folder(tmp_path, monkeypatch, writer):
    path = scenes.write(tmp_path / "a.tif", scenes.image(20, 30, 1, largest=2))
    before = path.read_bytes()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    write = WRITERS[writer]("a.tif")
    monkeypatch.chdir("elsewhere")
    ending = {"figure": "png", "map": "tif"}.get(writer, "html")
    link = Path(f"../link.{ending}")
    link.hardlink_to(path)
    with pytest.raises(ValueError, match="is also an input"):
        write(link)
    assert path.read_bytes() == before


def test_a_loaded_model_is_known_after_a_change_of_the_folder(tmp_path, monkeypatch):
    tl.architectures.pixelwise_fcnn(3).save(tmp_path / "m.keras")
    scenes.write(tmp_path / "a.tif", scenes.image(30, 40, 4))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    model = tl.load_predictor("m.keras")
    monkeypatch.chdir("elsewhere")
    plan = tl.plan_inference(model, "../a.tif", output="estimated")
    Path("map.tif").hardlink_to("../m.keras")
    with pytest.raises(ValueError, match="is also an input"):
        plan.write("map.tif", progress=False)


def test_the_files_of_positions_have_full_paths(tmp_path, monkeypatch):
    path = scenes.write(tmp_path / "a.tif", scenes.image(20, 30, 1, largest=2))
    monkeypatch.chdir(tmp_path)
    positions = tl.select_positions("a.tif", count=1)
    assert positions.files == (str(path),)
    written = positions.to_file("a.gpkg")
    assert tl.Positions.from_file(written).files == (f"{tmp_path}/a.gpkg",)


@pytest.mark.parametrize("way", ["/vsisubfile/0_99999,", "/vsicached?file="])
def test_a_part_of_a_file_stands_for_the_file(tmp_path, way):
    path = scenes.write(tmp_path / "a.tif", scenes.image(20, 30, 1))
    with open_source(Source(f"{way}{path}")) as reader:
        assert str(path) in reader.files


def test_the_file_of_a_raster_in_an_archive_is_the_archive(tmp_path):
    part = scenes.write(tmp_path / "part.tif", scenes.image(20, 30, 1))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.write(part, "in/side.tif")
    archive = f"{tmp_path}/a.zip"
    for path in (f"/vsizip/{archive}/in/side.tif", f"zip://{archive}!in/side.tif"):
        with open_source(Source(path)) as reader:
            assert archive in reader.files
            assert reader.read(0, 0, 20, 30).shape == (20, 30, 1)


# Where a raster lies


def place(path, **options):
    """A raster without a transform, and what tells its place instead."""
    with rasterio.open(path, "w", **PROFILE, **options) as dataset:
        dataset.write(np.ones((1, 20, 30), "uint8"))
    return path


PROFILE = {"driver": "GTiff", "height": 20, "width": 30, "count": 1, "dtype": "uint8"}


def why_refused(path):
    with pytest.raises(grids.GridMismatchError) as caught:
        grids.align({"a": tl.read_grid(path)})
    return str(caught.value)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_three_causes_have_three_cures(tmp_path):
    points = [
        GroundControlPoint(row, col, 500_000 + 10 * col, 4_800_000 - 10 * row)
        for row, col in ((0, 0), (0, 30), (20, 0), (20, 30))
    ]
    bare = place(tmp_path / "bare.tif")
    only_crs = place(tmp_path / "crs.tif", crs="EPSG:32631")
    for path in (bare, only_crs):
        message = why_refused(path)
        assert "'a' has no georeference" in message
        assert "gdal_edit.py -a_srs EPSG:… -a_ullr" in message
    message = why_refused(place(tmp_path / "g.tif", gcps=points, crs="EPSG:32631"))
    assert "by GCPs" in message
    assert "`gdalwarp -t_srs" in message
    rpcs = {
        **dict.fromkeys(("ERR_BIAS", "ERR_RAND", "HEIGHT_OFF", "LAT_OFF"), "0"),
        **dict.fromkeys(("LINE_OFF", "LONG_OFF", "SAMP_OFF"), "10"),
        **dict.fromkeys(("HEIGHT_SCALE", "LAT_SCALE", "LINE_SCALE"), "100"),
        **dict.fromkeys(("LONG_SCALE", "SAMP_SCALE"), "100"),
        **{
            f"{axis}_{part}_COEFF": " ".join(["1"] + ["0"] * 19)
            for axis in ("LINE", "SAMP")
            for part in ("NUM", "DEN")
        },
    }
    path = place(tmp_path / "r.tif", rpcs=rasterio.rpc.RPC.from_gdal(rpcs))
    message = why_refused(path)
    assert "by RPCs" in message
    assert "`gdalwarp -rpc -t_srs" in message
    turned = Affine.translation(500_000, 4_800_000) @ Affine.rotation(3)
    message = why_refused(place(tmp_path / "t.tif", transform=turned))
    assert "'a' is rotated or not north-up" in message
    assert "`gdalwarp in.tif out.tif`" in message


def test_pixels_are_read_wherever_they_lie(tmp_path):
    """Arrays and windows need no coordinates."""
    points = [GroundControlPoint(0, 0, 5, 6), GroundControlPoint(9, 3, 5, 7)]
    path = place(tmp_path / "g.tif", gcps=[*points, *points], crs="EPSG:4326")
    assert rasters.read_array(path).shape == (20, 30, 1)
    assert tl.read_grid(path).shape == (20, 30)


# Too much


@pytest.mark.parametrize("door", PIXEL_DOORS)
def test_a_raster_that_does_not_fit_into_memory_is_refused(door, tmp_path):
    side = 2_000_000
    grid = testing.small_grid(1, 1)
    path = tmp_path / "a.vrt"
    path.write_text(
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><GeoTransform>'
        f"{', '.join(map(str, grid.transform.to_gdal()))}</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'
    )
    message = refusal(door, path, MemoryError)
    assert "2000000x2000000 px of" in message
    assert "take 4000.0 GB" in message
    with open_source(Source(path)) as reader:
        assert reader.read_block(side - 3, 5, 3, 4).values.shape == (3, 4, 1)


# GDAL quotes a damaged text, which rasterio then cannot decode for its log.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. 'rasterio:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_give_a_sentence_or_a_raster(door, tmp_path, seed):
    path = scenes.constant(
        tmp_path / "a.tif", 2, nodata=255, legend=testing.SMALL_LEGEND
    )
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    # Not the width and the height: a huge raster of few bytes takes long to read.
    for place in rng.integers(40, len(content), 3):
        content[place] = rng.integers(0, 256)
    path.write_bytes(content)
    said = f"'{path}' is"
    try:
        door(path)
    except OSError as err:
        said = str(err)
    assert f"'{path}' is" in said
    assert "\n" not in said
