"""Scenes from Sentinel-2 products and GeoTIFFs that somebody already has.

`python -m data_fetch local` makes one in a terminal, and `make_local_scene` in Python.
"""

from data_fetch.local.scene import make_local_scene

__all__ = ["make_local_scene"]
