"""Turn an error into a sentence that says what to do."""

import re
from traceback import walk_tb

from tutorial_lib.exercises.attempts import learners_line
from tutorial_lib.exercises.causes import Cause
from tutorial_lib.exercises.known_errors import KNOWN as KNOWN_OF_PYTHON
from tutorial_lib.exercises.known_network_errors import KNOWN as KNOWN_OF_NETWORKS

__all__ = ["describe_error"]

# Colours of terminals and nodes of graphs, which TensorFlow writes into its messages.
_NOISE = re.compile(
    r"\x1b\[[0-9;]*[A-Za-z]|\{\{(?:function_node|node) [^}]*\}\}|"
    r"\[(?:Op:\w+|\[\{\{node[^\]]*\}\}\]\])\](?: name: \w*)?|"
    r"Exception encountered when calling [\w.]+\(\)\.\s*"
)

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
    sentence = _sentence(error, original, file)
    folded = f"{kind}: {original}" if sentence else ""
    if sentence:
        text = f"`{call}` raised `{kind}`: {_inside(sentence)}" if call else sentence
    else:
        first = original.split("\n", 1)[0].strip()
        if first == "in user code:":
            # TensorFlow puts the message of the error behind its lines of code.
            first = original.rsplit("\n", 1)[-1].strip().removeprefix(f"{kind}: ")
        text = f"`{call}` raised `{kind}`: {first}" if call else f"`{kind}`: {first}"
        folded = f"{kind}: {original}" if original != first else ""
    line = learners_line(error, file)
    if sentence and not line and not call and _is_raised_by_the_check(error):
        text = _OTHER_KIND if "`_" in text else f"{_OTHER_KIND} {text}"
    return "\n".join(part for part in (text, line) if part), folded


def _is_raised_by_the_check(error: BaseException) -> bool:
    """Whether the check itself cannot work with an answer of this kind."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    names = [frame.f_globals.get("__name__", "") for frame in frames[-1:]]
    return any(name.startswith("tutorial_lib.exercises") for name in names)


def _sentence(error: BaseException, message: str, file: str) -> str:
    """The sentence on an error that is known; empty for another one."""
    cause = Cause(error, message, file)
    for kind, pattern, sentence in (*KNOWN_OF_NETWORKS, *KNOWN_OF_PYTHON):
        if not any(one.__name__ == kind for one in type(error).__mro__):
            continue
        match = re.search(pattern, message, re.DOTALL)
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
