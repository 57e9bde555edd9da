# %% [markdown]
# # Networks in brief
#
# This notebook is for people who never trained a neural network. It explains the words of
# all later notebooks, each with a small experiment on pixels of the Havel scene. If you
# know these words, go on with [02](02_patch_based_cnn.ipynb).
#
# **Afterwards you can**
#
# - say what weights, layers and activations are,
# - compute a loss and a gradient step by hand,
# - train a small network with Keras,
# - see in two curves whether a network learns by heart.
#
# **Needs** about 20 minutes of your time, seconds of computing and 0.8 GB of memory; no
# internet.

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from rasterio.windows import Window
from tutorial_lib import rasters
from tutorial_lib.exercises import nb01b_networks_in_brief as ex
from tutorial_lib.machine import find_data
from tutorial_lib.viewers.figures import StillFigure

# %% tags=["parameters"]
SCENE = "havel"  # a folder in data/; notebook 09 makes one of another place
scene = find_data(SCENE)
work = scene.parent / "work" / SCENE / "01b_networks_in_brief"

# %% [markdown]
# ## Samples
#
# A network learns from [samples](glossary.md#sample). Here a sample is a single pixel: its
# reflectance in red, green, blue and near infrared, in percent, and its class.

# %% tags=["nbval-check-output"]
image = rasters.read_array(scene / "s2_10m.tif")
to_ground = tl.read_grid(scene / "s2_10m.tif").transform
legend = tl.read_legend(scene / "terrain_truth_a.tif")


def draw_pixels(area, count, seed=0):
    """Values and classes of pixels of an area, `count` of each class."""
    path = scene / f"terrain_truth_{area}.tif"
    positions = tl.select_positions(path, count=count, seed=seed)
    columns, rows = ~to_ground @ (positions.x, positions.y)  # ~: from ground to pixels
    return image[rows.astype(int), columns.astype(int)] / 100, positions.labels


pixels, labels = draw_pixels("a", count=500)
print(pixels.shape[0], "samples with", pixels.shape[1], "values each")
print("the first:", pixels[0], "->", legend.names[labels[0]])

# %% [markdown]
# ## A neuron
#
# The smallest part of a network is a [neuron](glossary.md#neuron). It multiplies each
# input by a [weight](glossary.md#weight), adds up the products, and adds one more weight,
# the [bias](glossary.md#bias). The result is a *score*.
#
# Our first question: is a pixel water? The input is the near infrared, shifted and scaled
# to the mean 0 and the [standard deviation](glossary.md#standard-deviation) 1.

# %%
is_water = labels == 0
chosen = is_water | (np.arange(len(labels)) % 5 == 0)  # as many others as water
infrared, is_water = pixels[chosen, 3], is_water[chosen]
x = (infrared - infrared.mean()) / infrared.std()
figure = Figure(figsize=(8, 3), layout="constrained")
ax = figure.subplots()
groups, colors = [x[is_water], x[~is_water]], ["#0072b2", "#bbbbbb"]
ax.hist(groups, bins=20, color=colors, label=["water", "not water"])
ax.set(xlabel="near infrared, scaled", ylabel="pixels")
ax.legend()
StillFigure(figure, "Two histograms: most water pixels are dark in the near infrared.")

# %% [markdown]
# **What you see.** Water is dark in the near infrared. So a good neuron has a *negative*
# weight: the darker the pixel, the higher the score for water.
#
# ## Softmax: from scores to probabilities
#
# [Softmax](glossary.md#softmax) turns the scores of all classes into probabilities: all
# are positive, and their sum is 1. **How much does a negative score get?**


# %% tags=["nbval-check-output"]
def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=0)


softmax(np.array([2.0, 1.0, -2.0])).round(2)

# %% [markdown]
# ## Loss: how wrong is the network?
#
# Training needs one number that says how wrong the network is: the
# [loss](glossary.md#loss). For classes it is the
# [cross-entropy](glossary.md#cross-entropy). It looks only at the probability that the
# network gave to the right class.

# %% exercise="cross_entropy"

# %% [markdown]
# The right class is water. The network gives it a probability of 0.9, 0.5, 0.1 and 0.01.
# **How much larger is the last loss than the first one?**

# %% tags=["nbval-check-output"]
cross_entropy = ex.cross_entropy.answer()
for probability in (0.9, 0.5, 0.1, 0.01):
    loss = cross_entropy(np.array([probability, 1 - probability]), 0)
    print("probability", probability, "-> loss", np.round(loss, 2))

# %% [markdown]
# **What you see.** A network that is sure and wrong has a very large loss. The loss of
# many samples is the mean of their losses.
#
# ## A gradient step
#
# Now one neuron learns, in [gradient steps](glossary.md#gradient-step). Its score for water
# is `weight * x`; the score for "not water" is 0. The
# [training](glossary.md#training) starts with a bad weight, 1.
#
# The [gradient](glossary.md#gradient) says how the loss changes if the weight grows a
# little. The [learning rate](glossary.md#learning-rate) says how large the steps are.

# %% exercise="gradient_step"

# %% exercise="learning_rates"

# %%
gradient_step = ex.gradient_step.answer()


def loss_of(weight):
    water = softmax(np.stack([weight * x, 0 * x]))[0]
    return -np.log(np.where(is_water, water, 1 - water)).mean()


def gradient_of(weight, little=0.001):
    return (loss_of(weight + little) - loss_of(weight - little)) / (2 * little)


paths = {}
for rate in (0.3, 10, 40):
    weights = [1.0]
    for _ in range(12):
        weights.append(gradient_step(weights[-1], gradient_of(weights[-1]), rate))
    paths[f"learning rate {rate}"] = weights

# %%
figure = Figure(figsize=(10, 3.2), layout="constrained")
curve = np.linspace(-26, 3, 200)
for ax, (name, weights) in zip(figure.subplots(1, 3), paths.items(), strict=True):
    ax.plot(curve, [loss_of(weight) for weight in curve], color="#888888")
    ax.plot(weights, [loss_of(weight) for weight in weights], "o-", color="#d55e00")
    ax.set(title=name, xlabel="weight", ylabel="loss", ylim=(0, 1.6))
steps = StillFigure(figure, "The loss as a curve of one weight, and 12 steps, 3 times.")
ex.learning_rates.reveal(steps)

# %% [markdown]
# **What you see.** The grey curve is the loss for every weight; its minimum is the best
# weight. Small steps do not get there in time. The largest one jumps far beyond it, and
# the way back is long.
#
# A real network has thousands of weights, which all make such a step at once. The
# [optimiser](glossary.md#optimiser) makes the steps. [Adam](glossary.md#adam), which this
# course uses, adapts the step of each weight.
#
# ## Batch and epoch
#
# A step looks at a few samples, a [batch](glossary.md#batch), and changes the weights. Then
# the next batch follows. When all samples were used once, one
# [epoch](glossary.md#epoch) is over, and the next one starts.

# %% exercise="count_steps"

# %% [markdown]
# ## Layers and activations
#
# A [layer](glossary.md#layer) is a row of neurons with the same inputs.
# [`Dense(6)`](glossary.md#dense-layer) has six neurons: one score for each class. Layers
# one after the other make a [network](glossary.md#network). All weights and biases are its
# [parameters](glossary.md#parameter).
#
# After each layer but the last comes an [activation](glossary.md#activation), usually
# [ReLU](glossary.md#relu): it turns negative numbers into 0. Without it, two layers could
# do no more than one.
#
# The next cell trains two networks with [Keras](glossary.md#keras). `Input([2])`: a sample
# has two values, red and near infrared. `compile` sets the optimiser and the loss, `fit`
# trains. *Sparse*: the labels are class numbers. **Which network ends with the smaller
# loss?**

# %%
Input, Dense = keras.layers.Input, keras.layers.Dense
bands = pixels[:, [0, 3]]
inputs = (bands - bands.mean(axis=0)) / bands.std(axis=0)
one = [Input([2]), Dense(6, activation="softmax")]
two = [Input([2]), Dense(16, activation="relu"), Dense(6, activation="softmax")]
networks, losses = {}, {}
keras.utils.set_random_seed(0)
for name, layers in {"one layer": one, "two layers": two}.items():
    network = keras.Sequential(layers)
    adam = keras.optimizers.Adam(learning_rate=0.01)
    network.compile(optimizer=adam, loss="sparse_categorical_crossentropy")
    history = network.fit(inputs, labels, batch_size=32, epochs=10, verbose=0)
    networks[name] = network
    losses[f"{name}, {network.count_params()} weights"] = history.history["loss"]
steps_of_epoch = int(adam.iterations) // 10
table = pandas.DataFrame(losses, index=steps_of_epoch * np.arange(1, 11))
ex.count_steps.reveal(table.rename_axis("steps").round(2))

# %% [markdown]
# **What you see.** One row is one epoch. The loss falls from epoch to epoch, further with
# two layers.

# %% [markdown] late="Only show the picture; 03 explains the layer again."
# ## Convolution
#
# For patches, each neuron of a `Dense` layer would need one weight for each pixel. A
# [convolution](glossary.md#convolution) needs far fewer. It is a small neuron that slides
# over the image: the same few weights, its [kernel](glossary.md#kernel), at every place.
# (The kernel of a notebook is another thing.)
#
# Below, a kernel slides over the near infrared of a narrow lake. It subtracts the pixels
# on the left from the pixels on the right. **Where will the result be positive, where
# negative, and where close to 0?**

# %% tags=["nbval-check-output"]
window = Window(col_off=1448, row_off=40, width=36, height=24)  # a lake of the Havel
lake = rasters.read_array(scene / "s2_10m.tif", window=window, bands=[4])[..., 0] / 100
kernel = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
layer = keras.layers.Conv2D(filters=1, kernel_size=3, use_bias=False)
layer.build((None, None, None, 1))  # any number of images, of any size, with one band
layer.set_weights([kernel[:, :, np.newaxis, np.newaxis]])
result = np.asarray(layer(lake[np.newaxis, :, :, np.newaxis]))[0, :, :, 0]
print("image:", lake.shape, "result:", result.shape)

# %%
figure = Figure(figsize=(11, 3.2), layout="constrained")
axes = figure.subplots(1, 3, width_ratios=[36, 15, 36])
left = axes[0].imshow(lake, cmap="gray")
axes[1].imshow(kernel, cmap="RdBu", vmin=-3, vmax=3)
right = axes[2].imshow(result, cmap="RdBu", vmin=-45, vmax=45)
for ax, title in zip(axes, ("near infrared (%)", "kernel", "result"), strict=True):
    ax.set(title=title, xticks=[], yticks=[])
figure.colorbar(left, ax=axes[0], shrink=0.7)
figure.colorbar(right, ax=axes[2], shrink=0.7)
for (row, column), weight in np.ndenumerate(kernel):
    axes[1].text(column, row, weight, ha="center", va="center", fontsize=14)
StillFigure(figure, "A lake, a kernel, and its result: red and blue along the shores.")

# %% [markdown]
# **What you see.** On the western shore, the bright land lies left of the dark water: the
# result is negative (red). On the eastern shore it is positive (blue). The result has two
# rows and columns fewer, because the kernel must fit into the image.
#
# We chose this kernel. In a network the training finds the weights. A `Conv2D` layer has
# many kernels, called [filters](glossary.md#filter). Each has one weight for each pixel of
# the kernel *and each band*, and one bias. It gives one band of the result, called a
# [feature](glossary.md#feature).
#
# ## Many epochs with few samples
#
# Now a network with many weights trains with very few samples of area A: 10 of each class,
# for 100 epochs. After each epoch, the loss is also measured on area B, from which the
# network does not learn.

# %% exercise="two_curves"

# %%
few_pixels, few_labels = draw_pixels("a", count=10)
other_pixels, other_labels = draw_pixels("b", count=100)
mean, deviation = few_pixels.mean(axis=0), few_pixels.std(axis=0)
few_inputs = (few_pixels - mean) / deviation
others = ((other_pixels - mean) / deviation, other_labels)
keras.utils.set_random_seed(0)
hidden = [Dense(32, activation="relu"), Dense(32, activation="relu")]
network = keras.Sequential([Input([4]), *hidden, Dense(6, activation="softmax")])
adam = keras.optimizers.Adam(learning_rate=0.02)
network.compile(adam, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
keep_best = keras.callbacks.ModelCheckpoint(work / "best.keras", save_best_only=True)
history = network.fit(
    few_inputs,
    few_labels,
    epochs=100,
    validation_data=others,
    callbacks=[keep_best],
    verbose=0,
)
ex.two_curves.reveal(tl.show_curves(history.history))

# %% [markdown]
# **What you see.** The training loss falls until the end: the network knows its 60 samples
# almost by heart. The validation loss falls only in the first epochs, then it rises. This
# is [overfitting](glossary.md#overfitting): the network learns details of its samples that
# do not hold elsewhere. The [accuracy](glossary.md#accuracy), the share of right answers,
# is high on A and far lower on B.
#
# This is why the data are split into three sets. The network learns from the
# [training set](glossary.md#training-set). The
# [validation set](glossary.md#validation-set) helps you to choose, for example when to
# stop. The [test set](glossary.md#test-set) gives the score, once, after all choices.
#
# ## Checkpoint
#
# The network in memory is that of the last epoch, not the best one. But the
# [callback](glossary.md#callback) `ModelCheckpoint` saved the network whenever the
# validation loss was smaller than ever before. Such a file is a
# [checkpoint](glossary.md#checkpoint). **Which of the two losses below will be smaller?**

# %%
best = keras.models.load_model(work / "best.keras")
for name, one in {"the last epoch": network, "the checkpoint": best}.items():
    loss, accuracy = one.evaluate(*others, verbose=0)
    print(f"{name}: loss on B {loss:.2f}, accuracy on B {accuracy:.2f}")

# %% tags=["claim"]
assert np.isclose(softmax(np.array([2.0, 1.0, -2.0])).round(2).sum(), 1)
slow, good, large = (loss_of(weights[-1]) for weights in paths.values())
assert slow > 2 * good
assert large > 1.2 * good
assert min(map(loss_of, curve)) > 0.97 * good
one_layer, two_layers = losses.values()
assert two_layers[-1] < one_layer[-1] < one_layer[0]
training, validation = history.history["loss"], history.history["val_loss"]
assert training[-1] < 0.4
assert validation[-1] > 1.5 * min(validation)
assert np.argmin(validation) < 40
assert history.history["accuracy"][-1] > history.history["val_accuracy"][-1] + 0.3

# %% [markdown]
# **What you see.** The checkpoint has the smaller loss. Its accuracy need not be higher:
# the loss also counts how sure the network is of its wrong answers. All later notebooks
# keep the epoch with the smallest validation loss in this way.
#
# ## Optional: what a second layer can do
#
# The picture shows the class that the two networks give to every pair of values. **What
# can the second network do that the first one cannot?**

# %%
side = np.linspace(-2.5, 4.2, 200)
red, near_infrared = np.meshgrid(side, side)
every_pair = np.stack([red.ravel(), near_infrared.ravel()], axis=1)
class_colors = ListedColormap(legend.colors)
figure = Figure(figsize=(9, 4), layout="constrained")
for ax, (name, trained) in zip(figure.subplots(1, 2), networks.items(), strict=True):
    classes = trained.predict(every_pair, batch_size=4096, verbose=0).argmax(axis=1)
    look = {"cmap": class_colors, "vmin": -0.5, "vmax": 5.5}
    picture = ax.pcolormesh(side, side, classes.reshape(red.shape), alpha=0.6, **look)
    ax.scatter(*inputs[::10].T, c=labels[::10], s=12, edgecolor="black", lw=0.4, **look)
    ax.set(title=name, xlabel="red, scaled", ylabel="near infrared, scaled")
bar = figure.colorbar(picture, ax=figure.axes, ticks=range(6))
bar.ax.set_yticklabels(legend.names)
StillFigure(figure, "Classes of two networks over red and near infrared, with samples.")

# %% [markdown]
# **What you see.** One layer can only draw straight borders between two classes. With a
# second layer and an activation between them, borders can bend. The dots are samples.
# Their classes overlap, so no border separates them all: a single pixel does not tell
# enough. This is why the course uses patches of many pixels.
#
# ## Optional: a convolution by hand

# %% exercise="weighted_sum"

# %% [markdown]
# **Does Keras compute what you compute?**

# %% tags=["nbval-check-output"]
weighted_sum = ex.weighted_sum.answer()
height, width = result.shape
own = np.array(
    [[weighted_sum(lake, kernel, r, c) for c in range(width)] for r in range(height)]
)
print("the same result:", np.allclose(own, result, atol=1e-3))

# %% [markdown]
# ## Open task
#
# Change one setting of the training with few samples and compare the curves: draw 100
# pixels of each class instead of 10, use 4 neurons instead of 32, or a learning rate of
# 0.2. Which change helps most against overfitting? There is no check.
#
# ## Further reading
#
# - [TensorFlow Playground](https://playground.tensorflow.org): train a small network in
#   the browser, and watch it learn.
# - [Introduction to Keras for engineers](https://keras.io/getting_started/intro_to_keras_for_engineers/):
#   `compile`, `fit` and `predict`, step by step.
#
# ## Summary
#
# - *Weights* are the numbers that training finds. *Layers* are weighted sums, an
#   *activation* bends them, and *softmax* makes probabilities.
# - The *loss* says how wrong the network is. A *gradient step* makes it smaller; the
#   *learning rate* is the size of the step.
# - A *batch* has the samples of one step, an *epoch* is one pass over all samples.
# - *Overfitting*: the training loss falls, the validation loss rises. A *checkpoint* is the
#   network of the best epoch, in a file.
#
# The [glossary](glossary.md) has all words of the course. Shut down the kernel of this
# notebook before the next one: *Kernel*, *Shut Down Kernel*. In
# [02](02_patch_based_cnn.ipynb) you train a network on patches.
