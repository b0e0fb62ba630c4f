"""Words that may stand in a cleaned description: what is known to be harmless, not what looks harmless."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["clean_text", "is_term", "is_vocabulary"]

# A word, a run of Chinese characters, or a number of at most four digits with its sign, decimals and unit.
_TOKEN = re.compile(r"[A-Za-z]+|[0-9]+(?:[.,][0-9]+)?|[\u4e00-\u9fff]+|[^\sA-Za-z0-9\u4e00-\u9fff]")
_SHORT_NUMBER = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,3})?")
_PUNCTUATION = frozenset("+-/_.,:;()[]*%=&|")
_LONGEST_CHINESE_WORD = 6
_CODED_WORD = re.compile(r"[A-Za-z]+|[0-9]+")
_LONGEST_SHORT_TERM = 4


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


def is_term(text: str, /) -> bool:
    """Tell whether a coded string may be a defined term: words of the vocabulary, or of at most four letters or digits.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    text
        One value of a coded string.
    """
    words = _CODED_WORD.findall(text)
    return all(len(word) <= _LONGEST_SHORT_TERM or word.lower() in _words() for word in words) or is_vocabulary(text)


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
