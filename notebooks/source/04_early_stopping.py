# %% [markdown]
# # Early stopping
#
# A network that trains for too long learns its patches by heart, and becomes worse
# everywhere else. When should it stop? Nobody knows beforehand; but one can watch, and
# decide epoch by epoch.
#
# **Afterwards you can**
#
# - say when a training stops, and why,
# - use `EarlyStopping` of Keras, and choose its arguments,
# - tell which weights a model has when it was stopped,
# - try settings on recorded curves, without training again,
# - look at curves in the notebook and in TensorBoard.
#
# **Needs** about 45 minutes of yours, a minute of computing, 0.9 GB of memory, no
# internet. The network is the one of [03](03_pixelwise_fcnn.ipynb).

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas

from tutorial_lib import recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb04_early_stopping as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
havel = find_data("havel")
work = havel.parent / "work" / "04_early_stopping"
most_epochs = 9

# %% [markdown]
# ## A training that was too long
#
# These curves were recorded with the pixel-wise network on the patches of the Havel. The
# figure marks the smallest loss of the validation. **After which epoch would you have
# stopped, not knowing what comes?**

# %%
curves = recorded.read_history("fcnn_havel")
tl.show_curves(curves)

# %% [markdown]
# The loss on the training patches falls nearly to the end. On the validation patches it
# goes up and down, and after the marked epoch it is never as low again. A rule must not
# be misled by a single bad epoch. So it has **patience**.

# %% exercise="epochs_run"

# %%
epochs_run = ex.epochs_run.answer()

# %% [markdown]
# **Before you run the cell: how many epochs will run with a patience of 1?** Look at the
# figure again.

# %%
val_loss = curves["val_loss"]
rows = []
for waited in (1, 2, 5, 10):
    ran = epochs_run(val_loss, waited)
    best = int(np.argmin(val_loss[:ran])) + 1
    rows.append((waited, ran, best, min(val_loss[:ran])))
names = ["patience", "epochs that run", "best of them", "its loss"]
pandas.DataFrame(rows, columns=names).set_index("patience").round(3)

# %% [markdown]
# The kit has this rule too, with all the arguments of Keras. It *replays* what Keras
# would have done on recorded curves. Your function must agree with it.

# %% tags=["nbval-check-output"]
for waited in (1, 2, 5, 10):
    replay = tl.training.replay_early_stopping(curves, patience=waited)
    assert replay.epochs_run == epochs_run(val_loss, waited)
print("your function and the replay agree")
tl.training.replay_early_stopping(curves, patience=5)

# %% [markdown]
# Too little patience stops at the first wave. Too much wastes time.

# %% exercise="patience"

# %% tags=["nbval-check-output"]
patience = ex.patience.answer(curves=curves)
enough = tl.training.replay_early_stopping(curves, patience=patience)
assert enough.best_epoch == int(np.argmin(val_loss)) + 1
print(
    f"patience {patience}: {enough.epochs_run} epochs run, {enough.epochs_saved} saved"
)

# %% [markdown]
# You could choose it because you know the curve to its end. In a real training nobody
# does. That is why people take a little more than they think they need.
#
# ## The callback
#
# Keras calls a *callback* after each epoch. The one for this is `EarlyStopping`.

# %% exercise="make_stopping"

# %% [markdown]
# Now live. The patches are cut as in the notebooks before; area A trains, B validates.

# %% tags=["nbval-check-output"]
legend = tl.read_legend(havel / "terrain_truth_a.tif")
patches = recipes.cut_patches(havel, work)
{area: cut.count for area, cut in patches.items()}

# %% [markdown]
# Each run starts from the same weights and sees the patches in the same order, so that
# only the callback makes a difference. The curves also go to a folder, for TensorBoard.


# %%
def run(name, stopping):
    """Train with a callback for early stopping; the model and its curves."""
    keras.utils.set_random_seed(0)
    train, valid = recipes.datasets(patches, class_count=len(legend))
    model = tl.architectures.pixelwise_fcnn(len(legend))
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
    )
    logs = keras.callbacks.TensorBoard(work / "logs" / name)
    live = tl.training.LiveCurves()
    history = model.fit(
        train,
        validation_data=valid,
        epochs=most_epochs,
        verbose=0,
        callbacks=[stopping, logs, live],
    )
    return model, history.history


# %% [markdown]
# First without any argument. **What does a patience of 0 mean?** (The first picture
# comes after the first epoch: wait some seconds.)

# %%
hasty, hasty_curves = run("hasty", keras.callbacks.EarlyStopping())

# %% [markdown]
# It stops at the first epoch that is not better than the best one. In Keras, a patience
# of 0 and one of 1 do the same. Now yours, with the same start.

# %%
make_stopping = ex.make_stopping.answer()
patient, patient_curves = run("patient", make_stopping())

# %% tags=["nbval-check-output"]
assert len(hasty_curves["loss"]) <= len(patient_curves["loss"])
assert min(patient_curves["val_loss"]) <= min(hasty_curves["val_loss"]) + 1e-6
print("patience: at least as many epochs, and a best loss that is at least as good")

# %% [markdown]
# ## Which weights are kept?
#
# When training stops, some epochs have passed since the best one. **Which loss will each
# of the two models have now: that of its last epoch, or that of its best one?**

# %%
_, valid = recipes.datasets(patches, class_count=len(legend))
rows = [
    (name, model.evaluate(valid, verbose=0), losses[-1], min(losses))
    for name, model, losses in (
        ("hasty", hasty, hasty_curves["val_loss"]),
        ("patient", patient, patient_curves["val_loss"]),
    )
]
names = ["run", "loss now", "of the last epoch", "of the best epoch"]
pandas.DataFrame(rows, columns=names).set_index("run").round(4)

# %% tags=["nbval-check-output"]
assert np.isclose(rows[0][1], rows[0][2], rtol=1e-3)
assert np.isclose(rows[1][1], rows[1][3], rtol=1e-3)
print("hasty has its last weights, patient its best ones")

# %% [markdown]
# Without `restore_best_weights` the model keeps its last weights, which are *not* the
# best ones: that is what stopped it. A `ModelCheckpoint` that saves the best epoch to a
# file, as in notebook 03, makes up for it, and survives a power cut too.
#
# With `restore_best_weights` the best ones come back, even when `most_epochs` are over
# before the patience is.
#
# ## Other settings
#
# A gain of almost nothing is hardly worth an epoch. `min_delta` says how much counts.

# %% exercise="count_gains"

# %%
count_gains = ex.count_gains.answer()
rows = []
for min_delta in (0, 0.02, 0.05, 0.1):
    replay = tl.training.replay_early_stopping(curves, patience=3, min_delta=min_delta)
    gains = count_gains(val_loss, min_delta)
    rows.append((min_delta, gains, replay.epochs_run, replay.best_epoch))
names = ["min_delta", "gains in all", "epochs that run", "best epoch"]
pandas.DataFrame(rows, columns=names).set_index("min_delta")

# %% [markdown]
# Two more: `start_from_epoch=5` does not look at the first 5 epochs, which are restless;
# and `monitor` may be another curve. **Is the epoch of the best loss also the one of the
# best accuracy?**

# %%
settings = {
    "the loss, patience 2": {"patience": 2},
    "the same, after 5 epochs": {"patience": 2, "start_from_epoch": 5},
    "the accuracy, patience 5": {"patience": 5, "monitor": "val_accuracy"},
    "the loss of training, patience 5": {"patience": 5, "monitor": "loss"},
}
for name, options in settings.items():
    print(f"{name}: {tl.training.replay_early_stopping(curves, **options)}")

# %% tags=["nbval-check-output"]
most_accurate = int(np.argmax(curves["val_accuracy"])) + 1
print(f"of all epochs, {enough.best_epoch} has the best loss on validation, and")
print(f"{most_accurate} the best accuracy: they need not be the same")
watched = tl.training.replay_early_stopping(curves, patience=5, monitor="loss")
assert watched.stopped_epoch is None
print(
    "with a patience of 5, the loss of training never stops it: it cannot tell the time"
)

# %% [markdown]
# Now play: move patience and `min_delta`, choose another curve to watch. **Watching
# `val_loss`, which setting saves most epochs and keeps the best weights?** (Nothing is
# trained: it is the replay.)

# %%
tl.explore_stopping({"one source": curves,
                     "two sources": recorded.read_history("dual_source_havel")})  # fmt: skip

# %% [markdown]
# ## TensorBoard
#
# TensorBoard shows the curves of many runs in the browser. The logs are there; in a
# terminal (*File*, *New*, *Terminal*, in the folder `data` of the kit) this starts it:
#
#     tensorboard --logdir work/04_early_stopping/logs
#
# Then open the address that it prints. Both runs are listed; *epoch_loss* has two curves
# for each of them, and the hasty one is shorter. What the files hold is what Keras
# reported:

# %%
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray


def logged(name, part):
    """Losses that TensorBoard shows of a run, epoch by epoch."""
    # The folder may hold the logs of earlier runs too; the newest file is this run's.
    files = sorted((work / "logs" / name / part).glob("events*"))
    events = EventAccumulator(str(files[-1]), size_guidance={"tensors": 0})  # all
    events.Reload()
    return [make_ndarray(e.tensor_proto).item() for e in events.Tensors("epoch_loss")]


# %% tags=["nbval-check-output"]
shown = logged("patient", "validation")
assert np.allclose(shown, patient_curves["val_loss"], rtol=1e-4)
print("TensorBoard and the history show the same losses")

# %% [markdown]
# ## Summary
#
# - Early stopping compares each epoch with the best one so far, and waits.
# - Patience must be longer than the waves of the curve.
# - Without `restore_best_weights`, or a checkpoint, the last weights are kept.
# - What is watched must be measured where the network does not learn.
# - Settings can be tried on recorded curves, in no time.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [05](05_mapping_a_scene.ipynb) the network maps the whole scene.
