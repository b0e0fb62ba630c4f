from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from lungai_core.modelpack.memory import MemoryNeed
from lungai_core.training.memory import memory_need


def _model():
    """Two convolutions in a row and an addition over both: x → a → b, y = a + b."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 2, 1, 1, 1], [0.5] * 4)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2, 4, 4, 4]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "test", values[:1], values[1:], initializer=[weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


@pytest.mark.verifies("SRS-PACK-009")
def test_the_most_that_is_alive_at_one_time_is_counted_by_hand():
    one = 2 * 4 * 4 * 4 * 4
    # In the last step a, b and y are alive; x is not: it was last used by the first.
    assert memory_need(_model().SerializeToString()) == MemoryNeed(
        weights_bytes=4 * 4, activation_bytes_per_patch=3 * one
    )


@pytest.mark.verifies("SRS-PACK-009")
def test_the_estimate_grows_by_the_activations_of_each_patch():
    need = MemoryNeed(weights_bytes=100, activation_bytes_per_patch=10)
    assert [need.estimate_bytes(patches=n) for n in (1, 2, 20)] == [110, 120, 300]
