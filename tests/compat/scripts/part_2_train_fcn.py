"""The pixel-wise network, trained with OTBTF's classes."""

import argparse

import keras
import otbtf
from mymetrics import FScore

CLASSES = 6


def samples(sample):
    """One patch and its label, as the network wants them."""
    truth = otbtf.ops.one_hot(labels=sample["labels"], nb_classes=CLASSES)
    return {"input": sample["img"], "estimated": truth}


def dataset(folder, letter, batch_size):
    """Batches of (inputs, targets)."""
    reader = otbtf.DatasetFromPatchesImages(
        filenames_dict={
            "img": [f"{folder}/{letter}_img_10m.tif"],
            "labels": [f"{folder}/{letter}_labels.tif"],
        }
    )
    return reader.get_tf_dataset(
        batch_size=batch_size, preprocessing_fn=samples, targets_keys=["estimated"]
    )


class FullyConvolutional(otbtf.ModelBase):
    """Seven convolutions without padding: 16 px become one."""

    def normalize_inputs(self, inputs):
        """Reflectance as float."""
        return {"input": keras.ops.cast(inputs["input"], "float32") * 1e-4}

    def get_outputs(self, normalized_inputs):
        """Scores, labels and features."""
        net = normalized_inputs["input"]
        for depth, size in ((16, 5), (16, 3), (16, 3), (32, 3), (32, 3), (32, 3)):
            net = keras.layers.Conv2D(depth, size, activation="relu")(net)
        net = keras.layers.Conv2D(32, 2, activation="relu", name="feats")(net)
        scores = keras.layers.Conv2D(CLASSES, 1, activation="softmax")(net)
        labels = otbtf.layers.Argmax()(scores)
        return {"estimated": scores, "estimated_labels": labels, "features": net}


parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--log_dir", required=True)
parser.add_argument("--batch_size", type=int, default=8)
parser.add_argument("--learning_rate", type=float, default=2e-4)
parser.add_argument("--epochs", type=int, default=100)
params = parser.parse_args()

training = dataset(params.data, "a", params.batch_size).shuffle(buffer_size=100)
validation = dataset(params.data, "b", params.batch_size)

model = FullyConvolutional(dataset_element_spec=training.element_spec)
metrics = [
    kind(class_id=number)
    for number in range(CLASSES)
    for kind in (keras.metrics.Precision, keras.metrics.Recall)
]
metrics += [FScore(class_id=n, name=f"fscore_cls{n}") for n in range(CLASSES)]
model.compile(
    loss={"estimated": keras.losses.CategoricalCrossentropy()},
    optimizer=keras.optimizers.Adam(params.learning_rate),
    metrics={"estimated": metrics},
)
model.summary()
model.fit(
    training,
    epochs=params.epochs,
    validation_data=validation,
    callbacks=[
        keras.callbacks.ModelCheckpoint(
            params.model, save_best_only=True, monitor="val_loss", mode="min"
        ),
        keras.callbacks.TensorBoard(log_dir=f"{params.log_dir}/fcn"),
        keras.callbacks.EarlyStopping(patience=3),
    ],
    verbose=2,
)
