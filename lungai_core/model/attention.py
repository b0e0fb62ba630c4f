"""Attention by channel and by position, as one block after each transition."""

from __future__ import annotations

import torch
from torch import nn

from lungai_core.model.spec import Attention

__all__ = ["PositionChannelAttention"]


class PositionChannelAttention(nn.Module):
    """Amplify what (channels) and where (positions): ``x * (1 + sigmoid(channel(x) + position(x)))``.

    :implements: SRS-MODEL-002, SDS-MODEL-002

    The bottleneck attention module of Park, Woo, Lee and Kweon, "BAM: Bottleneck Attention Module" (BMVC 2018), in
    three dimensions, with a third dilated convolution.

    Parameters
    ----------
    channels
        Channels of the map.
    channel_reduction, position_reduction
        By how much the two branches narrow the channels; never below 1.
    dilation
        Step between the taps of the 3 x 3 x 3 convolutions. It must fit the map: on a map of 3 voxels an edge, a
        dilation above 1 leaves the outer taps in the padding and their weights without a gradient.
    kind
        ``channel`` leaves the position branch out.
    """

    def __init__(
        self, channels: int, /, *, channel_reduction: int, position_reduction: int, dilation: int, kind: Attention
    ) -> None:
        super().__init__()
        squeezed = max(1, channels // channel_reduction)
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool3d(1),
            nn.Conv3d(channels, squeezed, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv3d(squeezed, channels, kernel_size=1),
        )
        narrow = max(1, channels // position_reduction)
        self.position = None if kind is Attention.CHANNEL else _position_branch(channels, narrow, dilation)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Weight a feature map.

        :implements: SRS-MODEL-002, SDS-MODEL-002

        Parameters
        ----------
        features
            ``(N, C, z, y, x)``.

        Returns
        -------
        torch.Tensor
            The same shape.
        """
        score: torch.Tensor = self.channel(features)
        if self.position is not None:
            score = score + self.position(features)
        return features * (1 + torch.sigmoid(score))


def _position_branch(channels: int, narrow: int, dilation: int, /) -> nn.Sequential:
    layers: list[nn.Module] = [*_normed(nn.Conv3d(channels, narrow, kernel_size=1, bias=False))]
    for _ in range(3):
        layers += _normed(nn.Conv3d(narrow, narrow, kernel_size=3, padding=dilation, dilation=dilation, bias=False))
    return nn.Sequential(*layers, nn.Conv3d(narrow, 1, kernel_size=1))


def _normed(convolution: nn.Conv3d, /) -> list[nn.Module]:
    return [convolution, nn.BatchNorm3d(convolution.out_channels), nn.ReLU(inplace=True)]
