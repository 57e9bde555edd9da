"""Exercises of notebook 04: the best epoch, the rule, patience, the callback."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np

from tutorial_lib.exercises import Exercise, Finding, Mistake, try_cases

# Losses that fall and rise. The simplest ones come first, because a counter-example is
# the first that differs.
_CURVES = (
    [1.0, 0.5],
    [0.5, 1.0],
    [1.0, 0.5, 0.75],
    [1.0, 0.5, 0.5, 0.5],
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 0.75, 0.875, 0.5, 0.75, 0.625, 0.875, 0.75],
    [1.0, 1.5, 1.25, 1.375, 1.125, 0.5],
    [1.5, 1.25, 1.0, 1.125, 1.0, 1.25, 0.75, 1.0, 1.25, 1.0],
    [1.5, 1.375, 1.25, 1.125, 1.0],
    [3.5, 2.5, 3.0, 3.25, 2.75, 2.0, 2.25, 2.5, 2.75],
)

# best_epoch


def _first_rise(losses: Sequence[float]) -> int:
    """The last epoch before the first rise, from 1."""
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1]:
            return epoch
    return len(losses)


def _judge_best_epoch(answer: Callable[[Sequence[float]], int]) -> Any:
    likely = {
        "from zero": lambda c: int(np.argmin(c)),
        "last": len,
        "largest": lambda c: int(np.argmax(c)) + 1,
        "value": min,
        "last of equals": lambda c: len(c) - int(np.argmin(c[::-1])),
        "first rise": _first_rise,
        "from the end": lambda c: len(c) - int(np.argmin(c)),
    }
    cases = [(list(curve),) for curve in _CURVES]
    return try_cases(answer, cases, lambda c: int(np.argmin(c)) + 1, likely)


def _best_epoch(formula: str) -> str:
    """Code of an answer to `best_epoch`."""
    return f"def best_epoch(val_loss):\n    return {formula}"


best_epoch = Exercise(
    name="best_epoch",
    title="Which epoch is the best?",
    question="""
        The best epoch is the one with the smallest validation loss. If two are equally
        good, the first of them counts: the second is not *better*. Keras counts epochs
        from 1. Write a function that gives the best epoch of a list of losses.
        (`ex.best_epoch.hint()` helps.)
        """,
    answer_name="best_epoch",
    stub=_best_epoch("..."),
    solution_code=_best_epoch("int(np.argmin(val_loss)) + 1"),
    judge=_judge_best_epoch,
    mistakes={
        "from zero": Mistake(
            code=_best_epoch("int(np.argmin(val_loss))"),
            hint="Lists count from 0, Keras counts epochs from 1.",
        ),
        "last": Mistake(
            code=_best_epoch("len(val_loss)"),
            hint="This is the last epoch. It is the best one only if its loss is smaller "
            "than all before.",
        ),
        "largest": Mistake(
            code=_best_epoch("int(np.argmax(val_loss)) + 1"),
            hint="This is the epoch with the largest loss. A good loss is a small one.",
        ),
        "value": Mistake(
            code=_best_epoch("min(val_loss)"),
            hint="This is the smallest loss. In which epoch was it?",
        ),
        "last of equals": Mistake(
            code=_best_epoch("len(val_loss) - int(np.argmin(val_loss[::-1]))"),
            hint="Of two epochs with the same smallest loss you take the last. The second "
            "is not better than the first, so the first one counts.",
        ),
        "first rise": Mistake(
            code="""
                def best_epoch(val_loss):
                    for epoch in range(1, len(val_loss)):
                        if val_loss[epoch] > val_loss[epoch - 1]:
                            return epoch
                    return len(val_loss)
                """,
            hint="This is the last epoch before the loss rises for the first time. Later "
            "it may fall again, and further.",
        ),
        "from the end": Mistake(
            code=_best_epoch("len(val_loss) - int(np.argmin(val_loss))"),
            hint="You count from the end of the training. Count from its beginning.",
        ),
    },
    hints=(
        "In which epoch is the loss smallest?",
        "`np.argmin` gives the place of the first smallest value, counted from 0.",
        "Add one to `np.argmin(val_loss)`.",
    ),
    explanation="A checkpoint keeps the weights of this epoch.",
    imports="import numpy as np",
)

# epochs_run


def _epochs_run(
    val_loss: Sequence[float],
    patience: int,
    line: Callable[[int, float, int, float], tuple[float, float]] | None = None,
    *,
    ties: bool = False,
    previous: bool = False,
) -> int:
    """Number of epochs that run.

    Args:
        val_loss: Losses of the validation.
        patience: Epochs to wait.
        line: Function of (epoch, loss, waited, best) with the new (best, waited): the
            line that learners write. None for the right one.
        ties: Whether an equal loss counts as better.
        previous: Whether a loss is compared with the one before it.
    """
    best, waited = np.inf, 0
    for epoch, loss in enumerate(val_loss, start=1):
        if loss < best or (ties and loss == best):
            best, waited = line(epoch, loss, waited, best) if line else (loss, 0)
        else:
            waited += 1
            best = loss if previous else best
        if waited >= patience:
            return epoch
    return len(val_loss)


# What wrong lines assign to (best, waited), by the name of the mistake.
_WRONG_LINES: dict[str, Callable[[int, float, int, float], tuple[float, float]]] = {
    "not reset": lambda epoch, loss, waited, best: (loss, waited),
    "counted": lambda epoch, loss, waited, best: (loss, waited + 1),
    "one": lambda epoch, loss, waited, best: (loss, 1),
    "swapped": lambda epoch, loss, waited, best: (0, loss),
    "epoch": lambda epoch, loss, waited, best: (epoch, 0),
    "zero": lambda epoch, loss, waited, best: (0, 0),
}


def _wrong_line(name: str) -> Callable[[Sequence[float], int], int]:
    return lambda losses, patience: _epochs_run(losses, patience, _WRONG_LINES[name])


def _random_curves(count: int) -> list[list[float]]:
    """Losses of 20 epochs that rise and fall; eighths are exact, so some are equal."""
    rng = np.random.default_rng(4)
    steps = rng.integers(-3, 4, (count, 20)) / 8
    return (10 + np.cumsum(steps, axis=1)).tolist()


def _judge_epochs_run(answer: Callable[[Sequence[float], int], int]) -> Any:
    curves = [*_CURVES, *_random_curves(10)]
    cases = [(list(curve), patience) for curve in curves for patience in (1, 2, 3, 5)]
    likely = {name: _wrong_line(name) for name in _WRONG_LINES}
    likely |= {
        "ties": lambda c, p: _epochs_run(c, p, ties=True),
        "previous": lambda c, p: _epochs_run(c, p, previous=True),
        "one more": lambda c, p: _epochs_run(c, p + 1),
        "from zero": lambda c, p: _epochs_run(c, p) - 1,
        "all": lambda c, _: len(c),
        "best epoch": lambda c, p: int(np.argmin(c[: _epochs_run(c, p)])) + 1,
    }
    return try_cases(answer, cases, _epochs_run, likely)


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


def _with_line(values: str) -> str:
    """Code of an answer to `epochs_run` with another line."""
    return _EPOCHS_RUN.replace("best, waited = loss, 0", f"best, waited = {values}")


epochs_run = Exercise(
    name="epochs_run",
    title="When does it stop?",
    question="""
        Early stopping remembers the **best** validation loss so far, and counts the
        epochs since then. When the count reaches `patience` (1 or more), training ends
        after that epoch. A loss that is only as small as the best one is not better.

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
            code=_with_line("loss, waited"),
            hint="`best` is right. The count never starts again: after a better loss, no "
            "epoch has been waited yet.",
        ),
        "counted": Mistake(
            code=_with_line("loss, waited + 1"),
            hint="It ends after `patience` epochs, whatever the losses are. When a better "
            "loss is found, the count must start again.",
        ),
        "one": Mistake(
            code=_with_line("loss, 1"),
            hint="`best` is right. The better epoch itself is counted as one that was "
            "waited. How many epochs have passed since it, in that very epoch?",
        ),
        "swapped": Mistake(
            code=_with_line("0, loss"),
            hint="Both values are there, in the wrong order: the first one becomes "
            "`best`.",
        ),
        "epoch": Mistake(
            code=_with_line("epoch, 0"),
            hint="The count is right. `best` is compared with losses, so it must be a "
            "loss; yours is the number of the epoch.",
        ),
        "zero": Mistake(
            code=_with_line("0, 0"),
            hint="The count is right. `best` becomes so small that no later epoch is "
            "better. Which loss is the best one now?",
        ),
        "ties": Mistake(
            code=_EPOCHS_RUN.replace("loss < best", "loss <= best"),
            hint="A loss that is only as small as the best one counts as better for you. "
            "If the loss never changed, it would never stop.",
        ),
        "previous": Mistake(
            code=_EPOCHS_RUN.replace("waited += 1", "best, waited = loss, waited + 1"),
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
            hint="Each number is one too small. Epochs are counted from 1, as Keras "
            "prints them.",
        ),
        "all": Mistake(
            code=_with_line("best, 0"),
            hint="That never stops. When a better loss is found, `best` must become that "
            "loss; then later losses can be worse than it.",
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
    explanation="The best loss so far decides, not the loss of the epoch before.",
)

# make_stopping


class _EpochAsWeights:
    """Stands for a model; its weights are the number of the epoch."""

    def __init__(self) -> None:
        self.epoch, self.stop_training, self.metrics = 0, False, []

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, epoch: int) -> None:
        self.epoch = epoch


def _run_callback(
    callback: Any, curves: Mapping[str, Sequence[float]]
) -> tuple[int, int]:
    """Number of epochs that ran, and the epoch whose weights the model has at the end."""
    model = _EpochAsWeights()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, values in enumerate(zip(*curves.values(), strict=True)):
        model.epoch = epoch + 1
        callback.on_epoch_end(epoch, dict(zip(curves, values, strict=True)))
        if model.stop_training:
            break
    ran = model.epoch
    callback.on_train_end()
    return ran, model.epoch


# Validation losses, each for a setting that it tells from the right one.
_VALIDATIONS = {
    # The best one is in epoch 3.
    "waves": (1.5, 1.2, 1.0, 1.1, 1.05, 1.2, 1.3, 1.4, 1.5, 1.6),
    # It rises from the start: settings that wait with watching run longer.
    "rising": tuple(1.0 + 0.1 * i for i in range(12)),
    # It falls by very little: settings with a smallest gain stop.
    "slow": tuple(1.0 - 1e-6 * i for i in range(12)),
    # It falls in waves, and stays large: settings with a baseline stop.
    "large": tuple(1e6 - i + 5 * (i % 2) for i in range(12)),
    # No epoch is better than the first: an equal loss is no improvement.
    "equal": (1.0,) * 12,
}
_PATIENCE = 3


def _replay(val_loss: Sequence[float]) -> tuple[int, int]:
    """What the right callback does: epochs that run, and the epoch that is kept."""
    ran = _epochs_run(val_loss, _PATIENCE)
    return ran, int(np.argmin(val_loss[:ran])) + 1


def _logs(val_loss: Sequence[float]) -> dict[str, Sequence[float]]:
    """Curves of a training; all but the validation loss become better and better."""
    count = len(val_loss)
    better = [1 - 0.01 * epoch for epoch in range(count)]
    growing = [0.01 * epoch for epoch in range(count)]
    rest = {"loss": better, "accuracy": growing, "val_accuracy": growing}
    return {"val_loss": val_loss, **rest}


def _judge_callback(make: Callable[[], Any]) -> str | Finding | None:
    first = make()
    if isinstance(first, list | tuple):
        return "in a list"
    if isinstance(first, type) or not hasattr(first, "on_epoch_end"):
        return "no callback"
    mistakes = _callback_mistakes(first)
    if "other callback" in mistakes:
        return "other callback"
    for val_loss in _VALIDATIONS.values():
        right = _replay(val_loss)
        try:
            # With `verbose=1` it would print five trainings below the learner's cell.
            with redirect_stdout(StringIO()):
                got = _run_callback(make(), _logs(val_loss))
        # Keras does not know whether more or less of the watched curve is better.
        except (ValueError, AttributeError):
            if not mistakes:
                raise
            return mistakes[0]
        if got != right:
            return mistakes[0] if mistakes else _callback_finding(val_loss, got, right)
    return None


def _callback_finding(
    val_loss: Sequence[float], got: tuple[int, int], right: tuple[int, int]
) -> Finding:
    shown = ", ".join(f"{loss:g}" for loss in val_loss[:7])
    if got[0] != right[0]:
        text = f"{got[0]} epochs ran; {right[0]} should run."
    else:
        text = (
            f"the model had the weights of epoch {got[1]} at the end; they should be "
            f"those of epoch {right[1]}."
        )
    return Finding(f"With the validation losses {shown}… {text}")


def _callback_mistakes(callback: Any) -> list[str]:
    """Names of the mistakes in the settings, the first one to mend first.

    They only choose the hint: whether the callback is right, its behaviour says.
    """
    import keras

    if not isinstance(callback, keras.callbacks.EarlyStopping):
        return ["other callback"]
    monitor, patience = callback.monitor, callback.patience
    delta, mode = abs(callback.min_delta), vars(callback).get("mode", "auto")
    found = {
        "positional": delta == _PATIENCE,
        "no name": not isinstance(monitor, str),
        "accuracy": "acc" in str(monitor),
        "training": monitor == "loss",
        "other curve": monitor != "val_loss",
        "mode": mode == "max",
        "no patience": patience == 0,
        "patience": patience != _PATIENCE,
        "min_delta": delta > 0,
        "start": callback.start_from_epoch > 0,
        "baseline": callback.baseline is not None,
        "last weights": not callback.restore_best_weights,
    }
    return [name for name, applies in found.items() if applies]


_CALLBACK = """
    def make_stopping():
        return keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=3, restore_best_weights=True
        )
    """


def _with_setting(setting: str) -> str:
    return _CALLBACK.replace("weights=True", f"weights=True, {setting}")


make_stopping = Exercise(
    name="make_stopping",
    title="The callback",
    question="""
        Write a function that makes a `keras.callbacks.EarlyStopping`. It watches the
        validation loss, waits **3** epochs for a better one, and when the training ends,
        the model gets the weights of its **best** epoch back. Keep the other settings as
        they are.
        """,
    answer_name="make_stopping",
    stub="""
        def make_stopping():
            return ...
        """,
    solution_code=_CALLBACK,
    judge=_judge_callback,
    mistakes={
        "last weights": Mistake(
            code=_CALLBACK.replace(", restore_best_weights=True", ""),
            hint="It stops in the right epoch, but the model keeps the weights of the "
            "*last* one. One argument gives the best ones back.",
        ),
        "no patience": Mistake(
            code=_CALLBACK.replace("patience=3, ", ""),
            hint="Without `patience` it stops at the first epoch that is not better.",
        ),
        "patience": Mistake(
            code=_CALLBACK.replace("patience=3", "patience=5"),
            hint="It does not wait 3 epochs. Look at `patience`.",
        ),
        "training": Mistake(
            code=_CALLBACK.replace("val_loss", "loss"),
            hint="It never stops, though the validation loss rises. It watches the "
            "training loss, which falls all the time.",
        ),
        "accuracy": Mistake(
            code=_CALLBACK.replace("val_loss", "val_accuracy"),
            hint="It watches an accuracy. The question asks for the validation loss.",
        ),
        "no name": Mistake(
            code=_CALLBACK.replace('"val_loss"', "3"),
            hint="`monitor` is the name of a curve: a text, in quotes.",
        ),
        "other curve": Mistake(
            code=_CALLBACK.replace("val_loss", "validation_loss"),
            hint="Keras knows no curve of this name, so it never stops. It calls the "
            "validation loss `val_loss`.",
        ),
        "mode": Mistake(
            code=_with_setting('mode="max"'),
            hint='With `mode="max"` a larger loss counts as better. A loss must become '
            "small.",
        ),
        "min_delta": Mistake(
            code=_with_setting("min_delta=0.1"),
            hint="With `min_delta` a small gain does not count, so it stops while the "
            "loss is still falling. Leave it out.",
        ),
        "start": Mistake(
            code=_with_setting("start_from_epoch=3"),
            hint="With `start_from_epoch` it does not watch the first epochs. Leave it "
            "out.",
        ),
        "baseline": Mistake(
            code=_with_setting("baseline=0.8"),
            hint="With `baseline` an epoch resets the count only if it is better than "
            "that number. Leave it out.",
        ),
        "positional": Mistake(
            code="""
                def make_stopping():
                    return keras.callbacks.EarlyStopping(
                        "val_loss", 3, restore_best_weights=True
                    )
                """,
            hint="The second argument without a name is `min_delta`, so your 3 became "
            "the smallest gain that counts. Write names: `patience=…`.",
        ),
        "other callback": Mistake(
            code="""
                def make_stopping():
                    return keras.callbacks.ModelCheckpoint("best.keras")
                """,
            hint="This callback does something else. The question names the one that "
            "stops.",
        ),
        "in a list": Mistake(
            code="""
                def make_stopping():
                    return [
                        keras.callbacks.EarlyStopping(
                            patience=3, restore_best_weights=True
                        )
                    ]
                """,
            hint="This is a list. The function must give the callback itself.",
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
    explanation="The check called your callback as Keras does, on five curves.",
    imports="import keras",
)

# patience


def _best_epoch_seen(val_loss: Sequence[float], patience: int) -> int:
    """Best epoch among those that run."""
    ran = _epochs_run(val_loss, patience)
    return int(np.argmin(val_loss[:ran])) + 1


def _judge_patience(
    answer: Any, *, curves: Mapping[str, Sequence[float]]
) -> str | Finding | None:
    val_loss = list(curves["val_loss"])
    try:
        several = isinstance(answer, str | list | tuple)
        waited = np.nan if several else np.asarray(answer, float).item()
    except (TypeError, ValueError):
        waited = np.nan
    if np.isnan(waited):
        short = isinstance(answer, str | list | tuple | float)
        yours = f"{answer!r}" if short else f"of the type `{type(answer).__name__}`"
        return Finding(f"`patience` is {yours}. It must be a number of epochs.")
    if waited == 0:
        return "none"
    if waited < 1 or not waited.is_integer():
        return Finding(f"`patience` is {answer}. It must be a whole number, 1 or more.")
    best = int(np.argmin(val_loss)) + 1
    enough = 1
    while _best_epoch_seen(val_loss, enough) != best:
        enough += 1
    if waited == enough:
        return None
    if waited > enough:
        return "longer"
    ran = _epochs_run(val_loss, int(waited))
    return Finding(
        f"With a patience of {int(waited)}, training stops after epoch {ran}. The best "
        f"epoch, {best}, comes later."
    )


def _example_curves() -> Mapping[str, Any]:
    """Curves whose best epoch comes after three epochs without an improvement."""
    val_loss = [1.5, 1.2, 1.3, 1.25, 1.22, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]
    return {"curves": {"val_loss": val_loss}}


patience = Exercise(
    name="patience",
    title="How much patience?",
    question="""
        What is the **smallest** patience that still finds the best epoch of these curves?
        Try values: `tl.training.replay_early_stopping(curves, patience=…)`.
        """,
    answer_name="patience",
    stub="patience = ...",
    solution_code="""
        best = best_epoch(curves["val_loss"])
        found = {
            waited: tl.training.replay_early_stopping(curves, patience=waited).best_epoch
            for waited in range(1, len(curves["val_loss"]))
        }
        patience = min(waited for waited in found if found[waited] == best)
        """,
    judge=_judge_patience,
    mistakes={
        "longer": Mistake(
            code="patience = 50",
            hint="This patience finds the best epoch. A smaller one does too.",
        ),
        "none": Mistake(
            code="patience = 0",
            hint="Keras allows 0, which is the same as 1: the first epoch that is not "
            "better ends the training. Count from 1 here.",
        ),
    },
    hints=(
        "Which epochs before the best one were not better than all before them?",
        "The patience must be larger than the longest row of such epochs.",
        "Replay 1, 2, 3… and compare `best_epoch` with the best epoch of all.",
    ),
    explanation="It is longer than the longest wave before the best epoch.",
    imports="""
        import numpy as np

        import tutorial_lib as tl


        def best_epoch(val_loss):
            return int(np.argmin(val_loss)) + 1
        """,
    example=_example_curves,
)
