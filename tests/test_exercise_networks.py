"""Networks that are compared with the right one: equal ones, and what differs."""

import keras
import numpy as np
import pytest

from tutorial_lib import PatchModel, architectures, labels_of
from tutorial_lib.exercises import compare_networks
from tutorial_lib.exercises.attempts import run_code
from tutorial_lib.exercises.graphs import graph_of

pytestmark = pytest.mark.thorough

L = keras.layers
NAMES = {"keras": keras, "L": L, "np": np, "PatchModel": PatchModel}
NAMES["labels_of"] = labels_of

# A network of two sources with a skip: valid and same padding, a stride, joins.
NETWORK = """
def conv(net, filters, kernel, name, **options):
    options = {"activation": "relu"} | options
    return L.Conv2D(filters, kernel, name=name, **options)(net)


class Own(PatchModel):
    def network(self, inputs):
        fine, coarse = inputs["fine"], inputs["coarse"]
        fine = conv(fine, 8, 3, "fine1")
        fine = conv(fine, 8, 3, "fine2")
        fine = L.MaxPool2D(2)(fine)
        coarse = conv(coarse, 8, 3, "coarse1")
        net = L.Concatenate(name="joined")([fine, coarse])
        down = conv(net, 12, 3, "down", strides=2, padding="same")
        up = L.Conv2DTranspose(16, 3, 2, "same", activation="relu", name="up")(down)
        net = L.Add()([up, net])
        estimated = conv(net, 5, 1, "classes", activation="softmax")
        return {"estimated": estimated, "labels": labels_of(estimated)}
"""


def built(*changes):
    code = NETWORK
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    own = run_code(code, NAMES, title="cell")["Own"]
    return own(crops=(1,)).build({"fine": 4, "coarse": 6})


@pytest.fixture(scope="module")
def reference():
    return built()


def found(reference, *changes):
    return str(compare_networks(built(*changes), reference))


ADD = "L.Add()([up, net])"


@pytest.mark.parametrize(
    "change",
    [
        ("[fine, coarse]", "[coarse, fine]"),
        (ADD, "L.Add()([net, up])"),
        (ADD, "net + up"),
        (ADD, "keras.ops.add(up, net)"),
        ('"fine1")', '"other")'),
        ('L.Concatenate(name="joined")', "L.Concatenate(axis=-1)"),
        ('"fine2")', '"fine2", activation=None)\n        fine = L.ReLU()(fine)'),
        ('"fine2")', '"fine2")\n        fine = L.Activation("linear")(fine)'),
        ('fine, 8, 3, "fine2")', 'fine, filters=8, kernel=(3, 3), name="fine2")'),
        ('"fine2")', '"fine2", padding="VALID")'),
        ("labels_of(estimated)", "keras.ops.argmax(estimated, -1, keepdims=True)"),
        ("L.MaxPool2D(2)", "L.MaxPool2D(pool_size=(2, 2), strides=2)"),
    ],
)
def test_networks_that_compute_the_same_are_equal(reference, change):
    assert found(reference, change) == "None"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('fine, 8, 3, "fine1"', 'fine, 16, 3, "fine1"'),
            "`fine1` gives 16 bands; the",
        ),
        (('coarse, 8, 3, "', 'coarse, 8, 1, "'), "`coarse1` has a kernel of 1x1"),
        (('"fine2")', '"fine2", activation=None)'), "`fine2` has no activation"),
        (('"fine2")', '"fine2", activation="elu")'), "the activation elu; the table"),
        (('"fine2")', '"fine2", use_bias=False)'), "`fine2` has no bias"),
        (('"fine2")', '"fine2", dilation_rate=2)'), "`fine2` has a dilation of 2"),
        (('"fine2")', '"fine2", padding="same")'), '`fine2` has the padding "same"'),
        (("strides=2", "strides=1"), "`down` has a stride of 1"),
        (('16, 3, 2, "same"', '16, 5, 2, "same"'), "`up` has a kernel of 5x5"),
        (
            ("MaxPool2D", "AveragePooling2D"),
            "average pooling; the table says max pooling",
        ),
        ((ADD, "L.Average()([up, net])"), "the table says sum"),
        ((ADD, "L.Maximum()([up, net])"), "the table says sum"),
        ((ADD, "L.Concatenate()([up, net])"), "concatenation; the table says sum"),
        ((ADD, "up"), "A layer is missing after `up`: a sum"),
        (("[fine, coarse]", "[coarse, coarse]"), "No output depends on `fine`"),
    ],
)
def test_a_layer_that_differs_is_named(reference, change, words):
    assert words in found(reference, change)


def test_a_result_that_is_thrown_away(reference):
    text = found(
        reference, ('fine = conv(fine, 8, 3, "fine2")', 'conv(fine, 8, 3, "x")')
    )
    assert "A layer is missing after `fine1`: `fine2`." in text
    assert "Is every result assigned, as in `net = …`?" in text


def test_an_added_layer(reference):
    dropout = found(
        reference, ('"fine2")', '"fine2")\n        fine = L.Dropout(0.2)(fine)')
    )
    assert "Dropout number 1 is too many" in dropout
    normalised = ('"fine2")', '"fine2")\n        fine = L.BatchNormalization()(fine)')
    assert "Batch normalisation number 1 is too many" in found(reference, normalised)


def test_filters_and_kernel_exchanged(reference):
    text = found(reference, ('net, 12, 3, "down"', 'net, 3, 12, "down"'))
    assert "Are the filters and the kernel exchanged?" in text


def test_outputs_that_are_missing_or_too_many(reference):
    labels = ', "labels": labels_of(estimated)'
    assert "has no output `labels`" in found(reference, (labels, ""))
    assert "The output `features` is not asked for." in found(
        reference, (labels, f'{labels}, "features": net')
    )


def test_another_layer_behind_an_output(reference):
    text = found(reference, ("labels_of(estimated)", "labels_of(net)"))
    assert "it should" in text
    assert "`classes`" in text


def test_another_connection(reference):
    text = found(reference, ('conv(net, 12, 3, "down"', 'conv(fine, 12, 3, "down"'))
    assert "`down` takes the result of" in text
    assert "it should take that of `joined`" in text


def test_other_crops_and_another_scale(reference):
    other = run_code(NETWORK, NAMES, title="cell")["Own"]
    channels = {"fine": 4, "coarse": 6}
    crops = compare_networks(other(crops=(2,)).build(channels), reference)
    assert "has no output `estimated_crop1`" in crops.text
    scale = compare_networks(other(crops=(1,), scale=0.1).build(channels), reference)
    assert "multiply by 0.1; the table says 0.0001" in scale.text


def test_right_layers_are_said_to_be_right(reference):
    finding = compare_networks(
        built(('"fine2")', '"fine2", activation=None)')), reference
    )
    assert finding.right == "`coarse1`, `fine1`, `joined` and 3 more layers are right."


def test_the_source_of_what_is_right_can_be_named():
    one, other = (architectures.pixelwise_fcnn(n, crops=()) for n in (5, 6))
    text = compare_networks(one, other, says="it should be").text
    assert "gives 5 bands; it should be 6." in text


def test_a_value_that_is_no_network(reference):
    assert "The result is a number" in compare_networks(3, reference).text


def test_other_inputs(reference):
    own = run_code(NETWORK, NAMES, title="cell")["Own"]
    other = own(crops=(1,)).build({"fine": 3, "coarse": 6})
    assert "`fine` with 4 bands" in compare_networks(other, reference).text


def test_a_network_that_cannot_run_is_a_finding(reference):
    """Its sizes fit patches only."""
    model = built(("fine = L.MaxPool2D(2)(fine)", 'fine = conv(fine, 8, 3, "fine3")'))
    text = str(compare_networks(model, reference))
    assert "`fine3` is of the kind convolution; the table says max pooling." in text


def test_weights_stay_as_they_were(reference):
    before = [weight.copy() for weight in reference.get_weights()]
    model = built()
    own = [weight.copy() for weight in model.get_weights()]
    assert compare_networks(model, reference) is None
    for one, other in [(before, reference), (own, model)]:
        assert all(map(np.array_equal, one, other.get_weights()))


def nested():
    image = keras.Input((None, None, 3))
    inner = keras.Sequential([L.Conv2D(4, 3, activation="relu"), L.Conv2D(4, 3)])
    return keras.Model(
        image, L.Add()([inner(image), L.Cropping2D(2)(L.Conv2D(4, 1)(image))])
    )


def flat():
    image = keras.Input((None, None, 3))
    net = L.Conv2D(4, 3)(L.Conv2D(4, 3, activation="relu")(image))
    return keras.Model(image, L.Add()([L.Cropping2D(2)(L.Conv2D(4, 1)(image)), net]))


def test_nested_models_are_unfolded():
    assert len(graph_of(nested()).uses) == len(graph_of(flat()).uses)
    kinds = [
        sorted(use.kind for use in graph_of(one).uses) for one in (nested(), flat())
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    "name", ["pooled_cnn", "pixelwise_fcnn", "dual_source_fcnn", "pan_xs_unet"]
)
def test_the_networks_of_the_kit_equal_themselves(name):
    make = getattr(architectures, name)
    assert compare_networks(make(4, crops=()), make(4, crops=())) is None
    assert compare_networks(make(4, crops=(8,)), make(4, crops=(8,))) is None
