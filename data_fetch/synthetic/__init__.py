"""The synthetic scene: two images like those of Sentinel-2, of any size, with labels.

The modules, in the order in which a scene is made:

1. `hashing` gives random numbers by place, `fields` smooth noise, and `sites` places of
   objects.
2. `landscape` decides what lies at each pixel of an endless plane.
3. `mixtures` holds the classes and their materials.
4. `rendering` turns a block of the landscape into the two images of a satellite.
5. `stripes` puts blocks together, and `files` writes them.

A pixel depends on its place and the seed only. So it does not matter how large a scene
is, or in which order its pixels are made.
"""

from data_fetch.synthetic.files import Arrays, fetch_synthetic, generate
from data_fetch.synthetic.mixtures import LEGEND

__all__ = ["LEGEND", "Arrays", "fetch_synthetic", "generate"]
