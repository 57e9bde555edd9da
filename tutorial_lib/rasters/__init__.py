"""Reading and writing of pixels: the only package that opens raster files.

Arrays are (height, width, channel). All formats of GDAL can be read; files are
written as GeoTIFF. A file gets its name only when it is complete.
"""

from tutorial_lib.rasters.cards import MapCard, read_card, write_card
from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.opening import PathLike, block_cache, opened
from tutorial_lib.rasters.pixel_types import to_type
from tutorial_lib.rasters.readers import SourceReader, open_source, open_sources
from tutorial_lib.rasters.reading import (
    read_array,
    read_grid,
    read_legend,
    read_nodata,
)
from tutorial_lib.rasters.sources import Source
from tutorial_lib.rasters.validity import NoData, PixelBlock
from tutorial_lib.rasters.writing import (
    RasterWriter,
    check_file_name,
    create_raster,
    write_array,
)

__all__ = [
    "Legend",
    "MapCard",
    "NoData",
    "PathLike",
    "PixelBlock",
    "RasterWriter",
    "Source",
    "SourceReader",
    "block_cache",
    "check_file_name",
    "create_raster",
    "open_source",
    "open_sources",
    "opened",
    "read_array",
    "read_card",
    "read_grid",
    "read_legend",
    "read_nodata",
    "to_type",
    "write_array",
    "write_card",
]
