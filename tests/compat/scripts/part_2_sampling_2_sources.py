"""Patches of both resolutions at the positions of part_2_sampling.py."""

import argparse
import os

import pyotb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--out", required=True)
params = parser.parse_args()

if __name__ == "__main__":
    # The number of sources by the environment, as on OTB's command lines.
    os.environ["OTB_TF_NSOURCES"] = "2"
    for letter in ("a", "b"):
        prefix = f"{params.out}/{letter}_"
        pyotb.PatchesExtraction(
            {
                "source1.il": [f"{params.data}/s2_10m.tif"],
                "source1.patchsizex": 16,
                "source1.patchsizey": 16,
                "source1.out": prefix + "img_10m_2src.tif",
                "source1.nodata": 0,
                "source2.il": [f"{params.data}/s2_20m.tif"],
                "source2.patchsizex": 8,
                "source2.patchsizey": 8,
                "source2.out": prefix + "img_20m_2src.tif",
                "source2.nodata": 0,
                "vec": f"{params.out}/pos_{letter}.geojson",
                "field": "class",
                "outlabels": prefix + "labels_2src.tif",
            }
        )
