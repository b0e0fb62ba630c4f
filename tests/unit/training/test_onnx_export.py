from __future__ import annotations

import sys

import numpy as np
import pytest

from lungai_core.errors import ExitCode, ExportParityError, MissingDependencyError
from lungai_core.model.net import build_net
from lungai_core.model.spec import TINY
from lungai_core.training.onnx_export import export_onnx, graph_outputs, measure_parity, run_onnx

SIZE = (32, 32, 32)


@pytest.fixture(scope="module")
def net():
    return build_net(TINY, seed=5)


@pytest.fixture(scope="module")
def graph(net):
    return export_onnx(net, size_zyx=SIZE)


def patch(seed, count=1):
    return np.random.default_rng(seed).random((count, 1, *SIZE), dtype=np.float32)


@pytest.mark.verifies("SRS-TRAIN-001")
def test_the_same_weights_give_the_same_bytes_without_a_path_of_this_machine(graph):
    assert export_onnx(build_net(TINY, seed=5), size_zyx=SIZE) == graph
    assert b"/work" not in graph
    assert b".py" not in graph


@pytest.mark.verifies("SRS-TRAIN-001")
def test_the_batch_axis_is_free_and_the_outputs_are_those_of_the_contract(net, graph):
    outputs = graph_outputs(net, size_zyx=SIZE)
    for count in (1, 3):
        found = run_onnx(graph, patch(0, count))
        assert {name: values.shape for name, values in found.items()} == {
            tensor.name: (count, *tensor.shape[1:]) for tensor in outputs.tensors()
        }


@pytest.mark.verifies("SRS-TRAIN-002")
def test_the_graph_says_what_the_network_says_and_the_report_holds_the_differences(net, graph):
    report = measure_parity(net, graph, [patch(seed) for seed in range(4)])
    assert report.patches == 4
    assert [name for name, _ in report.largest_difference] == [
        t.name for t in graph_outputs(net, size_zyx=SIZE).tensors()
    ]
    assert 0 < max(value for _, value in report.largest_difference) <= 1e-4


@pytest.mark.verifies("SRS-TRAIN-002", "RC-TRAIN-001")
def test_a_graph_of_other_weights_is_refused(graph):
    with pytest.raises(ExportParityError, match="does not say what the network says") as caught:
        measure_parity(build_net(TINY, seed=6), graph, [patch(0)])
    assert caught.value.exit_code is ExitCode.MODEL_INTEGRITY


@pytest.mark.verifies("SRS-TRAIN-002", "RC-TRAIN-001")
def test_nan_in_the_graphs_answer_is_a_difference(net, graph):
    with pytest.raises(ExportParityError):
        measure_parity(net, graph, [np.full((1, 1, *SIZE), np.nan, dtype=np.float32)])


@pytest.mark.verifies("SRS-TRAIN-002")
def test_without_onnx_runtime_the_error_names_the_extra(graph, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[inference\]"):
        run_onnx(graph, patch(0))
