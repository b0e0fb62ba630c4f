from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from monai.visualize import GradCAM
from torch import nn

from lungai_core.errors import InvalidArgumentError
from lungai_core.model.net import MultitaskNet, build_net, require_patch
from lungai_core.model.spec import DENSENET121, SMALL, TINY, Attention, ConvTrunk

TINY_CONV = TINY.model_copy(update={"name": "tiny-conv", "trunk": ConvTrunk(widths=(2, 4, 4, 6))})


@pytest.fixture(scope="module", params=[TINY, TINY_CONV], ids=lambda spec: spec.name)
def net(request):
    return build_net(request.param, seed=3)


def patches(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32))


@pytest.mark.verifies("SRS-MODEL-001", "SRS-MODEL-003")
@pytest.mark.parametrize("size", [(32, 32, 32), (64, 32, 96)])
@pytest.mark.parametrize(("spec", "stride"), [(TINY, 4), (TINY_CONV, 2)])
def test_the_outputs_have_the_documented_shapes_for_any_edges_that_are_multiples_of_32(size, spec, stride):
    with torch.no_grad():
        output = build_net(spec, seed=3)(patches(2, 1, *size))
    assert output.malignancy_logit.shape == output.diameter_mm.shape == (2,)
    assert output.mask_logit.shape == (2, 1, *size)
    assert output.evidence.shape == (2, 1, *(edge // stride for edge in size))
    assert spec.evidence_stride == stride
    assert output.features.shape == (2, spec.features)
    assert bool((output.diameter_mm >= 0).all())


@pytest.mark.verifies("SRS-MODEL-002")
def test_the_full_network_has_the_stated_parameters_and_the_attention_its_share():
    with torch.device("meta"):
        full = MultitaskNet(DENSENET121)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in full.named_children()}
    assert count["trunk"] == 11_242_624
    assert count["attention"] == 523_435
    # The trunk with the two-class layer of MONAI's DenseNet121 has 11,244,674 parameters.
    assert round(100 * count["attention"] / 11_244_674, 3) == 4.655


@pytest.mark.verifies("SRS-MODEL-001")
def test_the_small_network_fits_a_wheel_in_single_precision():
    with torch.device("meta"):
        small = MultitaskNet(SMALL)
    assert 4 * sum(p.numel() for p in small.parameters()) < 7_000_000


@pytest.mark.verifies("SRS-MODEL-002")
def test_each_kind_of_attention_can_be_built_for_the_ablation():
    counts = [
        sum(p.numel() for p in build_net(TINY.model_copy(update={"attention": kind}), seed=0).attention.parameters())
        for kind in (Attention.NONE, Attention.CHANNEL, Attention.POSITION_CHANNEL)
    ]
    assert counts[0] == 0
    assert counts == sorted(set(counts))


@pytest.mark.verifies("SRS-MODEL-003", "RC-MODEL-001")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_of_the_map_plus_the_bias_is_the_logit(net, seed):
    with torch.no_grad():
        output = net(patches(3, 1, 32, 64, 32, seed=seed))
    total = output.evidence.mean(dim=(1, 2, 3, 4)) + net.malignancy.bias
    assert torch.allclose(total, output.malignancy_logit, atol=1e-4)


class _Logits(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).malignancy_logit[:, None]


@pytest.mark.verifies("SRS-MODEL-003", "RC-MODEL-001")
def test_the_positive_part_of_the_map_is_monais_grad_cam(net):
    net = copy.deepcopy(net)
    # Features are not negative; with weights that are not either, the map has a positive part for any seed.
    net.malignancy.weight.data.abs_()
    patch = patches(1, 1, 32, 32, 32)
    cam = GradCAM(nn_module=_Logits(net).eval(), target_layers="net.weigh")
    theirs = cam.compute_map(patch, class_idx=0).detach()
    with torch.no_grad():
        ours = torch.relu(net(patch).evidence)
    voxels = ours[0, 0].numel()
    assert float(ours.max()) > 0
    assert torch.allclose(theirs * voxels, ours, atol=1e-4)


@pytest.mark.verifies("SRS-MODEL-003")
def test_what_is_far_from_the_candidate_weighs_less(net):
    weights = net.weigh(torch.ones(1, 1, 24, 24, 24), torch.ones(1, 1), torch.zeros(1, 1, 24, 24, 24))[0, 0]
    assert torch.isclose(weights.mean(), torch.tensor(1.0), atol=1e-5)
    assert float(weights[12, 12, 12]) > 5 * float(weights[0, 0, 0])


@pytest.mark.verifies("SRS-MODEL-004")
def test_the_seed_alone_decides_the_weights_and_the_callers_random_state_stays():
    before = torch.get_rng_state()
    one, two, three = build_net(TINY, seed=3), build_net(TINY, seed=3), build_net(TINY, seed=4)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert not torch.equal(one.top.weight, three.top.weight)


@pytest.mark.verifies("SRS-MODEL-001")
def test_an_untrained_mask_is_near_a_threshold_at_three_sevenths_of_the_window(net):
    patch = torch.zeros(1, 1, 32, 32, 32)
    patch[..., 16:] = 1.0
    with torch.no_grad():
        mask = net(patch).mask_logit
    assert bool((mask[..., 16:] > 0).all())
    assert bool((mask[..., :16] < 0).all())


@pytest.mark.verifies("SRS-MODEL-005")
@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(1, 1, 32, 32),
        torch.zeros(1, 2, 32, 32, 32),
        torch.zeros(1, 1, 32, 32, 33),
        torch.zeros(1, 1, 0, 32, 32),
        torch.full((1, 1, 32, 32, 32), torch.nan),
        torch.full((1, 1, 32, 32, 32), torch.inf),
    ],
)
def test_an_unfit_batch_is_refused_with_its_shape(bad):
    with pytest.raises(InvalidArgumentError) as caught:
        require_patch(bad)
    assert str(tuple(bad.shape)) in caught.value.where


@pytest.mark.verifies("SRS-MODEL-005")
def test_a_fit_batch_passes():
    assert require_patch(torch.zeros(2, 1, 32, 64, 32)) is None
