"""Data for the notebooks, made ready once and checked by hash.

`python -m data_fetch sample` does it from a terminal, `fetch_sample` from Python.
"""

from data_fetch.havel import fetch_sample

__all__ = ["fetch_sample"]
