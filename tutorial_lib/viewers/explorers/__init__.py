"""Explorers: settings to play with, and what comes of them, in a notebook."""

from tutorial_lib.viewers.explorers.field_explorer import FieldExplorer, explore_fields
from tutorial_lib.viewers.explorers.patch_browser import PatchBrowser, browse_patches
from tutorial_lib.viewers.explorers.stopping_explorer import (
    StoppingExplorer,
    explore_stopping,
)

__all__ = [
    "FieldExplorer",
    "PatchBrowser",
    "StoppingExplorer",
    "browse_patches",
    "explore_fields",
    "explore_stopping",
]
