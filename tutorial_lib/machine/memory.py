"""Checks of the processor and the memory of this machine or container."""

import os
from collections.abc import Callable
from pathlib import Path

from tutorial_lib.machine.report import Check

# Memory of a notebook that trains and maps, with TensorFlow: `make bench` measures it.
NEEDED_MEMORY_GB = 1.2
# Memory of the whole machine: what one learner has on Binder. Machines that are sold
# with it tell a little less.
NEEDED_TOTAL_GB = 2
# Linux only: limits of the container, and memory of the whole machine.
CONTAINER = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")

__all__ = ["check_free_memory", "check_threads", "check_total_memory"]


def check_threads() -> Check:
    """Tell how many threads a training can use.

    Example:
        >>> check_threads().verdict
        '✔ fine'
    """
    return Check("Processor threads", str(_count_threads()))


def _count_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_total_memory() -> Check:
    """Check the memory of the machine, or of its container if that has a limit.

    Example:
        >>> check_total_memory().subject
        'Memory'
    """
    total = _memory_gb(_read_total_memory_gb)
    if total is None:
        return Check("Memory", "cannot be read on this system")
    fine = total >= 0.9 * NEEDED_TOTAL_GB
    cure = "" if fine else f"use a machine or a container with {NEEDED_TOTAL_GB} GB"
    return Check("Memory", f"{total:.1f} GB", cure)


def check_free_memory() -> Check:
    """Check that a notebook fits into the free memory.

    Example:
        >>> check_free_memory().subject
        'Free memory'
    """
    free = _memory_gb(_read_free_memory_gb)
    if free is None:
        return Check("Free memory", "cannot be read on this system")
    cure = "" if free >= NEEDED_MEMORY_GB else "shut down other kernels and programs"
    return Check("Free memory", f"{free:.1f} GB", cure)


def _memory_gb(read: Callable[[], float]) -> float | None:
    """Memory of the machine or of the container, whichever is smaller."""
    try:
        return read()
    # Some systems and containers have other lines in these files.
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _read_free_memory_gb() -> float:
    free = _read_memory_gb("MemAvailable", "available")
    limit = _container_limit_gb()
    if limit is not None:
        used = int((CONTAINER / "memory.current").read_text()) / 1024**3
        free = min(free, limit - used)
    return free


def _read_total_memory_gb() -> float:
    total, limit = _read_memory_gb("MemTotal", "total"), _container_limit_gb()
    return total if limit is None else min(total, limit)


def _read_memory_gb(name: str, attribute: str) -> float:
    # Windows and macOS have no such file.
    if not MEMORY.parent.is_dir():
        import psutil

        return getattr(psutil.virtual_memory(), attribute) / 1024**3
    lines = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines())
    return int(lines[name].split()[0]) / 1024**2


def _container_limit_gb() -> float | None:
    limit = CONTAINER / "memory.max"
    if not limit.exists() or limit.read_text().strip() == "max":
        return None
    return int(limit.read_text()) / 1024**3
