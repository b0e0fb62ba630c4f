from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from lungai_core.errors import MissingDependencyError
from lungai_core.inference import providers
from lungai_core.inference.providers import (
    Provider,
    ProviderPolicy,
    load_runtime,
    provider_states,
    unavailable_reason,
)


@pytest.mark.verifies("SRS-INFER-002")
def test_the_default_order_is_gpu_then_openvino_then_cpu():
    assert ProviderPolicy().providers == (Provider.CUDA, Provider.OPENVINO, Provider.CPU)
    assert ProviderPolicy.gpu_only().providers == (Provider.CUDA,)
    assert not any(provider.is_gpu for provider in ProviderPolicy.cpu_only().providers)


@pytest.mark.verifies("SRS-INFER-002", "RC-INFER-001")
@pytest.mark.parametrize("providers", [(), (Provider.CPU, Provider.CPU)])
def test_a_policy_without_a_provider_or_with_one_twice_is_refused(providers):
    with pytest.raises(ValidationError):
        ProviderPolicy(providers=providers)


@pytest.mark.verifies("SRS-INFER-012")
@pytest.mark.parametrize("sizes", [(), (4, 1), (1, 1), (0,)])
def test_batch_sizes_that_do_not_ascend_are_refused(sizes):
    with pytest.raises(ValidationError):
        ProviderPolicy(gpu_batch_sizes=sizes)


@pytest.mark.verifies("SRS-INFER-002")
def test_every_provider_is_listed_and_the_cpu_is_always_there():
    states = {state.provider: state.reason for state in provider_states()}
    assert set(states) == set(Provider)
    assert states[Provider.CPU] == ""


@pytest.mark.verifies("SRS-INFER-002")
def test_a_missing_gpu_library_is_named(monkeypatch):
    monkeypatch.setattr(providers, "_loads", lambda name: not name.startswith("libcudnn"))
    runtime = SimpleNamespace(
        __version__="1.31.1", get_available_providers=lambda: [Provider.CUDA.value, Provider.TENSORRT.value]
    )
    monkeypatch.setattr(providers, "load_runtime", lambda: runtime)
    monkeypatch.setattr(sys, "platform", "linux")
    assert unavailable_reason(Provider.CUDA) == "these libraries cannot be loaded: libcudnn.so.9"
    assert "libcudnn.so.9" in unavailable_reason(Provider.TENSORRT)


@pytest.mark.verifies("SRS-INFER-002")
def test_a_runtime_built_without_a_provider_says_so(monkeypatch):
    runtime = SimpleNamespace(__version__="1.31.1", get_available_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(providers, "load_runtime", lambda: runtime)
    assert "does not contain it" in unavailable_reason(Provider.CUDA)


@pytest.mark.verifies("SRS-INFER-002")
def test_the_libraries_asked_for_are_those_of_the_runtime_version_and_system(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert "libcudart.so.12" in providers._gpu_libraries("1.26.0")
    assert "libcudart.so.13" in providers._gpu_libraries("1.31.1")
    monkeypatch.setattr(sys, "platform", "win32")
    assert providers._gpu_libraries("1.31.1") == ("nvcuda.dll",)


@pytest.mark.verifies("SRS-INFER-002")
def test_openvino_is_named_as_missing_where_it_is(monkeypatch):
    monkeypatch.setattr(providers.importlib.util, "find_spec", lambda _: None)
    assert "not installed" in unavailable_reason(Provider.OPENVINO)
    monkeypatch.setattr(providers.importlib.util, "find_spec", lambda _: object())
    assert unavailable_reason(Provider.OPENVINO) == ""


@pytest.mark.verifies("SRS-INFER-001")
def test_without_onnx_runtime_the_extra_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"lungai-core\[inference\]"):
        load_runtime()
