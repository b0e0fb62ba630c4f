"""A case report as one HTML file that opens offline, under a policy that lets nothing in but its own three parts."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import InputKind
from lungai_core.files import write_whole
from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU, cut_crop
from lungai_core.report.fragments import (
    failure_section,
    header_section,
    model_section,
    nodule_section,
    nodule_table,
    provenance_section,
    summary_section,
)
from lungai_core.report.png import png_data_uri
from lungai_core.report.wording import PHRASES, say

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.domain.case_report import CaseReport
    from lungai_core.domain.volume import CtVolume
    from lungai_core.modelpack.card import ModelCard
    from lungai_core.report.crops import NoduleCrop

__all__ = ["CaseDocument", "render_report_html", "write_report_html"]

_SPRITE_COLUMNS = 10
_OUTLINE_RGB = (41, 224, 255)
_LUNG_WINDOW_HU = (-1350.0, 150.0)


@dataclass(frozen=True, slots=True, eq=False)
class CaseDocument:
    """What a report is written from.

    :implements: SRS-REPORT-002, SDS-REPORT-002

    Parameters
    ----------
    report
        The result.
    volume
        The CT series that it belongs to; ``None`` where the series was refused.
    card
        The card of the model that gave it.
    """

    report: CaseReport
    volume: CtVolume | None
    card: ModelCard


def write_report_html(document: CaseDocument, path: Path, /) -> Path:
    """Write ``report.html``.

    :implements: SRS-REPORT-002, SDS-REPORT-002

    Parameters
    ----------
    document
        The result with its images. The same document gives the same bytes, timings apart.
    path
        The file to write; it appears whole or not at all.
    """
    return write_whole(path, render_report_html(document))


def render_report_html(document: CaseDocument, /) -> str:
    """Render the report as one HTML text.

    :implements: SRS-REPORT-002, SRS-REPORT-003, SRS-REPORT-004, SDS-REPORT-002

    The page's Content-Security-Policy allows no source at all but ``data:`` images and the page's own style and script,
    each by its SHA-256.

    Parameters
    ----------
    document
        The result with its images.
    """
    report = document.report
    style, script = _asset("report.css"), _asset("report.js")
    crops = [] if document.volume is None else [cut_crop(document.volume, nodule) for nodule in report.nodules]
    stills = [_stills(crop) for crop in crops]
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = [
        header_section(report),
        "<main>",
        summary_section(report),
        failure_section(report),
        nodule_table(report, thumbnails=[axial for axial, _, _ in stills]),
        *(
            nodule_section(nodule, number=number, sprite=_sprite(crop), stills=views)
            for number, (nodule, crop, views) in enumerate(zip(report.nodules, crops, stills, strict=False))
        ),
        model_section(document.card),
        provenance_section(report),
        "</main>",
        f"<footer>{say(PHRASES['footer'])}</footer>",
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en" data-lang="en" class="no-js">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(_title(report).en)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            *body,
            f'<script type="application/json" id="viewer-data">{_viewer_data(report, crops)}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


class _Title:
    def __init__(self, report: CaseReport, /) -> None:
        mark_en, mark_zh = ("phantom", "体模") if _is_phantom(report) else ("research", "研究")
        self.en = f"{PHRASES['title'].en} ({mark_en}, not for clinical use)"
        self.zh = f"{PHRASES['title'].zh}({mark_zh},不得用于临床)"


def _title(report: CaseReport, /) -> _Title:
    return _Title(report)


def _is_phantom(report: CaseReport, /) -> bool:
    return report.input is not None and report.input.kind is InputKind.PHANTOM


def _asset(name: str, /) -> str:
    return (package_files("lungai_core.report") / "assets" / name).read_text(encoding="utf-8")


def _source_hash(content: str, /) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")


def _viewer_data(report: CaseReport, crops: list[NoduleCrop], /) -> str:
    title = _title(report)
    record = {
        "title_en": title.en,
        "title_zh": title.zh,
        "voxels": crops[0].ct.shape[0] if crops else 0,
        "columns": _SPRITE_COLUMNS,
        "step_mm": crops[0].step_mm if crops else 0,
        "lower_hu": CROP_LOWER_HU,
        "upper_hu": CROP_UPPER_HU,
        "nodules": [nodule.candidate_id for nodule in report.nodules] if crops else [],
    }
    # "<" would let text end the script element.
    return json.dumps(record, sort_keys=True, ensure_ascii=True).replace("<", "\\u003c")


def _sprite(crop: NoduleCrop, /) -> str:
    """Lay the slices of CT, heat and mask out in one grey picture, one sheet below the other."""
    # Three sheets pack a fifth smaller than three colours, and twenty times faster: each holds one kind of signal.
    layers = (crop.ct, crop.heat, crop.mask.astype(np.uint8) * 255)
    return png_data_uri(np.concatenate([_sheet(layer) for layer in layers]))


def _sheet(layer: NDArray[np.uint8], /) -> NDArray[np.uint8]:
    voxels = layer.shape[0]
    rows = -(-voxels // _SPRITE_COLUMNS)
    sheet = np.zeros((rows * voxels, _SPRITE_COLUMNS * voxels), np.uint8)
    for z, plane in enumerate(layer):
        row, column = divmod(z, _SPRITE_COLUMNS)
        sheet[row * voxels : (row + 1) * voxels, column * voxels : (column + 1) * voxels] = plane
    return sheet


def _stills(crop: NoduleCrop, /) -> tuple[str, str, str]:
    middle = crop.ct.shape[0] // 2
    planes = (
        (crop.ct[middle], crop.mask[middle]),
        (crop.ct[::-1, middle], crop.mask[::-1, middle]),
        (crop.ct[::-1, :, middle], crop.mask[::-1, :, middle]),
    )
    axial, coronal, sagittal = (png_data_uri(_still(ct, mask)) for ct, mask in planes)
    return axial, coronal, sagittal


def _still(ct: NDArray[np.uint8], mask: NDArray[np.bool_], /) -> NDArray[np.uint8]:
    values_hu = CROP_LOWER_HU + ct.astype(np.float64) / 255 * (CROP_UPPER_HU - CROP_LOWER_HU)
    lower, upper = _LUNG_WINDOW_HU
    grey = np.clip((values_hu - lower) / (upper - lower) * 255, 0, 255).astype(np.uint8)
    picture = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    inner = mask.copy()
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    picture[mask & ~inner] = _OUTLINE_RGB
    return picture
