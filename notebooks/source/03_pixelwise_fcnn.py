# %% [markdown]
# # A pixel-wise network
#
# The network of this notebook reads 16 x 16 pixels and gives the class of the pixel in
# the middle. It does so for every pixel of a scene at once. You build it, train it,
# measure how good it is, and make a map with it.
#
# **Afterwards you can**
#
# - follow the size of an image through the layers of a network,
# - write a fully convolutional network, compile it and train it with Keras,
# - judge a way to hold out patches, and compare with a baseline,
# - standardise the inputs, and try a network under another sun,
# - give a score on ground that no decision was made on, and make a map.
#
# **Needs** about 60 minutes of your time, ½ minute of computing and 1.2 GB of memory; no
# internet. Patches are explained in [01](01_patches.ipynb), and the words of networks in
# [01b](01b_networks_in_brief.ipynb).

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from IPython.utils.capture import capture_output
from tutorial_lib import recorded
from tutorial_lib.recorded import recipes
from tutorial_lib.exercises import nb03_pixelwise_fcnn as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "03_pixelwise_fcnn"
image_path = scene / "s2_10m.tif"
map_path = work / "land_cover.tif"
first_epochs = 3  # of the first try
epochs = 10  # of the training that counts
seed = 0
rng = np.random.default_rng(seed)

# %% [markdown]
# ## The idea
#
# A [convolution](glossary.md#convolution) slides a small square of weights over the
# image: its [kernel](glossary.md#kernel). At each place it multiplies the pixels with the
# weights and adds them up. That gives one pixel of the result.
#
# The kernel moves on by one pixel at a time, so the pixels of the result are as large as
# those of the image. A result is computed only where the whole kernel lies on the image,
# so the result is a little smaller. Layer after layer, a patch of 16 x 16 pixels shrinks
# to a single pixel. That pixel depends on the whole patch, and on nothing else.

# %% exercise="size_after"

# %% tags=["nbval-check-output"]
size_after = ex.size_after.answer()
# A patch goes through the kernels of the network. When will it be a single pixel?
kernels = [5, 3, 3, 3, 3, 3, 2]
size = 16
for number, kernel in enumerate(kernels, start=1):
    size = size_after(size, kernel)
    print(f"layer {number}, kernel {kernel}: {size} x {size}")

# %% [markdown]
# This is the whole network. A layer has many kernels, its
# [filters](glossary.md#filter); each gives one band. A filter looks at all bands that come
# in. To its sum it adds one number, its *bias*. The last layer is the classifier: its six
# bands are the probabilities of the six classes.
#
# | layer | kernel | filters | activation | side of a patch of 16 |
# |---|---|---|---|---|
# | input | | 4 bands | | 16 |
# | conv1 | 5 | 16 | ReLU | 12 |
# | conv2 | 3 | 16 | ReLU | 10 |
# | conv3 | 3 | 16 | ReLU | 8 |
# | conv4 | 3 | 32 | ReLU | 6 |
# | conv5 | 3 | 32 | ReLU | 4 |
# | conv6 | 3 | 32 | ReLU | 2 |
# | feats | 2 | 32 | ReLU | 1 |
# | softmax | 1 | 6 classes | softmax | 1 |
#
# Each layer ends with its [activation](glossary.md#activation).
# [ReLU](glossary.md#relu) turns negative values into 0.
# [Softmax](glossary.md#softmax) turns the values of a pixel into probabilities.

# %% exercise="first_layer"

# %% [markdown]
# ## The network
#
# A `PatchModel` needs one function, `network`: from the inputs by name to the outputs by
# name. The kit does the rest. It scales the pixel values, and it lets the network take
# images of any size.


# %%
def conv(net, filters, kernel, name, activation="relu"):
    layer = keras.layers.Conv2D(filters, kernel, activation=activation, name=name)
    return layer(net)


# %% exercise="network"

# %% [markdown]
# `build` makes the Keras model; the input has four bands. `summary` lists its layers and
# their weights. **How large will the result be for an image of 100 x 60 pixels?**

# %%
FCNN = ex.network.answer()
keras.utils.set_random_seed(seed)
first_model = FCNN(crops=()).build({"input": 4})
image = np.zeros((1, 100, 60, 4), "float32")
print("100 x 60 give", tuple(first_model({"input": image})["estimated"].shape[1:3]))
with capture_output() as summary:
    first_model.summary(line_length=80)
# It has several parts. The table is the second one, after the name of the model.
ex.first_layer.reveal(summary.outputs[1])

# %% [markdown]
# **What you see.** The result has one pixel for every place where a patch of 16 fits. The
# network is trained on patches, and it maps whole images with the same weights.
#
# ## Three areas
#
# Labelled ground has three jobs, so the scene is cut into three areas:
#
# - **A trains.** The network learns from its patches.
# - **B validates.** The best epoch is the one with the smallest loss on this
#   [validation set](glossary.md#validation-set).
# - **C tests.** This [test set](glossary.md#test-set) gives the score at the end. No
#   choice is made with it.
#
# The areas are at least 640 m apart, so no patch of B or C shares a pixel with a patch of
# A. `cut_patches` does the steps of notebook 01. From one
# [polygon](glossary.md#polygon), a connected area of one class, it takes at most 100
# patches. **From how many polygons will the 900 patches of each class in A come?**

# %% tags=["nbval-check-output"]
legend = tl.read_legend(scene / "terrain_truth_a.tif")
patches = recipes.cut_patches(scene, work)
columns = {}
for area, cut in patches.items():
    labels = cut.arrays["labels"].ravel()
    members = [labels == number for number in range(len(legend))]
    polygons = [len(np.unique(cut.polygons[those])) for those in members]
    columns[f"{area.upper()}: patches"] = [np.sum(those) for those in members]
    columns[f"{area.upper()}: polygons"] = polygons
pandas.DataFrame(columns, index=legend.names)

# %% [markdown]
# **What you see.** In each area the classes have equally many patches. But several
# patches come from each polygon, so many of them lie close together.
#
# ## A baseline, and patches held out
#
# Before there were networks, land cover was mapped by
# [maximum likelihood](glossary.md#maximum-likelihood). Describe each patch by a few
# numbers, its *features*. Take their mean and their covariance for each class. A new
# patch gets the class under which its features are most likely. This takes a few lines,
# and no training. It is our [baseline](glossary.md#baseline): a network that is not better
# is not worth its effort.


# %%
def most_likely(known, classes, new):
    """Class of each row of `new`, from rows whose classes are known."""
    scores, numbers = [], np.unique(classes)
    for number in numbers:
        members = known[classes == number]
        away = new - members.mean(axis=0)
        covariance = np.cov(members, rowvar=False)
        squares = (away @ np.linalg.inv(covariance) * away).sum(axis=1)
        scores.append(-np.linalg.slogdet(covariance)[1] - squares)
    return numbers[np.argmax(scores, axis=0)]


features, classes = {}, {}
for area, cut in patches.items():
    bands = cut.arrays["input"]
    whole = np.hstack([bands.mean(axis=(1, 2)), bands.std(axis=(1, 2))])
    features[area] = {"centre pixel": bands[:, 8, 8], "whole patch": whole}
    classes[area] = cut.arrays["labels"].ravel()

# %% [markdown]
# There are two kinds of features: the bands of the pixel in the middle, or mean and
# standard deviation of each band over the whole patch. Which ones are better?

# %% exercise="better_split"

# %% tags=["nbval-check-output"]
chosen = {}
for kind in ("centre pixel", "whole patch"):
    known, of_known = features["a"][kind], classes["a"]
    at_random = []
    for draw in range(5):
        held_out = np.random.default_rng(draw).random(len(known)) < 0.2
        found = most_likely(known[~held_out], of_known[~held_out], known[held_out])
        at_random.append(np.mean(found == of_known[held_out]))
    found = most_likely(known, of_known, features["b"][kind])
    chosen[kind] = np.mean(at_random), np.mean(found == classes["b"])
columns = ["a random fifth of A", "area B"]
ex.better_split.reveal(pandas.DataFrame(chosen, index=columns).T.round(2))

# %% [markdown]
# **What you see.** Is the larger number in the same row in both columns? Each kind of
# features is better on the random fifth than on B. How many of the held-out patches share
# pixels with a patch that was used?

# %% exercise="overlap_share"

# %% tags=["nbval-check-output"]
overlap_share = ex.overlap_share.answer()
positions = tl.select_positions(
    scene / "terrain_truth_a.tif",
    count=recipes.COUNTS["a"],
    margin=8,
    most_per_polygon=recipes.MOST_PER_POLYGON,
)
to_pixel = ~tl.read_grid(image_path).transform
cols, rows = np.floor(to_pixel @ (positions.x, positions.y)).astype("int32")
held_out = np.random.default_rng(0).random(len(rows)) < 0.2
share = overlap_share(rows, cols, held_out)
print(f"{share:.1%} of the held-out patches overlap a patch that was used")

# %% tags=["claim"]
(pixel_on_a, pixel_on_b), (patch_on_a, patch_on_b) = chosen.values()
assert patch_on_a > pixel_on_a > pixel_on_b > patch_on_b
assert share > 0.9
assert np.array_equal(positions.labels, classes["a"])
for kind, name in {"centre pixel": "center", "whole patch": "statistics"}.items():
    by_kit = tl.training.maximum_likelihood(patches["a"], patches["b"], features=name)
    by_hand = most_likely(features["a"][kind], classes["a"], features["b"][kind])
    assert np.mean(by_kit == by_hand) > 0.99

# %% [markdown]
# **What you saw.** A random split tests whether a model knows the place again. An area
# apart tests what you want to know: is it right where nobody drew labels? From here on
# the baseline is the one with the centre pixel. The kit has it as
# `tl.training.maximum_likelihood`.
#
# ## The first try
#
# A training takes the patches in [batches](glossary.md#batch): the inputs by name, and
# the class as [one-hot](glossary.md#one-hot), a 1 in the place of the class and 0
# elsewhere.

# %% exercise="compile_model"

# %% [markdown]
# Now call `fit`. An [epoch](glossary.md#epoch) is one pass over all patches of A. Keras
# prints two lines for each. `loss` and `accuracy` are measured on A, `val_loss` and
# `val_accuracy` on B.
#
# The model multiplies all pixel values by 0.0001, as in the tutorial that this course
# follows. **Will it be better on B than the baseline after three epochs?**

# %%
train, _, _ = recipes.datasets(patches, class_count=len(legend))
# Larger batches are quicker where nothing is learnt.
_, valid, test = recipes.datasets(patches, class_count=len(legend), batch_size=300)
compile_model = ex.compile_model.answer()
compile_model(first_model)
first = first_model.fit(train, validation_data=valid, epochs=first_epochs, verbose=2)
baseline = tl.training.maximum_likelihood(patches["a"], patches["b"], features="center")
print(f"the baseline: {np.mean(baseline == classes['b']):.2f} of B is right")

# %% [markdown]
# **What you see.** It learns, but slowly: it is about as good as the baseline. The reason
# is in the inputs. Times 0.0001, they are reflectances: small numbers that vary little,
# and in one band more than in another. A network learns faster from numbers around 0
# that vary by about 1, in all bands alike. To make them so is called
# [standardisation](glossary.md#standardisation).

# %% exercise="standardise"

# %% [markdown]
# The kit has this too: `tl.band_statistics` gives mean and standard deviation by band,
# and `FCNN(statistics=…)` standardises inside the network. So the saved model still
# takes plain pixel values. The figure shows two recorded trainings that differ in this
# only. **Which curves will fall faster?**


# %% tags=["nbval-check-output"]
def show_losses(recordings):
    """Losses of recorded trainings side by side, on one scale."""
    curves = {}
    for title, name in recordings.items():
        for curve in ("loss", "val_loss"):
            curves[f"{curve}, {title}"] = recorded.read_history(name)[curve]
    figure = tl.show_curves(curves)
    for ax in figure.as_figure().axes:
        ax.set_ylim(0, 1.1 * max(max(values) for values in curves.values()))
    return figure


standardise = ex.standardise.answer()
on_a = patches["a"].arrays["input"].astype("float32")
kit = tl.band_statistics(patches["a"])["input"]
print("mean of each band:     ", np.round(kit.mean))
print("its standard deviation:", np.round(kit.std))
difference = standardise(on_a, on_a[:99].copy()) - (on_a[:99] - kit.mean) / kit.std
print("standardise agrees with the kit:", bool(np.abs(difference).max() < 0.01))
show_losses({"times 0.0001": "fcnn_factor", "standardised": "fcnn_standardised"})

# %% [markdown] late="Show the table only; the exercises can wait."
# **What you saw.** Standardised, the network is better on B after a few epochs than the
# other one after all of them. The network is the same, and so are the patches. But later
# its loss on B rises: we come back to that.
#
# ## Another sun
#
# Mean and standard deviation belong to one image. Another one may be taken under a lower
# sun, with more haze, or with another sensor. Let us pretend.

# %% exercise="darker_sun"

# %% [markdown]
# A network can also be trained with patches under many suns. Such a change of the
# training patches is called [jitter](glossary.md#jitter). It must leave the class as it
# is. (`rng` was made at the top.)

# %% exercise="jitter"

# %% [markdown]
# Two recorded networks are tried on B. Both are standardised. The second one was trained
# with jitter, and at half the learning rate: so compare each network with itself, down
# its column. In the last row your function gives each patch a sun of its own.


# %%
def accuracy(network, images):
    """Share of the patches of B, changed to `images`, that are classified right."""
    found = network.predict({"input": images}, batch_size=300, verbose=0)["estimated"]
    return np.mean(found.argmax(-1).ravel() == classes["b"])


jitter = ex.jitter.answer()
on_b = patches["b"].arrays["input"].astype("float32")
suns = {"as it is": (1, 0), "x 0.9": (0.9, 0), "x 1.1": (1.1, 0), "- 100": (1, -100)}
recordings = {"standardised": "fcnn_standardised", "and jittered": "fcnn_havel"}
paths = map(recorded.weights_path, recordings.values())
networks = [keras.models.load_model(path) for path in paths]
rows = {
    sun: [accuracy(one, on_b * gain + offset) for one in networks]
    for sun, (gain, offset) in suns.items()
}
images = np.stack([jitter(patch, 0.2, 150) for patch in on_b])
rows["each its own"] = [accuracy(one, images) for one in networks]
ex.darker_sun.reveal(pandas.DataFrame(rows, index=list(recordings)).T.round(2))

# %% tags=["claim"]
assert rows["x 0.9"][0] < rows["as it is"][0] - 0.1
assert all(jittered > rows["as it is"][1] - 0.05 for _, jittered in rows.values())

# %% [markdown]
# **What you see.** Compare each row with the first one. The second network hardly loses
# any accuracy, under all these suns: it has met them in training. That it is better as
# it is may come from its learning rate, too. `tl.augment(dataset, gain=0.2,
# offset=150)` jitters all patches in every epoch. This is one kind of
# [data augmentation](glossary.md#data-augmentation).
#
# ## Your training
#
# A training needs its steps in the right order.

# %% exercise="training_order"

# %% [markdown]
# Your network now gets standardised inputs and jitter. The patches are also flipped and
# turned at random, as 04 explains. `ModelCheckpoint` writes the network to a file after
# each epoch whose loss on B is smaller than all before. **Will it beat the first try in
# its first three epochs?** (This takes about half a minute.)

# %%
keras.utils.set_random_seed(seed)
network = FCNN(crops=(), statistics=tl.band_statistics(patches["a"]))
model = compile_model(network.build({"input": 4}))
best_path = work / "fcnn.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
history = model.fit(
    tl.augment(train, turns=True, gain=0.2, offset=150, seed=seed),
    validation_data=valid,
    epochs=epochs,
    verbose=2,
    callbacks=[keep_best],
)
best_model = keras.models.load_model(best_path)
for title, training in {"first try": first, "now": history}.items():
    right = training.history["val_accuracy"][first_epochs - 1]
    print(f"{title}: {right:.2f} of B is right after {first_epochs} epochs")

# %% [markdown]
# **What you see.** The last two lines answer the question. The file holds the weights of
# the best epoch together with the network: `load_model` needs nothing else.
#
# ## How good is it?
#
# B has chosen the epoch, and the features of the baseline. So the scores on B are a
# little too good. C was not used for any choice: it gives the scores that count.
#
# The scores by class are [recall](glossary.md#recall),
# [precision](glossary.md#precision) and [F-score](glossary.md#f-score), as in 02.
# **Which classes will be mixed up?**

# %%
scores = tl.training.evaluate_classes(best_model, test, names=legend.names)
print(scores)
scores.plot()

# %% [markdown]
# **What you see.** Each row is a true class, each column an estimated one. The darkest
# square outside the diagonal shows the two classes that are confused most.
#
# How good is the network beside the baseline, and how sure is that? The interval is the
# one over polygons: it draws the polygons of C again and again (see
# [bootstrap](glossary.md#bootstrap)). **Will the two intervals overlap?**

# %%
rows = {}
baseline = {
    area: tl.training.maximum_likelihood(patches["a"], patches[area], features="center")
    for area in "bc"
}
network = {
    area: tl.training.classify(best_model, dataset)[1]
    for area, dataset in {"b": valid, "c": test}.items()
}
for name, found in {"baseline": baseline, "your network": network}.items():
    low, high = tl.training.accuracy_interval(
        classes["c"], found["c"], patches["c"].polygons
    )
    on_b, on_c = (np.mean(found[area] == classes[area]) for area in "bc")
    rows[name] = on_b, on_c, low, high
columns = ["accuracy on B", "accuracy on C", "from", "to"]
pandas.DataFrame(rows, index=columns).T.round(2)

# %% [markdown] late="Run it with the solution: 05 makes this map again."
# **What you see.** Both are worse on C than on B. Two things may play a part: choices were
# made on B, and C lies in other landscapes. The table cannot tell them apart. But a score
# holds for its places only. The interval says how much other polygons of C could change
# it. Where two intervals overlap, they do not settle which one is better: 06 compares
# two networks on the same polygons.
#
# If your network is hardly better than guessing (1 in 6), look at the lines of the
# training: did the loss fall? Set another `seed`, and run it all again.
#
# ## Your map
#
# Your network takes images of any size. So it can map the whole scene at once. The map is
# made with `best_model`: `model` has the weights of the last epoch.

# %% exercise="land_cover"

# %%
make_map = ex.land_cover.answer()
report = make_map(best_model, image_path, map_path, legend)
print("The map is in", map_path.relative_to(scene.parent.parent))
tl.show(image_path, map_path, titles=("Sentinel-2", "your map"))

# %% [markdown]
# **What you see.** Look for the large lakes, the woods and the villages. Where would you
# not trust the map?
#
# The file is a GeoTIFF with names and colours. You can open it in
# [QGIS](https://docs.qgis.org/latest/en/docs/user_manual/working_with_raster/index.html)
# or in any other program for maps.
#
# ## Open task
#
# Train your network again without jitter, or for more epochs. Compare the accuracy on B,
# and on B times 0.9.
#
# ## Summary
#
# - A valid convolution takes `kernel - 1` pixels away; here 16 become one.
# - The same weights make one pixel of a patch, and a map of an image.
# - Held-out patches must lie elsewhere. A random split picked the wrong features.
# - A score says little without a baseline beside it.
# - Standardised inputs train faster. Jitter makes the network ready for another sun.
# - The score comes from an area where nothing was chosen, and the interval from polygons.
#
# **Further reading.** Why validation needs other ground: Roberts and others (2017),
# [on cross-validation](https://doi.org/10.1111/ecog.02881). Fully convolutional
# networks: Long and others (2015),
# [on segmentation](https://doi.org/10.1109/CVPR.2015.7298965).
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [04](04_early_stopping.ipynb) the training stops by itself.
