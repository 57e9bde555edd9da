"""Explorers: settings to play with, and what comes of them, in a notebook."""

from tutorial_lib.viewers.explorers.field_explorer import FieldExplorer, explore_fields
from tutorial_lib.viewers.explorers.stopping_explorer import (
    StoppingExplorer,
    explore_stopping,
)

__all__ = ["FieldExplorer", "StoppingExplorer", "explore_fields", "explore_stopping"]
