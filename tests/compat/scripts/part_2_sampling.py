"""Positions in the two truth rasters, and patches of 16 px around them."""

import argparse

import pyotb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--count", type=int, default=1000)
params = parser.parse_args()

if __name__ == "__main__":
    for letter in ("a", "b"):
        pyotb.LabelImageSampleSelection(
            inref=f"{params.data}/terrain_truth_{letter}.tif",
            nodata=255,
            strategy="constant",
            strategy_constant_nb=params.count,
            outvec=f"{params.out}/pos_{letter}.geojson",
        )
        extraction = pyotb.PatchesExtraction(
            source1_il=f"{params.data}/s2_10m.tif",
            source1_patchsizex=16,
            source1_patchsizey=16,
            source1_out=f"{params.out}/{letter}_img_10m.tif",
            source1_nodata=0,
            vec=f"{params.out}/pos_{letter}.geojson",
            field="class",
            outlabels=f"{params.out}/{letter}_labels.tif",
        )
        print(letter, extraction["source1.out"].shape)
