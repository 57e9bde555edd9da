"""TensorflowModelServe: makes a map with a saved network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from tutorial_lib.compat.application import Application
from tutorial_lib.compat.fits import Declared, Facts, try_out
from tutorial_lib.compat.geometry import MapAxis, map_axis, tile_side
from tutorial_lib.compat.images import Image
from tutorial_lib.compat.parameters import (
    Parameter,
    file_in,
    flag,
    image_out,
    images_in,
    number,
    text,
    texts,
    whole,
)
from tutorial_lib.compat.pixel_types import cast
from tutorial_lib.compat.served_image import ServedImage, ServedSource
from tutorial_lib.compat.serving import Network, user_values
from tutorial_lib.grids import align, exact
from tutorial_lib.notices import warn

# Without tiles, OTB cuts the map into strips that fit into its memory. These are
# strips of so many pixels of the map, or patches.
STRIP_PIXELS = 2**20
STRIP_PATCHES = 2**16

__all__ = ["TensorflowModelServe"]


class TensorflowModelServe(Application):
    """Makes a map with a saved network; `Application` says how to give parameters.

    The map, its tiles and its no-data are those of OTBTF: see docs/from_otbtf.md for
    what `tl.predict_raster` does differently. The network is a SavedModel folder, or a
    `.keras` file.

    Source:
        OTBTF 4.3.1, application TensorflowModelServe.

    Example:
        >>> from tutorial_lib import architectures, export, testing
        >>> folder = testing.scratch_folder() / "fcnn"
        >>> model = export(architectures.pixelwise_fcnn(4, crops=()), folder)
        >>> infer = TensorflowModelServe(
        ...     source1_il=testing.small_scene()["input_10m"],
        ...     source1_rfieldx=16,
        ...     source1_rfieldy=16,
        ...     model_dir=model,
        ...     model_fullyconv=True,
        ...     output_names="estimated_labels",
        ...     optim_tilesizex=64,
        ...     optim_tilesizey=64,
        ... )
        >>> infer.shape
        (105, 153, 1)
    """

    about = "Makes a map with a saved network."

    @classmethod
    def declare(cls, sources: int) -> list[Parameter]:
        """See `Application.declare`."""
        of_source = [
            images_in("il", "Images of the source; a list is stacked", stacked=True),
            whole("rfieldx", "Receptive field along x, in its pixels", 1),
            whole("rfieldy", "Receptive field along y, in its pixels", 1),
            text("placeholder", "Input of the network; default: the n-th by name"),
            number("nodata", "Tiles where all values are this one are not computed"),
        ]
        return [
            *(one.of_source(n) for n in range(1, sources + 1) for one in of_source),
            file_in("model.dir", "SavedModel folder, or .keras file"),
            texts("model.userplaceholders", "Values of inputs: a=1 b=true c=(1.0,2)"),
            flag("model.fullyconv", "Fully convolutional, not patch-based"),
            texts(
                "model.tagsets", "Tags of its graph in the SavedModel; default serve"
            ),
            number(
                "output.spcscale", "Output spacing / that of source 1", 1.0, above=0
            ),
            texts("output.names", "Outputs, stacked; default: the first by name"),
            number("output.bv", "Background value, of tiles without data", 0.0),
            whole("output.efieldx", "Expression field along x", 1),
            whole("output.efieldy", "Expression field along y", 1),
            flag("optim.disabletiling", "Compute strips, not tiles"),
            whole("optim.tilesizex", "Width of the tiles", 16),
            whole("optim.tilesizey", "Height of the tiles", 16),
            image_out("out", "The map"),
        ]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Application.run`."""
        numbers = _source_numbers(values)
        sources = [
            ServedSource(values[f"source{n}.il"], values[f"source{n}.nodata"])
            for n in numbers
        ]
        network = Network(
            values["model.dir"],
            [values[f"source{n}.placeholder"] for n in numbers],
            values["output.names"],
            user_values(values["model.userplaceholders"]),
            values["model.tagsets"],
        )
        images = [source.image for source in sources]
        _check_bands(images, network)
        declared = _declared(images, values)
        tile = self._tile(declared, values)
        facts = try_out(network, [image.bands for image in images], declared, tile)
        image = ServedImage(
            network,
            sources,
            _grid(images[0].grid, declared),
            declared,
            tile=tile,
            bands=facts.bands,
            background=values["output.bv"],
        )
        # A file in the network's folder would become part of the network.
        image.files += (values["model.dir"],)
        nodata = any(source.nodata is not None for source in sources)
        self._told = facts, values["output.bv"], nodata
        return {"out": image}

    def _tile(self, declared: Declared, values: Mapping[str, Any]) -> tuple[int, int]:
        """(height, width) of the tiles."""
        if values["optim.disabletiling"]:
            return _strip(declared), declared.columns.size
        sides = []
        for axis, name in zip(declared.axes, "yx", strict=True):
            key = f"optim.tilesize{name}"
            side = tile_side(values[key], axis.block)
            if side != values[key] and key in self.given:
                warn(
                    f"`{key}` is {values[key]}, which is not a multiple of the "
                    f"expression field ({axis.block}). Tiles of {side} px are computed."
                )
            sides.append(side)
        return sides[0], sides[1]

    def _type(self, key: str, given: Any, *, preserve: bool) -> np.dtype:
        dtype = super()._type(key, given, preserve=preserve)
        _warn_of_type(dtype, *self._told)
        return dtype


def _source_numbers(values: Mapping[str, Any]) -> list[int]:
    return [n for n in range(1, len(values)) if f"source{n}.il" in values]


def _check_bands(images: Sequence[Image], network: Network) -> None:
    """OTBTF does not check it: eight bands went through a network of four."""
    for number_, (image, taken) in enumerate(
        zip(images, network.channels, strict=True), 1
    ):
        if taken not in (None, image.bands):
            raise ValueError(
                f"Source {number_} has {image.bands} band(s), and the network takes "
                f"{taken} in its input '{network.inputs[number_ - 1]}'. Choose bands "
                f'(`source{number_}_il="image.tif?&bands=1:{taken}"`), or stack images.'
            )


def _declared(images: Sequence[Image], values: Mapping[str, Any]) -> Declared:
    """Rows and columns of the map, after a check that it can be made."""
    grids = {f"source{n}": image.grid for n, image in enumerate(images, 1)}
    axes = align(grids).values()
    fully = values["model.fullyconv"]
    lines = []
    for index, name in enumerate("yx"):
        block = values[f"output.efield{name}"]
        if block > 1 and not fully:
            raise ValueError(
                f"`output.efield{name}` is {block}, and a patch-based map has one "
                "pixel for each patch. Leave it out, or set `model_fullyconv=True`."
            )
        fields = [values[f"source{n}.rfield{name}"] for n in _source_numbers(values)]
        sources = [pair[index] for pair in axes]
        try:
            line = map_axis(
                sources,
                fields,
                scale=exact(values["output.spcscale"]),
                block=block,
                fully_convolutional=fully,
            )
        except ValueError as err:
            raise ValueError(
                f"Along {name}, {err}. Correct `rfield{name}`, or give larger images."
            ) from err
        _check_fields(line, name, fully=fully)
        lines.append(line)
    if fully:
        _warn_of_shifts(axes)
    return Declared(*lines, fully)


def _check_fields(line: MapAxis, name: str, *, fully: bool) -> None:
    for source, (axis, field) in enumerate(zip(line.sources, line.fields, strict=True)):
        if fully and line.margin(source) < 0:
            raise ValueError(
                f"`source{source + 1}.rfield{name}` is {field}, and the expression "
                f"field of {line.block} px covers {field - line.margin(source)} px of "
                "it. A receptive field is at least as large: correct one of them, or "
                "`output.spcscale`."
            )
        ends = [line.starts(source, range(i, i + 1))[0] for i in (0, line.size - 1)]
        if not fully and not 0 <= ends[0] <= ends[1] <= axis.size - field:
            raise ValueError(
                f"`output.spcscale` is {float(line.spacing):g}, and the last patches "
                f"would leave source {source + 1}. Patch-based maps are not finer than "
                "source 1: give 1 or more, or set `model_fullyconv=True`."
            )


def _warn_of_shifts(axes: Any) -> None:
    for number_, pair in enumerate(axes, 1):
        beside = [axis.offset % 1 for axis in pair]
        if any(beside):
            warn(
                f"The corner of source {number_} lies {float(beside[0]):g} rows and "
                f"{float(beside[1]):g} columns beside the pixels of source 1, so their "
                "pixels are not put together exactly. Warp one onto the grid of the "
                "other: `gdalwarp -tap`."
            )


def _strip(declared: Declared) -> int:
    """Height of the strips that are computed without tiles."""
    most = STRIP_PIXELS if declared.fully else STRIP_PATCHES
    return tile_side(max(1, most // declared.columns.size), declared.rows.block)


def _grid(reference: GeoBox, declared: Declared) -> GeoBox:
    """Grid of the map."""
    a = reference.transform
    spacings, corners = [], []
    for axis, corner, unit in (
        (declared.columns, a.c, a.a),
        (declared.rows, a.f, a.e),
    ):
        spacings.append(float(axis.spacing * exact(unit)))
        corners.append(float(exact(corner) + axis.corner * exact(unit)))
    transform = Affine(spacings[0], 0, corners[0], 0, spacings[1], corners[1])
    shape = declared.rows.size, declared.columns.size
    return GeoBox(shape, transform, reference.crs)


def _warn_of_type(
    dtype: np.dtype, facts: Facts, background: float, nodata: bool
) -> None:
    """What numbers of this type do not tell, and OTBTF does not say."""
    if dtype.kind != "f" and facts.probabilities:
        warn(
            f"The map holds probabilities, and as {dtype} all below 1 become 0. Write "
            'them as "float", or choose an output of labels.'
        )
    if not nodata:
        return
    written = cast(np.array([background]), dtype)
    if not np.array_equal(written, [np.float32(background)], equal_nan=True):
        warn(
            f"`output.bv` is {background:g}, which {dtype} cannot hold. Give a value "
            "that it can: 255 for labels."
        )
    elif facts.labels and background == 0:
        warn(
            "Tiles without data get `output.bv`, which is 0, and so does class 0. "
            "Give another value: `output_bv=255`."
        )
