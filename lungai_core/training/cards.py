"""What the card of a released network says, in two languages: where it comes from, its figures, its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lungai_core.model.spec import DenseTrunk
from lungai_core.modelpack.card import BilingualText, Figure, ModelCard

if TYPE_CHECKING:
    from lungai_core.model.net import MultitaskNet
    from lungai_core.model.spec import NetSpec
    from lungai_core.training.evaluation import Evaluation
    from lungai_core.training.record import TrainingRecord

__all__ = ["trained_card", "untrained_card"]

_UNTRAINED_VERSION, _TRAINED_VERSION = "0.1.0", "0.3.0"
_LICENCE = "Apache-2.0"
# Of the patch's edge: what is larger touches the border when the candidate lies a little off the centre.
_LARGEST_SHARE = 0.85
_NOT_CLINICAL = BilingualText(en="Not for clinical use.", zh="不得用于临床。")


def untrained_card(net: MultitaskNet, /, *, seed: int) -> ModelCard:
    """Write the card of a network with seeded random weights: it is not trained and has no figure.

    :implements: SRS-TRAIN-004, SDS-TRAIN-002

    Parameters
    ----------
    net
        The network.
    seed
        Of its weights.
    """
    return ModelCard(
        model_name=f"lungai-{net.spec.name}",
        model_version=_UNTRAINED_VERSION,
        trained=False,
        architecture=_architecture(net.spec),
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        weights_origin=f"random, seed {seed}, torch {torch.__version__}",
        training_data="none",
        licence=_LICENCE,
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
            _NOT_CLINICAL,
        ),
    )


def trained_card(record: TrainingRecord, evaluation: Evaluation, /, *, source_sha256: str, fold: int) -> ModelCard:
    """Write the card of one fold's network, with the figures of the whole cross-validation.

    :implements: SRS-TRAIN-016, SDS-TRAIN-002

    Parameters
    ----------
    record
        Of the fold's run.
    evaluation
        Of all folds; each figure of the card comes from it.
    source_sha256
        Of the evaluation's file.
    fold
        The fold that the network has not seen.
    """
    counts = ", ".join(f"{count} {part.value}" for part, count in record.split_proof.samples_by_part)
    return ModelCard(
        model_name=f"lungai-{record.plan.spec.name}",
        model_version=_TRAINED_VERSION,
        trained=True,
        architecture=_architecture(record.plan.spec),
        parameters=record.parameters,
        weights_origin=f"plan {record.plan.name}, fold {fold}, epoch {record.best_epoch} of {len(record.rows)}, "
        f"weights SHA-256 {record.weights_sha256}",
        training_data=f"{counts} nodules, {record.split_proof.patients} patients; images SHA-256 {record.data_sha256}",
        licence=_LICENCE,
        summary=BilingualText(
            en=f"Trained on LIDC-IDRI nodules without fold {fold}. Its labels are radiologists' suspicion, not "
            "pathology.",
            zh=f"以 LIDC-IDRI 结节训练(不含第 {fold} 折)。其标签为放射科医师的怀疑程度,而非病理结果。",
        ),
        limits=_limits(record.plan.data.patch_size),
        figures=tuple(
            Figure(
                name=f"{figure.who}: {figure.name} ({figure.label})",
                value=figure.value,
                interval_95=figure.interval_95,
                n=figure.n,
                unit=figure.unit,
                data=f"{figure.data_set}, out of fold, RESEARCH",
                source="evaluation.json",
                source_sha256=source_sha256,
            )
            for figure in evaluation.figures
        ),
    )


def _limits(edge_mm: int, /) -> tuple[BilingualText, ...]:
    largest = round(_LARGEST_SHARE * edge_mm)
    return (
        BilingualText(
            en="Research results: the labels are radiologists' ratings of suspicion, and the nodules were chosen by "
            "the makers of the data sets. No pathology, no screening population.",
            zh="研究性结果:标签为放射科医师对可疑程度的评分,结节由数据集制作者选取。无病理结果,非筛查人群。",
        ),
        BilingualText(
            en="The figures are those of a cross-validation: each fold was predicted by the network that had not seen "
            "it. This pack holds one of these networks.",
            zh="各项指标来自交叉验证:每一折由未见过该折的网络预测。本包为其中一个网络。",
        ),
        BilingualText(
            en="Most training nodules are cropped to the nodule; their surroundings are generated texture. What that "
            "costs where the surroundings are real, the figures of lidc_context say.",
            zh="多数训练结节按结节裁剪;其周围为生成的纹理。在真实周围环境中的代价见 lidc_context 的指标。",
        ),
        BilingualText(
            en=f"The patch covers {edge_mm} mm: a nodule of {largest} mm or more does not fit, and its mask and "
            "diameter are too small.",
            zh=f"图像块覆盖 {edge_mm} mm:{largest} mm 及以上的结节无法完整容纳,其掩膜和直径偏小。",
        ),
        BilingualText(
            en="It looks at the place that it is given. Where no nodule is, it still answers: it has not learned "
            "vessels, scars or healthy lung.",
            zh="网络只看所给定的位置。该处没有结节时仍会给出结果:它没有学习血管、瘢痕或健康肺组织。",
        ),
        _NOT_CLINICAL,
    )


def _architecture(spec: NetSpec, /) -> str:
    if isinstance(spec.trunk, DenseTrunk):
        trunk = f"DenseNet {spec.trunk.block_config}, growth {spec.trunk.growth_rate}"
    else:
        trunk = f"convolutional network, widths {spec.trunk.widths}"
    return f"3D {trunk}, {spec.attention.value} attention, three heads"
