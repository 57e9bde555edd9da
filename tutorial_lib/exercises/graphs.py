"""A Keras network as a list of layers, in an order that does not depend on its code."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

__all__ = ["Graph", "Use", "graph_of", "is_graph"]


@dataclass(frozen=True, eq=False)
class Use:
    """One use of a layer in a network.

    Attributes:
        layer: The layer.
        inputs: What it reads.
        node: Keras's record of the call; None for an input of the network.
    """

    layer: Any
    inputs: tuple["Use", ...]
    node: Any = None

    @property
    def kind(self) -> str:
        """Class of the layer."""
        return type(self.layer).__name__

    @property
    def is_named(self) -> bool:
        """Whether the learner gave the layer a name."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.kind).lower()
        automatic = {words, words.replace("_", ""), "input_layer"}
        name = re.sub(r"_\d+$", "", self.layer.name)
        return name not in automatic and name.replace("_", "") not in automatic


@dataclass(frozen=True)
class Graph:
    """The layers of a network.

    Attributes:
        inputs: The inputs by name.
        outputs: Where each output comes from, by name.
    """

    inputs: Mapping[str, Use]
    outputs: Mapping[str, Use]

    @cached_property
    def uses(self) -> list[Use]:
        """All uses of layers except the inputs; each stands behind those it reads."""
        found: dict[Use, int] = {}
        sources = self._sources()
        for name in sorted(self.outputs):
            self._visit(self.outputs[name], found, sources)
        return [use for use in found if use.node is not None]

    @property
    def read_inputs(self) -> set[str]:
        """Names of the inputs that at least one output depends on."""
        sources = self._sources()
        return {name for use in self.outputs.values() for name in sources[use][0]}

    def _visit(self, use: Use, found: dict[Use, int], sources: Mapping) -> None:
        if use in found:
            return
        # Branches come in the order of the sources that they read, and the deeper one
        # first, however the learner has listed them.
        for one in sorted(use.inputs, key=sources.__getitem__):
            self._visit(one, found, sources)
        found[use] = len(found)

    def _sources(self) -> dict[Use, tuple]:
        """For each use: the names of the inputs that it depends on, and its depth."""
        known: dict[Use, tuple] = {}
        names = {use: name for name, use in self.inputs.items()}

        def source(use: Use) -> tuple:
            if use not in known:
                read = [source(one) for one in use.inputs]
                reached = set().union(*(one[0] for one in read))
                reached |= {names[use]} if use in names else set()
                depth = min([one[1] for one in read], default=1) - 1
                known[use] = (tuple(sorted(reached)), depth)
            return known[use]

        for use in self.outputs.values():
            source(use)
        return known


def _functional(model: Any) -> Any:
    """The graph of layers inside a `Sequential`; any other model itself."""
    return getattr(model, "_functional", None) or model


def is_graph(model: Any) -> bool:
    """Whether a model is made of layers that were called one after the other."""
    return hasattr(_functional(model), "_nodes_by_depth")


def graph_of(model: Any) -> Graph:
    """The graph of a functional or sequential model; nested models are unfolded."""
    from tutorial_lib.fields.names import named_tensors

    inputs, outputs = named_tensors(model)
    given = {
        name: Use(tensor._keras_history.operation, ())
        for name, tensor in inputs.items()
    }
    uses = {id(tensor): given[name] for name, tensor in inputs.items()}
    _add_model(_functional(model), uses)
    return Graph(given, {name: uses[id(tensor)] for name, tensor in outputs.items()})


def _add_model(model: Any, uses: dict[int, Use]) -> None:
    for node in nodes_in_order(model):
        nested = _functional(node.operation)
        if hasattr(nested, "_nodes_by_depth"):
            inner = dict(zip(map(id, nested.inputs), _read(node, uses), strict=True))
            _add_model(nested, inner)
            results = [inner[id(tensor)] for tensor in nested.outputs]
            uses |= dict(zip(map(id, node.outputs), results, strict=True))
            continue
        use = Use(node.operation, tuple(_read(node, uses)), node)
        uses |= {id(tensor): use for tensor in node.outputs}


def _read(node: Any, uses: Mapping[int, Use]) -> list[Use]:
    return [uses[id(tensor)] for tensor in node.input_tensors]


def nodes_in_order(model: Any) -> list[Any]:
    """The calls of a functional model, in an order in which they can run."""
    # Keras counts the depth from the outputs: the deepest nodes run first.
    return [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
        if not node.is_input
    ]


def numbered(uses: Sequence[Use]) -> dict[Use, int]:
    """For each use, which of its kind it is, counted from 1."""
    counters: dict[str, Any] = {}
    return {use: next(counters.setdefault(use.kind, count(1))) for use in uses}
