"""Rasters on a server that is slow, silent, broken or down."""

import contextlib
import errno
import os
import re
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.env import get_gdal_config

import tutorial_lib as tl
from tutorial_lib import rasters, testing
from tutorial_lib.rasters import causes, web

# Seconds: of silence until an error, and of the pause before the first new attempt.
SILENCE, PAUSE = 1, 0.05
# GDAL asks up to three times for one file, and some sidecars.
BOUND = 20 * SILENCE
HEIGHT, WIDTH = 301, 411

numbers = count()

# Nothing tells what a plain function reads.
pytestmark = pytest.mark.filterwarnings("ignore:Whether the tiles give")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    array = np.random.default_rng(0).integers(1, 9999, (HEIGHT, WIDTH, 2), "uint16")
    grid = testing.small_grid(HEIGHT, WIDTH)
    rasters.write_array(folder / "a.tif", array, grid)
    rasters.write_array(folder / "cog.tif", array, grid, cog=True)
    rasterio.shutil.copy(folder / "a.tif", folder / "plain.tif", driver="GTiff")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    script = Path(__file__).with_name("web_server.py")
    with subprocess.Popen(
        [sys.executable, script, folder], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


@pytest.fixture
def address(server):
    """Function that gives a new address of a file with a fault."""
    return lambda fault, file="a.tif": f"{server}/{fault}-{next(numbers)}/{file}"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short times, and none of the user's own options."""
    for name in web.OPTIONS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(web.OPTIONS, "GDAL_HTTP_LOW_SPEED_TIME", str(SILENCE))
    monkeypatch.setitem(web.OPTIONS, "GDAL_HTTP_RETRY_DELAY", str(PAUSE))


def requests(address):
    """How often a file was asked for."""
    server, path = re.fullmatch("(http://[^/]*)(/.*)", address).groups()
    with urlopen(f"{server}/count{path}") as answer:
        return int(answer.read())


def refusal(function, *values, **options):
    """The sentence of an error, which comes soon."""
    started = time.monotonic()
    with pytest.raises(OSError, match=r"\A[^\n]+\.\Z") as caught:
        function(*values, **options)
    assert time.monotonic() - started < BOUND
    assert "again, or download the file first." in str(caught.value)
    return str(caught.value)


def vsi(address):
    return f"/vsicurl/{address}"


def read_in_a_thread(path):
    """Read in another thread than the one that opened the raster."""
    failed = []

    def read(reader):
        try:
            reader.read_block(0, 0, HEIGHT, WIDTH)
        except OSError as err:
            failed.append(err)

    with rasters.open_source(tl.Source(path)) as reader:
        thread = threading.Thread(target=read, args=[reader])
        thread.start()
        thread.join()
    if failed:
        raise failed[0]


def map_of(path, out):
    plan = tl.plan_inference(
        testing.BlockMean({"input": 3}),
        tl.Source(path, receptive_field=3),
        output="estimated",
        tile_size=64,
    )
    plan.write(out, progress=False)
    return out


# A server that works


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("file", ["a.tif", "cog.tif", "plain.tif"])
@pytest.mark.parametrize("fault", ["fine", "slow"])
def test_a_server_that_is_slow_but_answers_is_waited_for(address, folder, fault, file):
    expected = rasters.read_array(folder / file)
    started = time.monotonic()
    found = rasters.read_array(address(fault, file))
    np.testing.assert_array_equal(found, expected)
    if fault == "slow":
        assert time.monotonic() - started > 2 * SILENCE


@pytest.mark.parametrize("form", [str, vsi])
def test_a_server_that_fails_twice_is_asked_again(address, folder, form):
    found = rasters.read_array(form(address("twice")))
    np.testing.assert_array_equal(found, rasters.read_array(folder / "a.tif"))


def test_a_server_does_not_choose_how_long_the_kit_waits(address):
    started = time.monotonic()
    rasters.read_array(address("busy"))
    assert time.monotonic() - started < BOUND


def test_a_map_of_a_raster_on_the_web_is_the_map_of_the_file(address, folder, tmp_path):
    there = map_of(address("fine", "cog.tif"), tmp_path / "there.tif")
    here = map_of(folder / "cog.tif", tmp_path / "here.tif")
    np.testing.assert_array_equal(rasters.read_array(there), rasters.read_array(here))


# A server that does not


@pytest.mark.slow
@pytest.mark.parametrize("form", [str, vsi])
def test_a_silent_server_is_one_sentence(address, form):
    path = form(address("silent"))
    said = refusal(rasters.read_array, path)
    assert said.startswith(f"'{path}' could not be opened: ")
    assert "too slow" in said


@pytest.mark.sampled(daily=1)
@pytest.mark.thorough
@pytest.mark.parametrize("fault", ["stalls", "truncated"])
@pytest.mark.parametrize("file", ["a.tif", "cog.tif", "plain.tif"])
@pytest.mark.parametrize("read", [rasters.read_array, read_in_a_thread])
def test_pixels_that_do_not_come_are_one_sentence(address, read, file, fault):
    said = refusal(read, address(fault, file))
    assert "could not be read: its pixels" in said


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["silent", "stalls"])
def test_a_map_ends_with_a_sentence_and_leaves_nothing(address, tmp_path, fault):
    refusal(map_of, address(fault, "cog.tif"), tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_parts_of_a_vrt_may_be_on_a_silent_server(address, folder, tmp_path):
    path = tmp_path / "a.vrt"
    rasterio.shutil.copy(folder / "a.tif", path, driver="VRT")
    for fault in ("silent", "stalls"):
        text = re.sub(
            r"<SourceFilename.*?</SourceFilename>",
            f"<SourceFilename>{vsi(address(fault))}</SourceFilename>",
            path.read_text(),
        )
        path.write_text(text)
        started = time.monotonic()
        with pytest.raises(OSError, match=r"\A[^\n]+\.\Z"):
            rasters.read_array(path)
        assert time.monotonic() - started < BOUND


def test_a_server_that_is_down_or_has_no_such_file_is_one_sentence(address):
    assert "503" in refusal(rasters.read_array, address("down"))
    assert "404" in refusal(rasters.read_array, address("fine", "nowhere.tif"))


def test_where_no_server_is_the_error_comes_at_once():
    assert "could not be opened: " in refusal(
        rasters.read_array, "http://127.0.0.1:9/a.tif"
    )


def test_a_server_that_works_again_is_read_in_the_same_process(
    address, folder, monkeypatch
):
    monkeypatch.setitem(web.OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    path, found = address("recovers"), None
    for _ in range(30):
        with contextlib.suppress(OSError):
            found = rasters.read_array(path)
            break
        # GDAL remembers nothing of the failure.
        assert requests(path) <= 20
    assert requests(path) > 20
    np.testing.assert_array_equal(found, rasters.read_array(folder / "a.tif"))


# Options of the user, and of nobody


def options_now():
    return {name: get_gdal_config(name, normalize=False) for name in web.OPTIONS}


def in_a_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.thorough
@pytest.mark.parametrize("run", [lambda function: function(), in_a_thread])
def test_the_options_hold_in_any_thread_and_only_for_a_while(address, run):
    def look():
        with web.bounded_waiting():
            inside = options_now()
        return inside, options_now()

    before = options_now(), dict(os.environ)
    inside, after = run(look)
    assert inside == web.OPTIONS
    assert set(after.values()) == {None}
    with pytest.raises(OSError, match="503"):
        rasters.read_array(address("down"))
    with rasters.opened(address("fine")):
        assert set(options_now().values()) == {None}
    assert (options_now(), dict(os.environ)) == before


def test_options_that_the_user_chose_stay(address, monkeypatch):
    path = address("down")
    refusal(rasters.read_array, path)
    with_retries = requests(path)
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    for chosen in (rasterio.Env(), rasterio.Env(GDAL_HTTP_MAX_RETRY=0)):
        path = address("down")
        with chosen:
            refusal(rasters.read_array, path)
            assert get_gdal_config("GDAL_HTTP_MAX_RETRY") == 0
        assert requests(path) <= with_retries / 3
        monkeypatch.delenv("GDAL_HTTP_MAX_RETRY", raising=False)
    assert set(options_now().values()) == {None}


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("https://example.org/a.tif", True),
        ("HTTP://example.org/a.tif", True),
        ("/vsicurl/https://example.org/a.tif", True),
        ("/vsicurl?max_retry=3&url=http%3A%2F%2Fexample.org%2Fa.tif", True),
        ("/vsizip//vsicurl/https://example.org/a.zip/a.tif", True),
        ("zip+https://example.org/a.zip!a.tif", True),
        ("s3://bucket/a.tif", True),
        ("/vsis3/bucket/a.tif", True),
        ("/vsis3_streaming/bucket/a.tif", True),
        ("/data/a.tif", False),
        ("/vsizip/a.zip/a.tif", False),
        ("/vsimem/a.tif", False),
        ("C:/a.tif", False),
        ("NETCDF:a.nc:x", False),
    ],
)
def test_what_is_on_the_web_is_told_by_its_name(name, there):
    assert web.is_on_web(name) == there


def test_a_reason_that_has_only_a_number_is_named():
    error = rasterio.RasterioIOError(f"Recv failure: Unknown error {errno.ECONNRESET}")
    assert causes.root_cause(error) == "Recv failure: Connection reset by peer"
