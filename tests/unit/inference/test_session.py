from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lungai_core.errors import DeviceMemoryError, ModelTensorError, ProviderUnavailableError
from lungai_core.inference import session as session_module
from lungai_core.inference.providers import Provider, ProviderPolicy, unavailable_reason
from lungai_core.inference.session import open_session
from lungai_core.modelpack.reference import reference_input

NO_GPU = bool(unavailable_reason(Provider.CUDA))


def _renamed(pack, **changes):
    contract = pack.contract
    return replace(pack, contract=contract.model_copy(update=changes))


@pytest.mark.verifies("SRS-INFER-002", "RC-INFER-001")
@pytest.mark.skipif(not NO_GPU, reason="this machine has a GPU")
def test_a_policy_without_the_cpu_raises_where_no_gpu_can_be_used(pack):
    with pytest.raises(ProviderUnavailableError) as caught:
        open_session(pack, policy=ProviderPolicy.gpu_only())
    assert "cannot be loaded" in caught.value.where
    assert caught.value.allowed == "CUDAExecutionProvider"


@pytest.mark.verifies("SRS-INFER-002", "RC-INFER-001")
@pytest.mark.skipif(not NO_GPU, reason="this machine has a GPU")
def test_a_gpu_that_only_looks_available_is_refused_by_the_session_itself(pack, monkeypatch):
    monkeypatch.setattr(session_module, "unavailable_reason", lambda _: "")
    with pytest.raises(ProviderUnavailableError) as caught:
        open_session(pack, policy=ProviderPolicy(providers=(Provider.CUDA,)))
    assert "CUDAExecutionProvider: " in caught.value.where


@pytest.mark.verifies("SRS-INFER-002")
def test_the_provider_that_runs_and_why_an_earlier_one_did_not_are_known(pack, monkeypatch):
    monkeypatch.setattr(
        session_module, "unavailable_reason", lambda provider: "no such card" if provider.is_gpu else ""
    )
    info = open_session(pack, policy=ProviderPolicy(providers=(Provider.CUDA, Provider.CPU))).info
    assert info.provider is Provider.CPU
    assert info.fallback == "CUDAExecutionProvider: no such card"


@pytest.mark.verifies("SRS-INFER-001")
def test_openvino_gives_the_outputs_of_onnx_runtime(pack):
    pytest.importorskip("openvino", reason="openvino is not installed")
    batch = reference_input(pack.contract.input)
    other = open_session(pack, policy=ProviderPolicy(providers=(Provider.OPENVINO,)))
    assert other.info.provider is Provider.OPENVINO
    ours = open_session(pack, policy=ProviderPolicy(providers=(Provider.CPU,))).run(batch)
    for found, expected in zip(other.run(batch), ours, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.verifies("SRS-INFER-003", "RC-INFER-002")
@pytest.mark.parametrize("provider", [Provider.CPU, Provider.OPENVINO])
def test_an_output_of_another_name_is_refused(pack, provider):
    if unavailable_reason(provider):
        pytest.skip(unavailable_reason(provider))
    outputs = pack.contract.outputs
    renamed = outputs.model_copy(
        update={"malignancy_logit": outputs.malignancy_logit.model_copy(update={"name": "verdict"})}
    )
    with pytest.raises(ModelTensorError, match="verdict"):
        open_session(_renamed(pack, outputs=renamed), policy=ProviderPolicy(providers=(provider,)))


@pytest.mark.verifies("SRS-INFER-003", "RC-INFER-002")
def test_an_output_of_another_shape_is_refused(pack, cpu_policy):
    outputs = pack.contract.outputs
    wrong = outputs.model_copy(update={"features": outputs.features.model_copy(update={"shape": (None, 3)})})
    with pytest.raises(ModelTensorError, match="features"):
        open_session(_renamed(pack, outputs=wrong), policy=cpu_policy)


@pytest.mark.verifies("SRS-INFER-003")
def test_bytes_that_are_no_graph_are_refused(pack, cpu_policy):
    with pytest.raises(ModelTensorError, match="cannot run the network"):
        open_session(replace(pack, onnx=b"not a graph"), policy=cpu_policy)


class _Failing:
    def __init__(self, text):
        self.text = text

    def run(self, *_):
        raise RuntimeError(self.text)


@pytest.mark.verifies("SRS-INFER-004")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("CUDA failure 2: out of memory", DeviceMemoryError),
        ("BFCArena: Failed to allocate memory for requested buffer", DeviceMemoryError),
        ("invalid dimensions", ModelTensorError),
    ],
)
def test_a_failing_run_is_told_by_its_cause(pack, cpu_policy, text, error):
    opened = open_session(pack, policy=cpu_policy)
    opened._session = _Failing(text)
    with pytest.raises(error):
        opened.run(reference_input(pack.contract.input))
