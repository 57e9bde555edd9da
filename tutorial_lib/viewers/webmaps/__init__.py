"""Layers on a map in the browser, without the internet."""

from tutorial_lib.viewers.webmaps.webmap import WebMap, show_map

__all__ = ["WebMap", "show_map"]
