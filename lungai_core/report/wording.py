"""What the report says, in English and Chinese, word by word: data, so that a translator can read it alone."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.domain.case_report import CaseStatus, ComputeMode, NoduleWarning, ReviewReason
from lungai_core.domain.texture import Texture

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMPUTE_MODES", "PHRASES", "REVIEW_REASONS", "STATUSES", "TEXTURES", "WARNINGS", "Phrase", "same", "say"]


class Phrase(NamedTuple):
    """One text in both languages.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """

    en: str
    zh: str


def same(text: str, /) -> Phrase:
    """Return a phrase that reads the same in both languages: a number, a name, a code.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    return Phrase(text, text)


def say(phrase: Phrase, /) -> str:
    """Return a phrase as two HTML elements of which the page shows one; as plain text where both are the same.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    if phrase.en == phrase.zh:
        return escape(phrase.en)
    return f'<span lang="en">{escape(phrase.en)}</span><span lang="zh">{escape(phrase.zh)}</span>'


STATUSES: Mapping[CaseStatus, Phrase] = {
    CaseStatus.COMPLETE: Phrase("Complete", "完成"),
    CaseStatus.PARTIAL: Phrase("Incomplete: at least one candidate failed", "不完整:至少一个候选失败"),
    CaseStatus.NO_CANDIDATES: Phrase("No candidates were given", "未给出候选"),
    CaseStatus.REFUSED: Phrase("Series refused", "序列被拒绝"),
}

COMPUTE_MODES: Mapping[ComputeMode, Phrase] = {
    ComputeMode.REPRODUCIBLE: Phrase("reproducible to the bit on one machine", "同一机器上逐位可重现"),
    ComputeMode.FAST: Phrase("equal within the model's tolerance", "在模型容差内相等"),
}

WARNINGS: Mapping[NoduleWarning, Phrase] = {
    NoduleWarning.MASK_EMPTY: Phrase("The network drew no mask at the candidate.", "网络未在候选处给出掩膜。"),
    NoduleWarning.MASK_TOUCHES_PATCH_BORDER: Phrase(
        "The mask reaches the border of the patch; the nodule may go on beyond it.",
        "掩膜触及图像块边缘,结节可能延伸至其外。",
    ),
    NoduleWarning.PATCH_PARTLY_OUTSIDE_VOLUME: Phrase(
        "More than 25 % of the patch lies outside the series.", "图像块超过 25 % 位于序列之外。"
    ),
    NoduleWarning.DIAMETERS_DISAGREE: Phrase(
        "The diameters from network and mask differ by more than 3 mm and 30 %.",
        "网络直径与掩膜直径相差超过 3 mm 及 30 %。",
    ),
}

REVIEW_REASONS: Mapping[ReviewReason, Phrase] = {
    ReviewReason.MODEL_NOT_TRAINED: Phrase("The network is not trained.", "网络未经训练。"),
    ReviewReason.UNCERTAINTY_ABOVE_LIMIT: Phrase(
        "The uncertainty reaches the model's limit.", "不确定性达到模型限值。"
    ),
    ReviewReason.UNCERTAINTY_NOT_AVAILABLE: Phrase("The model gives no uncertainty.", "模型未给出不确定性。"),
    ReviewReason.MASK_EMPTY: Phrase("The mask is empty.", "掩膜为空。"),
    ReviewReason.DIAMETERS_DISAGREE: Phrase("The two diameters disagree.", "两种直径不一致。"),
    ReviewReason.PATCH_PARTLY_OUTSIDE_VOLUME: Phrase(
        "Part of the surroundings lies outside the series.", "部分周围区域位于序列之外。"
    ),
    ReviewReason.INPUT_OUTSIDE_LIMITS: Phrase(
        "The series lies outside the range that the model was verified with.", "序列超出模型验证所用的范围。"
    ),
    ReviewReason.CANDIDATE_FAILED: Phrase("At least one candidate has no result.", "至少一个候选没有结果。"),
    ReviewReason.SERIES_REFUSED: Phrase("The series was refused.", "序列被拒绝。"),
}

TEXTURES: Mapping[Texture, Phrase] = {
    Texture.SOLID: Phrase("solid", "实性"),
    Texture.PART_SOLID: Phrase("part-solid", "部分实性"),
    Texture.GROUND_GLASS: Phrase("ground-glass", "磨玻璃"),
}

PHRASES: Mapping[str, Phrase] = {
    "title": Phrase("Lung nodule report", "肺结节报告"),
    "notice": Phrase(
        "NOT FOR CLINICAL USE · research and development software, not a medical device",
        "不得用于临床 · 研究开发软件,非医疗器械",
    ),
    "series": Phrase("Series", "序列"),
    "phantom": Phrase("GENERATED PHANTOM, NO PATIENT", "生成的体模,非患者"),
    "untrained": Phrase("This network is NOT TRAINED.", "本网络未经训练。"),
    "untrained_more": Phrase(
        "Its weights come from a random number generator. Probabilities, masks and diameters below show that the "
        "software works and mean nothing about a nodule.",
        "其权重来自随机数生成器。下列概率、掩膜和直径仅表明软件可运行,对结节没有任何意义。",
    ),
    "trained": Phrase("A research model, not cleared for any clinical use.", "研究模型,未获任何临床使用许可。"),
    "trained_more": Phrase(
        "What it was trained on and measured with stands below, under what it is and is not.",
        "其训练数据与测量结果见下文“本模型是什么,不是什么”。",
    ),
    "review": Phrase("A second human reading is required", "需要第二次人工阅片"),
    "review_not": Phrase("No second human reading is called for by the model's rule", "按模型规则无需第二次人工阅片"),
    "status": Phrase("Status", "状态"),
    "nodules": Phrase("Nodules", "结节"),
    "analysed": Phrase("Candidates analysed", "已分析候选"),
    "failed": Phrase("Candidates without a result", "没有结果的候选"),
    "model": Phrase("Model", "模型"),
    "provider": Phrase("Ran on", "运行于"),
    "needs_review": Phrase("To be reviewed", "需复核"),
    "nodule": Phrase("Nodule", "结节"),
    "slice": Phrase("Slice", "层面"),
    "probability": Phrase("Malignancy", "恶性概率"),
    "diameter": Phrase("Diameter (network)", "直径(网络)"),
    "sphere": Phrase("Diameter (mask sphere)", "直径(掩膜等体积球)"),
    "long_axis": Phrase("Long axis in slice", "层内长径"),
    "volume": Phrase("Volume", "体积"),
    "mean_hu": Phrase("Mean density", "平均密度"),
    "texture": Phrase("Texture (share of the network's classes)", "密度类型(网络各类占比)"),
    "entropy": Phrase("Entropy", "熵"),
    "mutual": Phrase("Mutual information", "互信息"),
    "uncertainty": Phrase("Uncertainty", "不确定性"),
    "spread": Phrase("Sampled probability", "抽样概率"),
    "reading": Phrase("Reading", "阅片"),
    "review_short": Phrase("review", "复核"),
    "no_review": Phrase("–", "–"),
    "suspicious": Phrase("suspicious", "可疑"),
    "measures": Phrase("Measures", "测量"),
    "center": Phrase("Centre (LPS)", "中心(LPS)"),
    "voxels": Phrase("Mask voxels", "掩膜体素"),
    "limit": Phrase("limit", "限值"),
    "samples": Phrase("Dropout samples", "Dropout 抽样数"),
    "inside": Phrase("Evidence inside the mask", "掩膜内的证据份额"),
    "why_review": Phrase("Why a second reading", "第二次阅片的理由"),
    "warnings": Phrase("Warnings", "警告"),
    "axial": Phrase("Axial", "轴位"),
    "coronal": Phrase("Coronal", "冠状位"),
    "sagittal": Phrase("Sagittal", "矢状位"),
    "three_d": Phrase("3D", "三维"),
    "by_webgl": Phrase("volume · drag to turn", "体绘制 · 拖动旋转"),
    "by_turntable": Phrase(
        "projections, no WebGL · drag to turn",
        "最大密度投影,无 WebGL · 拖动旋转",
    ),
    "front": Phrase("3D from the front", "正面三维"),
    "heat_axial": Phrase("Axial, heat", "轴位,热图"),
    "heat_coronal": Phrase("Coronal, heat", "冠状位,热图"),
    "heat_sagittal": Phrase("Sagittal, heat", "矢状位,热图"),
    "heat_scale": Phrase("none to most evidence for malignancy", "恶性证据由无到最多"),
    "skip": Phrase("Skip to the nodules", "跳至结节"),
    "figures": Phrase("Measured", "测量结果"),
    "figure": Phrase("Figure", "指标"),
    "value": Phrase("Value", "值"),
    "interval": Phrase("95 % interval", "95 % 区间"),
    "count": Phrase("n", "样本数"),
    "data": Phrase("Data", "数据"),
    "no_figures": Phrase("No figure was measured for this model.", "本模型没有测量指标。"),
    "architecture": Phrase("Architecture", "结构"),
    "parameters": Phrase("Parameters", "参数量"),
    "weights_origin": Phrase("Weights from", "权重来源"),
    "training_data": Phrase("Training data", "训练数据"),
    "licence": Phrase("Licence", "许可证"),
    "window": Phrase("Window", "窗"),
    "lung": Phrase("Lung", "肺窗"),
    "soft": Phrase("Soft tissue", "纵隔窗"),
    "wide": Phrase("Wide", "宽窗"),
    "mask": Phrase("Mask", "掩膜"),
    "heat": Phrase("Heat", "热图"),
    "turn": Phrase("Turn", "旋转"),
    "at_cross": Phrase("At the cross", "十字处"),
    "keys": Phrase(
        "Keys: 1 2 3 window, M mask, H heat, T turn, N P next and previous nodule, L language; on an image the arrow "
        "keys and the wheel change the slice.",
        "按键:1 2 3 窗,M 掩膜,H 热图,T 旋转,N P 下一个与上一个结节,L 语言;在图像上用方向键和滚轮换层。",
    ),
    "crop_note": Phrase(
        "64 mm around the candidate, resampled to 0.8 mm, 7 HU a step; radiological layout: the patient's left is on "
        "the right. Heat is shown where the network looked and nowhere else. Not a diagnostic display.",
        "候选周围 64 mm,重采样至 0.8 mm,每级 7 HU;放射学布局:患者左侧在图像右侧。"
        "热图仅显示于网络所见区域。非诊断用显示。",
    ),
    "what_model": Phrase("What this model is, and is not", "本模型是什么,不是什么"),
    "provenance": Phrase("Where this result comes from", "结果来源"),
    "software": Phrase("Software", "软件"),
    "input_hash": Phrase("Input SHA-256", "输入 SHA-256"),
    "candidates_hash": Phrase("Candidates SHA-256", "候选 SHA-256"),
    "model_hash": Phrase("Model SHA-256", "模型 SHA-256"),
    "contract_hash": Phrase("Contract SHA-256", "约定 SHA-256"),
    "grid": Phrase("CT grid", "CT 网格"),
    "mode": Phrase("Computation", "计算方式"),
    "fallback": Phrase("Not used because", "未使用的原因"),
    "seconds": Phrase("Seconds", "秒"),
    "calibration": Phrase("Calibration", "校准"),
    "operating_point": Phrase("Suspicious from", "可疑阈值"),
    "flags": Phrase("Outside the model's range", "超出模型范围"),
    "notes": Phrase("Notes on the series", "序列备注"),
    "no_nodules": Phrase(
        "No candidate was given, so nothing was analysed. This is not a negative finding.",
        "未给出候选,因此未作分析。这不是阴性结论。",
    ),
    "refused": Phrase("The series was not analysed", "序列未被分析"),
    "failed_title": Phrase("Candidates without a result", "没有结果的候选"),
    "footer": Phrase(
        "One self-contained file: no network, no storage. The record is result.json (schema lungai-result/1); this "
        "page is made from it.",
        "单一自包含文件:无网络、无存储。记录为 result.json(模式 lungai-result/1),本页由其生成。",
    ),
}
