"""`was_clear` asks whether a section was clear. The answer stays on the machine."""

from typing import TYPE_CHECKING

from tutorial_lib import arguments

if TYPE_CHECKING:
    from tutorial_lib.exercises.clear_strip import ClearStrip

__all__ = ["was_clear"]


def was_clear(notebook: str, section: str) -> "ClearStrip":
    """Two buttons, "clear" and "unclear", and a field for a note.

    Args:
        notebook: Name of the notebook, such as "04_early_stopping".
        section: Heading of the section.

    Returns:
        A widget. A press on a button writes one line into `feedback.jsonl`, in the
        folder `work` of `data`.

    Raises:
        TypeError: If one of the two is not a text.

    Example:
        >>> was_clear("04_early_stopping", "The rule").section
        'The rule'
    """
    from tutorial_lib.exercises.clear_strip import ClearStrip

    arguments.text("notebook", notebook)
    arguments.text("section", section)
    return ClearStrip(notebook, section)
