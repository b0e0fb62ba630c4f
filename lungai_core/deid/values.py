"""Values: dummies, shifted dates, and the rules by which a value is plain enough to be kept."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DUMMY_WORD", "dummy_of", "is_plain", "shift_dates"]

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
    "DS": re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *"),
    "IS": re.compile(r" *[+-]?\d{1,12} *"),
    "TM": re.compile(rf" *{_TIME.pattern} *(?:- *{_TIME.pattern})? *"),
    "UI": re.compile(r"[0-9.]{1,64}"),
}
# What a technical text never needs and an identifier often has: a name's caret, an address sign, a protocol, seven
# digits in a row (telephone, hospital, national numbers), a date with separators.
_SUSPICIOUS = re.compile(
    r"[\^@]|://|\d{7}|\d{3,4}[- ]\d{4}|\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?!\d*\.)|[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]"
)
_CODE_SUSPICIOUS = re.compile(r"[\^@]|://|[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DIGITS_OF_A_CODE = re.compile(r"\d{7,18}")
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
        return not _SUSPICIOUS.search(value)
    pattern = _PLAIN.get(vr)
    return pattern is None or all(pattern.fullmatch(part) or not part.strip() for part in value.split("\\"))


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
