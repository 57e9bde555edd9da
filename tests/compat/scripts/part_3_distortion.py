"""The root of the mean squared difference of two maps, where both exist."""

import argparse

import pyotb


def compute_rmse(reference, other):
    """RMSE over the pixels that both have, bands summed."""
    part = pyotb.ExtractROI(other, mode="fit", mode_fit_im=reference)
    # The part is smaller where the other map ends before the reference.
    same = pyotb.ExtractROI(reference, mode="fit", mode_fit_im=part)
    squares = pyotb.BandMathX(il=[part, same], exp="(im1-im2)*(im1-im2)'")
    return pyotb.ComputeImagesStatistics(squares)["out.mean"][0] ** 0.5


parser = argparse.ArgumentParser()
parser.add_argument("reference")
parser.add_argument("other")
params = parser.parse_args()
print(compute_rmse(params.reference, params.other))
