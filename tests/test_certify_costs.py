"""What `certify` computes, how long it says that this takes, and what it shows."""

import re
import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import keras
import numpy as np
import pytest
from keras import layers
from tqdm import tqdm

from tutorial_lib import architectures, testing
from tutorial_lib.fields.analysis import analyse
from tutorial_lib.networks.predictors import as_predictor
from tutorial_lib.proof import probe, work
from tutorial_lib.proof.certifying import certify
from tutorial_lib.proof.experiments import Expected, measure_margins
from tutorial_lib.proof.probe import Layout, make_probe
from tutorial_lib.proof.work import LONG_SECONDS, QUIET_SECONDS, Work


class Slow:
    """A model that moves a simulated clock on by a given time for each pixel."""

    def __init__(self, model, per_pixel, *, per_image=0.0, compiling=0.0):
        self.predictor = as_predictor(model)
        self.per_pixel, self.per_image = per_pixel, per_image
        self.compiling, self.now, self.images = compiling, 0.0, []

    def clock(self):
        return self.now

    def function(self, inputs, outputs):
        shape = next(iter(inputs.values())).shape[1:3]
        if shape not in self.images:
            self.now += self.compiling
        self.images.append(shape)
        self.now += self.per_image + self.per_pixel * shape[0] * shape[1]
        return self.predictor.function(inputs, outputs)

    def model(self):
        return replace(self.predictor, function=self.function)

    def opaque(self):
        return lambda inputs: self.function(inputs, ["estimated"])


@pytest.fixture
def slow(monkeypatch):
    def make(*args, **options):
        one = Slow(*args, **options)
        for module in (probe, work):
            monkeypatch.setattr(module, "perf_counter", one.clock)
        return one

    return make


def unet(depth=3):
    keras.utils.set_random_seed(0)
    return architectures.deeper_unet(4, depth=depth, crops=())


def sentences(text):
    """(number of images, longest sides, seconds) of each sentence in a text."""
    found = re.findall(
        r"certify computes (?:at most )?(\d+) images of up to (\d+)x(\d+) px, about "
        r"(\d+) s",
        text,
    )
    return [tuple(map(int, one)) for one in found]


# What is shown.


@pytest.mark.parametrize("progress", [True, False])
def test_a_short_proof_says_nothing(slow, capsys, progress):
    quick = slow(unet(), 1e-8)
    certify(quick.model(), "estimated", tile=16, progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_long_proof_says_before_it_how_many_images_there_are(slow, capsys):
    # 10 s for a million pixels, and a start that small images feel.
    long = slow(unet(), 1e-5, per_image=0.01)
    certify(long.model(), "estimated", tile=16)
    shown = capsys.readouterr()
    assert shown.out == ""
    count, height, width, seconds = sentences(shown.err)[0]
    first = next(i for i, shape in enumerate(long.images) if shape[0] >= height / 2)
    rest = long.images[first:]
    assert count == len(rest)
    assert (height, width) == max(rest, key=np.prod)
    spent = sum(0.01 + 1e-5 * np.prod(shape) for shape in rest)
    assert spent / 1.5 < seconds < spent * 1.5
    # Nothing is left of the bar: the last thing written is blanks.
    assert shown.err.endswith("\r")
    assert shown.err.split("\r")[-2].strip() == ""


def test_a_model_that_is_compiled_for_each_size_takes_longer(slow, capsys):
    long = slow(unet(), 1e-6, compiling=5)
    certify(long.model(), "estimated", tile=16)
    *_, seconds = sentences(capsys.readouterr().err)[0]
    # Rows, columns, the whole image and the tiles.
    assert 20 <= seconds <= 24


def test_without_progress_a_long_proof_shows_no_bar(slow, capsys):
    long = slow(unet(), 1e-5)
    certify(long.model(), "estimated", tile=16, progress=False)
    assert capsys.readouterr() == ("", "")


def test_an_unknown_network_is_announced_by_the_most_that_it_may_take(slow, capsys):
    long = slow(unet(), 1e-5)
    sizes = {"input_p": (1, 1, 9), "input_xs": (4, Fraction(1, 4), 9)}
    certify(long.opaque(), "estimated", tile=16, inputs=sizes)
    text = capsys.readouterr().err
    assert "certify computes at most" in text
    counts = Counter(long.images)
    most, height, width, _ = sentences(text)[0]
    assert counts[height, width] <= most
    # What is left when the total stride is known is told by another sentence.
    last, height, width, _ = sentences(text)[-1]
    assert "at most" not in text.split("certify computes ")[-1]
    first = next(i for i, shape in enumerate(long.images) if shape == (height, width))
    # The last image is the one by which functions are told apart.
    assert last == len(long.images[first:-1])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_proof_that_ends_early_leaves_no_bar(slow, error, capsys):
    long, ended = slow(unet(), 1e-5), []

    def function(inputs, outputs):
        if sentences(capsys.readouterr().err):
            ended.append(True)
            raise error
        return long.function(inputs, outputs)

    model = replace(long.model(), function=function)
    with pytest.raises((KeyboardInterrupt, ValueError)):
        certify(model, "estimated", tile=16)
    assert ended
    assert not list(tqdm._instances)


def test_a_proof_of_minutes_is_announced_with_a_cure(slow):
    long = slow(unet(), 1e-3)
    with pytest.warns(UserWarning, match=r"certify computes \d+ .*min\. Certify a sm"):
        certify(long.model(), "estimated", tile=16, progress=False)


def test_a_proof_that_needs_much_memory_says_so_before_it_takes_it():
    model, shapes = as_predictor(unet()), []

    def function(inputs, outputs):
        shapes.append(inputs["input_p"].shape[1:3])
        return model.function(inputs, outputs)

    watched = replace(model, function=function)
    sentence = r"up to 8\d\d\dx8\d\d\d px, .* GB of memory\. Certify a smaller `tile`"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=sentence):
            certify(watched, "estimated", tile=8192)
    assert max(shapes) < (1024, 1024)


@pytest.mark.parametrize("progress", [None, "no", 1])
def test_progress_is_true_or_false(progress):
    with pytest.raises(TypeError, match=r"^`progress` is .*Give True or False"):
        certify(unet(), "estimated", tile=16, progress=progress)


def test_too_little_memory_is_one_sentence_with_a_cure():
    def model(inputs):
        if inputs["input"].shape[1] > 300:
            raise MemoryError
        return {"estimated": inputs["input"]}

    with pytest.raises(MemoryError, match=r"image of 384x192 px.*a smaller `tile`"):
        certify(model, "estimated", tile=8, inputs={"input": (1, 1, 9)})


# What is computed.

NETWORKS = {
    "pixelwise_fcnn": lambda: architectures.pixelwise_fcnn(6, crops=()),
    "dual_source_fcnn": lambda: architectures.dual_source_fcnn(6, crops=()),
    "pan_xs_unet": lambda: architectures.pan_xs_unet(4, crops=()),
    "deeper_unet": lambda: unet(depth=5),
}


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("tile", [32, pytest.param(640, marks=pytest.mark.thorough)])
def test_exactly_the_images_that_are_planned_are_computed(name, tile, monkeypatch):
    plans = []

    class Watched(Work):
        def tell(self):
            plans.append((self.left, self._done))
            super().tell()

    monkeypatch.setattr("tutorial_lib.proof.certifying.Work", Watched)
    certify(NETWORKS[name](), "estimated", tile=tile)
    planned, done = plans[0]
    assert done == 0
    assert planned.total() in (20 + 21, 20 + 3)
    assert not plans[-1][0]
    # Each image took one of the planned ones away, and none was added.
    assert [left.total() for left, _ in plans[1:]] == [*range(planned.total())][::-1]
    pixels = sum(count * np.prod(shape) for shape, count in planned.items())
    assert plans[-1][1] == pixels


def pixels_of_margins(margins, stride):
    """Pixels that are computed to measure the margins of an analysed network."""
    layout = Layout(stride=stride, scale=Fraction(1), lost=(0, 0))
    images = []

    def model(inputs):
        images.append(inputs["input"].shape[1:3])
        return {"estimated": inputs["input"]}

    inputs = {"input": (1, 1, 9)}
    one = make_probe(as_predictor(model), "estimated", inputs=inputs, spacing=None)
    expected = Expected(layout, margins, analysed=True)
    assert measure_margins(one, expected, np.random.default_rng(0))[0] == (0, 0, 0, 0)
    return sum(rows * cols for rows, cols in images)


def test_the_cost_of_large_margins_is_a_third_of_what_whole_surroundings_would_be():
    """The margins of a U-Net on MobileNetV2: 16 images of three chunks squared."""
    chunk = 255 + 256 + 32
    assert pixels_of_margins((255, 255, 256, 256), 32) < 16 * (3 * chunk) ** 2 / 3


def test_surroundings_are_at_least_as_wide_as_a_margin():
    """A network that reads far pixels and none between is measured right."""
    image = keras.Input((None, None, 1), name="image")
    net = layers.Conv2D(1, 2, padding="valid", dilation_rate=90)(image)
    model = keras.Model(
        image, layers.ZeroPadding2D(((0, 90), (0, 90)), name="out")(net)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = certify(model, "out", tile=8)
    assert certificate.margins == analyse(model).margins["out"] == (0, 0, 90, 90)
    assert certificate.exact


def test_only_shifts_that_may_be_the_total_stride_are_tried():
    images = []
    mean = testing.BlockMean({"input": 12}, {"input": 12})

    def model(inputs):
        images.append(inputs["input"].shape[1:3])
        coarse = mean(inputs)["estimated"]
        return {"estimated": coarse.repeat(12, axis=1).repeat(12, axis=2)}

    certificate = certify(model, "estimated", tile=12, inputs={"input": (1, 1, 255)})
    assert certificate.total_stride == {"input": 12}
    # 10 images of checks and of the sample, 16 of margins, 3 at rest, one for each of
    # the shifts 1, 2, 3, 4, 6 and 8, and 3 for 12.
    assert Counter(images)[192, 192] == 10 + 16 + 3 + 6 + 3


# Work by itself.


def test_the_rest_is_estimated_from_the_smallest_and_the_largest_image():
    some = Work()
    some.plan("a", {(100, 100): 4, (20, 20): 100})
    assert some.expected == 0, "nothing is known yet"
    some.plan("a", {})
    # 0.1 ms for each pixel, 10 ms for each image, and 1 s of compiling.
    some.ran((10, 10), 1.02)
    some.ran((10, 10), 0.02)
    some.ran((100, 100), 1.01)
    some.plan("a", {(100, 100): 3, (20, 20): 98})
    assert some.expected == pytest.approx(3 * 1.01 + 98 * 0.05)
    # A small image that took long by chance tells nothing of the large ones.
    other = Work()
    other.plan("a", {(100, 100): 4})
    other.ran((10, 10), 1.0)
    other.ran((100, 100), 1.0)
    assert other.expected == pytest.approx(3)


def test_compiling_for_each_new_size_is_part_of_the_estimate():
    some = Work()
    some.plan("a", {(20, 20): 3, (30, 30): 1})
    some.ran((10, 10), 5.1)
    some.ran((10, 10), 0.1)
    pixels = 3 * 400 + 900
    assert some.expected == pytest.approx(0.1 * pixels / 100 + 2 * 5)


def test_a_trial_is_made_only_where_the_time_matters():
    some = Work()
    some.plan("a", {(800, 400): 10})
    assert some.trial() is None
    some.ran((20, 20), 0.0001)
    assert some.expected < QUIET_SECONDS
    assert some.trial() is None
    other = Work()
    other.plan("a", {(800, 400): 10, (8, 8): 1})
    other.ran((20, 20), 0.01)
    assert other.expected > QUIET_SECONDS
    assert other.trial() == (200, 100)
    other.ran((200, 100), 0.5)
    assert other.trial() is None, "nothing is learnt by another one"


def test_what_is_planned_anew_replaces_what_is_left_of_a_part():
    some = Work()
    some.plan("a", {(10, 10): 4})
    some.plan("b", {(20, 20): 1})
    some.ran((10, 10), 0.1)
    assert some.left == {(10, 10): 3, (20, 20): 1}
    some.plan("a", {(30, 30): 2})
    assert some.left == {(30, 30): 2, (20, 20): 1}
    some.plan("a", {})
    some.plan("b", {})
    assert not some.left
    some.ran((5, 5), 0.1)
    assert not some.left


def test_the_memory_is_that_of_the_largest_image():
    some = Work(cure="Take less.", bytes_per_pixel=1000)
    some.plan("a", {(2000, 1000): 1, (3000, 1000): 1, (30, 10): 5})
    some.tell()
    some.plan("b", {(3000, 3000): 1})
    with pytest.warns(UserWarning, match=r"3000x3000 px, about 1 s and 9 GB of mem"):
        some.tell()


def test_a_long_work_warns_once():
    some = Work(cure="Take less.")
    some.plan("a", {(10, 10): 100})
    with pytest.warns(UserWarning, match=r"about 17 min\. Take less\."):
        some.ran((10, 10), 1000 / 99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        some.ran((10, 10), 2 * LONG_SECONDS)
