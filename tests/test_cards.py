"""The card of a map: read back as written, and nothing else of the file changes."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import scenes
from rio_cogeo.cogeo import cog_validate

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.rasters import Legend, write_array

FIELDS = {
    "image": "Sentinel-2A, level 1C, tile T33UUU",
    "date": "2017-02-16",
    "labels": "© OpenStreetMap contributors, ODbL 1.0 & others; é 水",
    "training_area": "area A = the west",
    "score": 0.61234567,
    "interval": (0.56, 0.64),
    "score_of": "overall accuracy on area C; interval over polygons",
    "known_failures": 'clouds get a class, "too"',
    "not_for": "other\n    seasons",
}
CARD = tl.MapCard(**FIELDS)
OTHER = tl.MapCard(**FIELDS | {"date": "2024-01-01/2024-03-31", "not_for": "x" * 1000})
LEGEND = Legend(("water", "wet > dry", "town"), ("#0000fe", "#00ff00", "#fe0000"))


def write_map(path, *, dtype="uint8", size=(1200, 700), **options):
    pixels = scenes.image(*size, 1, largest=3).astype(dtype)
    legend = None if dtype == "float32" else LEGEND
    nodata = np.nan if dtype == "float32" else 255
    tags = {"TUTORIAL_LIB_PLAN": "tile 64; a = b", "MORE": "<b>é</b>"}
    grid = testing.small_grid(*size)
    return write_array(
        path, pixels, grid, legend=legend, nodata=nodata, tags=tags, **options
    )


def everything(path):
    """All that a file holds beside its card."""
    with rasterio.open(path) as dataset:
        bands = range(1, dataset.count + 1)
        tags = dataset.tags()
        held = {
            "profile": dict(dataset.profile) | {"nodata": str(dataset.nodata)},
            "names": dataset.descriptions,
            "tags": {k: v for k, v in tags.items() if not k.startswith("CARD_")},
            "tags of bands": [dataset.tags(band) for band in bands],
            "structure": dataset.tags(ns="IMAGE_STRUCTURE"),
            "colours": [dataset.colormap(b) for b in bands if has_colours(dataset, b)],
            "pixels": dataset.read().tobytes(),
        }
        count = len(dataset.overviews(1))
    for level in range(count):
        with rasterio.open(path, overview_level=level) as dataset:
            held[f"overview {level}"] = dataset.read().tobytes()
    return held


def has_colours(dataset, band):
    return dataset.colorinterp[band - 1] == rasterio.enums.ColorInterp.palette


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.sampled(daily=2)
@pytest.mark.parametrize("cog", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_only_the_card_is_new(tmp_path, dtype, cog):
    path = write_map(tmp_path / "map.tif", dtype=dtype, cog=cog)
    before, beside = everything(path), files(tmp_path)
    beside.pop("map.tif")
    assert tl.read_card(path) is None
    for card in (OTHER, CARD):
        assert tl.write_card(path, card) == path
        assert tl.read_card(path) == card
    assert everything(path) == before
    assert {k: v for k, v in files(tmp_path).items() if k != "map.tif"} == beside
    assert tl.read_legend(path) == (None if dtype == "float32" else LEGEND)


@pytest.mark.parametrize("compress", ["deflate", "zstd"])
def test_a_cloud_optimised_map_is_still_one(tmp_path, compress):
    path = write_map(tmp_path / "map.tif", cog=True, compress=compress)
    tl.write_card(path, CARD)
    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])


def test_numbers_have_four_decimals_and_texts_one_line():
    assert CARD.score == 0.6123
    assert CARD.not_for == "other seasons"
    assert "not for         other seasons" in repr(CARD)
    assert "interval        0.56 to 0.64" in repr(CARD)
    assert all(len(line) <= 80 for line in repr(CARD).splitlines())


def test_texts_are_never_markup(tmp_path):
    card = tl.MapCard(**FIELDS | {"labels": "a & b \"c\" 'd' > e"})
    assert "a &amp; b &quot;c&quot; &#x27;d&#x27; &gt; e" in card._repr_html_()
    # QGIS shows tags as they are.
    with pytest.raises(ValueError, match="`labels` holds '<'"):
        tl.MapCard(**FIELDS | {"labels": "see <script>"})
    path = write_map(tmp_path / "map.tif")
    tl.write_card(path, CARD)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(CARD_LABELS="<b>")
    with pytest.raises(ValueError, match=r"The card of '.*' cannot be read: `labels`"):
        tl.read_card(path)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"image": ""}, ValueError, "`image` is empty"),
        ({"image": " \n "}, ValueError, "`image` is empty"),
        ({"labels": "x" * 1001}, ValueError, "1001 characters.*Say it in 1000"),
        ({"labels": "a\0b"}, ValueError, "which QGIS cannot show"),
        ({"labels": 3}, TypeError, "`labels` is 3"),
        ({"date": "16.02.2017"}, ValueError, "Give the day of the image as"),
        ({"date": "2017-02-30"}, ValueError, "`date` is '2017-02-30'"),
        ({"date": "20170216"}, ValueError, "`date`"),
        ({"date": "2017-03-01/2017-02-16"}, ValueError, "the first and the last day"),
        ({"date": "2017-01-01/2017-01-02/2017-01-03"}, ValueError, "`date`"),
        ({"score": 61}, ValueError, "from 0 to 1"),
        ({"score": "0.6"}, TypeError, "`score`"),
        ({"interval": 0.04}, TypeError, "low and high"),
        ({"interval": (0.64, 0.56)}, ValueError, "lower and its upper end"),
        ({"interval": (0.6,)}, ValueError, "lower and its upper end"),
        ({"interval": (0.63, 0.64)}, ValueError, "lies outside of its `interval`"),
        ({"interval": (0.5, 0.6)}, ValueError, "Give the interval of this score"),
    ],
)
def test_what_a_card_cannot_say_is_refused(change, error, match):
    with pytest.raises(error, match=match):
        tl.MapCard(**FIELDS | change)


def test_a_card_with_a_missing_part_is_not_read(tmp_path):
    path = write_map(tmp_path / "map.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(CARD_DATE="2017-02-16")
    with pytest.raises(ValueError, match=r"lacks the tag CARD_IMAGE.*tl\.write_card"):
        tl.read_card(path)


def test_other_formats_and_compressions_that_lose_are_refused(tmp_path):
    path = write_map(tmp_path / "map.tif", size=(60, 70))
    picture = tmp_path / "picture.tif"
    rasterio.shutil.copy(path, picture, driver="PNG")
    with pytest.raises(ValueError, match="kind PNG, and a card needs"):
        tl.write_card(picture, CARD)
    lossy = tmp_path / "lossy.tif"
    grey = scenes.constant(tmp_path / "grey.tif", 7)
    rasterio.shutil.copy(grey, lossy, driver="COG", compress="jpeg")
    before = lossy.read_bytes()
    with pytest.raises(ValueError, match="compression JPEG: a copy"):
        tl.write_card(lossy, CARD)
    assert lossy.read_bytes() == before


def test_long_tags_leave_room_for_the_card(tmp_path):
    path = write_map(tmp_path / "map.tif", size=(60, 70))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(LONG="x" * 40_000)
    before = everything(path)
    tl.write_card(path, OTHER)
    assert tl.read_card(path) == OTHER
    assert everything(path) == before
    assert sorted(files(tmp_path)) == ["map.qml", "map.tif"]


@pytest.mark.parametrize("cog", [False, True])
def test_after_an_error_the_map_is_as_before(tmp_path, monkeypatch, cog):
    path = write_map(tmp_path / "map.tif", cog=cog)
    before = files(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match=r"map\.tif' could not be written: No space"):
        tl.write_card(path, CARD)
    assert files(tmp_path) == before


def test_a_link_keeps_pointing_to_its_map(tmp_path):
    (tmp_path / "maps").mkdir()
    path = write_map(tmp_path / "maps" / "map.tif", size=(60, 70))
    link = tmp_path / "link.tif"
    link.symlink_to(path)
    tl.write_card(link, CARD)
    assert link.is_symlink()
    assert tl.read_card(path) == CARD


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo is not installed")
def test_gdalinfo_shows_the_card_without_being_asked(tmp_path):
    path = write_map(tmp_path / "map.tif", size=(60, 70))
    tl.write_card(path, CARD)
    shown = subprocess.run(
        ["gdalinfo", path], capture_output=True, text=True, check=True
    )
    assert "CARD_NOT_FOR=other seasons" in shown.stdout
    assert "CARD_INTERVAL=0.56 to 0.64" in shown.stdout
