"""Datasets of patches for `model.fit`, in a new random order in each pass."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from tutorial_lib import arguments
from tutorial_lib.compat.otbtf.batches import (
    Preprocessing,
    batched,
    preprocessed,
)
from tutorial_lib.compat.otbtf.readers import PatchesImagesReader, PatchesReaderBase
from tutorial_lib.compat.otbtf.tfrecords import TFRecords
from tutorial_lib.rasters import PathLike

__all__ = [
    "Dataset",
    "DatasetFromPatchesImages",
    "IteratorBase",
    "PatchesImagesReader",
    "PatchesReaderBase",
    "RandomIterator",
]


class IteratorBase(ABC):
    """Says in which order samples come: an endless iterator of their indices.

    Each pass of a dataset makes a new one.
    """

    @abstractmethod
    def __init__(self, patches_reader: PatchesReaderBase) -> None:
        """Begin with the samples of a reader."""

    @abstractmethod
    def __next__(self) -> int:
        """Index of the next sample."""

    def __iter__(self) -> Iterator[int]:
        """The iterator itself."""
        return self


class RandomIterator(IteratorBase):
    """All indices in a random order, then again in another one, without end.

    `np.random.seed` controls the orders.

    Example:
        >>> class Three(PatchesReaderBase):
        ...     def get_size(self):
        ...         return 3
        ...     def get_sample(self, index):
        ...         return {}
        >>> indices = RandomIterator(Three())
        >>> sorted(next(indices) for _ in range(3))
        [0, 1, 2]
    """

    def __init__(self, patches_reader: PatchesReaderBase) -> None:
        self._size = patches_reader.get_size()
        self._left: list[int] = []

    def __next__(self) -> int:
        if not self._left:
            # The old generator, because scripts seed it with `np.random.seed`.
            self._left = np.random.permutation(self._size).tolist()  # noqa: NPY002
        return self._left.pop()


class Dataset:
    """Samples of a reader as a `tf.data` dataset.

    One pass gives each sample once.

    Args:
        patches_reader: Gives the samples.
        buffer_length: Number of samples that are read at a time.
        iterator_cls: Kind of iterator that says in which order samples come.
        max_nb_of_samples: A pass ends after so many samples; None for all.

    Attributes:
        size: Number of samples in a pass.
        output_types: {source: type of its values}.
        output_shapes: {source: (height, width, channel)}.
        tf_dataset: The `tf.data` dataset of single samples.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If there is no sample.

    Example:
        >>> class Numbers(PatchesReaderBase):
        ...     def get_size(self):
        ...         return 6
        ...     def get_sample(self, index):
        ...         return {"image": np.full((1, 1, 1), index, "uint8")}
        >>> batches = Dataset(Numbers()).get_tf_dataset(batch_size=4)
        >>> [batch["image"].shape.as_list() for batch in batches]
        [[4, 1, 1, 1]]
    """

    def __init__(
        self,
        patches_reader: PatchesReaderBase,
        buffer_length: int = 128,
        iterator_cls: type[IteratorBase] = RandomIterator,
        max_nb_of_samples: int | None = None,
    ) -> None:
        what = "a reader, such as `otbtf.PatchesImagesReader({…})`"
        self.patches_reader = arguments.instance(
            "patches_reader", patches_reader, PatchesReaderBase, what
        )
        self.buffer_length = arguments.whole_number(
            "buffer_length", buffer_length, least=1
        )
        self.iterator_cls = _iterator_class(iterator_cls)
        self.size = patches_reader.get_size()
        if max_nb_of_samples is not None:
            most = arguments.whole_number(
                "max_nb_of_samples", max_nb_of_samples, least=1
            )
            self.size = min(self.size, most)
        if self.size < 1:
            raise ValueError("The reader has no sample. Give it at least one patch.")
        self._seconds = 0.0
        self._singles: Iterator[int] | None = None
        first = _checked(patches_reader.get_sample(0), patches_reader)
        self.output_types = {
            name: tf.as_dtype(value.dtype) for name, value in first.items()
        }
        self.output_shapes = {name: value.shape for name, value in first.items()}
        self.tf_dataset = self._samples()

    def _samples(self) -> tf.data.Dataset:
        spec = {
            name: tf.TensorSpec((None, *shape), self.output_types[name])
            for name, shape in self.output_shapes.items()
        }
        # Blocks, because each element that Python gives to TensorFlow takes time.
        blocks = tf.data.Dataset.from_generator(self._pass, output_signature=spec)
        samples = blocks.prefetch(1).unbatch()
        return samples.apply(tf.data.experimental.assert_cardinality(self.size))

    def _pass(self) -> Iterator[dict[str, np.ndarray]]:
        """The samples of one pass, in blocks."""
        # A new iterator, so that a pass that was not finished leaves nothing behind.
        indices = islice(self.iterator_cls(self.patches_reader), self.size)
        given = 0
        while block := list(islice(indices, self.buffer_length)):
            given += len(block)
            start = time.perf_counter()
            samples = self.patches_reader.get_samples(block)
            self._seconds += time.perf_counter() - start
            yield samples
        if given < self.size:
            raise ValueError(
                f"{self.iterator_cls.__name__} ended after {given} of {self.size} "
                "samples. Let it begin again, so that it never ends."
            )

    def get_tf_dataset(
        self,
        batch_size: int,
        drop_remainder: bool = True,
        preprocessing_fn: Preprocessing | None = None,
        targets_keys: Sequence[str] | None = None,
    ) -> tf.data.Dataset:
        """Batches of samples.

        Args:
            batch_size: Number of samples in a batch.
            drop_remainder: Whether a last batch that is not full is left out. These
                are other samples in each pass.
            preprocessing_fn: Function of one sample, {source: (height, width,
                channel)}, that returns {name: tensor}.
            targets_keys: Names of the targets among them; None if there are none.

        Returns:
            Dataset of (inputs, targets); without targets, of dictionaries.

        Raises:
            TypeError: If an argument has a wrong type, or `preprocessing_fn` returns no
                dictionary.
            ValueError: If there is no such target, no input is left, or fewer samples
                than a batch while a last batch that is not full is left out.
        """
        samples = preprocessed(self.tf_dataset, preprocessing_fn)
        return batched(samples, batch_size, drop_remainder, targets_keys)

    def get_stats(self) -> dict[str, dict[str, np.ndarray]]:
        """Statistics of each source, over all pixels of all samples.

        Returns:
            {source: {"min", "max", "mean", "std": one number for each band}}.
        """
        return self.patches_reader.get_stats()

    def read_one_sample(self) -> dict[str, np.ndarray]:
        """One sample, the next one in an order of its own."""
        if self._singles is None:
            self._singles = self.iterator_cls(self.patches_reader)
        return self.patches_reader.get_sample(next(self._singles))

    def get_total_wait_in_seconds(self) -> float:
        """Seconds that reading took until now."""
        return self._seconds

    def to_tfrecords(
        self,
        output_dir: PathLike,
        n_samples_per_shard: int = 100,
        drop_remainder: bool = True,
    ) -> None:
        """Write one pass into files that `TFRecords` reads; see `TFRecords.write`."""
        TFRecords(output_dir).write(self, n_samples_per_shard, drop_remainder)


def _iterator_class(given: Any) -> type[IteratorBase]:
    what = "a class of iterators, such as `otbtf.RandomIterator`, without brackets"
    return arguments.instance("iterator_cls", given, type, what)


def _checked(sample: Any, reader: PatchesReaderBase) -> dict[str, np.ndarray]:
    """A sample, if it is a dictionary of arrays."""
    values = sample.values() if isinstance(sample, Mapping) else ()
    if not values or not all(isinstance(x, np.ndarray | np.generic) for x in values):
        raise TypeError(
            f"{type(reader).__name__}.get_sample(0) returned {arguments.shown(sample)}."
            " It must return a dictionary of arrays: {source: (height, width, "
            "channel)}."
        )
    return sample


class DatasetFromPatchesImages(Dataset):
    """Samples of patches images as a `tf.data` dataset.

    Args:
        filenames_dict: {source: patches images}. The files of an area stand at the
            same place in all lists.
        use_streaming: Whether samples are read from the files on demand. Otherwise all
            are in memory.
        buffer_length: Number of samples that are read at a time.
        iterator_cls: Kind of iterator that says in which order samples come.

    Raises:
        TypeError: If an argument has a wrong type.
        ValueError: If the files of the sources do not fit together.
        OSError: If a file cannot be read.

    Example:
        >>> import tutorial_lib as tl
        >>> folder = tl.testing.scratch_folder()
        >>> images = np.ones((6, 16, 16, 4), "uint16")
        >>> labels = np.arange(6, dtype="uint8").reshape(6, 1, 1, 1)
        >>> dataset = DatasetFromPatchesImages({
        ...     "img": [tl.write_patches(folder / "img.tif", images)],
        ...     "labels": [tl.write_patches(folder / "labels.tif", labels)],
        ... })
        >>> batch = next(iter(dataset.get_tf_dataset(batch_size=6)))
        >>> sorted(batch["labels"].numpy().ravel().tolist())
        [0, 1, 2, 3, 4, 5]
    """

    def __init__(
        self,
        filenames_dict: Mapping[str, Sequence[PathLike]],
        use_streaming: bool = False,
        buffer_length: int = 128,
        iterator_cls: type[IteratorBase] = RandomIterator,
    ) -> None:
        reader = PatchesImagesReader(filenames_dict, use_streaming)
        super().__init__(reader, buffer_length, iterator_cls)
