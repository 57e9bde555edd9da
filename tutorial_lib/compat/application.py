"""What all applications have in common: parameters, outputs, and writing them."""

from abc import abstractmethod
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tutorial_lib.compat.filenames import target
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.outputs import Job, write_images
from tutorial_lib.compat.parameters import (
    Parameter,
    dotted,
    source_count,
    unknown_parameter,
    whole,
)
from tutorial_lib.compat.pixel_types import TYPES, dtype_of
from tutorial_lib.compat.raster_objects import Output, Raster
from tutorial_lib.rasters.destinations import check_not_input

__all__ = ["Application"]


class Application(Raster):
    """An application of OTB as pyotb shows it: an object that holds its outputs.

    Parameters are keyword arguments with an underscore for each dot, or a dictionary. A
    first argument without a name is the first input. It computes when it is made;
    pixels of images are computed when they are written or read.

    Args:
        inputs: Dictionaries of parameters by name, or the value of the first parameter.
        n_sources: Number of sources, for applications that have several.
        frozen: Whether to wait with computing until something is asked for.
        quiet: Whether to show no progress while files are written.
        name: Ignored; pyotb names its logs by it.
        parameters: Parameters by name.

    Raises:
        TypeError, ValueError: If a parameter is unknown, missing or has a wrong value.
        OSError: If a file cannot be read or written.
    """

    # One line for the help.
    about: ClassVar[str]

    def __init__(
        self,
        *inputs: Any,
        n_sources: int | None = None,
        frozen: bool = False,
        quiet: bool = True,
        name: str = "",
        **parameters: Any,
    ) -> None:
        self.given: dict[str, Any] = {}
        self._n_sources, self._quiet = n_sources, quiet
        self._types: dict[str, str] = {}
        self._results: dict[str, Any] | None = None
        self.set_parameters(*inputs, **parameters)
        if not frozen:
            self.execute()
            if any(key in self.given for key in self.output_keys):
                self.write()

    # What an application consists of.

    @classmethod
    @abstractmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """Its parameters when it has so many sources."""

    @abstractmethod
    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Compute.

        Args:
            values: Value of every parameter by its key, defaults included.

        Returns:
            Each output by its key: images, and numbers such as `out.mean`.
        """

    # Parameters.

    @classmethod
    def parameters_of(cls, sources: int) -> dict[str, Parameter]:
        """All parameters by their keys, when it has so many sources."""
        # Every application of OTB has it.
        ram = whole("ram", "Memory in MB; without effect, memory is bounded anyway")
        return {one.key: one for one in (*cls.declare(sources), ram)}

    @property
    def known(self) -> dict[str, Parameter]:
        """All parameters by their keys."""
        return self.parameters_of(source_count(self._n_sources, list(self.given)))

    @property
    def output_keys(self) -> list[str]:
        """Keys of the parameters that take the path of an output image."""
        return [one.key for one in self.known.values() if one.output]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that are given, by their keys."""
        return dict(self.given)

    def set_parameters(self, *inputs: Any, **parameters: Any) -> None:
        """Give parameters; what was computed before is computed again when needed."""
        new: dict[str, Any] = {}
        for one in inputs:
            if isinstance(one, Mapping):
                new.update({dotted(k): v for k, v in one.items()})
            else:
                new[next(iter(self.known))] = one
        new.update({dotted(key): v for key, v in parameters.items()})
        before = self.given
        self.given = before | {k: v for k, v in new.items() if v is not None}
        known = self.known
        for key in new:
            if key not in known:
                self.given = before
                raise unknown_parameter(type(self).__name__, key, known)
        self._results = None

    def _values(self) -> dict[str, Any]:
        known = self.known
        missing = [
            p.key for p in known.values() if p.required and p.key not in self.given
        ]
        if missing:
            raise ValueError(
                f"{type(self).__name__} needs {_listed(missing)}, which "
                f"{'is' if len(missing) == 1 else 'are'} not given. Write "
                f"`{_keyword(missing[0])}=…`."
            )
        return {
            key: one.value(self.given[key]) if key in self.given else one.default
            for key, one in known.items()
        }

    # Outputs.

    @property
    def results(self) -> dict[str, Any]:
        """Everything that it computed, by key."""
        if self._results is None:
            self.execute()
        return self._results

    @property
    def outputs(self) -> dict[str, Output]:
        """The output images by their keys."""
        return {
            key: Output(self, key)
            for key, value in self.results.items()
            if isinstance(value, Image)
        }

    @property
    def data(self) -> dict[str, Any]:
        """The outputs that are not images, by their keys."""
        return {k: v for k, v in self.results.items() if not isinstance(v, Image)}

    @property
    def image(self) -> Image:
        """The first output image."""
        for value in self.results.values():
            if isinstance(value, Image):
                return value
        raise self._without_images()

    @property
    def filepath(self) -> Path | None:
        """The file of the first output image; None without one."""
        return next(iter(self.outputs.values())).filepath

    def __getitem__(self, key: Any) -> Any:
        """An output, `app["out"]`, a number, `app["out.mean"]`, or a parameter."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key in self.results:
            value = self.results[key]
            return Output(self, key) if isinstance(value, Image) else value
        if key in self.known:
            return self.given.get(key, self.known[key].default)
        raise KeyError(
            f"{type(self).__name__} has no '{key}'. It has the outputs "
            f"{_listed(list(self.results))}, and its parameters."
        )

    def summary(self) -> list[str]:
        """What a command line says about the results: one line for each number."""
        return [f"{key}: {value}" for key, value in self.data.items()]

    def execute(self) -> None:
        """Compute; pixels of images are computed when they are written or read."""
        values = self._values()
        self._check_files(values)
        self._results = self.run(values)

    def _check_files(self, values: Mapping[str, Any]) -> None:
        """Refuse to write vector and XML files over files that are read."""
        inputs: list[str] = []
        for key, parameter in self.known.items():
            if parameter.kind == "file" and values[key] is not None:
                inputs.append(values[key])
            for one in _as_list(values[key]):
                inputs += one.files if isinstance(one, Image) else ()
        for key, parameter in self.known.items():
            if parameter.kind == "output file" and values[key] is not None:
                check_not_input(values[key], inputs)

    def flush(self) -> None:
        """Write the output images whose paths are given; other files are there."""
        if any(key in self.given for key in self.output_keys) or self.outputs:
            self.write()

    def write(
        self,
        path: Any = None,
        pixel_type: str | Mapping[str, str] | None = None,
        preserve_dtype: bool = False,
        ext_fname: str | Mapping[str, Any] = "",
        **paths: Any,
    ) -> bool:
        """Write output images.

        Args:
            path: Path of the first output, or a dictionary of paths by key; None for
                the paths that were given as parameters. Paths may be extended file
                names.
            pixel_type: Type of the files by OTB's name, or types by key; None for the
                default of each output.
            preserve_dtype: Whether the files take the type of the first input image.
            ext_fname: Options of an extended file name for all files: a text,
                "box=0:0:100:50&nodata=255", or a dictionary.
            paths: Paths by key, with underscores.

        Returns:
            True.

        Raises:
            ValueError: If an output or a type does not exist, or there is no path.
            OSError: If a file cannot be written; an existing one is kept then.
        """
        # What `ext_fname` was called before pyotb 2.
        former = paths.pop("filename_extension", "")
        new = {dotted(key): value for key, value in paths.items()}
        if isinstance(path, Mapping):
            new |= {dotted(key): one for key, one in path.items()}
        elif path is not None:
            new[self._first_output()] = path
        if not self.outputs:
            raise self._without_images()
        chosen = new or {k: self.given[k] for k in self.output_keys if k in self.given}
        for key in chosen:
            if not isinstance(self.results.get(key), Image):
                raise unknown_parameter(type(self).__name__, key, self._images())
        if not chosen:
            raise ValueError(
                f"{type(self).__name__} has no path to write to. Give one: "
                '`app.write("map.tif")`.'
            )
        self.given |= new
        jobs = [
            Job(
                self.results[key],
                target(one, ext_fname or former),
                self._type(key, pixel_type, preserve=preserve_dtype),
            )
            for key, one in chosen.items()
        ]
        write_images(jobs, progress=not self._quiet)
        return True

    def _without_images(self) -> TypeError:
        return TypeError(
            f"{type(self).__name__} has no output image. It has: "
            f"{', '.join(self.results) or 'files only'}."
        )

    def _first_output(self) -> str:
        return next(iter(self._images()), "out")

    def _images(self) -> dict[str, Parameter]:
        return {key: self.known[key] for key in self.outputs}

    def _type(
        self, key: str, given: str | Mapping[str, str] | None, *, preserve: bool
    ) -> np.dtype:
        if isinstance(given, Mapping):
            by_key = {dotted(k): value for k, value in given.items()}
            given = by_key.get(key)
        if given is not None:
            return dtype_of(given)
        if preserve:
            inputs = (v for v in self._values().values() if isinstance(v, Image))
            first = next(inputs, None)
            if first is not None and first.dtype.name in map(str, map(dtype_of, TYPES)):
                return first.dtype
        return dtype_of(self.known[key].pixel_type)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _keyword(key: str) -> str:
    """The name of a parameter as a keyword argument of Python."""
    name = key.replace(".", "_")
    return f"{name}_" if iskeyword(name) else name


def _listed(keys: list[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "(none)"
