"""From a network to a released model pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.domain.contract import (
    PREPROCESSING_ALGORITHM,
    InputLimits,
    LimitAction,
    RangeLimit,
    preprocessing_sha256,
)
from lungai_core.files import sha256_file
from lungai_core.model.net import build_net
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
from lungai_core.training.cards import trained_card, untrained_card
from lungai_core.training.evaluation import Evaluation
from lungai_core.training.memory import memory_need
from lungai_core.training.onnx_export import (
    INPUT_NAME,
    Precisions,
    export_onnx,
    graph_outputs,
    half_precision,
    measure_half_precision,
    measure_parity,
    run_onnx,
)
from lungai_core.training.parity import parity_patches
from lungai_core.training.predictions import REVIEW_SAMPLES, THRESHOLD, FoldChoices
from lungai_core.training.record import TrainingRecord
from lungai_core.training.run import best_trainee
from lungai_core.training.samples import training_input
from lungai_core.training.sbom import model_sbom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lungai_core.domain.contract import InputContract
    from lungai_core.domain.model import FrozenModel
    from lungai_core.model.net import MultitaskNet
    from lungai_core.model.spec import NetSpec
    from lungai_core.modelpack.card import ModelCard
    from lungai_core.modelpack.pack import ModelPack
    from lungai_core.training.parity import Patches
    from lungai_core.training.plan import Target

__all__ = [
    "DEFAULT_INPUT",
    "Decisions",
    "Release",
    "conventional_decisions",
    "export_pack",
    "export_trained",
    "export_untrained",
]

DEFAULT_INPUT = training_input(96)

# The series of lidc_nodules, on which the training plans rest, have slices at most 2.5 mm apart.
_LIMITS = InputLimits(slice_spacing_mm=RangeLimit(action=LimitAction.FLAG, upper=2.5))
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


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """What a network is released with.

    :implements: SRS-TRAIN-003, SDS-TRAIN-002

    Parameters
    ----------
    card
        The model card; name and version of the pack come from here.
    contract
        The input that the network was trained with.
    decisions
        Calibration and thresholds.
    patches
        On which graph and network are compared, besides the reference input.
    attachments
        Records that travel with the model.
    precisions
        Half precision adds a second graph with its measured difference.
    """

    card: ModelCard
    contract: InputContract
    decisions: Decisions
    patches: Patches
    attachments: Mapping[str, FrozenModel]
    precisions: Precisions = Precisions.SINGLE


def conventional_decisions() -> Decisions:
    """Return thresholds by convention (0.5, no calibration), marked as not chosen on data.

    :implements: SRS-TRAIN-003, SDS-TRAIN-002
    """
    return Decisions(
        calibration=Calibration(slope=1.0, intercept=0.0, chosen=_CONVENTION),
        operating_point=OperatingPoint(probability=0.5, chosen=_CONVENTION),
        mask_probability=OperatingPoint(probability=0.5, chosen=_CONVENTION),
        review=ReviewRule(
            samples=REVIEW_SAMPLES,
            entropy_nats=_REVIEW_ENTROPY_NATS,
            mutual_information_nats=_REVIEW_MUTUAL_INFORMATION_NATS,
            chosen=_CONVENTION,
        ),
    )


def export_pack(net: MultitaskNet, release: Release, path: Path, /) -> ModelPack:
    """Export a network with everything that a released model needs, and check it against the network.

    :implements: SRS-TRAIN-001, SRS-TRAIN-002, SRS-TRAIN-003, SRS-TRAIN-015, SDS-TRAIN-001, SDS-TRAIN-002

    Parameters
    ----------
    net
        In evaluation mode, on the CPU.
    release
        Card, contract and decisions.
    path
        The folder or ``.zip`` to write.

    Raises
    ------
    ExportParityError
        If the exported graph differs from the network; nothing is written then.
    """
    size = release.contract.size_zyx
    graph = export_onnx(net, size_zyx=size)
    outputs = graph_outputs(net, size_zyx=size)
    patches = parity_patches(release.patches, contract=release.contract)
    files = {
        "memory.json": _json_bytes(memory_need(graph)),
        "parity.json": _json_bytes(measure_parity(net, graph, patches)),
    }
    if release.precisions is Precisions.SINGLE_AND_HALF:
        files["model_fp16.onnx"] = half_precision(graph)
        again = parity_patches(release.patches, contract=release.contract)
        files["parity_fp16.json"] = _json_bytes(measure_half_precision(net, files["model_fp16.onnx"], again))
    files |= {name: _json_bytes(record) for name, record in release.attachments.items()}
    files["sbom.cdx.json"] = model_sbom(release.card, graph=graph)
    found = run_onnx(graph, reference_input(release.contract))
    contract = ModelContract(
        model_name=release.card.model_name,
        model_version=release.card.model_version,
        input=release.contract,
        limits=_LIMITS,
        input_tensor=TensorSpec(name=INPUT_NAME, shape=(None, 1, *size)),
        preprocessing_algorithm=PREPROCESSING_ALGORITHM,
        preprocessing_sha256=preprocessing_sha256(release.contract),
        outputs=outputs,
        head=_head(net),
        calibration=release.decisions.calibration,
        operating_point=release.decisions.operating_point,
        mask_probability=release.decisions.mask_probability,
        review=release.decisions.review,
    )
    expected = ReferenceOutputs(
        absolute_tolerance=_REFERENCE_TOLERANCE,
        relative_tolerance=_REFERENCE_TOLERANCE,
        outputs=tuple(sample_reference(tensor.name, found[tensor.name]) for tensor in outputs.tensors()),
    )
    parts = PackParts(contract=contract, card=release.card, reference=expected, onnx=graph, attachments=files)
    return write_pack(parts, path)


def export_untrained(
    spec: NetSpec, path: Path, /, *, seed: int, patches: Patches, precisions: Precisions = Precisions.SINGLE
) -> ModelPack:
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
    patches
        On which graph and network are compared, besides the reference input.
    precisions
        Half precision adds a second graph with its measured difference.
    """
    net = build_net(spec, seed=seed)
    card = untrained_card(net, seed=seed)
    release = Release(
        card=card,
        contract=DEFAULT_INPUT,
        decisions=conventional_decisions(),
        patches=patches,
        attachments={},
        precisions=precisions,
    )
    return export_pack(net, release, path)


def export_trained(
    run: Path, path: Path, /, *, fold: int, patches: Patches, precisions: Precisions = Precisions.SINGLE
) -> ModelPack:
    """Export the network of one fold of a cross-validation, with the figures of all folds in its card.

    :implements: SRS-TRAIN-003, SRS-TRAIN-016, SDS-TRAIN-002

    Parameters
    ----------
    run
        What ``crossval.cross_validate`` wrote.
    path
        The folder or ``.zip`` to write.
    fold
        Which network.
    patches
        On which graph and network are compared, besides the reference input.
    precisions
        Half precision adds a second graph with its measured difference.

    Raises
    ------
    CheckpointMismatchError
        If the network's checkpoint is absent or damaged.
    """
    record = TrainingRecord.model_validate_json((run / f"fold-{fold}" / "record.json").read_bytes())
    evaluation = Evaluation.model_validate_json((run / "evaluation.json").read_bytes())
    choices_file = run / f"choices-{fold}.json"
    choices = FoldChoices.model_validate_json(choices_file.read_bytes())
    trainee, _ = best_trainee(record.plan, run / f"fold-{fold}", best_epoch=record.best_epoch)
    release = Release(
        card=trained_card(record, evaluation, source_sha256=sha256_file(run / "evaluation.json"), fold=fold),
        contract=training_input(record.plan.data.patch_size),
        decisions=_chosen(choices, record.plan.data.target, fold, sha256_file(choices_file)),
        patches=patches,
        attachments={"training_record.json": record, "evaluation.json": evaluation},
        precisions=precisions,
    )
    return export_pack(trainee.net.cpu().eval(), release, path)


def _chosen(choices: FoldChoices, target: Target, fold: int, sha256: str, /) -> Decisions:
    data = f"{choices.nodules} nodules of the validation part of fold {fold}; not part of the test fold"
    calibrated = Provenance(method=f"Platt scaling to the label {target.value}", data=data, record_sha256=sha256)
    highest = Provenance(
        method="highest expected accuracy of a calibrated probability", data=data, record_sha256=sha256
    )
    referred = Provenance(
        method=f"common quantile of both limits that refers a fifth; coverage {_share(choices.coverage)}, wrong among "
        f"kept {_share(choices.error_rate_kept)}, among referred {_share(choices.error_rate_referred)}",
        data=data,
        record_sha256=sha256,
    )
    return Decisions(
        calibration=choices.platt(target).as_contract(calibrated),
        operating_point=OperatingPoint(probability=THRESHOLD, chosen=highest),
        mask_probability=conventional_decisions().mask_probability,
        review=ReviewRule(
            samples=REVIEW_SAMPLES,
            entropy_nats=choices.entropy_limit_nats,
            mutual_information_nats=choices.mutual_information_limit_nats,
            chosen=referred,
        ),
    )


def _share(share: float | None, /) -> str:
    return "unknown" if share is None else f"{share:.3f}"


def _json_bytes(record: FrozenModel, /) -> bytes:
    return (record.model_dump_json(indent=1) + "\n").encode()


def _head(net: MultitaskNet, /) -> LinearHead:
    weights = net.malignancy.weight.detach().reshape(-1).double().tolist()
    return LinearHead(weights=tuple(weights), bias=float(net.malignancy.bias.detach()), dropout_rate=net.spec.dropout)
