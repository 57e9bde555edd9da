"""Three stages that work at the same time: before, in the middle, and after."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from threading import Condition
from typing import Any

# Items that are prepared before the middle stage needs them, and results that may wait
# for the last stage. More of them take memory, and two are enough to keep the middle
# stage busy when the others are quicker.
AHEAD, BEHIND = 3, 2

Submit = Callable[[Callable[[Any], Any], Any], Future]

__all__ = ["AHEAD", "BEHIND", "run_stages"]


def run_stages(
    items: Iterable,
    before: Callable[[Any], Any],
    middle: Callable[[Any], Any],
    after: Callable[[Any], Any],
    *,
    done: Callable[[Any], None],
    threads: int = 1,
    calls: int = 1,
) -> None:
    """Take items through three stages that run at the same time.

    Results keep the order of the items. The first error or Ctrl-C ends all stages:
    waiting items are dropped, and running ones are finished, even if Ctrl-C comes
    again. No thread is left.

    Args:
        items: What to work on.
        before: First stage, in threads of its own.
        middle: Second stage, in the thread of the caller if there is one call at a
            time. It takes what `before` returned.
        after: Last stage, in one thread of its own. It takes what `middle` returned.
        done: Called with what `after` returned, in the thread of the caller.
        threads: Number of threads of the first stage.
        calls: Items that are in the middle stage at a time.

    Example:
        >>> run_stages(range(3), str, lambda text: text * 2, int, done=print)
        0
        11
        22
    """
    waiting = iter(items)
    prepared: deque[Future] = deque()
    computing: deque[Future] = deque()
    results: deque[Future] = deque()
    with _stages(threads, calls) as (first, between, last):

        def prepare(count: int) -> None:
            for item in islice(waiting, count):
                prepared.append(first(before, item))

        prepare(AHEAD)
        while prepared or computing:
            # No name is given to a chunk, so that its memory is free after its use.
            while prepared and len(computing) < calls:
                computing.append(between(middle, prepared.popleft().result()))
                prepare(1)
            results.append(last(after, computing.popleft().result()))
            while results and (len(results) > BEHIND or results[0].done()):
                done(results.popleft().result())
        while results:
            done(results.popleft().result())


@contextmanager
def _stages(threads: int, calls: int) -> Iterator[tuple[Submit, Submit, Submit]]:
    """Functions that submit an item to each stage; all stages have ended afterwards."""
    gate = _Gate()
    executors = [
        ThreadPoolExecutor(count, f"tutorial_lib_{name}")
        for name, count in (("reader", threads), ("model", calls), ("writer", 1))
    ]
    first, between, last = (
        partial(executor.submit, gate.work) for executor in executors
    )
    try:
        yield first, _in_caller if calls == 1 else between, last
    finally:
        # First of all, so that their threads end even if Ctrl-C comes again.
        for executor in executors:
            executor.shutdown(wait=False, cancel_futures=True)
        try:
            gate.close()
        finally:
            for executor in executors:
                executor.shutdown()


def _in_caller(stage: Callable[[Any], Any], item: Any) -> Future:
    """Take an item through a stage at once, in the thread of the caller."""
    future: Future = Future()
    future.set_result(stage(item))
    return future


class _Gate:
    """Lets threads work until it is closed, and waits for those that do.

    An executor does not know of a thread at whose start Ctrl-C came. That thread would
    use files that are closed by then, which ends Python.
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._is_open, self._working = True, 0

    def work(self, stage: Callable[[Any], Any], item: Any) -> Any:
        """Take an item through a stage, unless the gate is closed."""
        with self._condition:
            if not self._is_open:
                raise CancelledError
            self._working += 1
        try:
            return stage(item)
        finally:
            with self._condition:
                self._working -= 1
                self._condition.notify_all()

    def close(self) -> None:
        """Let no thread work any more; Ctrl-C in the meantime comes afterwards."""
        again = None
        while self._is_open or self._working:
            try:
                with self._condition:
                    self._is_open = False
                    self._condition.wait_for(lambda: not self._working)
            except KeyboardInterrupt as interrupt:
                again = interrupt
        if again is not None:
            raise again
