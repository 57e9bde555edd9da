"""Wall time, processor time and memory of functions, measured by turns."""

import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Action = Callable[[], object]

__all__ = ["Cost", "best", "cost_of", "in_turns", "peak_gigabytes", "ratio"]


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        wall: Wall-clock time in seconds.
        cpu: Time of all processors together, of this process, in seconds.
    """

    wall: float
    cpu: float


def cost_of(action: Action) -> Cost:
    """Run an action once.

    Example:
        >>> cost = cost_of(lambda: sum(range(1000)))
        >>> 0 < cost.wall < 1
        True
    """
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(actions: Mapping[str, Action], rounds: int) -> dict[str, list[Cost]]:
    """Run several actions one after the other, several times: A B, A B, A B.

    Other load on the machine, and a processor that changes its clock, then slow all of
    them.

    Args:
        actions: What to run, by name.
        rounds: How often each of them runs.

    Returns:
        The costs of each action, in the order of the rounds.

    Example:
        >>> seen = []
        >>> costs = in_turns({"a": lambda: seen.append("a"), "b": list}, rounds=2)
        >>> seen, len(costs["b"])
        (['a', 'a'], 2)
    """
    costs = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            costs[name].append(cost_of(action))
    return costs


def best(costs: Sequence[Cost]) -> Cost:
    """The shortest wall and processor time: what other programs disturbed least.

    Example:
        >>> best([Cost(2.0, 3.0), Cost(2.5, 2.0)])
        Cost(wall=2.0, cpu=2.0)
    """
    return Cost(min(one.wall for one in costs), min(one.cpu for one in costs))


def ratio(costs: Mapping[str, Sequence[Cost]], one: str, other: str) -> Cost:
    """How many times as long `one` takes as `other`, from the best run of each.

    Example:
        >>> ratio({"a": [Cost(3.0, 4.0)], "b": [Cost(2.0, 1.0)]}, "a", "b")
        Cost(wall=1.5, cpu=4.0)
    """
    above, below = best(costs[one]), best(costs[other])
    return Cost(above.wall / below.wall, above.cpu / below.cpu)


def peak_gigabytes() -> float:
    """The largest resident memory that this process has had, in gigabytes.

    Example:
        >>> 0.001 < peak_gigabytes() < 100
        True
    """
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`, which a new process takes over from the one that started it.
        kilobytes = status.read_text().partition("VmHWM:")[2].split()[0]
        return int(kilobytes) * 1024 / 1e9
    # In bytes on macOS, in kB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
