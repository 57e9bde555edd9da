# %% [markdown]
# # A pixel-wise network
#
# From 16 x 16 pixels, what is the class of the pixel in the middle? A small network
# learns to answer that, for every pixel of a scene at once. Will it still be right where
# it has never been?
#
# **Afterwards you can**
#
# - follow the size of an image through the layers of a network,
# - count the weights of a layer,
# - write a fully convolutional network and train it with Keras,
# - recognise overfitting on its curves, and keep the best epoch,
# - read scores class by class.
#
# **Needs** about 45 minutes of yours, a minute of computing, 0.9 GB of memory, no
# internet. Patches are explained in [01](01_patches.ipynb); here they are cut again.

# %%
import tutorial_lib as tl  # first: it keeps TensorFlow quiet
import keras
import numpy as np
import pandas
from tutorial_lib import recorded
from tutorial_lib.exercises import nb03_pixelwise_fcnn as ex
from tutorial_lib.machine import find_data

# %% tags=["parameters"]
havel = find_data("havel")
work = havel.parent / "work" / "03_pixelwise_fcnn"
epochs = 10
batch_size = 32
learning_rate = 1e-3

# %% [markdown]
# ## The idea
#
# A convolution slides a small square of weights, its **kernel**, over the image. At each
# place it multiplies pixels with weights and adds them up: one pixel of the result.
#
# Where it is computed only with the whole kernel on the image, the result is smaller
# than the image. If layer after layer takes some pixels away until a patch is a single
# pixel, then that pixel has seen the whole patch, and nothing else.
#
# The kernel moves on by one pixel at a time, so the pixels of the result are as large
# as those of the image.

# %% exercise="size_after"

# %%
size_after = ex.size_after.answer()

# %% [markdown]
# Follow a patch through the kernels of the network. **After how many layers is it a
# single pixel?**

# %% tags=["nbval-check-output"]
kernels = [5, 3, 3, 3, 3, 3, 2]
size = 16
for kernel in kernels:
    size = size_after(size, kernel)
    print(f"kernel {kernel}: {size} x {size}")

# %% [markdown]
# The table of the whole network. A layer has many kernels, its **filters**; each gives
# one band. `estimated` holds the probability of each class.
#
# | layer | kernel | filters | side of a patch of 16 |
# |---|---|---|---|
# | input | | 4 bands | 16 |
# | conv1 | 5 | 16 | 12 |
# | conv2 | 3 | 16 | 10 |
# | conv3 | 3 | 16 | 8 |
# | conv4 | 3 | 32 | 6 |
# | conv5 | 3 | 32 | 4 |
# | conv6 | 3 | 32 | 2 |
# | feats | 2 | 32 | 1 |
# | estimated | 1 | 6 classes | 1 |

# %% exercise="weight_count"

# %%
weight_count = ex.weight_count.answer()

# %% tags=["nbval-check-output"]
layers = [(5, 4, 16), (3, 16, 16), (3, 16, 16), (3, 16, 32), (3, 32, 32), (3, 32, 32)]
layers += [(2, 32, 32), (1, 32, 6)]
total = sum(weight_count(*layer) for layer in layers)
print(f"{total} weights in all")

# %% [markdown]
# ## The network
#
# A `PatchModel` needs one function: from the inputs by name to the outputs by name. It
# does the rest: scaling of the pixel values, inputs of any size, and cropped outputs
# that a later notebook uses.
#
# `conv` adds one layer. Its *activation* comes after the sum: `"relu"` turns negative
# values into 0, so that several layers can do more than one; `"softmax"`, at the end,
# turns the values of a pixel into probabilities, which add up to 1.


# %%
def conv(net, filters, kernel, name, activation="relu"):
    layer = keras.layers.Conv2D(filters, kernel, activation=activation, name=name)
    return layer(net)


# %% exercise="network"

# %%
FCNN = ex.network.answer()

# %% [markdown]
# `build` makes the model: the input has four bands. It takes an image of any size. **What
# will be the size of the result for 100 x 60 pixels?**

# %% tags=["nbval-check-output"]
keras.utils.set_random_seed(0)
model = FCNN().build({"input": 4})
image = np.zeros((1, 100, 60, 4), "float32")
print("weights:", model.count_params())
print("result: ", tuple(model({"input": image})["estimated"].shape))

# %% [markdown]
# As many weights as you counted. And one result for every place where a patch of 16 fits:
# the network is trained on patches, and maps whole images.
#
# ## The data
#
# Area A trains, area B validates. They lie apart, so that no pixel is in both.

# %% tags=["nbval-check-output"]
paths = {}
for area in "ab":
    positions = tl.select_positions(havel / f"terrain_truth_{area}.tif")
    patches = tl.extract_patches(
        {"input": havel / "s2_10m.tif"},
        positions,
        sizes={"input": 16},
        out_dir=work,
        prefix=f"{area}_",
    )
    paths[area] = patches.paths
    print(f"area {area}: {patches.count} patches")

# %% [markdown]
# A dataset gives **batches**, some patches at a time: the inputs by name, and the class
# as *one-hot*, a 1 in the place of the class and 0 elsewhere.

# %% tags=["nbval-check-output"]
legend = tl.read_legend(havel / "terrain_truth_a.tif")
train = tl.patch_dataset(
    paths["a"], class_count=len(legend), batch_size=batch_size, seed=0
)
valid = tl.patch_dataset(
    paths["b"], class_count=len(legend), batch_size=batch_size, shuffle=False
)
inputs, targets = next(iter(valid))
print("inputs: ", inputs["input"].shape)
print("targets:", targets["estimated"].shape)
print("the first:", targets["estimated"].numpy()[0, 0, 0])

# %% [markdown]
# ## Training
#
# Plain Keras from here on. The **loss** says how wrong the probabilities are: 0 if the
# true class has all of the probability, more if it has less. After each batch, the
# optimizer *Adam* changes the weights a little to make the loss smaller. An **epoch** is
# one pass over all patches of A.
#
# The checkpoint writes a file whenever the loss on B is smaller than ever before.

# %%
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate),
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    metrics={"estimated": [keras.metrics.CategoricalAccuracy(name="accuracy")]},
)
best_path = work / "fcnn.keras"
keep_best = keras.callbacks.ModelCheckpoint(best_path, save_best_only=True)
history = model.fit(
    train, validation_data=valid, epochs=epochs, verbose=2, callbacks=[keep_best]
)

# %% [markdown]
# **What you see.** Two lines for each epoch. `loss` is how wrong the network was on A,
# `val_loss` how wrong it is on B, from which it never learns. `accuracy` is the share of
# patches that got their true class.
#
# ## Overfitting
#
# The kit brings the curves of a longer training, made by the same code. **Before you
# run the cell: what will the two losses do in the end? Do both go on falling?**

# %%
curves = recorded.read_history("fcnn_havel")
tl.show_curves(curves)

# %% [markdown]
# **What you see.** On A the network becomes better and better. On B it stops becoming
# better: what it still learns are the patches of A by heart, and what is special to A.
# That is **overfitting**. The gap between the curves shows it.

# %% exercise="best_epoch"

# %%
best_epoch = ex.best_epoch.answer()

# %% tags=["nbval-check-output"]
best = best_epoch(curves["val_loss"])
last = len(curves["val_loss"])
print(f"the recorded training: best epoch {best} of {last}")
gaps = [b - a for a, b in zip(curves["loss"], curves["val_loss"], strict=True)]
assert best < last
assert gaps[best - 1] < gaps[-1]
print(f"gap between the losses: {gaps[best - 1]:.2f} then, {gaps[-1]:.2f} at the end")

# %% [markdown]
# The more weights a network has, the more it can learn by heart.
#
# ## How good is it?
#
# Your own file holds the best epoch of *your* training, together with the network:
# nothing else is needed to load it.
#
# *Recall* is how much of a class was found. *Precision* is how much of what was given
# its name really is of the class; the *F-score* lies between the two. The class of a
# pixel is its most probable one. With classes of equal size, somebody who guesses is
# right once in six times; *kappa* counts from there: 0 is guessing, 1 is always right.

# %%
best = best_epoch(history.history["val_loss"])
print(f"your training: best epoch {best} of {epochs}")
best_model = keras.models.load_model(best_path)
scores = tl.training.evaluate_classes(best_model, valid, names=legend.names)
scores

# %% [markdown]
# **Which classes will be mixed up?** Think of the patches that you looked at. Below, each
# row is a true class, each column an estimated one.

# %%
pandas.DataFrame(scores.confusion, index=legend.names, columns=legend.names)

# %% tags=["nbval-check-output"]
assert scores.overall_accuracy > 2 / 6
print("more than twice as good as guessing")

# %% [markdown]
# **What you see.** Right answers are on the diagonal. Look for the largest number off it:
# those two classes are confused most. The labels say how people *use* the land, and on a
# winter day under thin clouds that is not always to be seen. A perfect score would be
# suspicious.
#
# ## Summary
#
# - A valid convolution takes `kernel - 1` pixels away; here 16 become one.
# - The same weights make one pixel of a patch, and a map of an image.
# - Validation on other ground shows overfitting; the checkpoint keeps the best epoch.
# - Scores by class say more than one number.
#
# Shut down this notebook's kernel before the next one: *Kernel*, *Shut Down Kernel*. In
# [04](04_early_stopping.ipynb) the training stops by itself.
