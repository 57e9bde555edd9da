"""The network of two resolutions, trained with OTBTF's classes."""

import argparse

import keras
import otbtf
from mymetrics import FScore

CLASSES = 6
pool = keras.layers.MaxPool2D(pool_size=(2, 2))


def samples(sample):
    """Both patches of a position and its label."""
    truth = otbtf.ops.one_hot(labels=sample["labels"], nb_classes=CLASSES)
    return {
        "input_10m": sample["img_10m"],
        "input_20m": sample["img_20m"],
        "estimated": truth,
    }


def dataset(folder, letter, batch_size=8):
    """Batches of (inputs, targets)."""
    return otbtf.DatasetFromPatchesImages(
        filenames_dict={
            name: [f"{folder}/{letter}_{name}_2src.tif"]
            for name in ("img_10m", "img_20m", "labels")
        }
    ).get_tf_dataset(
        batch_size=batch_size, preprocessing_fn=samples, targets_keys=["estimated"]
    )


def convolutions(net, *layers):
    """Convolutions without padding, as (channels, kernel)."""
    for depth, size in layers:
        net = keras.layers.Conv2D(depth, size, activation="relu")(net)
    return net


class DualSource(otbtf.ModelBase):
    """Two branches that meet at 20 m."""

    def normalize_inputs(self, inputs):
        """Reflectance as float."""
        return {
            key: keras.ops.cast(inputs[key], "float32") * 1e-4
            for key in ("input_10m", "input_20m")
        }

    def get_outputs(self, normalized_inputs):
        """Scores, labels and features."""
        fine = convolutions(
            normalized_inputs["input_10m"], (16, 5), (16, 3), (16, 3), (32, 3), (32, 3)
        )
        fine = convolutions(pool(fine), (32, 2))
        coarse = convolutions(
            normalized_inputs["input_20m"], (32, 3), (32, 3), (32, 3), (32, 2)
        )
        net = keras.layers.Concatenate(axis=-1)([fine, coarse])
        scores = keras.layers.Conv2D(CLASSES, 1, activation="softmax")(net)
        labels = otbtf.layers.Argmax()(scores)
        return {"estimated": scores, "estimated_labels": labels, "features": net}


parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--epochs", type=int, default=100)
params = parser.parse_args()

training = dataset(params.data, "a").shuffle(buffer_size=100)
validation = dataset(params.data, "b")
model = DualSource(dataset_element_spec=training.element_spec)
model.compile(
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    optimizer=keras.optimizers.Adam(2e-4),
    metrics={"estimated": [FScore(class_id=n, name=f"f{n}") for n in range(CLASSES)]},
)
model.fit(
    training,
    epochs=params.epochs,
    validation_data=validation,
    callbacks=[
        keras.callbacks.ModelCheckpoint(
            params.model, save_best_only=True, monitor="val_loss", mode="min"
        )
    ],
    verbose=2,
)
