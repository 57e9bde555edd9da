"""Samples in files of TensorFlow's format, several in each: TFRecords."""

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tutorial_lib import arguments
from tutorial_lib.compat.otbtf.batches import (
    Preprocessing,
    batched,
    check_fills_a_batch,
    preprocessed,
)
from tutorial_lib.display import counted
from tutorial_lib.notices import warn
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.files import replacing_folder

SHAPES, TYPES = "output_shapes.json", "output_types.json"
AUTO = tf.data.experimental.AutoShardPolicy.AUTO

__all__ = ["TFRecords"]


class TFRecords:
    """A folder of samples: `0.records`, `1.records`, …, their shapes and types.

    Args:
        path: The folder.

    Example:
        >>> import numpy as np, tutorial_lib as tl
        >>> from tutorial_lib.compat import otbtf
        >>> folder = tl.testing.scratch_folder()
        >>> path = tl.write_patches(folder / "img.tif", np.ones((6, 8, 8, 4), "uint8"))
        >>> dataset = otbtf.DatasetFromPatchesImages({"img": [path]})
        >>> dataset.to_tfrecords(folder / "records", n_samples_per_shard=3)
        >>> sorted(file.name for file in (folder / "records").iterdir())
        ['0.records', '1.records', 'output_shapes.json', 'output_types.json']
        >>> batches = TFRecords(folder / "records").read(batch_size=2)
        >>> [batch["img"].shape.as_list() for batch in batches]
        [[2, 8, 8, 4], [2, 8, 8, 4], [2, 8, 8, 4]]
    """

    def __init__(self, path: PathLike) -> None:
        self.dirpath = arguments.file_path("path", path)

    def write(
        self,
        dataset: Any,
        n_samples_per_shard: int = 100,
        drop_remainder: bool = True,
    ) -> None:
        """Write one pass of a dataset.

        Args:
            dataset: An `otbtf.Dataset`.
            n_samples_per_shard: Number of samples in a file.
            drop_remainder: Whether a last file that is not full is left out.

        Raises:
            TypeError: If an argument has a wrong type.
            ValueError: If nothing would be written.
            FileExistsError: If the folder holds files.
            OSError: If it cannot be written; nothing is left then.
        """
        each = arguments.whole_number(
            "n_samples_per_shard", n_samples_per_shard, least=1
        )
        drop = arguments.flag("drop_remainder", drop_remainder)
        left_out = dataset.size % each if drop else 0
        _check_written(dataset.size, left_out, each)
        if self.dirpath.exists() and (
            not self.dirpath.is_dir() or any(self.dirpath.iterdir())
        ):
            raise FileExistsError(
                f"'{self.dirpath}' exists and is not an empty folder, so old samples "
                "could be mixed with new ones. Give another folder, or empty it before."
            )
        samples = dataset.tf_dataset.as_numpy_iterator()
        with replacing_folder(self.dirpath) as part:
            for number in range(-(-(dataset.size - left_out) // each)):
                with tf.io.TFRecordWriter(str(part / f"{number}.records")) as writer:
                    for _, sample in zip(range(each), samples, strict=False):
                        writer.write(_serialized(sample))
            shapes = {name: list(x) for name, x in dataset.output_shapes.items()}
            types = {name: x.name for name, x in dataset.output_types.items()}
            (part / SHAPES).write_text(json.dumps(shapes, indent=4))
            (part / TYPES).write_text(json.dumps(types, indent=4))

    def read(  # noqa: PLR0913 - the arguments of OTBTF
        self,
        batch_size: int,
        target_keys: Sequence[str] | None = None,
        n_workers: int = 1,
        drop_remainder: bool = True,
        shuffle_buffer_size: int | None = None,
        preprocessing_fn: Preprocessing | None = None,
        shard_policy: Any = AUTO,
        prefetch_buffer_size: int = tf.data.AUTOTUNE,
        num_parallel_calls: int | None = tf.data.AUTOTUNE,
        **kwargs: Any,
    ) -> tf.data.Dataset:
        """Batches of the samples.

        Args:
            batch_size: Number of samples in a batch.
            target_keys: Names of the targets; None if there are none.
            n_workers: Number of workers that share the files. As many files are read
                as all workers can have the same number of.
            drop_remainder: Whether a last batch that is not full is left out.
            shuffle_buffer_size: Number of samples among which the next one is drawn;
                None for the order of the files.
            preprocessing_fn: Function of one sample that returns {name: tensor}.
            shard_policy: How TensorFlow shares the files.
            prefetch_buffer_size: Number of batches that are ready in advance.
            num_parallel_calls: Number of samples that are read at the same time.
            **kwargs: Further arguments of `preprocessing_fn`.

        Returns:
            Dataset of (inputs, targets); without targets, of dictionaries.

        Raises:
            TypeError: If an argument has a wrong type.
            FileNotFoundError: If the folder lacks the files.
            ValueError: If there are fewer files than workers, or as `get_tf_dataset`.
        """
        shapes, types = (self._described(name) for name in (SHAPES, TYPES))
        files = self._files(arguments.whole_number("n_workers", n_workers, least=1))

        def parsed(record: tf.Tensor) -> Any:
            feature = tf.io.FixedLenFeature((), tf.string)
            texts = tf.io.parse_single_example(record, dict.fromkeys(types, feature))
            return {
                name: tf.ensure_shape(
                    tf.io.parse_tensor(texts[name], kind), shapes[name]
                )
                for name, kind in types.items()
            }

        records = tf.data.TFRecordDataset(files)
        samples = records.map(parsed, num_parallel_calls=num_parallel_calls)
        samples = preprocessed(samples, preprocessing_fn, kwargs, num_parallel_calls)
        if shuffle_buffer_size:
            samples = samples.shuffle(shuffle_buffer_size)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = shard_policy
        batches = batched(samples, batch_size, drop_remainder, target_keys)
        if drop_remainder:
            # The files do not say how many samples they hold.
            check_fills_a_batch(_count(records.take(batch_size)), batch_size)
        return batches.with_options(options).prefetch(prefetch_buffer_size)

    def _described(self, name: str) -> dict[str, Any]:
        path = self.dirpath / name
        if not path.is_file():
            raise FileNotFoundError(
                f"'{path}' does not exist. Give a folder that `to_tfrecords` wrote."
            )
        return json.loads(path.read_text())

    def _files(self, workers: int) -> list[str]:
        """The files in the order of their numbers, the same number for each worker."""
        files = [path for path in self.dirpath.glob("*.records") if path.stem.isdigit()]
        files.sort(key=lambda path: int(path.stem))
        kept = len(files) // workers * workers
        if not kept:
            raise ValueError(
                f"'{self.dirpath}' has {counted(len(files), 'file')} of samples for "
                f"{counted(workers, 'worker')}. Give fewer `n_workers`, or write fewer "
                "samples into each file: `n_samples_per_shard`."
            )
        return [os.fspath(path) for path in files[:kept]]


def _count(records: tf.data.Dataset) -> int:
    return int(records.reduce(0, lambda count, _: count + 1))


def _check_written(size: int, left_out: int, each: int) -> None:
    if left_out == size:
        raise ValueError(
            f"There are {size} samples, fewer than a file of {each}, and files that "
            "are not full are left out. Give a smaller `n_samples_per_shard`, or "
            "`drop_remainder=False`."
        )
    if left_out:
        warn(
            f"{left_out} of {size} samples are not written, because they do not fill a "
            f"file of {each}. `drop_remainder=False` writes them too."
        )


def _serialized(sample: dict[str, Any]) -> bytes:
    features = {
        name: tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[tf.io.serialize_tensor(value).numpy()])
        )
        for name, value in sample.items()
    }
    record = tf.train.Example(features=tf.train.Features(feature=features))
    return record.SerializeToString()
