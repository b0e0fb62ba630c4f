"""How much memory a graph needs, counted in the graph itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx
from onnx import shape_inference

from lungai_core.modelpack.memory import MemoryNeed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["memory_need"]

_FLOAT_BYTES = 4


def memory_need(model: bytes, /) -> MemoryNeed:
    """Count a graph's weights and the most that is alive of its activations at one time, for one patch.

    :implements: SRS-PACK-009, SDS-PACK-008

    Parameters
    ----------
    model
        The ONNX file, in float32.
    """
    graph = _with_batch_of_one(onnx.load_from_string(model)).graph
    weights = sum(math.prod(tensor.dims) * _FLOAT_BYTES for tensor in graph.initializer)
    sizes = {value.name: _bytes(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    for tensor in graph.initializer:
        sizes.pop(tensor.name, None)
    return MemoryNeed(weights_bytes=weights, activation_bytes_per_patch=max(_alive(graph, sizes)))


def _with_batch_of_one(model: onnx.ModelProto, /) -> onnx.ModelProto:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return shape_inference.infer_shapes(model, data_prop=True)


def _bytes(value: onnx.ValueInfoProto, /) -> int:
    # A size that shape inference leaves open counts as 1: it is one of the short vectors that describe shapes.
    sizes: list[int] = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
    return math.prod(sizes) * _FLOAT_BYTES


def _alive(graph: onnx.GraphProto, sizes: dict[str, int], /) -> Iterator[int]:
    last_use = {name: step for step, node in enumerate(graph.node) for name in node.input}
    last_use |= {value.name: len(graph.node) for value in graph.output}
    alive = {value.name for value in graph.input if value.name in sizes}
    for step, node in enumerate(graph.node):
        alive |= {name for name in node.output if name in sizes}
        yield sum(sizes[name] for name in alive)
        alive = {name for name in alive if last_use.get(name, -1) > step}
