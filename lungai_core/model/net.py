"""The multitask network: DenseNet trunk, attention, light decoder, three heads and a map that explains the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn import functional

from lungai_core.errors import InvalidArgumentError
from lungai_core.model.attention import PositionChannelAttention
from lungai_core.model.spec import Attention, DenseTrunk
from lungai_core.model.trunks import build_trunk, convolution_unit, encode

if TYPE_CHECKING:
    from lungai_core.model.spec import NetSpec

__all__ = ["PATCH_MULTIPLE", "MultitaskNet", "NetOutput", "build_net", "require_patch"]

PATCH_MULTIPLE = 32

_DIAMETER_UNIT_MM = 10.0
# A tenth of a millimetre: the logarithm of a diameter stays finite.
_SIZE_FLOOR = 0.01
# The mask starts as voxels above 3/7 of the window, which is -400 HU for a window of -1000 to 400 HU.
_FIRST_SLOPE = 10.0
_FIRST_THRESHOLD = 3 / 7
# Maps of 12, 6 and 3 voxels an edge follow the transitions of DenseNet121 on a 96 patch: three convolutions then reach
# 12, 6 and 3. Those of the small network on a 32 patch have 16, 8 and 4.
_DILATIONS = (4, 2, 1)


@dataclass(frozen=True, slots=True, eq=False)
class NetOutput:
    """What the network says about a batch of N patches.

    :implements: SRS-MODEL-001, SDS-MODEL-001

    Parameters
    ----------
    malignancy_logit
        ``(N,)``.
    mask_logit
        ``(N, 1, z, y, x)`` on the patch grid.
    diameter_mm
        ``(N,)``, not negative.
    evidence
        ``(N, 1, z/s, y/s, x/s)`` with the spec's ``evidence_stride`` s: its mean plus the head's bias is
        ``malignancy_logit``.
    features
        ``(N, F)``: the input of the malignancy head.
    """

    malignancy_logit: torch.Tensor
    mask_logit: torch.Tensor
    diameter_mm: torch.Tensor
    evidence: torch.Tensor
    features: torch.Tensor


class MultitaskNet(nn.Module):
    """The network of a :class:`~lungai_core.model.spec.NetSpec`.

    :implements: SRS-MODEL-001, SRS-MODEL-003, SDS-MODEL-001, SDS-MODEL-003

    The trunk's maps before each halving feed a decoder that adds them from coarse to fine (Lin et al., "Feature pyramid
    networks", CVPR 2017). At a quarter (dense trunk) or half of the patch's resolution the decoder's features are
    pooled with a learned weight per position (Ilse, Tomczak and Welling, "Attention-based deep multiple instance
    learning", ICML 2018) that prefers the candidate in the centre; what the trunk's end says of the whole patch, with
    the diameter that it measured, joins them at each position and so is spread by the same weights. The malignancy
    head is linear in the pooled features, so the class-activation map (Zhou et al., CVPR 2016) is exact and needs no
    gradient. The mask is a local threshold: offset and slope come from half the resolution (a plain trunk adds what it
    knows at the full one), the edge from the patch itself.

    Parameters
    ----------
    spec
        The sizes.
    """

    def __init__(self, spec: NetSpec, /) -> None:
        super().__init__()
        self.spec = spec
        self.trunk = build_trunk(spec.trunk)
        stem, *passed, deepest = spec.trunk.channels
        # What a transition of the dense trunk hands on is also what the decoder takes; a plain one hands on its stem.
        skips = passed if isinstance(spec.trunk, DenseTrunk) else [stem, *passed]
        self.attention = nn.ModuleList(
            _attention(spec, channels, dilation) for channels, dilation in zip(skips, _DILATIONS, strict=True)
        )
        width = spec.decoder_features
        self.top = nn.Conv3d(deepest, width, kernel_size=1)
        self.lateral = nn.ModuleList(nn.Conv3d(channels, width, kernel_size=1) for channels in reversed(passed))
        self.smooth = nn.ModuleList(convolution_unit(width, width) for _ in passed)
        self.refine = _Refine(width, stem) if isinstance(spec.trunk, DenseTrunk) else None
        self.mask = nn.Conv3d(width if self.refine is None else width // 4, 2, kernel_size=1)
        _start_as_threshold(self.mask)
        # A plain trunk has a map at the patch's own resolution: what it knows of the edge is added there.
        self.sharpen = _silent(stem) if self.refine is None else None
        self.focus = nn.Conv3d(width, 1, kernel_size=1)
        self.expand = nn.Sequential(
            nn.Conv3d(width, spec.head_features, kernel_size=1, bias=False),
            nn.BatchNorm3d(spec.head_features),
            nn.ReLU(inplace=True),
        )
        self.gist = nn.Sequential(nn.Linear(2 * deepest + 1, spec.head_features), nn.ReLU(inplace=True))
        self.weigh = _FocusedFeatures(spec.focus_sigma_voxels / spec.evidence_stride)
        self.dropout = nn.Dropout(spec.dropout)
        self.malignancy = nn.Linear(spec.features, 1)
        self.diameter = nn.Linear(2 * deepest, 1)

    def forward(self, patches: torch.Tensor) -> NetOutput:
        """Look at a batch of patches.

        :implements: SRS-MODEL-001, SRS-MODEL-003, SDS-MODEL-001, SDS-MODEL-003

        Parameters
        ----------
        patches
            ``(N, 1, z, y, x)`` float32 in [0, 1], the candidate in the centre; each edge a multiple of 32. Checked by
            :func:`require_patch`, which is not part of the graph.

        Returns
        -------
        NetOutput
            All outputs; in training mode the malignancy logit is computed from features with dropout.
        """
        skips, deepest = encode(self.trunk, self.attention, patches)
        fine = self._decode(skips, deepest)
        half = fine if self.refine is None else self.refine(fine, skips[0])
        threshold = _double(self.mask(half))
        if self.sharpen is not None:
            threshold = threshold + self.sharpen(skips[0])
        offset, slope = threshold.chunk(2, dim=1)
        whole = torch.cat([deepest.mean(dim=(2, 3, 4)), deepest.amax(dim=(2, 3, 4))], dim=1)
        diameter_mm = functional.softplus(self.diameter(whole)) * _DIAMETER_UNIT_MM
        # Size is the strongest single sign: the head is told it, and does not bend the measurement to its own needs.
        size = torch.log(diameter_mm.detach() / _DIAMETER_UNIT_MM + _SIZE_FLOOR)
        weighted = self.weigh(self.expand(fine), self.gist(torch.cat([whole, size], dim=1)), self.focus(fine))
        features = weighted.mean(dim=(2, 3, 4))
        logit = self.malignancy(self.dropout(features)).squeeze(1)
        evidence = functional.conv3d(weighted, self.malignancy.weight[:, :, None, None, None])
        return NetOutput(
            malignancy_logit=logit,
            mask_logit=offset + slope * patches,
            diameter_mm=diameter_mm.squeeze(1),
            evidence=evidence,
            features=features,
        )

    def _decode(self, skips: list[torch.Tensor], deepest: torch.Tensor) -> torch.Tensor:
        current: torch.Tensor = self.top(deepest)
        for lateral, smooth, skip in zip(self.lateral, self.smooth, reversed(skips[1:]), strict=True):
            current = smooth(_double(current) + lateral(skip))
        return current


class _Refine(nn.Module):
    """Take a map from a quarter to half of the patch's resolution, with what the stem saw there."""

    def __init__(self, width: int, stem: int, /) -> None:
        super().__init__()
        self.narrow = nn.Conv3d(width, width // 4, kernel_size=1)
        self.lateral = nn.Conv3d(stem, width // 4, kernel_size=1)
        self.smooth = convolution_unit(width // 4, width // 4)

    def forward(self, fine: torch.Tensor, stem: torch.Tensor) -> torch.Tensor:
        refined: torch.Tensor = self.smooth(_double(self.narrow(fine)) + self.lateral(stem))
        return refined


class _FocusedFeatures(nn.Module):
    """Weight features by position so that their mean is the attention-pooled vector."""

    def __init__(self, sigma: float, /) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, local: torch.Tensor, whole: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
        size = [int(edge) for edge in local.shape[2:]]
        weights = torch.softmax((score + self._prior(size).to(score)).flatten(1), dim=1).view_as(score)
        features = torch.cat([local, whole[:, :, None, None, None].expand(-1, -1, *size)], dim=1)
        return features * (weights * float(size[0] * size[1] * size[2]))

    def _prior(self, size: list[int]) -> torch.Tensor:
        axes = [((torch.arange(edge) - (edge - 1) / 2) / self.sigma) ** 2 for edge in size]
        squares = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
        return -0.5 * squares[None, None]


def build_net(spec: NetSpec, /, *, seed: int) -> MultitaskNet:
    """Build a network with random weights that follow from a seed.

    :implements: SRS-MODEL-004, SDS-MODEL-004

    Parameters
    ----------
    spec
        The sizes.
    seed
        Of torch's CPU generator; the state of the caller's generators is left as it was.

    Returns
    -------
    MultitaskNet
        In evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        net = MultitaskNet(spec)
    return net.eval()


def require_patch(patches: torch.Tensor, /) -> None:
    """Raise unless a batch is something that the network can look at.

    :implements: SRS-MODEL-005, SDS-MODEL-004

    Parameters
    ----------
    patches
        The batch.

    Raises
    ------
    InvalidArgumentError
        If the shape is not ``(N, 1, z, y, x)`` with edges that are multiples of 32, or a value is NaN or infinite.
    """
    shape = tuple(patches.shape)
    axes = 5
    if len(shape) != axes or shape[1] != 1 or any(edge % PATCH_MULTIPLE or edge == 0 for edge in shape[2:]):
        what = "The batch of patches has a shape that the network cannot take."
    elif not bool(torch.isfinite(patches).all()):
        what = "The batch of patches holds NaN or infinity."
    else:
        return
    raise InvalidArgumentError(
        what,
        where=f"shape {shape}",
        allowed=f"(N, 1, z, y, x), finite, each edge a multiple of {PATCH_MULTIPLE}",
        remedy="Take patches with preprocess.extract_patch and the model's contract.",
    )


def _attention(spec: NetSpec, channels: int, dilation: int, /) -> nn.Module:
    if spec.attention is Attention.NONE:
        return nn.Identity()
    return PositionChannelAttention(
        channels,
        channel_reduction=spec.channel_reduction,
        position_reduction=spec.position_reduction,
        dilation=dilation,
        kind=spec.attention,
    )


def _silent(channels: int, /) -> nn.Conv3d:
    convolution = nn.Conv3d(channels, 2, kernel_size=1, bias=False)
    nn.init.zeros_(convolution.weight)
    return convolution


def _start_as_threshold(mask: nn.Conv3d, /) -> None:
    with torch.no_grad():
        cast("nn.Parameter", mask.bias).copy_(torch.tensor([-_FIRST_SLOPE * _FIRST_THRESHOLD, _FIRST_SLOPE]))


def _double(features: torch.Tensor, /) -> torch.Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="trilinear", align_corners=False)
