"""The live figure: silent outside notebooks, one output that renews itself inside."""

import math

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tutorial_lib.training import LiveCurves
from tutorial_lib.viewers.curves import show_curves

NOTEBOOK = """
import numpy as np
from matplotlib import pyplot
import tutorial_lib as tl
import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile(loss="mse", metrics=["mae"])
live = tl.training.LiveCurves(["loss", "mae"], interval_s=0)
x, y = np.ones((4, 3)), np.ones((4, 2))
_ = model.fit(x, y, epochs=3, verbose=0, validation_split=0.5, callbacks=[live])
assert len(live.curves["val_mae"]) == 3
assert not pyplot.get_fignums()
"""


def run(live, *epochs):
    live.on_train_begin()
    for number, logs in enumerate(epochs):
        live.on_epoch_end(number, logs)
    live.on_train_end()
    return live.curves


def test_a_notebook_shows_one_picture_without_any_text():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data["image/png"]
    # What tests of notebooks compare has no number in it; the alternative text does.
    assert output.data["text/plain"] == "Curves of this training, epoch by epoch."
    alternative = output.metadata["image/png"]["alt"]
    assert "Curves of 3 epochs: loss, mae." in alternative


def test_curves_are_collected_silently_outside_a_notebook(capsys):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss="mse")
    live = LiveCurves()
    x, y = np.ones((4, 3)), np.ones((4, 2))
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[live]).history
    assert live.curves == history
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def drawn(monkeypatch):
    """Curves given to `show_curves`, as if in a notebook."""
    drawn = []
    monkeypatch.setattr(
        "tutorial_lib.training.live_curves._shows_pictures", lambda: True
    )
    monkeypatch.setattr(
        "tutorial_lib.viewers.curves.show_curves",
        lambda curves: (
            drawn.append({k: list(v) for k, v in curves.items()}) or show_curves(curves)
        ),
    )
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: Handle())
    return drawn


class Handle:
    def update(self, *args, **options):
        pass


def test_by_default_the_loss_and_the_accuracies_are_drawn(drawn):
    run(LiveCurves(), {"loss": 1, "accuracy": 0.5, "val_loss": 2, "recall_a": 1})
    assert set(drawn[-1]) == {"loss", "val_loss", "accuracy"}


def test_short_epochs_are_drawn_at_intervals_and_the_last_one_always(drawn):
    run(LiveCurves(interval_s=3600), *[{"loss": n} for n in range(5)])
    assert [len(curves["loss"]) for curves in drawn] == [1, 5]


def test_another_training_starts_another_figure(drawn):
    live = LiveCurves()
    run(live, {"loss": 1}, {"loss": 2})
    assert run(live, {"loss": 3}) == {"loss": [3]}
    assert [len(curves["loss"]) for curves in drawn] == [1, 2, 1]


def test_epochs_without_a_validation_leave_a_gap():
    curves = run(LiveCurves(), {"loss": 3}, {"loss": 2, "val_loss": 4}, {"loss": 1})
    assert curves["loss"] == [3, 2, 1]
    assert [math.isnan(value) for value in curves["val_loss"]] == [True, False, True]
    assert "smallest in epoch 2, 4" in show_curves(curves).description


def test_curves_that_are_only_nan_are_drawn_without_a_best_epoch():
    nan = float("nan")
    figure = show_curves({"loss": [nan, nan], "val_loss": [nan, nan]})
    assert figure.description == "Curves of 2 epochs: loss."


def test_an_unknown_curve_is_an_error_that_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no curve 'mae' to draw. There are: loss"):
        run(LiveCurves(["mae"]), {"loss": 1, "val_loss": 2})
    with pytest.raises(TypeError, match=r"list of names. Received: 'loss'"):
        LiveCurves("loss")
