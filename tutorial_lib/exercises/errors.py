"""Turn an error into a sentence that says what to do."""

import re
from traceback import walk_tb

from tutorial_lib.exercises.attempts import learners_line
from tutorial_lib.exercises.causes import Cause
from tutorial_lib.exercises.known_array_errors import KNOWN as KNOWN_OF_NUMPY
from tutorial_lib.exercises.known_errors import KNOWN as KNOWN_OF_PYTHON
from tutorial_lib.exercises.known_join_errors import KNOWN as KNOWN_OF_JOINS
from tutorial_lib.exercises.known_network_errors import KNOWN as KNOWN_OF_NETWORKS

__all__ = ["describe_error"]

# Colours of terminals and nodes of graphs, which TensorFlow writes into its messages.
_NOISE = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|\{\{(?:function_node|node) [^}]*\}\}|"
    r"\[(?:Op:\w+|\[\{\{node[^\]]*\}\}\]\])\](?: name: \w*)?|"
    r"Exception encountered when calling [\w.]+\(\)\.\s*"
)

_FIRST_LINE = "Keep the line that begins with `def` as the question gives it."
_OTHER_KIND = "The question asks for another kind of answer."


def describe_error(
    error: BaseException, *, call: str = "", file: str = ""
) -> tuple[str, str]:
    """What a learner reads about an error, and the original that is folded below it.

    Args:
        error: The error of the learner's code.
        call: The call that raised it, if the check tried several.
        file: File of the learner's cell; empty if it is not known.

    Returns:
        The sentences, and the original message; that is empty if the sentences have it.

    Example:
        >>> describe_error(ValueError("no such band"))
        ('`ValueError`: no such band', '')
        >>> describe_error(ZeroDivisionError("division by zero"), call="f(5, 5)")[0]
        '`f(5, 5)` raised `ZeroDivisionError`: your code divides by zero.'
    """
    kind = type(error).__name__
    original = _NOISE.sub("", str(error)).strip()
    cause = Cause(error, original, file)
    sentence = _sentence(cause)
    line = learners_line(error, file)
    if not sentence:
        first, folded = _first_line(kind, original)
        start = f"`{call}` raised `{kind}`" if call else f"`{kind}`"
        text = f"{start}: {first}" if first else f"{start}, without a message."
        return _lines(text, line, _values(cause)), folded
    text = f"`{call}` raised `{kind}`: {_inside(sentence)}" if call else sentence
    if call and not line and kind == "TypeError" and "argument" in original:
        text += f" {_FIRST_LINE}"
    is_call = re.search("argument|abstract", original)
    if not line and not call and not is_call and _is_raised_by_the_check(error):
        text = _OTHER_KIND if "`_" in text else f"{_OTHER_KIND} {text}"
    return _lines(text, line), f"{kind}: {original}"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _first_line(kind: str, original: str) -> tuple[str, str]:
    """The line of a message that says most, and the message if it has further ones."""
    first = original.split("\n", 1)[0].strip()
    if first == "in user code:":
        # TensorFlow puts the message of the error behind its lines of code.
        first = original.rsplit("\n", 1)[-1].strip().removeprefix(f"{kind}: ")
    return first, f"{kind}: {original}" if original != first else ""


def _values(cause: Cause) -> str:
    """What the names in the line are, if no sentence tells the cause.

    Empty for errors that the learner's own line raises, and for those of the kit, which
    name the values themselves.
    """
    if re.match(r"(?:raise|assert)\b", cause.line) or _module(cause.error).startswith(
        "tutorial_lib."
    ):
        return ""
    return cause.values()


def _module(error: BaseException) -> str:
    """Name of the module that raised an error."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return frames[-1].f_globals.get("__name__", "") if frames else ""


def _is_raised_by_the_check(error: BaseException) -> bool:
    """Whether the check itself cannot work with an answer of this kind."""
    return _module(error).startswith("tutorial_lib.exercises")


def _sentence(cause: Cause) -> str:
    """The sentence on an error that is known; empty for another one."""
    known = (*KNOWN_OF_JOINS, *KNOWN_OF_NETWORKS, *KNOWN_OF_NUMPY, *KNOWN_OF_PYTHON)
    for kind, pattern, sentence in known:
        if not any(one.__name__ == kind for one in type(cause.error).__mro__):
            continue
        match = re.search(pattern, cause.message, re.DOTALL)
        found = match and (
            sentence(match, cause) if callable(sentence) else match.expand(sentence)
        )
        if found:
            return found
    return ""


def _inside(sentence: str) -> str:
    """A sentence that goes on after a colon."""
    first = sentence.split(" ", 1)[0]
    return sentence if not first.isalpha() else sentence[0].lower() + sentence[1:]
