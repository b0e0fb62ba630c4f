"""Grad-CAM and Grad-CAM++ for research, and the map that the released model carries, side by side.

The run-time explanation needs no gradient: the graph's ``evidence`` is the class-activation map of a linear head. This
module computes the gradient methods of MONAI on the same network, so that the two can be compared.
"""

from __future__ import annotations

import copy
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.visualize.class_activation_maps import GradCAM, GradCAMpp
from torch import nn

from lungai_core.model.net import require_patch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.model.net import MultitaskNet

__all__ = ["POOLED_LAYER", "SaliencyMethod", "evidence_map", "saliency_map", "signed_evidence"]

# The last maps before the pooling of the malignancy head: there Grad-CAM and the class-activation map are one.
POOLED_LAYER = "weigh"


class SaliencyMethod(StrEnum):
    """A gradient method.

    :implements: SRS-EXPL-001, SDS-EXPL-001

    Grad-CAM: Selvaraju et al., ICCV 2017. Grad-CAM++: Chattopadhay et al., WACV 2018.
    """

    GRAD_CAM = "grad_cam"
    GRAD_CAM_PP = "grad_cam_pp"


class _MalignancyLogit(nn.Module):
    def __init__(self, net: MultitaskNet, /) -> None:
        super().__init__()
        self.net = net

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        logit: torch.Tensor = self.net(patches).malignancy_logit
        return logit.unsqueeze(1)


def saliency_map(
    net: MultitaskNet, patch: torch.Tensor, /, *, method: SaliencyMethod, layer: str = POOLED_LAYER
) -> NDArray[np.float32]:
    """Compute where the malignancy logit comes from, by gradients.

    :implements: SRS-EXPL-001, SDS-EXPL-001

    Parameters
    ----------
    net
        The network; it is left as it is.
    patch
        ``(1, 1, z, y, x)`` float32 in [0, 1].
    method
        Grad-CAM or Grad-CAM++.
    layer
        Name of a module of the network whose output is a ``(1, C, z, y, x)`` map, as ``"weigh"`` or ``"smooth.0"``.

    Returns
    -------
    numpy.ndarray
        ``(z, y, x)`` float32, not negative, on the grid of the layer; neither upsampled nor scaled nor flipped (MONAI's
        defaults do all three).
    """
    require_patch(patch)
    # MONAI leaves hooks on the network and changes its in-place layers; it gets a copy.
    wrapped = _MalignancyLogit(copy.deepcopy(net).eval())
    kind = GradCAM if method is SaliencyMethod.GRAD_CAM else GradCAMpp
    camera = kind(nn_module=wrapped, target_layers=f"net.{layer}")
    found: torch.Tensor = camera.compute_map(patch, class_idx=0)  # type: ignore[no-untyped-call]
    values: NDArray[np.float32] = np.maximum(found.detach().numpy()[0, 0], 0)
    return values


def evidence_map(net: MultitaskNet, patch: torch.Tensor, /) -> NDArray[np.float32]:
    """Return the positive part of the map that the released graph gives without gradients.

    :implements: SRS-EXPL-001, SDS-EXPL-001

    Parameters
    ----------
    net
        The network; it is left as it is.
    patch
        ``(1, 1, z, y, x)`` float32 in [0, 1].

    Returns
    -------
    numpy.ndarray
        ``(z / 4, y / 4, x / 4)`` float32, not negative.
    """
    return np.maximum(signed_evidence(net, patch), 0)


def signed_evidence(net: MultitaskNet, patch: torch.Tensor, /) -> NDArray[np.float32]:
    """Return the map of the released graph with its negative part.

    :implements: SRS-EXPL-001, SDS-EXPL-001

    Parameters
    ----------
    net, patch
        As for :func:`evidence_map`.
    """
    require_patch(patch)
    with torch.inference_mode():
        evidence = copy.deepcopy(net).eval()(patch).evidence
    values: NDArray[np.float32] = evidence.numpy()[0, 0].copy()
    return values
