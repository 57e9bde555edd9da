"""Scenes from products and GeoTIFFs on this machine: `python -m data_fetch local`."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import rasterio
import rasterio.warp
import safe_trees
from affine import Affine
from odc.geo.geobox import GeoBox
from safe_trees import CORNER, KINDS, Kind

from data_fetch import layout, reflectance, scenes
from data_fetch.__main__ import main
from data_fetch.local import make_local_scene, metadata
from data_fetch.local import scene as local_scene
from data_fetch.local.geotiffs import band_of
from tutorial_lib import rasters

REPOSITORY = Path(__file__).resolve().parents[1]
NEW_2A, OLD_1C = KINDS["new 2A"], KINDS["old 1C"]


def make(path, tmp_path, **options):
    return make_local_scene(
        path, folder=tmp_path / "data", **{"name": "here", "progress": False, **options}
    )


def images_of(folder):
    return [rasters.read_array(folder / f"s2_{x}m.tif") for x in (10, 20)]


def assert_images(folder, expected):
    for found, wanted in zip(images_of(folder), expected, strict=True):
        assert found.dtype == np.uint16
        assert (found == wanted).all()


def corners(left, top, right, bottom):
    """West, south, east, north of a rectangle that is given in metres."""
    box = rasterio.warp.transform_bounds(
        f"EPSG:{safe_trees.EPSG}", "EPSG:4326", left, bottom, right, top
    )
    return tuple(float(side) for side in box)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A new product of level 2A that no test changes."""
    return safe_trees.write_product(tmp_path_factory.mktemp("product"), NEW_2A)


@pytest.fixture
def changeable(product, tmp_path):
    """A copy of it for a test."""
    return Path(shutil.copytree(product, tmp_path / product.name))


# The golden law: what was put in comes out, whatever the kind.


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_reflectance_that_was_put_in(tmp_path, kind, packed):
    bands = safe_trees.reflectance()
    path = safe_trees.write_product(tmp_path, KINDS[kind], bands)
    path = safe_trees.zipped(path) if packed else path
    folder = make(path, tmp_path)
    assert_images(folder, safe_trees.expected_images(KINDS[kind], bands))
    grid = rasters.read_grid(folder / "s2_10m.tif")
    assert tuple(grid.shape) == safe_trees.SHAPE
    assert (grid.transform.c, grid.transform.f) == CORNER
    assert rasters.read_grid(folder / "s2_20m.tif") == grid.zoom_out(2)
    for spacing in (10, 20):
        assert rasters.read_nodata(folder / f"s2_{spacing}m.tif") == 0
    text = (folder / "SOURCES.md").read_text()
    year = KINDS[kind].date[:4]
    assert f"Contains modified Copernicus Sentinel data {year}" in text
    assert KINDS[kind].baseline in text


def test_stripes_do_not_change_the_result(product, tmp_path, monkeypatch):
    whole = make(product, tmp_path)
    monkeypatch.setattr(layout, "STRIPE", 16)
    monkeypatch.setattr(reflectance, "PART", 16)
    striped = make(product, tmp_path, name="striped")
    for name in local_scene.IMAGE_FILES[:4]:
        one, other = (rasters.read_array(x / name) for x in (whole, striped))
        assert (one == other).all()


def test_a_second_run_does_nothing(product, tmp_path):
    folder = make(product, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert make(product, tmp_path) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_another_scene_of_the_name_is_replaced_on_request_only(
    product, tmp_path_factory, tmp_path
):
    other = safe_trees.write_product(tmp_path_factory.mktemp("other"), OLD_1C)
    folder = make(product, tmp_path)
    before = (folder / "s2_10m.tif").read_bytes()
    with pytest.raises(FileExistsError, match="--replace"):
        make(other, tmp_path)
    assert (folder / "s2_10m.tif").read_bytes() == before
    make(other, tmp_path, replace=True)
    expected = safe_trees.expected_images(OLD_1C, safe_trees.reflectance())
    assert_images(folder, expected)


def test_the_name_comes_from_the_date_and_the_tile(product, tmp_path):
    folder = make(product, tmp_path, name=None)
    assert folder.name == "s2_20230508_T33UUU"


# What people give as the path


@pytest.mark.parametrize("inside", ["MTD_MSIL2A.xml", "..", ".", "GRANULE"])
def test_the_path_may_be_beside_or_inside_the_product(changeable, tmp_path, inside):
    (tmp_path / "alone").mkdir()
    product = changeable.rename(tmp_path / "alone" / changeable.name)
    folder = make(product / inside, tmp_path)
    expected = safe_trees.expected_images(NEW_2A, safe_trees.reflectance())
    assert_images(folder, expected)


def test_the_path_may_be_a_folder_with_one_zip(changeable, tmp_path):
    safe_trees.zipped(changeable)
    folder = make(tmp_path, tmp_path)
    expected = safe_trees.expected_images(NEW_2A, safe_trees.reflectance())
    assert_images(folder, expected)


def with_backslashes(product):
    archive = safe_trees.zipped(product)
    with ZipFile(archive) as packed, ZipFile(archive.with_name("w.zip"), "w") as other:
        for one in packed.infolist():
            if not one.is_dir():
                content = packed.read(one)
                other.writestr(one.filename.replace("/", "\\"), content)
    return archive.with_name("w.zip")


def with_links(product):
    target = product.rename(product.with_name("elsewhere"))
    folder = target.with_name("links")
    folder.mkdir()
    (folder / "product").symlink_to(target)
    (folder / "circle").symlink_to(folder)
    return folder


def with_capital_suffixes(product):
    for path in sorted(product.rglob("*.jp2")):
        path.rename(path.with_suffix(".JP2"))
    return product


@pytest.mark.parametrize(
    "change", [with_backslashes, with_links, with_capital_suffixes]
)
def test_products_as_other_programs_leave_them(changeable, tmp_path, change):
    folder = make(change(changeable), tmp_path)
    expected = safe_trees.expected_images(NEW_2A, safe_trees.reflectance())
    assert_images(folder, expected)


def test_a_scene_without_any_pixel_is_not_made(tmp_path):
    hidden = np.full((60, 90), safe_trees.CLOUD, "uint8")
    product = safe_trees.write_product(tmp_path, NEW_2A, scl=hidden)
    assert_refused("No pixel of .* shows the ground", tmp_path, product)


def test_two_products_are_named(changeable, tmp_path):
    safe_trees.write_product(tmp_path, OLD_1C)
    with pytest.raises(ValueError, match=r"2 products.*MSIL1C.*MSIL2A"):
        make(tmp_path, tmp_path)
    for product in tmp_path.glob("*.SAFE"):
        safe_trees.zipped(product)
    with pytest.raises(ValueError, match=r"2 products.*MSIL1C.*zip.*MSIL2A.*zip"):
        make(tmp_path, tmp_path)


def test_an_old_product_with_two_tiles_needs_a_choice(tmp_path):
    kind, bands = KINDS["1C of 2015"], safe_trees.reflectance()
    product = safe_trees.write_product(
        tmp_path, kind, bands, tiles=("T33UUU", "T33UVU")
    )
    with pytest.raises(ValueError, match=r"2 tiles: T33UUU, T33UVU\. .*--tile"):
        make(product, tmp_path)
    with pytest.raises(ValueError, match=r"no tile T31ABC"):
        make(product, tmp_path, tile="31ABC")
    folder = make(product, tmp_path, tile="33uvu", name=None)
    assert folder.name == "s2_20151230_T33UVU"
    assert_images(folder, safe_trees.expected_images(kind, bands))


def test_a_scene_classification_of_2017_is_found_by_its_long_name(
    tmp_path,
):
    kind, bands = KINDS["old 2A"], safe_trees.reflectance()
    product = safe_trees.write_product(tmp_path, kind, bands)
    (scl,) = product.rglob("*_SCL_20m.jp2")
    scl.rename(
        scl.with_name("S2A_USER_SCL_L2A_TL_SGS__20170328_A009214_T33UUU_20m.jp2")
    )
    assert_images(make(product, tmp_path), safe_trees.expected_images(kind, bands))


# Errors in words


def assert_refused(match, tmp_path, path, error=ValueError, **options):
    """The error is one sentence or two with a cure, and nothing is left."""
    with pytest.raises(error, match=match) as caught:
        make(path, tmp_path, **options)
    assert str(caught.value).endswith((".", "`"))
    made = tmp_path / "data"
    assert not made.exists() or list(made.iterdir()) == []


def test_nothing_at_the_path(tmp_path):
    path = tmp_path / "no.SAFE"
    assert_refused("There is nothing at", tmp_path, path, FileNotFoundError)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.txt").write_text("dear")
    match = r"no Sentinel-2 product.*'letter.txt'"
    assert_refused(match, tmp_path, tmp_path / "in", FileNotFoundError)


def test_a_file_that_is_not_a_zip(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"<html>sign in</html>")
    assert_refused("not a zip file", tmp_path, tmp_path / "a.zip", OSError)


def test_a_zip_that_was_not_downloaded_whole(changeable, tmp_path):
    path = safe_trees.zipped(changeable)
    path.write_bytes(path.read_bytes()[:-2000])
    assert_refused("not a zip file", tmp_path, path, OSError)


def test_a_zip_with_damaged_bytes(changeable, tmp_path):
    path = safe_trees.zipped(changeable)
    with ZipFile(path) as archive:
        (name,) = (x for x in archive.namelist() if x.endswith("B08_10m.jp2"))
        start = archive.getinfo(name).header_offset
    content = bytearray(path.read_bytes())
    content[start + 3000 : start + 3050] = bytes(50)
    path.write_bytes(content)
    assert_refused(r"B08_10m.jp2' cannot be unpacked", tmp_path, path, OSError)


def test_a_zip_of_something_else(tmp_path):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("letter.txt", "dear")
    match = "no Sentinel-2 product"
    assert_refused(match, tmp_path, tmp_path / "a.zip", FileNotFoundError)
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("B02.tif", "dear")
    assert_refused("Unpack it", tmp_path, tmp_path / "b.zip")


@pytest.mark.parametrize("share", [0.99, 0.5, 0.01])
def test_a_truncated_image(changeable, tmp_path, share):
    (image,) = changeable.rglob("*_B11_20m.jp2")
    content = image.read_bytes()
    image.write_bytes(content[: int(len(content) * share)])
    assert_refused(r"B11_20m\.jp2", tmp_path, changeable, OSError)


def test_missing_bands_are_named(changeable, tmp_path):
    for band in ("B8A_20m", "B03_10m"):
        (image,) = changeable.rglob(f"*_{band}.jp2")
        image.unlink()
    assert_refused(r"no image of B3, B8A \(…_B03….jp2", tmp_path, changeable)


def test_an_image_of_another_size(changeable, tmp_path):
    (image,) = changeable.rglob("*_B05_20m.jp2")
    safe_trees.write_jp2(image, np.ones((30, 45), "uint16"), 20)
    assert_refused(r"30x45 px.*tells 60x90 px", tmp_path, changeable)


BROKEN = {
    "half": (lambda text: text[: len(text) // 2], "is damaged"),
    "empty": (lambda text: "", "is damaged"),
    "entities": (
        lambda text: text.replace(
            "?>", '?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>', 1
        ),
        "defines a document type",
    ),
    "no level": (
        lambda text: re.sub("<PROCESSING_LEVEL>.*?</PROCESSING_LEVEL>", "", text),
        "has no PROCESSING_LEVEL",
    ),
    "level 0": (
        lambda text: text.replace(">Level-2A<", ">Level-0<"),
        "'Level-0'",
    ),
    "no number": (lambda text: text.replace(">10000<", ">many<"), "'many'"),
    "no limit": (lambda text: text.replace(">10000<", ">inf<"), "'inf'"),
    "zero": (lambda text: text.replace(">10000<", ">0<"), "quantification"),
    "encoding": (lambda text: text.replace("UTF-8", "no-8"), "unknown encoding"),
    "no date": (lambda text: text.replace(">2023-05-08T", ">yesterday"), "'yesterday"),
    "no baseline": (lambda text: text.replace(">05.09<", ">**new**<"), r"'\*\*new"),
    "band 99": (lambda text: text.replace('band_id="3"', 'band_id="99"'), "band_id 99"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_metadata_of_a_product(changeable, tmp_path, name):
    change, match = BROKEN[name]
    path = changeable / "MTD_MSIL2A.xml"
    path.write_text(change(path.read_text()))
    assert_refused(match, tmp_path, changeable)


BROKEN_TILES = {
    "other size": (lambda text: text.replace(">180<", ">0<"), "0 pixels of 10 x 10 m"),
    "no 10 m": (lambda text: text.replace('"10"', '"11"'), "no Size of 10 m"),
    "no CRS": (lambda text: text.replace("EPSG:32633", "EPSG:1"), "EPSG:1"),
}


@pytest.mark.parametrize("name", BROKEN_TILES)
def test_broken_metadata_of_a_tile(changeable, tmp_path, name):
    change, match = BROKEN_TILES[name]
    (path,) = changeable.rglob("MTD_TL.xml")
    path.write_text(change(path.read_text()))
    assert_refused(match, tmp_path, changeable)


def test_no_metadata_of_the_tile(changeable, tmp_path):
    (path,) = changeable.rglob("MTD_TL.xml")
    path.unlink()
    assert_refused("has no metadata", tmp_path, changeable)


def test_a_product_without_its_images(changeable, tmp_path):
    shutil.rmtree(changeable / "GRANULE")
    assert_refused("no folder 'GRANULE'", tmp_path, changeable)


def test_a_billion_laughs_take_no_memory():
    laughs = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in pairwise("abcdefghi")
    )
    text = f"<!DOCTYPE x [{laughs}]><x>&i;</x>"
    with pytest.raises(ValueError, match="document type"):
        metadata.parse_xml(text.encode(), "MTD_TL.xml")


def test_metadata_that_is_too_large_is_not_read(changeable, tmp_path, monkeypatch):
    from data_fetch.local import containers

    monkeypatch.setattr(containers, "LARGEST_TEXT", 100)
    assert_refused(r"MTD_MSIL2A.xml' has 0 MB", tmp_path, changeable)
    assert_refused(r"MTD_MSIL2A.xml' has 0 MB", tmp_path, safe_trees.zipped(changeable))


def test_the_disk_is_checked_before_anything_is_written(product, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert_refused(r"needs up to 0.0 GB of disk", tmp_path, product, OSError)


WRONG = {
    "no labels": ({"labels": "no.tif"}, FileNotFoundError, "no file 'no.tif'"),
    "offset": ({"offset": "maybe"}, ValueError, "`offset` is 'maybe'"),
    "name": ({"name": "../up"}, ValueError, "'../up'"),
    "taken name": ({"name": "havel"}, ValueError, "used by the kit"),
    "tile": ({"tile": 33}, TypeError, "`tile` is 33"),
    "box": ({"bbox": (1, 2, 3)}, ValueError, "3 numbers"),
    "no area": ({"area": "no.geojson"}, FileNotFoundError, "no file 'no.geojson'"),
    "replace": ({"replace": "yes"}, TypeError, "`replace` is 'yes'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(product, tmp_path, name):
    options, error, match = WRONG[name]
    assert_refused(match, tmp_path, product, error, **options)


# The offset


def with_offset_inside(bands):
    return {
        name: np.where(x > 0, x + 1000, 0).astype("uint16") for name, x in bands.items()
    }


def test_dark_pixels_correct_wrong_metadata(tmp_path):
    bands = safe_trees.reflectance()
    # A product that says that it has no offset, with the offset inside.
    lies = Kind("2A", "02.14")
    product = safe_trees.write_product(tmp_path, lies, with_offset_inside(bands))
    folder = make(product, tmp_path)
    assert_images(folder, safe_trees.expected_images(lies, bands))
    assert "so the pixels decided" in (folder / "SOURCES.md").read_text()


def test_the_user_overrules_all(product, tmp_path):
    folder = make(product, tmp_path, offset="removed")
    expected = safe_trees.expected_images(
        NEW_2A, with_offset_inside(safe_trees.reflectance())
    )
    assert_images(folder, expected)
    assert "--offset removed" in (folder / "SOURCES.md").read_text()


def test_offsets_and_quantification_come_from_the_metadata_of_each_band(tmp_path):
    bands = safe_trees.reflectance()
    product = safe_trees.write_product(tmp_path, KINDS["new 1C"], bands)
    path = product / "MTD_MSIL1C.xml"
    text = path.read_text().replace(">10000<", ">5000<")
    # band_id 11 is B11, 8 is B8A, 3 is B4.
    for number, value in ((11, -900), (8, 0), (3, -1100)):
        text = re.sub(rf'("{number}")>-1000<', rf"\1>{value}<", text)
    path.write_text(text)
    changed = {name: 2 * values.astype(int) for name, values in bands.items()}
    for band, more in (("B11", 100), ("B8A", 1000), ("B4", -100)):
        values = changed[band]
        changed[band] = np.where(bands[band] > 0, np.maximum(values + 2 * more, 1), 0)
    changed = {name: x.astype("uint16") for name, x in changed.items()}
    folder = make(product, tmp_path)
    found = images_of(folder)
    expected = safe_trees.expected_images(KINDS["new 1C"], changed)
    measured = [image > 0 for image in expected]
    for one, other, where in zip(found, expected, measured, strict=True):
        assert (one[where] == other[where]).all()


def test_a_measured_zero_is_no_no_data_and_values_below_zero_become_one(tmp_path):
    bands = safe_trees.reflectance()
    bands["B8A"][20, 30] = 0
    kind = KINDS["new 1C"]
    product = safe_trees.write_product(tmp_path, kind, bands)
    (image,) = product.rglob("*_B12.jp2")
    numbers = np.where(bands["B12"] > 0, bands["B12"] + 1000, 0).astype("uint16")
    numbers[21, 31] = 900
    safe_trees.write_jp2(image, numbers, 20)
    _, coarse = images_of(make(product, tmp_path))
    assert coarse[20, 30].tolist()[3] == 1
    assert coarse[20, 30].min() == 1
    assert coarse[21, 31].tolist()[5] == 1
    assert (coarse[-1, -1] == 0).all()


@pytest.mark.parametrize(
    ("level", "sentence"), [("2A", "not masked"), ("1C", "not masked")]
)
def test_without_a_mask_the_text_says_so(tmp_path, level, sentence):
    kind = Kind(level, "05.09")
    product = safe_trees.write_product(tmp_path, kind)
    for pattern in ("*_SCL_20m.jp2", "MSK_CLASSI_B00.jp2"):
        for path in product.rglob(pattern):
            path.unlink()
    folder = make(product, tmp_path)
    assert "Clouds: not masked" in (folder / "SOURCES.md").read_text()
    fine, _ = images_of(folder)
    nothing = fine.max(axis=-1) == 0
    assert nothing.mean() == pytest.approx(12 * 20 / (120 * 180))


# Areas


def test_an_area_is_cut_out_on_whole_pixels_of_20_m(product, tmp_path):
    # 70 rows and 88 columns of 10 m, not at a multiple of the image's blocks.
    left, top = CORNER[0] + 340, CORNER[1] - 260
    area = tmp_path / "area.geojson"
    polygon = '{{"type": "Polygon", "coordinates": [[{}]]}}'.format(
        ", ".join(
            f"[{x!r}, {y!r}]"
            for x, y in zip(
                *rasterio.warp.transform(
                    f"EPSG:{safe_trees.EPSG}",
                    "EPSG:4326",
                    [left, left + 880, left + 880, left, left],
                    [top, top, top - 700, top - 700, top],
                ),
                strict=True,
            )
        )
    )
    area.write_text(polygon)
    folder = make(product, tmp_path, area=area)
    fine, coarse = safe_trees.expected_images(NEW_2A, safe_trees.reflectance())
    assert_images(folder, (fine[26:96, 34:122], coarse[13:48, 17:61]))
    grid = rasters.read_grid(folder / "s2_10m.tif")
    assert (grid.transform.c, grid.transform.f) == (left, top)


def test_an_area_that_reaches_beyond_the_image_is_cut(product, tmp_path, capsys):
    box = corners(CORNER[0] - 500, CORNER[1] + 500, CORNER[0] + 1000, CORNER[1] - 800)
    folder = make(product, tmp_path, bbox=box, progress=True)
    assert "reaches beyond the image" in capsys.readouterr().out
    grid = rasters.read_grid(folder / "s2_10m.tif")
    assert (grid.transform.c, grid.transform.f) == CORNER
    fine, _ = safe_trees.expected_images(NEW_2A, safe_trees.reflectance())
    height, width = grid.shape
    assert (images_of(folder)[0] == fine[:height, :width]).all()


def test_an_area_outside_of_the_image(product, tmp_path):
    far = (2.2, 48.8, 2.4, 48.9)
    assert_refused("does not cover the box", tmp_path, product, bbox=far)
    beside = corners(CORNER[0] - 2000, CORNER[1], CORNER[0] - 1000, CORNER[1] - 1000)
    assert_refused(r"reaches from 12\.49", tmp_path, product, bbox=beside)


def test_a_corner_of_the_image_is_too_small(product, tmp_path):
    box = corners(CORNER[0] - 900, CORNER[1] + 900, CORNER[0] + 200, CORNER[1] - 300)
    assert_refused("at least 640 m", tmp_path, product, bbox=box)


# Labels


SIDE = (300, 420)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A product that is large enough for three areas."""
    folder = tmp_path_factory.mktemp("large")
    bands = safe_trees.reflectance(shape=SIDE)
    return safe_trees.write_product(folder, NEW_2A, bands)


def label_grid():
    """10 m grid of a label raster that leaves the scene's first 40 columns out."""
    corner = Affine.translation(CORNER[0] + 400, CORNER[1]) @ Affine.scale(10, -10)
    return GeoBox((SIDE[0], SIDE[1] - 40), corner, f"EPSG:{safe_trees.EPSG}")


def merged_truth(folder):
    """The labels of all three areas; 255 in their gaps."""
    arrays = [
        rasters.read_array(folder / f"terrain_truth_{area}.tif")[..., 0]
        for area in "abc"
    ]
    return np.minimum.reduce(arrays)


def test_a_raster_with_a_legend_keeps_its_classes(large, tmp_path):
    legend = rasters.Legend(("maize", "wheat"), ("#ffd300", "#a57000"), (10, 200))
    rng = np.random.default_rng(2)
    codes = rng.choice([10, 200, 255], (*label_grid().shape, 1)).astype("uint8")
    labels = tmp_path / "crops.tif"
    rasters.write_array(labels, codes, label_grid(), nodata=255, legend=legend)
    folder = make(large, tmp_path, labels=labels)
    assert rasters.read_legend(folder / "terrain_truth_a.tif").names == legend.names
    truth = merged_truth(folder)
    expected = np.full(SIDE, 255)
    expected[:, 40:] = np.select([codes == 10, codes == 200], [0, 1], 255)[..., 0]
    labelled = truth != 255
    assert labelled.mean() > 0.2
    assert (truth[labelled] == expected[labelled]).all()
    assert not labelled[:, :40].any()
    text = (folder / "SOURCES.md").read_text()
    assert "crops.tif" in text
    assert "| 1 | wheat |" in text


def test_labels_may_have_another_crs(large, tmp_path):
    legend = rasters.Legend(("west", "east"), ("#ffd300", "#a57000"))
    # Two halves in degrees; the border is a meridian.
    west, south, east, north = corners(
        CORNER[0] - 500, CORNER[1] + 500, CORNER[0] + 5000, CORNER[1] - 4000
    )
    step = 0.0001
    shape = (int((north - south) / step), int((east - west) / step))
    corner = Affine.translation(west, north) @ Affine.scale(step, -step)
    border = shape[1] // 2
    codes = np.zeros((*shape, 1), "uint8")
    codes[:, border:] = 1
    labels = tmp_path / "halves.tif"
    rasters.write_array(
        labels, codes, GeoBox(shape, corner, "EPSG:4326"), legend=legend
    )
    truth = merged_truth(make(large, tmp_path, labels=labels))
    grid = rasters.read_grid(tmp_path / "data" / "here" / "s2_10m.tif")
    rows, cols = np.nonzero(truth != 255)
    xs, ys = grid.transform @ (cols + 0.5, rows + 0.5)
    lon, _ = rasterio.warp.transform(f"EPSG:{safe_trees.EPSG}", "EPSG:4326", xs, ys)
    expected = np.array(lon) >= west + border * step
    assert {0, 1} == set(truth[rows, cols].tolist())
    assert (truth[rows, cols] == expected).mean() > 0.9999


def test_a_worldcover_map_gives_the_six_classes(large, tmp_path):
    codes = np.zeros((*label_grid().shape, 1), "uint8")
    for i, code in enumerate((80, 90, 30, 50, 10, 40, 60)):
        codes[:, 50 * i : 50 * (i + 1)] = code
    labels = tmp_path / "ESA_WorldCover_10m_2021_v200_N51E012_Map.tif"
    rasters.write_array(labels, codes, label_grid(), nodata=0)
    folder = make(large, tmp_path, labels=labels)
    legend = rasters.read_legend(folder / "terrain_truth_c.tif")
    assert legend.names == layout.LEGEND.names
    truth = merged_truth(folder)
    assert set(np.unique(truth)) == {0, 1, 2, 3, 4, 5, 255}
    for number in range(6):
        cols = np.nonzero(truth == number)[1]
        # The column beside another class is left out.
        assert cols.min() >= 40 + 50 * number + (number > 0)
        assert cols.max() < 40 + 50 * (number + 1) - 1
    assert "WorldCover" in (folder / "SOURCES.md").read_text()


def test_a_value_without_a_name_is_refused(large, tmp_path, monkeypatch):
    legend = rasters.Legend(("a", "b"), ("#ffd300", "#a57000"), (1, 3))
    codes = np.full((*label_grid().shape, 1), 2, "uint8")
    rasters.write_array(tmp_path / "l.tif", codes, label_grid(), legend=legend)
    match = r"the value 2, which is not in its legend \(1, 3\)"
    assert_refused(match, tmp_path, large, labels=tmp_path / "l.tif")
    rasters.write_array(tmp_path / "m.tif", codes, label_grid())
    match = "not a map of WorldCover"
    assert_refused(match, tmp_path, large, labels=tmp_path / "m.tif")
    # It is noticed before the images are read.
    monkeypatch.setattr(layout, "write_images", None)
    assert_refused(match, tmp_path, large, labels=tmp_path / "m.tif")


def test_without_labels_the_notebooks_are_named(product, tmp_path, capsys):
    folder = make(product, tmp_path, progress=True)
    assert "notebooks 00 to 06 do not run" in capsys.readouterr().out
    assert not list(folder.glob("terrain_truth*"))


# GeoTIFFs


def tiff_grid(spacing, shape=safe_trees.SHAPE):
    corner = Affine.translation(*CORNER) @ Affine.scale(spacing, -spacing)
    size = tuple(10 * side // spacing for side in shape)
    return GeoBox(size, corner, f"EPSG:{safe_trees.EPSG}")


def write_tiffs(folder, bands, *, name="T33UUU_20230508_{}_{}m.tif", scl=True, **more):
    for band, values in bands.items():
        spacing = 10 if band in safe_trees.FINE else 20
        path = folder / name.format(f"B{band[1:]:0>2}", spacing)
        rasters.write_array(path, values[..., np.newaxis], tiff_grid(spacing), **more)
    if scl:
        path = folder / name.format("SCL", 20)
        classes = safe_trees.scene_classes()[..., np.newaxis]
        rasters.write_array(path, classes, tiff_grid(20))


def test_a_file_a_band(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", bands, nodata=0)
    folder = make(tmp_path / "in", tmp_path)
    assert_images(folder, safe_trees.expected_images(NEW_2A, bands))


def test_hidden_files_of_macos_beside_others(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", bands, nodata=0)
    for path in sorted((tmp_path / "in").iterdir()):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    folder = make(tmp_path / "in", tmp_path)
    assert_images(folder, safe_trees.expected_images(NEW_2A, bands))


def test_pixel_sizes_with_a_rounding_error(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", bands, nodata=0)
    for number, path in enumerate(sorted((tmp_path / "in").iterdir())):
        with rasterio.open(path, "r+") as dataset:
            dataset.transform = dataset.transform @ Affine.scale(1 - 1e-9 * number)
    folder = make(tmp_path / "in", tmp_path)
    assert_images(folder, safe_trees.expected_images(NEW_2A, bands))


def test_the_offset_inside_of_geotiffs_is_seen_in_dark_pixels(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", with_offset_inside(bands))
    folder = make(tmp_path / "in", tmp_path)
    assert_images(folder, safe_trees.expected_images(NEW_2A, bands))


def test_stacks_are_read_by_their_descriptions(tmp_path):
    bands = safe_trees.reflectance()
    for spacing, names in (
        (10, ("B8", "B2", "B4", "B3")),
        (20, ("B12", "B5", "B6", "B7", "B8A", "B11")),
    ):
        stack = np.stack([bands[name] for name in names], axis=-1)
        texts = [f"{name} of the stack" for name in names]
        path = tmp_path / "in" / f"stack_{spacing}.tif"
        rasters.write_array(path, stack, tiff_grid(spacing), descriptions=texts)
    folder = make(tmp_path / "in", tmp_path, offset="removed")
    fine, coarse = safe_trees.expected_images(
        NEW_2A, bands, np.full((60, 90), 4, "uint8")
    )
    assert_images(folder, (fine, coarse))


def test_a_scene_of_the_kit_gives_itself(product, tmp_path):
    first = make(product, tmp_path)
    given = tmp_path / "given"
    given.mkdir()
    for name in ("s2_10m.tif", "s2_20m.tif"):
        shutil.copy(first / name, given)
    second = make(given, tmp_path, name="again", offset="removed")
    assert_images(second, images_of(first))


@pytest.mark.parametrize("factor", [1e-4, 1.0])
def test_floats_are_reflectance_or_ten_thousand_times_it(tmp_path, factor):
    bands = safe_trees.reflectance()
    floats = {
        name: np.where(x > 0, x * factor, np.nan).astype("float32")
        for name, x in bands.items()
    }
    write_tiffs(tmp_path / "in", floats, nodata=np.nan)
    folder = make(tmp_path / "in", tmp_path)
    assert_images(folder, safe_trees.expected_images(NEW_2A, bands))


def test_tags_for_scale_and_offset_are_applied(tmp_path):
    bands = safe_trees.reflectance()
    numbers = {name: np.where(x > 0, x * 2 + 500, 0) for name, x in bands.items()}
    write_tiffs(
        tmp_path / "in",
        {name: x.astype("uint16") for name, x in numbers.items()},
        scl=False,
    )
    for path in (tmp_path / "in").glob("*.tif"):
        with rasterio.open(path, "r+") as dataset:
            dataset.scales, dataset.offsets = (5e-5,), (-0.025,)
    folder = make(tmp_path / "in", tmp_path)
    nothing_hidden = np.full((60, 90), 4, "uint8")
    expected = safe_trees.expected_images(NEW_2A, bands, nothing_hidden)
    assert_images(folder, expected)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
def test_tags_for_the_scale_that_no_image_has(tmp_path, scale):
    write_tiffs(tmp_path / "in", safe_trees.reflectance())
    path = min((tmp_path / "in").iterdir())
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (scale,)
    assert_refused("has tags for the scale", tmp_path, tmp_path / "in")


def test_floats_beside_whole_numbers(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", {**bands, "B5": (bands["B5"] / 1e4).astype("float32")})
    assert_refused(r"types \(uint16, float32\)", tmp_path, tmp_path / "in")


def test_a_stack_with_all_bands_at_10_m(tmp_path):
    path = tmp_path / "in" / "stack.tif"
    stack = np.ones((120, 180, len(layout.BANDS_20M)), "uint16")
    rasters.write_array(path, stack, tiff_grid(10), descriptions=layout.BANDS_20M)
    write_tiffs(tmp_path / "in", {b: np.ones((120, 180)) for b in layout.BANDS_10M})
    match = r"'stack.tif' has B5 with pixels of 10 x 10 in EPSG:32633, and 20 x 20"
    assert_refused(match, tmp_path, tmp_path / "in")


def test_without_any_hint_the_user_is_asked_for_the_offset(tmp_path):
    write_tiffs(tmp_path / "in", safe_trees.reflectance(), scl=False)
    assert_refused("--offset inside", tmp_path, tmp_path / "in")


def test_landsat_is_named(tmp_path):
    for band in (2, 3, 4, 5):
        path = tmp_path / "in" / f"LC08_L1TP_193023_20230508_B{band}.TIF"
        path = path.with_suffix(".tif")
        rasters.write_array(path, np.ones((4, 6, 1), "uint16"), tiff_grid(30, (12, 18)))
    assert_refused("holds Landsat images", tmp_path, tmp_path / "in")


def test_unknown_names_tell_what_was_looked_for(tmp_path):
    path = tmp_path / "in" / "red.tif"
    rasters.write_array(path, np.ones((120, 180, 1), "uint16"), tiff_grid(10))
    match = r"No B4, B3.*Looked for: B2, B3.*Found: 'red.tif'"
    assert_refused(match, tmp_path, tmp_path / "in")


def test_a_missing_band_among_geotiffs(tmp_path):
    bands = safe_trees.reflectance()
    del bands["B11"]
    write_tiffs(tmp_path / "in", bands)
    assert_refused("^No B11 of Sentinel-2", tmp_path, tmp_path / "in")


def test_two_files_of_a_band(tmp_path):
    bands = safe_trees.reflectance()
    write_tiffs(tmp_path / "in", bands)
    write_tiffs(tmp_path / "in", {"B4": bands["B4"]}, name="20230618_{}_{}.tif")
    assert_refused("B4 at 10 m is there 2 times", tmp_path, tmp_path / "in")


def test_bands_that_do_not_fit(tmp_path):
    bands = safe_trees.reflectance()
    bands["B6"] = bands["B6"][:-1]
    write_tiffs(tmp_path / "in", {k: v for k, v in bands.items() if k != "B6"})
    grid = tiff_grid(20)
    cut = GeoBox((59, 90), grid.transform, grid.crs)
    path = tmp_path / "in" / "x_B06.tif"
    rasters.write_array(path, bands["B6"][..., np.newaxis], cut)
    assert_refused("does not cover the same ground", tmp_path, tmp_path / "in")


def test_geotiffs_deeper_in_a_folder(tmp_path):
    write_tiffs(tmp_path / "in" / "deep", safe_trees.reflectance())
    assert_refused(r"such as '.*deep'", tmp_path, tmp_path / "in")


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("T33UUU_20230508T102601_B02_10m", "B2"),
        ("b8a", "B8A"),
        ("B08", "B8"),
        ("B8A_20m", "B8A"),
        ("Sentinel-2 B12", "B12"),
        ("B1", None),
        ("B09", None),
        ("B125", None),
        ("club2", None),
        ("x.B11.tif", "B11"),
        ("scl", "SCL"),
    ],
)
def test_bands_in_names(text, band):
    assert band_of(text) == band


# The command


def test_the_command_makes_a_scene(product, tmp_path, capsys):
    folder = tmp_path / "data"
    words = ["local", str(product), "--folder", str(folder), "--name", "my_town"]
    assert main(words) == 0
    output = capsys.readouterr().out
    assert "Offset: The metadata has a `BOA_ADD_OFFSET` of -1000" in output
    assert f"The scene is ready in '{folder / 'my_town'}'" in output
    assert main([*words, "--offset", "removed"]) == 1
    assert "--replace" in capsys.readouterr().err


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_command_leaves_nothing_wrong(large, tmp_path, number):
    folder = tmp_path / "data"
    command = (sys.executable, "-m", "data_fetch", "local", str(large))
    process = subprocess.Popen(
        [*command, "--name", "my_town", "--folder", str(folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    for line in process.stdout:
        if line.startswith("Sentinel-2"):
            break
    end = time.monotonic() + 20
    while not list(folder.glob(".part-*")) and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=30)
    # A run that was quicker than the signal has made all of it.
    made = folder / "my_town"
    assert not made.exists() or (made / scenes.MANIFEST).exists()
    if number != signal.SIGKILL:
        assert not list(folder.glob(".part-*"))
    make_local_scene(large, name="my_town", folder=folder, progress=False, replace=True)
    bands = safe_trees.reflectance(shape=SIDE)
    scl = safe_trees.scene_classes(SIDE)
    assert_images(made, safe_trees.expected_images(NEW_2A, bands, scl))
    assert not list(folder.glob(".part-*"))
