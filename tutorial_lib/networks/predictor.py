"""Any model as one function from arrays to arrays, with one identity.

The engine calls `predictor(inputs, outputs)` and knows nothing of TensorFlow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.checks import check_output
from tutorial_lib.fields.reach import NetworkReach
from tutorial_lib.networks.checks import as_arrays, checked_output
from tutorial_lib.networks.precisions import FLOAT32, PRECISIONS, no_bfloat16

if TYPE_CHECKING:
    from tutorial_lib.fields.analysis import FieldAnalysis

Arrays = Mapping[str, np.ndarray]

__all__ = ["Arrays", "Predictor", "known_reach"]


# Compared by identity: two models are never the same.
@dataclass(frozen=True, eq=False)
class Predictor:
    """A model as a function of arrays, with the names of its inputs and outputs.

    Attributes:
        function: (inputs, output names) -> {output name: array}.
        channels: Number of channels of each input by name, None where any number
            goes; empty when the inputs are unknown (a plain function).
        outputs: Names of the outputs; empty when unknown.
        trace: Works out once what the outputs of the given names depend on; None when
            only a measurement can tell. It raises a ValueError with the reason if it
            cannot.
        analysis: Analyses the layers, once; None when they cannot be seen.
        read_digest: Computes the digest; None for a plain function.
        broken_weight: Looks for a weight that holds NaN or infinity, and gives its
            name; None when the weights cannot be seen.
        hidden: For outputs of whole numbers, the name of an output that is not listed:
            the floats that they are made of.
        path: The file or folder that it was loaded from; None for others.
        concurrent: Whether it may be called from several threads at a time, and gains
            by that.
        save: Writes it as a `.keras` file; None where that cannot be done.
        runner: What runs it: "tensorflow", "openvino", "onnxruntime", or "function".
        precision: What it computes in: "float32", or "bfloat16".

    Example:
        >>> from tutorial_lib import architectures
        >>> from tutorial_lib.networks.predictors import as_predictor
        >>> model = architectures.pixelwise_fcnn(6, crops=())
        >>> predict = as_predictor(model)
        >>> predict.outputs, len(predict.digest), as_predictor(model) is predict
        (('estimated', 'estimated_labels', 'features'), 64, True)
    """

    function: Callable[[Arrays, Sequence[str]], dict[str, np.ndarray]]
    channels: Mapping[str, int | None]
    outputs: tuple[str, ...]
    trace: Callable[[tuple[str, ...]], NetworkReach] | None = None
    analysis: "Callable[[], FieldAnalysis] | None" = None
    read_digest: Callable[[], str] | None = None
    broken_weight: Callable[[], str | None] | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    save: Callable[[Path], None] | None = None
    concurrent: bool = False
    runner: str = "function"
    precision: str = FLOAT32

    @property
    def digest(self) -> str | None:
        """SHA-256 of weights and settings, or of files; None for a function."""
        return None if self.read_digest is None else self.read_digest()

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """Run the model.

        Args:
            inputs: {input name: (batch, height, width, channel)}.
            outputs: Names of the outputs to compute.

        Returns:
            {output name: (batch, height, width, channel)}. A network without spatial
            output, (batch, channel), gives one pixel. The arrays may be read-only:
            copy what you change.

        Raises:
            TypeError: If the inputs are not given by name, or are not numbers.
            ValueError: If names, axes or channels of the inputs are not the model's, it
                does not take their sizes, or it has no such output.
            OutputError: If a function does not give what it should.
        """
        outputs = (outputs,) if isinstance(outputs, str) else outputs
        outputs = tuple(arguments.sequence("outputs", outputs, "names of outputs"))
        for name in outputs:
            if arguments.text("outputs", name) not in self.hidden.values():
                check_output(name, self.outputs)
        inputs = as_arrays(inputs, self.channels)
        arrays = self.function(inputs, outputs)
        return {name: checked_output(arrays, name, inputs) for name in outputs}

    def in_precision(self, precision: str) -> "Predictor":
        """The same model in another precision.

        Args:
            precision: "float32", or "bfloat16": faster, and some labels change.

        Returns:
            A predictor of the same names and the same digest; itself for the precision
            that it has.

        Raises:
            ValueError: If the processor or the model does not have this precision.

        Example:
            >>> from tutorial_lib import architectures
            >>> from tutorial_lib.networks.predictors import as_predictor
            >>> predict = as_predictor(architectures.pixelwise_fcnn(6, crops=()))
            >>> predict.in_precision("float32") is predict
            True
        """
        arguments.choice("precision", precision, PRECISIONS)
        if precision == self.precision:
            return self
        change = getattr(self.function, "in_precision", None)
        if change is None:
            raise no_bfloat16("A plain function computes in a precision of its own")
        return replace(self, function=change(precision), precision=precision)


def known_reach(
    predictor: Predictor, outputs: Sequence[str], reference: str
) -> NetworkReach:
    """What the outputs of a network depend on, in pixels of the reference.

    Raises:
        ValueError: If it is not known; with what to declare instead.
    """
    if predictor.trace is None:
        raise ValueError(
            "What a plain function reads is not known. Declare the fields, "
            "`Source(…, receptive_field=…)`, or measure them: "
            "`certificate=tl.certify(model, …)`."
        )
    return predictor.trace(tuple(outputs)).seen_from(reference)
