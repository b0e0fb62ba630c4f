"""The manual page "What your CT must look like", printed from the objects that the code checks.

``python -m lungai_core.cli.ct_manual docs/how_to/ct_input.md`` writes it; a test compares it with what stands there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lungai_core.dicom.frames import CT_SOP_CLASSES
from lungai_core.dicom.limits import ReadLimits
from lungai_core.dicom.notes import NOTES
from lungai_core.dicom.rules import SERIES_RULES
from lungai_core.dicom.transfer_syntaxes import LOSSY_SYNTAXES, READABLE_SYNTAXES
from lungai_core.files import write_whole
from lungai_core.preprocess.gate import GATE_PROPERTIES

__all__ = ["render_ct_manual"]

_HEAD = """\
# What your CT must look like

<!-- Written by `python -m lungai_core.cli.ct_manual docs/how_to/ct_input.md`; do not edit by hand. -->

`lungai check CT_DIR` goes through this list for your series, line by line (`--json` for programs). A series that
breaks a rule is refused with the code of the rule, the slice numbers and the remedy; nothing is repaired silently.
Slices are counted from 1 in ascending order along the slice normal.
"""
_BEFORE_RULES = """\
Before the rules, the input must hold one CT series: no series is [LAI-DICOM-001](../reference/errors.md), several
without a choice LAI-DICOM-002, a choice that is not there LAI-DICOM-003. A file that begins like DICOM and cannot be
read is LAI-DICOM-004: it might be a slice. Files that are no DICOM and objects of other kinds are passed over
and counted. After the rules, pixel data that are truncated or broken are LAI-DICOM-025.
"""
_BEFORE_GATE = """\
A model's contract (`InputLimits`) may limit these properties of the volume, each with the action refuse
(LAI-PREP-001) or flag. Voxels of Pixel Padding Value do not count. What a series does not tell lies outside its
limit.
"""


def render_ct_manual() -> str:
    """Return the page as Markdown.

    :implements: SRS-DICOM-008, SDS-DICOM-003
    """
    limits = ReadLimits()
    parts = [
        _HEAD,
        "## Objects\n",
        *(f"* {name} (`{uid}`)" for uid, name in CT_SOP_CLASSES.items()),
        "\n## Transfer syntaxes\n",
        "| UID | Name | Decoder | Compression |",
        "|---|---|---|---|",
        *(_syntax_row(uid) for uid in READABLE_SYNTAXES),
        "\n## Rules\n",
        _BEFORE_RULES,
        "| Code | Rule | Accepted | What to do otherwise |",
        "|---|---|---|---|",
        *(
            f"| {rule.error.code} | {rule.title} | {_cell(rule.allowed_text(limits))} | {_cell(rule.remedy)} |"
            for rule in SERIES_RULES
        ),
        "\n## Limits and tolerances\n",
        "The fields of `ReadLimits`, with their values where the caller gives none:\n",
        *(f"* `{name}` = {_value(value)}" for name, value in limits.model_dump(mode="json").items()),
        "\n## Notes\n",
        "Found, told and not refused; they stand in `CtSeries.notes`:\n",
        *(f"* `{note_id}`: {text}" for note_id, (text, _) in NOTES.items()),
        "* `files-passed-over`: Files of the input that are no DICOM, with their number.",
        "\n## Limits of the model\n",
        _BEFORE_GATE,
        *(f"* `{p.property_id}`: {p.title}{f', in {p.unit}' if p.unit else ''}" for p in GATE_PROPERTIES),
        "* `convolution_kernel`: Convolution kernel (0018,1210), one of a list",
    ]
    return "\n".join(parts) + "\n"


def _syntax_row(uid: str) -> str:
    syntax = READABLE_SYNTAXES[uid]
    if uid in LOSSY_SYNTAXES:
        compression = "lossy: only where allowed"
    elif syntax.name == "JPEG 2000":
        compression = "the codestream tells; lossy only where allowed"
    else:
        compression = "lossless" if syntax.decoder else "none"
    return f"| `{uid}` | {syntax.name} | {syntax.package or 'built in'} | {compression} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), render_ct_manual())
