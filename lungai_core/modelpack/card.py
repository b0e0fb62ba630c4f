"""The model card: what a model is, what it was measured on, and what it must not be used for, in two languages."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lungai_core.domain.model import FrozenModel

__all__ = ["BilingualText", "Figure", "ModelCard", "render_card"]

_Text = Annotated[str, Field(min_length=1)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BilingualText(FrozenModel):
    """One statement in English and in Chinese.

    :implements: SRS-PACK-004, SDS-PACK-002
    """

    en: _Text
    zh: _Text


class Figure(FrozenModel):
    """One measured number of the card, with the record that it was read from.

    :implements: SRS-PACK-004, SDS-PACK-002

    ``n`` counts ``unit`` (nodules, patients, cases); ``interval_95`` is the 95 % confidence interval or ``None`` where
    none was computed; ``source`` names the evidence file and ``source_sha256`` its bytes.
    """

    name: _Text
    value: float
    interval_95: tuple[float, float] | None
    n: Annotated[int, Field(ge=1)]
    unit: _Text
    data: _Text
    source: _Text
    source_sha256: _Sha256


class ModelCard(FrozenModel):
    """What a model is and is not.

    :implements: SRS-PACK-004, SDS-PACK-002

    ``trained`` is false where the weights come from a seeded random generator; such a card carries no figure.
    ``weights_origin`` says where the weights come from: a seed, or a training record and its hash.
    """

    schema_version: Literal["lungai-card/1"] = "lungai-card/1"
    model_name: _Text
    model_version: _Text
    trained: bool
    clinical_use: Literal["not for clinical use"] = "not for clinical use"
    architecture: _Text
    parameters: Annotated[int, Field(ge=1)]
    weights_origin: _Text
    training_data: _Text
    licence: _Text
    summary: BilingualText
    limits: Annotated[tuple[BilingualText, ...], Field(min_length=1)]
    figures: tuple[Figure, ...] = ()

    @model_validator(mode="after")
    def _untrained_claims_nothing(self) -> Self:
        if not self.trained and self.figures:
            message = "a card with trained = false must not carry figures"
            raise ValueError(message)
        return self


def render_card(card: ModelCard, /) -> str:
    """Render a card as Markdown, English and Chinese side by side.

    :implements: SRS-PACK-004, SDS-PACK-002

    Parameters
    ----------
    card
        The card.

    Returns
    -------
    str
        The text of ``MODEL_CARD.md``; the same card gives the same text.
    """
    trained_en, trained_zh = ("trained", "已训练") if card.trained else ("NOT TRAINED", "未训练")
    lines = [
        f"# {card.model_name} {card.model_version}",
        "",
        f"**Not for clinical use · 不得用于临床。** **{trained_en} · {trained_zh}.**",
        "",
        card.summary.en,
        "",
        f"> **zh** {card.summary.zh}",
        "",
        "| | |",
        "|---|---|",
        f"| architecture · 结构 | {card.architecture} |",
        f"| parameters · 参数量 | {card.parameters:,} |",
        f"| weights from · 权重来源 | {card.weights_origin} |",
        f"| training data · 训练数据 | {card.training_data} |",
        f"| licence · 许可证 | {card.licence} |",
        "",
        "## Limits · 局限",
        "",
    ]
    for limit in card.limits:
        lines += [f"* {limit.en}", f"  > **zh** {limit.zh}"]
    lines += ["", "## Measured · 测量结果", "", *_figure_lines(card.figures), ""]
    return "\n".join(lines)


def _figure_lines(figures: tuple[Figure, ...], /) -> list[str]:
    if not figures:
        return ["NOT MEASURED · 未测量"]
    rows = [
        "| figure · 指标 | value · 值 | 95 % interval · 区间 | n | data · 数据 | source · 来源 |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        interval = "–" if figure.interval_95 is None else f"{figure.interval_95[0]:.4g} to {figure.interval_95[1]:.4g}"
        rows.append(
            f"| {figure.name} | {figure.value:.4g} | {interval} | {figure.n} {figure.unit} | {figure.data} "
            f"| {figure.source} (`{figure.source_sha256[:12]}`) |"
        )
    return rows
