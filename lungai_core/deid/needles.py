"""Needles: the byte patterns by which a removed value would be recognised if it were still there."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from lungai_core.deid.values import DUMMY_WORD, dummy_of
from lungai_core.deid.vocabulary import is_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["contains_needle", "decode_text", "encodings_of", "needles_of"]

# PS3.5 section 6.1.3: tab, line feed, carriage return, and escape for ISO 2022.
_CONTROLS_OF_TEXT, _FIRST_PRINTABLE = b"\t\n\r\x1b", ord(" ")
_SHORTEST, _SHORTEST_NUMBER, _SHORTEST_FOREIGN = 4, 6, 2
_STRONG_VRS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UN", "UR", "UT", "OB"})
_NAME_SEPARATORS = re.compile(r"[\\^=\s,;/&]+")
_LONG_TOKEN = re.compile(r"[A-Za-z0-9._+@-]*\d[A-Za-z0-9._+@-]*")
_SHORTEST_TOKEN_IN_TEXT = 6
_SOME_LENGTH = re.compile(r"[A-Za-z]{3}|\d{4}")
_SHORTEST_INSIDE_A_WORD = 6
_LONGEST = 256
_OUR_OWN = frozenset(
    {
        DUMMY_WORD.lower(),
        "anonymous",
        "anonymized",
        "deidentified",
        "unknown",
        "none",
        "99lungai",
        "urn:removed",
        "pdf-1.4",
        "%pdf-1.4",
    }
)
_REGISTERED_ROOT = "1.2.840.10008."
# PS3.3 C.12.1.1.2: the defined terms and what Python calls them.
_PARTS = {
    "100": "latin_1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "144": "iso_ir_144",
    "127": "iso_ir_127",
    "126": "iso_ir_126",
    "138": "iso_ir_138",
    "148": "iso_ir_148",
    "203": "iso8859_15",
    "166": "iso_ir_166",
    "13": "shift_jis",
}
_ENCODINGS = (
    {"": "iso8859", "ISO_IR 6": "iso8859", "ISO 2022 IR 6": "iso8859"}
    | {f"ISO_IR {number}": name for number, name in _PARTS.items()}
    | {f"ISO 2022 IR {number}": name for number, name in _PARTS.items()}
    | {"ISO 2022 IR 87": "iso2022_jp", "ISO 2022 IR 159": "iso2022_jp_2", "ISO 2022 IR 149": "euc_kr"}
    | {"ISO 2022 IR 58": "iso_ir_58", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}
)
_ESCAPE = b"\x1b"


@lru_cache(maxsize=256)
def encodings_of(charset: str, /) -> tuple[str, ...] | None:
    """Return Python's names for a Specific Character Set, or None where a term is not defined by DICOM.

    :implements: SRS-DEID-006, SDS-DEID-004

    Parameters
    ----------
    charset
        The attribute's text, backslashes between terms; empty for the default repertoire.
    """
    terms = [term.strip().upper() for term in charset.split("\\")]
    if any(term not in _ENCODINGS for term in terms):
        return None
    return tuple(_ENCODINGS[term] for term in terms)


def decode_text(value: bytes, encodings: tuple[str, ...] | None, /) -> str:
    """Decode a text; bytes that do not fit come back as surrogates, so that nothing is lost and nothing raises.

    :implements: SRS-DEID-006, SDS-DEID-004

    Parameters
    ----------
    value
        The bytes of the element.
    encodings
        As :func:`encodings_of` returns them.
    """
    if value.isascii() and _ESCAPE not in value:
        return value.decode("ascii")
    try:
        if encodings is None or (_ESCAPE not in value and encodings[0] in ("iso8859", "ascii", "iso_ir_6")):
            return value.decode("utf-8")
        if _ESCAPE in value:
            from pydicom.charset import decode_bytes  # noqa: PLC0415  # code extensions are rare, the import is heavy

            # An escape that no set has announced is damage, not news: the text is judged as it can be read.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return decode_bytes(value, list(encodings), set())
        return value.decode(encodings[0])
    except (ValueError, LookupError):
        return value.decode("utf-8", "surrogateescape")


def needles_of(
    value: bytes, vr: str, /, *, encodings: tuple[str, ...] | None, words_tell: bool = True
) -> frozenset[bytes]:
    """Return the lower-case byte patterns that betray a removed value.

    :implements: SRS-DEID-008, SDS-DEID-005

    Parameters
    ----------
    value
        The bytes of the removed element.
    vr
        Its VR. Names give their components, texts their long tokens with digits, everything its single values. Dates,
        times and numbers give none: they are too short to be told from measurements.
    encodings
        The character sets of the data set.
    words_tell
        False for descriptions and private texts: "PERFUSION" in a series description says nothing where it stands in an
        image type too. Names inside of such a text are found by the patterns of the names themselves.
    """
    if vr not in _STRONG_VRS or len(value) > 1 << 16:
        return frozenset()
    if vr in ("OB", "UN") and not _is_text(value):
        return frozenset()
    text = decode_text(value.strip(b" \0"), encodings)
    found: set[bytes] = set()
    for part in _parts(text, vr):
        if _is_telling(part, vr) and (words_tell or not part.isascii() or _may_identify(part)):
            found |= _spellings(part, encodings)
    if not value.isascii():
        found |= {
            piece.lower() for piece in value.split(b"\\") if len(piece.strip()) >= _SHORTEST and not piece.isascii()
        }
    return frozenset(found)


def contains_needle(content: bytes, needles: Iterable[bytes], /) -> bool:
    """Tell whether a lower-case content holds one of the patterns.

    :implements: SRS-DEID-008, SDS-DEID-005

    A number counts as a whole or as a component of a UID, a short name as a word.

    Parameters
    ----------
    content
        The bytes to look into, lower case.
    needles
        Patterns as :func:`needles_of` returns them.
    """
    return any(needle in content and _stands_alone(content, needle) for needle in needles)


def _stands_alone(content: bytes, needle: bytes) -> bool:
    if needle.isdigit():
        # Not the digits behind a decimal point; but a component of a UID, which has a dot more than any number.
        alone, last, first = rb"(?<![\d.])%b(?![\d.])", rb"\.\d+\.%b(?!\d)", rb"(?<!\d)%b\.\d+\."
        return re.search(b"|".join((alone, last, first)) % ((needle,) * 3), content) is not None
    if len(needle) < _SHORTEST_INSIDE_A_WORD and needle.isalpha():
        return re.search(rb"(?<![a-z])" + needle + rb"(?![a-z])", content) is not None
    return True


def _parts(text: str, vr: str) -> Iterable[str]:
    yield from (part.strip(" \0") for part in text.split("\\"))
    if vr == "PN":
        yield from _NAME_SEPARATORS.split(text)
    elif vr != "UI":
        yield from (token for token in _LONG_TOKEN.findall(text) if len(token) >= _SHORTEST_TOKEN_IN_TEXT)


def _is_telling(part: str, vr: str) -> bool:
    if not part or part.lower() in _OUR_OWN or part.startswith("P-") or len(part) > _LONGEST:
        return False
    if vr == "UI" and part.startswith(_REGISTERED_ROOT):
        return False
    if not part.isascii():
        return len(part) >= _SHORTEST_FOREIGN
    if part.isdigit():
        return len(part) >= _SHORTEST_NUMBER and part != dummy_of("DA").decode()
    return len(part) >= _SHORTEST and (vr == "PN" or not is_vocabulary(part))


def _may_identify(part: str) -> bool:
    # In a description: a word or number of some length with a digit; "ml/100ml/s" is a unit.
    return any(letter.isdigit() for letter in part) and _SOME_LENGTH.search(part) is not None


def _spellings(part: str, encodings: tuple[str, ...] | None) -> set[bytes]:
    if part.isascii():
        return {part.lower().encode("ascii")}
    spellings: set[bytes] = set()
    for name in {"utf-8", "gb18030", *(encodings or ())}:
        try:
            spelled = part.encode(name)
        except (UnicodeEncodeError, LookupError):
            continue
        spellings.add(spelled.lower())
    return spellings


def _is_text(value: bytes) -> bool:
    stripped = value.strip(b" \0")
    if len(stripped) < _SHORTEST:
        return False
    return all(byte >= _FIRST_PRINTABLE or byte in _CONTROLS_OF_TEXT for byte in stripped)
