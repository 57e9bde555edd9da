"""The town: a generated scene of a panchromatic and a multispectral image, with labels.

From the plan (`streets`, `lots`, `plan`) over the view from above (`materials`,
`sketch`, `view`) to what a satellite measures (`sensor`) and the files (`files`).
"""

from data_fetch.town.files import LEGEND, Images, build, fetch_town

__all__ = ["LEGEND", "Images", "build", "fetch_town"]
