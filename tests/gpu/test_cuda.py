"""What only a machine with an NVIDIA GPU can show; ``tox -e gpu`` runs it, and it fails where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.errors import DeviceMemoryError
from lungai_core.inference.devices import gpu_devices
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import OnOutOfMemory, Precision, Provider, ProviderPolicy, unavailable_reason
from lungai_core.model.spec import named_spec
from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.training.export import export_untrained
from lungai_core.training.onnx_export import Precisions
from lungai_core.training.parity import Patches

CUDA = ProviderPolicy.gpu_only()


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack") / "full"
    patches = Patches(random=1)
    return export_untrained(
        named_spec("densenet121"), folder, seed=0, patches=patches, precisions=Precisions.SINGLE_AND_HALF
    )


def _patches(pack, count):
    random = np.random.default_rng(5)
    size = pack.contract.input.size_zyx
    geometry = Geometry(size, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return [Patch(random.random((1, *size), dtype=np.float32), geometry, str(n), 0.0) for n in range(count)]


@pytest.mark.verifies("SRS-INFER-002")
def test_the_network_runs_on_the_gpu_and_gives_the_reference_outputs_of_the_pack():
    with InferenceEngine.open(open_pack(bundled_pack()), policy=CUDA) as engine:
        assert engine.execution.provider == Provider.CUDA.value
        assert engine.self_test_difference >= 0
    assert gpu_devices()[0].memory_mib > 0


@pytest.mark.verifies("SRS-INFER-012")
@pytest.mark.parametrize(("precision", "tolerance"), [(Precision.FLOAT32, 1e-3), (Precision.FLOAT16, 0.05)])
def test_every_batch_size_and_precision_gives_the_answers_of_the_cpu(pack, precision, tolerance):
    patches = _patches(pack, 5)
    with InferenceEngine.open(pack, policy=ProviderPolicy(providers=(Provider.CPU,))) as cpu:
        wanted = cpu.infer(patches)
    policy = CUDA.model_copy(update={"precision": precision, "gpu_batch_sizes": (1, 4)})
    with InferenceEngine.open(pack, policy=policy) as engine:
        found = engine.infer(patches)
        assert engine.execution.precision == precision.value
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.malignancy_logit == pytest.approx(theirs.malignancy_logit, abs=tolerance, rel=tolerance)
        np.testing.assert_allclose(ours.mask_logit, theirs.mask_logit, atol=tolerance, rtol=tolerance)


@pytest.mark.verifies("SRS-INFER-012")
def test_a_memory_limit_gives_smaller_batches_or_the_error(pack):
    tight = CUDA.model_copy(update={"gpu_memory_limit_mib": 640, "gpu_batch_sizes": (1, 64)})
    with InferenceEngine.open(pack, policy=tight) as engine:
        assert len(engine.infer(_patches(pack, 3))) == 3
    strict = tight.model_copy(update={"gpu_batch_sizes": (64,), "on_out_of_memory": OnOutOfMemory.ERROR})
    with pytest.raises(DeviceMemoryError):
        InferenceEngine.open(pack, policy=strict)


@pytest.mark.verifies("SRS-INFER-012")
@pytest.mark.skipif(bool(unavailable_reason(Provider.TENSORRT)), reason="TensorRT is not installed")
def test_tensorrt_keeps_its_engine_for_the_next_session(pack, tmp_path):
    policy = ProviderPolicy(providers=(Provider.TENSORRT,), engine_cache_dir=tmp_path, gpu_batch_sizes=(1, 4))
    for _ in range(2):
        with InferenceEngine.open(pack, policy=policy) as engine:
            assert engine.execution.provider == Provider.TENSORRT.value
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("*.engine"))) == 1
