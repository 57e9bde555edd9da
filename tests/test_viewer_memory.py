"""How much memory viewers need, and that memory which is free goes back."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from tutorial_lib import freed_memory
from tutorial_lib.viewers import pictures

ROWS, COLS = 1203, 1601


def peak_of(function, *arguments):
    """Bytes that a call takes at most, its result included."""
    tracemalloc.start()
    function(*arguments)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_picture_of_values_takes_little_more_memory_than_itself():
    values = np.zeros((ROWS, COLS, 3), "uint16")
    valid = np.ones((ROWS, COLS), bool)
    peak = peak_of(pictures.value_picture, values, valid, (0, 1))
    # In float64, all values have six times the size of the picture.
    assert peak < 3 * 4 * ROWS * COLS


def test_a_picture_of_classes_takes_little_more_memory_than_itself():
    labels = np.arange(ROWS * COLS).reshape(ROWS, COLS).astype("uint8")
    peak = peak_of(pictures.class_picture, labels, labels < 255)
    assert peak < 3 * 4 * ROWS * COLS


@pytest.mark.parametrize("strip", [1, 7, 64, 10_000])
def test_the_rows_that_are_computed_at_a_time_change_no_pixel(strip, monkeypatch):
    values = np.random.default_rng(0).normal(size=(131, 61, 3))
    valid = values[..., 0] > -1
    labels = np.rint(3 * values[..., 1]).astype("int16")
    limits = pictures.stretch_limits(values[valid])
    drawn = []
    for rows in (strip, len(values)):
        monkeypatch.setattr(pictures, "STRIP", rows)
        drawn.append(
            (
                pictures.value_picture(values, valid, limits, gamma=0.7),
                pictures.class_picture(labels, valid),
            )
        )
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    np.testing.assert_array_equal(drawn[0][1], drawn[1][1])


def test_limits_are_percentiles_of_each_channel_and_change_no_value():
    values = np.random.default_rng(1).normal(size=(997, 3)).astype("float32")
    before = values.copy()
    expected = np.percentile(values.astype("float64"), (2, 98), axis=0)
    np.testing.assert_array_equal(pictures.stretch_limits(values), expected)
    np.testing.assert_array_equal(values, before)


# Arrays of 8 MB between small ones that stay: without the option, glibc takes the later
# ones from memory that it cannot give back.
PROGRAM = """
import {module}
import numpy as np

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

np.ones(2**20)
before, small, large = resident(), [], []
for number in range(20):
    large.append(np.ones(2**20))
    small.append(np.ones(2**12))
del large
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is about the memory of Linux")
def test_the_memory_of_large_arrays_of_a_notebook_goes_back_to_the_system():
    program = PROGRAM.format(module="tutorial_lib.exercises")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    # The arrays had 168 MB.
    assert int(done.stdout) < 10e6


def test_another_c_library_keeps_its_memory(monkeypatch):
    called = []
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda _: called.append(1))
    monkeypatch.setattr(sys, "platform", "darwin")
    freed_memory.give_back_large_arrays()
    freed_memory.give_back_now()
    assert not called
    monkeypatch.setattr(sys, "platform", "linux")
    freed_memory.give_back_now()  # a library without the function
    assert called
