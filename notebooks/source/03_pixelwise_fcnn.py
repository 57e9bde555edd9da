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
# - standardise the inputs, and say what that costs under another sun,
# - recognise overfitting on its curves, and name a cure,
# - give a score on ground that no decision was made on, with its uncertainty,
# - make a map with your own network.
#
# **Needs** about 60 minutes of your time, ½ minute of computing and 1.2 GB of memory; no
# internet. Patches are explained in [01](01_patches.ipynb), and the words of networks in
# [01b](01b_networks_in_brief.ipynb).

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from tutorial_lib import rasters, recorded
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
# [filters](glossary.md#filter); each gives one band. The last layer is the classifier:
# its six bands are the probabilities of the six classes.
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
# An [activation](glossary.md#activation) comes after the sum.
# [ReLU](glossary.md#relu) turns negative values into 0.
# [Softmax](glossary.md#softmax) turns the values of a pixel into probabilities.

# %% exercise="weight_count"

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
# `build` makes the Keras model; the input has four bands. `summary` lists its layers.
# **How large will the result be for an image of 100 x 60 pixels?**

# %%
FCNN, weight_count = ex.network.answer(), ex.weight_count.answer()
keras.utils.set_random_seed(seed)
model = FCNN(crops=()).build({"input": 4})
model.summary(line_length=80)
layers = [(5, 4, 16), (3, 16, 16), (3, 16, 16), (3, 16, 32), (3, 32, 32), (3, 32, 32)]
layers += [(2, 32, 32), (1, 32, 6)]
print("your count: ", sum(weight_count(*layer) for layer in layers))
print("Keras's:    ", model.count_params())
image = np.zeros((1, 100, 60, 4), "float32")
print("100 x 60 give", tuple(model({"input": image})["estimated"].shape[1:3]))

# %% [markdown]
# **What you see.** The result has one pixel for every place where a patch of 16 fits. The
# network is trained on patches, and it maps whole images with the same weights.
#
# `input_scaled` is the scaling by the kit; we come back to it. The last layer gives the
# number of the most probable class.
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
# [polygon](glossary.md#polygon), a connected area of one class, it takes only so many
# patches.

# %% tags=["nbval-check-output"]
legend = tl.read_legend(scene / "terrain_truth_a.tif")
patches = recipes.cut_patches(scene, work)
polygons, counts = {}, {}
for area, cut in patches.items():
    labels = scene / f"terrain_truth_{area}.tif"
    polygons[f"polygons in {area.upper()}"] = tl.polygon_table(labels)["polygons"]
    of_class = np.bincount(cut.arrays["labels"].ravel(), minlength=len(legend))
    counts[f"patches of {area.upper()}"] = of_class
table = pandas.DataFrame(polygons).reindex(legend.names)
for name, count in counts.items():
    table[name] = count
train, _, _ = recipes.datasets(patches, class_count=len(legend))
# Larger batches are quicker where nothing is learnt.
_, valid, test = recipes.datasets(patches, class_count=len(legend), batch_size=300)
table

# %% [markdown]
# **What you see.** In each area the classes have equally many patches. But the patches
# come from few polygons. Keep that in mind for the score.
#
# `train`, `valid` and `test` give the patches in [batches](glossary.md#batch): the inputs
# by name, and the class as [one-hot](glossary.md#one-hot), a 1 in the place of the class
# and 0 elsewhere.

# %% exercise="compile_model"

# %% [markdown]
# ## The first try
#
# Now call `fit`. An [epoch](glossary.md#epoch) is one pass over all patches of A. Keras
# prints two lines for each. `loss` and `accuracy` are measured on A, `val_loss` and
# `val_accuracy` on B.
#
# The model multiplies all pixel values by 0.0001, as in the tutorial that this course
# follows. Somebody who guesses is right once in six times. **How often will the network
# be right on B after three epochs?**

# %%
compile_model = ex.compile_model.answer()
compile_model(model)
first = model.fit(train, validation_data=valid, epochs=first_epochs, verbose=2)

# %% [markdown]
# **What you see.** It learns, but slowly. The reason is in the inputs. Times 0.0001, they
# are reflectances: small numbers that vary little, and in one band more than in another.
# A network learns faster from numbers around 0 that vary by about 1, in all bands alike.
# To make them so is called [standardisation](glossary.md#standardisation).

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
print("yours agrees with the kit:", bool(np.abs(difference).max() < 0.01))
show_losses({"times 0.0001": "fcnn_factor", "standardised": "fcnn_standardised"})

# %% [markdown]
# **What you saw.** Standardised, the network is better on B after a few epochs than the
# other one after all of them. The network is the same, and so are the patches. But later
# its loss on B rises: we come back to that.
#
# ## The price: another sun
#
# Mean and standard deviation belong to one image. Another one may be taken under a lower
# sun, with more haze, or with another sensor. Let us pretend: every value of B times 0.9,
# times 1.1, or 100 less.
#
# Two recorded networks are tried. Both are standardised. The second was trained with
# [jitter](glossary.md#jitter): each training patch was multiplied by a random factor
# between 0.8 and 1.2, and a random number between -150 and 150 was added. **What will
# times 0.9 do to the first?**


# %%
def under(gain, offset):
    """Area B as another sun would show it."""
    return valid.map(lambda x, y: ({"input": x["input"] * gain + offset}, y))


suns = {"as it is": (1, 0), "x 0.9": (0.9, 0), "x 1.1": (1.1, 0), "- 100": (1, -100)}
recordings = {"standardised": "fcnn_standardised", "and jittered": "fcnn_havel"}
networks = {
    title: keras.models.load_model(recorded.weights_path(name))
    for title, name in recordings.items()
}
rows = {}
for sun, change in suns.items():
    both = [tl.training.classify(n, under(*change)) for n in networks.values()]
    rows[sun] = [np.mean(labels == estimated) for labels, estimated in both]
pandas.DataFrame(rows, index=list(networks)).T.round(2)

# %% [markdown]
# **What you see.** Times 0.9, the first network loses a large part of its accuracy. The
# second one hardly loses any, with all four lights.
#
# The cure costs nothing: `tl.augment(dataset, gain=0.2, offset=150)` gives each patch
# another sun in every epoch. Such changes of the training patches are called
# [data augmentation](glossary.md#data-augmentation). They must leave the class as it is.
#
# ## Overfitting
#
# What if there are few labels? The kit brings two long trainings with 60 patches of each
# class. In the second one, each patch is flipped and turned at random in every epoch.
# **What will the two losses do in the left figure?**

# %%
show_losses({"60 patches a class": "fcnn_few", "and turned": "fcnn_few_turned"})

# %% [markdown]
# **What you see.** On the left, the loss on A falls nearly to the end. The loss on B falls
# at first, and then rises: what the network still learns holds for these few patches
# only. That is [overfitting](glossary.md#overfitting). To keep the epoch with the smallest
# loss on B avoids most of the harm.
#
# On the right, each patch comes in eight forms, flipped and turned. A field stays a field
# from every side. Eight times as many patches are harder to learn by heart, and the loss
# on B stays lower.
#
# ## Your training
#
# Your network now gets all three: standardised inputs, jitter and turns.
# `ModelCheckpoint` writes it to a file after each epoch whose loss on B is smaller than
# all before. **Will it beat the first try in its first three epochs?** (This takes about
# half a minute.)

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
# B has chosen the epoch: of all epochs we took the one that suits B best. So the score on
# B is a little too good. C was not used for any choice.
#
# The scores by class are [recall](glossary.md#recall),
# [precision](glossary.md#precision) and [F-score](glossary.md#f-score), as in 02.
# *Kappa* counts from chance: 0 is guessing, 1 is always right. **Which classes will be
# mixed up?**

# %%
scores = tl.training.evaluate_classes(best_model, test, names=legend.names)
on_b = tl.training.evaluate_classes(best_model, valid).overall_accuracy
print(scores)
print(f"your network: {on_b:.2f} of B is right, {scores.overall_accuracy:.2f} of C")
if scores.overall_accuracy < 2 / 6:
    print("This is hardly better than guessing (1 in 6). Look at the lines of the")
    print("training: did the loss fall? Set another `seed`, and run it all again.")
scores.plot()

# %% [markdown]
# **What you see.** Each row is a true class, each column an estimated one. Right answers
# are on the diagonal. The darkest square outside the diagonal shows the two classes that
# are confused most.
#
# The score on C is lower than on B. That B chose the epoch explains little of it. Most of
# it is the ground: C lies in other landscapes, and a score holds for its places only.
#
# ## How sure is the score?
#
# Two things could have come out otherwise:
#
# - **The seed.** Other weights at the start give another network. The kit has three
#   networks that differ only in their [seed](glossary.md#random-seed).
# - **The places.** Other lakes and villages would give another score. A
#   [bootstrap](glossary.md#bootstrap) draws polygons of C again and again, with
#   replacement, and looks how much the score varies.
#
# **What will be wider: an interval over single patches, or one over polygons?**

# %%
rows = {}
for recording in ("fcnn_havel", "fcnn_havel_1", "fcnn_havel_2"):
    one = keras.models.load_model(recorded.weights_path(recording))
    labels, estimated = tl.training.classify(one, test)
    by_patch = tl.training.accuracy_interval(labels, estimated)
    by_place = tl.training.accuracy_interval(labels, estimated, patches["c"].polygons)
    rows[recording] = [np.mean(labels == estimated), *by_patch, *by_place]
columns = ["accuracy on C", "patches: from", "to", "polygons: from", "to "]
pandas.DataFrame(rows, index=columns).T.round(3)

# %% [markdown]
# **What you see.** The interval over polygons is wider. Patches of one polygon overlap
# and look alike, so they count for less than their number: this interval is the honest
# one. The three seeds differ by less than that. And a difference between two networks
# says little if two seeds differ as much.
#
# ## Your map
#
# Your network takes images of any size. So it can map the whole scene at once.

# %% exercise="land_cover"

# %%
report = ex.land_cover.answer(
    best_model=best_model, image_path=image_path, map_path=map_path, legend=legend
)
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
# How much of the map is each class? And how much of it was each class in the training?

# %%
map_pixels = np.bincount(rasters.read_array(map_path).ravel(), minlength=len(legend))
map_pixels = map_pixels[: len(legend)]  # 255 is no class: there the image has no data
shares = pandas.DataFrame(index=legend.names)
shares["of the patches"] = 1 / len(legend)
shares["of your map"] = map_pixels / map_pixels.sum()
shares["precision on C"] = scores.precision
shares.round(2)

# %% [markdown]
# **What you see.** The patches hold all classes equally, and the ground does not. So the
# precision above is not the precision of the map. And a network that was trained on
# equal shares tends to map rare classes too often.
#
# An accuracy of the map would weigh each mapped class by its share: the second column.
# That needs a [probability sample](glossary.md#probability-sample): pixels drawn at
# random from the whole map. Our labelled polygons were not drawn at random. So this
# notebook shows the weights only. [08](08_convolutional_distortion.ipynb) does it in a town where the true class
# of every pixel is known.
#
# ## Open task
#
# Train your network again without turns, or without jitter, or for more epochs. Compare
# the accuracy on B, and on B times 0.9. Is the difference larger than the one between two
# seeds?
#
# ## Summary
#
# - A valid convolution takes `kernel - 1` pixels away; here 16 become one.
# - The same weights make one pixel of a patch, and a map of an image.
# - Standardised inputs train faster. Jitter makes the network ready for another sun.
# - With few patches a long training overfits. Turned patches and the best epoch help.
# - The score comes from an area where nothing was chosen, and its interval from places.
#
# **Further reading.** Why validation needs other ground: Roberts and others (2017),
# [on cross-validation](https://doi.org/10.1111/ecog.02881). Fully convolutional networks: Long and others
# (2015), [on segmentation](https://doi.org/10.1109/CVPR.2015.7298965). Accuracy of maps: Olofsson and
# others (2014), [good practices](https://doi.org/10.1016/j.rse.2014.02.015).
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [04](04_early_stopping.ipynb) the training stops by itself.
