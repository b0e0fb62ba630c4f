"""The parts of the report page as HTML. All text from a report or card is escaped here and in ``say``."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lungai_core.report.facts import (
    NONE,
    Fact,
    Weight,
    banners,
    cells,
    closing_lists,
    doubts,
    is_phantom,
    measures,
    model_facts,
    provenance,
    summary,
)
from lungai_core.report.pictures import MARKS
from lungai_core.report.wording import PHRASES, Phrase, same, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lungai_core.domain.case_report import CaseReport, NoduleResult
    from lungai_core.modelpack.card import Figure, ModelCard

__all__ = [
    "header_section",
    "model_section",
    "nodule_section",
    "nodule_table",
    "provenance_section",
    "summary_section",
]

_BAR_WIDTH = 72
_PLANES = ("axial", "coronal", "sagittal")


def _text(key: str, /) -> str:
    return say(PHRASES[key])


def _label(phrase: Phrase, attribute: str, /) -> str:
    # A reader's software reads this; the page's script gives it the page's language.
    english, chinese = escape(phrase.en), escape(phrase.zh)
    return f'{attribute}="{english}" data-label-en="{english}" data-label-zh="{chinese}"'


def _fact_list(facts: Iterable[Fact], /, *, wide: bool = False) -> str:
    rows = "".join(f"<dt>{say(label)}</dt><dd>{say(value)}</dd>" for label, value in facts)
    return f'<dl class="facts{" wide" if wide else ""}">{rows}</dl>'


def header_section(report: CaseReport, /) -> str:
    """Return the notice and the page's head.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    source = report.input
    sub = "" if source is None else f"{_text('series')} {escape(source.series_instance_uid)}"
    phantom = f' <span class="pill warn">{_text("phantom")}</span>' if is_phantom(report) else ""
    skip = f'<a class="skip" href="#nodules">{_text("skip")}</a>' if report.nodules else ""
    return (
        f'{skip}<div class="notice" role="note">{_text("notice")}</div>'
        f'<header class="top"><div><h1>{_text("title")}{phantom}</h1><p class="sub">{sub}</p></div>'
        '<div class="tools"><button id="language" type="button" lang="zh-CN">中文</button></div></header>'
    )


def summary_section(report: CaseReport, card: ModelCard, /) -> str:
    """Return the banners and tiles that say how the case came out.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    parts: list[str] = []
    for banner in banners(report, card):
        kind, role = ("banner bad", ' role="alert"') if banner.weight is Weight.BAD else ("banner", "")
        lines = "".join(f"<li>{say(line)}</li>" for line in banner.lines)
        listed = f"<ul>{lines}</ul>" if lines else ""
        parts.append(f'<section class="{kind}"{role}><strong>{say(banner.title)}</strong>{listed}</section>')
    tiles = "".join(
        f'<div class="tile"><div class="k">{say(label)}</div><div class="v">{say(value)}</div></div>'
        for label, value in summary(report)
    )
    return "\n".join([*parts, f'<section class="tiles">{tiles}</section>'])


def nodule_table(report: CaseReport, /, *, thumbnails: Sequence[str]) -> str:
    """Return the sortable table of nodules.

    :implements: SRS-REPORT-003, SRS-REPORT-009, SDS-REPORT-002

    Parameters
    ----------
    thumbnails
        One ``data:`` picture for each nodule.
    """
    if not report.nodules:
        return ""
    columns = [cell.column for cell in cells(report.nodules[0])] + ["reading"]
    heads = "".join(
        f'<th scope="col"{" class=l" if key == "nodule" else ""}><button type="button">{_text(key)}</button></th>'
        for key in columns
    )
    rows = "".join(
        _row(nodule, number=number, thumbnail=thumbnail)
        for number, (nodule, thumbnail) in enumerate(zip(report.nodules, thumbnails, strict=True))
    )
    return (
        f'<section class="card"><h2 id="nodules-title">{_text("nodules")}</h2>'
        '<div class="scroll" role="region" aria-labelledby="nodules-title" tabindex="0">'
        '<table id="nodules" aria-labelledby="nodules-title">'
        f'<thead><tr><td class="l"></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _row(nodule: NoduleResult, /, *, number: int, thumbnail: str) -> str:
    name, *rest = cells(nodule)
    pill = f'<span class="pill warn">{_text("review_short")}</span>' if nodule.review_required else NONE
    body = "".join(
        f'<td data-value="{escape(cell.key)}">{_bar(nodule) if cell.column == "probability" else ""}'
        f"{escape(cell.shown)}</td>"
        for cell in rest
    )
    alt = _label(_named(PHRASES["axial"], nodule), "alt")
    return (
        f'<tr data-nodule="{number}"{" class=current" if number == 0 else ""}>'
        f'<td class="l"><img src="{thumbnail}" {alt}></td>'
        f'<th scope="row" class="l" data-value="{escape(name.key)}">'
        f'<button type="button" class="pick" aria-pressed="{str(number == 0).lower()}" '
        f'aria-controls="nodule-{number}">{escape(name.shown)}</button></th>'
        f'{body}<td data-value="{int(nodule.review_required)}">{pill}</td></tr>'
    )


def _named(phrase: Phrase, nodule: NoduleResult, /) -> Phrase:
    title = PHRASES["nodule"]
    name = nodule.candidate_id
    return Phrase(f"{title.en} {name}, {phrase.en}", f"{title.zh} {name},{phrase.zh}")


def _bar(nodule: NoduleResult, /) -> str:
    width = round(_BAR_WIDTH * nodule.malignancy_probability, 1)
    return (
        f'<span class="bar"><svg width="{_BAR_WIDTH}" height="8" aria-hidden="true">'
        f'<rect width="{width}" height="8"/></svg></span>'
    )


def nodule_section(nodule: NoduleResult, /, *, number: int, sprite: str, stills: Sequence[str]) -> str:
    """Return the viewer and the facts of one nodule.

    :implements: SRS-REPORT-003, SRS-REPORT-006, SRS-REPORT-009, SDS-REPORT-002

    Parameters
    ----------
    number
        Its place in the report, from 0.
    sprite
        The ``data:`` picture that holds the crop and its turntable.
    stills
        Axial, coronal, sagittal and front ``data:`` pictures, shown in print and without JavaScript.
    """
    figures = "".join(_plane(key, nodule) for key in _PLANES) + _volume(nodule)
    printed = "".join(
        f'<figure><img class="still" src="{still}" {_label(_named(PHRASES[key], nodule), "alt")}>'
        f"<figcaption>{_text(key)}</figcaption>{_marks(key)}</figure>"
        for key, still in zip((*_PLANES, "front"), stills, strict=True)
    )
    hidden = "" if number == 0 else " hidden"
    return (
        f'<section class="card nodule" id="nodule-{number}" aria-labelledby="title-{number}"{hidden}>'
        f'<h2 id="title-{number}">{_text("nodule")} {escape(nodule.candidate_id)}</h2>{_controls()}'
        f'<div class="viewer"><div><div class="views">{figures}</div><div class="stills">{printed}</div>'
        f'<p class="hint">{_text("keys")}</p><p class="hint">{_text("crop_note")}</p></div>'
        f'<aside>{_facts(nodule)}</aside></div><img class="sprite" hidden alt="" src="{sprite}"></section>'
    )


def _marks(key: str, /) -> str:
    sides = zip(("top", "right", "bottom", "left"), MARKS[key], strict=True)
    return "".join(f'<b class="mark {side}">{letter}</b>' for side, letter in sides)


def _plane(key: str, nodule: NoduleResult, /) -> str:
    label = _label(_named(PHRASES[key], nodule), "aria-label")
    return (
        f'<figure><canvas width="480" height="480" data-plane="{key}" tabindex="0" role="img" {label}></canvas>'
        f"<figcaption>{_text(key)}</figcaption>"
        f'<input type="range" min="0" max="79" value="40" data-plane="{key}" {label}></figure>'
    )


def _volume(nodule: NoduleResult, /) -> str:
    label = _label(_named(PHRASES["three_d"], nodule), "aria-label")
    return (
        f'<figure><canvas width="480" height="480" data-plane="volume" tabindex="0" role="img" {label}></canvas>'
        f'<figcaption>{_text("three_d")} · <span class="by-webgl">{_text("by_webgl")}</span>'
        f'<span class="by-turntable">{_text("by_turntable")}</span></figcaption></figure>'
    )


def _controls() -> str:
    windows = "".join(
        f'<button type="button" data-window="{key}" aria-pressed="{str(key == "lung").lower()}">{_text(key)}</button>'
        for key in ("lung", "soft", "wide")
    )
    toggles = "".join(
        f'<button type="button" data-toggle="{key}" aria-pressed="{str(key == "mask").lower()}">{_text(key)}</button>'
        for key in ("mask", "heat", "turn")
    )
    return (
        f'<div class="controls"><span class="group"><span class="label">{_text("window")}</span>{windows}</span>'
        f'<span class="group">{toggles}</span><span class="legend"><i></i>{_text("heat_scale")}</span></div>'
    )


def _facts(nodule: NoduleResult, /) -> str:
    suspicious = f' <span class="pill bad">{_text("suspicious")}</span>' if nodule.suspicious else ""
    parts = [
        f'<h3 class="facts-title">{_text("measures")}</h3><dl class="facts"><dt>{_text("probability")}</dt>',
        f"<dd>{nodule.malignancy_probability:.1%}{suspicious}</dd></dl>",
        _fact_list(measures(nodule)),
        f'<dl class="facts"><dt>{_text("at_cross")}</dt><dd class="readout" aria-live="polite">{NONE}</dd></dl>',
    ]
    if found := doubts(nodule):
        parts.append(f'<h3 class="facts-title">{_text("uncertainty")}</h3>{_fact_list(found)}')
    for title, phrases in closing_lists(nodule):
        items = "".join(f"<li>{say(phrase)}</li>" for phrase in phrases)
        parts.append(f'<h3 class="facts-title">{say(title)}</h3><ul class="plain">{items}</ul>')
    return "".join(parts)


def model_section(card: ModelCard, /) -> str:
    """Return what the model is and is not, from its card.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    limits = "".join(f"<li>{say(Phrase(limit.en, limit.zh))}</li>" for limit in card.limits)
    return (
        f'<section class="card"><h2>{_text("what_model")}</h2>'
        f'<p>{say(Phrase(card.summary.en, card.summary.zh))}</p><ul class="plain">{limits}</ul>'
        f'<h3 class="facts-title">{_text("model")}</h3>{_fact_list(model_facts(card), wide=True)}'
        f'<h3 class="facts-title">{_text("figures")}</h3>{_figures(card.figures)}</section>'
    )


def _figures(figures: Sequence[Figure], /) -> str:
    if not figures:
        return f"<p>{_text('no_figures')}</p>"
    heads = "".join(f'<th scope="col">{_text(key)}</th>' for key in ("figure", "value", "interval", "count", "data"))
    rows = "".join(
        f'<tr><th scope="row" class="l">{escape(figure.name)}</th><td>{figure.value:g}</td>'
        f"<td>{NONE if figure.interval_95 is None else '{:g} – {:g}'.format(*figure.interval_95)}</td>"
        f"<td>{figure.n:,} {escape(figure.unit)}</td><td>{escape(figure.data)}</td></tr>"
        for figure in figures
    )
    return (
        '<div class="scroll" tabindex="0"><table class="figures">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def provenance_section(report: CaseReport, /) -> str:
    """Return hashes, versions, where the network ran, and how long it took.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    facts = provenance(report)
    if report.timings_s is not None:
        facts += (Fact(PHRASES["seconds"], same(f"{report.timings_s.total:.2f}")),)
    return (
        f'<section class="card"><details open><summary>{_text("provenance")}</summary>'
        f"{_fact_list(facts, wide=True)}</details></section>"
    )
