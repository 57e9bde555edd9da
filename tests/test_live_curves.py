"""The live figure: silent outside notebooks, one output that is updated inside."""

import math
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pytest
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot
from nbclient import NotebookClient

from tutorial_lib.training import LiveCurves
from tutorial_lib.viewers.curves import show_curves

NOTEBOOK = """
import numpy as np
import tutorial_lib as tl
import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile(loss="mse", metrics=["mae"])
live = tl.training.LiveCurves(["loss", "mae"], interval_s=0)
x, y = np.ones((4, 3)), np.ones((4, 2))
_ = model.fit(x, y, epochs=3, verbose=0, validation_split=0.5, callbacks=[live])
"""


def train(live):
    """Train a network of two weights for three epochs; the history of Keras."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss="mse", metrics=["mae"])
    x, y = np.ones((4, 3)), np.ones((4, 2))
    return model.fit(
        x, y, epochs=3, verbose=0, validation_split=0.5, callbacks=[live]
    ).history


def run(live, *epochs):
    """Call the callback as Keras does, for epochs with these values; the curves."""
    live.on_train_begin()
    for number, logs in enumerate(epochs):
        live.on_epoch_end(number, logs)
    live.on_train_end()
    return live.curves


@pytest.fixture
def outputs(monkeypatch):
    """What a notebook shows: a dictionary for each display and each update."""
    publisher = CapturingDisplayPublisher()
    shell = SimpleNamespace(kernel="a kernel", display_pub=publisher)
    monkeypatch.setattr(InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(InteractiveShell, "instance", lambda: shell)
    # The attribute that tells a kernel from IPython in a terminal.
    assert ZMQInteractiveShell.class_traits()["kernel"]
    return publisher.outputs


def test_a_notebook_shows_one_picture_and_updates_it(outputs):
    train(LiveCurves(["loss", "mae"], interval_s=0))
    assert [output["update"] for output in outputs] == [False, True, True]
    assert len({output["transient"]["display_id"] for output in outputs}) == 1
    last = outputs[-1]
    assert last["data"]["image/png"]
    # The tests of notebooks compare the plain text, so it has no number.
    assert last["data"]["text/plain"] == "Curves of this training, epoch by epoch."
    assert "Curves of 3 epochs: loss, mae." in last["metadata"]["image/png"]["alt"]
    assert not pyplot.get_fignums()


@pytest.mark.slow
def test_a_real_kernel_shows_one_picture_without_any_text():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert "Curves of 3 epochs: loss, mae." in output.metadata["image/png"]["alt"]


def test_outside_a_notebook_curves_are_recorded_and_nothing_is_shown(capsys):
    live = LiveCurves()
    assert train(live) == live.curves
    assert len(live.curves["val_mae"]) == 3
    assert capsys.readouterr() == ("", "")


def epochs_in(output):
    """Number of epochs that a picture shows, read from its alternative text."""
    return int(output["metadata"]["image/png"]["alt"].split()[2])


def test_short_epochs_are_drawn_at_intervals_and_the_last_one_always(outputs):
    run(LiveCurves(interval_s=3600), *[{"loss": n} for n in range(5)])
    assert [epochs_in(output) for output in outputs] == [1, 5]


def test_another_training_starts_another_figure(outputs):
    live = LiveCurves(interval_s=0)
    run(live, {"loss": 1}, {"loss": 2})
    assert run(live, {"loss": 3}) == {"loss": [3]}
    assert [epochs_in(output) for output in outputs] == [1, 2, 1]
    assert [output["update"] for output in outputs] == [False, True, False]


def test_by_default_the_loss_and_the_accuracies_are_drawn():
    live = LiveCurves()
    run(live, {"loss": 1, "accuracy": 0.5, "val_loss": 2, "recall_a": 1})
    assert live.plot().description.startswith("Curves of 1 epoch: loss, accuracy.")


def test_an_epoch_without_validation_leaves_a_gap():
    live = LiveCurves()
    curves = run(live, {"loss": 3}, {"loss": 2, "val_loss": 4}, {"loss": 1})
    assert curves["loss"] == [3, 2, 1]
    assert [math.isnan(value) for value in curves["val_loss"]] == [True, False, True]
    assert "smallest in epoch 2, 4" in live.plot().description


def test_curves_with_only_nan_have_no_best_epoch():
    nan = float("nan")
    figure = show_curves({"loss": [nan, nan], "val_loss": [nan, nan]})
    assert figure.description == "Curves of 2 epochs: loss."


def test_an_unknown_curve_is_an_error_that_lists_the_recorded_ones():
    with pytest.raises(ValueError, match="no curve 'mae' to draw"):
        run(LiveCurves(["mae"]), {"loss": 1, "val_loss": 2})
    with pytest.raises(ValueError, match="no curves yet"):
        LiveCurves().plot()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"names": "loss"}, TypeError),
        ({"names": 3}, TypeError),
        ({"names": [3]}, TypeError),
        ({"names": []}, ValueError),
        ({"interval_s": None}, TypeError),
        ({"interval_s": -1}, ValueError),
        ({"interval_s": float("nan")}, ValueError),
    ],
)
def test_wrong_arguments_are_named(options, error):
    with pytest.raises(error, match=f"`{next(iter(options))}` is"):
        LiveCurves(**options)
