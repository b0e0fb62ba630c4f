"""A case report as one HTML file that opens offline, under a policy that lets nothing in but its own parts."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from lungai_core.files import write_whole
from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU, cut_crop
from lungai_core.report.facts import is_phantom
from lungai_core.report.fragments import (
    header_section,
    model_section,
    nodule_section,
    nodule_table,
    provenance_section,
    summary_section,
)
from lungai_core.report.pictures import SPRITE_COLUMNS, draw_sprite, draw_stills
from lungai_core.report.png import png_data_uri
from lungai_core.report.turntable import TURN_FRAMES, render_turntable
from lungai_core.report.wording import PHRASES, Phrase, say

if TYPE_CHECKING:
    from pathlib import Path

    from lungai_core.domain.case_report import CaseReport
    from lungai_core.report.crops import NoduleCrop
    from lungai_core.report.document import CaseDocument

__all__ = ["render_report_html", "write_report_html"]

_NODULE_SCRIPTS = ("vtk/volume_view.js", "report.js")


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

    :implements: SRS-REPORT-002, SRS-REPORT-003, SRS-REPORT-004, SRS-REPORT-006, SDS-REPORT-002, SDS-REPORT-005

    The page's Content-Security-Policy allows no source at all but ``data:`` images and the page's own style and
    scripts, each by its SHA-256.

    Parameters
    ----------
    document
        The result with its images.
    """
    report = document.report
    crops = [] if document.volume is None else [cut_crop(document.volume, nodule) for nodule in report.nodules]
    pictures = [_pictures(crop) for crop in crops]
    style = _asset("report.css")
    scripts = [_asset(name) for name in (_NODULE_SCRIPTS if crops else _NODULE_SCRIPTS[1:])]
    allowed = " ".join(f"'{_source_hash(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_source_hash(style)}'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
    body = [
        header_section(report),
        "<main>",
        summary_section(report, document.card),
        nodule_table(report, thumbnails=[stills[0] for _, stills in pictures]),
        *(
            nodule_section(nodule, number=number, sprite=sprite, stills=stills)
            for number, (nodule, (sprite, stills)) in enumerate(zip(report.nodules, pictures, strict=True))
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
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
            "",
        ]
    )


def _pictures(crop: NoduleCrop, /) -> tuple[str, tuple[str, ...]]:
    turntable = render_turntable(crop)
    stills = tuple(png_data_uri(still) for still in draw_stills(crop, turntable))
    return png_data_uri(draw_sprite(crop, turntable)), stills


def _title(report: CaseReport, /) -> Phrase:
    mark = Phrase("phantom", "体模") if is_phantom(report) else Phrase("research", "研究")
    title = PHRASES["title"]
    return Phrase(f"{title.en} ({mark.en}, not for clinical use)", f"{title.zh}({mark.zh},不得用于临床)")


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
        "columns": SPRITE_COLUMNS,
        "turn_frames": TURN_FRAMES,
        "step_mm": crops[0].step_mm if crops else 0,
        "lower_hu": CROP_LOWER_HU,
        "upper_hu": CROP_UPPER_HU,
        "nodules": [nodule.candidate_id for nodule in report.nodules] if crops else [],
    }
    # "<" would let text end the script element.
    return json.dumps(record, sort_keys=True, ensure_ascii=True).replace("<", "\\u003c")
