"""The parts of `benchmarks/engine.py`: one question about speed or memory in each.

A part is a module with a title, with `measure`, which gives the rows of its table, and
with `goals`, which gives what these rows must fulfil. TensorFlow is loaded only in the
processes that measure, so that each of them starts from the same memory.
"""
