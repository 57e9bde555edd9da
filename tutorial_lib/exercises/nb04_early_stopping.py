"""Exercises of notebook 04: the rule, the callback, patience, the smallest gain."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tutorial_lib.exercises import OTHER, Exercise, Mistake, diagnose


def _epochs_run(
    val_loss: Sequence[float], patience: int, *, previous: bool = False
) -> int:
    """Number of epochs that run; `previous` compares a loss with the one before it."""
    best, waited = np.inf, 0
    for epoch, loss in enumerate(val_loss, start=1):
        waited = 0 if loss < best else waited + 1
        best = loss if previous else min(best, loss)
        if waited >= patience and waited > 0:
            return epoch
    return len(val_loss)


# Values that common wrong lines assign to (best, waited).
_WRONG_LINES: dict[str, Callable[[int, float, int], tuple[float, float]]] = {
    "not reset": lambda epoch, loss, waited: (loss, waited),
    "one": lambda epoch, loss, waited: (loss, 1),
    "swapped": lambda epoch, loss, waited: (0, loss),
    "epoch": lambda epoch, loss, waited: (epoch, 0),
}


def _epochs_run_with(val_loss: Sequence[float], patience: int, line: str) -> int:
    """Number of epochs that run with one of `_WRONG_LINES`."""
    best, waited = np.inf, 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < best:
            best, waited = _WRONG_LINES[line](epoch, loss, waited)
        else:
            waited += 1
        if waited >= patience:
            return epoch
    return len(val_loss)


def _random_curves(count: int) -> list[list[float]]:
    """Losses of 20 epochs that rise and fall."""
    rng = np.random.default_rng()
    steps = rng.normal(0.02, 0.12, (count, 20))
    return [np.round(1.5 + np.cumsum(step), 4).tolist() for step in steps]


def _judge_epochs_run(answer: Callable[[Sequence[float], int], int]) -> str | None:
    cases = [(c, p) for c in _random_curves(12) for p in (1, 2, 3, 5)]
    cases += [([1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.74], 2), ([1.0, 0.9, 0.8], 2)]
    # A wave: some losses are better than the one before, but worse than the best.
    cases += [([1.0, 1.3, 1.2, 1.35, 1.25, 1.1], 2)]
    got = [answer(curve, patience) for curve, patience in cases]
    likely = {
        "previous": [_epochs_run(c, p, previous=True) for c, p in cases],
        "one more": [_epochs_run(c, p + 1) for c, p in cases],
        "from zero": [_epochs_run(c, p) - 1 for c, p in cases],
        "all": [len(c) for c, _ in cases],
        "best epoch": [int(np.argmin(c[: _epochs_run(c, p)])) + 1 for c, p in cases],
    }
    likely |= {x: [_epochs_run_with(c, p, x) for c, p in cases] for x in _WRONG_LINES}
    return diagnose(got, right=[_epochs_run(c, p) for c, p in cases], likely=likely)


_EPOCHS_RUN = """
    def epochs_run(val_loss, patience):
        best, waited = float("inf"), 0
        for epoch, loss in enumerate(val_loss, start=1):
            if loss < best:
                best, waited = loss, 0
            else:
                waited += 1
            if waited >= patience:
                return epoch
        return len(val_loss)
    """

epochs_run = Exercise(
    name="epochs_run",
    title="When does it stop?",
    question="""
        Early stopping watches the validation loss. It remembers the **best** value so far,
        and counts the epochs since then. When the count reaches `patience` (1 or more),
        training ends after that epoch.

        Write a function that says how many epochs run, for a list of losses. If it never
        stops, all of them do. One line is missing.
        """,
    answer_name="epochs_run",
    stub="""
        def epochs_run(val_loss, patience):
            best, waited = float("inf"), 0
            for epoch, loss in enumerate(val_loss, start=1):
                if loss < best:
                    best, waited = ...
                else:
                    waited += 1
                if waited >= patience:
                    return epoch
            return len(val_loss)
        """,
    solution_code=_EPOCHS_RUN,
    judge=_judge_epochs_run,
    mistakes={
        "not reset": Mistake(
            code=_EPOCHS_RUN.replace("= loss, 0", "= loss, waited"),
            hint="The count never starts again: after a better loss, nothing has been "
            "waited yet.",
        ),
        "one": Mistake(
            code=_EPOCHS_RUN.replace("= loss, 0", "= loss, 1"),
            hint="The better epoch itself is counted as one that was waited. How many "
            "epochs have passed since the best one, in that very epoch?",
        ),
        "swapped": Mistake(
            code=_EPOCHS_RUN.replace("= loss, 0", "= 0, loss"),
            hint="Both values are there, in the wrong order: the first one becomes "
            "`best`.",
        ),
        "epoch": Mistake(
            code=_EPOCHS_RUN.replace("= loss, 0", "= epoch, 0"),
            hint="`best` is compared with losses, so it must be a loss. Which number is "
            "yours?",
        ),
        "previous": Mistake(
            code=_EPOCHS_RUN.replace(
                "                waited += 1\n",
                "                best, waited = loss, waited + 1\n",
            ),
            hint="A loss is compared with the one before it. It must be compared with the "
            "best one so far, even if that was long ago.",
        ),
        "one more": Mistake(
            code=_EPOCHS_RUN.replace("waited >= patience", "waited > patience"),
            hint="It stops one epoch too late: with a patience of 1, the first epoch "
            "that is not better is the last one.",
        ),
        "from zero": Mistake(
            code=_EPOCHS_RUN.replace("start=1", "start=0").replace(
                "return len(val_loss)", "return len(val_loss) - 1"
            ),
            hint="Epochs are counted from 1 here, as Keras prints them.",
        ),
        "all": Mistake(
            code="""
                def epochs_run(val_loss, patience):
                    return len(val_loss)
                """,
            hint="That never stops. When is the count as large as the patience?",
        ),
        "best epoch": Mistake(
            code=_EPOCHS_RUN.replace("return epoch", "return best_epoch")
            .replace("return len(val_loss)", "return best_epoch")
            .replace(
                "best, waited = loss, 0", "best, waited, best_epoch = loss, 0, epoch"
            ),
            hint="This is the best epoch. The question asks how many epochs run: the "
            "ones that were waited count too.",
        ),
    },
    hints=(
        "What has to be remembered when a loss is better than all before?",
        "The loss itself becomes the best one, and the count starts again.",
        "Two values are assigned: `loss`, and the count of waited epochs, 0.",
    ),
    explanation="The best value so far decides, not the epoch before.",
)


class _EpochAsWeights:
    """Stands for a model; its weights are the number of the epoch."""

    def __init__(self) -> None:
        self.epoch, self.stop_training, self.metrics = 0, False, []

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, epoch: int) -> None:
        self.epoch = epoch


def _run_callback(callback: Any, curves: Sequence[Mapping[str, float]]) -> tuple:
    """Number of epochs that ran, and the epoch whose weights the model has at the end."""
    model = _EpochAsWeights()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, logs in enumerate(curves):
        model.epoch = epoch + 1
        callback.on_epoch_end(epoch, dict(logs))
        if model.stop_training:
            break
    ran = model.epoch
    callback.on_train_end()
    return ran, model.epoch


# Epoch 3 has the best validation loss. The training loss falls in all epochs.
_VALIDATION = (1.5, 1.2, 1.0, 1.1, 1.05, 1.2, 1.3, 1.4, 1.5, 1.6)


def _judge_callback(answer: Any) -> str | None:
    if isinstance(answer, type) or not hasattr(answer, "on_epoch_end"):
        return "no callback"
    if not hasattr(answer, "restore_best_weights"):
        return "other callback"
    if answer.monitor not in ("loss", "val_loss"):
        return "other curve"
    rising = [
        {"loss": 1.6 - 0.1 * i, "val_loss": value, "accuracy": 0.1 * i}
        for i, value in enumerate(_VALIDATION)
    ]
    ran, kept = _run_callback(answer, rising)
    if ran == len(rising):
        return "training"
    if ran != 6:
        return "patience"
    return None if kept == 3 else "last weights"


_CALLBACK = """
    def make_stopping():
        return keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=3, restore_best_weights=True
        )
    """

make_stopping = Exercise(
    name="make_stopping",
    title="The callback",
    question="""
        Write a function that makes a `keras.callbacks.EarlyStopping`. It watches the
        validation loss, waits **3** epochs for a better one, and when it stops, the model
        gets the weights of its **best** epoch back.
        """,
    answer_name="make_stopping",
    stub="""
        def make_stopping():
            return ...
        """,
    solution_code=_CALLBACK,
    judge=lambda answer: _judge_callback(answer()),
    mistakes={
        "last weights": Mistake(
            code=_CALLBACK.replace(", restore_best_weights=True", ""),
            hint="It stops in the right epoch, but the model keeps the weights of the "
            "*last* one. One argument gives the best ones back.",
        ),
        "patience": Mistake(
            code=_CALLBACK.replace("patience=3, ", ""),
            hint="It does not wait 3 epochs. Without an argument it does not wait at "
            "all.",
        ),
        "training": Mistake(
            code=_CALLBACK.replace("val_loss", "loss"),
            hint="It never stops, though the validation loss rises. Which curve does it "
            "watch?",
        ),
        "other curve": Mistake(
            code=_CALLBACK.replace("val_loss", "validation_loss"),
            hint="It must watch the validation loss, which Keras calls `val_loss`.",
        ),
        "other callback": Mistake(
            code="""
                def make_stopping():
                    return keras.callbacks.ModelCheckpoint("best.keras")
                """,
            hint="This callback does something else. The question names the one that "
            "stops.",
        ),
        "no callback": Mistake(
            code="""
                def make_stopping():
                    return keras.callbacks.EarlyStopping
                """,
            hint="The function must give a callback that is ready to use. Is yours one, "
            "or is it the class?",
        ),
    },
    hints=(
        "`keras.callbacks.EarlyStopping(…)` has an argument for each of the three wishes.",
        "They are `monitor`, `patience` and `restore_best_weights`.",
        '`monitor="val_loss"` and `patience=3`; the third is `True`.',
    ),
    explanation="Keras runs it after every epoch; your check did the same, on a curve.",
    imports="import keras",
)


def _best_epoch_seen(val_loss: Sequence[float], patience: int) -> int:
    """Best epoch among those that run."""
    ran = _epochs_run(val_loss, patience)
    return int(np.argmin(val_loss[:ran])) + 1


def _judge_patience(
    answer: Any, *, curves: Mapping[str, Sequence[float]]
) -> str | None:
    val_loss = curves["val_loss"]
    if not isinstance(answer, int | np.integer):
        return OTHER
    best = int(np.argmin(val_loss)) + 1
    enough = [
        p for p in range(1, len(val_loss)) if _best_epoch_seen(val_loss, p) == best
    ]
    if answer == min(enough):
        return None
    # With more patience more epochs run, so the best one is still found.
    return "too small" if answer < min(enough) else "longer"


def _example_curves() -> Mapping[str, Any]:
    """Curves whose best epoch comes after three epochs without an improvement."""
    return {
        "curves": {
            "val_loss": [1.5, 1.2, 1.3, 1.25, 1.22, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
        }
    }


patience = Exercise(
    name="patience",
    title="How much patience?",
    question="""
        Look at the recorded curves. What is the **smallest** patience that still finds
        their best epoch? Try values with `tl.training.replay_early_stopping`.
        """,
    answer_name="patience",
    stub="patience = ...",
    solution_code="""
        best = int(np.argmin(curves["val_loss"])) + 1
        patience = 1
        while tl.training.replay_early_stopping(curves, patience=patience).best_epoch != best:
            patience += 1
        """,
    judge=_judge_patience,
    mistakes={
        "too small": Mistake(
            code="patience = 2",
            hint="With this patience it stops before the best epoch. The wave before it "
            "is longer.",
        ),
        "longer": Mistake(
            code="patience = 5",
            hint="That finds the best epoch. A smaller patience does too.",
        ),
    },
    hints=(
        "Which epochs before the best one were not better than all before them?",
        "The patience must be larger than the longest row of such epochs.",
        "Replay 1, 2, 3… and compare `best_epoch` with the best epoch of all.",
    ),
    explanation="It must be longer than the longest wave before the best epoch.",
    imports="""
        import numpy as np

        import tutorial_lib as tl
        """,
    example=_example_curves,
)


def _gains(
    val_loss: Sequence[float], min_delta: float, *, at_least: bool = False
) -> int:
    """Number of losses that improve the best one by more than `min_delta`."""
    best, count = np.inf, 0
    for loss in val_loss:
        if loss < best - min_delta or (at_least and loss == best - min_delta):
            best, count = loss, count + 1
    return count


def _judge_gains(answer: Callable[[Sequence[float], float], int]) -> str | None:
    # No difference of two losses equals these values of `min_delta`: where it does,
    # rounding would decide.
    cases = [(c, d) for c in _random_curves(12) for d in (0.0, 0.05005, 0.20005)]
    cases.append(([1.0, 0.96, 0.92, 0.88, 0.7], 0.05))
    # Differences that equal `min_delta`, and are exact in binary: no improvement.
    cases.append(([1.0, 1.0, 0.5, 0.5, 0.25], 0.0))
    cases.append(([1.0, 0.75, 0.5, 0.25], 0.25))
    got = [answer(curve, delta) for curve, delta in cases]
    likely = {
        "any gain": [_gains(c, 0) for c, _ in cases],
        "at least": [_gains(c, d, at_least=True) for c, d in cases],
        "previous": [1 + sum(b < a - d for a, b in pairwise(c)) for c, d in cases],
        "added": [_gains(c, -d) for c, d in cases],
        "not the first": [_gains(c, d) - 1 for c, d in cases],
    }
    return diagnose(got, right=[_gains(c, d) for c, d in cases], likely=likely)


_GAINS = """
    def count_gains(val_loss, min_delta):
        best, gains = float("inf"), 0
        for loss in val_loss:
            if loss < best - min_delta:
                best, gains = loss, gains + 1
        return gains
    """

count_gains = Exercise(
    name="count_gains",
    title="The smallest gain that counts",
    question="""
        With `min_delta`, an epoch counts as better only if its loss is smaller than the
        best one by **more than** `min_delta`. Only then does it become the new best one.
        The first epoch always counts.

        Write a function that counts the epochs that count as better. One value is
        missing.
        """,
    answer_name="count_gains",
    stub="""
        def count_gains(val_loss, min_delta):
            best, gains = float("inf"), 0
            for loss in val_loss:
                if loss < ...:
                    best, gains = loss, gains + 1
            return gains
        """,
    solution_code=_GAINS,
    judge=_judge_gains,
    mistakes={
        "any gain": Mistake(
            code=_GAINS.replace("best - min_delta", "best"),
            hint="Every gain counts here, however small. Where does `min_delta` come in?",
        ),
        "at least": Mistake(
            code=_GAINS.replace("loss < best - min_delta", "best - loss >= min_delta"),
            hint="A loss that is smaller by just `min_delta`, and no more, counts for "
            "you. Then even a loss that has not changed counts, with a `min_delta` of 0.",
        ),
        "previous": Mistake(
            code="""
                def count_gains(val_loss, min_delta):
                    gains = 1
                    for before, loss in zip(val_loss[:-1], val_loss[1:]):
                        gains += loss < before - min_delta
                    return gains
                """,
            hint="Each loss is compared with the one before it, not with the best one.",
        ),
        "added": Mistake(
            code=_GAINS.replace("best - min_delta", "best + min_delta"),
            hint="With `+`, even a worse loss can count as better. The loss must be "
            "smaller than the best one by a margin.",
        ),
        "not the first": Mistake(
            code=_GAINS.replace("return gains", "return gains - 1"),
            hint="The first epoch counts too: anything is better than nothing.",
        ),
    },
    hints=(
        "By how much must a loss be smaller than the best one?",
        "Compare `loss` with the best one minus `min_delta`.",
        "The condition is `loss < best - min_delta`.",
    ),
    explanation="Many small gains in a row may count as none.",
)
