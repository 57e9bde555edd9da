"""PatchesSelection, compared with an erosion of the mask and loops over pixels."""

from collections import Counter

import numpy as np
import pyogrio
import pytest
import shapely
from scenes import LEFT, TOP, coordinates, write
from scipy.ndimage import binary_erosion

import tutorial_lib as tl
from tutorial_lib.compat import pyotb
from tutorial_lib.compat.applications import patch_nodes
from tutorial_lib.compat.applications.patch_groups import split
from tutorial_lib.rasters import read_array


def read(path):
    """(x, y, id) of the points of a file, in its order."""
    meta, _, shapes, columns = pyogrio.raw.read(path)
    assert list(meta["fields"]) == ["id"]
    shapes = shapely.from_wkb(shapes)
    x, y = shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist()
    return list(zip(x, y, columns[0].tolist(), strict=True))


def eroded_nodes(valid, psize, step, offset=(0, 0)):
    """(row, col) of usable nodes, in the words of OTBTF: pad, erode, walk the grid."""
    radius = psize // 2
    padded = np.pad(valid, 1)
    square = np.ones((2 * radius + 1, 2 * radius + 1))
    usable = binary_erosion(padded, square, border_value=1)
    start = radius + 1
    return [
        (row - 1, col - 1)
        for row in range(start, padded.shape[0] - radius)
        for col in range(start, padded.shape[1] - radius)
        if (row - start) % step == (offset[0] + 1) % step
        and (col - start) % step == (offset[1] + 1) % step
        and usable[row, col]
    ]


def places(nodes, psize):
    """The point of each node: the centre of a pixel, or its lower left corner."""
    shift = (0.5, 0.5) if psize % 2 else (0, 1)
    return [(LEFT + 10 * (c + shift[0]), TOP - 10 * (r + shift[1])) for r, c in nodes]


@pytest.fixture
def image(tmp_path):
    """An image of 37 x 53 px with pixels of 0 in one band, and in both."""
    rng = np.random.default_rng(4)
    pixels = rng.integers(1, 9, (37, 53, 2)).astype("uint16")
    pixels[rng.random((37, 53)) < 0.05, 0] = 0
    pixels[rng.random((37, 53)) < 0.01] = 0
    return write(tmp_path / "image.tif", pixels)


@pytest.fixture
def mask(tmp_path):
    pixels = np.ones((37, 53), "uint8")
    pixels[20:24, 30:41] = 0
    pixels[3, 3] = 200
    return write(tmp_path / "mask.tif", pixels)


def select(image, folder, **given):
    """The points in each of the files, by its name."""
    paths = {
        name: folder / f"{name}.gpkg" for name in given.pop("files", ("outtrain",))
    }
    pyotb.PatchesSelection({"in": image}, **given, **paths)
    return {name: read(path) for name, path in paths.items()}


@pytest.mark.parametrize("psize", [1, 2, 5, 8])
@pytest.mark.parametrize(
    ("step", "offset"), [(1, (0, 0)), (3, (0, 0)), (7, (2, 6)), (4, (9, 3))]
)
@pytest.mark.parametrize("with_mask", [False, True])
def test_points_are_the_nodes_that_the_erosion_leaves(
    image, mask, tmp_path, psize, step, offset, with_mask
):
    valid = (read_array(image) != 0).any(axis=-1)
    more = {}
    if with_mask:
        valid &= read_array(mask)[..., 0] > 0
        more["mask"] = mask
    nodes = eroded_nodes(valid, psize, step, offset)
    points = select(
        image,
        tmp_path,
        nodata=0,
        grid_step=step,
        grid_psize=psize,
        grid_offsety=offset[0],
        grid_offsetx=offset[1],
        strategy="all",
        **more,
    )["outtrain"]
    assert [point[:2] for point in points] == places(nodes, psize)
    assert [point[2] for point in points] == list(range(len(nodes)))


def test_without_no_data_and_mask_all_pixels_are_usable(image, tmp_path):
    points = select(image, tmp_path, grid_step=5, grid_psize=6, strategy="all")
    nodes = eroded_nodes(np.ones((37, 53), bool), 6, 5)
    assert nodes[0] == (4, 4)
    assert [point[:2] for point in points["outtrain"]] == places(nodes, 6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [np.nan, 0.1])
def test_no_data_of_floats(tmp_path, value, dtype):
    # 0.1 is another number in float32 than in float64.
    pixels = np.ones((9, 13), dtype)
    pixels[4, 6] = value
    image = write(tmp_path / "image.tif", pixels)
    given = {"grid_step": 1, "grid_psize": 3, "strategy": "all", "nodata": value}
    points = select(image, tmp_path, **given)["outtrain"]
    assert len(points) == 7 * 11 - 9


def test_a_no_data_value_that_no_pixel_can_hold_is_none(tmp_path):
    image = write(tmp_path / "image.tif", np.ones((9, 13), "float32"))
    given = {"grid_step": 1, "grid_psize": 3, "strategy": "all", "nodata": 1e300}
    assert len(select(image, tmp_path, **given)["outtrain"]) == 7 * 11


def test_parts_of_rows_change_nothing(image, tmp_path, monkeypatch):
    given = {"nodata": 0, "grid_step": 2, "grid_psize": 3, "strategy": "all"}
    whole = select(image, tmp_path, **given)
    monkeypatch.setattr(patch_nodes, "_ROWS", 1)
    assert select(image, tmp_path, **given) == whole


def test_the_patch_of_an_even_size_lies_one_row_lower(tmp_path):
    image = coordinates(tmp_path / "image.tif", 19, 23)
    select(image, tmp_path, grid_step=100, grid_psize=4, strategy="all")
    positions = tl.Positions.from_file(tmp_path / "outtrain.gpkg", field="id")
    patches = tl.extract_patches({"x": image}, positions, sizes={"x": 4}).arrays["x"]
    # The node is pixel (3, 3): radius 2, and one more.
    assert patches[0, :, 0, 0].tolist() == [2, 3, 4, 5]
    assert patches[0, 0, :, 1].tolist() == [1, 2, 3, 4]


def test_a_chessboard_divides_nodes_in_turn(image, tmp_path):
    groups = select(
        image,
        tmp_path,
        nodata=0,
        grid_step=4,
        grid_psize=3,
        files=("outtrain", "outvalid"),
    )
    valid = (read_array(image) != 0).any(axis=-1)
    nodes = eroded_nodes(valid, 3, 4)
    for number, name in enumerate(("outtrain", "outvalid")):
        own = [
            (*place, index)
            for index, (place, (row, col)) in enumerate(
                zip(places(nodes, 3), nodes, strict=True)
            )
            if ((row - 2) // 4 + (col - 2) // 4) % 2 == number
        ]
        assert groups[name] == own


def test_the_split_has_the_sequence_of_otbtf(image, tmp_path):
    names = ("outtrain", "outvalid", "outtest")
    groups = select(
        image, tmp_path, grid_step=10, grid_psize=5, strategy="split", files=names
    )
    group_of = {point[2]: name for name in names for point in groups[name]}
    assert sorted(group_of) == list(range(len(group_of)))
    sequence = ("outtrain", "outvalid", "outtest", "outtrain")
    assert len(group_of) > 8
    for index, group in group_of.items():
        assert group == sequence[index % 4]


def test_proportions_hold_at_every_length():
    groups = split(1000, [80, 10, 10], shuffled=False)
    for count in range(1, 1001):
        numbers = Counter(groups[:count].tolist())
        for group, share in enumerate((0.8, 0.1, 0.1)):
            assert abs(numbers[group] - share * count) <= 2


def test_a_group_without_a_file_does_not_count(image, tmp_path):
    groups = select(
        image,
        tmp_path,
        grid_step=3,
        grid_psize=1,
        strategy="split",
        files=("outtrain", "outvalid"),
    )
    # 50 and 25: two to one, as if there were no third group.
    count = sum(map(len, groups.values()))
    assert abs(len(groups["outvalid"]) - count / 3) < 1


def test_a_random_split_has_the_same_numbers_and_is_the_same_again(image, tmp_path):
    given = {"grid_step": 3, "grid_psize": 1, "strategy": "split"}
    given["files"] = ("outtrain", "outvalid", "outtest")
    in_turn = select(image, tmp_path, **given)
    drawn = select(image, tmp_path, strategy_split_random=True, **given)
    again = select(image, tmp_path, strategy_split_random="on", **given)
    assert drawn == again != in_turn
    lengths = [{k: len(points) for k, points in d.items()} for d in (in_turn, drawn)]
    assert lengths[0] == lengths[1]


def cosine(one, other):
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5


def test_balanced_adds_the_least_similar_while_classes_become_more_even(tmp_path):
    rng = np.random.default_rng(11)
    image = write(tmp_path / "image.tif", np.ones((41, 59), "uint8"))
    # Areas of classes of 6 pixels; class 0 is frequent.
    areas = rng.choice(3, (7, 10), p=(0.8, 0.12, 0.08))
    labels = np.kron(areas, np.ones((6, 6), int))[:41, :59].astype("uint8")
    groups = select(
        image,
        tmp_path,
        grid_step=4,
        grid_psize=4,
        strategy="balanced",
        strategy_balanced_sp=0.25,
        strategy_balanced_nclasses=3,
        strategy_balanced_labelimage=write(tmp_path / "labels.tif", labels),
        files=("outtrain", "outvalid"),
    )
    nodes = eroded_nodes(np.ones((41, 59), bool), 4, 4)
    counts, start, others = {}, [], []
    for row, col in nodes:
        # The patch of the lower left corner: one row below that of the pixel.
        patch = labels[row - 1 : row + 3, col - 2 : col + 2]
        counts[row, col] = [int((patch == label).sum()) for label in range(3)]
        even = ((row - 2) // 4) % 2 == 0 and ((col - 2) // 4) % 2 == 0
        (start if even else others).append((row, col))
    total = [sum(counts[node][label] for node in start) for label in range(3)]
    others.sort(key=lambda node: cosine(counts[node], total))
    taken, best = list(start), 0
    for node in others:
        total = [a + b for a, b in zip(total, counts[node], strict=True)]
        if cosine(total, (1, 1, 1)) <= best:
            break
        best = cosine(total, (1, 1, 1))
        taken.append(node)
    assert len(start) < len(taken) < len(nodes)
    found = sorted(groups["outtrain"] + groups["outvalid"], key=lambda p: p[2])
    assert [point[:2] for point in found] == places(sorted(taken), 4)


GRID = {"grid_step": 4, "grid_psize": 3}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"grid_step": 4}, "needs `grid.psize`, which is not given"),
        (GRID | {"grid_step": 0}, "`grid.step` is 0"),
        (GRID | {"grid_psize": 39}, "No patch of 39 px .* Give a smaller"),
        (GRID | {"strategy": "half"}, "`strategy` is 'half'"),
        (GRID | {"outtest": "test.gpkg"}, "is for `outtest`, with the strategy chess"),
        (GRID | {"outvalid": "outtrain.gpkg"}, "is also an input"),
        (GRID | {"outvalid": "points.tif"}, "does not know the ending '.tif'"),
        (
            GRID | {"strategy": "split", "strategy_split_trainprop": -1},
            "`strategy_split_trainprop` is -1",
        ),
        (
            GRID | {"strategy": "split", "strategy_split_trainprop": 0},
            "proportions of all groups with a file are 0",
        ),
        (GRID | {"strategy": "balanced"}, "needs `strategy_balanced_labelimage`"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_written(
    image, tmp_path, given, sentence
):
    for key in ("outtest", "outvalid"):
        if key in given:
            given = given | {key: tmp_path / given[key]}
    with pytest.raises(ValueError, match=sentence):
        select(image, tmp_path, **given)
    assert [file.name for file in tmp_path.iterdir()] == ["image.tif"]


def test_a_mask_of_another_size_is_refused(image, tmp_path):
    mask = write(tmp_path / "mask.tif", np.ones((36, 53), "uint8"))
    with pytest.raises(ValueError, match=r"36x53 px and 1 band.* has 37x53 px"):
        select(image, tmp_path, mask=mask, **GRID)


def test_labels_beyond_the_classes_are_refused(image, tmp_path):
    labels = write(tmp_path / "labels.tif", np.full((37, 53), 3, "uint8"))
    more = {
        "strategy": "balanced",
        "strategy_balanced_labelimage": labels,
        "strategy_balanced_nclasses": 3,
    }
    with pytest.raises(ValueError, match=r"holds 3, and .*nclasses` is 3"):
        select(image, tmp_path, **GRID, **more)


def test_a_mask_without_a_usable_pixel_is_refused(image, tmp_path):
    mask = write(tmp_path / "mask.tif", np.zeros((37, 53), "uint8"))
    with pytest.raises(ValueError, match="hold no-data or masked pixels"):
        select(image, tmp_path, mask=mask, **GRID)
