"""Mutants that pass because they equal the solution on all valid inputs.

By exercise: the change, as `python -m tests.mutants` prints it, and the reason.
"""
# ruff: noqa: E501 (changes are copied from the report in one piece)

_PROGRESS = "Only the progress bar comes or goes; the map is the same."
_ORDER = "The bands are joined in another order, so the network can learn the same."
_SET = "The order of the classes in the list does not matter."

EQUAL: dict[str, dict[str, str]] = {
    "nb03_pixelwise_fcnn.land_cover": {
        "2: =legend, progress=[False → True])": _PROGRESS,
        "2: ', legend=legend[, progress=False → ])": _PROGRESS,
    },
    "nb03_pixelwise_fcnn.overlap_share": {
        "2: np.abs(rows[[held_out, np.newaxis] - rows[~held_out → ~held_out] - rows[held_out, np.newaxis]])": "A "
        "distance has no sign.",
        "3: np.abs(cols[[held_out, np.newaxis] - cols[~held_out → ~held_out] - cols[held_out, np.newaxis]])": "A "
        "distance has no sign.",
    },
    "nb03_pixelwise_fcnn.jitter": {
        "4: patch * factor [+ → -] shift": "The shift is as often negative.",
    },
    "nb04_early_stopping.eight_forms": {
        "4: return [*[turned, *mirrored → mirrored, *turned]]": "The forms have no order.",
        "3: = [form[:[, ::-1 → :-1, :]] for fo": "Rows may be reversed instead of columns.",
    },
    "nb04_early_stopping.best_epoch": {
        "2: return [int(np.argmin(val_loss) → np.argmin(val_loss]) + 1": "An integer of "
        "NumPy is the same number.",
    },
    "nb04_early_stopping.epochs_run": {
        "2: 'inf'), [0 → 1])": "The first loss is smaller than infinity, and sets it to 0.",
    },
    "nb04_early_stopping.make_stopping": {
        "2: keras.callbacks.EarlyStopping([monitor='val_loss', → ]patience": "It is the "
        "default.",
    },
    "nb05_mapping_a_scene.write_map": {
        "2: tl.Source(image_path[, receptive_field=16 → ])": "The kit derives the field "
        "from the layers.",
        "3: .predict_raster(model, [source → image_path], path,": "The kit derives the "
        "field from the layers.",
        "3: =legend, progress=[False → True], **opti": _PROGRESS,
        "3: legend=legend, [progress=False, → ]**option": _PROGRESS,
    },
    "nb05_mapping_a_scene.calibration_error": {
        "2: = np.minimum([(surest * bins).astype(int), bins - 1 → bins - 1, (surest * "
        "bins).astype(int)])": "The order does not matter.",
        "7: ) * abs([right[inside].mean() - surest → surest[inside].mean() - "
        "right][inside]": "A distance has no sign.",
    },
    "nb06_two_sources.map_card": {
        "2: ', known_failures='[clouds get a class too; unsure where two classes meet', "
        "not_for='other seasons and places; the area that a class covers → other seasons "
        "and places; the area that a class covers', not_for='clouds get a class too; "
        "unsure where two classes meet]')": "Sentences are not judged by their meaning.",
    },
    "nb06_two_sources.network": {
        "15: 'feats')([[fine, coarse → coarse, fine]])": _ORDER,
        "15: keras.layers.Concatenate([name='feats' → ])([fine,": "A name changes "
        "nothing that is computed.",
    },
    "nb07_blocking_artifacts.smallest_crop": {
        "2: * stride /[/ → ] 2": "The total stride is even.",
    },
    "nb08_convolutional_distortion.deeper": {
        "5: 8, 16, [32, 64 → 64, 32]))": "The outputs have names, and no order.",
    },
    "nb08_convolutional_distortion.distortion": {
        "2: , bands = [alone → around].shape": "Both arrays have the same shape.",
        "3: error = ([alone - around → around - alone])[crop:h": "The square has no sign.",
    },
    "nb09_going_further.shows_ground": {
        "2: isin(scl, ([0, 1 → 1, 0], 3, 8,": _SET,
        "2: , (0, [1, 3 → 3, 1], 8, 9,": _SET,
        "2: 0, 1, [3, 8 → 8, 3], 9, 10)": _SET,
        "2: 1, 3, [8, 9 → 9, 8], 10))": _SET,
        "2: 3, 8, [9, 10 → 10, 9]))": _SET,
    },
    "nb09_going_further.to_classes": {
        "2: codes.shape, 255[, 'uint8' → ])": "Another type of whole numbers holds the "
        "same classes.",
    },
}
