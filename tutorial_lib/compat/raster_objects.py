"""What stands for one image in a script: an application, its outputs, a file."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.compat.filenames import input_bands, split
from tutorial_lib.compat.images import FileImage, Image

__all__ = ["Input", "Output", "Raster"]


class Raster(ABC):
    """Whatever stands for one image: what pyotb's objects can tell about it."""

    @property
    @abstractmethod
    def image(self) -> Image:
        """The image."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, bands)."""
        return (*self.image.grid.shape, self.image.bands)

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels."""
        return self.image.dtype

    @property
    def transform(self) -> tuple[float, ...]:
        """(spacing x, 0, left, 0, -spacing y, top): the outer corner, as rasterio."""
        return tuple(self.image.grid.transform)[:6]

    def to_numpy(self) -> np.ndarray:
        """All pixels, (height, width, band)."""
        return self.image.array()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """For NumPy's functions."""
        return np.asarray(self.to_numpy(), dtype)

    def __getitem__(self, key: Any) -> Any:
        """Not supported: pyotb's slices."""
        raise TypeError(
            f"{type(self).__name__} cannot be sliced as in pyotb. Cut out a part with "
            "`pyotb.ExtractROI(image, startx=0, sizex=200, cl='Channel1')`, or slice "
            "the array: `image.to_numpy()[:100, :200]`."
        )

    def __getattr__(self, name: str) -> Any:
        # Tools that look around ask for names with underscores.
        if name.startswith("_"):
            raise AttributeError(name)
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        raise AttributeError(
            f"{type(self).__name__} has no `{name}` here. It has: {', '.join(known)}."
        )

    def _no_arithmetic(self, *_: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__} is an image, and pyotb's arithmetic with images is "
            'not here. Write an expression: `pyotb.BandMathX(il=[a, b], exp="im1 - '
            'im2")`, or compute with `a.to_numpy()`.'
        )

    __add__ = __sub__ = __mul__ = __truediv__ = _no_arithmetic
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = _no_arithmetic
    __neg__ = __abs__ = __invert__ = __and__ = __or__ = _no_arithmetic
    # Python's own == would be one False in silence, where pyotb gives an image.
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _no_arithmetic
    __hash__ = object.__hash__


class Input(Raster):
    """A raster in a file, as an input of applications.

    Example:
        >>> from tutorial_lib import testing
        >>> Input(testing.small_scene()["input_10m"]).shape
        (120, 168, 4)
    """

    def __init__(self, filepath: str | os.PathLike) -> None:
        name = os.fspath(arguments.file_path("filepath", filepath))
        path, options = split(name)
        self.filepath = Path(path)
        self._image = FileImage(path, input_bands(name, options))

    @property
    def image(self) -> Image:
        """The image."""
        return self._image


class Output(Raster):
    """One output image of an application, `app["out"]`.

    Attributes:
        app: The application.
        key: Name of the output's parameter.
    """

    def __init__(self, app: Any, key: str) -> None:
        self.app, self.key = app, key

    @property
    def image(self) -> Image:
        """The image."""
        return self.app.results[self.key]

    @property
    def filepath(self) -> Path | None:
        """The file that it was written to last, or will be; None without one."""
        path = self.app.given.get(self.key)
        return None if path is None else Path(split(str(path))[0])

    def write(self, filepath: Any = None, **options: Any) -> bool:
        """Write it; see `Application.write`."""
        if filepath is not None:
            filepath = {self.key: filepath}
        return self.app.write(filepath, **options)
