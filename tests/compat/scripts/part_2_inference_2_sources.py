"""A map by the network of two resolutions, with either of them as the reference."""

import argparse

import pyotb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--savedmodel", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--reference", choices=["10m", "20m"], default="20m")
parser.add_argument("--fullyconv", action="store_true")
params = parser.parse_args()

SIDES = {"10m": 16, "20m": 8}
order = sorted(SIDES, key=lambda name: name != params.reference)
sources = {}
for number, name in enumerate(order, 1):
    sources |= {
        f"source{number}_il": f"{params.data}/s2_{name}.tif",
        f"source{number}_rfieldx": SIDES[name],
        f"source{number}_rfieldy": SIDES[name],
        f"source{number}_placeholder": f"input_{name}",
    }
infer = pyotb.TensorflowModelServe(
    n_sources=2,
    **sources,
    model_dir=params.savedmodel,
    model_fullyconv=params.fullyconv,
    output_names="estimated_labels",
    output_spcscale=2 if params.reference == "10m" else 1,
)
infer.write(params.out, pixel_type="uint8", ext_fname={"box": "20:15:60:50"})
