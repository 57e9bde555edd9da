"""Softmax of the pan/xs network: whole chunks, and their valid parts."""

import argparse

import pyotb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--savedmodel", required=True)
parser.add_argument("--crop", type=int, default=0)
parser.add_argument("--out", required=True)
params = parser.parse_args()

field = 128 - 2 * params.crop
infer = pyotb.TensorflowModelServe(
    n_sources=2,
    source1_il=f"{params.data}/pan.tif",
    source1_rfieldx=128,
    source1_rfieldy=128,
    source1_placeholder="input_p",
    source2_il=f"{params.data}/xs.tif",
    source2_rfieldx=32,
    source2_rfieldy=32,
    source2_placeholder="input_xs",
    model_dir=params.savedmodel,
    model_fullyconv=True,
    output_efieldx=field,
    output_efieldy=field,
    output_names=f"estimated_crop{params.crop}" if params.crop else "estimated",
)
infer.write(params.out)
