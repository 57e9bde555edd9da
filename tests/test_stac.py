"""`data_fetch.stac` against the practice catalogue: pixels, dates, offsets, labels."""

import json
import re
import shutil
import sys
import urllib.request

import faulty_catalogue
import numpy as np
import pytest
import rasterio
from affine import Affine
from faulty_catalogue import Fault
from rasterio.env import get_gdal_config

import tutorial_lib as tl
from data_fetch import layout, practice, stac
from data_fetch.__main__ import main
from data_fetch.places import grid_of, place_of
from data_fetch.practice.files import AREA, INSIDE, REMOVED, band_file
from data_fetch.practice.pictures import DATES
from data_fetch.stac import catalogues, fetching, reading, retrying
from data_fetch.stac.items import parse_item
from data_fetch.stac.tokens import Tokens
from tutorial_lib import rasters

BANDS = {10: layout.BANDS_10M, 20: layout.BANDS_20M}
DAY = DATES[0]


@pytest.fixture(scope="module")
def files(havel_folder):
    """The folder of the practice files."""
    return practice.make_practice(havel=havel_folder)


@pytest.fixture(scope="module")
def catalogue(files, tmp_path_factory):
    """A running catalogue that can be given faults, and counts requests."""
    with faulty_catalogue.running(files, tmp_path_factory.mktemp("log")) as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Waits and time-outs of a test are short."""
    monkeypatch.setattr(retrying, "WAITS_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(reading, "SILENCE_S", 1)
    monkeypatch.setattr(reading, "CONNECT_S", 2)
    monkeypatch.setattr(catalogues, "TIMEOUT_S", (2, 2))


@pytest.fixture
def fetch(catalogue, files, tmp_path):
    """Fetches the scene of the practice area; arguments replace the usual ones."""
    catalogue.inject()

    def fetch(**more):
        usual = {
            "area": files / AREA,
            "date": DAY.date,
            "catalogue": catalogue.url,
            "labels": "none",
            "folder": tmp_path / "data",
            "progress": False,
        }
        if "bbox" in more:
            del usual["area"]
        return stac.fetch_scene(**{**usual, **more})

    return fetch


def image_of(folder, spacing, date=""):
    suffix = f"_{date}" if date else ""
    return rasters.read_array(folder / f"s2_{spacing}m{suffix}.tif")


def served(files, kind, day, spacing, *, removed):
    """What a scene must hold, straight from the served files."""
    scl = rasters.read_array(files / band_file(kind, day, "SCL"))[..., 0]
    clear = ~np.isin(scl, [0, 1, 3, 8, 9, 10])
    factor = 20 // spacing
    clear = clear.repeat(factor, axis=0).repeat(factor, axis=1)
    pixels = np.concatenate(
        [rasters.read_array(files / band_file(kind, day, b)) for b in BANDS[spacing]],
        axis=-1,
    ).astype(int)
    return np.where(clear[..., np.newaxis], np.maximum(pixels - removed, 1), 0)


def raw_items(url, collection):
    """The items of a collection, as the catalogue sends them."""
    search = json.dumps({"collections": [collection], "limit": 100}).encode()
    asked = urllib.request.Request(
        f"{url}/search", search, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.load(answer)["features"]


def serve_items(monkeypatch, items, token_url=None):
    """Let searches find these items, whose files the catalogue serves."""
    found = catalogues.Found(items, "sentinel-2-l2a", token_url)
    monkeypatch.setattr(fetching, "search_catalogue", lambda *_: found)


# Pixels ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("spacing", [10, 20])
def test_pixels_of_the_same_zone_are_those_of_the_served_files(files, fetch, spacing):
    found = image_of(fetch(), spacing)
    expected = served(files, INSIDE, DAY, spacing, removed=1000)
    assert found.dtype == np.uint16
    assert 0.005 < (found == 0).mean() < 0.1
    assert (found == expected).all()


@pytest.mark.thorough
def test_both_shapes_and_both_catalogues_give_the_same_scene(catalogue, fetch):
    kinds = {
        "new": {},
        "old": {"collection": "sentinel-2-l2a"},
        "planetary": {"catalogue": catalogue.planetary_url},
    }
    folders = [fetch(name=name, **more) for name, more in kinds.items()]
    for spacing in (10, 20):
        first, *others = (image_of(folder, spacing) for folder in folders)
        for other in others:
            assert (other == first).all()


@pytest.mark.slow
def test_a_part_of_the_area_has_the_pixels_of_the_whole(fetch):
    whole = fetch()
    part = fetch(bbox=(12.56, 52.47, 12.66, 52.51), name="part")
    for spacing in (10, 20):
        grid, inside = (
            tl.read_grid(folder / f"s2_{spacing}m.tif") for folder in (whole, part)
        )
        column = round((inside.transform.c - grid.transform.c) / spacing)
        row = round((grid.transform.f - inside.transform.f) / spacing)
        height, width = inside.shape
        expected = image_of(whole, spacing)[row : row + height, column : column + width]
        assert expected.shape[:2] == (height, width)
        assert (image_of(part, spacing) == expected).all()


@pytest.mark.thorough
def test_what_lies_outside_of_the_images_is_nodata(fetch):
    folder = fetch(bbox=(12.45, 52.44, 12.6, 52.54))
    grid = tl.read_grid(folder / "s2_10m.tif")
    pixels = image_of(folder, 10)
    x = grid.transform.c + 10 * np.arange(grid.width) + 5
    y = grid.transform.f - 10 * np.arange(grid.height) - 5
    outside = (x < 330_000)[np.newaxis] | ((y > 5_822_040) | (y < 5_814_360))[:, None]
    assert outside.any()
    assert (pixels[outside] == 0).all()
    assert (pixels[~outside] > 0).mean() > 0.9
    assert rasters.read_nodata(folder / "s2_10m.tif") == 0


@pytest.mark.thorough
def test_clouds_and_shadows_are_nodata_in_all_bands_at_both_resolutions(files, fetch):
    folder = fetch(date=DATES[1].date)
    coarse, fine = image_of(folder, 20), image_of(folder, 10)
    masked = (coarse == 0).all(axis=-1)
    assert (masked == (coarse == 0).any(axis=-1)).all()
    assert 0.08 < masked.mean() < 0.4
    fine_masked = masked.repeat(2, axis=0).repeat(2, axis=1)
    assert (fine_masked == (fine == 0).all(axis=-1)).all()
    assert (fine_masked == (fine == 0).any(axis=-1)).all()


# Offsets ---------------------------------------------------------------------------


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [("_0_L2A", INSIDE, "is true"), ("_1_L2A", REMOVED, "is -0.1")],
)
def test_a_wrong_flag_is_found_by_dark_pixels(
    catalogue, files, fetch, monkeypatch, number, kind, said
):
    items = raw_items(catalogue.url, "sentinel-2-l2a")
    wrong = [one for one in items if "_2022" in one["id"] and number in one["id"]]
    serve_items(monkeypatch, wrong)
    folder = fetch(date="2022-01-01/2022-12-31")
    removed = 1000 if kind == INSIDE else 0
    expected = served(files, kind, DAY, 20, removed=removed)
    assert (image_of(folder, 20) == expected).all()
    text = (folder / "SOURCES.md").read_text()
    assert said in text
    assert "so the pixels decided" in text


@pytest.mark.slow
def test_an_old_baseline_without_raster_fields_has_no_offset(catalogue, files, fetch):
    folder = fetch(
        catalogue=catalogue.planetary_url, date=DAY.date.replace("2023", "2020")
    )
    assert (image_of(folder, 10) == served(files, REMOVED, DAY, 10, removed=0)).all()
    assert (
        "the processing baseline is 02.14"
        in (folder / "SOURCES.md").read_text().lower()
    )


@pytest.mark.slow
def test_the_user_overrules_the_offset(files, fetch):
    folder = fetch(offset="removed")
    assert (image_of(folder, 20) == served(files, INSIDE, DAY, 20, removed=0)).all()
    assert "`--offset removed`" in (folder / "SOURCES.md").read_text()


# Several items ---------------------------------------------------------------------


@pytest.fixture
def halves(catalogue, files, tmp_path_factory):
    """Two items of one date, which overlap, served by a second catalogue."""
    folder = tmp_path_factory.mktemp("halves")
    for path in files.iterdir():
        shutil.copy(path, folder / path.name)
    raw = next(
        one
        for one in raw_items(catalogue.url, "sentinel-2-c1-l2a")
        if DAY.compact in one["id"]
    )
    return folder, raw


def cut(folder, raw, root, *, name, columns, day, zone=32633):
    """Replace a day's files by columns (in 20 m pixels) of an item's; give their item.

    In another zone the pixels are warped, as ESA does it.
    """
    item = json.loads(json.dumps(raw).replace(raw["id"], name))
    first, last = columns
    for asset in item["assets"].values():
        source = folder / asset["href"].rpartition("/")[2]
        spacing = asset["gsd"]
        factor = 20 // spacing
        with rasterio.open(source) as file:
            pixels = file.read(1)[:, first * factor : last * factor]
            corner = file.transform @ Affine.translation(first * factor, 0)
        crs = "EPSG:32633"
        if zone != 32633:
            pixels, corner, crs = warped(pixels, corner, spacing, zone)
        target = folder / source.name.replace(DAY.compact, day)
        with rasterio.open(
            target,
            "w",
            driver="GTiff",
            height=pixels.shape[0],
            width=pixels.shape[1],
            count=1,
            dtype=pixels.dtype,
            crs=crs,
            transform=corner,
            nodata=0,
        ) as file:
            file.write(pixels, 1)
        asset["href"] = f"{root}/files/{target.name}"
        asset["proj:shape"] = list(pixels.shape)
        asset["proj:transform"] = list(corner)[:6]
        bounds = rasterio.transform.array_bounds(*pixels.shape, corner)
    sides = rasterio.warp.transform_bounds(crs, "EPSG:4326", *bounds)
    item["geometry"] = box_geometry(sides)
    item["bbox"] = list(sides)
    item["properties"]["proj:code"] = crs
    return item


def box_geometry(sides):
    west, south, east, north = sides
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [ring]}


def warped(pixels, corner, spacing, zone):
    """Pixels in another UTM zone, on corners that are multiples of 20 m."""
    bounds = rasterio.transform.array_bounds(*pixels.shape, corner)
    left, bottom, right, top = rasterio.warp.transform_bounds(
        "EPSG:32633", f"EPSG:{zone}", *bounds
    )
    left, top = left // 20 * 20, -(-top // 20) * 20
    shape = (int((top - bottom) // 20 + 1) * 20 // spacing,)
    shape += (int((right - left) // 20 + 1) * 20 // spacing,)
    target = Affine(spacing, 0, left, 0, -spacing, top)
    out = np.zeros(shape, pixels.dtype)
    rasterio.warp.reproject(
        pixels,
        out,
        src_transform=corner,
        src_crs="EPSG:32633",
        dst_transform=target,
        dst_crs=f"EPSG:{zone}",
        src_nodata=0,
        dst_nodata=0,
    )
    return out, target, f"EPSG:{zone}"


@pytest.mark.slow
def test_two_tiles_of_one_date_are_put_together(
    halves, files, fetch, tmp_path, monkeypatch
):
    folder, raw = halves
    with faulty_catalogue.running(folder, tmp_path) as server:
        parts = (("west", (0, 420), "20230517"), ("east", (380, 768), "20230909"))
        items = [
            cut(folder, raw, server.root, name=name, columns=columns, day=day)
            for name, columns, day in parts
        ]
        for number, order in enumerate((items, items[::-1])):
            serve_items(monkeypatch, order)
            scene = fetch(name=f"order_{number}")
            for spacing in (10, 20):
                expected = served(files, INSIDE, DAY, spacing, removed=1000)
                assert (image_of(scene, spacing) == expected).all()
            assert "`west`" in (scene / "SOURCES.md").read_text()


@pytest.mark.thorough
def test_an_item_of_another_zone_is_warped_to_the_nearest_pixel(
    halves, files, fetch, tmp_path, monkeypatch
):
    folder, raw = halves
    with faulty_catalogue.running(folder, tmp_path) as server:
        place = {"name": "west", "columns": (0, 500), "day": "20230517"}
        west = cut(folder, raw, server.root, **place)
        place = {"name": "east", "columns": (450, 768), "day": "20230909"}
        east = cut(folder, raw, server.root, **place, zone=32632)
        serve_items(monkeypatch, [east, west])
        scene = fetch()
    assert tl.read_grid(scene / "s2_10m.tif").crs.epsg == 32633
    found = image_of(scene, 20).astype(int)
    expected = served(files, INSIDE, DAY, 20, removed=1000)
    assert (found[:, :500] == expected[:, :500]).all()
    # Two nearest neighbours, there and back, move a pixel by one at most.
    inner = found[2:-2, 502:-2]
    near = [
        expected[2 + dy : expected.shape[0] - 2 + dy, 502 + dx : 768 - 2 + dx]
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    ]
    same = np.any([(inner == one).all(axis=-1) for one in near], axis=0)
    assert same.mean() > 0.999


# Dates -----------------------------------------------------------------------------


def test_a_search_lists_dates_best_first(catalogue, files):
    catalogue.inject()
    found = stac.search(
        area=files / AREA,
        date="2023-01-01/2023-12-31",
        cloud=100,
        catalogue=catalogue.url,
    )
    assert list(found.columns) == ["date", "cloud", "coverage", "items"]
    score = found["coverage"] * (100 - found["cloud"])
    assert score.is_monotonic_decreasing
    assert set(found["date"]) == {day.date for day in DATES}
    clear = stac.search(
        area=files / AREA, date="2023-01-01/..", catalogue=catalogue.url
    )
    assert set(clear["date"]) == {day.date for day in DATES if day.clouds <= 20}


@pytest.mark.slow
def test_further_dates_come_on_the_same_grid(files, fetch):
    folder = fetch(date="2023-01-01/2023-12-31", max_dates=3)
    grid = tl.read_grid(folder / "s2_10m.tif")
    others = sorted(path.name for path in folder.glob("s2_10m_2*.tif"))
    assert others == ["s2_10m_20230517.tif", "s2_10m_20230909.tif"]
    for name in others:
        assert tl.read_grid(folder / name) == grid
    expected = served(files, INSIDE, DATES[1], 20, removed=1000)
    assert (image_of(folder, 20, "20230517") == expected).all()


def test_too_many_clouds_are_told_with_the_clearest_date(fetch):
    with pytest.raises(ValueError, match=r"2023-06-21, has 35 %\. Raise `--cloud`"):
        fetch(date="2023-06-01/2023-06-30")


def test_an_item_that_cannot_be_used_does_not_end_a_search(
    catalogue, files, tmp_path, monkeypatch, capsys
):
    catalogue.inject()
    items = raw_items(catalogue.url, "sentinel-2-c1-l2a")
    broken = {**items[0], "id": "broken", "properties": None}
    clear = {**items[0], "id": "clear"}
    clear["properties"] = {**clear["properties"], "eo:cloud_cover": -5}
    serve_items(monkeypatch, [broken, *items, clear])
    said = r"2 of \d+ items are left out: 'broken' \(.*'clear' \(.*is -5"
    place = {"area": files / AREA, "catalogue": catalogue.url, "cloud": 100}
    with pytest.warns(UserWarning, match=said):
        dates = stac.search(**place, date="2023-01-01/2023-12-31")
    assert set(dates["date"]) == {day.date for day in DATES}
    words = ["stac", "--area", str(files / AREA), "--date", DAY.date, "--dry-run"]
    words += ["--catalogue", catalogue.url, "--folder", str(tmp_path)]
    assert main([*words, "--labels", "none"]) == 0
    lines = [
        line for line in capsys.readouterr().out.splitlines() if "'broken'" in line
    ]
    assert len(lines) == 1
    assert re.match(f"Please note: {said}", lines[0])


@pytest.mark.parametrize("band", ["SCL", "B4", "B11"])
def test_a_stripe_takes_four_requests(catalogue, files, band):
    catalogue.inject()
    item = parse_item(raw_items(catalogue.url, "sentinel-2-c1-l2a")[0])
    grid = grid_of(place_of(area=files / AREA), 32633)
    grid = grid if band == "B4" else grid.zoom_out(2)
    before = catalogue.count()
    reading.read_stripe(item, band, grid[:200, :], Tokens(None))
    # Size and header of the file, and the blocks.
    assert catalogue.count() - before <= 4


def test_options_of_gdal_that_the_user_chose_stay(catalogue, files, monkeypatch):
    """As for all rasters on the web: a proxy may need them."""
    catalogue.inject()
    item = parse_item(raw_items(catalogue.url, "sentinel-2-c1-l2a")[0])
    seen = []
    names = ("CPL_VSIL_CURL_USE_HEAD", "GDAL_HTTP_MAX_RETRY")
    monkeypatch.setenv("CPL_VSIL_CURL_USE_HEAD", "YES")
    reading.tried(
        lambda _: seen.extend(get_gdal_config(name, normalize=False) for name in names),
        item.assets["B4"].href,
        Tokens(None),
        "B4",
    )
    assert seen == ["YES", "0"]


def test_no_image_at_all_is_told(fetch):
    with pytest.raises(ValueError, match="no image of the place"):
        fetch(date="2019-06-01/2019-06-30")


@pytest.mark.thorough
def test_a_date_that_shows_nothing_is_refused(files, fetch, tmp_path):
    folder = tmp_path / "files"
    shutil.copytree(files, folder)
    state = tmp_path / "state"
    state.mkdir()
    with faulty_catalogue.running(folder, state) as server:
        # Not before it runs: it makes files again that are not its own.
        path = folder / band_file(INSIDE, DAY, "SCL")
        with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
            file.write(np.full(file.shape, 9, "uint8"), 1)
        with pytest.raises(ValueError, match=r"Only 0\.0 % .* Give another time"):
            fetch(catalogue=server.url)
        assert not server.count("_B")
    assert not (tmp_path / "data" / "my_scene").exists()


# Labels, sources, command line -------------------------------------------------------


@pytest.mark.thorough
def test_the_command_makes_a_scene_for_the_notebooks(
    catalogue, files, tmp_path, capsys
):
    catalogue.inject()
    words = ["stac", "--area", files / AREA, "--date", "2023-02-01/2023-03-01"]
    words += ["--catalogue", catalogue.url, "--labels", catalogue.worldcover]
    words += ["--folder", tmp_path / "data", "--name", "practice"]
    assert main([str(word) for word in words]) == 0
    folder = tmp_path / "data" / "practice"
    names = {path.name for path in folder.iterdir()}
    assert set(layout.FILES) <= names
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["practice"]
    said = capsys.readouterr()
    assert "To download: about" in said.out
    assert "Reading bands" in said.err
    labels = [
        rasters.read_array(folder / f"terrain_truth_{area}.tif") for area in "abc"
    ]
    known = np.stack(labels) != 255
    assert known.sum(axis=0).max() == 1
    assert set(np.unique(np.stack(labels))) == {0, 1, 2, 3, 4, 5, 255}
    text = (folder / "SOURCES.md").read_text()
    assert "Contains modified Copernicus Sentinel data 2023" in text
    assert "© ESA WorldCover" in text
    assert "the year 2021" in text
    # The same command again asks nobody.
    before = catalogue.count()
    assert main([str(word) for word in words]) == 0
    assert catalogue.count() == before


@pytest.mark.thorough
def test_a_dry_run_tells_the_cost_and_writes_nothing(
    catalogue, files, tmp_path, capsys
):
    catalogue.inject()
    words = ["stac", "--area", str(files / AREA), "--date", DAY.date, "--dry-run"]
    words += ["--catalogue", catalogue.url, "--folder", str(tmp_path / "data")]
    words += ["--labels", catalogue.worldcover]
    before = catalogue.count("_B")
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("Searching the catalogue…\n")
    assert "There are labels of the place." in said
    assert "768x1536 pixels" in said
    assert "To download: about 11 MB" in said
    assert catalogue.count("_B") == before
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_its_installation(fetch, monkeypatch):
    monkeypatch.setitem(sys.modules, "pystac_client.stac_api_io", None)
    with pytest.raises(OSError, match="pip install"):
        fetch()


@pytest.mark.slow
def test_another_scene_is_replaced_only_on_demand(fetch):
    folder = fetch()
    old = (folder / "MANIFEST.json").read_bytes()
    with pytest.raises(FileExistsError, match="`--replace`"):
        fetch(offset="removed")
    assert (folder / "MANIFEST.json").read_bytes() == old
    fetch(offset="removed", replace=True)
    assert (folder / "MANIFEST.json").read_bytes() != old


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"date": "yesterday"}, "'yesterday' is not a day"),
        ({"date": ""}, "is not a day"),
        ({"date": "2023-05-01/2023-04-01"}, "ends before it begins"),
        ({"date": "2023-02-30"}, "is not a day"),
        ({"date": "20230501"}, "Write it as 2023-05-01"),
        ({"date": "../.."}, "has no end"),
        ({"date": "/"}, "has no end"),
        ({"date": "2010-01-01"}, "first image of Sentinel-2"),
        ({"date": "2150-01-01/2150-02-01"}, "in the future"),
        ({"date": 2023}, "`date` is 2023"),
        ({"cloud": 101}, "from 0 to 100"),
        ({"cloud": -1}, "from 0 to 100"),
        ({"cloud": "few"}, "`cloud` is 'few'"),
        ({"cloud": float("nan")}, "`cloud` is nan"),
        ({"catalogue": "nasa"}, "'earth-search', 'planetary-computer'"),
        ({"catalogue": "ftp://example.org"}, "the address of a STAC API"),
        ({"catalogue": None}, "`catalogue` is None"),
        ({"collection": ""}, "`collection` is ''"),
        ({"labels": "absent.tif"}, "no file 'absent.tif'"),
        ({"labels": None}, "`labels` is None"),
        ({"offset": "maybe"}, "'auto', 'inside', 'removed'"),
        ({"max_dates": 0}, "from 1 to 50"),
        ({"max_dates": 1.5}, "`max_dates` is 1.5"),
        ({"name": "havel"}, "'havel' is used by the kit"),
        ({"name": "../up"}, "'../up'"),
        ({"name": ""}, "''"),
        ({"folder": 3}, "`folder` is 3"),
        ({"area": "absent.geojson"}, "absent.geojson"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_asked(
    catalogue, fetch, wrong, said
):
    before = catalogue.count()
    with pytest.raises((OSError, TypeError, ValueError)) as caught:
        fetch(**wrong)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert catalogue.count() == before


def test_an_unknown_collection_is_answered_with_those_there_are(fetch):
    with pytest.raises(ValueError, match=r"has: sentinel-2-c1-l2a, sentinel-2-l2a\."):
        fetch(collection="landsat")


@pytest.mark.thorough
def test_tokens_are_asked_once_and_renewed_when_refused(catalogue, files, fetch):
    before = catalogue.count("/sas/")
    fetch(catalogue=catalogue.planetary_url)
    assert catalogue.count("/sas/") == before + 1
    catalogue.inject(Fault("protected.*B05", "status", status=403, times=2))
    fetch(catalogue=catalogue.planetary_url, name="second")
    assert catalogue.count("/sas/") == before + 3
