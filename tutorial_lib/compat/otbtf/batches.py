"""From single samples to batches of inputs and targets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tutorial_lib import arguments

__all__ = ["Preprocessing", "batched", "check_fills_a_batch", "preprocessed"]

# Changes one sample, {name: tensor}.
Preprocessing = Callable[..., Mapping[str, Any]]


def preprocessed(
    samples: tf.data.Dataset,
    function: Preprocessing | None,
    options: Mapping[str, Any] | None = None,
    parallel: int | None = None,
) -> tf.data.Dataset:
    """The samples as a function changes them; without a function as they are.

    Args:
        samples: Dataset of single samples, {name: tensor}.
        function: Returns {name: tensor} for a sample.
        options: Further arguments of it.
        parallel: Number of samples that are changed at the same time.

    Raises:
        TypeError: If the function returns None.

    Example:
        >>> samples = tf.data.Dataset.range(2).map(lambda i: {"a": i})
        >>> changed = preprocessed(samples, lambda x, by: {"b": x["a"] * by}, {"by": 5})
        >>> [int(sample["b"]) for sample in changed]
        [0, 5]
    """
    if function is None:
        return samples

    def change(sample: Mapping[str, Any]) -> Any:
        changed = function(sample, **(options or {}))
        # TensorFlow's own error does not say that `return` is missing.
        if changed is None:
            raise TypeError(_not_a_dictionary(None))
        return changed

    return samples.map(change, num_parallel_calls=parallel)


def check_fills_a_batch(count: int, batch_size: int) -> None:
    """Raise ValueError if there are fewer samples than a batch."""
    if count < batch_size:
        raise ValueError(
            f"There are {count} samples, fewer than a batch of {batch_size}, and "
            "batches that are not full are left out. Give a smaller `batch_size`, or "
            "`drop_remainder=False`."
        )


def _not_a_dictionary(returned: Any) -> str:
    return (
        f"`preprocessing_fn` returns {returned!r} for a sample. It must return a "
        'dictionary of tensors: {"input": sample["img"], …}.'
    )


def batched(
    samples: tf.data.Dataset,
    batch_size: int,
    drop_remainder: bool,
    targets_keys: Sequence[str] | None,
) -> tf.data.Dataset:
    """Batches of samples, divided into inputs and targets.

    Args:
        samples: Dataset of single samples, {name: tensor}.
        batch_size: Number of samples in a batch.
        drop_remainder: Whether a last batch that is not full is left out.
        targets_keys: Names of the targets; without any, samples are not divided.

    Returns:
        Dataset of (inputs, targets), or of dictionaries.

    Raises:
        TypeError: If an argument has a wrong type, or a sample is not a dictionary.
        ValueError: If there is no such target, no input is left, or fewer samples than
            a batch while a last batch that is not full is left out.

    Example:
        >>> samples = tf.data.Dataset.range(5).map(lambda i: {"a": i, "b": -i})
        >>> inputs, targets = next(iter(batched(samples, 3, True, ["b"])))
        >>> inputs["a"].numpy().tolist(), targets["b"].numpy().tolist()
        ([0, 1, 2], [0, -1, -2])
    """
    batch_size = arguments.whole_number("batch_size", batch_size, least=1, most=2**31)
    drop_remainder = arguments.flag("drop_remainder", drop_remainder)
    count = int(samples.cardinality())
    # A negative count: TensorFlow does not know it.
    if drop_remainder and count >= 0:
        check_fills_a_batch(count, batch_size)
    if not isinstance(samples.element_spec, Mapping):
        raise TypeError(_not_a_dictionary(samples.element_spec))
    if targets_keys is not None and len(targets_keys):
        samples = samples.map(_division(list(samples.element_spec), targets_keys))
    options = tf.data.Options()
    # TensorFlow's rewriting of the steps makes them slower for such small samples.
    options.experimental_optimization.apply_default_optimizations = False
    # Some batches are ready while the network trains on another one.
    batches = samples.batch(batch_size, drop_remainder=drop_remainder).prefetch(2)
    return batches.with_options(options)


def _division(names: Sequence[str], targets_keys: Sequence[str]) -> Callable:
    """Function that divides a sample into inputs and targets."""
    targets = arguments.sequence("targets_keys", targets_keys, "names of targets")
    unknown = [name for name in targets if name not in names]
    if unknown or set(targets) == set(names):
        problem = f"has no '{unknown[0]}'" if unknown else "has no other name"
        raise ValueError(
            f"`targets_keys` is {targets}, and a sample {problem}. It has: "
            f"{', '.join(map(str, names))}. Give names that `preprocessing_fn` "
            "returns, and leave at least one for the inputs."
        )

    def divide(sample: Mapping[str, Any]) -> tuple[dict, dict]:
        inputs = {name: sample[name] for name in names if name not in targets}
        return inputs, {name: sample[name] for name in targets}

    return divide
