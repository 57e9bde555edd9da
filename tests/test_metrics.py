"""Scores while training: against Keras' own metrics, and against counts in NumPy."""

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
def test_one_matrix_gives_what_keras_counts_class_by_class(number, prefix, options):
    ours = results(ClassMetrics(NAMES, decision="both"), batches())
    for score in (keras.metrics.Precision, keras.metrics.Recall):
        theirs = results(score(class_id=number, **options), batches())
        key = f"{prefix}{score.__name__.lower()}_{NAMES[number]}"
        assert 0 < theirs < 1
        assert ours[key] == pytest.approx(theirs, rel=1e-6)
    decision = "argmax" if options else "threshold"
    f_score = results(FScore(number, decision=decision), batches())
    assert ours[f"{prefix}f_score_{NAMES[number]}"] == pytest.approx(f_score, rel=1e-6)


def test_training_and_evaluation_give_the_same_scores():
    slices = [np.concatenate(arrays) for arrays in zip(*batches(), strict=True)]
    dataset = tf.data.Dataset.from_tensor_slices(
        ({"input": slices[1]}, {"estimated": slices[0]})
    ).batch(5)

    def echo(inputs, training=None):
        return {"estimated": inputs["input"]}

    scores = evaluate_classes(echo, dataset, names=NAMES)
    ours = results(ClassMetrics(NAMES, decision="both"), batches())
    for kind in ("precision", "recall", "f_score"):
        for key in (kind, f"threshold_{kind}"):
            expected = getattr(scores, key)
            got = [ours[f"{key}_{name}"] for name in NAMES]
            assert np.allclose(got, expected, rtol=1e-6)
    assert ours["overall_accuracy"] == pytest.approx(scores.overall_accuracy)
    assert ours["kappa"] == pytest.approx(scores.kappa)


def test_a_winner_below_one_half_is_found_by_argmax_and_not_at_the_threshold():
    true = np.array([[[[0, 1, 0]]]], "float32")
    estimated = np.array([[[[0.3, 0.45, 0.25]]]], "float32")
    metric = ClassMetrics(("a", "b", "c"), decision="both")
    found = results(metric, [(true, estimated)])
    assert (found["recall_b"], found["threshold_recall_b"]) == (1, 0)
    assert (found["precision_b"], found["threshold_precision_b"]) == (1, 0)
    for decision, expected in (("argmax", 1), ("threshold", 0)):
        pair = [(true, estimated)]
        assert results(FScore(1, decision=decision), pair) == expected


@pytest.mark.parametrize(
    ("decision", "count"), [("argmax", 14), ("threshold", 14), ("both", 26)]
)
def test_the_decision_chooses_the_scores_in_the_logs(decision, count):
    keys = set(results(ClassMetrics(NAMES, decision=decision), batches(1)))
    assert len(keys) == count
    assert ("recall_bare soil" in keys) == (decision != "threshold")
    assert ("threshold_recall_bare soil" in keys) == (decision != "argmax")
    assert {"overall_accuracy", "kappa"} <= keys


def test_nothing_counted_gives_zeros():
    found = ClassMetrics(NAMES, decision="both").result()
    assert {float(value) for value in found.values()} == {0}


def test_state_is_forgotten_on_reset():
    metric = ClassMetrics(NAMES)
    first = results(metric, batches(1, seed=1))
    metric.update_state(*next(batches(1, seed=2)))
    metric.reset_state()
    assert results(metric, batches(1, seed=1)) == first


@pytest.mark.parametrize("axes", [1, 3, 4])
def test_weights_of_zero_leave_pixels_out(axes):
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


def test_counts_go_on_where_float32_ends():
    metric = ClassMetrics(("a", "b"))
    metric.counts.assign([[2**24, 0, 0, 0], [0, 2**24, 0, 0]])
    metric.update_state([[1.0, 0.0]], [[0.9, 0.1]])
    assert float(np.sum(metric.counts)) == 2**25 + 2


def test_names_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match=r"2 names of classes.*4 channels in the out"):
        ClassMetrics(("a", "b")).update_state(*next(batches(1)))
    with pytest.raises(ValueError, match=r"one for each. Received: \('a', 'a'\)"):
        ClassMetrics(("a", "a"))
    with pytest.raises(ValueError, match=r"one for each. Received: 'ab'"):
        ClassMetrics("ab")
    with pytest.raises(ValueError, match="no decision 'half'"):
        ClassMetrics(("a", "b"), decision="half")
    with pytest.raises(ValueError, match=r"no decision 'both'. There are: threshold"):
        FScore(0, decision="both")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network of a 1x1 convolution, trained for two epochs; its folder and curves."""
    folder = tmp_path_factory.mktemp("trained")
    true, _ = next(batches(1))
    pixels = np.random.default_rng(0).random((7, 2, 3, 5)).astype("float32")
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


def test_while_an_epoch_runs_only_the_overall_accuracy_is_computed(trained):
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


def test_evaluation_agrees_with_the_curves_and_the_scores(trained):
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
def test_metrics_survive_saving(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert results(again, batches(1)) == results(metric, batches(1))


def test_callbacks_know_that_more_f_score_is_better():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    model.compile(loss="mse", metrics=[FScore(0, name="f_score")])
    model.test_on_batch(np.ones((1, 3)), np.eye(3)[:1])
    stop = keras.callbacks.EarlyStopping("val_f_score", patience=1)
    stop.set_model(model)
    stop.on_train_begin()
    model.stop_training = False
    for epoch, value in enumerate([0.5, 0.6, 0.4]):
        assert not model.stop_training
        stop.on_epoch_end(epoch, {"val_f_score": value})
    assert model.stop_training
