"""The parts of the report page as HTML. All text from a report or card is escaped here and nowhere else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lungai_core.domain.case_report import CaseStatus, InputKind
from lungai_core.report.wording import COMPUTE_MODES, PHRASES, REVIEW_REASONS, STATUSES, WARNINGS, Phrase, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lungai_core.domain.case_report import CaseReport, NoduleResult
    from lungai_core.modelpack.card import ModelCard

__all__ = [
    "failure_section",
    "header_section",
    "model_section",
    "nodule_section",
    "nodule_table",
    "provenance_section",
    "summary_section",
]

_NONE = "–"
_BAR_WIDTH = 72


def _text(key: str, /) -> str:
    return say(PHRASES[key])


def _number(value: float | None, form: str, unit: str, /) -> str:
    return _NONE if value is None else f"{value:{form}}{unit}"


def _fact(key: str, value: str, /) -> str:
    return f"<dt>{_text(key)}</dt><dd>{value}</dd>"


def header_section(report: CaseReport, /) -> str:
    """Return the notice and the page's head.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    source = report.input
    sub = "" if source is None else f"{_text('series')} {escape(source.series_instance_uid)}"
    phantom = ""
    if source is not None and source.kind is InputKind.PHANTOM:
        phantom = f' <span class="pill warn">{_text("phantom")}</span>'
    return (
        f'<div class="notice" role="note">{_text("notice")}</div>'
        f'<header class="top"><div><h1>{_text("title")}{phantom}</h1><p class="sub">{sub}</p></div>'
        '<div class="tools"><button id="language" type="button">中文</button></div></header>'
    )


def summary_section(report: CaseReport, /) -> str:
    """Return the banners and tiles that say how the case came out.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    parts: list[str] = []
    if not report.model.trained:
        parts.append(
            f'<section class="banner bad" role="alert"><strong>{_text("untrained")}</strong>'
            f"{_text('untrained_more')}</section>"
        )
    if report.refusal is not None:
        parts.append(
            f'<section class="banner bad"><strong>{_text("refused")}</strong>'
            f"{escape(report.refusal.code)} {escape(report.refusal.message)}</section>"
        )
    if report.status is CaseStatus.NO_CANDIDATES:
        parts.append(f'<section class="banner">{_text("no_nodules")}</section>')
    if report.review_required:
        reasons = "".join(f"<li>{say(REVIEW_REASONS[reason])}</li>" for reason in report.review_reasons)
        parts.append(f'<section class="banner"><strong>{_text("review")}</strong><ul>{reasons}</ul></section>')
    execution = report.execution
    provider = _NONE if execution is None else escape(execution.provider.removesuffix("ExecutionProvider"))
    referred = sum(nodule.review_required for nodule in report.nodules)
    tiles = (
        ("status", say(STATUSES[report.status]), " small"),
        ("analysed", f"{len(report.nodules)} / {len(report.nodules) + len(report.failures)}", ""),
        ("needs_review", str(referred), ""),
        ("model", f"{escape(report.model.name)} {escape(report.model.version)}", " small"),
        ("provider", provider, " small"),
    )
    cells = "".join(
        f'<div class="tile"><div class="k">{_text(key)}</div><div class="v{size}">{value}</div></div>'
        for key, value, size in tiles
    )
    return "\n".join([*parts, f'<section class="tiles">{cells}</section>'])


def failure_section(report: CaseReport, /) -> str:
    """Return the list of candidates without a result; empty where there is none.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    if not report.failures:
        return ""
    rows = "".join(
        f"<li><strong>{escape(failure.candidate_id)}</strong> · {escape(failure.code)} {escape(failure.message)}</li>"
        for failure in report.failures
    )
    return f'<section class="banner bad"><strong>{_text("failed_title")}</strong><ul>{rows}</ul></section>'


def nodule_table(report: CaseReport, /, *, thumbnails: Sequence[str]) -> str:
    """Return the sortable table of nodules.

    :implements: SRS-REPORT-003, SDS-REPORT-002

    Parameters
    ----------
    thumbnails
        One ``data:`` picture for each nodule.
    """
    if not report.nodules:
        return ""
    columns = ("nodule", "slice", "probability", "diameter", "sphere", "volume", "mean_hu", "entropy", "reading")
    heads = "".join(
        f'<th scope="col"{" class=l" if key == "nodule" else ""}><button type="button">{_text(key)}</button></th>'
        for key in columns
    )
    rows = "".join(
        _row(nodule, number=number, thumbnail=thumbnail)
        for number, (nodule, thumbnail) in enumerate(zip(report.nodules, thumbnails, strict=True))
    )
    return (
        f'<section class="card"><h2>{_text("nodules")}</h2><div class="scroll"><table id="nodules">'
        f'<thead><tr><th class="l"></th>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _row(nodule: NoduleResult, /, *, number: int, thumbnail: str) -> str:
    volume_mm3 = None if nodule.mask is None else nodule.mask.volume_mm3
    mean_hu = None if nodule.mask is None else nodule.mask.mean_hu
    entropy = None if nodule.uncertainty is None else nodule.uncertainty.entropy_nats
    pill = f'<span class="pill warn">{_text("review_short")}</span>' if nodule.review_required else _text("no_review")
    cells = (
        (nodule.candidate_id, escape(nodule.candidate_id)),
        (str(nodule.slice_number), str(nodule.slice_number)),
        (str(nodule.malignancy_probability), _bar(nodule.malignancy_probability)),
        (_plain(nodule.size.network_mm), _number(nodule.size.network_mm, ".1f", " mm")),
        (_plain(nodule.size.sphere_mm), _number(nodule.size.sphere_mm, ".1f", " mm")),
        (_plain(volume_mm3), _number(volume_mm3, ",.0f", " mm³")),
        (_plain(mean_hu), _number(mean_hu, ".0f", " HU")),
        (_plain(entropy), _number(entropy, ".3f", " nat")),
        (str(int(nodule.review_required)), pill),
    )
    sides = [' class="l"', *[""] * (len(cells) - 1)]
    body = "".join(
        f'<td{side} data-value="{escape(value)}">{shown}</td>'
        for side, (value, shown) in zip(sides, cells, strict=True)
    )
    alt = escape(f"nodule {nodule.candidate_id}, axial")
    return (
        f'<tr data-nodule="{number}" tabindex="0" aria-selected="{str(number == 0).lower()}">'
        f'<td class="l"><img src="{thumbnail}" alt="{alt}"></td>{body}</tr>'
    )


def _plain(value: float | None, /) -> str:
    return "" if value is None else str(value)


def _bar(probability: float, /) -> str:
    width = round(_BAR_WIDTH * probability, 1)
    return (
        f'<span class="bar"><svg width="{_BAR_WIDTH}" height="8" aria-hidden="true">'
        f'<rect width="{width}" height="8"/></svg></span>{probability:.1%}'
    )


def nodule_section(nodule: NoduleResult, /, *, number: int, sprite: str, stills: tuple[str, str, str]) -> str:
    """Return the viewer and the facts of one nodule.

    :implements: SRS-REPORT-003, SDS-REPORT-002

    Parameters
    ----------
    number
        Its place in the report, from 0.
    sprite
        The ``data:`` picture that holds the crop's volume.
    stills
        Axial, coronal and sagittal ``data:`` pictures, shown in print and without JavaScript.
    """
    planes = ("axial", "coronal", "sagittal")
    figures = "".join(_figure(key, key) for key in planes) + _figure("three_d", "volume")
    printed = "".join(
        f'<figure><img class="still" src="{still}" alt="{key}"><figcaption>{_text(key)}</figcaption></figure>'
        for key, still in zip(planes, stills, strict=True)
    )
    hidden = "" if number == 0 else " hidden"
    return (
        f'<section class="card nodule" id="nodule-{number}"{hidden}>'
        f"<h2>{_text('nodule')} {escape(nodule.candidate_id)}</h2>{_controls()}"
        f'<div class="viewer"><div><div class="views">{figures}</div><div class="stills">{printed}</div>'
        f'<p class="hint">{_text("keys")}</p><p class="hint">{_text("crop_note")}</p></div>'
        f'<aside>{_facts(nodule)}</aside></div><img class="sprite" hidden alt="" src="{sprite}"></section>'
    )


def _figure(key: str, plane: str, /) -> str:
    phrase: Phrase = PHRASES[key]
    slider = ""
    if plane != "volume":
        slider = (
            f'<input type="range" min="0" max="79" value="40" data-plane="{plane}" aria-label="{escape(phrase.en)}">'
        )
    return (
        f'<figure><canvas width="480" height="480" data-plane="{plane}" tabindex="0" role="img" '
        f'data-label-en="{escape(phrase.en)}" data-label-zh="{escape(phrase.zh)}"></canvas>'
        f"<figcaption>{say(phrase)}</figcaption>{slider}</figure>"
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
        f'<span class="group">{toggles}</span></div>'
    )


def _facts(nodule: NoduleResult, /) -> str:
    mask, size, uncertainty, explanation = nodule.mask, nodule.size, nodule.uncertainty, nodule.explanation
    x, y, z = nodule.center_lps_mm
    suspicious = f' <span class="pill bad">{_text("suspicious")}</span>' if nodule.suspicious else ""
    parts = [
        f'<div class="facts-title">{_text("measures")}</div><dl class="facts">',
        _fact("probability", f"{nodule.malignancy_probability:.1%}{suspicious}"),
        _fact("operating_point", f"{nodule.operating_point:.1%}"),
        _fact("diameter", _number(size.network_mm, ".1f", " mm")),
        _fact("sphere", _number(size.sphere_mm, ".1f", " mm")),
        _fact("long_axis", _number(size.long_axis_mm, ".1f", " mm")),
        _fact("volume", _NONE if mask is None else f"{mask.volume_mm3:,.1f} mm³"),
        _fact("voxels", _NONE if mask is None else f"{mask.voxels:,}"),
        _fact("mean_hu", _NONE if mask is None else f"{mask.mean_hu:.0f} ± {mask.sd_hu:.0f} HU"),
        _fact("slice", str(nodule.slice_number)),
        _fact("center", f"{x:.1f}, {y:.1f}, {z:.1f} mm"),
        f'<dt>{_text("at_cross")}</dt><dd class="readout">{_NONE}</dd>',
        "</dl>",
    ]
    if uncertainty is not None:
        parts += [
            f'<div class="facts-title">{_text("uncertainty")}</div><dl class="facts">',
            _fact("spread", f"{uncertainty.mean_probability:.3f} ± {uncertainty.probability_sd:.3f}"),
            _fact("entropy", _measured(uncertainty.entropy_nats, uncertainty.entropy_nats_se)),
            _fact("limit", f"{uncertainty.entropy_limit_nats:.3f}"),
            _fact("mutual", _measured(uncertainty.mutual_information_nats, uncertainty.mutual_information_nats_se)),
            _fact("limit", f"{uncertainty.mutual_information_limit_nats:.3f}"),
            _fact("samples", str(uncertainty.samples)),
            "</dl>",
        ]
    if explanation is not None and explanation.mass_inside_mask is not None:
        parts.append(f'<dl class="facts">{_fact("inside", f"{explanation.mass_inside_mask:.1%}")}</dl>')
    parts += _phrases("why_review", [REVIEW_REASONS[reason] for reason in nodule.review_reasons])
    parts += _phrases("warnings", [WARNINGS[warning] for warning in nodule.warnings])
    return "".join(parts)


def _measured(value: float, standard_error: float, /) -> str:
    return f"{value:.3f} ± {standard_error:.3f} nat"


def _phrases(title: str, phrases: list[Phrase], /) -> list[str]:
    if not phrases:
        return []
    items = "".join(f"<li>{say(phrase)}</li>" for phrase in phrases)
    return [f'<div class="facts-title">{_text(title)}</div><ul class="plain">{items}</ul>']


def model_section(card: ModelCard, /) -> str:
    """Return what the model is and is not, from its card.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    limits = "".join(f"<li>{say(Phrase(limit.en, limit.zh))}</li>" for limit in card.limits)
    return (
        f'<section class="card"><h2>{_text("what_model")}</h2>'
        f'<p>{say(Phrase(card.summary.en, card.summary.zh))}</p><ul class="plain">{limits}</ul></section>'
    )


def provenance_section(report: CaseReport, /) -> str:
    """Return hashes, versions and where the network ran.

    :implements: SRS-REPORT-004, SDS-REPORT-002
    """
    rows = [
        _fact("software", escape(f"{report.software.name} {report.software.version}")),
        _fact("model_hash", report.model.sha256),
        _fact("contract_hash", report.model.contract_sha256),
    ]
    if report.input is not None:
        grid = report.input.grid
        shape = " × ".join(str(size) for size in reversed(grid.shape_zyx))
        spacing = " × ".join(f"{step:g}" for step in reversed(grid.spacing_zyx_mm))
        rows += [
            _fact("input_hash", report.input.sha256),
            _fact("candidates_hash", report.input.candidates_sha256),
            _fact("grid", f"{shape}, {spacing} mm"),
        ]
        rows += [
            _fact("flags", escape(f"{flag.title}: {flag.measured or '–'} ({flag.allowed})"))
            for flag in report.input.flags
        ]
        rows += [_fact("notes", escape(note.text)) for note in report.input.notes]
    if report.execution is not None:
        run = report.execution
        rows += [
            _fact("provider", escape(f"{run.provider}, {run.runtime} {run.runtime_version}")),
            _fact("mode", say(COMPUTE_MODES[run.mode])),
        ]
        rows += [_fact("fallback", escape(run.fallback))] if run.fallback else []
    if report.timings_s is not None:
        rows.append(_fact("seconds", f"{report.timings_s.total:.2f}"))
    return (
        f'<section class="card"><details open><summary>{_text("provenance")}</summary>'
        f'<dl class="facts wide">{"".join(rows)}</dl></details></section>'
    )
