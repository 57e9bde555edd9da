"""Turn an error into a sentence that says what to do."""

import re

from tutorial_lib.exercises.attempts import learners_line

# Colours of terminals, which TensorFlow writes into its messages.
_ESCAPES = r"\x1b\[[0-9;]*[A-Za-z]"


def describe_error(error: BaseException, *, call: str = "") -> tuple[str, str]:
    """What a learner reads about an error, and the original that is folded below it.

    Args:
        error: The error of the learner's code.
        call: The call that raised it, if the check tried several.

    Returns:
        The sentences, and the original message; that is empty if the sentences have it.

    Example:
        >>> describe_error(ValueError("no such band"))
        ('`ValueError`: no such band', '')
        >>> describe_error(ZeroDivisionError("division by zero"), call="f(5, 5)")
        ('`f(5, 5)` raised `ZeroDivisionError`: division by zero', '')
    """
    original = re.sub(_ESCAPES, "", str(error)).strip()
    first = original.split("\n", 1)[0]
    text = f"`{type(error).__name__}`: {first}"
    if call:
        text = f"`{call}` raised {text}"
    parts = [text, learners_line(error)]
    folded = original if original != first else ""
    return "\n".join(part for part in parts if part), folded
