"""Values: dummies, shifted dates, and the rules by which a value is plain enough to be kept."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DUMMY_WORD", "LARGEST_SEARCHED", "SUSPICIOUS", "dummy_of", "is_plain", "shift_dates", "spells_text"]

DUMMY_WORD = "REMOVED"

# One valid value per VR, so that an attribute which must not be empty stays readable.
_DUMMIES: Mapping[str, bytes] = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "AT": b"\0\0\0\0",
    "CS": b"REMOVED",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "FD": bytes(8),
    "FL": bytes(4),
    "IS": b"0",
    "LO": b"REMOVED",
    "LT": b"REMOVED",
    "OB": b"\0\0",
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "OW": b"\0\0",
    "PN": b"REMOVED",
    "SH": b"REMOVED",
    "SL": bytes(4),
    "SS": bytes(2),
    "ST": b"REMOVED",
    "SV": bytes(8),
    "TM": b"000000",
    "UC": b"REMOVED",
    "UL": bytes(4),
    "UN": b"\0\0",
    "UR": b"urn:removed",
    "US": bytes(2),
    "UT": b"REMOVED",
    "UV": bytes(8),
}

_DATE = re.compile(r"(\d{4})(?:(\.?)(\d{2})(?:\2(\d{2}))?)?")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?((?:\d{2}){0,3}(?:\.\d{1,6})?)([+-]\d{4})?")
_TIME = re.compile(r"\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d{1,6})?)?)?")
_PLAIN = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Za-z0-9_ ./+-]{0,16}"),
    # More digits in front of the point than ten, or than 31 bits, are no measurement; telephone numbers have as many.
    "DS": re.compile(r" *[+-]?(\d{1,10}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})? *"),
    "IS": re.compile(r" *[+-]?0*(\d{1,9}|1\d{9}|20\d{8}|21[0-3]\d{7}|214[0-6]\d{6}|2147[0-3]\d{5}|21474[0-7]\d{4}) *"),
    "TM": re.compile(rf" *{_TIME.pattern} *(?:- *{_TIME.pattern})? *"),
    "UI": re.compile(r"[0-9.]{1,64}"),
}
# What a technical text never needs and an identifier often has: a name's caret, an address sign, a protocol, seven
# digits in a row (telephone, hospital, national numbers), a date with separators.
SUSPICIOUS = re.compile(
    r"[\^@]|://|\d{7}|\d{3,4}[- ]\d{4}|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?!\d*\.)|[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]"
)
_CODE_SUSPICIOUS = re.compile(r"[\^@]|://|[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DIGITS_OF_A_CODE = re.compile(r"\d{7,18}")
_ALL_TEXT, _THREE_LETTERS = re.compile(rb"[\t\n\r -~]+"), re.compile(rb"[A-Za-z]{3}")
_MANY_LETTERS, LARGEST_SEARCHED = re.compile(rb"[A-Za-z^ ,.'-]{12,}"), 1 << 16
_TEXT_VRS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_TIMEZONE, _UTC_OFFSET = 0x00080201, re.compile(r"[+-]\d{4}")
_CODE_VALUES = frozenset({0x00080100, 0x00080119, 0x00080120})


def dummy_of(vr: str, /) -> bytes:
    """Return the value that stands in for a removed one of this VR.

    :implements: SRS-DEID-004, SDS-DEID-002

    Parameters
    ----------
    vr
        A value representation; sequences and UIDs have no dummy of their own.
    """
    return _DUMMIES[vr]


def shift_dates(text: str, /, *, vr: str, by: dt.timedelta) -> str | None:
    """Move each date of a DA or DT value by whole days; partial values, ranges and multiple values keep their form.

    :implements: SRS-DEID-007, SDS-DEID-004

    Parameters
    ----------
    text
        The decoded value.
    vr
        ``DA`` or ``DT``.
    by
        A whole number of days.

    Returns
    -------
    str or None
        The moved value, or None where the text is no valid value, which then has to be removed. A partial date moves
        with the first day that it covers, and keeps its precision.
    """
    moved = [_shift_range(part.strip(), vr, by) for part in text.rstrip(" \0").split("\\")]
    return None if None in moved else "\\".join(str(part) for part in moved)


def is_plain(text: str, /, *, vr: str, tag: int = 0) -> bool:
    """Tell whether a value that is kept has nothing in it that its attribute does not need.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    text
        The decoded value, multiple values separated by backslashes.
    vr
        The value representation after the dictionary.
    tag
        The attribute; code values may be long numbers, other texts may not.
    """
    value = text.rstrip(" \0")
    if not value:
        return True
    if tag == _TIMEZONE:
        return bool(_UTC_OFFSET.fullmatch(value))
    if vr in _TEXT_VRS:
        if tag in _CODE_VALUES:
            return not _CODE_SUSPICIOUS.search(value) and (value.isascii() and len(value) <= 64)  # noqa: PLR2004  # UC too
        return not SUSPICIOUS.search(value)
    pattern = _PLAIN.get(vr)
    return pattern is None or all(pattern.fullmatch(part) or not part.strip() for part in value.split("\\"))


def spells_text(value: bytes, /, *, shortest: int) -> bool:
    """Tell whether bytes that should be numbers spell text: all of them, or twelve letters in a row.

    :implements: SRS-DEID-013, SDS-DEID-011

    Parameters
    ----------
    value
        The value of a binary attribute; of a longer one than 65,536 bytes the first ones.
    shortest
        How many bytes text must have where it is all there is.
    """
    content = value.strip(b" \0")
    if len(content) >= shortest and _ALL_TEXT.fullmatch(content):
        return _THREE_LETTERS.search(content) is not None
    if len(value) >= LARGEST_SEARCHED:
        return False
    # Rising 16-bit numbers have the same letter at every other place; words have not.
    few = 2
    return any(len(set(run[::2])) > few and len(set(run[1::2])) > few for run in _MANY_LETTERS.findall(value))


def _shift_range(text: str, vr: str, by: dt.timedelta) -> str | None:
    if not text:
        return ""
    single = _shift_one(text, vr, by)
    if single is not None:
        return single
    # A hyphen separates a range in a query value, but also stands before a negative UTC offset: try each.
    for position, letter in enumerate(text):
        if letter != "-":
            continue
        start, stop = text[:position].strip(), text[position + 1 :].strip()
        ends = [_shift_one(end, vr, by) if end else "" for end in (start, stop)]
        if None not in ends and any(ends):
            return f"{ends[0]}-{ends[1]}"
    return None


def _shift_one(text: str, vr: str, by: dt.timedelta) -> str | None:
    if vr == "DA":
        found = _DATE.fullmatch(text)
        if found is None:
            return None
        year, separator, month, day = found.groups()
        rest = ""
    else:
        found = _DATE_TIME.fullmatch(text)
        if found is None:
            return None
        year, month, day, clock, offset = found.groups()
        separator, rest = "", clock + (offset or "")
    try:
        moved = dt.date(int(year), int(month or 1), int(day or 1)) + by
    except (ValueError, OverflowError):
        return None
    parts = [f"{moved.year:04d}"]
    if month:
        parts.append(f"{moved.month:02d}")
    if day:
        parts.append(f"{moved.day:02d}")
    return (separator or "").join(parts) + rest
