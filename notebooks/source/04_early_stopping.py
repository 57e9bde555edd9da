# %% [markdown]
# # Early stopping
#
# A training that goes on for too long makes a network worse on new ground. When should it
# stop? Nobody knows beforehand. But you can watch the curves, and decide after each
# epoch.
#
# **Afterwards you can**
#
# - name the best epoch of a training,
# - say when early stopping ends a training, and why,
# - use `EarlyStopping` of Keras, and choose its arguments,
# - tell which weights a model has after it was stopped,
# - try settings on recorded curves, without training again,
# - watch the scores of single classes, in the notebook and in TensorBoard.
#
# **Needs** about 45 minutes of your time, seconds of computing and 1.0 GB of memory; no
# internet. The network is the one of [03](03_pixelwise_fcnn.ipynb).

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import shutil
import keras
import numpy as np
import pandas
from tutorial_lib import recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb04_early_stopping as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "04_early_stopping"
patches_a_class = 60
most_epochs = 40
seed = 0

# %% [markdown]
# ## A training that was too long
#
# These curves were recorded with the network of 03 and only 60 patches of each class.
# **Where would you have stopped, without knowing what comes?**

# %%
curves = recorded.read_history("fcnn_few")
tl.show_curves(curves)

# %% [markdown]
# **What you see.** `loss` and `accuracy` are measured on area A, where the network
# learns; their `val_` curves on area B. The loss on A falls nearly to the end. The loss
# on B falls, goes up and down, and is higher in the end than in its best epoch. This is
# [overfitting](glossary.md#overfitting).

# %% exercise="best_epoch"

# %%
best_epoch = ex.best_epoch.answer()
val_loss = curves["val_loss"]
best = int(best_epoch(val_loss))
print(f"the best of {len(val_loss)} epochs: {best}")
print(f"loss on B: {val_loss[best - 1]:.2f} then, {val_loss[-1]:.2f} at the end")

# %% [markdown]
# ## The rule
#
# You know the best epoch only because you know the curve to its end. While a training
# runs, a rule must decide. [Early stopping](glossary.md#early-stopping) ends it when the
# loss on B does not become smaller any more.
#
# A single bad epoch should not end it. So the rule waits for some epochs. Their number is
# its [patience](glossary.md#patience).

# %% exercise="epochs_run"

# %% [markdown]
# **How many epochs of the curve above will run with a patience of 1?** Look at the figure
# again, then run the cell.

# %%
epochs_run = ex.epochs_run.answer()
rows = []
for waited in (1, 2, 5, 10, 20):
    ran = int(epochs_run(val_loss, waited))
    best = int(best_epoch(val_loss[:ran]))
    rows.append((waited, ran, best, min(val_loss[:ran])))
names = ["patience", "epochs that run", "best of them", "its loss on B"]
pandas.DataFrame(rows, columns=names).set_index("patience").round(3)

# %% [markdown]
# **What you see.** With little patience the first wave ends the training. With much
# patience it runs long after the best epoch, which costs time.
#
# The kit has this rule too, with all arguments of Keras. It *replays* what Keras would
# have done on recorded curves. Do your function and the replay agree?

# %% tags=["nbval-check-output"]
for waited in (1, 2, 5, 10):
    replay = tl.training.replay_early_stopping(curves, patience=waited)
    agree = replay.epochs_run == epochs_run(val_loss, waited)
    print(f"patience {waited:2}: {'both agree' if agree else 'they differ'}")

# %% exercise="patience"

# %%
patience = ex.patience.answer(curves=curves)
tl.training.replay_early_stopping(curves, patience=patience)

# %% [markdown]
# You could choose this number because you know the curve to its end. In a real training
# nobody does. So people take a little more patience than they think they need.
#
# ## The callback
#
# Keras calls a [callback](glossary.md#callback) after each epoch. The one for this rule
# is `EarlyStopping`.

# %% exercise="make_stopping"

# %% [markdown]
# Now train with it. The patches are few, as in the recorded training: from each class of
# area A, 60 patches. Area B validates.

# %% tags=["nbval-check-output"]
legend = tl.read_legend(scene / "terrain_truth_a.tif")
patches = recipes.cut_patches(scene, work)
few = tl.extract_patches(
    {"input": scene / "s2_10m.tif"},
    tl.select_positions(
        scene / "terrain_truth_a.tif", count=patches_a_class, margin=8, seed=seed
    ),
    sizes={"input": 16},
    out_dir=work,
    prefix="few_",
)
statistics = tl.band_statistics(few)
print(few.count, "patches of A train,", patches["b"].count, "of B validate")

# %% [markdown]
# Each run starts from the same weights and sees the patches in the same order. So only
# the callback makes a difference.
#
# The tutorial of the Orfeo ToolBox watches precision, recall and F-score of each class
# during the training, by 18 [metrics](glossary.md#metric) in `compile`. `ClassMetrics`
# does this with one. `LiveCurves` draws while the training runs, and the curves also go
# to a folder for TensorBoard.


# %%
def run(name, stopping):
    """Train with a callback for early stopping; the model and its curves."""
    keras.utils.set_random_seed(seed)
    training = {"a": few, "b": patches["b"], "c": patches["c"]}
    train, _, _ = recipes.datasets(training, class_count=len(legend))
    # Larger batches are quicker where nothing is learnt.
    _, valid, _ = recipes.datasets(training, class_count=len(legend), batch_size=300)
    model = tl.architectures.pixelwise_fcnn(len(legend), statistics=statistics)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss={"estimated": keras.losses.CategoricalCrossentropy()},
        metrics={"estimated": [tl.training.ClassMetrics(legend.names)]},
    )
    # TensorBoard would join the curves of this run with those of an older one.
    shutil.rmtree(work / "logs" / name, ignore_errors=True)
    logs = keras.callbacks.TensorBoard(work / "logs" / name)
    callbacks = [stopping, logs, tl.training.LiveCurves()]
    options = {"epochs": most_epochs, "verbose": 0, "callbacks": callbacks}
    history = model.fit(train, validation_data=valid, **options)
    return model, history.history


# %% [markdown]
# First without any argument: the patience is then 0. **After how many epochs will it
# stop?** (The first picture comes after some seconds.)

# %%
hasty, hasty_curves = run("hasty", keras.callbacks.EarlyStopping())

# %% [markdown]
# **What you see.** It stops at the first epoch that is not better than the best one. In
# Keras, a patience of 0 and one of 1 do the same. Now your callback, with the same start.

# %%
make_stopping = ex.make_stopping.answer()
patient, patient_curves = run("patient", make_stopping())
for name, losses in {"hasty": hasty_curves, "patient": patient_curves}.items():
    losses = losses["val_loss"]
    best = int(best_epoch(losses))
    print(f"{name}: {len(losses)} epochs, the best is {best}, ", end="")
    print(f"with a loss on B of {min(losses):.2f}")

# %% [markdown]
# **What you see.** The patient run is at least as long, and its best loss is at least as
# small. If the recorded curve at the top went lower, a patience of 3 was too small.
#
# ## Which weights are kept?
#
# When a training stops, some epochs have passed since the best one. **Which loss will
# each of the two models have now: that of its last epoch, or that of its best one?**

# %%
_, valid, _ = recipes.datasets(patches, class_count=len(legend))
rows = {}
for name, model, losses in (
    ("hasty", hasty, hasty_curves["val_loss"]),
    ("patient", patient, patient_curves["val_loss"]),
):
    now = model.evaluate(valid, verbose=0, return_dict=True)["loss"]
    rows[name] = now, losses[-1], min(losses)
columns = ["loss on B now", "of its last epoch", "of its best epoch"]
pandas.DataFrame(rows, index=columns).T.round(4)

# %% [markdown]
# **What you see.** Without `restore_best_weights` a model keeps its last weights. They
# are not the best ones: a worse epoch ended the training. With it, the weights of the
# best epoch come back.
#
# A `ModelCheckpoint` that writes the best epoch to a file, as in 03, does the same. Its
# file also survives a power cut.
#
# ## Class by class
#
# `ClassMetrics` has kept the scores of every class in every epoch. Here is the
# [F-score](glossary.md#f-score) of each class on B. **Will all classes be best in the
# same epoch?**

# %%
best = int(best_epoch(patient_curves["val_loss"]))
epochs = {"first": 0, "best": best - 1, "last": -1}
f_scores = pandas.DataFrame(
    {
        f"{title} epoch": [patient_curves[f"val_f_score_{x}"][i] for x in legend.names]
        for title, i in epochs.items()
    },
    index=legend.names,
)
f_scores["best in epoch"] = [
    int(np.argmax(patient_curves[f"val_f_score_{x}"])) + 1 for x in legend.names
]
f_scores.round(2)

# %% [markdown]
# **What you see.** The classes have their best scores in different epochs. The loss is
# one number for all of them, and the rule watches this number.
#
# ## Other settings
#
# - `min_delta`: the smallest gain that counts. A gain of almost nothing is hardly worth
#   an epoch.
# - `start_from_epoch`: the epochs before it are not watched. They are often restless.
# - `monitor`: another curve to watch.
#
# These settings are tried on the recorded curves. **With which of them will the training
# run longest?**

# %%
settings = {
    "the loss on B, patience 5": {"patience": 5},
    "the same, gains of 0.05 at least": {"patience": 5, "min_delta": 0.05},
    "the loss on B, patience 2": {"patience": 2},
    "the same, after epoch 10": {"patience": 2, "start_from_epoch": 10},
    "the accuracy on B, patience 5": {"patience": 5, "monitor": "val_accuracy"},
    "the loss on A, patience 5": {"patience": 5, "monitor": "loss"},
}
rows = {}
for name, options in settings.items():
    replay = tl.training.replay_early_stopping(curves, **options)
    rows[name] = replay.epochs_run, replay.best_epoch, val_loss[replay.best_epoch - 1]
columns = ["epochs that run", "best by this rule", "its loss on B"]
pandas.DataFrame.from_dict(rows, orient="index", columns=columns).round(2)

# %% [markdown]
# **What you see.** Watching the loss on A, the training runs longest. The loss on A keeps
# falling even when the network no longer improves on new ground. So it cannot tell you
# when to stop. And the epoch of the best accuracy need not be the one of the best loss.
#
# Now try your own settings. Nothing is trained: it is the replay. **Watching `val_loss`,
# which setting saves most epochs and still finds the best one?**

# %%
tl.explore_stopping({"60 patches a class": curves,
                     "and turned": recorded.read_history("fcnn_few_turned"),
                     "all patches": recorded.read_history("fcnn_havel")})  # fmt: skip

# %% [markdown]
# ## TensorBoard
#
# [TensorBoard](glossary.md#tensorboard) shows the curves of many runs. Tick both runs on
# the left, and look for *epoch_loss*: each run has a curve for A (*train*) and one for B
# (*validation*). The scores of the classes are there too.

# %%
tl.show_tensorboard(work / "logs")

# %% [markdown]
# ## Open task
#
# Set `patches_a_class` to 30 or to 200, and run all cells again (*Kernel*, *Restart
# Kernel and Run All Cells*). When does your callback stop now? How good is the best
# epoch?
#
# ## Summary
#
# - Early stopping compares each epoch with the best one so far, and waits.
# - Patience must be longer than the waves of the curve.
# - Without `restore_best_weights`, or a checkpoint, the last weights are kept.
# - Watch a curve that is measured where the network does not learn.
# - You can try settings on recorded curves, without training.
#
# **Further reading.** The arguments in Keras's own words:
# [EarlyStopping](https://keras.io/api/callbacks/early_stopping/). How much patience pays:
# Prechelt, [Early stopping, but when?](https://doi.org/10.1007/978-3-642-35289-8_5)
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [05](05_mapping_a_scene.ipynb) the network maps the whole scene.
