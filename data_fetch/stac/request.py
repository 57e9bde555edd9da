"""What a user asks for, checked before anything is asked of the internet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely

from data_fetch import scenes
from data_fetch.areas import AREAS
from data_fetch.layout import FILES
from data_fetch.places import Place, place_of
from data_fetch.reflectance import OFFSETS
from data_fetch.stac.catalogues import Catalogue
from data_fetch.stac.dates import check_cloud, interval_of
from data_fetch.stac.labels import NONE, check_labels
from tutorial_lib import arguments

# Increase this when the files change. Older files are then made again.
RECIPE = 1
# Increase this when the files change that an interrupted run keeps.
KEPT = 2
USUAL_NAME = "my_scene"
MOST_DATES = 50

__all__ = ["MOST_DATES", "USUAL_NAME", "Request", "Search", "with_packages"]


@dataclass(frozen=True)
class Search:
    """What is searched.

    Attributes:
        place: The place.
        date: The time span, as the user wrote it.
        interval: The same as two moments.
        cloud: Most clouds in per cent.
        catalogue: The catalogue.
        area: File of the place, or None for a box.
    """

    place: Place
    date: str
    interval: str
    cloud: float
    catalogue: Catalogue
    area: str | None = None

    @classmethod
    def of(
        cls,
        bbox: Any,
        area: Any,
        date: Any,
        cloud: Any,
        catalogue: Any,
        collection: Any,
    ) -> "Search":
        """Check all arguments of a search.

        Raises:
            TypeError, ValueError, OSError: If one of them is wrong.
        """
        place, interval = place_of(bbox, area), interval_of(date)
        source = Catalogue.of(catalogue, collection)
        file = None if area is None else str(area)
        return cls(place, date.strip(), interval, check_cloud(cloud), source, file)


@dataclass(frozen=True)
class Request:
    """What is searched, and what scene is made of it.

    Attributes:
        search: The search.
        labels: Where labels come from.
        offset: "auto", "inside" or "removed".
        max_dates: Most dates that are fetched.
        folder: Folder of the scene.
    """

    search: Search
    labels: str
    offset: str
    max_dates: int
    folder: Path

    @classmethod
    def of(
        cls,
        search: Search,
        *,
        labels: Any,
        name: Any,
        folder: Any,
        offset: Any,
        max_dates: Any,
    ) -> "Request":
        """Check all arguments of a scene.

        Raises:
            TypeError, ValueError, OSError: If one of them is wrong.
        """
        name = scenes.check_name(USUAL_NAME if name is None else name)
        return cls(
            search,
            check_labels(labels),
            arguments.choice("offset", offset, OFFSETS),
            arguments.whole_number("max_dates", max_dates, least=1, most=MOST_DATES),
            arguments.file_path("folder", folder) / name,
        )

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that the scene has in any case."""
        truth = {f"terrain_truth_{area}.tif" for area in AREAS}
        without = truth if self.labels == NONE else set()
        return tuple(name for name in FILES if name not in without)

    @property
    def source(self) -> str:
        """Text that is the same as long as what was downloaded is of use.

        Labels and the offset are not part of it: with others, bands stay the same.
        """
        about = self._about
        names = ("outline", "catalogue", "collection")
        return f"{KEPT}: stac {json.dumps({name: about[name] for name in names})}"

    @property
    def choice(self) -> str:
        """Text that is the same if the same dates are to be chosen."""
        about = self._about
        names = ("date", "cloud", "max_dates")
        return json.dumps({name: about[name] for name in names})

    @property
    def recipe(self) -> str:
        """Text that is the same for the same scene."""
        return f"{RECIPE}: stac {json.dumps(self._about)}"

    @property
    def _about(self) -> dict[str, Any]:
        return {
            "outline": shapely.to_wkt(self.search.place.outline, rounding_precision=7),
            "date": self.search.date,
            "cloud": self.search.cloud,
            "catalogue": self.search.catalogue.url,
            "collection": self.search.catalogue.collection,
            "labels": self.labels,
            "offset": self.offset,
            "max_dates": self.max_dates,
        }


@contextmanager
def with_packages() -> Iterator[None]:
    """Say how to install the packages that fetching needs, where they are missing."""
    try:
        yield
    except ModuleNotFoundError as err:
        if (err.name or "").partition(".")[0] not in ("pystac", "pystac_client"):
            raise
        raise OSError(
            f"Scenes from a catalogue need the package {err.name}. Install it with "
            "`pip install pystac-client`."
        ) from err
