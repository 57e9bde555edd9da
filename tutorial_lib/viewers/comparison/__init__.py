"""The compare widget: layers on their common ground, swiped, blinked, or subtracted."""

from tutorial_lib.viewers.comparison.widget import Comparison, compare

__all__ = ["Comparison", "compare"]
