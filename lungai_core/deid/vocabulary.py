"""Words that may stand in a cleaned description: what is known to be harmless, not what looks harmless."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lungai_core.deid.values import SUSPICIOUS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["clean_technical", "clean_text", "is_term", "is_vocabulary"]

# A word, a run of Chinese characters, or a number of at most four digits with its sign, decimals and unit.
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+(?:[.,][0-9]+)?|[\u4e00-\u9fff]+|[^\sA-Za-z0-9\u4e00-\u9fff]")
_SHORT_NUMBER = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,3})?")
_PUNCTUATION = frozenset("+-/_.,:;()[]*%=&|")
_PUNCTUATION_OF_NAMES = _PUNCTUATION - frozenset("._")
_LONGEST_CHINESE_WORD = 6
_WORD_OR_NUMBER = re.compile(r"[A-Za-z]+|[0-9]+")
_TECHNICAL_TOKEN = re.compile(r"[A-Za-z0-9._]+|[\u4e00-\u9fff]+|[^\sA-Za-z0-9._\u4e00-\u9fff]")
_MOST_DIGITS_OF_A_TERM = 4
_MOST_UNKNOWN_LETTERS, _MOST_UNKNOWN_RUNS = 2, 3
_MOST_DIGITS_IN_A_ROW, _MOST_DIGITS_OF_A_VERSION = 3, 6
_YEAR = re.compile(r"20[0-4][0-9]")


def is_vocabulary(text: str, /) -> bool:
    """Tell whether a text consists of known words, short numbers and punctuation only.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    text
        Decoded text.
    """
    tokens = _TOKEN.findall(text)
    return bool(tokens) and all(_is_known(token, frozenset()) for token in tokens)


def is_term(text: str, /, *, known_values: frozenset[str] = frozenset(), extra_words: Iterable[str] = ()) -> bool:
    """Tell whether one value of a coded string may be a defined term.

    It is one as a whole (the terms of PS3.3 that dciodvfy knows), or made of known words, at most one unknown word of
    two letters that is none of the patient's, and at most four digits.

    :implements: SRS-DEID-013, SDS-DEID-011

    Parameters
    ----------
    text
        One value of a coded string.
    known_values
        Lower-case words of the patient's own values.
    extra_words
        Words that the profile allows on top.
    """
    value = text.strip()
    if value.upper() in _terms():
        return True
    runs = _WORD_OR_NUMBER.findall(value)
    known = _technical_words(tuple(extra_words))
    unknown = [run for run in runs if run.isalpha() and run.lower() not in known]
    digits = sum(len(run) for run in runs if run.isdigit())
    short = all(len(run) <= _MOST_UNKNOWN_LETTERS and run.lower() not in known_values for run in unknown)
    return short and len(unknown) <= 1 and digits <= _MOST_DIGITS_OF_A_TERM


def clean_technical(text: str, /, *, known_values: frozenset[str], extra_words: Iterable[str] = ()) -> str:
    """Return the values of a technical text without what is neither a known word nor the form of a version.

    :implements: SRS-DEID-013, SDS-DEID-011

    Parameters
    ----------
    text
        Decoded text, backslashes between its values.
    known_values
        Lower-case words of the patient's own values: never kept.
    extra_words
        Words that the profile allows on top.

    Returns
    -------
    str
        As many values as before; empty if nothing may stay in any of them.
    """
    known = _technical_words(tuple(extra_words))
    values = [_technical_value(value, known, known_values) for value in text.split("\\")]
    return "\\".join(values) if any(letter.isalnum() for value in values for letter in value) else ""


def _technical_value(value: str, known: frozenset[str], known_values: frozenset[str]) -> str:
    kept: list[str] = []
    end = 0
    value = SUSPICIOUS.sub(lambda found: " " * len(found.group()), value)
    for found in _TECHNICAL_TOKEN.finditer(value):
        token = found.group()
        if token[0] >= "\u4e00" and token[0] <= "\u9fff":
            token = _known_chinese(token, known_values)
        elif token[0] not in _PUNCTUATION_OF_NAMES and not _is_technical(token, known, known_values):
            continue
        if token:
            kept.append((" " if kept and found.start() > end else "") + token)
            end = found.end()
    cleaned = "".join(kept).strip()
    return cleaned if any(letter.isalnum() for letter in cleaned) else ""


def _is_technical(token: str, known: frozenset[str], known_values: frozenset[str]) -> bool:
    if token.lower() in known and token.lower() not in known_values:
        return True
    runs = _WORD_OR_NUMBER.findall(token)
    if not runs or any(run.lower() in known_values for run in runs):
        return False
    unknown = [run for run in runs if run.isalpha() and run.lower() not in known]
    numbers = [run for run in runs if run.isdigit()]
    if any(len(run) > _MOST_UNKNOWN_LETTERS for run in unknown) or len(unknown) > _MOST_UNKNOWN_RUNS:
        return False
    # A word of two letters alone may be a name; a single letter is a kernel or an axis.
    if unknown and not numbers and len(token) > 1:
        return False
    alone = len(runs) == 1
    in_a_row = all(len(run) <= _MOST_DIGITS_IN_A_ROW or (not alone and _YEAR.fullmatch(run)) for run in numbers)
    return in_a_row and sum(len(run) for run in numbers) <= _MOST_DIGITS_OF_A_VERSION


def clean_text(text: str, /, *, known_values: frozenset[str], extra_words: Iterable[str] = ()) -> str:
    """Return a text without each token that is not known to be harmless or that belongs to the patient.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    text
        Decoded text.
    known_values
        Lower-case words of the patient's own values (names, identifiers): never kept, even if the vocabulary has them.
    extra_words
        Words that the profile allows on top.

    Returns
    -------
    str
        The kept tokens with single spaces; empty if nothing may stay.
    """
    extra = frozenset(word.lower() for word in extra_words)
    kept: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        pieces = _known_chinese(token, known_values) if token[0] >= "\u4e00" and token[0] <= "\u9fff" else token
        if pieces and (pieces != token or (_is_known(token, extra) and token.lower() not in known_values)):
            gap = " " if kept and found.start() > end else ""
            kept.append(gap + pieces)
            end = found.end()
    cleaned = "".join(kept).strip()
    return cleaned if any(letter.isalnum() for letter in cleaned) else ""


def _is_known(token: str, extra: frozenset[str]) -> bool:
    if token[0] >= "\u4e00" and token[0] <= "\u9fff":
        return _known_chinese(token, frozenset()) == token
    lower = token.lower()
    return lower in _words() or lower in extra or token in _PUNCTUATION or bool(_SHORT_NUMBER.fullmatch(token))


def _known_chinese(text: str, known_values: frozenset[str]) -> str:
    # Longest match from the left; what no term covers is dropped.
    kept: list[str] = []
    position = 0
    while position < len(text):
        for length in range(min(_LONGEST_CHINESE_WORD, len(text) - position), 0, -1):
            piece = text[position : position + length]
            if piece in _words() and piece not in known_values:
                kept.append(piece)
                position += length
                break
        else:
            position += 1
    return "".join(kept)


@cache
def _words() -> frozenset[str]:
    text = (files("lungai_core.deid") / "tables" / "vocabulary.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.lower().split())


@cache
def _technical_words(extra_words: tuple[str, ...]) -> frozenset[str]:
    return _words() | _device_words() | {word.lower() for word in extra_words}


@cache
def _device_words() -> frozenset[str]:
    text = (files("lungai_core.deid") / "tables" / "devices.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.lower().split())


@cache
def _terms() -> frozenset[str]:
    text = (files("lungai_core.deid") / "tables" / "terms.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["terms"])
