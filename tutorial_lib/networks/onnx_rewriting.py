"""What is changed in a graph of TensorFlow before tf2onnx converts it.

Each function takes the graph of tf2onnx and its nodes, and returns the nodes. ONNX has
no operator for some steps that Keras takes, and for others it has a simpler one.
"""

from typing import Any

import numpy as np

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")

__all__ = ["REWRITERS"]


def _without_signs_of_zeros(graph: Any, nodes: list[Any]) -> list[Any]:
    """Remove the steps by which Keras's `argmax` puts -0.0 below 0.0.

    They read the sign of a zero from its bits, and ONNX Runtime has no Bitcast. Without
    them a label differs only where the largest values are 0.0 and -0.0: at a tie.
    """
    for node in nodes:
        if node.type == "Bitcast":
            select = _end_of_argmax(graph, node)
            if select is not None:
                graph.replace_all_inputs(select.output[0], node.input[0])
    return graph.get_nodes()


def _end_of_argmax(graph: Any, node: Any) -> Any | None:
    """The last of the steps after a Bitcast; None if it is used for something else."""
    value = node.input[0]
    for kinds in (["BitwiseAnd"], ["Less"], ["LogicalAnd"], ["Select", "SelectV2"]):
        readers = graph.find_output_consumers(node.output[0])
        if len(readers) != 1 or readers[0].type not in kinds:
            return None
        node = readers[0]
    return node if node.input[2] == value else None


def _dilated(graph: Any, nodes: list[Any]) -> list[Any]:
    """Make one convolution of each that TensorFlow computes on parts of the image.

    For a dilation rate d it puts every d-th pixel into an image of its own. These
    steps would be slower in ONNX Runtime, and nobody could see the margins in them.
    """
    for last in nodes:
        if last.type != "BatchToSpaceND" or last.inputs[0].type not in CONVOLUTIONS:
            continue
        convolution = last.inputs[0]
        first = convolution.inputs[0]
        pads = _pads(graph, first, convolution)
        if pads is None:
            continue
        rates = first.inputs[1].get_tensor_value()
        convolution.set_attr("dilations", [1, *rates, 1])
        # ONNX Runtime takes no "SAME" together with dilation.
        convolution.set_attr("padding", "EXPLICIT")
        convolution.set_attr("explicit_paddings", [0, 0, *pads, 0, 0])
        graph.replace_input(convolution, convolution.input[0], first.input[0], 0)
        graph.copy_shape(last.output[0], convolution.output[0])
        graph.replace_all_inputs(last.output[0], convolution.output[0])
    return graph.get_nodes()


def _pads(graph: Any, first: Any, convolution: Any) -> list[int] | None:
    """Pixels that 'same' or 'valid' adds: above, below, left, right; None for others.

    The steps add further pixels behind, so that the image can be divided, and remove
    them in the end. So only those in front tell which it was.
    """
    if first.type != "SpaceToBatchND" or not first.inputs[1].is_const():
        return None
    if convolution.get_attr_str("padding") != "VALID":
        return None
    before, rates = _pixels_before(first.inputs[2]), first.inputs[1].get_tensor_value()
    kernel = graph.get_shape(convolution.input[1])[:2]
    same = [rate * (side - 1) for rate, side in zip(rates, kernel, strict=True)]
    if before == [pixels // 2 for pixels in same]:
        pairs = zip(before, same, strict=True)
        return [x for front, pixels in pairs for x in (front, pixels - front)]
    return None if before is None or any(before) else [0] * 4


def _pixels_before(pads: Any) -> list[int] | None:
    """Pixels that are added before rows and columns, if they are constants."""
    if pads.is_const():
        return [int(row[0]) for row in pads.get_tensor_value()]
    rows = pads.inputs if pads.type == "Pack" else []
    starts = [row.inputs[0] for row in rows if row.type == "Pack"]
    if len(starts) != 2 or not all(start.is_const() for start in starts):
        return None
    return [int(start.get_tensor_value()) for start in starts]


def _without_erfc(graph: Any, nodes: list[Any]) -> list[Any]:
    """Write erfc(x), which the activation GELU has, as 1 - erf(x)."""
    for node in nodes:
        if node.type != "Erfc":
            continue
        shape, dtype = graph.get_shape(node.output[0]), graph.get_dtype(node.output[0])
        erf = graph.make_node("Erf", [node.input[0]], shapes=[shape], dtypes=[dtype])
        one = graph.make_const(f"{node.name}_one", np.float32(1))
        inputs = [one.output[0], erf.output[0]]
        result = graph.make_node("Sub", inputs, shapes=[shape], dtypes=[dtype])
        graph.replace_all_inputs(node.output[0], result.output[0])
    return graph.get_nodes()


REWRITERS = (_without_signs_of_zeros, _dilated, _without_erfc)
