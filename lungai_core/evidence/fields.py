"""A value in an evidence document: bilingual text, one of four states, and the sources that prove it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from lungai_core.errors import UnprovenValueError

__all__ = [
    "NOT_MEASURED",
    "PLACEHOLDER",
    "Field",
    "FieldState",
    "Language",
    "Text",
    "declared",
    "derived",
    "manufacturer",
    "measured",
    "not_measured",
    "quoted",
    "same",
    "shown",
]

_DECIMALS, _SMALL = 4, 0.01


class Language(StrEnum):
    """The languages that every document is written in.

    :implements: SRS-EVID-019, SDS-EVID-001
    """

    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in English and Chinese.

    :implements: SRS-EVID-019, SDS-EVID-001

    Parameters
    ----------
    en, zh
        Plain text. Identifiers and numbers are the same in both.
    """

    en: str
    zh: str

    def in_language(self, language: Language, /) -> str:
        """Return the words of one language.

        :implements: SRS-EVID-019, SDS-EVID-001
        """
        return self.en if language is Language.EN else self.zh


def same(text: str, /) -> Text:
    """Return a text that reads the same in both languages, such as an identifier, a number or a file name.

    :implements: SRS-EVID-019, SDS-EVID-001
    """
    return Text(text, text)


NOT_MEASURED = Text("NOT MEASURED", "未测量 NOT MEASURED")
PLACEHOLDER = Text("TO BE COMPLETED BY MANUFACTURER", "由注册申请人填写")


class FieldState(StrEnum):
    """Where a value comes from. There is no fifth state.

    :implements: SRS-EVID-001, SDS-EVID-001
    """

    MEASURED = "measured"  # read from a hashed record
    DECLARED = "declared"  # written in a tracked file
    DERIVED = "derived"  # computed by a named formula from the two above
    MANUFACTURER = "manufacturer"  # nobody in the project may fill it


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a document.

    :implements: SRS-EVID-001, SDS-EVID-001

    Parameters
    ----------
    state
        Where the value comes from.
    text
        The words or the number as printed.
    sources
        Identifiers of the :class:`~lungai_core.evidence.sources.Source` records that it was taken from; at least one.
    pointer
        For a measured value, where in the source it stands (JSON pointer); the value can be read again from there.
    missing
        The value was to be measured and was not, or was to be completed and was not.
    quoted
        The words are the name or message of something else, such as a test, and say nothing by themselves.
    """

    state: FieldState
    text: Text
    sources: tuple[str, ...]
    pointer: str = ""
    missing: bool = False
    quoted: bool = False

    def __post_init__(self) -> None:
        if not self.sources or not all(self.sources):
            raise UnprovenValueError(
                "A value has no source.",
                where=self.text.en[:80],
                allowed="at least one source record, or the token of a placeholder",
                remedy="Take the value from a record, a tracked file or a formula, or leave it to the manufacturer.",
            )


def measured(value: object, /, *, source: str, pointer: str) -> Field:
    """Return a value that stands in a hashed record.

    :implements: SRS-EVID-002, SDS-EVID-001

    Parameters
    ----------
    value
        As it stands in the record; :class:`~lungai_core.evidence.sources.JsonRecord` reads it there. It is printed as
        :func:`shown` says.
    source
        The record's identifier.
    pointer
        Where in the record.
    """
    return Field(FieldState.MEASURED, same(shown(value)), (source,), pointer)


def shown(value: object, /) -> str:
    """Return a value of a record as documents print it.

    :implements: SRS-EVID-002, SDS-EVID-001

    Parameters
    ----------
    value
        Of any JSON type. A number with more than four decimals is rounded to four, and below 0.01 to four digits: more
        than any interval here allows. The record that is named beside it keeps every digit.
    """
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    rounded = round(value, _DECIMALS) if abs(value) >= _SMALL else float(f"{value:.{_DECIMALS}g}")
    return str(rounded)


def not_measured(*, source: str) -> Field:
    """Return the mark that stands where a measurement should be.

    :implements: SRS-EVID-003, SDS-EVID-001

    Parameters
    ----------
    source
        The record that was looked into, or the identifier of the absent one.
    """
    return Field(FieldState.MEASURED, NOT_MEASURED, (source,), missing=True)


def declared(text: Text | str, /, *, source: str) -> Field:
    """Return a value that the project wrote in a tracked file.

    :implements: SRS-EVID-001, SDS-EVID-001

    Parameters
    ----------
    text
        As written.
    source
        The file's identifier.
    """
    return Field(FieldState.DECLARED, same(text) if isinstance(text, str) else text, (source,))


def derived(value: Text | object, /, *, sources: tuple[str, ...]) -> Field:
    """Return a value that a formula gives.

    :implements: SRS-EVID-001, SDS-EVID-001

    Parameters
    ----------
    value
        The result.
    sources
        The formula's identifier first, then those of its inputs where they are not named in the formula's record.
    """
    return Field(FieldState.DERIVED, value if isinstance(value, Text) else same(str(value)), sources)


def manufacturer(token: str, /) -> Field:
    """Return the placeholder of a value that only the manufacturer can give.

    :implements: SRS-EVID-018, SDS-EVID-001

    Parameters
    ----------
    token
        Such as ``TBC-ifu-001``: its row in the register.
    """
    text = Text(f"[{token}: {PLACEHOLDER.en}]", f"[{token}: {PLACEHOLDER.zh}]")
    return Field(FieldState.MANUFACTURER, text, (token,), missing=True)


def quoted(field: Field, /) -> Field:
    """Return a value whose words are a name or message of something else; it is not read as a claim.

    :implements: SRS-EVID-006, SDS-EVID-001

    Parameters
    ----------
    field
        Such as the name of a test.
    """
    return replace(field, quoted=True)
