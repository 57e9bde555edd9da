"""A map by the pixel-wise network; without and with no-data."""

import argparse

import pyotb

parser = argparse.ArgumentParser()
parser.add_argument("--image", required=True)
parser.add_argument("--savedmodel", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--nodata", type=float)
parser.add_argument("--tile", type=int, default=256)
params = parser.parse_args()

infer = pyotb.TensorflowModelServe(
    source1_il=params.image,
    source1_rfieldx=16,
    source1_rfieldy=16,
    source1_placeholder="input",
    source1_nodata=params.nodata,
    model_dir=params.savedmodel,
    output_names="estimated_labels",
    output_bv=255,
    model_fullyconv=True,
    optim_tilesizex=params.tile,
    optim_tilesizey=params.tile,
)
infer.write(params.out, pixel_type="uint8", ext_fname="box=40:30:120:100")
