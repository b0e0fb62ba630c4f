from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lungai_core.domain.case_report import ComputeMode
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.errors import (
    DeviceMemoryError,
    ModelTensorError,
    OutputFolderError,
    ProviderUnavailableError,
    ReferenceMismatchError,
)
from lungai_core.inference import device_session, session
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import OnOutOfMemory, Precision, Provider, ProviderPolicy
from lungai_core.modelpack.memory import MemoryNeed
from lungai_core.modelpack.reference import reference_input

CUDA = ProviderPolicy(providers=(Provider.CUDA,), gpu_batch_sizes=(1, 3))
MEMORY = MemoryNeed(weights_bytes=10 << 20, activation_bytes_per_patch=100 << 20)


@pytest.fixture
def gpu(monkeypatch, fake_gpu_runtime):
    """Put a made-up GPU under the engine."""

    def build(**told):
        runtime = fake_gpu_runtime(**told)
        monkeypatch.setattr(session, "unavailable_reason", lambda _: "")
        monkeypatch.setattr(device_session, "load_runtime", lambda: runtime)
        return runtime

    return build


def _patches(pack, count):
    random = np.random.default_rng(5)
    size = pack.contract.input.size_zyx
    geometry = Geometry(size, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return [Patch(random.random((1, *size), dtype=np.float32), geometry, str(n), 0.0) for n in range(count)]


@pytest.mark.verifies("SRS-INFER-012")
def test_batches_are_padded_to_bound_buffers_and_give_the_answers_of_the_cpu(pack, engine, gpu):
    runtime = gpu()
    patches = _patches(pack, 3)
    with InferenceEngine.open(pack, policy=CUDA) as other:
        assert runtime.batches == [1, 3]
        answers = other.infer(patches[:2]) + other.infer(patches[2:])
        assert other.execution.provider == "CUDAExecutionProvider"
        assert (other.execution.mode, other.execution.batch_size) == (ComputeMode.FAST, 3)
        assert (other.execution.precision, other.group_size) == ("float32", 39)
    assert runtime.batches == [1, 3, 3, 1]
    assert {(device, number) for _, device, number in runtime.buffers} == {("cuda", 0)}
    assert len(runtime.buffers) == 2 * (1 + len(pack.contract.outputs.tensors()))
    for found, wanted in zip(answers, engine.infer(patches), strict=True):
        assert found.malignancy_logit == pytest.approx(wanted.malignancy_logit, abs=1e-4)
        np.testing.assert_allclose(found.mask_logit, wanted.mask_logit, atol=1e-4)


@pytest.mark.verifies("SRS-INFER-012", "SRS-INFER-002")
def test_the_session_forbids_the_cpu_and_states_its_memory_limit(pack, gpu):
    runtime = gpu()
    session.open_session(pack, policy=CUDA.model_copy(update={"gpu_memory_limit_mib": 512}))
    (asked,) = runtime.sessions
    assert asked.no_cpu
    assert asked.options["CUDAExecutionProvider"]["gpu_mem_limit"] == str(512 << 20)
    assert asked.options["CUDAExecutionProvider"]["use_tf32"] == "0"


@pytest.mark.verifies("SRS-INFER-012")
def test_tensorrt_gets_one_range_of_shapes_a_private_cache_for_each_model_and_cuda_beside_it(pack, gpu, tmp_path):
    runtime = gpu()
    policy = ProviderPolicy(
        providers=(Provider.TENSORRT,),
        gpu_batch_sizes=(2, 5),
        precision=Precision.FLOAT16,
        engine_cache_dir=tmp_path / "engines",
    )
    session.open_session(pack, policy=policy)
    (asked,) = runtime.sessions
    assert list(asked.options) == ["TensorrtExecutionProvider", "CUDAExecutionProvider"]
    options = asked.options["TensorrtExecutionProvider"]
    size = "x".join(str(n) for n in pack.contract.input.size_zyx)
    assert options["trt_profile_min_shapes"] == f"{pack.contract.input_tensor.name}:1x1x{size}"
    assert options["trt_profile_max_shapes"] == f"{pack.contract.input_tensor.name}:5x1x{size}"
    assert options["trt_fp16_enable"] == options["trt_engine_cache_enable"] == "1"
    folder = tmp_path / "engines" / pack.model_sha256[:16]
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert asked.graph == pack.onnx
    session.open_session(pack, policy=policy.model_copy(update={"engine_cache_dir": None}))
    assert "trt_engine_cache_enable" not in runtime.sessions[-1].options["TensorrtExecutionProvider"]


@pytest.mark.verifies("SRS-INFER-012")
def test_an_engine_cache_that_cannot_be_made_is_an_error(pack, gpu, tmp_path):
    gpu()
    (tmp_path / "file").write_text("no folder")
    policy = ProviderPolicy(providers=(Provider.TENSORRT,), engine_cache_dir=tmp_path / "file")
    with pytest.raises(OutputFolderError, match="TensorRT engines"):
        session.open_session(pack, policy=policy)


@pytest.mark.verifies("SRS-INFER-012")
def test_half_precision_runs_the_packs_own_graph_and_is_written_into_the_report(pack, gpu):
    runtime = gpu()
    half = replace(pack, attachments={**pack.attachments, "model_fp16.onnx": bytes(bytearray(pack.onnx))})
    policy = CUDA.model_copy(update={"precision": Precision.FLOAT16, "gpu_batch_sizes": (1,)})
    with InferenceEngine.open(half, policy=policy) as opened:
        assert opened.execution.precision == "float16"
    assert runtime.sessions[0].graph is half.attachments["model_fp16.onnx"]


@pytest.mark.verifies("SRS-INFER-012", "SRS-INFER-002")
def test_half_precision_without_its_graph_is_refused_or_falls_back_as_the_policy_says(pack, gpu):
    gpu()
    policy = CUDA.model_copy(update={"precision": Precision.FLOAT16})
    with pytest.raises(ProviderUnavailableError) as caught:
        session.open_session(pack, policy=policy)
    assert "model_fp16.onnx" in caught.value.where
    both = policy.model_copy(update={"providers": (Provider.CUDA, Provider.CPU)})
    info = session.open_session(pack, policy=both).info
    assert (info.provider, info.precision) == (Provider.CPU, Precision.FLOAT32)
    assert "model_fp16.onnx" in info.fallback


@pytest.mark.verifies("SRS-INFER-003", "SRS-INFER-012", "RC-INFER-002")
def test_a_row_of_a_batch_that_differs_from_the_reference_is_found_before_any_case(pack, gpu):
    gpu(broken_row=2)
    with pytest.raises(ReferenceMismatchError):
        InferenceEngine.open(pack, policy=CUDA)


@pytest.mark.verifies("SRS-INFER-012", "SRS-INFER-004")
def test_a_batch_that_does_not_fit_is_made_smaller_or_refused_as_the_policy_says(pack, engine, gpu):
    runtime = gpu(capacity=1)
    patches = _patches(pack, 2)
    with InferenceEngine.open(pack, policy=CUDA) as small:
        assert runtime.batches == [1, 3]
        answers = small.infer(patches)
    assert runtime.batches[2:] == [3, 1, 1]
    assert answers[1].malignancy_logit == pytest.approx(engine.infer(patches)[1].malignancy_logit, abs=1e-4)
    strict = CUDA.model_copy(update={"on_out_of_memory": OnOutOfMemory.ERROR})
    with pytest.raises(DeviceMemoryError, match="too little memory"):
        InferenceEngine.open(pack, policy=strict)
    gpu(capacity=0)
    with pytest.raises(DeviceMemoryError):
        InferenceEngine.open(pack, policy=CUDA)


@pytest.mark.verifies("SRS-INFER-012", "RC-INFER-001")
def test_a_session_that_runs_elsewhere_is_refused(pack, gpu):
    gpu(runs_on="CPUExecutionProvider")
    with pytest.raises(ProviderUnavailableError, match="runs on"):
        session.open_session(pack, policy=CUDA)


@pytest.mark.verifies("SRS-INFER-004", "SRS-INFER-012")
def test_a_failure_that_is_not_of_memory_names_the_graph(pack, gpu, monkeypatch):
    runtime = gpu()
    opened = session.open_session(pack, policy=CUDA)

    def fail(*_):
        message = "CUDNN_STATUS_EXECUTION_FAILED"
        raise RuntimeError(message)

    monkeypatch.setattr(type(opened._session), "run_with_iobinding", fail)
    with pytest.raises(ModelTensorError, match="CUDNN_STATUS"):
        opened.run(reference_input(pack.contract.input))
    assert runtime.batches == []


@pytest.mark.verifies("SRS-INFER-012", "SRS-PACK-009")
def test_what_the_pack_says_of_its_memory_limits_the_batch_before_the_run(pack, gpu):
    runtime = gpu()
    stated = replace(pack, memory=MEMORY)
    with InferenceEngine.open(stated, policy=CUDA.model_copy(update={"gpu_memory_limit_mib": 200})) as opened:
        assert opened.execution.batch_size == 1
        opened.infer(_patches(pack, 2))
    assert runtime.batches == [1, 1, 1]
    with pytest.raises(DeviceMemoryError, match="about 110 MiB"):
        InferenceEngine.open(stated, policy=CUDA.model_copy(update={"gpu_memory_limit_mib": 100}))


@pytest.mark.verifies("SRS-INFER-012", "SRS-PACK-009")
def test_the_workers_of_a_cpu_count_together(pack):
    stated = replace(pack, memory=MEMORY)
    policy = ProviderPolicy(providers=(Provider.CPU,), workers=2, memory_limit_mib=200)
    with pytest.raises(DeviceMemoryError, match="about 210 MiB") as caught:
        InferenceEngine.open(stated, policy=policy)
    assert caught.value.where == "a batch of 2 patches on CPUExecutionProvider"
    with InferenceEngine.open(stated, policy=policy.model_copy(update={"workers": 1})) as opened:
        assert opened.execution.batch_size == 1
