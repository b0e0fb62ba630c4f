"""A document before it has a format: sections of prose, tables and drawings, every value with its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.evidence.fields import Field, FieldState, Text, same

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "NOTICE",
    "Block",
    "Cell",
    "Document",
    "Drawing",
    "Layer",
    "Nature",
    "Prose",
    "Quote",
    "Section",
    "Table",
    "facts",
    "fields_of",
    "row_sources",
]

# Rule H12: this stands first in every document, in both languages.
NOTICE = Text(
    "This document is draft evidence about a software component. The component is not a medical device, it states no "
    "intended use of its own, and no authority has reviewed it.",
    "本文件是关于一个软件组件的证据草稿。该组件不是医疗器械,自身不声明预期用途,未经任何监管机构审评。",
)


class Nature(StrEnum):
    """What kind of cases a result was measured on; anything but patients is said in title, column and file name.

    :implements: SRS-EVID-008, SDS-EVID-003
    """

    SOFTWARE = "software"  # no cases: tests of the software itself
    PHANTOM = "phantom"
    RESEARCH = "research"  # a public data set or other data not collected for this purpose
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Prose:
    """A sentence that the tool writes: no figures, no claims.

    :implements: SRS-EVID-002, SDS-EVID-003

    Parameters
    ----------
    text
        The words.
    """

    text: Text


@dataclass(frozen=True, slots=True)
class Quote:
    """A paragraph that the project wrote, or another value that stands as a paragraph of its own.

    :implements: SRS-EVID-001, SDS-EVID-003

    Parameters
    ----------
    value
        The words with their source.
    style
        ``text``, ``bullet`` or ``code``.
    """

    value: Field
    style: str = "text"


Cell = Field | Text  # a text is a name that the tool writes: no figure, no claim


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values.

    :implements: SRS-EVID-001, SDS-EVID-003

    Parameters
    ----------
    title
        Stands above the table.
    columns
        Their names; a last column for the sources is added by the renderers.
    rows
        As many values as columns in each.
    weights
        Relative widths of the columns; equal if empty.
    nature
        What kind of cases the values were measured on.
    """

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    weights: tuple[int, ...] = ()
    nature: Nature = Nature.SOFTWARE

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.columns):
            message = f"{self.title.en}: {len(self.columns)} columns, {len(self.weights)} weights"
            raise ValueError(message)
        for row in self.rows:
            if len(row) != len(self.columns):
                message = f"{self.title.en}: {len(self.columns)} columns, a row has {len(row)}"
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Layer:
    """One floor of a drawn architecture.

    :implements: SRS-EVID-031, SDS-EVID-003

    Parameters
    ----------
    names
        The modules that stand beside each other on it.
    uses_below
        Whether the rules let it use the floor right below.
    """

    names: tuple[str, ...]
    uses_below: bool = True


@dataclass(frozen=True, slots=True)
class Drawing:
    """Floors of a program, the highest first.

    :implements: SRS-EVID-031, SDS-EVID-003

    Parameters
    ----------
    title
        Stands below the drawing.
    layers
        From top to bottom.
    source
        Where the floors are written.
    """

    title: Text
    layers: tuple[Layer, ...]
    source: Field


Block = Prose | Quote | Table | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its blocks.

    :implements: SRS-EVID-017, SDS-EVID-003

    Parameters
    ----------
    title
        The heading.
    blocks
        In order.
    answers
        The identifiers of the outline rows that this section answers.
    level
        1 or 2.
    """

    title: Text
    blocks: tuple[Block, ...]
    answers: tuple[str, ...] = ()
    level: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the set.

    :implements: SRS-EVID-017, SDS-EVID-003

    Parameters
    ----------
    artefact
        Its identifier in the artefact map.
    stem
        Its file name without language and ending.
    title
        Its title.
    sections
        In order.
    draft_of
        The title of the draft guidance that asks for it, where only a draft does; printed in the title.
    nature
        What kind of cases its results were measured on.
    landscape
        Whether pages lie on their long side.
    """

    artefact: str
    stem: str
    title: Text
    sections: tuple[Section, ...]
    draft_of: Text = field(default_factory=lambda: same(""))
    nature: Nature = Nature.SOFTWARE
    landscape: bool = False

    @property
    def has_content(self) -> bool:
        """Whether any value but a placeholder or a missing measurement stands in it, its cover table excepted."""
        return any(not each.missing for section in self.sections[1:] for each in _in_blocks(section.blocks))

    @property
    def lacks_measurement(self) -> bool:
        """Whether a measurement is missing in it."""
        return any(each.missing and each.state is FieldState.MEASURED for each in fields_of(self))


def facts(title: Text, /, *rows: tuple[Text, Field]) -> Table:
    """Return a table of two columns, name and value.

    :implements: SRS-EVID-001, SDS-EVID-003

    Parameters
    ----------
    title
        Stands above it.
    rows
        Name and value.
    """
    return Table(title, (Text("Item", "项目"), Text("Value", "内容")), rows, weights=(2, 5))


def fields_of(document: Document, /) -> Iterator[Field]:
    """Yield every value of a document, in order.

    :implements: SRS-EVID-001, SDS-EVID-003

    Parameters
    ----------
    document
        To walk.
    """
    for section in document.sections:
        yield from _in_blocks(section.blocks)


def row_sources(row: tuple[Cell, ...], /) -> tuple[str, ...]:
    """Return the sources of a row's values, each once, in order.

    :implements: SRS-EVID-022, SDS-EVID-003

    Parameters
    ----------
    row
        Of a table.
    """
    return tuple(dict.fromkeys(source for each in row if isinstance(each, Field) for source in each.sources))


def _in_blocks(blocks: tuple[Block, ...], /) -> Iterator[Field]:
    for block in blocks:
        if isinstance(block, Quote):
            yield block.value
        elif isinstance(block, Table):
            for row in block.rows:
                yield from (each for each in row if isinstance(each, Field))
        elif isinstance(block, Drawing):
            yield block.source
