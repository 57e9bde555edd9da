"""Readers of patches: all samples in memory, or read from the files on demand."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.notices import warn
from tutorial_lib.patches.images import (
    PatchesImage,
    check_one_extraction,
    describe,
    read_into,
)
from tutorial_lib.rasters import PathLike, Source, open_source

# Samples that the statistics read at a time.
STEP = 1024

__all__ = ["PatchesImagesReader", "PatchesReaderBase"]


class PatchesReaderBase(ABC):
    """What gives a dataset its samples; a subclass says how many there are, and reads.

    Example:
        >>> class Numbers(PatchesReaderBase):
        ...     def get_size(self):
        ...         return 3
        ...     def get_sample(self, index):
        ...         return {"image": np.full((1, 1, 1), index, "float32")}
        >>> Numbers().get_stats()["image"]["mean"].tolist()
        [1.0]
    """

    @abstractmethod
    def get_size(self) -> int:
        """Number of samples."""

    @abstractmethod
    def get_sample(self, index: int) -> dict[str, np.ndarray]:
        """One sample: {source: (height, width, channel)}."""

    def get_samples(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Several samples: {source: (n, height, width, channel)}."""
        samples = [self.get_sample(index) for index in indices]
        return {name: np.stack([one[name] for one in samples]) for name in samples[0]}

    def get_stats(self) -> dict[str, dict[str, np.ndarray]]:
        """Statistics of each source, over all pixels of all samples.

        Returns:
            {source: {"min", "max", "mean", "std": one number for each band}}.
        """
        size = self.get_size()
        found: dict[str, _BandSums] = {}
        for first in range(0, size, STEP):
            block = self.get_samples(range(first, min(first + STEP, size)))
            for name, values in block.items():
                found.setdefault(name, _BandSums(values.shape[-1])).add(values)
        return {name: sums.result() for name, sums in found.items()}


class _BandSums:
    """Minimum, maximum, mean and squared differences of each band, block by block."""

    def __init__(self, bands: int) -> None:
        self.count = 0
        self.low, self.high = np.full(bands, np.inf), np.full(bands, -np.inf)
        self.mean, self.squares = np.zeros(bands), np.zeros(bands)

    def add(self, values: np.ndarray) -> None:
        pixels = values.reshape(-1, values.shape[-1]).astype("float64")
        mean = pixels.mean(axis=0)
        squares = ((pixels - mean) ** 2).sum(axis=0)
        # Chan, Golub and LeVeque (1979): sums of squares of large values would lose
        # the digits in which the standard deviation is.
        count, shift = self.count + len(pixels), mean - self.mean
        self.squares += squares + shift**2 * self.count * len(pixels) / count
        self.mean += shift * len(pixels) / count
        self.count = count
        self.low = np.minimum(self.low, pixels.min(axis=0))
        self.high = np.maximum(self.high, pixels.max(axis=0))

    def result(self) -> dict[str, np.ndarray]:
        std = np.sqrt(self.squares / self.count)
        return {"min": self.low, "max": self.high, "mean": self.mean, "std": std}


class PatchesImagesReader(PatchesReaderBase):
    """Samples of patches images.

    Args:
        filenames_dict: {source: patches images}. The files of an area stand at the
            same place in all lists.
        use_streaming: Whether samples are read from the files on demand. Otherwise all
            are in memory, in the type of their files.

    Raises:
        TypeError: If the files are not lists of paths by name.
        ValueError: If the lists have different lengths, the files at one place hold
            different numbers of patches, or two files of a source differ in the size or
            channels of their patches.
        OSError: If a file cannot be read.

    Example:
        >>> import tutorial_lib as tl
        >>> path = tl.testing.scratch_folder() / "img.tif"
        >>> path = tl.write_patches(path, np.ones((5, 16, 16, 4), "uint16"))
        >>> reader = PatchesImagesReader({"img": [path]})
        >>> reader.get_size(), reader.get_sample(0)["img"].shape
        (5, (16, 16, 4))
    """

    def __init__(
        self,
        filenames_dict: Mapping[str, Sequence[PathLike]],
        use_streaming: bool = False,
    ) -> None:
        self._images = _described(filenames_dict)
        _check_fit(self._images)
        self._arrays = None
        if not arguments.flag("use_streaming", use_streaming):
            self._arrays = {name: _read_all(x) for name, x in self._images.items()}

    def get_size(self) -> int:
        """Number of samples in the files of any one source."""
        return sum(_counts(next(iter(self._images.values()))))

    def get_sample(self, index: int) -> dict[str, np.ndarray]:
        """One sample: {source: (height, width, channel)}."""
        return {name: one[0] for name, one in self.get_samples([index]).items()}

    def get_samples(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Several samples: {source: (n, height, width, channel)}."""
        indices = np.asarray(indices)
        if self._arrays is not None:
            return {name: array[indices] for name, array in self._arrays.items()}
        return {name: _read_some(x, indices) for name, x in self._images.items()}


# Files

Images = Mapping[str, Sequence[PatchesImage]]


def _described(filenames: Any) -> dict[str, list[PatchesImage]]:
    example = '{"img": ["a_img.tif"], "labels": ["a_labels.tif"]}'
    filenames = arguments.mapping("filenames_dict", filenames, example)
    if not filenames:
        raise ValueError(f"`filenames_dict` is empty. Give patches images: {example}.")
    return {
        name: [
            describe(path)
            for path in arguments.sequence(
                f"filenames_dict[{name!r}]", paths, "paths of patches images"
            )
        ]
        for name, paths in filenames.items()
    }


def _check_fit(images: Images) -> None:
    """Check, file by file, that the patches of all sources belong together."""
    files = {name: len(listed) for name, listed in images.items()}
    if len(set(files.values())) > 1:
        raise ValueError(
            f"`filenames_dict` has different numbers of files: {files}. Each source "
            "must have the same number of patches images: give the files of the same "
            "areas, in the same order."
        )
    # OTBTF compares the totals only, so it mixes samples of 10 + 20 and 20 + 10.
    counts = {name: _counts(listed) for name, listed in images.items()}
    if len({tuple(count) for count in counts.values()}) > 1:
        raise ValueError(
            f"The patches images hold different numbers of patches, file by file: "
            f"{counts}. Sources must have the same number of patches: extract those of "
            "an area in one call, and give the files in the same order."
        )
    for name, listed in images.items():
        if len({image.shape[1:] for image in listed}) > 1:
            shapes = [image.shape[1:] for image in listed]
            raise ValueError(
                f"The patches of '{name}' differ from file to file: (height, width, "
                f"channel) {shapes}. All files of a source must have patches of one "
                "size, and the same number of channels: extract them alike."
            )
    for files_of_area in zip(*images.values(), strict=True):
        try:
            check_one_extraction(files_of_area)
        # Scripts may extract images and labels in two calls that reject no position.
        except ValueError as err:
            warn(str(err))


def _counts(images: Sequence[PatchesImage]) -> list[int]:
    return [image.shape[0] for image in images]


def _empty(count: int, images: Sequence[PatchesImage]) -> np.ndarray:
    dtype = np.result_type(*(image.dtype for image in images))
    return np.empty((count, *images[0].shape[1:]), dtype)


def _read_all(images: Sequence[PatchesImage]) -> np.ndarray:
    counts = _counts(images)
    patches = _empty(sum(counts), images)
    parts = np.split(patches, np.cumsum(counts)[:-1])
    for part, image in zip(parts, images, strict=True):
        read_into(part, image)
    return patches


def _read_some(images: Sequence[PatchesImage], indices: np.ndarray) -> np.ndarray:
    """Patches of several files, by their places among the patches of all."""
    patches = _empty(len(indices), images)
    firsts = np.cumsum([0, *_counts(images)])
    numbers = np.searchsorted(firsts, indices, side="right") - 1
    # File by file, each from top to bottom: its blocks are decoded once.
    order = np.argsort(indices, kind="stable")
    for number in np.unique(numbers):
        image = images[number]
        _, height, width, _ = image.shape
        with open_source(Source(image.path)) as reader:
            for place in order[numbers[order] == number]:
                row = int(indices[place] - firsts[number]) * height
                patches[place] = reader.read(row, 0, height, width)
    return patches
