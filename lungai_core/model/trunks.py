"""What makes maps of a patch: the dense blocks of MONAI's DenseNet, or plain pairs of convolutions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from monai.networks.nets.densenet import DenseNet
from torch import nn
from torch.nn import functional

from lungai_core.model.spec import DenseTrunk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lungai_core.model.spec import ConvTrunk

__all__ = ["build_trunk", "convolution_unit", "encode"]


def build_trunk(spec: DenseTrunk | ConvTrunk, /) -> nn.Sequential:
    """Build a trunk with named parts, from the stem on.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Parameters
    ----------
    spec
        Its sizes.
    """
    if isinstance(spec, DenseTrunk):
        dense = DenseNet(
            spatial_dims=3,
            in_channels=1,
            out_channels=1,
            init_features=spec.init_features,
            growth_rate=spec.growth_rate,
            block_config=spec.block_config,
            bn_size=spec.bottleneck,
        )
        features: nn.Sequential = dense.features
        return features
    trunk = nn.Sequential()
    trunk.add_module("level0", convolution_unit(1, spec.widths[0]))
    for level, (before, width) in enumerate(pairwise(spec.widths), start=1):
        pair = nn.Sequential(convolution_unit(before, width), convolution_unit(width, width))
        trunk.add_module(f"level{level}", pair)
    return trunk


def convolution_unit(channels: int, out: int, /) -> nn.Sequential:
    """Build a 3 x 3 x 3 convolution with normalisation and a rectifier.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Parameters
    ----------
    channels, out
        Before and after.
    """
    convolution = nn.Conv3d(channels, out, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(out), nn.ReLU(inplace=True))


def encode(
    trunk: nn.Sequential, attention: Iterable[nn.Module], patches: torch.Tensor, /
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Make the maps of a batch of patches.

    :implements: SRS-MODEL-001, SRS-MODEL-002, SDS-MODEL-001, SDS-MODEL-002

    Parameters
    ----------
    trunk
        Of :func:`build_trunk`.
    attention
        Three modules; each weights what a transition hands on.
    patches
        ``(N, 1, z, y, x)``.

    Returns
    -------
    tuple
        The maps before each halving, the finest first, and the last one.
    """
    if hasattr(trunk, "conv0"):
        return _encode_dense(trunk, attention, patches)
    maps = [trunk.get_submodule("level0")(patches)]
    for level, weigh in enumerate(attention, start=1):
        maps.append(trunk.get_submodule(f"level{level}")(weigh(functional.max_pool3d(maps[-1], kernel_size=2))))
    *skips, deepest = maps
    return skips, deepest


def _encode_dense(
    trunk: nn.Sequential, attention: Iterable[nn.Module], patches: torch.Tensor, /
) -> tuple[list[torch.Tensor], torch.Tensor]:
    part = trunk.get_submodule
    stem = part("relu0")(part("norm0")(part("conv0")(patches)))
    skips = [stem]
    current = part("pool0")(stem)
    for index, weigh in enumerate(attention, start=1):
        current = part(f"denseblock{index}")(current)
        for step in ("norm", "relu", "conv"):
            current = part(f"transition{index}.{step}")(current)
        skips.append(current)
        current = weigh(part(f"transition{index}.pool")(current))
    return skips, functional.relu(part("norm5")(part("denseblock4")(current)))
