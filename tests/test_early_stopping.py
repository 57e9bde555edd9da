"""The replay compared with the callback of Keras, on given and on random curves."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutorial_lib.training import ClassMetrics, StoppingReplay, replay_early_stopping

# Few values, so that ties, small gains and NaN are common. No subnormal numbers:
# TensorFlow treats them as zero.
VALUES = [0.5, 0.5005, 0.51, 0.55, 0.6, 0.9, -0.1, float("nan"), float("inf")]
CURVES = st.lists(
    st.sampled_from(VALUES) | st.floats(-2, 2, width=32, allow_subnormal=False),
    min_size=1,
    max_size=14,
)
SETTINGS = st.fixed_dictionaries(
    {
        "patience": st.integers(0, 4),
        "min_delta": st.sampled_from([0, 0.001, 0.05, -0.05]),
        "mode": st.sampled_from(["auto", "min", "max"]),
        "baseline": st.sampled_from([None, 0.52, 1]),
        "restore_best_weights": st.booleans(),
        "start_from_epoch": st.integers(0, 5),
    }
)


class EpochAsWeights:
    """Stands for a model. Its weights are the number of the epoch."""

    def __init__(self):
        self.epoch, self.stop_training, self.metrics = 0, False, []

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.epoch = weights


def run_keras(curves, model=None, **options):
    """The callback, the number of epochs that ran, and the weights at the end."""
    callback = keras.callbacks.EarlyStopping(**options)
    model = model or EpochAsWeights()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(len(next(iter(curves.values())))):
        model.epoch = epoch + 1
        callback.on_epoch_end(epoch, {name: v[epoch] for name, v in curves.items()})
        if model.stop_training:
            break
    callback.on_train_end()
    return callback, epoch + 1, model.epoch


@settings(max_examples=300, deadline=None)
@given(curve=CURVES, options=SETTINGS)
def test_the_replay_equals_keras(curve, options):
    callback, epochs_run, kept = run_keras({"val_loss": curve}, **options)
    replay = replay_early_stopping({"val_loss": curve}, **options)
    assert (replay.epochs_run, replay.kept_epoch) == (epochs_run, kept)
    assert (replay.stopped_epoch or 0) == (
        callback.stopped_epoch + 1 if callback.stopped_epoch else 0
    )
    if replay.best_epoch is None:
        assert len(curve) <= options["start_from_epoch"]
        assert replay.best_value is None
    else:
        assert replay.best_epoch == callback.best_epoch + 1
        assert replay.best_value == pytest.approx(callback.best, nan_ok=True)


@pytest.mark.parametrize(
    "metric",
    [
        keras.metrics.CategoricalAccuracy(name="accuracy"),
        keras.metrics.CategoricalAccuracy(),
        keras.metrics.TopKCategoricalAccuracy(),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall_3"),
        keras.metrics.AUC(name="auc"),
        keras.metrics.F1Score(average="macro"),
        ClassMetrics(("a", "b", "c")),
        keras.metrics.MeanSquaredError(),
        keras.metrics.RootMeanSquaredError(),
        keras.metrics.CategoricalCrossentropy(),
    ],
    ids=lambda metric: metric.name,
)
def test_auto_knows_from_the_name_what_keras_asks_the_metric(metric):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    model.compile(loss="mse", metrics=[metric])
    model.test_on_batch(np.ones((1, 3)), np.eye(3)[:1])
    name = f"val_{metric.name}"
    curves = {name: [0.5, 0.6, 0.7, 0.4, 0.3]}
    _, epochs_run, _ = run_keras(curves, model, monitor=name)
    assert replay_early_stopping(curves, monitor=name).epochs_run == epochs_run


@pytest.mark.parametrize("name", ["val_precision_water", "estimated_loss", "kappa"])
def test_auto_is_an_error_for_the_names_that_keras_does_not_know(name):
    curves = {name: [0.5, 0.6]}
    with pytest.raises(ValueError, match="mode='max'"):
        run_keras(curves, monitor=name)
    with pytest.raises(ValueError, match=f"'{name}' does not say"):
        replay_early_stopping(curves, monitor=name)
    assert replay_early_stopping(curves, monitor=name, mode="max").best_epoch == 2


def test_patience_zero_and_one_stop_at_the_first_epoch_without_a_gain():
    curves = {"val_loss": [1.0, 0.8, 0.8, 0.7, 0.6]}
    zero, one = (replay_early_stopping(curves, patience=n) for n in (0, 1))
    assert zero == one
    assert zero == StoppingReplay("val_loss", 5, 3, 3, 2, 0.8, 3)
    assert zero.epochs_saved == 2


def test_the_best_epoch_is_restored_also_when_training_did_not_stop():
    curves = {"val_loss": [1.0, 0.8, 0.9]}
    replay = replay_early_stopping(curves, patience=5, restore_best_weights=True)
    assert replay.stopped_epoch is None
    assert (replay.epochs_run, replay.kept_epoch) == (3, 2)


def test_gains_below_min_delta_are_not_improvements():
    curves = {"val_loss": [1.0, 0.95, 0.90, 0.85]}
    assert replay_early_stopping(curves).epochs_run == 4
    assert replay_early_stopping(curves, min_delta=0.07).epochs_run == 2
    # Two gains of 0.05 together are more than 0.07.
    patient = replay_early_stopping(curves, min_delta=0.07, patience=2)
    assert patient.best_epoch == 3


def test_differences_below_the_precision_of_float32_are_not_improvements():
    curves = {"val_loss": [0.3, 0.3 - 1e-9, 0.2]}
    assert run_keras(curves)[1] == replay_early_stopping(curves).epochs_run == 2


def test_first_epochs_are_not_watched():
    curves = {"val_loss": [0.1, 0.9, 0.8, 0.85]}
    assert replay_early_stopping(curves).best_epoch == 1
    late = replay_early_stopping(curves, start_from_epoch=1)
    assert (late.best_epoch, late.stopped_epoch) == (3, 4)


def test_the_text_of_a_replay_says_when_it_stops_and_what_is_kept():
    curves = {"val_loss": [1.0, 0.8, 0.9, 0.7]}
    text = repr(replay_early_stopping(curves, restore_best_weights=True))
    assert max(map(len, text.splitlines())) <= 80
    assert text.replace("\n", " ") == (
        "Stopped after epoch 3 of 4. `val_loss` was best in epoch 2, 0.8. The model "
        "keeps the weights of epoch 2."
    )
    never = repr(replay_early_stopping(curves, start_from_epoch=9))
    assert never.replace("\n", " ") == (
        "Never stopped: all 4 epochs run. `val_loss` was not watched. The model keeps "
        "the weights of epoch 4."
    )


def test_an_unknown_curve_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'val_acc' .* accuracy, loss"):
        replay_early_stopping({"loss": [1], "accuracy": [1]}, monitor="val_acc")


def test_curves_with_missing_epochs_are_an_error():
    with pytest.raises(ValueError, match=r"'val_loss' has 2 epochs and others have 4"):
        replay_early_stopping({"loss": [4, 3, 2, 1], "val_loss": [2, 1]})


def test_an_empty_curve_and_an_unknown_mode_are_errors():
    with pytest.raises(ValueError, match="'val_loss' is empty"):
        replay_early_stopping({"val_loss": []})
    with pytest.raises(ValueError, match="`mode` is 'down'"):
        replay_early_stopping({"val_loss": [1]}, mode="down")


CURVES = {"loss": [1, 2], "val_loss": [3, 2]}


@pytest.mark.parametrize("history", [None, [], "loss", [1, 2], {1: [2, 3]}])
def test_a_history_of_another_form_is_a_type_error(history):
    with pytest.raises(TypeError, match=r"`history` (is|has) .* Give a dictionary"):
        replay_early_stopping(history)


@pytest.mark.parametrize(
    "values", [None, 3, "12", ["1", "2"], [[1, 2]], [1, None], [[1], [2, 3]], [1j, 2]]
)
@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_a_curve_of_another_form_is_a_type_error(name, values):
    with pytest.raises(TypeError, match=f"The curve '{name}' is .* one number for"):
        replay_early_stopping(CURVES | {name: values})


def test_what_fit_returns_and_arrays_are_as_good_as_lists():
    history = keras.callbacks.History()
    history.history = {name: np.float32(values) for name, values in CURVES.items()}
    assert replay_early_stopping(history) == replay_early_stopping(CURVES)
    assert replay_early_stopping(CURVES, patience=np.int64(0)).best_epoch == 2


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("monitor", None, TypeError),
        ("monitor", ["val_loss"], TypeError),
        ("patience", -1, ValueError),
        ("patience", 1.5, ValueError),
        ("patience", "3", TypeError),
        ("patience", None, TypeError),
        ("min_delta", "0", TypeError),
        ("min_delta", float("nan"), ValueError),
        ("mode", None, ValueError),
        ("baseline", "low", TypeError),
        ("baseline", float("nan"), ValueError),
        ("restore_best_weights", "no", TypeError),
        ("start_from_epoch", -1, ValueError),
        ("start_from_epoch", None, TypeError),
    ],
)
def test_wrong_settings_are_named(name, value, error):
    with pytest.raises(error, match=rf"`{name}` is .*Give .*\.$"):
        replay_early_stopping(CURVES, **{name: value})
