"""Datasets: each patch comes once an epoch, with its own target."""

import keras
import numpy as np
import pytest

import tutorial_lib as tl


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
