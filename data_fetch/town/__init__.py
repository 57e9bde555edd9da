"""The town: a generated scene of a panchromatic and a multispectral image, with labels.

The modules, in the order in which the scene is made:

1. `streets`, `blocks` and `layout` decide where everything stands; `shapes` and
   `placement` are their geometry, `objects` holds the result.
2. `rendering` paints the town as seen from above, with the spectra of `materials` and
   the noise of `filters`.
3. `sensor` turns reflectance into the two images of a satellite.
4. `files` writes them.
"""

from data_fetch.town.files import LEGEND, Images, fetch_town, generate_town

__all__ = ["LEGEND", "Images", "fetch_town", "generate_town"]
