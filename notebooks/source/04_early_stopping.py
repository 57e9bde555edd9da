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
# - say when early stopping ends a training, and which weights are left,
# - use `EarlyStopping` of Keras, and choose its arguments,
# - make more of few labels, and say when a turned patch is wrong,
# - tell from its curves what is wrong with a training.
#
# **Needs** about 45 minutes of your time, seconds of computing and 1.1 GB of memory; no
# internet. The network is the one of [03](03_pixelwise_fcnn.ipynb).

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import shutil
import keras
import numpy as np
import pandas
from tutorial_lib import rasters, recorded
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
# These curves were recorded with the network of 03 and only 60 patches of each class. Here
# are their first epochs. `loss` and `accuracy` are measured on area A, where the network
# learns; their `val_` curves on area B. **Would you stop here?**

# %%
curves = recorded.read_history("fcnn_few")
tl.show_curves({name: values[:8] for name, values in curves.items()})

# %% exercise="best_epoch"

# %%
best_epoch = ex.best_epoch.answer()
val_loss = curves["val_loss"]
best = int(best_epoch(val_loss))
print(f"the best of {len(val_loss)} epochs: {best}")
print(f"loss on B: {val_loss[best - 1]:.2f} then, {val_loss[-1]:.2f} at the end")
tl.show_curves(curves)

# %% [markdown]
# **What you see.** The best epoch was still to come. The loss on A falls nearly to the
# end. The loss on B falls, goes up and down, and is higher in the end than in its best
# epoch. This is [overfitting](glossary.md#overfitting).
#
# ## The rule
#
# You know the best epoch only because you know the curve to its end. While a training
# runs, a rule must decide. [Early stopping](glossary.md#early-stopping) ends it when the
# loss on B does not become smaller any more.
#
# A single bad epoch should not end it. So the rule waits for some epochs. Their number is
# its [patience](glossary.md#patience).

# %% exercise="epochs_run"

# %%
epochs_run = ex.epochs_run.answer()
waited = 3  # try other numbers, and run the cell again
ran = int(epochs_run(val_loss, waited))
print(f"with a patience of {waited}, {ran} epochs run")

# %% exercise="patience"

# %%
rows = []
for waited in (1, 2, 4, 5, 10, 20):
    ran = int(epochs_run(val_loss, waited))
    best = int(best_epoch(val_loss[:ran]))
    by_keras = tl.training.replay_early_stopping(curves, patience=waited).epochs_run
    rows.append((waited, ran, by_keras, best, min(val_loss[:ran])))
names = ["patience", "epochs that run", "in Keras", "best of them", "its loss on B"]
ex.patience.reveal(pandas.DataFrame(rows, columns=names).set_index("patience").round(3))

# %% [markdown]
# **What you see.** With little patience the first wave ends the training. With much
# patience it runs long after the best epoch, which costs time. The column *in Keras* is
# from the kit: it *replays* what Keras would have done on recorded curves.
#
# ## The callback
#
# Keras calls a [callback](glossary.md#callback) after each epoch. The one for this rule
# is `EarlyStopping`.

# %% exercise="make_stopping"

# %% [markdown]
# Now train with it. The patches are few, as in the recorded training: from each class of
# area A, 60 patches. Area B validates.
#
# Each run starts from the same weights and sees the patches in the same order. So only
# the callback makes a difference. `ClassMetrics` keeps the scores of each class,
# `LiveCurves` draws while the training runs, and the third callback writes for
# TensorBoard.

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
# **What you see.** It stops at the first epoch whose loss on B is not smaller than all
# before. Only this loss is watched: the accuracy may rise in the same epoch. In Keras, a
# patience of 0 and one of 1 do the same. Now your callback, with the same start.

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
# small. Would a better epoch have come later? A training that has stopped cannot tell.
#
# ## Which weights are kept?
#
# When a training stops, some epochs have passed since the best one.

# %% exercise="kept_weights"

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
ex.kept_weights.reveal(pandas.DataFrame(rows, index=columns).T.round(4))

# %% [markdown] late="Show the curves, and leave the exercise out."
# **What you see.** In each row, one of the two other columns is equal to the first one.
# The callbacks differ in `restore_best_weights`: yours has it, the hasty one does not. A
# `ModelCheckpoint` that writes the best epoch to a file, as in 03, also keeps the best
# weights, even through a power cut.
#
# ## Few labels, free samples
#
# Stopping early saves a network from the worst. More labels would be better, and they
# are expensive. Some come for free: from above, a field is a field from every side.

# %% exercise="eight_forms"

# %%
eight_forms = ex.eight_forms.answer()
forms = eight_forms(few.arrays["input"][4 * patches_a_class])
frame = {"pad_width": ((1, 1), (1, 1), (0, 0)), "constant_values": forms[0].max()}
framed = [np.pad(form, **frame) for form in forms]
tl.show(np.vstack([np.hstack(framed[:4]), np.hstack(framed[4:])]), bands=(1, 2, 3))

# %% [markdown]
# `tl.augment(dataset, turns=True)` draws one of the eight forms for each patch, in every
# epoch anew. Here are the curves from the top of this notebook, and those of the same
# training with turned patches. **Which loss on B will be smaller?**


# %%
def show_losses(recordings, top=None):
    """Losses up to `top` of recorded trainings, with a line at the loss of guessing."""
    curves = {
        f"{curve}, {title}": recorded.read_history(name)[curve]
        for title, name in recordings.items()
        for curve in ("loss", "val_loss")
    }
    figure = tl.show_curves(curves)
    for ax in figure.as_figure().axes:
        ax.axhline(np.log(len(legend)), color="grey", linestyle="dotted")
        ax.set_ylim(0, top or 1.1 * ax.dataLim.ymax)
    return figure


show_losses({"60 patches a class": "fcnn_few", "turned": "fcnn_few_turned"}, top=2.6)

# %% [markdown]
# **What you see.** The patches are now harder to learn by heart: the loss on A falls
# more slowly. The loss on B gets smaller than before, and rises less afterwards. But no
# new field was seen, so this does not replace labels from other places.

# %% exercise="wrong_turn"

# %% [markdown]
# ## Clinic
#
# Six trainings of the network of 03 went wrong. Each has one of these illnesses: the
# learning rate is too high, or too low; the inputs are not scaled; the bands of B are in
# another order; the labels of A are mixed up; it overfits.
#
# Work in pairs, and name the illness from the curves. The dotted line is the loss of a
# network that guesses, ln 6 = 1.79. Look at the first epoch, at the distance between A
# and B, and at this line. Each panel has a scale of its own. A training is over where its
# curves end: some were given fewer epochs.

# %%
show_losses({f"patient {number}": f"patient_{number}" for number in (1, 2, 3)})

# %% exercise="patient_1"

# %% exercise="patient_2"

# %% exercise="patient_3"

# %%
show_losses({f"patient {number}": f"patient_{number}" for number in (4, 5, 6)})

# %% exercise="patient_4"

# %% exercise="patient_5"

# %% exercise="patient_6"

# %% exercise="mended_source"

# %% [markdown]
# Such a file is made here. The recorded network of 03 classifies the patches of B from it
# twice, without and with your function. They are the same patches as in 03. **How good
# will it be before and after?**

# %%
image_path, delivered_path = scene / "s2_10m.tif", work / "delivered.tif"
image, grid = rasters.read_array(image_path), rasters.read_grid(image_path)
rasters.write_array(delivered_path, image[..., [3, 0, 1, 2]], grid)
mended = ex.mended_source.answer()(delivered_path)
network = keras.models.load_model(recorded.weights_path("fcnn_havel"))
on_b = tl.select_positions(
    scene / "terrain_truth_b.tif",
    count=recipes.COUNTS["b"],
    margin=8,
    most_per_polygon=recipes.MOST_PER_POLYGON,
)
accuracies = {}
for name, one in {"as delivered": delivered_path, "mended": mended}.items():
    cut = tl.extract_patches({"input": one}, on_b, sizes=16)
    inputs = cut.arrays["input"].astype("float32")
    found = network.predict({"input": inputs}, batch_size=300, verbose=0)
    right = found["estimated"].argmax(-1).ravel() == cut.arrays["labels"].ravel()
    accuracies[name] = np.mean(right)
    print(f"{name}: {accuracies[name]:.2f} of B is right")

# %% [markdown]
# **What you see.** Nothing was trained again. Curves that look bad need not mean a bad
# network: look at the data first.
#
# ## Optional: class by class
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
# ## Optional: other settings
#
# - `min_delta`: the smallest gain that counts. A gain of almost nothing is hardly worth
#   an epoch.
# - `monitor`: another curve to watch. The loss on A cannot tell when to stop: it falls on
#   even when the network no longer improves on new ground.
#
# Try settings. Nothing is trained: it is the replay. **With a `min_delta` of 0, which
# patience saves most epochs and still finds the best one, in each of the trainings?**

# %%
tl.explore_stopping({"60 patches a class": curves,
                     "and turned": recorded.read_history("fcnn_few_turned"),
                     "03, with jitter": recorded.read_history("fcnn_havel")})  # fmt: skip

# %% [markdown]
# **What you see.** The best epochs are far apart, but nearly the same patience finds them.
# It depends on the longest wave before the best epoch, not on its number.
#
# ## Optional: TensorBoard
#
# [TensorBoard](glossary.md#tensorboard) shows the curves of many runs, which are listed on
# the left. Each training has two there, for A (*train*) and B (*validation*). Look for
# *epoch_loss*. The scores of the classes are there too. Epochs are counted from 0 there,
# and the strong lines are smoothed: the pale ones are the values.

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
# - Turned patches are free samples, where the direction is no part of the class.
# - Curves tell illnesses apart. Look at the first epoch, and at the level of guessing.
#
# **Further reading.** The arguments in Keras's own words:
# [EarlyStopping](https://keras.io/api/callbacks/early_stopping/). How much patience pays:
# Prechelt, [Early stopping, but when?](https://doi.org/10.1007/978-3-642-35289-8_5)
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [05](05_mapping_a_scene.ipynb) the network maps the whole scene.
