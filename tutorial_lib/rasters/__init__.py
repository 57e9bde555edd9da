"""The only pixel I/O: sources, reading arrays, writing rasters, legends.

Arrays are (height, width, channel); files are GeoTIFF or anything GDAL reads. A file
appears under its name only when it is complete: it is written beside and renamed.
"""

from tutorial_lib.rasters.legends import Legend
from tutorial_lib.rasters.reading import (
    PathLike,
    Source,
    SourceReader,
    open_source,
    open_sources,
    opened,
    read_array,
    read_grid,
    read_legend,
    read_nodata,
)
from tutorial_lib.rasters.validity import is_nodata
from tutorial_lib.rasters.writing import (
    RasterWriter,
    create_raster,
    to_type,
    write_array,
)

__all__ = [
    "Legend",
    "PathLike",
    "RasterWriter",
    "Source",
    "SourceReader",
    "create_raster",
    "is_nodata",
    "open_source",
    "open_sources",
    "opened",
    "read_array",
    "read_grid",
    "read_legend",
    "read_nodata",
    "to_type",
    "write_array",
]
