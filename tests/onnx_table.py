"""The page about the operators of ONNX; `python tests/onnx_table.py` writes it anew.

Run it in the folder of the clone.
"""

from pathlib import Path

from tutorial_lib.fields.onnx_files.operators import OPERATORS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "onnx_operators.md"
DEFINITION = "https://onnx.ai/onnx/operators/onnx__{}.html"

HEAD = """\
# Operators of ONNX that can be followed

`tl.analyse("network.onnx")` works out from the operators of the file what each pixel
of an output depends on. This table has a row for each operator that it follows. The
name leads to the operator's definition, which the rule is written after.
`tests/test_onnx_operators.py` runs each of them with ONNX Runtime on images with
random surroundings, and compares what really changes with the rule.

Another operator is refused by its name. Then there are three ways:

- **Measure it.** `tl.certify("network.onnx", "out", tile=256)` gives a certificate,
  and `tl.predict_raster` takes it as `certificate=`.
- **Declare the fields.** `tl.Source(path, receptive_field=…)` for each source, and
  `expression_field=…` for the map.
- **Export the network differently**, with operators of the table. The error says how
  where there is a usual way, such as `align_corners=False`.

*The whole chunk* means that no tiled map of this output can equal the whole map. The
analysis names the layer, and the plan refuses the map unless the fields are declared.

Settings that depend on the size of the image are followed where they are formulas of
it, such as "twice as large" or "as large as that other tensor". They are refused where
they are not.

| operator | a pixel of its output depends on |
|---|---|
"""


def page():
    """The text of the page."""
    rows = (
        f"| [{name}]({DEFINITION.format(name)}) | {operator.depends} |"
        for name, operator in sorted(OPERATORS.items())
    )
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
