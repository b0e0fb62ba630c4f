from __future__ import annotations

import numpy as np
import pytest

from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.preprocess.patch import extract_patch
from lungai_core.testing.phantom import PhantomNodule, PhantomSpec, make_phantom, nodule_coverage
from lungai_core.testing.truth import TruthEngine, depth_mm

NODULE = PhantomNodule(nodule_id="n1", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=14.0)
SPEC = PhantomSpec(
    shape_zyx=(40, 60, 60), spacing_zyx_mm=(2.0, 1.5, 1.5), center_lps_mm=(-80.0, 5.0, 10.0), nodules=(NODULE,)
)


@pytest.mark.verifies("SRS-TEST-006")
@pytest.mark.parametrize("axes", [SPEC.axes_zyx_lps, ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (1.0, 0.0, 0.0))])
def test_depth_is_the_distance_below_the_surface_on_any_grid(axes):
    geometry = SPEC.model_copy(update={"axes_zyx_lps": axes}).geometry
    depth = depth_mm(NODULE, geometry)
    corner = np.linalg.norm(geometry.lps_from_index((3, 5, 7)) - np.asarray(NODULE.center_lps_mm))
    assert depth[3, 5, 7] == pytest.approx(7 - corner, abs=1e-4)
    covered = nodule_coverage(NODULE, geometry) >= 0.5
    assert not (covered & (depth < -0.9)).any()
    assert not (~covered & (depth > 0.9)).any()


@pytest.mark.verifies("SRS-TEST-006")
def test_the_engine_gives_the_true_mask_and_keeps_what_the_network_said():
    phantom = make_phantom(SPEC)
    with TruthEngine.open(open_pack(bundled_pack())) as engine:
        candidate = phantom.candidates.candidates[0]
        patch = extract_patch(phantom.volume, candidate, contract=engine.pack.contract.input)
        engine.tell(SPEC)
        (answer,) = engine.infer([patch])
        assert answer.diameter_mm == 14.0
        inside = answer.mask_logit >= 0
        assert inside.sum() == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.03)
        kept, own = engine.answers["n1"]
        assert kept is patch
        assert own.malignancy_logit == answer.malignancy_logit
        assert own.diameter_mm != 14.0
        assert not np.array_equal(own.mask_logit, answer.mask_logit)
        engine.tell(SPEC)
        assert engine.answers == {}
