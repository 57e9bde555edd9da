"""The root of the mean squared difference of two maps, where both exist."""

import argparse

import pyotb


def compute_rmse(reference, other):
    """RMSE over the pixels of the reference, bands summed."""
    part = pyotb.ExtractROI(other, mode="fit", mode_fit_im=reference)
    squares = pyotb.BandMathX(il=[part, reference], exp="(im1-im2)*(im1-im2)'")
    return pyotb.ComputeImagesStatistics(squares)["out.mean"][0] ** 0.5


parser = argparse.ArgumentParser()
parser.add_argument("reference")
parser.add_argument("other")
params = parser.parse_args()
print(compute_rmse(params.reference, params.other))
