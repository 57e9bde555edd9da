"""Data for the notebooks, made ready once and checked by hash.

`python -m data_fetch sample` does it from a terminal; from Python, `fetch_sample` gets
the Havel scene and `fetch_town` the town.
"""

from data_fetch.havel import fetch_sample
from data_fetch.town import fetch_town

__all__ = ["fetch_sample", "fetch_town"]
