"""What a network costs, counted without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from lungai_core.domain.model import FrozenModel
from lungai_core.model.net import MultitaskNet

if TYPE_CHECKING:
    from lungai_core.domain.geometry import Shape
    from lungai_core.model.spec import NetSpec

__all__ = ["NetSummary", "summarize"]

_BYTES_PER_FLOAT = 4


class NetSummary(FrozenModel):
    """Parameters, arithmetic and memory of a network for one patch.

    :implements: SRS-MODEL-008, SDS-MODEL-006

    ``flops`` counts a multiplication and an addition as two and only convolutions and matrix products.
    ``activation_bytes`` is the sum of all leaf outputs in single precision, which is what training keeps;
    ``largest_map_bytes`` the largest of them.
    """

    spec: str
    size_zyx: tuple[int, int, int]
    parameters: int
    trunk_parameters: int
    attention_parameters: int
    flops: int
    weight_bytes: int
    activation_bytes: int
    largest_map_bytes: int


def summarize(spec: NetSpec, /, *, size_zyx: Shape) -> NetSummary:
    """Count a network's cost for one patch; no arithmetic is done and no weight is allocated.

    :implements: SRS-MODEL-008, SDS-MODEL-006

    Parameters
    ----------
    spec
        The network's sizes.
    size_zyx
        Of the patch; each edge a multiple of 32.
    """
    with torch.device("meta"):
        net = MultitaskNet(spec).eval()
    sizes: list[int] = []

    def note(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        sizes.append(output.numel() * _BYTES_PER_FLOAT)

    for module in net.modules():
        if not list(module.children()):
            module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        net(torch.empty((1, 1, *size_zyx)))
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return NetSummary(
        spec=spec.name,
        size_zyx=size_zyx,
        parameters=parameters,
        trunk_parameters=sum(parameter.numel() for parameter in net.trunk.parameters()),
        attention_parameters=sum(parameter.numel() for parameter in net.attention.parameters()),
        flops=int(counter.get_total_flops()),
        weight_bytes=parameters * _BYTES_PER_FLOAT,
        activation_bytes=sum(sizes),
        largest_map_bytes=max(sizes),
    )
