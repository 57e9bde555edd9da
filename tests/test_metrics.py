"""Metrics for training, compared with those of Keras and with counts in NumPy."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tutorial_lib as tl
from tutorial_lib.training import ClassMetrics, FScore, evaluate_classes

NAMES = ("water", "bare soil", "forest", "town")


def batches(count=3, seed=0):
    """One-hot targets and probabilities of 7 patches of 2x3 pixels; class 2 is rare."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        true = np.eye(4, dtype="float32")[rng.choice([0, 1, 1, 3, 3, 2], (7, 2, 3))]
        estimated = rng.dirichlet(np.full(4, 0.6), (7, 2, 3)) + 0.3 * true
        yield true, (estimated / estimated.sum(-1, keepdims=True)).astype("float32")


def results(metric, pairs, **options):
    """The result of a metric after some batches, as a float or floats by name."""
    for true, estimated in pairs:
        metric.update_state(true, estimated, **options)
    value = metric.result()
    if isinstance(value, dict):
        return {name: float(number) for name, number in value.items()}
    return float(value)


@pytest.mark.parametrize(
    ("prefix", "options"), [("threshold_", {}), ("", {"top_k": 1})]
)
@pytest.mark.parametrize("number", range(4))
def test_the_scores_of_each_class_equal_those_of_keras(number, prefix, options):
    ours = results(ClassMetrics(NAMES, decision="both"), batches())
    decision = "argmax" if options else "threshold"
    theirs = {
        "precision": keras.metrics.Precision(class_id=number, **options),
        "recall": keras.metrics.Recall(class_id=number, **options),
        "f_score": FScore(number, decision=decision),
    }
    expected = [results(metric, batches()) for metric in theirs.values()]
    got = [ours[f"{prefix}{score}_{NAMES[number]}"] for score in theirs]
    assert got == pytest.approx(expected, rel=1e-6)
    assert all(0 < score < 1 for score in got)


def test_training_and_evaluation_give_the_same_scores():
    slices = [np.concatenate(arrays) for arrays in zip(*batches(), strict=True)]
    dataset = tf.data.Dataset.from_tensor_slices(
        ({"input": slices[1]}, {"estimated": slices[0]})
    ).batch(5)

    def echo(inputs, training=None):
        return {"estimated": inputs["input"]}

    scores = evaluate_classes(echo, dataset, names=NAMES)
    ours = results(ClassMetrics(NAMES, decision="both"), batches())
    kinds = ["precision", "recall", "f_score"]
    kinds += [f"threshold_{kind}" for kind in kinds]
    got = [[ours[f"{kind}_{name}"] for name in NAMES] for kind in kinds]
    expected = [getattr(scores, kind) for kind in kinds]
    assert np.allclose(got, expected, rtol=1e-6)
    assert ours["overall_accuracy"] == pytest.approx(scores.overall_accuracy)
    assert ours["kappa"] == pytest.approx(scores.kappa)


def test_a_most_probable_class_below_one_half_is_not_found_at_the_threshold():
    true = np.array([[[[0, 1, 0]]]], "float32")
    estimated = np.array([[[[0.3, 0.45, 0.25]]]], "float32")
    metric = ClassMetrics(("a", "b", "c"), decision="both")
    found = results(metric, [(true, estimated)])
    assert (found["recall_b"], found["threshold_recall_b"]) == (1, 0)
    assert (found["precision_b"], found["threshold_precision_b"]) == (1, 0)
    assert results(FScore(1, decision="argmax"), [(true, estimated)]) == 1
    assert results(FScore(1, decision="threshold"), [(true, estimated)]) == 0


@pytest.mark.parametrize(
    ("decision", "count"), [("argmax", 14), ("threshold", 14), ("both", 26)]
)
def test_the_decision_chooses_the_scores_in_the_logs(decision, count):
    keys = set(results(ClassMetrics(NAMES, decision=decision), batches(1)))
    assert len(keys) == count
    assert ("recall_bare soil" in keys) == (decision != "threshold")
    assert ("threshold_recall_bare soil" in keys) == (decision != "argmax")
    assert {"overall_accuracy", "kappa"} <= keys


def test_without_any_batch_all_scores_are_zero():
    found = ClassMetrics(NAMES, decision="both").result()
    assert {float(value) for value in found.values()} == {0}


def test_a_reset_forgets_the_counts():
    metric = ClassMetrics(NAMES)
    first = results(metric, batches(1, seed=1))
    metric.update_state(*next(batches(1, seed=2)))
    metric.reset_state()
    assert results(metric, batches(1, seed=1)) == first


@pytest.mark.parametrize("axes", [1, 3, 4])
def test_pixels_with_weight_zero_are_not_counted(axes):
    true, estimated = next(batches(1))
    weights = np.zeros((*true.shape[:3], 1), "float32")
    weights[:4] = 1
    weights = weights[:, 0, 0, 0] if axes == 1 else weights
    weights = weights[..., 0] if axes == 3 else weights
    metric = ClassMetrics(NAMES)
    weighted = results(metric, [(true, estimated)], sample_weight=weights)
    assert weighted == results(ClassMetrics(NAMES), [(true[:4], estimated[:4])])
    true[4:] = 0
    assert weighted == results(ClassMetrics(NAMES), [(true, estimated)])


def test_counts_do_not_stop_at_the_precision_of_float32():
    metric = ClassMetrics(("a", "b"))
    metric.counts.assign([[2**24, 0, 0, 0], [0, 2**24, 0, 0]])
    metric.update_state([[1.0, 0.0]], [[0.9, 0.1]])
    assert float(np.sum(metric.counts)) == 2**25 + 2


def test_wrong_names_and_decisions_are_errors():
    with pytest.raises(ValueError, match="2 names of classes"):
        ClassMetrics(("a", "b")).update_state(*next(batches(1)))
    with pytest.raises(ValueError, match="`names` has 'a' twice"):
        ClassMetrics(("a", "a"))
    for names in ("ab", None, 3, (1, 2)):
        with pytest.raises(TypeError, match="`names` is"):
            ClassMetrics(names)
    with pytest.raises(ValueError, match="at least one"):
        ClassMetrics(())
    with pytest.raises(ValueError, match="`decision` is 'half'"):
        ClassMetrics(("a", "b"), decision="half")
    with pytest.raises(ValueError, match="`decision` is 'both'"):
        FScore(0, decision="both")
    with pytest.raises(ValueError, match="`class_id` is -1"):
        FScore(-1)
    with pytest.raises(TypeError, match="`class_id` is 'water'"):
        FScore("water")
    with pytest.raises(ValueError, match="no class 4: the output has 4 channels"):
        FScore(4).update_state(*next(batches(1)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_with_nan_are_not_counted(value):
    true, estimated = next(batches(1))
    damaged = estimated.copy()
    damaged[4:, ..., 1] = value
    damaged[5] = value
    metrics = [ClassMetrics(NAMES, decision="both")]
    metrics += [FScore(n, decision=d) for n in (0, 1) for d in ("threshold", "argmax")]
    for metric in metrics:
        found = results(metric, [(true, damaged)])
        metric.reset_state()
        assert found == results(metric, [(true[:4], estimated[:4])])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder, model, dataset and curves of two epochs with a 1x1 convolution."""
    folder = tmp_path_factory.mktemp("trained")
    true, _ = next(batches(1))
    pixels = 5000 * np.random.default_rng(0).random((7, 2, 3, 5)).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(
        ({"input": pixels}, {"estimated": true})
    ).batch(3)

    class Tiny(tl.PatchModel):
        def network(self, inputs):
            layer = keras.layers.Conv2D(4, 1, activation="softmax")
            estimated = layer(inputs["input"])
            return {"estimated": estimated, "labels": tl.labels_of(estimated)}

    model = Tiny(crops=(1,)).build({"input": 5})
    model.compile(
        loss={"estimated": "categorical_crossentropy"},
        metrics={"estimated": [ClassMetrics(NAMES, decision="both"), FScore(1)]},
    )
    history = model.fit(
        dataset,
        validation_data=dataset,
        epochs=2,
        verbose=0,
        callbacks=[
            keras.callbacks.TensorBoard(folder / "logs", update_freq=1),
            keras.callbacks.ModelCheckpoint(
                folder / "best.keras", "val_kappa", save_best_only=True, mode="max"
            ),
            keras.callbacks.EarlyStopping("val_kappa", mode="max", patience=5),
        ],
    )
    return folder, model, dataset, history.history


def test_the_curves_are_named_by_score_and_class(trained):
    curves = trained[3]
    for key in ("f_score_town", "threshold_recall_bare soil", "overall_accuracy"):
        assert len(curves[key]) == len(curves[f"val_{key}"]) == 2
    assert all(np.ndim(value) == 0 for values in curves.values() for value in values)


def test_during_an_epoch_only_the_overall_accuracy_is_computed(trained):
    _, model, dataset, _ = trained
    running = []
    watch = keras.callbacks.LambdaCallback(
        on_test_batch_end=lambda batch, logs: running.append(logs)
    )
    ended = model.evaluate(dataset, verbose=0, return_dict=True, callbacks=[watch])
    key = next(key for key in running[-1] if key.endswith("overall_accuracy"))
    assert running[-1][key] == pytest.approx(ended["overall_accuracy"])
    if keras.__version__ >= "3.14":
        assert len(running[-1]) == 3  # with the loss and the F-score


def test_evaluate_gives_the_last_values_of_the_curves_and_the_scores(trained):
    _, model, dataset, curves = trained
    logs = model.evaluate(dataset, verbose=0, return_dict=True)
    assert logs["kappa"] == pytest.approx(curves["val_kappa"][-1], abs=1e-6)
    scores = evaluate_classes(model, dataset, names=NAMES)
    assert logs["recall_town"] == pytest.approx(scores.recall[3], abs=1e-6)
    assert len(model.evaluate(dataset, verbose=0)) == len(logs)


def test_tensorboard_has_a_curve_for_each_score(trained):
    events = EventAccumulator(str(trained[0] / "logs/validation"))
    events.Reload()
    assert "epoch_f_score_town" in events.Tags()["tensors"]
    assert "epoch_threshold_recall_water" in events.Tags()["tensors"]


@pytest.mark.slow
def test_a_saved_model_loads_in_a_fresh_python_without_custom_objects(trained):
    code = (
        "import sys, numpy, tutorial_lib, keras\n"
        "model = keras.models.load_model(sys.argv[1])\n"
        "batch = {'input': numpy.ones((1, 2, 3, 5), 'float32')}\n"
        "target = {'estimated': numpy.eye(4)[numpy.zeros((1, 2, 3), int)]}\n"
        "logs = model.evaluate(batch, target, verbose=0, return_dict=True)\n"
        "print(*sorted(logs))"
    )
    command = [sys.executable, "-c", code, str(trained[0] / "best.keras")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "threshold_recall_water" in answer.stdout
    assert "f_score_1" in answer.stdout


@pytest.mark.parametrize("metric", [ClassMetrics(NAMES, decision="both"), FScore(2)])
def test_a_metric_can_be_saved_and_loaded(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert results(again, batches(1)) == results(metric, batches(1))


def test_early_stopping_knows_that_a_higher_f_score_is_better():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    model.compile(loss="mse", metrics=[FScore(0, name="f_score")])
    model.test_on_batch(np.ones((1, 3)), np.eye(3)[:1])
    stop = keras.callbacks.EarlyStopping("val_f_score", patience=1)
    stop.set_model(model)
    stop.on_train_begin()
    model.stop_training = False
    stopped = []
    for epoch, value in enumerate([0.5, 0.6, 0.4]):
        stop.on_epoch_end(epoch, {"val_f_score": value})
        stopped.append(model.stop_training)
    assert stopped == [False, False, True]
