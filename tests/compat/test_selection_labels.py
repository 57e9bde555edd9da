"""LabelImageSampleSelection, compared with a loop over all pixels."""

import warnings

import numpy as np
import pyogrio
import pytest
import shapely
from scenes import LEFT, TOP, write

import tutorial_lib as tl
from tutorial_lib.compat import pyotb


def by_hand(labels, nodata, pad=0, *, strategy="constant", number=1000):
    """(x, y, class) of the points: the algorithm in words, one pixel after another."""
    height, width = labels.shape
    pixels = [
        (row, col, int(labels[row, col]))
        for row in range(pad, height - pad)
        for col in range(pad, width - pad)
        if labels[row, col] != nodata
    ]
    there = [label for *_, label in pixels]
    counts = {label: there.count(label) for label in range(min(there), max(there) + 1)}
    smallest = min(counts.values())
    if strategy == "total":
        step = max(1, len(pixels) // number)
        steps = dict.fromkeys(counts, step)
        wanted = {label: count // step for label, count in counts.items()}
    elif strategy == "all":
        steps, wanted = dict.fromkeys(counts, 1), counts
    else:
        target = smallest if strategy == "smallest" else min(number, smallest)
        steps = {label: count // target for label, count in counts.items()}
        wanted = dict.fromkeys(counts, target)
    passed, taken, points = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0), []
    for row, col, label in pixels:
        passed[label] += 1
        if passed[label] % steps[label] == 0 and taken[label] < wanted[label]:
            taken[label] += 1
            x, y = LEFT + 10 * (col + 0.5), TOP - 10 * (row + 0.5)
            points.append((x, y, label - min(counts)))
    return points


def read(path, field="class"):
    """(x, y, number) of the points of a file, in its order."""
    meta, _, shapes, columns = pyogrio.raw.read(path)
    assert list(meta["fields"]) == [field]
    assert columns[0].dtype.kind == "i"
    shapes = shapely.from_wkb(shapes)
    x, y = shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist()
    return list(zip(x, y, columns[0].tolist(), strict=True))


def random_labels(height, width, classes=(0, 1, 2, 255), seed=3, dtype="uint8"):
    shares = np.arange(1, len(classes) + 1) / sum(range(1, len(classes) + 1))
    rng = np.random.default_rng(seed)
    return rng.choice(classes, (height, width), p=shares).astype(dtype)


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp"])
@pytest.mark.parametrize(
    ("strategy", "given", "number"),
    [
        ("constant", {"strategy_constant_nb": 17}, 17),
        ("constant", {"strategy.constant.nb": 1}, 1),
        ("smallest", {}, None),
        ("total", {"strategy_total_v": 50}, 50),
        ("total", {"strategy_total_v": 333}, 333),
        ("all", {}, None),
    ],
)
def test_points_are_those_of_a_loop_over_pixels(
    tmp_path, ending, strategy, given, number
):
    labels = random_labels(23, 37)
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / f"p.{ending}"
    pyotb.LabelImageSampleSelection(
        {"inref": inref, "nodata": 255, "strategy": strategy, "outvec": path} | given
    )
    expected = by_hand(labels, 255, strategy=strategy, number=number)
    assert read(path) == expected
    positions = tl.Positions.from_file(path)
    assert (
        list(zip(positions.x, positions.y, positions.labels, strict=True)) == expected
    )
    assert positions.crs == "EPSG:32631"


@pytest.mark.parametrize("pad", [1, 2, 11])
def test_pad_leaves_out_pixels_on_each_side(tmp_path, pad):
    labels = random_labels(23, 37, classes=(0, 1, 255))
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    pyotb.LabelImageSampleSelection(
        inref, nodata=255, pad=pad, strategy="all", outvec=path
    )
    assert read(path) == by_hand(labels, 255, pad, strategy="all")
    assert len(read(path)) == (labels[pad:-pad, pad:-pad] != 255).sum()


def test_strips_change_nothing(tmp_path):
    # More rows than are read at once.
    labels = random_labels(700, 5)
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    pyotb.LabelImageSampleSelection(
        inref, nodata=255, pad=1, strategy_constant_nb=101, outvec=path
    )
    assert read(path) == by_hand(labels, 255, 1, number=101)


def test_the_default_is_1000_of_each_class_and_no_data_is_minus_1(tmp_path):
    labels = random_labels(90, 91, classes=(0, -1, 1), dtype="int16")
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    pyotb.LabelImageSampleSelection(inref, outvec=path)
    assert read(path) == by_hand(labels, -1)
    assert tl.Positions.from_file(path).counts == {0: 1000, 1: 1000}


def test_a_warning_tells_the_mapping_of_classes_that_do_not_begin_at_0(tmp_path):
    labels = random_labels(23, 37, classes=(4, 5, 6, 255))
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    with pytest.warns(UserWarning, match="minus 4: 4 -> 0, 5 -> 1, 6 -> 2"):
        pyotb.LabelImageSampleSelection(
            inref, nodata=255, strategy_constant_nb=9, outvec=path
        )
    assert read(path) == by_hand(labels, 255, number=9)


def test_a_negative_label_is_a_label(tmp_path):
    labels = random_labels(23, 37, classes=(-3, -2, -1), dtype="int16")
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    with pytest.warns(UserWarning, match="minus -3: -3 -> 0, -2 -> 1, -1 -> 2"):
        pyotb.LabelImageSampleSelection(
            inref, nodata=255, strategy_constant_nb=9, outvec=path
        )
    assert read(path) == by_hand(labels, 255, number=9)


def test_nan_is_no_label(tmp_path):
    labels = random_labels(23, 37, classes=(0, 1, 7), dtype="float32")
    inref = write(tmp_path / "nan.tif", np.where(labels == 7, np.nan, labels))
    pyotb.LabelImageSampleSelection(inref, strategy="all", outvec=tmp_path / "p.gpkg")
    assert read(tmp_path / "p.gpkg") == by_hand(labels, 7, strategy="all")


def test_fewer_pixels_than_asked_for_give_a_warning(tmp_path):
    labels = np.zeros((9, 13), "uint8")
    labels[0, :4] = 1
    inref = write(tmp_path / "labels.tif", labels)
    with pytest.warns(UserWarning, match=r"Class 1 has only 4 pixels.* \(1000\)"):
        pyotb.LabelImageSampleSelection(inref, outvec=tmp_path / "a.gpkg")
    with pytest.warns(UserWarning, match=r"only 117 pixels .*\(1000\)"):
        pyotb.LabelImageSampleSelection(
            inref, strategy="total", outvec=tmp_path / "b.gpkg"
        )
    with pytest.warns(UserWarning, match=r"labels \[1\] have fewer than 11 pixels"):
        pyotb.LabelImageSampleSelection(
            inref, strategy="total", strategy_total_v=10, outvec=tmp_path / "c.gpkg"
        )
    assert read(tmp_path / "a.gpkg") == by_hand(labels, -1)
    assert len(read(tmp_path / "b.gpkg")) == 117
    assert read(tmp_path / "c.gpkg") == by_hand(labels, -1, strategy="total", number=10)


LABELS = random_labels(9, 13, classes=(0, 1))


@pytest.mark.parametrize(
    ("labels", "given", "sentence"),
    [
        (random_labels(9, 13, (0, 1, 255)), {}, "2, 3, 4, 5, 6, .* `nodata=255`"),
        (random_labels(9, 13, (0, 2)), {}, "from 0 to 2, and 1 has no pixel"),
        (np.full((9, 13), 255), {"nodata": 255}, "No pixel .* Correct `nodata`"),
        (LABELS, {"pad": 5}, "nothing is left of the 9x13 px .* below 5"),
        (LABELS, {"strategy": "half"}, "`strategy` is 'half'. Give one of"),
        (LABELS, {"strategy_constant_nb": 0}, "`strategy.constant.nb` is 0. Give"),
        (LABELS, {"pad": -1}, "`pad` is -1. Give"),
        (LABELS, {"outvec": "points.doc"}, "does not know the ending '.doc'"),
        (LABELS, {"nb": 5}, "no parameter `nb`"),
        (LABELS + np.float32(0.5), {}, "holds [01].5, which is not a label"),
        (LABELS * 70_000.0, {}, "holds 70000.0, which is not a label"),
        (np.zeros((9, 13, 2), "uint8"), {}, "has 2 bands. Give an image of one"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_written(
    tmp_path, labels, given, sentence
):
    labels = labels.astype("uint8") if labels.dtype == "int64" else labels
    inref, path = write(tmp_path / "labels.tif", labels), tmp_path / "p.gpkg"
    if "outvec" in given:
        given = {"outvec": tmp_path / given["outvec"]}
    with pytest.raises(ValueError, match=sentence):
        pyotb.LabelImageSampleSelection({"inref": inref, "outvec": path} | given)
    assert [file.name for file in tmp_path.iterdir()] == ["labels.tif"]


def test_an_older_file_is_replaced_only_if_it_holds_such_points(tmp_path):
    inref, path = write(tmp_path / "labels.tif", LABELS), tmp_path / "p.gpkg"
    given = {"inref": inref, "strategy": "all", "outvec": path}
    pyotb.LabelImageSampleSelection(given, pad=2)
    pyotb.LabelImageSampleSelection(given)
    assert len(read(path)) == LABELS.size
    other = tmp_path / "other.gpkg"
    pyogrio.raw.write(
        other,
        shapely.to_wkb([shapely.Point(1, 2)]),
        field_data=[np.array(["my notes"])],
        fields=np.array(["notes"]),
        geometry_type="Point",
        crs="EPSG:32631",
    )
    before = other.read_bytes()
    with pytest.raises(FileExistsError, match="the field notes, which would be lost"):
        pyotb.LabelImageSampleSelection(given, outvec=other)
    assert other.read_bytes() == before


def test_nothing_is_said_where_nothing_is_changed(tmp_path):
    inref = write(tmp_path / "labels.tif", LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pyotb.LabelImageSampleSelection(
            inref, strategy="smallest", outvec=tmp_path / "p.geojson"
        )
