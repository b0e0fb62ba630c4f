"""What all renderers share: the words around a document, numbering, and how a value is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.evidence.document import Nature, Table, row_sources
from lungai_core.evidence.fields import Field, FieldState, Language, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.evidence.document import Cell, Document, Section

__all__ = ["Edition", "Mark", "breakable", "cell_mark", "columns_of", "file_name", "numbered", "rows_of", "title_of"]

SOURCE = Text("Source", "来源")
PAGE = Text("page", "页")
STATE_NOTE = Text(
    "Values carry the identifier of their source: M measured, D declared, F derived by a formula, X absent record, "
    "TBC to be completed by the manufacturer. manifest.json resolves each identifier to file, hash, tool and time.",
    "每个数值均带有来源标识:M 测量,D 声明,F 由公式得出,X 缺失的记录,TBC 由注册申请人填写。"
    "manifest.json 将每个标识解析为文件、哈希、工具和时间。",
)
_NATURE = {
    Nature.PHANTOM: Text("PHANTOM CASES, NOT PATIENTS", "体模病例,非患者"),
    Nature.RESEARCH: Text("RESEARCH DATA, NOT A CLINICAL INVESTIGATION", "研究数据,非临床试验"),
}
_LONG_WORD_SIGNS, _PIECE_SIGNS = 18, 24
_AFTER = re.compile(r"(?<=[/_:.,=@-])(?=[A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Edition:
    """What stands in the header of every page.

    :implements: SRS-EVID-019, SDS-EVID-011

    Parameters
    ----------
    component, version, commit
        Of the component.
    time
        ISO 8601: that of the commit; it is the date of the document, so that no clock is read.
    """

    component: str
    version: str
    commit: str
    time: str

    @property
    def line(self) -> str:
        """Component, version and commit, as printed."""
        return f"{self.component} {self.version} · {self.commit[:12] or 'no commit'}"


class Mark:
    """How a cell is to be noticed: the names of three styles.

    :implements: SRS-EVID-003, SDS-EVID-011
    """

    PLAIN = "plain"
    MISSING = "missing"
    OPEN = "open"
    BAD = "bad"


_BAD = frozenset({"FAILED", "NOT VERIFIED", "STALE", "SUSPECT", "INCOMPLETE", "failed", "error", "POST-HOC"})


def cell_mark(cell: Cell, /) -> str:
    """Return how a cell is to be noticed.

    :implements: SRS-EVID-003, SDS-EVID-011

    Parameters
    ----------
    cell
        Of a table.
    """
    if not isinstance(cell, Field):
        return Mark.PLAIN
    if cell.missing:
        return Mark.OPEN if cell.state is FieldState.MANUFACTURER else Mark.MISSING
    return Mark.BAD if cell.text.en in _BAD else Mark.PLAIN


def file_name(document: Document, /, *, language: Language, ending: str) -> str:
    """Return the name of a rendered document: letters, digits, underscores; phantom and research results say so.

    :implements: SRS-EVID-008, SRS-EVID-026, SDS-EVID-011

    Parameters
    ----------
    document
        To name.
    language
        Of the file.
    ending
        Without the dot.
    """
    nature = f"_{document.nature.upper()}" if document.nature in _NATURE else ""
    return f"{document.stem}{nature}_{language}.{ending}"


def title_of(document: Document, language: Language, /) -> str:
    """Return a document's title with its labels.

    :implements: SRS-EVID-008, SRS-EVID-009, SDS-EVID-011

    Parameters
    ----------
    document, language
        What and in which words.
    """
    title = document.title.in_language(language)
    label = _NATURE.get(document.nature)
    return f"{title} [{label.in_language(language)}]" if label else title


def table_title(table: Table, language: Language, /) -> str:
    """Return a table's title with the label of its cases.

    :implements: SRS-EVID-008, SDS-EVID-011

    Parameters
    ----------
    table, language
        What and in which words.
    """
    title = table.title.in_language(language)
    label = _NATURE.get(table.nature)
    return f"{title} [{label.in_language(language)}]" if label else title


def columns_of(table: Table, language: Language, /) -> tuple[tuple[str, float], ...]:
    """Return each column's name and its share of the width, the sources' column last.

    :implements: SRS-EVID-008, SRS-EVID-022, SDS-EVID-011

    Parameters
    ----------
    table, language
        What and in which words.
    """
    weights = table.weights or (1,) * len(table.columns)
    source_share = 0.09
    total = sum(weights) / (1 - source_share)
    label = _NATURE.get(table.nature)
    mark = f" [{label.in_language(language)}]" if label else ""
    named = tuple(
        (column.in_language(language) + (mark if position == len(table.columns) - 1 else ""), weight / total)
        for position, (column, weight) in enumerate(zip(table.columns, weights, strict=True))
    )
    return (*named, (SOURCE.in_language(language), source_share))


def rows_of(table: Table, language: Language, /) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield each row as pairs of words and mark, the sources last.

    :implements: SRS-EVID-022, SDS-EVID-011

    Parameters
    ----------
    table, language
        What and in which words.
    """
    for row in table.rows:
        cells = tuple((_words(cell, language), cell_mark(cell)) for cell in row)
        yield (*cells, (" ".join(row_sources(row)), Mark.PLAIN))


def numbered(sections: tuple[Section, ...], language: Language, /) -> Iterator[tuple[str, int, Section]]:
    """Yield each section with its numbered heading and its level.

    :implements: SRS-EVID-019, SDS-EVID-011

    Parameters
    ----------
    sections
        Of a document.
    language
        Of the heading.
    """
    first = second = 0
    for section in sections:
        if section.level == 1:
            first, second = first + 1, 0
            number = str(first)
        else:
            second += 1
            number = f"{first}.{second}"
        yield f"{number}  {section.title.in_language(language)}", section.level, section


def breakable(text: str, mark: str, /, *, signs: int = _PIECE_SIGNS) -> str:
    """Return a text in which long words may be broken after separators and every so many signs.

    :implements: SRS-EVID-019, SDS-EVID-011

    Parameters
    ----------
    text
        Any.
    mark
        What is put in where a line may end, such as a zero-width space.
    signs
        How many stand on a line at most: what fits a narrow column is not broken, and what does not is.
    """
    long_word = rf"[^\s\u3000-\u9fff]{{{min(_LONG_WORD_SIGNS, signs + 1)},}}"
    return re.sub(long_word, lambda match: _pieces(match.group(0), mark, signs), text)


def _pieces(word: str, mark: str, signs: int, /) -> str:
    piece = rf"(.{{{signs}}})(?=.)"
    return mark.join(re.sub(piece, rf"\g<1>{mark}", part) for part in _AFTER.split(word))


def _words(cell: Cell, language: Language, /) -> str:
    return (cell.text if isinstance(cell, Field) else cell).in_language(language)
