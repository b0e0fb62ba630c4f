"""A small CT with one sphere, and an engine over the bundled pack that runs on the CPU."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lungai_core.domain.candidate import Candidate, CandidateList
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.inference.engine import InferenceEngine
from lungai_core.inference.providers import Provider, ProviderPolicy, load_runtime
from lungai_core.modelpack.pack import bundled_pack, open_pack
from support.volumes import series_of

CENTER = (2.0, -3.0, 5.0)


def sphere_volume(*, radius_mm=8.0, spacing=(1.25, 0.8, 0.8), shape=(80, 120, 120), axes=None):
    axes = axes or ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    middle = (np.asarray(shape) - 1) / 2 * np.asarray(spacing)
    origin = tuple(float(v) for v in np.asarray(CENTER) - middle @ np.asarray(axes))
    geometry = Geometry(shape, spacing, origin, axes)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(geometry.lps_from_index(index) - np.asarray(CENTER), axis=-1)
    stored = np.where(distance <= radius_mm, 40, -850).astype(np.int16)
    return CtVolume(stored, 1.0, 0.0, geometry, series_of(shape[0]))


@pytest.fixture(scope="session")
def fake_gpu_runtime():
    """Give the class of ``tests/support/fake_gpu.py`` over the real ONNX Runtime; folders of tests have no names."""
    path = Path(__file__).resolve().parents[2] / "support" / "fake_gpu.py"
    spec = importlib.util.spec_from_file_location("fake_gpu", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return partial(module.FakeGpuRuntime, load_runtime())


@pytest.fixture(scope="session")
def volume():
    return sphere_volume()


@pytest.fixture(scope="session")
def pack():
    return open_pack(bundled_pack())


@pytest.fixture(scope="session")
def cpu_policy():
    return ProviderPolicy(providers=(Provider.CPU,))


@pytest.fixture(scope="session")
def engine(pack, cpu_policy):
    with InferenceEngine.open(pack, policy=cpu_policy) as opened:
        yield opened


@pytest.fixture(scope="session")
def one_candidate():
    return CandidateList(candidates=(Candidate(candidate_id="1", center_lps_mm=CENTER),))
