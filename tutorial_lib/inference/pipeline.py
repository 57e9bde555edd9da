"""Three stages that work at the same time: before, in the middle, and after."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

# Items that are prepared before the middle stage needs them, and results that may wait
# for the last stage. More of them take memory, and two are enough to keep the middle
# stage busy when the others are quicker.
AHEAD, BEHIND = 3, 2

__all__ = ["AHEAD", "BEHIND", "run_stages"]


def run_stages(
    items: Iterable,
    before: Callable[[Any], Any],
    middle: Callable[[Any], Any],
    after: Callable[[Any], Any],
    *,
    done: Callable[[Any], None],
    threads: int = 1,
) -> None:
    """Take each item through three stages, in order, while others are in the others.

    The first error, or Ctrl-C, ends all stages: what waits is dropped, what runs is
    awaited, and no thread is left.

    Args:
        items: What to work on.
        before: First stage, in threads of its own.
        middle: Second stage, in the thread of the caller. It takes what `before`
            returned.
        after: Last stage, in one thread of its own. It takes what `middle` returned.
        done: Called with what `after` returned, in the thread of the caller.
        threads: Number of threads of the first stage.

    Example:
        >>> run_stages(range(3), str, lambda text: text * 2, int, done=print)
        0
        11
        22
    """
    first = ThreadPoolExecutor(threads, "tutorial_lib_reader")
    last = ThreadPoolExecutor(1, "tutorial_lib_writer")
    waiting = iter(items)
    prepared: deque[Future] = deque()
    results: deque[Future] = deque()
    try:
        for item in islice(waiting, AHEAD):
            prepared.append(first.submit(before, item))
        while prepared:
            ready = prepared.popleft().result()
            for item in islice(waiting, 1):
                prepared.append(first.submit(before, item))
            results.append(last.submit(after, middle(ready)))
            # Nothing refers to a chunk any longer than the model needs it.
            del ready
            while results and (len(results) > BEHIND or results[0].done()):
                done(results.popleft().result())
        while results:
            done(results.popleft().result())
    finally:
        for stage in (first, last):
            stage.shutdown(cancel_futures=True)
