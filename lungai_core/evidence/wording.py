"""The words a document may not say: claims, registration numbers, and figures that nobody measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lungai_core.errors import WordingError
from lungai_core.evidence.document import Drawing, Prose, Quote, Table
from lungai_core.evidence.fields import Field, FieldState, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.evidence.document import Document

__all__ = ["check_wording", "claims_in", "figures_in", "numbers_in"]

_CLAIMS = re.compile(
    r"\b(compl(?:y|ies|iant)|conforms?|approved|cleared|certified|safe|effective|substantially[ -]equivalent)\b"
    r"|(?:符合|获批|安全有效|实质(?:性)?等同|已批准|通过认证)",
    re.IGNORECASE,
)
# A registration fact belongs to a manufacturer: 510(k) and De Novo numbers, trials, Chinese certificates, UDI.
_REGISTRATIONS = re.compile(
    r"\b(?:K\d{6}|DEN\d{6}|NCT\d{8}|ChiCTR\d{8,10})\b|[国京津沪渝苏浙粤]械注[准进许]\s?\d{8,}|\(01\)\d{14}"
)
# Figures may stand in the tool's own sentences only inside the name of a standard, a guidance, a clause or a format.
_REFERENCES = re.compile(
    r"(?:ISO/IEC|IEC/TR|ISO/TR|IEC|ISO|IMDRF|AAMI|GB/T|YY/T|CFR|FDA|NMPA|MDR|GSPR|RFC|SHA|CVSS|Annex|PDF/A|CycloneDX|Ed)"
    r"[-\s]?[\w./:+()-]*\d[\w./:+()-]*"
    r"|(?:section|clause|part|条款|第)\s?\d[\d.]*|\b\d+(?:\.\d+)+(?:-\d+(?:\.\d+)*)?(?:\([a-z0-9]\))*"
    r"|\b\d+ CFR\b|510\(k\)|524B|3D|2D"
)


def claims_in(text: str, /) -> tuple[str, ...]:
    """Return the words in a text that claim what only an authority or a manufacturer can say.

    :implements: SRS-EVID-006, SDS-EVID-004

    Parameters
    ----------
    text
        English or Chinese.
    """
    return tuple(match.group(0) for match in _CLAIMS.finditer(text))


def numbers_in(text: str, /) -> tuple[str, ...]:
    """Return the registration, certificate, trial and device numbers in a text.

    :implements: SRS-EVID-007, SDS-EVID-004

    Parameters
    ----------
    text
        English or Chinese.
    """
    return tuple(match.group(0) for match in _REGISTRATIONS.finditer(text))


def figures_in(text: str, /) -> tuple[str, ...]:
    """Return the figures in a sentence of the tool that do not belong to the name of a standard.

    :implements: SRS-EVID-002, SDS-EVID-004

    Parameters
    ----------
    text
        English or Chinese.
    """
    return tuple(re.findall(r"\d+", _REFERENCES.sub(" ", text)))


def check_wording(document: Document, /) -> None:
    """Check every word of a document that the tool or the project wrote.

    :implements: SRS-EVID-002, SRS-EVID-006, SRS-EVID-007, SDS-EVID-004

    Titles of standards and outline rows are names and may hold such words; so may what a manufacturer signed.

    Parameters
    ----------
    document
        Before it is rendered.

    Raises
    ------
    WordingError
        For the first claim, registration number or unmeasured figure.
    """
    for where, text, author in _texts(document):
        for words in (text.en, text.zh):
            for found, why in (
                (claims_in(words) if author != "measured" else (), "a claim that this tool may not make"),
                (numbers_in(words), "a registration fact without a manufacturer's file"),
                (figures_in(words) if author == "tool" else (), "a figure that was not measured"),
            ):
                if found:
                    raise _refusal(document, where=where, found=found[0], why=why)


def _texts(document: Document, /) -> Iterator[tuple[str, Text, str]]:
    for section in document.sections:
        where = section.title.en
        for block in section.blocks:
            if isinstance(block, Prose):
                yield where, block.text, "tool"
            elif isinstance(block, Quote):
                yield from _value(where, block.value)
            elif isinstance(block, Drawing):
                yield where, block.title, "tool"
            else:
                yield from _table(where, block)


def _table(where: str, table: Table, /) -> Iterator[tuple[str, Text, str]]:
    for row in table.rows:
        for cell in row:
            if isinstance(cell, Field):
                yield from _value(where, cell)


def _value(where: str, value: Field, /) -> Iterator[tuple[str, Text, str]]:
    # A measured value is the name or number of something; only what somebody wrote or computed can claim.
    if value.state is not FieldState.MANUFACTURER and not value.quoted:
        yield where, value.text, "measured" if value.state is FieldState.MEASURED else "written"


def _refusal(document: Document, /, *, where: str, found: str, why: str) -> WordingError:
    return WordingError(
        f'A document says "{found}": {why}.',
        where=f"{document.stem}, {where}",
        allowed="measured values, declared texts without claims, and placeholders",
        remedy="Reword the text in the file it comes from, or give the fact in the signed manufacturer file.",
    )
