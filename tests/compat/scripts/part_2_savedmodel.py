"""A `.keras` file becomes a SavedModel."""

import argparse

import keras
import otbtf  # noqa: F401 - its layers are in the file

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--savedmodel", required=True)
params = parser.parse_args()

keras.models.load_model(params.model, compile=False).export(params.savedmodel)
