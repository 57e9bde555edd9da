"""Scenes of any place from a STAC catalogue: Sentinel-2 images and WorldCover labels.

`python -m data_fetch stac` does it from a terminal. In Python, `search` lists dates and
`fetch_scene` fetches one.
"""

from data_fetch.stac.scene import fetch_scene, search

__all__ = ["fetch_scene", "search"]
