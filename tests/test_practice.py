"""The practice catalogue: what it answers, its pixels, and how its process ends."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import faulty_catalogue
import numpy as np
import psutil
import pytest
import rasterio
import rasterio.warp
from faulty_catalogue import Fault

from data_fetch import practice
from data_fetch.__main__ import main
from data_fetch.practice import files, items, pictures
from data_fetch.practice.files import INSIDE, REMOVED, WORLDCOVER, band_file
from data_fetch.practice.pictures import DATES
from data_fetch.practice.running import started
from data_fetch.practice.site import Request, Site
from tutorial_lib import rasters, testing

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def folder(havel_folder):
    """The practice files, which all tests share."""
    return practice.make_practice(havel=havel_folder)


@pytest.fixture(scope="module")
def url(folder):
    with practice.running(folder) as address:
        yield address


def ask(address, *, body=None, headers=None, method=None):
    """Status, headers and body of the answer to a request."""
    request = urllib.request.Request(
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers=headers or {},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.headers, err.read()


def ask_json(address, **options):
    status, _, body = ask(address, **options)
    assert status == 200, body
    return json.loads(body)


def ids(found):
    return [item["id"] for item in found["features"]]


def root_of(url):
    return url.removesuffix("/v1")


# Pixels


def read_band(folder, kind, day, band):
    return rasters.read_array(folder / band_file(kind, day, band))[..., 0]


@pytest.mark.parametrize("day", DATES[:2], ids=lambda day: day.date)
@pytest.mark.parametrize("band", ["B2", "B8A"])
def test_the_two_sets_of_files_differ_by_the_offset(folder, day, band):
    inside = read_band(folder, INSIDE, day, band)
    removed = read_band(folder, REMOVED, day, band)
    assert removed.min() >= 1
    assert (inside.astype(int) - removed == 1000).all()


@pytest.mark.parametrize(("name", "spacing"), [("s2_10m", 10), ("s2_20m", 20)])
def test_on_the_havels_day_clear_pixels_are_the_havels(
    folder, havel_folder, name, spacing
):
    scl = read_band(folder, REMOVED, DATES[0], "SCL")
    clear = np.isin(scl, [4, 5, 6])
    assert 0.9 < clear.mean() < 0.99
    clear = clear.repeat(20 // spacing, 0).repeat(20 // spacing, 1)
    real = rasters.read_array(havel_folder / f"{name}.tif")
    bands = files.BANDS_10M if spacing == 10 else files.BANDS_20M
    for i, band in enumerate(bands):
        pixels = read_band(folder, REMOVED, DATES[0], band)
        expected = np.maximum(real[..., i], 1)
        assert (pixels[clear] == expected[clear]).all()
        assert (pixels != expected)[~clear].mean() > 0.9
    grid = rasters.read_grid(havel_folder / f"{name}.tif")
    path = folder / band_file(REMOVED, DATES[0], bands[0])
    assert rasters.read_grid(path) == grid


@pytest.mark.parametrize("day", DATES, ids=lambda day: day.date)
def test_clouds_cover_what_the_item_says(folder, day):
    scl = read_band(folder, INSIDE, day, "SCL")
    clouds = np.isin(scl, [8, 9])
    assert 100 * clouds.mean() == pytest.approx(day.clouds, abs=0.2)
    blue = read_band(folder, INSIDE, day, "B2")[::2, ::2]
    assert np.median(blue[scl == 9]) > 2 * np.median(blue[scl == 5])
    assert np.median(blue[scl == 3]) < np.median(blue[scl == 5])


@pytest.mark.parametrize("day", DATES, ids=lambda day: day.date)
def test_water_is_dark_so_that_the_offset_can_be_seen(folder, day):
    water = read_band(folder, INSIDE, day, "SCL") == 6
    assert water.sum() > 5000
    dark = read_band(folder, INSIDE, day, "B12")[water]
    assert 1000 <= np.percentile(dark, 5) < 1100


def test_may_is_greener_than_february(folder):
    def ndvi(day):
        red = read_band(folder, REMOVED, day, "B4").astype(float)
        infrared = read_band(folder, REMOVED, day, "B8").astype(float)
        return (infrared - red) / (infrared + red)

    scls = [read_band(folder, REMOVED, day, "SCL") for day in DATES[:2]]
    leaves = np.logical_and(*(scl == 4 for scl in scls)).repeat(2, 0).repeat(2, 1)
    february, may = (np.median(ndvi(day)[leaves]) for day in DATES[:2])
    assert may > february + 0.15
    water = np.logical_and(*(scl == 6 for scl in scls)).repeat(2, 0).repeat(2, 1)
    assert abs(np.median(ndvi(DATES[1])[water] - ndvi(DATES[0])[water])) < 0.05


def test_shadows_are_dark_and_nothing_is_no_data():
    bands = {"B4": np.full((60, 100), 800, "uint16")}
    bands |= {name: np.full((30, 50), 1500, "uint16") for name in ("B8A", "B11")}
    day = pictures.Day("2023-06-21", clouds=30, green=0)
    picture = pictures.take_picture(bands, day, np.zeros((30, 50), bool))
    shadow = picture.scl == 3
    assert shadow.any()
    assert (picture.bands["B8A"][shadow] == 750).all()
    assert min(pixels.min() for pixels in picture.bands.values()) >= 1


def test_worldcover_has_the_classes_of_the_truth(folder, havel_folder):
    codes = rasters.read_array(folder / WORLDCOVER)[..., 0]
    grid = rasters.read_grid(folder / WORLDCOVER)
    # Corners of the pixels of real tiles are multiples of 1/12000 degree.
    for corner in (grid.transform.c, grid.transform.f):
        assert corner * 12000 == pytest.approx(round(corner * 12000), abs=1e-4)
    assert grid.resolution.x == pytest.approx(1 / 12000)
    west, south, east, north = grid.boundingbox.bbox
    assert 12 <= west < east <= 15
    assert 51 <= south < north <= 54
    truth = havel_folder / "terrain_truth_b.tif"
    labels = rasters.read_array(truth)[..., 0]
    rows, cols = np.nonzero(labels != 255)
    some = slice(None, None, 97)
    rows, cols = rows[some], cols[some]
    scene = rasters.read_grid(truth)
    xs, ys = scene.transform @ (cols + 0.5, rows + 0.5)
    lon, lat = rasterio.warp.transform("EPSG:32633", "EPSG:4326", xs, ys)
    cols_there, rows_there = ~grid.transform @ (np.array(lon), np.array(lat))
    found = codes[rows_there.astype(int), cols_there.astype(int)]
    expected = np.array([80, 90, 30, 50, 10, 40])[labels[rows, cols]]
    # Nearest neighbours on two lattices differ at the edges of polygons only.
    assert (found == expected).mean() > 0.99


def test_the_merged_labels_grow_by_one_pixel_and_never_overwrite(tmp_path):
    grid = testing.small_grid(5, 9)
    for area, cells in (("a", [(0, 8, 3)]), ("b", [(2, 4, 1), (2, 5, 2)]), ("c", [])):
        labels = np.full((5, 9, 1), 255, "uint8")
        for row, col, value in cells:
            labels[row, col] = value
        path = tmp_path / f"terrain_truth_{area}.tif"
        rasters.write_array(path, labels, grid, nodata=255)
    merged = files.merge_labels(tmp_path)
    assert merged[2, 3:7].tolist() == [1, 1, 2, 2]
    assert merged[1, 4:6].tolist() == merged[3, 4:6].tolist() == [1, 2]
    # A label at the border does not come in on the opposite side.
    assert merged[0].tolist() == [255] * 7 + [3, 3]
    assert merged[4].tolist() == [255] * 9


def test_the_area_is_the_outline_of_the_scene(folder, havel_folder):
    feature = json.loads((folder / files.AREA).read_text())
    lon, lat = zip(*feature["geometry"]["coordinates"][0], strict=True)
    xs, ys = rasterio.warp.transform("EPSG:4326", "EPSG:32633", lon, lat)
    bounds = rasters.read_grid(havel_folder / "s2_10m.tif").boundingbox
    found = (min(xs), min(ys), max(xs), max(ys))
    assert found == pytest.approx(bounds.bbox, abs=1e-3)


@pytest.mark.slow
def test_the_files_are_made_once_and_stay_small(folder, havel_folder, tmp_path, capsys):
    made = practice.make_practice(tmp_path / "new", havel=havel_folder)
    assert "Making the practice images" in capsys.readouterr().out
    manifests = [(x / "MANIFEST.json").read_text() for x in (folder, made)]
    assert manifests[0] == manifests[1]
    assert sum(path.stat().st_size for path in made.iterdir()) < 60e6
    before = {path: path.stat().st_mtime_ns for path in made.iterdir()}
    practice.make_practice(made, havel=havel_folder)
    assert {path: path.stat().st_mtime_ns for path in made.iterdir()} == before
    assert capsys.readouterr().out == ""


def test_without_the_havel_scene_the_cure_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data_fetch sample"):
        practice.make_practice(tmp_path / "p", havel=tmp_path)
    assert list(tmp_path.iterdir()) == []


# The STAC API


def test_every_link_of_the_landing_page_works(url):
    page = ask_json(url)
    assert page["type"] == "Catalog"
    links = {(link["rel"], link["method"]): link["href"] for link in page["links"]}
    for (relation, method), href in links.items():
        body = {} if method == "POST" else None
        assert ask(href, body=body)[0] == 200, relation
    classes = ask_json(links["conformance", "GET"])["conformsTo"]
    assert classes == page["conformsTo"]


@pytest.mark.parametrize("catalogue", ["v1", "api/stac/v1"])
def test_items_and_collections_are_found_by_their_own_links(url, catalogue):
    root = f"{root_of(url)}/{catalogue}"
    found = ask_json(f"{root}/search?limit=100")["features"]
    assert len(found) >= 4
    for item in found:
        links = {link["rel"]: link["href"] for link in item["links"]}
        assert ask_json(links["self"]) == item
        collection = ask_json(links["collection"])
        assert collection["id"] == item["collection"]
        assert "practice" in item["properties"]["title"].lower()
        assert "invented" in item["properties"]["description"]


def test_pystac_client_reads_both_shapes_of_stac(url):
    pystac_client = pytest.importorskip("pystac_client")
    client = pystac_client.Client.open(url)
    for collection in client.get_collections():
        found = list(client.search(collections=[collection.id], limit=3).items())
        assert (
            len(found) == {"sentinel-2-c1-l2a": 4, "sentinel-2-l2a": 6}[collection.id]
        )
        for item in found:
            assert item.geometry["type"] == "Polygon"
            assert {"red", "green", "blue", "nir", "nir08", "scl"} <= set(item.assets)


SEARCHES = {
    "box": ({"bbox": [12.5, 52.46, 12.6, 52.5]}, 4),
    "box elsewhere": ({"bbox": [13.5, 52.46, 13.6, 52.5]}, 0),
    # The box of the images has corners where no image is.
    "box in a corner": ({"bbox": [12.4943, 52.4530, 12.4950, 52.4535]}, 0),
    "point": ({"intersects": {"type": "Point", "coordinates": [12.6, 52.5]}}, 4),
    "day": ({"datetime": "2023-05-17T00:00:00Z/2023-05-17T23:59:59Z"}, 1),
    "open end": ({"datetime": "2023-06-01T00:00:00Z/.."}, 2),
    "open start": ({"datetime": "../2023-06-01T00:00:00Z"}, 2),
    "moment": ({"datetime": "2023-05-17T10:21:01Z"}, 1),
    "few clouds": ({"query": {"eo:cloud_cover": {"lt": 8}}}, 2),
    "at most": ({"query": {"eo:cloud_cover": {"lte": 8}}}, 3),
    "platform": ({"query": {"platform": {"eq": "sentinel-2b"}}}, 0),
    "names": ({"ids": ["S2A_T33UUU_20230517T102101_L2A", "no such"]}, 1),
    "filter": (
        {"filter": {"op": "<=", "args": [{"property": "eo:cloud_cover"}, 4]}},
        2,
    ),
    "filters": (
        {
            "filter": {
                "op": "and",
                "args": [
                    {"op": ">", "args": [{"property": "eo:cloud_cover"}, 2]},
                    {
                        "op": "not",
                        "args": [
                            {"op": "=", "args": [{"property": "eo:cloud_cover"}, 35]}
                        ],
                    },
                ],
            }
        },
        2,
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_search_finds_what_it_asks_for(url, name, method):
    pystac_client = pytest.importorskip("pystac_client")
    search, count = SEARCHES[name]
    client = pystac_client.Client.open(url)
    if "filter" in search:
        search = {**search, "filter_lang": "cql2-json"}
    collection = ["sentinel-2-c1-l2a"]
    asked = client.search(collections=collection, method=method, limit=2, **search)
    assert len(list(asked.items())) == count


def test_a_filter_may_be_a_text(url):
    query = "filter=eo:cloud_cover%20%3C%2010%20AND%20platform%3D'sentinel-2a'"
    address = f"{url}/search?collections=sentinel-2-c1-l2a&filter-lang=cql2-text&"
    assert len(ids(ask_json(address + query))) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("limit", [1, 3, 4, 7, 100])
def test_pages_hold_every_item_once(url, method, limit):
    search = {"limit": limit}
    page = (
        ask_json(f"{url}/search?limit={limit}")
        if method == "GET"
        else ask_json(f"{url}/search", body=search)
    )
    seen = []
    while True:
        seen += ids(page)
        assert len(ids(page)) <= limit
        following = [link for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        assert following[0]["method"] == method
        page = ask_json(following[0]["href"], body=following[0].get("body"))
    assert len(seen) == len(set(seen)) == 10


def test_the_order_can_be_chosen(url):
    by_clouds = ask_json(
        f"{url}/search?collections=sentinel-2-c1-l2a&sortby=%2Bproperties.eo:cloud_cover"
    )
    covers = [x["properties"]["eo:cloud_cover"] for x in by_clouds["features"]]
    assert covers == sorted(covers)
    by_date = ask_json(f"{url}/search?collections=sentinel-2-c1-l2a")
    dates = [x["properties"]["datetime"] for x in by_date["features"]]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "bbox=a,b",
        "bbox=1,2,3",
        "limit=0",
        "limit=x",
        "datetime=yesterday",
        "query=%7B",
        "query=%7B%22a%22:%7B%22like%22:1%7D%7D",
        "bbox=1,2,3,4&intersects=%7B%22type%22:%22Point%22,%22coordinates%22:[1,2]%7D",
        "filter=S_INTERSECTS(geometry)",
        "token=-1",
    ],
)
def test_a_search_that_cannot_be_read_is_refused(url, query):
    status, _, body = ask(f"{url}/search?{query}")
    assert status == 400
    assert json.loads(body)["description"]


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/v1/collections/x", "/v2", "/", "/v1/collections/x/items/y"],
)
def test_an_unknown_address_is_not_found(url, path):
    assert ask(root_of(url) + path)[0] == 404


@pytest.mark.parametrize(
    ("item_id", "inside", "flag"),
    [
        ("S2A_33UUU_20230216_0_L2A", False, True),
        ("S2A_33UUU_20220216_0_L2A", True, True),
        ("S2A_33UUU_20220216_1_L2A", False, False),
    ],
)
def test_right_and_wrong_flags_of_the_offset(url, folder, item_id, inside, flag):
    item = ask_json(f"{url}/collections/sentinel-2-l2a/items/{item_id}")
    assert item["properties"]["earthsearch:boa_offset_applied"] is flag
    swir = item["assets"]["swir22"]
    assert swir["raster:bands"][0]["offset"] == -0.1
    name = swir["href"].rpartition("/")[2]
    lowest = rasters.read_array(folder / name).min()
    assert (lowest > 1000) == inside


# Files


def test_gdal_reads_a_window_of_a_file_through_ranges(url, folder):
    found = ask_json(f"{url}/search?collections=sentinel-2-c1-l2a&limit=1")
    href = found["features"][0]["assets"]["red"]["href"]
    local = rasters.read_array(folder / href.rpartition("/")[2])[..., 0]
    window = rasterio.windows.Window(700, 300, 41, 23)
    with rasterio.open(href) as dataset:
        pixels = dataset.read(1, window=window)
    assert (pixels == local[300:323, 700:741]).all()
    with rasterio.open(practice.worldcover_address(url)) as dataset:
        assert dataset.crs.to_epsg() == 4326


RANGES = {
    "bytes=0-9": (206, slice(0, 10)),
    "bytes=5-5": (206, slice(5, 6)),
    "bytes=100-": (206, slice(100, None)),
    "bytes=-7": (206, slice(-7, None)),
    "bytes=0-99999999": (206, slice(None)),
    "bytes=99999999-": (416, slice(0, 0)),
    "bytes=-0": (416, slice(0, 0)),
    "bytes=9-5": (200, slice(None)),
    "bytes=0-1,4-5": (200, slice(None)),
    "lines=0-9": (200, slice(None)),
}


@pytest.mark.parametrize("header", RANGES)
def test_a_file_is_sent_in_whole_or_in_part(url, folder, header):
    name = band_file(INSIDE, DATES[0], "SCL")
    content = (folder / name).read_bytes()
    status, part = RANGES[header]
    address = f"{root_of(url)}/files/{name}"
    found, headers, body = ask(address, headers={"Range": header})
    assert (found, body) == (status, content[part])
    assert headers["Accept-Ranges"] == "bytes"
    assert int(headers["Content-Length"]) == len(body)
    if status == 206:
        first, last = part.indices(len(content))[0], part.indices(len(content))[1] - 1
        place = f"bytes {first}-{last}/{len(content)}"
        assert headers["Content-Range"] == place


def test_head_tells_the_size_and_sends_nothing(url, folder):
    name = band_file(INSIDE, DATES[0], "B4")
    status, headers, body = ask(f"{root_of(url)}/files/{name}", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == (folder / name).stat().st_size


def test_protected_files_need_a_token(url):
    root = root_of(url)
    collection = ask_json(f"{root}/api/stac/v1/collections/sentinel-2-l2a")
    account, container = (
        collection[f"msft:{name}"] for name in ("storage_account", "container")
    )
    item = ask_json(f"{root}/api/stac/v1/search?limit=1")["features"][0]
    assert {"B02", "B8A", "B12", "SCL"} <= set(item["assets"])
    assert "raster:bands" not in item["assets"]["B02"]
    href = item["assets"]["B02"]["href"]
    assert ask(href)[0] == 403
    assert ask(f"{href}?sig=guess")[0] == 403
    token = ask_json(f"{root}/api/sas/v1/token/{account}/{container}")
    assert token["msft:expiry"].endswith("Z")
    status, _, body = ask(f"{href}?{token['token']}", headers={"Range": "bytes=0-1"})
    assert (status, body) == (206, b"II")
    assert ask(f"{root}/api/sas/v1/token/{account}/other")[0] == 404


def test_a_token_gets_old(folder):
    site = Site(folder, "http://x", token_lasts_s=-1)
    get = Request.of
    path = f"protected/{items.CONTAINER}/{band_file(INSIDE, DATES[0], 'B4')}"
    token = json.loads(
        site.answer(get("GET", "/api/sas/v1/token/practice/sentinel2-l2")).content
    )["token"]
    assert site.answer(get("GET", f"/{path}?{token}")).status == 403


def raw(url, request):
    """The first line of the answer to bytes that no client would send."""
    port = int(root_of(url).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(200).partition(b"\r\n")[0].decode()


@pytest.mark.parametrize(
    "path",
    [
        "/files/../MANIFEST.json",
        "/files/MANIFEST.json",
        "/files/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/files//etc/passwd",
        "/files/%2e%2e/area.geojson",
        "/files/",
        "/../../etc/passwd",
    ],
)
def test_no_path_leaves_the_folder(url, path):
    line = raw(url, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert " 404 " in line


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /v1/search HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "413"),
        (b"POST /v1/search HTTP/1.1\r\nContent-Length: -5\r\n\r\n", "413"),
        (b"POST /v1/search HTTP/1.1\r\nContent-Length: 3\r\n\r\n[1]", "400"),
        (
            b"POST /v1/search HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + b"[" * 5000,
            "400",
        ),
        (
            b"GET /files/inside_20230216_B04.tif HTTP/1.1\r\nRange: bytes="
            + b"9" * 5000
            + b"-\r\n\r\n",
            "200",
        ),
        (b"GET http://[ HTTP/1.1\r\n\r\n", "400"),
        (b"nonsense\r\n\r\n", ""),
    ],
)
def test_strange_requests_are_refused_and_the_server_goes_on(
    url, request_bytes, status
):
    assert status in raw(url, request_bytes)
    assert ask(url)[0] == 200


# The process


def process_of(url):
    """The process that serves an address."""
    port = int(root_of(url).rpartition(":")[2])
    (found,) = (
        child
        for child in psutil.Process().children(recursive=True)
        if any(
            c.laddr.port == port
            for c in child.net_connections()
            if c.status == "LISTEN"
        )
    )
    return found


def test_the_server_is_on_loopback_only(url):
    addresses = {c.laddr.ip for c in process_of(url).net_connections()}
    assert addresses <= {"127.0.0.1"}


def test_the_process_ends_with_the_block_also_after_an_error(folder):
    found = []
    with suppress(ZeroDivisionError), practice.running(folder) as address:
        found.append(process_of(address))
        raise ZeroDivisionError
    assert not found[0].is_running()


PARENT = """\
import sys, time
from data_fetch import practice
with practice.running(sys.argv[1]) as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_the_server_ends_when_its_parent_is_killed(folder):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    try:
        address = parent.stdout.readline().strip()
        assert ask(address)[0] == 200
        process = process_of(address)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    psutil.wait_procs([process], timeout=5)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_signal_ends_the_server_without_words(folder, capfd):
    # JupyterLab ends a kernel together with its child processes.
    with practice.running(folder) as address:
        process = process_of(address)
        process.terminate()
        psutil.wait_procs([process], timeout=5)
    assert capfd.readouterr().err == ""


def test_a_server_that_does_not_start_is_an_error():
    silent = [sys.executable, "-c", "print('no module')"]
    with pytest.raises(OSError, match=r"did not start.*'no module'"), started(silent):
        pass


@contextmanager
def in_a_terminal(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "data_fetch", "practice", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.thorough
def test_the_command_prints_what_to_try_and_ends_with_ctrl_c(folder):
    with in_a_terminal("--folder", folder) as process:
        lines = [process.stdout.readline() for _ in range(9)]
        address = lines[0].rpartition(" ")[2].strip()
        assert ask(address)[0] == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    output = "".join(lines) + rest
    assert f"stac --catalogue {address}" in output
    # In another terminal, `python` may be another one, or none.
    called = re.search("^  (.+) -m data_fetch stac", output, flags=re.MULTILINE)[1]
    assert REPOSITORY / called.strip(chr(34)) == Path(sys.executable)
    assert f"--area '{folder / 'area.geojson'}'" in output
    assert "has stopped" in output
    assert (process.returncode, errors) == (0, "")


def test_a_port_in_use_is_named(folder, url, capsys):
    port = root_of(url).rpartition(":")[2]
    assert main(["practice", "--folder", str(folder), "--port", port]) == 1
    assert f"The port {port} cannot be used" in capsys.readouterr().err
    assert main(["practice", "--folder", str(folder), "--port", "99999"]) == 1
    assert "The port 99999 cannot be used" in capsys.readouterr().err


# Faults


@pytest.fixture(scope="module")
def faulty(folder, tmp_path_factory):
    with faulty_catalogue.running(folder, tmp_path_factory.mktemp("state")) as one:
        yield one


NAME = band_file(INSIDE, DATES[0], "SCL")


def test_faults_happen_as_often_as_asked(faulty, folder):
    address = f"{faulty.root}/files/{NAME}"
    before = faulty.count(NAME)
    faulty.inject(Fault(NAME, "status", after=1, times=2, headers={"Retry-After": "7"}))
    found = [ask(address)[0] for _ in range(4)]
    assert found == [200, 500, 500, 200]
    assert [x["fault"] for x in faulty.requests(NAME)[before:]] == [
        *(None, "status", "status", None)
    ]
    faulty.inject(Fault(NAME, "status", status=429, headers={"Retry-After": "7"}))
    status, headers, _ = ask(address)
    assert (status, headers["Retry-After"]) == (429, "7")
    faulty.inject()
    assert ask(address)[2] == (folder / NAME).read_bytes()


def test_each_kind_of_fault_does_what_it_says(faulty, folder):
    address = f"{faulty.root}/files/{NAME}"
    content = (folder / NAME).read_bytes()
    faulty.inject(Fault(NAME, "html"))
    assert ask(address)[2].startswith(b"<!DOCTYPE html>")
    other = band_file(INSIDE, DATES[0], "B8")
    faulty.inject(Fault(NAME, "other", instead=f"/files/{other}"))
    assert ask(address)[2] == (folder / other).read_bytes()
    faulty.inject(Fault(NAME, "corrupt"))
    body = ask(address)[2]
    assert len(body) == len(content)
    assert body != content
    faulty.inject(Fault(NAME, "delay", seconds=0.4))
    start = time.monotonic()
    assert ask(address)[2] == content
    assert time.monotonic() - start >= 0.4


def test_broken_connections(faulty):
    address = f"{faulty.root}/files/{NAME}"
    faulty.inject(Fault(NAME, "truncated"))
    with pytest.raises(http.client.IncompleteRead):
        ask(address)
    faulty.inject(Fault(NAME, "reset"))
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        ask(address)
    faulty.inject(Fault(NAME, "silence"))
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(address, timeout=0.5)
    faulty.inject()
    assert ask(address)[0] == 200


def test_the_server_can_die(folder, tmp_path):
    with faulty_catalogue.running(folder, tmp_path, Fault("search", "death")) as one:
        assert ask(one.url)[0] == 200
        for address in (f"{one.url}/search", one.url):
            with pytest.raises((ConnectionError, urllib.error.URLError)):
                ask(address)
