"""Codes: whether a code is one that somebody has published, and so says nothing about a patient."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_published_code", "is_published_meaning"]

# Schemes whose codes have a form that an identifier seldom has; a code outside of the table has to have it.
_FORMS: Mapping[str, re.Pattern[str]] = {
    "DCM": re.compile(r"1[0-3]\d{4}"),
    "SCT": re.compile(r"\d{6,18}"),
    "SRT": re.compile(r"[A-Z]\d?-[0-9A-F]{4,6}"),
    "SNM3": re.compile(r"[A-Z]\d?-[0-9A-F]{4,6}"),
    "LN": re.compile(r"\d{3,5}-\d"),
    "RADLEX": re.compile(r"RID\d{1,5}"),
    "FMA": re.compile(r"\d{4,6}"),
    "NCIt": re.compile(r"C\d{4,6}"),
    "UMLS": re.compile(r"C\d{7}"),
    "MDC": re.compile(r"\d{1,3}:\d{1,5}"),
    "BARI": re.compile(r"\d{1,2}[a-z]?"),
    "ACR": re.compile(r"\d{1,3}\.\d{1,4}"),
    "I10": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "UCUM": re.compile(r"(?!.*[A-Za-z]{5})[A-Za-z0-9%./*^+\-\[\]']{1,12}"),
    "ISO3166_1": re.compile(r"[A-Z]{2,3}"),
    "ISO639_1": re.compile(r"[a-z]{2}"),
    "RFC3066": re.compile(r"[a-z]{2}(-[A-Z]{2})?"),
    "RFC5646": re.compile(r"[a-z]{2}(-[A-Z]{2})?"),
}
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def is_published_code(scheme: str, value: str, /) -> bool:
    """Tell whether a code is in the published context groups of PS3.16, or has the form of its public scheme.

    :implements: SRS-DEID-013, SDS-DEID-011

    Parameters
    ----------
    scheme
        Coding Scheme Designator.
    value
        Code Value. A SNOMED CT code has to have its check digit.
    """
    if value in _schemes().get(scheme, ()):
        return True
    form = _FORMS.get(scheme)
    return form is not None and bool(form.fullmatch(value)) and (scheme != "SCT" or _has_check_digit(value))


def is_published_meaning(text: str, /) -> bool:
    """Tell whether a text is, as a whole, the meaning of a code of the published context groups.

    :implements: SRS-DEID-013, SDS-DEID-011

    Parameters
    ----------
    text
        Code Meaning; letter case does not count.
    """
    return text.strip().lower() in _meanings()


def _has_check_digit(digits: str) -> bool:
    # Verhoeff's: each digit is turned by its place, and the products in the dihedral group have to come to nought.
    product = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(_TIMES[product][int(_TURNS[place % 8][int(digit)])])
    return product == 0


@cache
def _schemes() -> dict[str, dict[str, str]]:
    text = (files("lungai_core.deid") / "tables" / "concepts.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)["schemes"]
    return found


@cache
def _meanings() -> frozenset[str]:
    return frozenset(meaning.lower() for codes in _schemes().values() for meaning in codes.values())
