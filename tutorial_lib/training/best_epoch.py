"""The best epoch of a training, in a file that is complete at any time."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.files import replacing
from tutorial_lib.rasters.part_folders import flush
from tutorial_lib.rasters.write_errors import errors_named

__all__ = ["fit_best_epoch"]


class BestEpoch(keras.callbacks.Callback):
    """Callback that keeps the model of the epoch with the smallest validation loss.

    `keras.callbacks.ModelCheckpoint` writes over the file of an earlier epoch, which is
    lost if the training is ended just then, or if the disk is full.

    Args:
        part: The `.keras` file, until the training is over.
        path: The place that it will have in the end, for messages.

    Attributes:
        epoch: Number of the epoch that is kept, from 0; None until there is one.
        loss: Its validation loss.
    """

    def __init__(self, part: Path, path: PathLike) -> None:
        super().__init__()
        self.part, self.path = part, path
        self.epoch: int | None = None
        self.loss = math.inf

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch if its validation loss is smaller than all before."""
        loss = (logs or {}).get("val_loss", math.nan)
        # Also False for NaN.
        if not loss < self.loss:
            return
        new = self.part.with_name(f"epoch-{self.part.name}")
        with errors_named(self.path):
            self.model.save(new)
            flush(new)
            new.replace(self.part)
        self.epoch, self.loss = epoch, loss


def fit_best_epoch(
    model: keras.Model,
    batches: "tuple[tf.data.Dataset, tf.data.Dataset]",
    path: PathLike,
    *,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 0,
) -> Any:
    """Train a compiled model, and save its best epoch as a `.keras` file.

    The file appears when the training is over. If the training is interrupted, the file
    has the best epoch until then. After an error an older file is kept.

    Args:
        model: The compiled model.
        batches: Batches for training and for validation.
        path: The `.keras` file.
        epochs: Number of epochs.
        callbacks: Further callbacks.
        verbose: As in `keras.Model.fit`.

    Returns:
        The curves, in `history`.

    Raises:
        KeyboardInterrupt: If the training is interrupted.
        OSError: If the file cannot be written.
        ValueError: If the validation loss is not a number in any epoch.
    """
    interrupt = None
    with replacing(path) as part:
        best = BestEpoch(part, path)
        try:
            curves = model.fit(
                batches[0],
                validation_data=batches[1],
                epochs=epochs,
                verbose=verbose,
                callbacks=[best, *callbacks],
            )
        except KeyboardInterrupt as err:
            if best.epoch is None:
                raise
            interrupt = err
        if best.epoch is None:
            raise ValueError(
                "The validation loss is not a number in any epoch, so no model is "
                "written. Use a smaller learning rate, and check the values of the "
                "patches."
            )
    if interrupt is not None:
        # Said only now, because the file is at its place only now.
        interrupt.args = (f"'{path}' is the best epoch until now",)
        raise interrupt
    return curves
