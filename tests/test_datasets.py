"""Datasets: each patch comes once an epoch, with its own target."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from scenes import coordinates, write

import tutorial_lib as tl
from tutorial_lib.patches import classes


def write_area(folder, name, count, *, first=0, classes=4):
    """Patches images of one area; every value of patch i is `first` + i."""
    indices = np.arange(first, first + count).reshape(-1, 1, 1, 1)
    arrays = {
        "ten": np.broadcast_to(indices, (count, 4, 4, 2)).astype("uint16"),
        "twenty": np.broadcast_to(indices, (count, 2, 2, 3)).astype("uint16"),
        "labels": (indices % classes).astype("uint8"),
    }
    return {
        key: tl.write_patches(folder / f"{name}_{key}.tif", array)
        for key, array in arrays.items()
    }


@pytest.fixture
def area(tmp_path):
    """30 patches of two sources; their labels are the index modulo 4."""
    return write_area(tmp_path, "a", 30)


def indices_of(dataset):
    """Indices of the patches in their order, after a check that the sources agree."""
    indices = []
    for inputs, targets in dataset:
        ten, twenty = (inputs[name].numpy() for name in ("ten", "twenty"))
        target = next(iter(targets.values())).numpy()
        assert (ten == ten[:, :1, :1, :1]).all()
        assert (twenty == ten[:, :1, :1, :1]).all()
        assert np.array_equal(target.argmax(-1).ravel(), ten[:, 0, 0, 0] % 4)
        indices += ten[:, 0, 0, 0].astype(int).tolist()
    assert indices
    return indices


def test_batches_have_the_names_shapes_and_types_that_a_model_takes(area):
    dataset = tl.patch_dataset(area, class_count=4, batch_size=8, target="estimated")
    inputs, targets = dataset.element_spec
    assert {n: s.shape.as_list() for n, s in inputs.items()} == {
        "ten": [None, 4, 4, 2],
        "twenty": [None, 2, 2, 3],
    }
    assert {s.dtype.name for s in [*inputs.values(), *targets.values()]} == {"float32"}
    assert targets["estimated"].shape.as_list() == [None, 1, 1, 4]
    assert [len(next(iter(i.values()))) for i, _ in dataset] == [8, 8, 8, 6]
    assert len(dataset) == 4


def test_the_target_is_one_hot_under_its_name(area):
    dataset = tl.patch_dataset(area, class_count=6, shuffle=False, target="classes")
    target = np.concatenate([targets["classes"] for _, targets in dataset])
    assert np.array_equal(target[:, 0, 0], np.eye(6)[np.arange(30) % 4])


def test_without_shuffle_the_patches_keep_the_order_of_the_files(area):
    dataset = tl.patch_dataset(area, class_count=4, shuffle=False, batch_size=7)
    assert indices_of(dataset) == list(range(30))
    assert indices_of(dataset) == list(range(30))


def test_each_epoch_has_every_patch_once_in_a_new_order(area):
    dataset = tl.patch_dataset(area, class_count=4, batch_size=7)
    epochs = [indices_of(dataset) for _ in range(3)]
    assert all(sorted(epoch) == list(range(30)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in [*epochs, range(30)]}) == 4


def test_the_same_seed_gives_the_same_orders(area):
    def two_epochs(seed):
        dataset = tl.patch_dataset(area, class_count=4, seed=seed)
        return [indices_of(dataset) for _ in range(2)]

    assert two_epochs(3) == two_epochs(3)
    assert two_epochs(3)[0] != two_epochs(4)[0]


def test_orders_do_not_depend_on_the_global_seed(area):
    orders = []
    for before in (1, 2):
        keras.utils.set_random_seed(before)
        dataset = tl.patch_dataset(area, class_count=4, seed=3)
        keras.utils.set_random_seed(before + 10)
        orders.append([indices_of(dataset) for _ in range(2)])
    assert orders[0] == orders[1]


def test_the_files_of_several_areas_follow_each_other(tmp_path):
    a, b = write_area(tmp_path, "a", 10), write_area(tmp_path, "b", 20, first=100)
    both = {name: [a[name], b[name]] for name in a}
    dataset = tl.patch_dataset(both, class_count=4, shuffle=False)
    assert indices_of(dataset) == [*range(10), *range(100, 120)]
    assert sorted(indices_of(tl.patch_dataset(both, class_count=4))) == [
        *range(10),
        *range(100, 120),
    ]


@pytest.mark.parametrize("paths", [["a.tif", "b.tif"], "a.tif"])
def test_paths_without_names_are_refused(paths):
    with pytest.raises(TypeError, match=r"`paths` is .*a.tif.*Give a dictionary"):
        tl.patch_dataset(paths, class_count=4)


def test_the_numbers_of_patches_are_compared_file_by_file(tmp_path):
    a, b = write_area(tmp_path, "a", 10), write_area(tmp_path, "b", 20)
    mixed = {name: [a[name], b[name]] for name in a} | {
        "twenty": [b["twenty"], a["twenty"]]
    }
    match = r"'ten' \[10, 20\]; 'twenty' \[20, 10\]; 'labels' \[10, 20\]"
    with pytest.raises(ValueError, match=match):
        tl.patch_dataset(mixed, class_count=4)


def test_a_name_with_fewer_files_is_refused(tmp_path):
    a, b = write_area(tmp_path, "a", 10), write_area(tmp_path, "b", 20)
    paths = {"ten": [a["ten"], b["ten"]], "labels": a["labels"]}
    with pytest.raises(ValueError, match=r"'ten' \[10, 20\]; 'labels' \[10\]"):
        tl.patch_dataset(paths, class_count=4)


def test_files_of_two_sizes_are_refused(tmp_path):
    a, b = write_area(tmp_path, "a", 12), write_area(tmp_path, "b", 12)
    paths = {"x": [a["ten"], b["twenty"]], "labels": [a["labels"], b["labels"]]}
    with pytest.raises(ValueError, match=r"'x' differ .*\(2, 2, 3\), \(4, 4, 2\)"):
        tl.patch_dataset(paths, class_count=4)


def test_labels_out_of_range_are_refused_with_their_numbers(area):
    # 30 patches with labels 0 1 2 3 0 1 …: seven have a 2, seven a 3.
    with pytest.raises(ValueError, match=r"not from 0 to 1 .*{2: 7, 3: 7}"):
        tl.patch_dataset(area, class_count=2)


@pytest.mark.parametrize("value", [-1, 1.5, float("nan"), 255])
def test_a_label_that_is_not_a_class_is_refused(tmp_path, area, value):
    labels = np.zeros((30, 1, 1, 1), "float32")
    labels[3] = value
    path = tl.write_patches(tmp_path / "labels.tif", labels)
    with pytest.raises(ValueError, match=rf"{value}(\.0)?: 1}}"):
        tl.patch_dataset(area | {"labels": path}, class_count=4)


def test_labels_of_several_bands_are_refused(area):
    with pytest.raises(ValueError, match="labels have 2 channels"):
        tl.patch_dataset(area | {"labels": area["ten"]}, class_count=4)


@pytest.mark.parametrize("missing", [("labels",), ("ten", "twenty")])
def test_inputs_and_labels_are_both_required(area, missing):
    paths = {name: path for name, path in area.items() if name not in missing}
    with pytest.raises(ValueError, match=rf"has the names \['{next(iter(paths))}"):
        tl.patch_dataset(paths, class_count=4)


def test_label_patches_of_many_pixels_become_targets_of_many_pixels(tmp_path):
    # Semantic segmentation: the label raster was one more source.
    scene = dict(tl.testing.small_scene())
    positions = tl.select_positions(scene["labels"], count=8, margin=8)
    sources = {"input": scene["input_10m"], "truth": tl.Source(scene["labels"])}
    patches = tl.extract_patches(
        sources, positions, sizes={"input": 6, "truth": 6}, out_dir=tmp_path
    )
    paths = {"input": patches.paths["input"], "labels": patches.paths["truth"]}
    dataset = tl.patch_dataset(paths, class_count=4, shuffle=False, batch_size=99)
    (_, targets), *rest = dataset
    assert not rest
    truth = patches.arrays["truth"]
    assert np.array_equal(targets["estimated"].numpy().argmax(-1), truth[..., 0])


# The same batches, whatever the types of the files


@pytest.mark.parametrize(
    "dtype",
    [
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "int64",
        "float32",
        "float64",
    ],
)
def test_batches_follow_the_seed_and_hold_the_values_of_the_files(tmp_path, dtype):
    rng = np.random.default_rng(1)
    arrays = {"a": rng.uniform(0, 120, (50, 3, 3, 2)), "labels": np.arange(50) % 3}
    arrays["labels"] = arrays["labels"].reshape(50, 1, 1, 1).astype("uint8")
    arrays["a"] = arrays["a"].astype(dtype)
    paths = {
        name: tl.write_patches(tmp_path / f"{name}.tif", array)
        for name, array in arrays.items()
    }
    dataset = tl.patch_dataset(paths, class_count=3, batch_size=8, seed=5)
    orders = np.random.default_rng(5)
    for _ in range(3):
        order = orders.permutation(50)
        batches = list(dataset)
        inputs = np.concatenate([inputs["a"] for inputs, _ in batches])
        targets = np.concatenate([targets["estimated"] for _, targets in batches])
        assert inputs.dtype == "float32"
        assert np.array_equal(inputs, arrays["a"][order].astype("float32"))
        assert np.array_equal(targets, np.eye(3)[arrays["labels"][order, ..., 0]])


def test_areas_of_two_types_are_read_in_the_wider_one(tmp_path):
    one = tl.write_patches(tmp_path / "1.tif", np.full((4, 1, 1, 1), 200, "uint8"))
    two = tl.write_patches(tmp_path / "2.tif", np.full((4, 1, 1, 1), -300, "int16"))
    zero = tl.write_patches(tmp_path / "0.tif", np.zeros((4, 1, 1, 1), "uint8"))
    paths = {"a": [one, two], "labels": [zero, zero]}
    dataset = tl.patch_dataset(paths, class_count=1, shuffle=False)
    ((inputs, _),) = dataset
    assert inputs["a"].numpy().ravel().tolist() == [200] * 4 + [-300] * 4


# Class numbers


def numbered(tmp_path, labels, dtype="uint8"):
    """Patches whose values are their indices, with these labels."""
    count = len(labels)
    arrays = {"a": np.arange(count).reshape(count, 1, 1, 1).astype("uint8")}
    arrays["labels"] = np.array(labels, dtype).reshape(count, 1, 1, 1)
    return {
        name: tl.write_patches(tmp_path / f"{name}.tif", array)
        for name, array in arrays.items()
    }


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "float32", "float64"])
def test_classes_are_numbered_anew_in_their_order(tmp_path, dtype):
    paths = numbered(tmp_path, [10, 30, 20, 10, 30], dtype)
    for numbers, expected in (
        ((10, 20, 30), [0, 2, 1, 0, 2]),
        ([5, 10, 20, 30], [1, 3, 2, 1, 3]),
        (np.array([10, 20, 30]), [0, 2, 1, 0, 2]),
    ):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Of `classes`, 5 is not")
            dataset = tl.patch_dataset(paths, classes=numbers, shuffle=False)
        ((_, targets),) = dataset
        assert targets["estimated"].shape == (5, 1, 1, len(numbers))
        assert targets["estimated"].numpy().argmax(-1).ravel().tolist() == expected


def test_many_classes_have_their_numbers(tmp_path):
    labels = np.arange(3, 1503, 3)
    dataset = tl.patch_dataset(
        numbered(tmp_path, labels, "uint16"),
        classes=labels,
        shuffle=False,
        batch_size=500,
    )
    ((_, targets),) = dataset
    found = targets["estimated"].numpy().argmax(-1).ravel()
    assert found.tolist() == list(range(500))


def test_classes_beyond_the_type_of_the_labels_do_not_disturb(tmp_path):
    paths = numbered(tmp_path, [255, 0])
    numbers = [0, 255, *range(1000, 1300)]
    with pytest.warns(UserWarning, match="are not in the labels"):
        dataset = tl.patch_dataset(paths, classes=numbers, shuffle=False)
    ((_, targets),) = dataset
    assert targets["estimated"].numpy().argmax(-1).ravel().tolist() == [1, 0]


@pytest.mark.parametrize("numbers", [(30, 10, 20), (10, 10, 20)])
def test_classes_in_another_order_are_refused(tmp_path, numbers):
    """Two orders, here and in a legend, would name the classes wrongly in silence."""
    with pytest.raises(ValueError, match=r"once, in ascending order: \(10, 20"):
        tl.patch_dataset(numbered(tmp_path, [10, 20, 30]), classes=numbers)


def test_labels_are_judged_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(classes, "CHUNK", 2)
    paths = numbered(tmp_path, [10, 30, 20, 10, 30])
    ((_, targets),) = tl.patch_dataset(paths, classes=(10, 20, 30), shuffle=False)
    found = targets["estimated"].numpy().argmax(-1).ravel()
    assert found.tolist() == [0, 2, 1, 0, 2]
    with pytest.raises(ValueError, match=r"{30: 2, 20: 1}"):
        tl.patch_dataset(paths, classes=(10,))


@pytest.mark.parametrize(
    ("labels", "count", "cure"),
    [
        ([1, 2, 5], 3, r"{5: 1}.*Give `classes=\(1, 2, 5\)`"),
        ([10, 20, 30], 3, r"Give `classes=\(10, 20, 30\)`"),
        ([1, 2, 3], 3, r"{3: 1}.*Give `classes=\(1, 2, 3\)`"),
        ([0, 1, 2, 3], 3, "Give `class_count=4`"),
        ([0, 1, 255], 3, "{255: 1}.*without a label: leave their patches out"),
        (range(2, 60, 2), 3, r"Give `classes=\(2, 4, …\)`"),
    ],
)
def test_the_cure_for_wrong_labels_is_named(tmp_path, labels, count, cure):
    with pytest.raises(ValueError, match=cure):
        tl.patch_dataset(numbered(tmp_path, labels), class_count=count)


def test_a_label_that_is_not_asked_for_is_refused(tmp_path):
    paths = numbered(tmp_path, [10, 20, 30])
    match = r"not in `classes` \(10, 20\).*{30: 1}.*`classes=\(10, 20, 30\)`"
    with pytest.raises(ValueError, match=match):
        tl.patch_dataset(paths, classes=(10, 20))


def test_a_class_without_labels_gives_a_warning(tmp_path):
    paths = numbered(tmp_path, [10, 20])
    with pytest.warns(UserWarning, match=r"30 is not in the labels.*10, 20"):
        dataset = tl.patch_dataset(paths, classes=(10, 20, 30))
    assert dataset.element_spec[1]["estimated"].shape[-1] == 3


def test_class_count_and_classes_must_agree(tmp_path):
    paths = numbered(tmp_path, [10, 20])
    tl.patch_dataset(paths, classes=(10, 20), class_count=2)
    with pytest.raises(ValueError, match=r"`class_count` is 3.*\(10, 20\) has 2"):
        tl.patch_dataset(paths, classes=(10, 20), class_count=3)
    with pytest.raises(TypeError, match="`class_count`, or the numbers of the classes"):
        tl.patch_dataset(paths)


def test_from_positions_to_targets_with_own_class_numbers(tmp_path):
    labels = np.repeat([5, 10, 20, 30], 300).reshape(30, 40, 1).astype("uint8")
    truth = write(tmp_path / "truth.tif", labels)
    scene = coordinates(tmp_path / "image.tif", 30, 40)
    numbers = (10, 20, 30)
    drawn = tl.select_positions(truth, count=9, classes=numbers)
    cut = tl.extract_patches({"a": scene}, drawn, sizes=1, out_dir=tmp_path / "out")
    assert set(np.unique(tl.read_patches(cut.paths["labels"]))) == set(numbers)
    dataset = tl.patch_dataset(cut.paths, classes=numbers, batch_size=99)
    ((inputs, targets),) = dataset
    rows, cols = inputs["a"].numpy()[:, 0, 0].astype(int).T
    expected = np.searchsorted(numbers, labels[rows, cols, 0])
    assert np.array_equal(targets["estimated"].numpy().argmax(-1).ravel(), expected)


# Memory

PEAK = """
import sys
import numpy as np
import tutorial_lib as tl

def kilobytes(name):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

folder, task = sys.argv[1:]
def paths(names):
    return {
        "x": [f"{folder}/x_{name}.tif" for name in names],
        "labels": [f"{folder}/l_{name}.tif" for name in names],
    }
def use(names):
    if task == "read":
        return [tl.read_patches(path) for path in paths(names)["x"]]
    dataset = tl.patch_dataset(paths(names), class_count=4, batch_size=32)
    for _ in range(2):
        next(iter(dataset))
use(["tiny"])
before = max(kilobytes("VmHWM"), kilobytes("VmRSS"))
use(["a", "b"])
print(kilobytes("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc of Linux")
@pytest.mark.parametrize("task", ["dataset", "segmentation", "read"])
def test_patches_are_in_memory_once(tmp_path, task):
    # For segmentation, each pixel has a label, so labels are half of the data.
    shapes = {"x": ((40, 40, 8), "uint16"), "l": ((1, 1, 1), "uint8")}
    if task == "segmentation":
        shapes = dict.fromkeys(shapes, ((112, 112, 1), "uint8"))
    size = 0
    for area, count in (("tiny", 40), ("a", 2000), ("b", 3000)):
        for name, (shape, dtype) in shapes.items():
            array = np.zeros((count, *shape), dtype)
            tl.write_patches(tmp_path / f"{name}_{area}.tif", array)
            size += array.nbytes
    run = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path), task],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) * 1024 < 1.5 * size


# Arguments


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"paths": None}, TypeError, "paths"),
        ({"paths": {1: "a", "labels": "b"}}, TypeError, "paths"),
        ({"paths": {"ten": None, "labels": "b"}}, TypeError, r'paths\["ten"\]'),
        ({"paths": {"ten": 5, "labels": "b"}}, TypeError, r'paths\["ten"\]'),
        ({"paths": {"ten": [], "labels": "b"}}, ValueError, r'paths\["ten"\]'),
        ({"paths": {"ten": ["a", 5], "labels": "b"}}, TypeError, r'paths\["ten"\]'),
        ({"class_count": "4"}, TypeError, "class_count"),
        ({"class_count": 4.5}, ValueError, "class_count"),
        ({"class_count": 0}, ValueError, "class_count"),
        ({"class_count": [4]}, TypeError, "class_count"),
        ({"class_count": True}, TypeError, "class_count"),
        ({"classes": "0123", "class_count": None}, TypeError, "classes"),
        ({"classes": (0, 1, 1), "class_count": None}, ValueError, "classes"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": -3}, ValueError, "batch_size"),
        ({"batch_size": 8.5}, ValueError, "batch_size"),
        ({"batch_size": 2**64}, ValueError, "batch_size"),
        ({"batch_size": None}, TypeError, "batch_size"),
        ({"shuffle": "no"}, TypeError, "shuffle"),
        ({"shuffle": 1}, TypeError, "shuffle"),
        ({"shuffle": None}, TypeError, "shuffle"),
        ({"seed": "a"}, TypeError, "seed"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 1.5}, ValueError, "seed"),
        ({"seed": None}, TypeError, "seed"),
        ({"target": None}, TypeError, "target"),
        ({"target": 5}, TypeError, "target"),
        ({"target": ["estimated"]}, TypeError, "target"),
    ],
)
def test_wrong_arguments_are_named(area, options, error, name):
    with pytest.raises(error, match=rf"`{name}` .*Give"):
        tl.patch_dataset(**{"paths": area, "class_count": 4} | options)


def test_numbers_of_numpy_and_paths_as_text_are_accepted(area):
    paths = {name: np.array([str(path)]) for name, path in area.items()}
    numbers = {"class_count": np.int64(4), "batch_size": np.uint8(7)}
    dataset = tl.patch_dataset(
        paths, **numbers, seed=np.int32(3), shuffle=np.bool_(False)
    )
    assert indices_of(dataset) == list(range(30))
