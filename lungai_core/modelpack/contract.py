"""What a released model promises: its input, its outputs by name and shape, and how its numbers become decisions."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lungai_core.domain.contract import InputContract, InputLimits
from lungai_core.domain.model import FrozenModel, is_absent
from lungai_core.domain.texture import Texture

__all__ = [
    "Calibration",
    "LinearHead",
    "ModelContract",
    "ModelOutputs",
    "OperatingPoint",
    "Provenance",
    "ReviewRule",
    "TensorSpec",
]

_Probability = Annotated[float, Field(ge=0, le=1)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, Field(min_length=1)]


class TensorSpec(FrozenModel):
    """A tensor of the ONNX graph.

    :implements: SRS-PACK-003, SDS-PACK-001

    ``shape`` has ``None`` where the size is free; that is axis 0, the batch.
    """

    name: _Text
    dtype: Literal["float32", "float16"] = "float32"
    shape: tuple[Annotated[int, Field(ge=1)] | None, ...]

    @model_validator(mode="after")
    def _only_the_batch_is_free(self) -> Self:
        if not self.shape or self.shape[0] is not None or None in self.shape[1:]:
            message = "shape must start with null (the batch) and have sizes after it"
            raise ValueError(message)
        return self


class ModelOutputs(FrozenModel):
    """The outputs of the graph; ``None`` where the model has no such output.

    :implements: SRS-PACK-003, SDS-PACK-001

    Attributes
    ----------
    malignancy_logit
        ``(N,)``; the probability before calibration is its logistic function.
    mask_logit
        ``(N, 1, z, y, x)`` on the patch grid.
    diameter_mm
        ``(N,)`` diameter in mm, never negative.
    evidence
        ``(N, 1, z, y, x)`` class-activation map that covers the patch with fewer, larger voxels, in logit units: its
        mean over the voxels plus the head's bias is ``malignancy_logit``; its positive part is the Grad-CAM.
    features
        ``(N, F)`` pooled features, the input of the head, for sampling the head with dropout.
    texture_logits
        ``(N, 3)``: solid, part-solid, ground-glass; their softmax is the probability of each.
    """

    malignancy_logit: TensorSpec
    mask_logit: TensorSpec | None = None
    diameter_mm: TensorSpec | None = None
    evidence: TensorSpec | None = None
    features: TensorSpec | None = None
    texture_logits: Annotated[TensorSpec | None, Field(exclude_if=is_absent)] = None

    def tensors(self) -> tuple[TensorSpec, ...]:
        """Return the outputs that exist, in the order of the graph.

        :implements: SRS-PACK-003, SDS-PACK-001
        """
        every = (getattr(self, name) for name in type(self).model_fields)
        return tuple(tensor for tensor in every if tensor is not None)


class LinearHead(FrozenModel):
    """The last layer, so that it can be sampled with dropout without torch.

    :implements: SRS-PACK-003, SDS-PACK-001

    ``malignancy_logit = features . weights + bias``. For Monte-Carlo dropout each feature is set to 0 with probability
    ``dropout_rate`` and the others are divided by ``1 - dropout_rate``.
    """

    weights: Annotated[tuple[float, ...], Field(min_length=1)]
    bias: float
    dropout_rate: Annotated[float, Field(ge=0, lt=1)]


class Provenance(FrozenModel):
    """How a number of the contract was chosen.

    :implements: SRS-PACK-003, SDS-PACK-001

    ``method`` says how, ``data`` on which data (never data that a claim rests on), ``record_sha256`` names the record
    that holds the choice; it is ``None`` where the number is a convention and no data were used.
    """

    method: _Text
    data: _Text
    record_sha256: _Sha256 | None = None


class OperatingPoint(FrozenModel):
    """The calibrated probability from which on a nodule is reported as suspicious.

    :implements: SRS-PACK-003, SDS-PACK-001
    """

    probability: _Probability
    chosen: Provenance


class Calibration(FrozenModel):
    """From logit to probability: ``logistic(slope * logit + intercept)`` (Platt scaling).

    :implements: SRS-PACK-003, SDS-PACK-001
    """

    slope: Annotated[float, Field(gt=0)]
    intercept: float
    chosen: Provenance

    def probability(self, logit: float, /) -> float:
        """Return the calibrated probability of a logit.

        :implements: SRS-PACK-003, SDS-PACK-001

        Parameters
        ----------
        logit
            The graph's ``malignancy_logit``.
        """
        scaled = self.slope * logit + self.intercept
        # Two branches, so that exp never overflows.
        if scaled >= 0:
            return 1 / (1 + math.exp(-scaled))
        return math.exp(scaled) / (1 + math.exp(scaled))


class ReviewRule(FrozenModel):
    """When a second human reading is called for.

    :implements: SRS-PACK-003, SDS-PACK-001

    A nodule is referred when the predictive entropy in nats (at most ln 2 = 0.693) or the mutual information in nats
    of ``samples`` Monte-Carlo dropout samples reaches its limit.
    """

    samples: Annotated[int, Field(ge=2)]
    entropy_nats: Annotated[float, Field(ge=0)]
    mutual_information_nats: Annotated[float, Field(ge=0)]
    chosen: Provenance


class ModelContract(FrozenModel):
    """Everything that a program needs to know to run the model and to read its outputs.

    :implements: SRS-PACK-003, SDS-PACK-001

    ``preprocessing_sha256`` is the identity of the preprocessing that the model was trained with; see
    :func:`lungai_core.domain.contract.preprocessing_sha256`.
    """

    schema_version: Literal["lungai-contract/1"] = "lungai-contract/1"
    model_name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    model_version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    input: InputContract
    limits: InputLimits
    input_tensor: TensorSpec
    preprocessing_algorithm: _Text
    preprocessing_sha256: _Sha256
    outputs: ModelOutputs
    head: LinearHead | None
    calibration: Calibration
    operating_point: OperatingPoint
    mask_probability: OperatingPoint
    review: ReviewRule | None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        size = self.input.size_zyx
        wrong = [
            name
            for name, fits in {
                "input_tensor": self.input_tensor.shape == (None, 1, *size),
                "outputs.malignancy_logit": self.outputs.malignancy_logit.shape == (None,),
                "outputs.mask_logit": _shape(self.outputs.mask_logit) in (None, (None, 1, *size)),
                "outputs.diameter_mm": _shape(self.outputs.diameter_mm) in (None, (None,)),
                "outputs.texture_logits": _shape(self.outputs.texture_logits) in (None, (None, len(Texture))),
                "outputs.evidence": _covers(self.outputs.evidence, size),
                "head": _head_fits(self.head, self.outputs.features),
                "outputs (names)": len({t.name for t in self.outputs.tensors()}) == len(self.outputs.tensors()),
            }.items()
            if not fits
        ]
        if wrong:
            message = f"these parts do not fit the others: {', '.join(wrong)}"
            raise ValueError(message)
        return self


def _shape(tensor: TensorSpec | None, /) -> tuple[int | None, ...] | None:
    return None if tensor is None else tensor.shape


def _covers(evidence: TensorSpec | None, size_zyx: tuple[int, int, int], /) -> bool:
    if evidence is None:
        return True
    batch, *rest = evidence.shape
    sizes = [size for size in rest[1:] if size is not None]
    fits = all(whole % part == 0 for whole, part in zip(size_zyx, sizes, strict=False))
    return batch is None and rest[:1] == [1] and len(sizes) == len(size_zyx) and fits


def _head_fits(head: LinearHead | None, features: TensorSpec | None, /) -> bool:
    return head is None or (features is not None and features.shape == (None, len(head.weights)))
