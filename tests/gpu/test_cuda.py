"""What only a machine with an NVIDIA GPU can show; ``tox -e gpu`` runs it, and it fails where there is none."""

from __future__ import annotations

import pytest

from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import Provider, ProviderPolicy
from lungai_core.modelpack.pack import bundled_pack, open_pack


@pytest.mark.verifies("SRS-INFER-002")
def test_the_network_runs_on_the_gpu_and_gives_the_reference_outputs_of_the_pack():
    with InferenceEngine.open(open_pack(bundled_pack()), policy=ProviderPolicy.gpu_only()) as engine:
        assert engine.execution.provider == Provider.CUDA.value
        assert engine.self_test_difference >= 0
