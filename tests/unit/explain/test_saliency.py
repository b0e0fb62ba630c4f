from __future__ import annotations

import numpy as np
import pytest
import torch

from lungai_core.errors import LungaiError
from lungai_core.explain.saliency import SaliencyMethod, evidence_map, saliency_map, signed_evidence


@pytest.mark.verifies("SRS-EXPL-001")
def test_grad_cam_at_the_pooled_layer_is_the_released_map(net, patch):
    released = evidence_map(net, patch)
    gradient = saliency_map(net, patch, method=SaliencyMethod.GRAD_CAM) * released.size
    assert released.max() > 0
    np.testing.assert_allclose(gradient, released, atol=1e-5 * released.max())


@pytest.mark.verifies("SRS-EXPL-001")
def test_the_released_map_is_the_logit_in_parts(net, patch):
    with torch.inference_mode():
        logit = float(net(patch).malignancy_logit)
    assert signed_evidence(net, patch).mean() + net.malignancy.bias.item() == pytest.approx(logit, abs=1e-5)


@pytest.mark.verifies("SRS-EXPL-001")
@pytest.mark.parametrize("method", SaliencyMethod)
@pytest.mark.parametrize("layer", ["weigh", "smooth.0"])
def test_a_map_has_the_grid_of_its_layer_and_leaves_the_network_as_it_was(net, patch, method, layer):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = saliency_map(net, patch, method=method, layer=layer)
    edge = 16 if layer == "weigh" else 4
    assert found.ndim == 3
    assert found.shape[0] in {edge, 8, 16}
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(not module._forward_hooks for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.verifies("SRS-EXPL-001")
def test_a_patch_that_the_network_cannot_take_is_refused(net):
    with pytest.raises(LungaiError):
        evidence_map(net, torch.zeros(1, 1, 50, 64, 64))
