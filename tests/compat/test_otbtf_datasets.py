"""OTBTF's datasets: each sample once a pass, in a new order, with all its sources."""

import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

import tutorial_lib as tl
from tutorial_lib.compat import otbtf

# Two areas. A sample has its number in all its pixels, so it can be followed.
COUNTS = {"a": range(13), "b": range(13, 20)}
SOURCES = {"img_10m": (16, 4, "float32"), "img_20m": (8, 6, "uint16")}


def image_of(numbers, size, bands, dtype):
    ones = np.ones((1, size, size, bands))
    return (np.reshape([*numbers], (-1, 1, 1, 1)) * ones).astype(dtype)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    for area, numbers in COUNTS.items():
        for name, form in SOURCES.items():
            tl.write_patches(folder / f"{area}_{name}.tif", image_of(numbers, *form))
        labels = image_of([n % 6 for n in numbers], 1, 1, "uint8")
        tl.write_patches(folder / f"{area}_labels.tif", labels)
    return folder


@pytest.fixture(scope="module")
def files(folder):
    names = (*SOURCES, "labels")
    return {name: [folder / f"{area}_{name}.tif" for area in "ab"] for name in names}


@pytest.fixture(params=[False, True], ids=["in memory", "streaming"])
def dataset(files, request):
    # A buffer that is no divisor of the number of samples.
    return otbtf.DatasetFromPatchesImages(files, request.param, buffer_length=6)


def numbers_of(dataset):
    """Numbers of the samples of one pass; all their sources must agree."""
    numbers = []
    for sample in dataset.tf_dataset.as_numpy_iterator():
        (number,) = {int(value) for name in SOURCES for value in sample[name].flat}
        assert sample["labels"].item() == number % 6
        numbers.append(number)
    return numbers


def test_each_pass_has_each_sample_once_in_a_new_order(dataset):
    passes = [numbers_of(dataset) for _ in range(3)]
    assert all(sorted(one) == list(range(20)) for one in passes)
    assert len({tuple(one) for one in passes}) == 3


def test_numpys_seed_controls_the_orders(dataset):
    orders = []
    for seed in (3, 3, 4):
        np.random.seed(seed)  # noqa: NPY002 - what scripts do
        orders.append([numbers_of(dataset), numbers_of(dataset)])
    assert orders[0] == orders[1] != orders[2]


def test_a_pass_that_is_not_finished_leaves_nothing_behind(dataset):
    for _ in dataset.get_tf_dataset(4).take(2):
        pass
    assert sorted(numbers_of(dataset)) == list(range(20))


def test_samples_have_the_types_and_shapes_of_the_files(dataset):
    assert dataset.size == 20
    assert dataset.output_types == {
        "img_10m": tf.float32,
        "img_20m": tf.uint16,
        "labels": tf.uint8,
    }
    assert dataset.output_shapes == {
        "img_10m": (16, 16, 4),
        "img_20m": (8, 8, 6),
        "labels": (1, 1, 1),
    }
    sample = dataset.read_one_sample()
    assert {n: x.shape for n, x in sample.items()} == dataset.output_shapes
    assert {n: x.dtype for n, x in sample.items()} == dataset.output_types


def preprocessed(sample):
    return {
        "input_10m": sample["img_10m"],
        "input_20m": sample["img_20m"],
        "estimated": otbtf.ops.one_hot(labels=sample["labels"], nb_classes=6),
    }


@pytest.mark.parametrize(("drop", "size", "batches"), [(True, 8, 2), (False, None, 3)])
def test_batches_are_inputs_and_targets(dataset, drop, size, batches):
    batched = dataset.get_tf_dataset(
        batch_size=8,
        drop_remainder=drop,
        preprocessing_fn=preprocessed,
        targets_keys=["estimated"],
    )
    inputs, targets = batched.element_spec
    assert {name: x.shape.as_list() for name, x in inputs.items()} == {
        "input_10m": [size, 16, 16, 4],
        "input_20m": [size, 8, 8, 6],
    }
    assert inputs["input_20m"].dtype == tf.uint16
    assert targets["estimated"].shape.as_list() == [size, 1, 1, 6]
    assert len(batched) == batches
    seen = Counter()
    for given, wanted in batched:
        numbers = given["input_10m"][:, 0, 0, 0].numpy().astype(int)
        assert np.array_equal(numbers, given["input_20m"][:, 7, 7, 5].numpy())
        assert np.array_equal(
            wanted["estimated"].numpy()[:, 0, 0], np.eye(6)[numbers % 6]
        )
        seen.update(numbers.tolist())
    assert set(seen.values()) == {1}
    assert sum(seen.values()) == (16 if drop else 20)


def test_statistics_are_those_of_all_pixels(dataset):
    numbers = np.arange(20.0)
    stats = dataset.get_stats()["img_20m"]
    assert stats["min"].tolist() == [0.0] * 6
    assert stats["max"].tolist() == [19.0] * 6
    np.testing.assert_allclose(stats["mean"], [numbers.mean()] * 6)
    np.testing.assert_allclose(stats["std"], [numbers.std()] * 6)


def test_statistics_of_large_values_keep_their_digits(monkeypatch, tmp_path):
    monkeypatch.setattr("tutorial_lib.compat.otbtf.readers.STEP", 4)
    values = np.random.default_rng(0).normal(1e6, 0.5, (11, 3, 3, 2))
    path = tl.write_patches(tmp_path / "x.tif", values)
    stats = otbtf.PatchesImagesReader({"x": [path]}).get_stats()["x"]
    np.testing.assert_allclose(stats["std"], values.std(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(stats["mean"], values.mean(axis=(0, 1, 2)), rtol=1e-12)


class InOrder(otbtf.IteratorBase):
    def __init__(self, patches_reader):
        self.next, self.size = 0, patches_reader.get_size()

    def __next__(self):
        self.next += 1
        return (self.next - 1) % self.size


def test_another_iterator_and_fewer_samples(files):
    dataset = otbtf.DatasetFromPatchesImages(files, iterator_cls=InOrder)
    assert [numbers_of(dataset) for _ in range(2)] == [list(range(20))] * 2
    reader = otbtf.PatchesImagesReader(files)
    few = otbtf.Dataset(reader, iterator_cls=InOrder, max_nb_of_samples=7)
    assert few.size == 7
    assert numbers_of(few) == list(range(7))
    random = otbtf.Dataset(reader, max_nb_of_samples=7)
    drawn = {number for _ in range(20) for number in numbers_of(random)}
    # A pass of a few random samples draws them among all.
    assert len(drawn) > 7


# What does not fit together


def test_files_are_compared_one_by_one(files):
    # 13 + 7 patches, and 7 + 13: the totals agree.
    swapped = files | {"labels": files["labels"][::-1]}
    with pytest.raises(ValueError, match=re.escape("'labels': [7, 13]")):
        otbtf.DatasetFromPatchesImages(swapped)


def test_each_source_has_as_many_files(files):
    fewer = files | {"labels": files["labels"][:1]}
    with pytest.raises(ValueError, match="same number of patches images"):
        otbtf.DatasetFromPatchesImages(fewer)


def test_files_of_a_source_have_the_same_bands(files, tmp_path):
    path = tl.write_patches(tmp_path / "b.tif", image_of(COUNTS["b"], 16, 3, "uint8"))
    other = files | {"img_10m": [files["img_10m"][0], path]}
    with pytest.raises(ValueError, match="same number of channels"):
        otbtf.DatasetFromPatchesImages(other)


@pytest.mark.parametrize(
    ("filenames", "error"),
    [({}, ValueError), ({"img": []}, ValueError), ({"img": "a.tif"}, TypeError)],
)
def test_without_lists_of_files_a_sentence_says_what_to_give(filenames, error):
    with pytest.raises(error, match=r"Give (a list|patches images)"):
        otbtf.DatasetFromPatchesImages(filenames)


def test_files_of_two_extractions_warn(tmp_path):
    scene = dict(tl.testing.small_scene())
    positions = tl.select_positions(scene.pop("labels"), count=9, margin=8)
    cut = [
        tl.extract_patches(
            scene,
            some,
            sizes={"input_10m": 16, "input_20m": 8},
            out_dir=tmp_path,
            prefix=prefix,
        ).paths
        for prefix, some in (("x_", positions), ("y_", positions[::-1]))
    ]
    images, labels = [cut[0]["input_10m"]], [cut[1]["labels"]]
    with pytest.warns(UserWarning, match="come from two extractions"):
        otbtf.DatasetFromPatchesImages({"img": images, "labels": labels})


def test_unknown_targets_are_named(dataset):
    with pytest.raises(ValueError, match=r"no 'estimate'\. It has: img_10m"):
        dataset.get_tf_dataset(8, targets_keys=["estimate"])
    with pytest.raises(TypeError, match="list of names"):
        dataset.get_tf_dataset(8, targets_keys="labels")
    with pytest.raises(ValueError, match="at least one for the inputs"):
        dataset.get_tf_dataset(8, targets_keys=["img_10m", "img_20m", "labels"])


def test_fewer_samples_than_a_batch_are_not_an_empty_dataset(dataset):
    with pytest.raises(ValueError, match="There are 20 samples, fewer than a batch"):
        dataset.get_tf_dataset(21)
    assert len(dataset.get_tf_dataset(21, drop_remainder=False)) == 1


def test_preprocessing_returns_a_dictionary(dataset):
    with pytest.raises(TypeError, match="must return a dictionary"):
        dataset.get_tf_dataset(8, preprocessing_fn=lambda sample: sample["img_10m"])
    # A function without `return`.
    with pytest.raises(TypeError, match="`preprocessing_fn` returns None"):
        dataset.get_tf_dataset(8, preprocessing_fn=lambda sample: None)


# Readers and iterators of scripts


class Wrong(otbtf.PatchesReaderBase):
    def __init__(self, sample):
        self.sample = sample

    def get_size(self):
        return 4

    def get_sample(self, index):
        return self.sample


@pytest.mark.parametrize("sample", [[1, 2], {"x": [1, 2]}, {"x": "a"}, {}])
def test_samples_of_a_reader_are_arrays_by_name(sample):
    with pytest.raises(TypeError, match=r"Wrong\.get_sample.*dictionary of arrays"):
        otbtf.Dataset(Wrong(sample))


def test_an_iterator_is_a_class_that_does_not_end(files):
    class Ends(InOrder):
        def __next__(self):
            if self.next == 3:
                raise StopIteration
            return super().__next__()

    dataset = otbtf.DatasetFromPatchesImages(files, iterator_cls=Ends)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Ends ended after 3 of 20 samples"
    ):
        numbers_of(dataset)
    reader = otbtf.PatchesImagesReader(files)
    with pytest.raises(TypeError, match="`iterator_cls`"):
        otbtf.Dataset(reader, iterator_cls=InOrder(reader))


# One-hot


@pytest.mark.parametrize("label", [6, -1, 255, float("nan")])
def test_a_label_that_is_no_class_is_an_error(label):
    with pytest.raises(ValueError, match=f"class from 0 to 5: {label}"):
        otbtf.ops.one_hot(np.array([[[[3]]], [[[label]]]]), nb_classes=6)


def test_a_label_that_is_no_class_stops_a_dataset():
    labels = tf.data.Dataset.from_tensor_slices(np.reshape([0, 5, 7], (3, 1, 1, 1)))
    targets = labels.map(lambda label: otbtf.ops.one_hot(label, 6)).as_numpy_iterator()
    assert next(targets).tolist() == [[[1, 0, 0, 0, 0, 0]]]
    assert next(targets).tolist() == [[[0, 0, 0, 0, 0, 1]]]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0 to 5[^\]]*\] \[\[\[7"):
        next(targets)


def test_labels_need_a_last_axis_of_one():
    assert otbtf.ops.one_hot(np.zeros((2, 3, 1), "uint8"), 4).shape == (2, 3, 4)
    with pytest.raises(ValueError, match=re.escape("shape (2, 3)")):
        otbtf.ops.one_hot(np.zeros((2, 3)), 4)


# TFRecords


def test_records_hold_the_samples(dataset, tmp_path):
    folder = tmp_path / "records"
    dataset.to_tfrecords(folder, n_samples_per_shard=6, drop_remainder=False)
    assert len(list(folder.glob("*.records"))) == 4
    seen = []
    batches = otbtf.TFRecords(folder).read(
        batch_size=3, target_keys=["labels"], drop_remainder=False
    )
    assert batches.element_spec[0]["img_10m"].shape.as_list() == [None, 16, 16, 4]
    for inputs, targets in batches:
        numbers = inputs["img_10m"][:, 3, 2, 1].numpy().astype(int)
        assert inputs["img_20m"].dtype == tf.uint16
        assert np.array_equal(targets["labels"].numpy().ravel(), numbers % 6)
        seen += numbers.tolist()
    assert sorted(seen) == list(range(20))


def test_records_that_are_left_out_are_counted(dataset, tmp_path):
    with pytest.warns(UserWarning, match="2 of 20 samples are not written"):
        dataset.to_tfrecords(tmp_path / "records", n_samples_per_shard=6)
    records = otbtf.TFRecords(tmp_path / "records")
    assert sum(1 for _ in records.read(batch_size=1)) == 18
    # Three workers share three files, two share two of them.
    assert sum(1 for _ in records.read(batch_size=1, n_workers=2)) == 12
    # A batch that cannot be filled would leave an empty dataset.
    with pytest.raises(ValueError, match="There are 18 samples, fewer than a batch"):
        records.read(batch_size=19)
    assert len(list(records.read(batch_size=19, drop_remainder=False))) == 1
    with pytest.raises(ValueError, match="3 files of samples for 4 workers"):
        records.read(batch_size=1, n_workers=4)


def test_records_are_read_in_the_order_in_which_they_were_written(files, tmp_path):
    dataset = otbtf.DatasetFromPatchesImages(files, iterator_cls=InOrder)
    # With ten files and more, the names sort in another order than the numbers.
    dataset.to_tfrecords(tmp_path / "records", n_samples_per_shard=1)
    batches = otbtf.TFRecords(tmp_path / "records").read(batch_size=20)
    numbers = next(iter(batches))["img_10m"][:, 0, 0, 0].numpy()
    assert numbers.tolist() == list(range(20))


def test_records_are_preprocessed_and_shuffled(dataset, tmp_path):
    dataset.to_tfrecords(tmp_path / "records", n_samples_per_shard=10)

    def scaled(sample, factor):
        return {"x": sample["img_10m"] * factor}

    batches = otbtf.TFRecords(tmp_path / "records").read(
        20, preprocessing_fn=scaled, shuffle_buffer_size=20, factor=0.5
    )
    first, second = (next(iter(batches))["x"][:, 0, 0, 0].numpy() for _ in range(2))
    assert sorted(first) == sorted(second) == [n / 2 for n in range(20)]
    assert not np.array_equal(first, second)


def test_records_are_not_mixed_with_old_ones(dataset, tmp_path):
    dataset.to_tfrecords(tmp_path / "records", n_samples_per_shard=20)
    with pytest.raises(FileExistsError, match="Give another folder"):
        dataset.to_tfrecords(tmp_path / "records", n_samples_per_shard=20)
    with pytest.raises(ValueError, match="fewer than a file of 100"):
        dataset.to_tfrecords(tmp_path / "others")
    assert not (tmp_path / "others").exists()
    with pytest.raises(FileNotFoundError, match=r"output_shapes\.json"):
        otbtf.TFRecords(tmp_path / "others").read(1)


# Arrays


def test_rasters_are_read_as_arrays(files):
    raster = otbtf.gdal_open(files["img_10m"][0])
    assert (raster.RasterXSize, raster.RasterYSize, raster.RasterCount) == (16, 208, 4)
    patches = otbtf.read_as_np_arr(raster)
    assert np.array_equal(patches, image_of(COUNTS["a"], 16, 4, "float32"))
    whole = otbtf.read_as_np_arr(raster, as_patches=False, dtype="int16")
    assert whole.shape == (1, 208, 16, 4)
    assert np.array_equal(whole.reshape(patches.shape), patches.astype("int16"))
