"""A small STAC catalogue on this machine: real pixels, invented dates, no internet.

`python -m data_fetch practice` starts it in a terminal, and `running` in Python.
"""

from data_fetch.practice.files import make_practice
from data_fetch.practice.running import running
from data_fetch.practice.site import worldcover_address

__all__ = ["make_practice", "running", "worldcover_address"]
