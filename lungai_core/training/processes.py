"""Several processes that train one network: start, stop, and batch normalization over all of them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Processes", "joined_processes", "share_batch_norm"]


@dataclass(frozen=True, slots=True)
class Processes:
    """Which process of a run this is.

    :implements: SRS-TRAIN-011, SDS-TRAIN-008

    Parameters
    ----------
    rank
        From 0; process 0 writes the files.
    count
        How many there are; 1 without torchrun.
    """

    rank: int = 0
    count: int = 1


@contextmanager
def joined_processes(device: str, /) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, or be the only one.

    :implements: SRS-TRAIN-011, SDS-TRAIN-008

    Parameters
    ----------
    device
        ``cpu`` joins through gloo, ``cuda`` through NCCL.

    Yields
    ------
    Processes
        Rank and count.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("gloo" if device == "cpu" else "nccl")
    try:
        yield Processes(rank=distributed.get_rank(), count=count)
    finally:
        distributed.destroy_process_group()


def share_batch_norm(module: nn.Module, /, *, device: str) -> nn.Module:
    """Let each batch normalization see the patches of all processes, so that two processes train as one does.

    :implements: SRS-TRAIN-011, SDS-TRAIN-008

    Parameters
    ----------
    module
        A network; its normalizations are replaced in place and keep their names in the state.
    device
        On ``cuda`` torch's own synchronized layer is used, which has no CPU version.
    """
    if device != "cpu":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return converted
    for child in module.modules():
        if type(child) is nn.BatchNorm3d:
            # The layer has no state of its own, so that changing its class is the whole conversion.
            child.__class__ = _SharedBatchNorm
    return module


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, values: torch.Tensor) -> torch.Tensor:  # noqa: ANN401  # torch's type is private
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: torch.Tensor) -> torch.Tensor:  # noqa: ANN401  # torch's type is private
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class _SharedBatchNorm(nn.BatchNorm3d):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(features)
        axes = (0, 2, 3, 4)
        local = torch.stack([features.sum(dim=axes), (features * features).sum(dim=axes)])
        sizes = features.new_full((1, local.shape[1]), float(features.numel() // features.shape[1]))
        summed: torch.Tensor = _SumOverProcesses.apply(torch.cat([local, sizes]))  # type: ignore[no-untyped-call]
        total, squares, count = summed
        mean = total / count
        variance = (squares / count - mean * mean).clamp_min(0)
        self._note(mean.detach(), variance.detach(), count.detach())
        scale = torch.rsqrt(variance + self.eps) * self.weight
        offset = self.bias - mean * scale
        shape = (1, -1, 1, 1, 1)
        normalized: torch.Tensor = features * scale.view(shape) + offset.view(shape)
        return normalized

    def _note(self, mean: torch.Tensor, variance: torch.Tensor, count: torch.Tensor, /) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        momentum = 0.0 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * count / (count - 1), momentum)
        self.num_batches_tracked.add_(1)
