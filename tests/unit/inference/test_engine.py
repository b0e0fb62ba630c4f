from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from lungai_core.domain.case_report import ComputeMode
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.errors import (
    EngineClosedError,
    MissingDependencyError,
    ModelOutputError,
    ReferenceMismatchError,
)
from lungai_core.inference.engine import InferenceEngine, NetworkAnswer, require_finite
from lungai_core.inference.providers import Provider, ProviderPolicy
from lungai_core.preprocess.kernels import Kernel


def _patches(count, size=32):
    random = np.random.default_rng(5)
    geometry = Geometry((size,) * 3, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return [Patch(random.random((1, size, size, size), dtype=np.float32), geometry, str(n), 0.0) for n in range(count)]


def _same(first, second):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(first, second, strict=True)
        for name in ("malignancy_logit", "diameter_mm", "mask_logit", "evidence", "features")
    )


@pytest.mark.verifies("SRS-INFER-001", "SRS-INFER-004")
def test_no_number_of_workers_and_no_order_changes_a_bit(pack, engine):
    patches = _patches(4)
    expected = engine.infer(patches)
    for workers in (1, 3, 4):
        policy = ProviderPolicy(providers=(Provider.CPU,), workers=workers)
        with InferenceEngine.open(pack, policy=policy) as other:
            assert _same(other.infer(patches), expected)
            assert _same(other.infer(patches[::-1])[::-1], expected)


@pytest.mark.verifies("SRS-INFER-004")
def test_no_number_of_workers_changes_a_bit_on_openvino(pack):
    pytest.importorskip("openvino", reason="openvino is not installed")
    patches = _patches(3)
    answers = []
    for workers in (1, 2, 4):
        policy = ProviderPolicy(providers=(Provider.OPENVINO,), workers=workers)
        with InferenceEngine.open(pack, policy=policy) as other:
            answers.append(other.infer(patches))
    assert _same(answers[1], answers[0])
    assert _same(answers[2], answers[0])


@pytest.mark.verifies("SRS-INFER-001")
def test_one_engine_serves_several_threads(engine):
    patches = _patches(2)
    expected = engine.infer(patches)
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: engine.infer(patches), range(3)))
    assert all(_same(run, expected) for run in runs)


@pytest.mark.verifies("SRS-INFER-001")
def test_no_patches_give_no_answers(engine):
    assert engine.infer([]) == ()


@pytest.mark.verifies("SRS-INFER-002")
def test_the_report_names_what_the_session_reports(engine):
    execution = engine.execution
    assert execution.provider == "CPUExecutionProvider"
    assert (execution.mode, execution.batch_size, execution.threads) == (ComputeMode.REPRODUCIBLE, 1, 1)
    assert execution.kernel == "numpy"
    assert engine.model.sha256 == engine.pack.sha256


@pytest.mark.verifies("SRS-PREP-007", "SRS-INFER-002")
def test_an_engine_whose_kernel_is_not_installed_is_not_opened(pack, monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "lungai_core.preprocess.numba_kernel", raising=False)
    policy = ProviderPolicy(providers=(Provider.CPU,), kernel=Kernel.NUMBA)
    with pytest.raises(MissingDependencyError):
        InferenceEngine.open(pack, policy=policy)


@pytest.mark.verifies("SRS-PREP-007", "SRS-INFER-002")
def test_the_report_names_the_kernel_of_numba_where_it_samples(pack):
    pytest.importorskip("numba", reason="numba is not installed")
    policy = ProviderPolicy(providers=(Provider.CPU,), kernel=Kernel.NUMBA)
    with InferenceEngine.open(pack, policy=policy) as engine:
        assert engine.execution.kernel == "numba"
    assert engine.self_test_difference < 1e-3


@pytest.mark.verifies("SRS-INFER-001")
def test_a_closed_engine_refuses_to_work_and_closes_twice(pack, cpu_policy):
    with InferenceEngine.open(pack, policy=cpu_policy) as engine:
        pass
    engine.close()
    with pytest.raises(EngineClosedError):
        engine.infer([])


@pytest.mark.verifies("SRS-INFER-003", "RC-INFER-002")
def test_a_network_that_misses_its_reference_is_not_opened(pack, cpu_policy):
    first, *others = pack.reference.outputs
    moved = first.model_copy(update={"values": tuple(value + 1 for value in first.values)})
    broken = replace(pack, reference=pack.reference.model_copy(update={"outputs": (moved, *others)}))
    with pytest.raises(ReferenceMismatchError):
        InferenceEngine.open(broken, policy=cpu_policy)


@pytest.mark.verifies("SRS-INFER-004")
def test_values_that_are_not_finite_are_named():
    answer = NetworkAnswer(float("nan"), None, np.asarray([[[np.inf]]], np.float32), None, np.zeros(2, np.float32))
    with pytest.raises(ModelOutputError) as caught:
        require_finite(answer, candidate_id="7")
    assert caught.value.where == "candidate 7, malignancy_logit, mask_logit"
    require_finite(NetworkAnswer(0.0, 1.0, None, None, None), candidate_id="7")
