"""Labels from ESA WorldCover: tiles, the nearest pixel, edges, missing tiles."""

import math

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform

from data_fetch import worldcover
from data_fetch.worldcover import degrees_around, read_labels, tile_names
from tutorial_lib import rasters, testing

VALUES = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)
CLASSES = {80: 0, 90: 1, 20: 1, 30: 2, 50: 3, 10: 4, 40: 5}


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ((138, 33, 141, 36), ["N33E138"]),
        ((139.7, 35.6, 139.8, 35.7), ["N33E138"]),
        ((139.7, 35.9, 139.8, 36.1), ["N33E138", "N36E138"]),
        ((-57.1, -3.1, -56.9, -2.9), ["S06W060", "S06W057", "S03W060", "S03W057"]),
        # Both sides of the equator and of Greenwich.
        ((-0.1, -0.1, 0.1, 0.1), ["S03W003", "S03E000", "N00W003", "N00E000"]),
        # Across the meridian of 180 degrees, and up to it.
        ((179.9, -16.9, -179.9, -16.8), ["S18E177", "S18W180"]),
        ((179, 65.5, 180, 65.6), ["N63E177"]),
        ((-180, 65.5, -179, 65.6), ["N63W180"]),
        ((13.0, 52.4, 13.0, 52.4), ["N51E012"]),
        ((12.0, 51.0, 12.0, 51.0), ["N51E012"]),
    ],
)
def test_tiles_are_named_by_their_lower_left_corners(bounds, names):
    assert tile_names(bounds) == tuple(names)


@pytest.mark.parametrize("seed", range(5))
def test_tiles_cover_a_box_and_none_is_too_many(seed):
    rng = np.random.default_rng(seed)
    west, south = rng.uniform(-180, 180), rng.uniform(-80, 70)
    width, height = rng.uniform(0.01, 8, 2)
    east = (west + width + 180) % 360 - 180
    found = set()
    for x in np.linspace(west, west + width, 300, endpoint=False)[1:]:
        for y in np.linspace(south, south + height, 300, endpoint=False)[1:]:
            x_corner = 3 * math.floor(((x + 180) % 360 - 180) / 3)
            y_corner = 3 * math.floor(y / 3)
            found.add(
                f"{'S' if y_corner < 0 else 'N'}{abs(y_corner):02}"
                f"{'W' if x_corner < 0 else 'E'}{abs(x_corner):03}"
            )
    assert set(tile_names((west, south, east, south + height))) == found


@pytest.mark.parametrize(
    ("bounds", "error", "match"),
    [
        ((1, 2, 3), ValueError, "are 3 numbers"),
        ((1, 5, 3, 4), ValueError, "south 5.0 above the north 4.0"),
        ((1, 2, 300, 4), ValueError, "300"),
        ((1, -91, 3, 4), ValueError, "-91"),
        ("1,2,3,4", TypeError, "bounds"),
        ((1, 2, "3", 4), TypeError, "bounds"),
        ((1, 2, math.nan, 4), ValueError, "bounds"),
    ],
)
def test_wrong_bounds_are_refused(bounds, error, match):
    with pytest.raises(error, match=match):
        tile_names(bounds)


# Reading ----------------------------------------------------------------------


def utm_grid(shape, longitude, latitude):
    """A UTM grid of 10 m around a place."""
    zone = int((longitude + 180) // 6) + 1
    code = (32600 if latitude >= 0 else 32700) + zone
    (x,), (y,) = transform("EPSG:4326", f"EPSG:{code}", [longitude], [latitude])
    corner = (x // 20 * 20 - 5 * shape[1], y // 20 * 20 + 5 * shape[0])
    return testing.small_grid(*shape, corner=corner, crs=f"EPSG:{code}")


def write_tile(path, west, south, degrees, *, seed=0, patch=1):
    """A map whose pixels are about 10 m, as those of WorldCover: 1/12000 degree."""
    size = round(degrees * 12000)
    rng = np.random.default_rng(seed)
    small = rng.choice(VALUES, (size // patch + 1,) * 2)
    values = small.repeat(patch, 0).repeat(patch, 1)[:size, :size].astype("uint8")
    place = Affine(1 / 12000, 0, west, 0, -1 / 12000, south + size / 12000)
    grid = GeoBox((size, size), place, "EPSG:4326")
    rasters.write_array(path, values[..., np.newaxis], grid, nodata=0)
    return path, values, grid


def looked_up(tiles, grid):
    """WorldCover's value at each pixel's centre, (height + 2, width + 2); 0: none."""
    columns = np.arange(-1, grid.width + 1) + 0.5
    lines = np.arange(-1, grid.height + 1) + 0.5
    values = np.zeros((len(lines), len(columns)), int)
    for i, line in enumerate(lines):
        places = [grid.transform * (column, line) for column in columns]
        degrees = transform(str(grid.crs), "EPSG:4326", *zip(*places, strict=True))
        for j, place in enumerate(zip(*degrees, strict=True)):
            for _, tile, tile_grid in tiles:
                lon, lat = place
                lon += 360 if lon < tile_grid.transform.c else 0
                col, row = map(math.floor, ~tile_grid.transform * (lon, lat))
                if 0 <= row < tile.shape[0] and 0 <= col < tile.shape[1]:
                    values[i, j] = tile[row, col]
    return values


def expected_labels(values):
    labels = np.full(tuple(side - 2 for side in values.shape), 255)
    for row, column in np.ndindex(labels.shape):
        own = CLASSES.get(values[row + 1, column + 1])
        around = values[row : row + 3, column : column + 3].ravel()
        if own is not None and all(CLASSES.get(v) == own for v in around if v):
            labels[row, column] = own
    return labels


PLACES = [
    (13.2, 52.5),  # north, east
    (-58.4, -34.6),  # south, west
    (0.0, 51.5),  # Greenwich
    (30.0, 0.0),  # the equator
    (179.999, -16.9),  # across the meridian of 180 degrees
]


@pytest.mark.parametrize("place", PLACES)
def test_each_pixel_has_the_nearest_class_without_edges(tmp_path, place):
    grid = utm_grid((37, 52), *place)
    tile = write_tile(
        tmp_path / "a.tif", place[0] - 0.02, place[1] - 0.02, 0.04, patch=7
    )
    labels = read_labels(tile[0], grid, range(grid.height))
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, expected_labels(looked_up([tile], grid)))
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4, 5, 255}


def test_labels_do_not_depend_on_the_rows_that_are_read_at_a_time(tmp_path):
    grid = utm_grid((150, 61), 13.2, 52.5)
    path, _, _ = write_tile(tmp_path / "a.tif", 13.18, 52.48, 0.04, patch=5)
    whole = read_labels(path, grid, range(150))
    for step in (1, 8, 64, 97):
        parts = [
            read_labels(path, grid, range(start, min(start + step, 150)))
            for start in range(0, 150, step)
        ]
        assert np.array_equal(np.concatenate(parts), whole)


def test_labels_do_not_depend_on_the_size_of_the_scene(tmp_path):
    grid = utm_grid((80, 90), 13.2, 52.5)
    path, _, _ = write_tile(tmp_path / "a.tif", 13.18, 52.48, 0.04, patch=5)
    whole = read_labels(path, grid, range(80))
    part = read_labels(path, grid[10:50, 20:70], range(40))
    assert np.array_equal(part, whole[10:50, 20:70])


def test_tiles_meet_without_a_seam(tmp_path):
    """One map, and the same map as two tiles that meet inside the scene."""
    grid = utm_grid((40, 60), 12.0, 52.5)
    whole, values, place = write_tile(tmp_path / "a.tif", 11.98, 52.48, 0.04, patch=6)
    halves = []
    for name, columns in (("w", slice(0, 240)), ("e", slice(240, 480))):
        half = tmp_path / f"{name}.tif"
        rasters.write_array(half, values[:, columns, np.newaxis], place[:, columns])
        halves.append(half)
    rows = range(40)
    expected = read_labels(whole, grid, rows)
    assert np.array_equal(read_labels(halves, grid, rows), expected)
    assert np.array_equal(read_labels(halves[::-1], grid, rows), expected)


def test_where_there_is_no_tile_there_are_no_labels(tmp_path):
    grid = utm_grid((40, 60), 12.0, 52.5)
    _, values, place = write_tile(tmp_path / "a.tif", 11.98, 52.48, 0.04, patch=600)
    west = tmp_path / "w.tif"
    rasters.write_array(west, np.full((480, 240, 1), 80, "uint8"), place[:, :240])
    labels = read_labels(west, grid, range(40))
    middle = labels.shape[1] // 2
    assert (labels[:, : middle - 2] == 0).all()
    assert (labels[:, middle + 2 :] == 255).all()
    assert (read_labels([], grid, range(40)) == 255).all()
    # The pixels beside the missing tile keep their labels: their other side is not
    # known, and not another class.
    values = looked_up([(west, values[:, :240], place[:, :240])], grid)
    assert np.array_equal(labels == 0, values[1:-1, 1:-1] > 0)


def test_a_scene_across_the_meridian_of_180_degrees_reads_both_tiles(tmp_path):
    grid = utm_grid((30, 60), 179.999, -16.5)
    west, south, east, north = degrees_around(grid)
    assert west > east
    assert tile_names((west, south, east, north)) == ("S18E177", "S18W180")
    tiles = []
    for name, left, value in (("e", 179.99, 80), ("w", -180.0, 10)):
        place = Affine(1 / 12000, 0, left, 0, -1 / 12000, -16.49)
        shape = (240, round((180 - left) * 12000) if left > 0 else 120)
        tiles.append(tmp_path / f"{name}.tif")
        rasters.write_array(
            tiles[-1],
            np.full((*shape, 1), value, "uint8"),
            GeoBox(shape, place, "EPSG:4326"),
        )
    labels = read_labels(tiles, grid, range(30))
    assert (labels[:, :20] == 0).all()
    assert (labels[:, -5:] == 4).all()
    # Only the two columns along the meridian are edges.
    assert (labels == 255).sum(axis=1).max() <= 3


@pytest.mark.parametrize("place", [(13.2, 52.5), (-58.4, -34.6), (179.9, 65.0)])
def test_degrees_around_a_grid_hold_all_its_pixels(place):
    grid = utm_grid((400, 700), *place)
    west, south, east, north = degrees_around(grid)
    x, y = zip(
        *(grid.transform * (c, r) for c in (-1, 350, 701) for r in (-1, 200, 401)),
        strict=True,
    )
    lon, lat = map(np.array, transform(str(grid.crs), "EPSG:4326", x, y))
    width = (east - west) % 360
    assert 0.05 < width < 0.3
    assert (((lon - west + 1e-9) % 360) <= width + 2e-9).all()
    assert south - 1e-9 <= lat.min()
    assert lat.max() <= north + 1e-9
    assert north - south < 0.08


def test_a_map_on_the_grid_of_the_scene_is_read_as_it_is(tmp_path):
    grid = testing.small_grid(50, 70)
    values = np.random.default_rng(0).choice([10, 30], (5, 7)).repeat(10, 0)
    values = values.repeat(10, 1).astype("uint8")
    path = rasters.write_array(tmp_path / "a.tif", values[..., np.newaxis], grid)
    labels = read_labels(path, grid, range(50))
    assert labels[4, 5] == CLASSES[values[4, 5]]
    known = labels != 255
    assert (labels[known] == np.where(values == 10, 4, 2)[known]).all()
    assert known.mean() > 0.5


def test_another_raster_is_refused_in_words(tmp_path):
    grid = testing.small_grid(50, 70)
    numbers = tmp_path / "numbers.tif"
    rasters.write_array(numbers, np.full((50, 70, 1), 33, "uint8"), grid)
    with pytest.raises(ValueError, match=r"numbers.tif' is not a map .* value 33"):
        read_labels(numbers, grid, range(50))
    image = tmp_path / "image.tif"
    rasters.write_array(image, np.ones((50, 70, 4), "uint16"), grid)
    with pytest.raises(ValueError, match=r"has 4 bands of uint16"):
        read_labels(image, grid, range(50))
    with pytest.raises(FileNotFoundError, match=r"nowhere.tif"):
        read_labels(tmp_path / "nowhere.tif", grid, range(50))


def test_missing_tiles_are_said_in_one_sentence():
    assert worldcover.missing_tiles_note([]) == ""
    note = worldcover.missing_tiles_note(["N33E141", "N36E141"])
    assert "N33E141, N36E141" in note
    assert "no label" in note


def test_the_address_of_a_tile_is_the_documented_one():
    assert worldcover.tile_url("N33E138") == (
        "https://esa-worldcover.s3.eu-central-1.amazonaws.com/v200/2021/map/"
        "ESA_WorldCover_10m_2021_v200_N33E138_Map.tif"
    )
