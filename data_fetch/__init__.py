"""Scenes for the notebooks: made once, then checked by hash.

`python -m data_fetch sample` makes the sample scenes from a terminal. Other commands
make scenes of other places. In Python, `fetch_sample` makes the Havel scene, and
`fetch_town` makes the town.
"""

from data_fetch.havel import fetch_sample
from data_fetch.town import fetch_town

__all__ = ["fetch_sample", "fetch_town"]
