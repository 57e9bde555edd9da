"""The operators of ONNX that the kit can follow: one row for each.

tests/test_onnx_operators.py runs each of them with ONNX Runtime, and compares what its
output depends on with the rule.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tutorial_lib.fields.onnx_files import (
    axis_rules,
    cutting_rules,
    pixel_rules,
    size_rules,
    window_rules,
)
from tutorial_lib.fields.onnx_files.building import Building
from tutorial_lib.fields.onnx_files.nodes import Use
from tutorial_lib.fields.onnx_files.tensors import Value

Handler = Callable[[Use, Building], Value | Sequence[Value]]

__all__ = ["OPERATORS", "Operator"]


class Operator(NamedTuple):
    """How the kit follows an operator.

    Attributes:
        handler: Adds its step, and gives its outputs.
        depends: What a pixel of its output depends on, in a few words.
    """

    handler: Handler
    depends: str


SAME_PLACE = "the same pixel of its inputs"
CHANNELS = "the same pixel, if it works along the channels; else the whole chunk"
WHOLE = "the whole chunk"
NOTHING = "the same pixel: only axes are turned"

# Each of them is applied to each value on its own, says its definition.
_ELEMENTWISE = (
    *("Abs", "Add", "And", "Ceil", "Celu", "Clip", "Cos", "DequantizeLinear", "Div"),
    *("Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual"),
    *("HardSigmoid", "HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual"),
    *("Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu"),
    *("Pow", "QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid"),
    *("Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tanh"),
    *("ThresholdedRelu", "Xor"),
)

_REDUCTIONS = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax"),
    *("ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
)

OPERATORS: dict[str, Operator] = {
    **{n: Operator(pixel_rules.elementwise, SAME_PLACE) for n in _ELEMENTWISE},
    **{n: Operator(pixel_rules.reduction, CHANNELS) for n in _REDUCTIONS},
    "ArgMax": Operator(pixel_rules.arg_reduction, CHANNELS),
    "ArgMin": Operator(pixel_rules.arg_reduction, CHANNELS),
    "Attention": Operator(pixel_rules.attention, WHOLE),
    "AveragePool": Operator(window_rules.pooling, "a window of the size of the pool"),
    "BatchNormalization": Operator(
        pixel_rules.batch_normalization,
        "the same pixel; in training mode the whole chunk",
    ),
    "Cast": Operator(pixel_rules.cast, SAME_PLACE),
    "CastLike": Operator(pixel_rules.same_pixels, SAME_PLACE),
    "Concat": Operator(size_rules.concat, SAME_PLACE),
    "Conv": Operator(window_rules.convolution, "a window of the size of the kernel"),
    "ConvTranspose": Operator(
        window_rules.transposed, "the pixels whose windows contain it"
    ),
    "CumSum": Operator(pixel_rules.along_axis, CHANNELS),
    "DepthToSpace": Operator(
        size_rules.depth_to_space, "the pixel that becomes its block"
    ),
    "Dropout": Operator(pixel_rules.dropout, SAME_PLACE),
    "Expand": Operator(axis_rules.expand, NOTHING),
    "Flatten": Operator(axis_rules.flatten, NOTHING),
    "Gather": Operator(size_rules.gather, SAME_PLACE),
    "Gemm": Operator(pixel_rules.product, CHANNELS),
    "GlobalAveragePool": Operator(pixel_rules.global_pooling, WHOLE),
    "GlobalLpPool": Operator(pixel_rules.global_pooling, WHOLE),
    "GlobalMaxPool": Operator(pixel_rules.global_pooling, WHOLE),
    "GroupNormalization": Operator(pixel_rules.group_normalization, WHOLE),
    "Hardmax": Operator(pixel_rules.softmax, CHANNELS),
    "Identity": Operator(axis_rules.identity, SAME_PLACE),
    "InstanceNormalization": Operator(pixel_rules.instance_normalization, WHOLE),
    "LRN": Operator(pixel_rules.local_response, SAME_PLACE),
    "LayerNormalization": Operator(pixel_rules.layer_normalization, CHANNELS),
    "LogSoftmax": Operator(pixel_rules.softmax, CHANNELS),
    "LpNormalization": Operator(pixel_rules.along_axis, CHANNELS),
    "LpPool": Operator(window_rules.pooling, "a window of the size of the pool"),
    "MatMul": Operator(
        pixel_rules.product,
        "the same pixel, if weights mix its channels; else (attention) the whole chunk",
    ),
    "MaxPool": Operator(window_rules.max_pooling, "a window of the size of the pool"),
    "MeanVarianceNormalization": Operator(
        pixel_rules.mean_variance_normalization, CHANNELS
    ),
    "OneHot": Operator(pixel_rules.one_hot, SAME_PLACE),
    "Pad": Operator(
        cutting_rules.pad, "the same pixel; padded pixels depend on the border"
    ),
    "Reshape": Operator(
        axis_rules.reshape,
        "the same pixel, or its block where rows are split or joined",
    ),
    "Resize": Operator(
        size_rules.resize,
        "the pixels that it interpolates; the whole chunk where the scale is not fixed",
    ),
    "Slice": Operator(cutting_rules.slice_, "the same pixel, counted from both ends"),
    "Softmax": Operator(pixel_rules.softmax, CHANNELS),
    "SpaceToDepth": Operator(size_rules.space_to_depth, "the pixels of its block"),
    "Split": Operator(size_rules.split, SAME_PLACE),
    "Squeeze": Operator(axis_rules.squeeze, NOTHING),
    "Tile": Operator(axis_rules.tile, NOTHING),
    "TopK": Operator(pixel_rules.top_k, CHANNELS),
    "Transpose": Operator(axis_rules.transpose, NOTHING),
    "Unsqueeze": Operator(axis_rules.unsqueeze, NOTHING),
    "Upsample": Operator(size_rules.upsample, "the pixels that it interpolates"),
    "Where": Operator(pixel_rules.where, SAME_PLACE),
}
