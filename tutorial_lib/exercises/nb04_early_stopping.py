"""Exercises of notebook 04: the best epoch, the rule, few labels, sick trainings."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib import rasters, testing
from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    try_cases,
)
from tutorial_lib.kinds import kind_of

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
    minutes=3,
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
    minutes=6,
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
            hint="The count never starts again. After a better loss, no epoch has been "
            "waited yet.",
        ),
        "counted": Mistake(
            code=_with_line("loss, waited + 1"),
            hint="It ends after `patience` epochs, whatever the losses are. When a better "
            "loss is found, the count must start again.",
        ),
        "one": Mistake(
            code=_with_line("loss, 1"),
            hint="You count the better epoch itself as one that was waited. Waiting "
            "starts with the epoch after it.",
        ),
        "swapped": Mistake(
            code=_with_line("0, loss"),
            hint="The first value becomes `best`, and the second one the count. Is the "
            "loss in its place?",
        ),
        "epoch": Mistake(
            code=_with_line("epoch, 0"),
            hint="`best` is compared with losses, so it must be a loss. Yours is the "
            "number of the epoch.",
        ),
        "zero": Mistake(
            code=_with_line("0, 0"),
            hint="`best` becomes so small that no later epoch is better. Which loss is "
            "the best one now?",
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
    minutes=5,
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
            hint="Your 3 is `min_delta`, the smallest gain that counts. In a call "
            "without names, this is the second argument. Name the epochs to wait.",
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


def _smallest_patience() -> int:
    """The smallest patience that finds the best epoch of the recorded curve."""
    from tutorial_lib.recorded import read_history

    val_loss = read_history("fcnn_few")["val_loss"]
    return next(
        waited
        for waited in range(1, len(val_loss))
        if min(val_loss[: _epochs_run(val_loss, waited)]) == min(val_loss)
    )


patience = Choice(
    name="patience",
    title="How much patience?",
    question="""
        What is the smallest patience that still finds the best epoch of the curve above?
        """,
    options=(
        Option(
            "1 epoch",
            value=1,
            hint="With this patience, the first epoch that is not better ends the "
            "training. Does the best epoch come before it?",
        ),
        Option(
            "4 epochs",
            value=4,
            hint="Before the best epoch, at most 4 epochs in a row are not better. When "
            "the count reaches `patience`, does the epoch after them still run?",
        ),
        Option("5 epochs", value=5),
        Option(
            "15 epochs",
            value=15,
            hint="This is the number of the best epoch. But each better epoch sets the "
            "count back to 0: how far does it get before the best epoch?",
        ),
    ),
    explanation="It must be longer than the longest wave before the best epoch. In a real "
    "training nobody knows that, so people take a little more than they think they need.",
    key=_smallest_patience,
    minutes=3,
)

# kept_weights

kept_weights = Choice(
    name="kept_weights",
    title="Which weights are left?",
    question="""
        `keras.callbacks.EarlyStopping()` ended the hasty training. Which weights does its
        model have now?
        """,
    options=(
        Option(
            "Those of the best epoch: that is what early stopping is for.",
            hint="Early stopping ends a training. Does it also keep a copy of earlier "
            "weights? Look at the arguments of your own callback.",
        ),
        Option(
            "The mean of all epochs.",
            hint="Some methods do average weights. Has anything here been told to?",
        ),
        Option(
            "The first weights: a training that was stopped does not count.",
            hint="The weights change after each batch. What would set them back?",
        ),
        Option("Those of the last epoch, which was not better."),
    ),
    explanation="`restore_best_weights` is False unless you say otherwise.",
    vote=True,
)

# eight_forms

_EIGHT = """
    def eight_forms(patch):
        turned = [np.rot90(patch, quarters) for quarters in range(4)]
        mirrored = [form[:, ::-1] for form in turned]
        return [*turned, *mirrored]
    """


def _judge_eight_forms(
    answer: Callable[[np.ndarray], Sequence[np.ndarray]],
) -> str | Finding | None:
    patch = np.random.default_rng(3).permutation(75).reshape(5, 5, 3)
    try:
        forms = list(answer(patch.copy()))
    except ValueError as err:
        if "out of range for array" in str(err):
            return "no patch"
        raise
    if len(forms) != 8:
        return Finding(f"The list has {len(forms)} forms; it should have 8.")
    forms = [np.asarray(form) for form in forms]
    if any(form.shape != patch.shape for form in forms):
        return "shape"
    turned = [np.rot90(patch, quarters) for quarters in range(4)]
    right = {form.tobytes() for one in turned for form in (one, one[:, ::-1])}
    found = {form.astype(patch.dtype).tobytes() for form in forms}
    if found == right:
        return None
    if not found <= right:
        bands = {np.ascontiguousarray(one[..., ::-1]).tobytes() for one in turned}
        return "bands" if found & bands else "pixels"
    turns = {one.tobytes() for one in turned}
    if found == turns:
        return "only turned"
    return "one mirror" if found > turns else "twice"


def _eight(mirrored: str) -> str:
    """Code of an answer to `eight_forms` with another way to mirror."""
    return _EIGHT.replace("form[:, ::-1]", mirrored)


eight_forms = Exercise(
    name="eight_forms",
    title="One patch, eight forms",
    question="""
        A square has eight forms: turned by 0 to 3 quarters, and each of these mirrored.
        Write a function that gives the eight forms of a patch (row, column, band) as a
        list. `np.rot90(patch, quarters)` turns it; `[::-1]` reverses an axis.
        """,
    answer_name="eight_forms",
    stub="""
        def eight_forms(patch):
            turned = [... for quarters in range(4)]
            mirrored = [... for form in turned]
            return [*turned, *mirrored]
        """,
    solution_code=_EIGHT,
    judge=_judge_eight_forms,
    mistakes={
        "only turned": Mistake(
            code=_eight("form[::-1, ::-1]"),
            hint="The list has the four turns only; none of its forms is mirrored. "
            "Reverse one axis of each form: both axes together are half a turn.",
        ),
        "twice": Mistake(
            code=_EIGHT.replace("range(4)", "(0, 0, 1, 1)"),
            hint="Some turns are missing, and other forms are there more than once. "
            "Which numbers of quarters does `np.rot90` get?",
        ),
        "one mirror": Mistake(
            code=_eight("patch[::-1]"),
            hint="The four turns are right, but some mirrored forms are missing. Each "
            "`form` of `turned` must be mirrored, not the same patch again.",
        ),
        "no patch": Mistake(
            code=_EIGHT.replace("patch, quarters", "quarters, patch"),
            hint="`np.rot90` is given a number to turn. The patch comes first, and then "
            "the number of quarters.",
        ),
        "bands": Mistake(
            code=_eight("form[:, :, ::-1]"),
            hint="The bands are reversed: red becomes near infrared. Mirror rows or "
            "columns; the bands stay.",
        ),
        "shape": Mistake(
            code=_eight("form.T"),
            hint="A form has another shape than the patch. The last axis holds the bands "
            "and must stay the last.",
        ),
        "pixels": Mistake(
            code=_eight("form[:, ::-1] + 1"),
            hint="A form holds other pixels than the patch. Turning and mirroring only "
            "move them.",
        ),
    },
    hints=(
        "`np.rot90(patch, quarters)` turns rows and columns, and leaves the bands.",
        "The axes are rows, columns and bands. `form[::-1]` reverses the rows.",
        "`turned = [np.rot90(patch, quarters) for quarters in range(4)]`",
    ),
    explanation="Four turns, and the mirror image of each.",
    imports="import numpy as np",
    minutes=4,
)

# wrong_turn

wrong_turn = Choice(
    name="wrong_turn",
    title="When is a turned patch wrong?",
    question="Turning keeps the label. For which classes would the label then be wrong?",
    options=(
        Option(
            "Roads: they have a direction.",
            hint="A road from north to south becomes one from west to east. What is its "
            "class now?",
        ),
        Option("Slopes to the north and to the south: they are lit in other ways."),
        Option(
            "Woods: their shadows always point to the north here.",
            hint="No real wood here has its shadow in the south, so such a patch helps "
            "little. But would its label be wrong?",
        ),
        Option(
            "Fields: a turned patch is no new field.",
            hint="That is a reason why turns help less than new fields do. Is the label "
            "still right?",
        ),
    ),
    explanation="The direction makes the class, so a turn makes it another one. The same "
    "holds for written letters.",
)

# The six patients. The recipes of their trainings are in `recorded.recordings`.

_FAST = "the learning rate is far too high"
_SLOW = "the learning rate is far too low"
_FITTED = "it overfits"
_RAW = "the inputs are not scaled"
_MIXED = "the labels of A are mixed up"
_SWAPPED = "the bands of B are in another order"

# What each illness looks like; a wrong option gets the sign that is missing.
_SIGNS = {
    _FAST: "With far too high a rate the first steps throw the network so far off that "
    "it guesses for good. Does this one guess to the end?",
    _SLOW: "With far too low a rate both losses creep down together, and are still "
    "falling at the end. Do they here?",
    _FITTED: "A network that overfits is good on B first, and becomes worse there later. "
    "Is there a good epoch on B?",
    _RAW: "Pixel values of some thousands give a huge loss in the first epoch, and then "
    "the network learns as usual. Look at what comes after the first epoch.",
    _MIXED: "With labels that mean nothing, there is nothing to learn that helps on B. "
    "On A the network needs many epochs to learn them by heart. Compare both curves.",
    _SWAPPED: "If B comes in another form than A, the network learns A as usual, and is "
    "confidently wrong on B. Compare both curves with the 1.79 of guessing.",
}


def _patient(number: int, illness: str, others: Sequence[str], sign: str) -> Choice:
    """The question what a training suffers from, with options in a fixed order."""
    listed = [one for one in _SIGNS if one in (illness, *others)]
    return Choice(
        name=f"patient_{number}",
        title=f"Patient {number}",
        question=f"What is wrong with training {number}?",
        options=tuple(
            Option(f"{one[0].upper()}{one[1:]}.", "" if one == illness else _SIGNS[one])
            for one in listed
        ),
        explanation=sign,
        minutes=1,
        pairs=True,
    )


patient_1 = _patient(
    1,
    _SLOW,
    (_FAST, _FITTED, _MIXED),
    "Both losses creep down side by side. More epochs would help, a larger rate is "
    "quicker.",
)
patient_2 = _patient(
    2,
    _FAST,
    (_SLOW, _FITTED, _RAW),
    "One large step at the start, and then both losses stay at that of guessing.",
)
patient_3 = _patient(
    3,
    _FITTED,
    (_FAST, _MIXED, _SWAPPED),
    "It was good on B, and became worse while it learnt A by heart.",
)
patient_4 = _patient(
    4,
    _RAW,
    (_FAST, _FITTED, _MIXED),
    "The loss of the first epoch is far above that of guessing. The rest looks normal, "
    "which is why this is often overlooked.",
)
patient_5 = _patient(
    5,
    _MIXED,
    (_SLOW, _FITTED, _SWAPPED),
    "On B it is never better than guessing. What falls on A is learnt by heart.",
)
patient_6 = _patient(
    6,
    _SWAPPED,
    (_RAW, _FITTED, _MIXED),
    "It learns A as usual. On B it is worse than guessing: wrong, and sure of it.",
)

# mended_source

# The order of a file with near infrared first.
_DELIVERED = (4, 1, 2, 3)
_MENDED = """
    def mended_source(path):
        return tl.Source(path, bands=(2, 3, 4, 1))
    """


def _judge_mended(answer: Callable[[Path], Any]) -> str | Finding | None:
    image_path, delivered_path = _small_delivery()
    source = answer(delivered_path)
    if isinstance(source, str | Path):
        return "only a path"
    if not isinstance(source, rasters.Source):
        return Finding(
            f"The function gives {kind_of(source)}. It must give a `tl.Source`."
        )
    if [Path(path) for path in source.paths] != [Path(delivered_path)]:
        names = ", ".join(Path(path).name for path in source.paths)
        if names == "path":
            return "in quotes"
        return Finding(
            f"The source reads `{names}`, but the function was given another file. Its "
            "argument `path` is the file to read."
        )
    bands = tuple(source.bands or (1, 2, 3, 4))
    if 0 in bands:
        return "from zero"
    if sorted(bands) != [1, 2, 3, 4]:
        return Finding(
            f"`bands` is {bands}. It must hold each of the numbers 1 to 4 once."
        )
    right = rasters.read_array(image_path)
    delivered = rasters.read_array(delivered_path)
    if np.array_equal(delivered[..., np.array(bands) - 1], right):
        return None
    known = {(1, 2, 3, 4): "as delivered", _DELIVERED: "there and back"}
    return known.get(bands, "other order")


def _small_delivery() -> tuple[Path, Path]:
    """A small scene, and a file with its bands in another order."""
    image_path = testing.small_scene()["input_10m"]
    image = rasters.read_array(image_path)
    path = testing.scratch_folder() / "delivered.tif"
    bands = np.array(_DELIVERED) - 1
    rasters.write_array(path, image[..., bands], rasters.read_grid(image_path))
    return image_path, path


def _source(bands: str) -> str:
    """Code of an answer to `mended_source` with other bands."""
    return _MENDED.replace("(2, 3, 4, 1)", bands)


mended_source = Exercise(
    name="mended_source",
    title="Bands in their order",
    question="""
        One of the patients needs no new training: its weights are good, but its bands of
        B came in another order. The training image has the bands B4, B3, B2, B8. The
        delivered file has them in the order B8, B4, B3, B2. `tl.Source(path, bands=…)` reads bands in the order that
        you name, by their numbers in the file, counted from 1. Write a function that
        gives the source that the network needs, for the path of such a file.
        """,
    answer_name="mended_source",
    stub="""
        def mended_source(path):
            return ...
        """,
    solution_code=_MENDED,
    judge=_judge_mended,
    mistakes={
        "as delivered": Mistake(
            code=_MENDED.replace(", bands=(2, 3, 4, 1)", ""),
            hint="This reads the bands as they are in the file: B8 comes first.",
        ),
        "there and back": Mistake(
            code=_source("(4, 1, 2, 3)"),
            hint="This moves the last band of the file to the front, as somebody did "
            "before. Name, for each band that you need, its place in the file.",
        ),
        "from zero": Mistake(
            code=_source("(1, 2, 3, 0)"),
            hint="Bands are counted from 1, as in GDAL and QGIS.",
        ),
        "other order": Mistake(
            code=_source("(4, 3, 2, 1)"),
            hint="The bands come in another order than B4, B3, B2, B8. Where in the file "
            "is B4?",
        ),
        "in quotes": Mistake(
            code=_MENDED.replace("Source(path", 'Source("path"'),
            hint='With quotes, `"path"` is the name of a file. The variable `path` has '
            "no quotes.",
        ),
        "only a path": Mistake(
            code="""
                def mended_source(path):
                    return path
                """,
            hint="This is a path, and says nothing of bands. `tl.Source` does.",
        ),
    },
    hints=(
        "The first band that the network needs is B4. Which band of the file is that?",
        "B4 is band 2 of the file, and B3 is band 3.",
        "`bands=(2, 3, …)` begins right; B8 comes last.",
    ),
    explanation="Nothing is copied: the bands are put into order while they are read.",
    imports="import tutorial_lib as tl",
    minutes=3,
    pairs=True,
)
