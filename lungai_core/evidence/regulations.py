"""What the authorities and standards ask for, as data: outlines of headings and clauses, and the map of artefacts.

A new edition of a guidance or standard changes the JSON files in the folder ``profiles`` and no code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lungai_core.evidence.fields import Text

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["Artefact", "Authority", "Origin", "Outline", "OutlineRow", "Regulations", "load_regulations"]

_OUTLINE_FILES = ("outlines.json", "eu_mdr.json")


class Authority(StrEnum):
    """A tree of documents that can be built.

    :implements: SRS-EVID-030, SDS-EVID-005
    """

    FDA = "fda"
    NMPA = "nmpa"
    EU = "eu"


class Origin(StrEnum):
    """Who can answer a row.

    :implements: SRS-EVID-030, SDS-EVID-005
    """

    AUTO = "auto"  # measured evidence alone
    ASSIST = "assist"  # the tool fills tables, a person writes and accepts the rest
    MANUAL = "manual"  # the manufacturer alone
    CONTENT = "content"  # a content asked for inside an element: answered only where a section says so
    CAPABILITY = "capability"  # one of the security capabilities


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A heading, element or clause.

    :implements: SRS-EVID-030, SDS-EVID-005

    Parameters
    ----------
    row_id
        Unique over all outlines.
    title
        In own words; not the text of a standard.
    artefact
        The document that answers it.
    origin
        Who can answer it.
    classes
        The software safety classes that it applies to; empty for all.
    note
        What the answer rests on.
    not_applicable
        Why it does not apply to a software component; empty if it does.
    """

    row_id: str
    title: Text
    artefact: str
    origin: Origin
    classes: str = ""
    note: str = ""
    not_applicable: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """The headings of one guidance or standard, in its order.

    :implements: SRS-EVID-009, SRS-EVID-030, SDS-EVID-005

    Parameters
    ----------
    outline_id, authority
        Its key, and ``fda``, ``nmpa``, ``eu`` or ``common``.
    title, edition, status
        Its name, edition, and ``final`` or ``draft``.
    source_status
        How far its text was read when the data were made.
    rows
        The headings.
    """

    outline_id: str
    authority: str
    title: Text
    edition: str
    status: str
    source_status: str
    rows: tuple[OutlineRow, ...]

    @property
    def heading(self) -> Text:
        """Its name with its edition, and the word draft where it is one."""
        if self.status == "draft":
            return Text(
                f"{self.title.en} ({self.edition}, DRAFT guidance, not for implementation)",
                f"{self.title.zh}({self.edition},草案 DRAFT,不得用于实施)",
            )
        return Text(f"{self.title.en} ({self.edition})", f"{self.title.zh}({self.edition})")


@dataclass(frozen=True, slots=True)
class Artefact:
    """A document that answers several authorities at once.

    :implements: SRS-EVID-030, SDS-EVID-005

    Parameters
    ----------
    artefact_id, stem, title
        Its key, file name and name.
    origin
        Who can write it.
    fda, estar, imdrf, mdr, nmpa
        Where each authority expects it, as the artefact map says.
    """

    artefact_id: str
    stem: str
    title: Text
    origin: Origin
    fda: str
    estar: str
    imdrf: str
    mdr: str
    nmpa: str


@dataclass(frozen=True, slots=True)
class Regulations:
    """All outlines and artefacts.

    :implements: SRS-EVID-030, SDS-EVID-005

    Parameters
    ----------
    outlines, artefacts
        In the order of the data.
    data
        The bytes of the files that they were read from, by name.
    """

    outlines: tuple[Outline, ...]
    artefacts: tuple[Artefact, ...]
    data: tuple[tuple[str, bytes], ...]

    def rows_of(self, artefact_id: str, /) -> tuple[tuple[Outline, OutlineRow], ...]:
        """Return the rows that a document answers, with the outline of each.

        :implements: SRS-EVID-017, SDS-EVID-005

        Parameters
        ----------
        artefact_id
            Of the document.
        """
        return tuple((outline, row) for outline in self.outlines for row in outline.rows if row.artefact == artefact_id)


def load_regulations(folder: Traversable | None = None, /) -> Regulations:
    """Read the outlines and the artefact map.

    :implements: SRS-EVID-030, SDS-EVID-005

    Parameters
    ----------
    folder
        Where other editions of the data files stand; the package's own if absent.
    """
    return _packaged() if folder is None else _load(folder)


@cache
def _packaged() -> Regulations:
    return _load(files("lungai_core.evidence").joinpath("profiles"))


def _load(folder: Traversable, /) -> Regulations:
    names = (*_OUTLINE_FILES, "artefacts.json")
    data = tuple((name, folder.joinpath(name).read_bytes()) for name in names)
    content = {name: json.loads(text) for name, text in data}
    outlines = tuple(_outline(each) for name in _OUTLINE_FILES for each in content[name]["outlines"])
    artefacts = tuple(
        Artefact(
            artefact_id=each["id"],
            stem=each["stem"],
            title=Text(each["title_en"], each["title_zh"]),
            origin=Origin(each["origin"]),
            fda=each["fda"],
            estar=each["estar"],
            imdrf=each["imdrf"],
            mdr=each["mdr"],
            nmpa=each["nmpa"],
        )
        for each in content["artefacts.json"]["artefacts"]
    )
    return Regulations(outlines, artefacts, data)


def _outline(each: dict[str, Any], /) -> Outline:
    return Outline(
        outline_id=each["id"],
        authority=each["authority"],
        title=Text(each["title_en"], each["title_zh"]),
        edition=each["edition"],
        status=each["status"],
        source_status=each["source_status"],
        rows=tuple(
            OutlineRow(
                row_id=row["id"],
                title=Text(row["title_en"], row["title_zh"]),
                artefact=row["artefact"],
                origin=Origin(row["origin"]),
                classes=row.get("classes", ""),
                note=row.get("note", ""),
                not_applicable=row.get("not_applicable", ""),
            )
            for row in each["rows"]
        ),
    )
