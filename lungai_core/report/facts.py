"""What a report says, as labelled values in both languages: the page and the PDF print the same ones."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.domain.case_report import CaseStatus, InputKind
from lungai_core.report.wording import (
    COMPUTE_MODES,
    PHRASES,
    REVIEW_REASONS,
    STATUSES,
    TEXTURES,
    WARNINGS,
    Phrase,
    same,
)

if TYPE_CHECKING:
    from lungai_core.domain.case_report import CaseReport, NoduleResult, TextureEstimate
    from lungai_core.modelpack.card import ModelCard

__all__ = [
    "NONE",
    "Banner",
    "Cell",
    "Fact",
    "Weight",
    "banners",
    "cells",
    "closing_lists",
    "doubts",
    "is_phantom",
    "measures",
    "model_facts",
    "number",
    "provenance",
    "summary",
]

NONE = "–"


class Weight(StrEnum):
    """How much a banner asks to be seen.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """

    BAD = "bad"
    NOTE = "note"


class Banner(NamedTuple):
    """Something that must be read before a result.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """

    weight: Weight
    title: Phrase
    lines: tuple[Phrase, ...] = ()


class Fact(NamedTuple):
    """A labelled value.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """

    label: Phrase
    value: Phrase


class Cell(NamedTuple):
    """One column of a nodule's row: what it is sorted by, and what is shown.

    :implements: SRS-REPORT-003, SDS-REPORT-006
    """

    column: str
    key: str
    shown: str


def is_phantom(report: CaseReport, /) -> bool:
    """Tell whether the images show no patient.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    return report.input is not None and report.input.kind is InputKind.PHANTOM


def number(value: float | None, form: str, unit: str, /) -> str:
    """Return a value with its unit, or a dash where there is none.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    return NONE if value is None else f"{value:{form}}{unit}"


def banners(report: CaseReport, card: ModelCard, /) -> tuple[Banner, ...]:
    """Return what must be read before the results, in the order of its weight.

    :implements: SRS-REPORT-004, SDS-REPORT-006

    Parameters
    ----------
    report, card
        The result and its model's card.
    """
    found: list[Banner] = []
    if not report.model.trained:
        found.append(Banner(Weight.BAD, PHRASES["untrained"], (PHRASES["untrained_more"],)))
    if report.refusal is not None:
        found.append(Banner(Weight.BAD, PHRASES["refused"], (same(f"{report.refusal.code} {report.refusal.message}"),)))
    if report.model.trained:
        found.append(
            Banner(Weight.NOTE, PHRASES["trained"], (Phrase(card.summary.en, card.summary.zh), PHRASES["trained_more"]))
        )
    if report.status is CaseStatus.NO_CANDIDATES:
        found.append(Banner(Weight.NOTE, PHRASES["no_nodules"]))
    if report.review_required:
        reasons = tuple(REVIEW_REASONS[reason] for reason in report.review_reasons)
        found.append(Banner(Weight.NOTE, PHRASES["review"], reasons))
    if report.failures:
        lines = tuple(same(f"{failure.candidate_id} · {failure.code} {failure.message}") for failure in report.failures)
        found.append(Banner(Weight.BAD, PHRASES["failed_title"], lines))
    return tuple(found)


def summary(report: CaseReport, /) -> tuple[Fact, ...]:
    """Return how the case came out.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    execution = report.execution
    provider = NONE if execution is None else execution.provider.removesuffix("ExecutionProvider")
    referred = sum(nodule.review_required for nodule in report.nodules)
    return (
        Fact(PHRASES["status"], STATUSES[report.status]),
        Fact(PHRASES["analysed"], same(f"{len(report.nodules)} / {len(report.nodules) + len(report.failures)}")),
        Fact(PHRASES["needs_review"], same(str(referred))),
        Fact(PHRASES["model"], same(f"{report.model.name} {report.model.version}")),
        Fact(PHRASES["provider"], same(provider)),
    )


def cells(nodule: NoduleResult, /) -> tuple[Cell, ...]:
    """Return a nodule's row of the table.

    :implements: SRS-REPORT-003, SDS-REPORT-006
    """
    volume_mm3 = None if nodule.mask is None else nodule.mask.volume_mm3
    mean_hu = None if nodule.mask is None else nodule.mask.mean_hu
    entropy = None if nodule.uncertainty is None else nodule.uncertainty.entropy_nats
    return (
        Cell("nodule", nodule.candidate_id, nodule.candidate_id),
        Cell("slice", str(nodule.slice_number), str(nodule.slice_number)),
        Cell("probability", str(nodule.malignancy_probability), f"{nodule.malignancy_probability:.1%}"),
        _measured_cell("diameter", nodule.size.network_mm, ".1f", " mm"),
        _measured_cell("sphere", nodule.size.sphere_mm, ".1f", " mm"),
        _measured_cell("volume", volume_mm3, ",.0f", " mm³"),
        _measured_cell("mean_hu", mean_hu, ".0f", " HU"),
        _measured_cell("entropy", entropy, ".3f", " nat"),
    )


def _measured_cell(column: str, value: float | None, form: str, unit: str, /) -> Cell:
    return Cell(column, "" if value is None else str(value), number(value, form, unit))


def measures(nodule: NoduleResult, /) -> tuple[Fact, ...]:
    """Return what was measured at a nodule.

    :implements: SRS-REPORT-003, SDS-REPORT-006
    """
    mask, size = nodule.mask, nodule.size
    x, y, z = nodule.center_lps_mm
    rows = (
        ("operating_point", f"{nodule.operating_point:.1%}"),
        ("diameter", number(size.network_mm, ".1f", " mm")),
        ("sphere", number(size.sphere_mm, ".1f", " mm")),
        ("long_axis", number(size.long_axis_mm, ".1f", " mm")),
        ("volume", NONE if mask is None else f"{mask.volume_mm3:,.1f} mm³"),
        ("voxels", NONE if mask is None else f"{mask.voxels:,}"),
        ("mean_hu", NONE if mask is None else f"{mask.mean_hu:.0f} ± {mask.sd_hu:.0f} HU"),
        ("slice", str(nodule.slice_number)),
        ("center", f"{x:.1f}, {y:.1f}, {z:.1f} mm"),
    )
    texture = () if nodule.texture is None else (Fact(PHRASES["texture"], _texture(nodule.texture)),)
    return (*(Fact(PHRASES[key], same(value)) for key, value in rows), *texture)


def _texture(estimate: TextureEstimate, /) -> Phrase:
    word, share = TEXTURES[estimate.texture], f"{estimate.probability:.0%}"
    return Phrase(f"{word.en} ({share})", f"{word.zh}({share})")


def doubts(nodule: NoduleResult, /) -> tuple[Fact, ...]:
    """Return how sure the network is and where its evidence lies; empty where neither is known.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    rows: list[tuple[str, str]] = []
    if (sampled := nodule.uncertainty) is not None:
        rows += [
            ("spread", f"{sampled.mean_probability:.3f} ± {sampled.probability_sd:.3f}"),
            ("entropy", f"{sampled.entropy_nats:.3f} ± {sampled.entropy_nats_se:.3f} nat"),
            ("limit", f"{sampled.entropy_limit_nats:.3f}"),
            ("mutual", f"{sampled.mutual_information_nats:.3f} ± {sampled.mutual_information_nats_se:.3f} nat"),
            ("limit", f"{sampled.mutual_information_limit_nats:.3f}"),
            ("samples", str(sampled.samples)),
        ]
    if (explanation := nodule.explanation) is not None and explanation.mass_inside_mask is not None:
        rows.append(("inside", f"{explanation.mass_inside_mask:.1%}"))
    return tuple(Fact(PHRASES[key], same(value)) for key, value in rows)


def closing_lists(nodule: NoduleResult, /) -> tuple[tuple[Phrase, tuple[Phrase, ...]], ...]:
    """Return why a nodule calls for a second reading, and what to know about its result; each only where it exists.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    lists = (
        (PHRASES["why_review"], tuple(REVIEW_REASONS[reason] for reason in nodule.review_reasons)),
        (PHRASES["warnings"], tuple(WARNINGS[warning] for warning in nodule.warnings)),
    )
    return tuple(each for each in lists if each[1])


def model_facts(card: ModelCard, /) -> tuple[Fact, ...]:
    """Return what a model is made of and from.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    rows = (
        ("architecture", card.architecture),
        ("parameters", f"{card.parameters:,}"),
        ("weights_origin", card.weights_origin),
        ("training_data", card.training_data),
        ("licence", card.licence),
    )
    return tuple(Fact(PHRASES[key], same(value)) for key, value in rows)


def provenance(report: CaseReport, /) -> tuple[Fact, ...]:
    """Return hashes, versions and where the network ran.

    :implements: SRS-REPORT-004, SDS-REPORT-006
    """
    rows: list[tuple[str, Phrase]] = [
        ("software", same(f"{report.software.name} {report.software.version}")),
        ("model_hash", same(report.model.sha256)),
        ("contract_hash", same(report.model.contract_sha256)),
    ]
    if (source := report.input) is not None:
        shape = " × ".join(str(size) for size in reversed(source.grid.shape_zyx))
        spacing = " × ".join(f"{step:g}" for step in reversed(source.grid.spacing_zyx_mm))
        rows += [
            ("series", same(source.series_instance_uid)),
            ("input_hash", same(source.sha256)),
            ("candidates_hash", same(source.candidates_sha256)),
            ("grid", same(f"{shape}, {spacing} mm")),
        ]
        rows += [("flags", same(f"{flag.title}: {flag.measured or NONE} ({flag.allowed})")) for flag in source.flags]
        rows += [("notes", same(note.text)) for note in source.notes]
    if (run := report.execution) is not None:
        rows += [
            ("provider", same(f"{run.provider}, {run.runtime} {run.runtime_version}")),
            ("mode", COMPUTE_MODES[run.mode]),
        ]
        rows += [("fallback", same(run.fallback))] if run.fallback else []
    return tuple(Fact(PHRASES[key], value) for key, value in rows)
