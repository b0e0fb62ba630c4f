"""From a network to a released model pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lungai_core.domain.contract import (
    PREPROCESSING_ALGORITHM,
    InputContract,
    InputLimits,
    LimitAction,
    RangeLimit,
    preprocessing_sha256,
)
from lungai_core.model.net import build_net
from lungai_core.modelpack.card import BilingualText, ModelCard
from lungai_core.modelpack.contract import (
    Calibration,
    LinearHead,
    ModelContract,
    OperatingPoint,
    Provenance,
    ReviewRule,
    TensorSpec,
)
from lungai_core.modelpack.pack import PackParts, write_pack
from lungai_core.modelpack.reference import ReferenceOutputs, reference_input, sample_reference
from lungai_core.training.onnx_export import INPUT_NAME, export_onnx, graph_outputs, measure_parity, run_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.model.net import MultitaskNet
    from lungai_core.model.spec import NetSpec
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["DEFAULT_INPUT", "Decisions", "conventional_decisions", "export_pack", "export_untrained", "parity_patches"]

DEFAULT_INPUT = InputContract(
    size_zyx=(96, 96, 96), spacing_zyx_mm=(1.0, 1.0, 1.0), lower_hu=-1000.0, upper_hu=400.0, fill_hu=-1000.0
)

# Slices farther apart than LIDC's give patches that are mostly interpolated; others are flagged by nobody's data yet.
_LIMITS = InputLimits(slice_spacing_mm=RangeLimit(action=LimitAction.FLAG, upper=3.0))
# The series of lidc_nodules, on which the training plans rest, have slices at most 2.5 mm apart.
_LIMITS = InputLimits(slice_spacing_mm=RangeLimit(action=LimitAction.FLAG, upper=2.5))
_UNTRAINED_VERSION = "0.1.0"
_CONVENTION = Provenance(method="convention; not chosen on data", data="none")
_REFERENCE_TOLERANCE = 1e-4
_REVIEW_ENTROPY_NATS = 0.6
_REVIEW_MUTUAL_INFORMATION_NATS = 0.05


@dataclass(frozen=True, slots=True)
class Decisions:
    """How a model's numbers become decisions; each with its provenance.

    :implements: SRS-TRAIN-003, SDS-TRAIN-002

    Parameters
    ----------
    calibration, operating_point, mask_probability, review
        Parts of the contract.
    """

    calibration: Calibration
    operating_point: OperatingPoint
    mask_probability: OperatingPoint
    review: ReviewRule | None


def conventional_decisions() -> Decisions:
    """Return thresholds by convention (0.5, no calibration), marked as not chosen on data.

    :implements: SRS-TRAIN-003, SDS-TRAIN-002
    """
    return Decisions(
        calibration=Calibration(slope=1.0, intercept=0.0, chosen=_CONVENTION),
        operating_point=OperatingPoint(probability=0.5, chosen=_CONVENTION),
        mask_probability=OperatingPoint(probability=0.5, chosen=_CONVENTION),
        review=ReviewRule(
            samples=20,
            entropy_nats=_REVIEW_ENTROPY_NATS,
            mutual_information_nats=_REVIEW_MUTUAL_INFORMATION_NATS,
            chosen=_CONVENTION,
        ),
    )


def parity_patches(contract: InputContract, /, *, count: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Make random patches for the comparison of an export with its network.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    Parameters
    ----------
    contract
        Gives the size.
    count
        How many.
    seed
        Of the generator (PCG64); uniform values in [0, 1).

    Yields
    ------
    numpy.ndarray
        ``(1, 1, z, y, x)`` float32.
    """
    generator = np.random.default_rng(seed)
    for _ in range(count):
        yield generator.random((1, 1, *contract.size_zyx), dtype=np.float32)


def export_pack(net: MultitaskNet, card: ModelCard, path: Path, /, *, decisions: Decisions, parity: int) -> ModelPack:
    """Export a network with everything that a released model needs, and check it against the network.

    :implements: SRS-TRAIN-001, SRS-TRAIN-002, SRS-TRAIN-003, SDS-TRAIN-001, SDS-TRAIN-002

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    card
        Its card; name and version of the pack come from here.
    path
        The folder or ``.zip`` to write.
    decisions
        Calibration and thresholds.
    parity
        How many random patches to compare, besides the reference input.

    Raises
    ------
    ExportParityError
        If the exported graph differs from the network; nothing is written then.
    """
    size = DEFAULT_INPUT.size_zyx
    onnx = export_onnx(net, size_zyx=size)
    outputs = graph_outputs(net, size_zyx=size)
    reference = reference_input(DEFAULT_INPUT)
    report = measure_parity(net, onnx, [reference, *parity_patches(DEFAULT_INPUT, count=parity, seed=0)])
    found = run_onnx(onnx, reference)
    contract = ModelContract(
        model_name=card.model_name,
        model_version=card.model_version,
        input=DEFAULT_INPUT,
        limits=_LIMITS,
        input_tensor=TensorSpec(name=INPUT_NAME, shape=(None, 1, *size)),
        preprocessing_algorithm=PREPROCESSING_ALGORITHM,
        preprocessing_sha256=preprocessing_sha256(DEFAULT_INPUT),
        outputs=outputs,
        head=_head(net),
        calibration=decisions.calibration,
        operating_point=decisions.operating_point,
        mask_probability=decisions.mask_probability,
        review=decisions.review,
    )
    expected = ReferenceOutputs(
        absolute_tolerance=_REFERENCE_TOLERANCE,
        relative_tolerance=_REFERENCE_TOLERANCE,
        outputs=tuple(sample_reference(tensor.name, found[tensor.name]) for tensor in outputs.tensors()),
    )
    attachments = {"parity.json": (report.model_dump_json(indent=1) + "\n").encode()}
    parts = PackParts(contract=contract, card=card, reference=expected, onnx=onnx, attachments=attachments)
    return write_pack(parts, path)


def export_untrained(spec: NetSpec, path: Path, /, *, seed: int, parity: int) -> ModelPack:
    """Export a network with seeded random weights; its card says that it is not trained.

    :implements: SRS-TRAIN-004, SDS-TRAIN-002

    Parameters
    ----------
    spec
        The network's sizes.
    path
        The folder or ``.zip`` to write.
    seed
        Of the weights.
    parity
        How many random patches to compare, besides the reference input.
    """
    net = build_net(spec, seed=seed)
    card = ModelCard(
        model_name=f"lungai-{spec.name}",
        model_version=_UNTRAINED_VERSION,
        trained=False,
        architecture=f"3D DenseNet {spec.block_config}, growth {spec.growth_rate}, {spec.attention.value} attention, "
        "three heads",
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        weights_origin=f"random, seed {seed}, torch {torch.__version__}",
        training_data="none",
        licence="Apache-2.0",
        summary=BilingualText(
            en="A network of the product's architecture with random weights. It shows that the way from DICOM to "
            "report works; its answers mean nothing.",
            zh="具有产品结构、权重随机的网络。它用于展示从 DICOM 到报告的流程可运行;其输出没有任何含义。",
        ),
        limits=(
            BilingualText(
                en="Not trained: probability, mask, diameter and explanation are arbitrary.",
                zh="未经训练:概率、掩膜、直径和解释均无意义。",
            ),
            BilingualText(
                en="Not for clinical use, nor for any statement on performance.",
                zh="不得用于临床,也不得用于任何性能声明。",
            ),
        ),
    )
    return export_pack(net, card, path, decisions=conventional_decisions(), parity=parity)


def _head(net: MultitaskNet, /) -> LinearHead:
    weights = net.malignancy.weight.detach().reshape(-1).double().tolist()
    return LinearHead(weights=tuple(weights), bias=float(net.malignancy.bias.detach()), dropout_rate=net.spec.dropout)
