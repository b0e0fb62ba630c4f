"""One file in, the pieces of its de-identified copy out: gates, transformation, marks, new meta, self-scan."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.deid.bytestream import EXPLICIT, encode_element, encode_item, forget_pages
from lungai_core.deid.context import Context, Tally
from lungai_core.deid.needles import contains_needle, decode_text, encodings_of, needles_of
from lungai_core.deid.opened import OpenedFile, open_file
from lungai_core.deid.pixels import ImageFacts, blanked, matching_regions, require_no_burned_in_text
from lungai_core.deid.standard import AttributeType, Option, attribute_types, iod_of, table_edition
from lungai_core.deid.transform import Piece, Place, Transform, Transformed
from lungai_core.deid.values import is_plain
from lungai_core.deid.vocabulary import is_vocabulary
from lungai_core.errors import IdentityLeftError
from lungai_core.version import __version__

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from lungai_core.deid.bytestream import Buffer, Element, Encoding
    from lungai_core.deid.profile import Profile
    from lungai_core.deid.secret import Secret

__all__ = ["BASIC_CODE", "METHOD_CODES", "SOFTWARE", "Engine", "Released", "new_uid"]

_IMPLEMENTATION_UID = b"2.25.297063471524391816209170436352137823017"
SOFTWARE = f"lungai-core {__version__}"
_IMPLEMENTATION_NAME = SOFTWARE.upper().replace("-CORE ", "_")[:16].encode()
_CHARSET, _PATIENT_NAME, _PATIENT_ID, _ISSUER = 0x00080005, 0x00100010, 0x00100020, 0x00100021
_STUDY, _SERIES, _INSTANCE = 0x0020000D, 0x0020000E, 0x00080018
_REMOVED_MARK, _METHOD, _METHOD_CODES, _BURNED_IN, _TEMPORAL = (
    0x00120062,
    0x00120063,
    0x00120064,
    0x00280301,
    0x00280303,
)
_REFERENCE_LISTS = (0x00081115, 0x00081200)
_MOST_CONTEXTS = 64
_SHORTEST_IN_PIXELS = 6
_WINDOW_BYTES, _LONGEST_PATTERN = 1 << 20, 1 << 10

BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
METHOD_CODES = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}
_MEANING_OF = dict([BASIC_CODE, *METHOD_CODES.values(), ("113102", "Clean Recognizable Visual Features Option")])


@dataclass(frozen=True, slots=True)
class Released:
    """A de-identified file that is not yet written.

    :implements: SRS-DEID-001, SDS-DEID-005
    """

    pieces: list[Piece]
    pseudonym: str
    study_uid: str
    series_uid: str
    instance_uid: str
    modality: str
    shows_a_head: bool
    tallies: Counter[Tally]


class Engine:
    """What a process needs to de-identify file after file under one profile and secret.

    :implements: SRS-DEID-001, SDS-DEID-005

    Parameters
    ----------
    profile
        The options in force.
    secret
        The key of all consistent replacements.
    """

    def __init__(self, profile: Profile, secret: Secret, /) -> None:
        self._profile = profile
        self._secret = secret
        self._contexts: dict[tuple[object, ...], Context] = {}
        self._encoded_marks: dict[tuple[Encoding, bool, frozenset[str]], tuple[tuple[int, bytes], ...]] = {}

    def release(self, data: Buffer, /) -> Released:
        """De-identify one file.

        :implements: SRS-DEID-001, SRS-DEID-008, SDS-DEID-005

        Parameters
        ----------
        data
            The whole file; a memory map for a large one.

        Returns
        -------
        Released
            The pieces of the new file, and how it is filed.

        Raises
        ------
        InputRejectedError
            If the file is broken, of an unknown kind, may show text in its pixels, or still holds a removed value.
        """
        opened = open_file(data)
        facts = opened.image_facts()
        require_no_burned_in_text(facts, profile=self._profile)
        regions = matching_regions(facts, self._profile) if opened.pixels else ()
        pixels: list[Piece] = [memoryview(opened.data)[pixel.start : pixel.stop] for pixel in opened.pixels]
        if regions:
            pixel = opened.pixels[0]
            cleaned = blanked(bytes(opened.data[pixel.value : pixel.stop]), regions, facts=facts)
            pixels = [bytes(opened.data[pixel.start : pixel.value]), cleaned]
        context = self._context(opened, dropped=frozenset({_BURNED_IN} if regions else ()))
        marks = self._marks(opened, pixels_cleaned=bool(regions))
        done = _without_dangling_references(opened, context, marks)
        done = _scanned(opened, context, marks, done)
        _require_clean_pixels(opened, done.needles)
        return self._filed(opened, done, pixels, context, facts)

    def _context(self, opened: OpenedFile, /, *, dropped: frozenset[int]) -> Context:
        charset = opened.text(_CHARSET)
        encodings = encodings_of(charset)
        patient_id = decode_text(opened.raw(_PATIENT_ID), encodings).strip()
        issuer = decode_text(opened.raw(_ISSUER), encodings).strip()
        name = decode_text(opened.raw(_PATIENT_NAME), encodings).strip()
        ours = self._secret.made_pseudonym(patient_id or name)
        patient = patient_id or name if ours else "\x1f".join((patient_id or name or opened.text(_STUDY), issuer))
        known = _known_words(opened, encodings)
        moved = ours and opened.text(_TEMPORAL) == "MODIFIED"
        key = (opened.sop_class_uid, opened.meta.encoding, charset, patient, known, moved, dropped)
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            found = self._contexts[key] = Context(
                profile=self._profile,
                secret=self._secret,
                iod=iod_of(opened.sop_class_uid),
                patient=patient,
                charset=charset,
                dates_moved=moved,
                known_words=known,
                dropped=dropped,
            )
        return found

    def _marks(self, opened: OpenedFile, /, *, pixels_cleaned: bool) -> tuple[tuple[int, bytes], ...]:
        encoding, profile = opened.meta.encoding, self._profile
        # What an earlier tool declares by a code stays declared; its free text does not.
        codes = {code.decode("ascii", "replace") for code in opened.values_in_items(_METHOD_CODES, 0x00080100)}
        codes = {code for code in codes if code in _MEANING_OF} | {BASIC_CODE[0]}
        codes |= {METHOD_CODES[option][0] for option in profile.options if option is not Option.CLEAN_PIXEL_DATA}
        if pixels_cleaned:
            codes.add(METHOD_CODES[Option.CLEAN_PIXEL_DATA][0])
        key = (encoding, pixels_cleaned, frozenset(codes))
        found = self._encoded_marks.get(key)
        if found is None:
            found = self._encoded_marks[key] = self._encode_marks(encoding, codes, pixels_cleaned=pixels_cleaned)
        return found

    def _encode_marks(
        self, encoding: Encoding, codes: set[str], /, *, pixels_cleaned: bool
    ) -> tuple[tuple[int, bytes], ...]:
        profile = self._profile
        items = b"".join(encode_item(_code(code, _MEANING_OF[code], encoding), encoding) for code in sorted(codes))
        method = f"{SOFTWARE}\\PS3.15 {table_edition()} {profile.name}\\policy {profile.digest()}"
        marks = {
            _REMOVED_MARK: encode_element(_REMOVED_MARK, b"CS", b"YES", encoding),
            _METHOD: encode_element(_METHOD, b"LO", method.encode(), encoding),
            _METHOD_CODES: encode_element(_METHOD_CODES, b"SQ", items, encoding),
            _TEMPORAL: encode_element(_TEMPORAL, b"CS", _temporal_mark(profile), encoding),
        }
        if pixels_cleaned:
            marks[_BURNED_IN] = encode_element(_BURNED_IN, b"CS", b"NO", encoding)
        return tuple(sorted(marks.items()))

    def _filed(
        self, opened: OpenedFile, done: Transformed, pixels: list[Piece], context: Context, facts: ImageFacts
    ) -> Released:
        uids = [
            new_uid(opened.text(tag), profile=self._profile, secret=self._secret)
            for tag in (_STUDY, _SERIES, _INSTANCE)
        ]
        split = done.split
        body: list[Piece] = [*done.pieces[:split], *pixels, *done.pieces[split:]]
        if opened.meta.deflated:
            packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            packed = packer.compress(b"".join(body)) + packer.flush()
            body = [packed + b"\0" * (len(packed) % 2)]
        meta = _new_meta(opened.sop_class_uid, uids[2], opened.meta.transfer_syntax_uid)
        return Released(
            pieces=[meta, *body],
            pseudonym=context.pseudonym,
            study_uid=uids[0],
            series_uid=uids[1],
            instance_uid=uids[2],
            modality=facts.modality if is_plain(facts.modality, vr="CS") else "",
            shows_a_head=facts.shows_a_head(),
            tallies=done.tallies,
        )


def new_uid(uid: str, /, *, profile: Profile, secret: Secret) -> str:
    """Return what an original instance UID becomes under a profile and secret.

    :implements: SRS-DEID-005, SDS-DEID-003

    Parameters
    ----------
    uid
        The original study, series, instance, frame-of-reference or other instance UID.
    profile
        With the option to retain UIDs, a valid UID is returned as it is.
    secret
        The key.
    """
    if profile.has(Option.RETAIN_UIDS) and is_plain(uid, vr="UI"):
        return uid
    return secret.map_uid(uid, root=profile.uid_root)


def _transformed(opened: OpenedFile, context: Context, marks: tuple[tuple[int, bytes], ...]) -> Transformed:
    walk = Transform(opened.data, context, place=Place(opened.meta.encoding))
    done = walk.run(opened.head, end=_end(opened.head), insertions=marks)
    split = len(done.pieces)
    tail = walk.run(opened.tail, end=_end(opened.tail))
    done.split = split
    done.pieces += tail.pieces
    done.tallies += tail.tallies
    done.needles |= tail.needles
    return done


def _without_dangling_references(
    opened: OpenedFile, context: Context, marks: tuple[tuple[int, bytes], ...]
) -> Transformed:
    done = _transformed(opened, context, marks)
    if done.references:
        return done
    # Common Instance Reference lists the series of what the object refers to; where every reference is gone, it goes
    # too.
    types = attribute_types(context.iod)
    dangling = {
        tag
        for tag in _REFERENCE_LISTS
        if tag in opened.by_tag and types.type_at(tag, parent=None) is not AttributeType.REQUIRED
    }
    if not dangling:
        return done
    return _transformed(opened, context.variant(dropped=context.dropped | dangling), marks)


def _scanned(
    opened: OpenedFile, context: Context, marks: tuple[tuple[int, bytes], ...], done: Transformed
) -> Transformed:
    for private in opened.meta.private:
        done.needles |= needles_of(private, "LO", encodings=context.encodings)
    own = {id(content) for _, content in marks}
    found = _needles_left(done, context, own)
    if not found:
        return done
    stricter = context.variant(dropped=context.dropped, suspects=frozenset(found))
    again = _without_dangling_references(opened, stricter, marks)
    again.needles |= done.needles
    left = {
        needle for needle in _needles_left(again, context, own) if not is_vocabulary(needle.decode("ascii", "replace"))
    }
    if left:
        raise IdentityLeftError(
            f"{len(left)} removed values still occur in the data set.",
            where="the data set in front of or behind the pixel data",
            allowed="0 occurrences of a removed value",
            remedy="Look at the object: a name or number of the patient stands in an attribute that cannot be removed.",
        )
    return again


def _needles_left(done: Transformed, context: Context, own: set[int]) -> set[bytes]:
    # What the library writes itself, marks and pseudonym, may spell a short name by chance.
    content = b"\xff".join(piece for piece in done.pieces if id(piece) not in own).lower()
    content = content.replace(context.pseudonym.lower().encode(), b"\xff")
    return {needle for needle in done.needles if needle in content and contains_needle(content, (needle,))}


def _require_clean_pixels(opened: OpenedFile, needles: set[bytes]) -> None:
    # Native samples cannot spell a long name by chance; compressed streams have comment fields that spell it on
    # purpose.
    for pixel in opened.pixels:
        if pixel.undefined:
            wanted = {needle for needle in needles if len(needle) >= _SHORTEST_IN_PIXELS}
            if any(contains_needle(window.lower(), wanted) for window in _windows(opened.data, pixel)):
                raise _in_pixels()
            continue
        names = {opened.raw(_PATIENT_NAME), opened.raw(_PATIENT_ID)}
        if any(_occurs(opened.data, name, pixel) for name in names if len(name) >= _SHORTEST_IN_PIXELS):
            raise _in_pixels()


def _windows(data: Buffer, pixel: Element) -> Iterator[bytes]:
    # Windows overlap by the length of the longest pattern; a memory map's pages need not stay in memory.
    for position in range(pixel.value, pixel.stop, _WINDOW_BYTES):
        yield bytes(data[position : min(position + _WINDOW_BYTES + _LONGEST_PATTERN, pixel.stop)])
        forget_pages(data)


def _occurs(data: Buffer, needle: bytes, pixel: Element) -> bool:
    if isinstance(data, bytes):
        return data.find(needle, pixel.value, pixel.stop) >= 0
    return any(needle in window for window in _windows(data, pixel))


def _in_pixels() -> IdentityLeftError:
    return IdentityLeftError(
        "A removed value of the patient occurs in the pixel data.",
        where="(7FE0,0010)",
        allowed="0 occurrences of a removed value",
        remedy="Look at the object: its compressed image holds a comment, or its samples hold text.",
    )


def _known_words(opened: OpenedFile, encodings: tuple[str, ...] | None) -> frozenset[str]:
    words: set[str] = set()
    for tag in _NAMED:
        raw = opened.raw(tag)
        if raw:
            text = decode_text(raw, encodings).lower()
            words.update(word for word in _split(text) if len(word) > 1)
    return frozenset(words)


# Patient's name, ID, other names, birth name, mother's birth name; referring, performing, operators', requesting
# persons.
_NAMED = (0x00100010, 0x00100020, 0x00101001, 0x00101005, 0x00101060, 0x00080090, 0x00081050, 0x00081070, 0x00321032)


def _split(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text).split()


def _end(elements: list[Element]) -> int:
    return elements[-1].stop if elements else 0


def _temporal_mark(profile: Profile) -> bytes:
    if profile.has(Option.RETAIN_FULL_DATES):
        return b"UNMODIFIED"
    return b"MODIFIED" if profile.has(Option.RETAIN_MODIFIED_DATES) else b"REMOVED"


def _code(value: str, meaning: str, encoding: Encoding) -> bytes:
    return (
        encode_element(0x00080100, b"SH", value.encode(), encoding)
        + encode_element(0x00080102, b"SH", b"DCM", encoding)
        + encode_element(0x00080104, b"LO", meaning.encode(), encoding)
    )


def _new_meta(sop_class_uid: str, instance_uid: str, transfer_syntax_uid: str) -> bytes:
    content = b"".join(
        encode_element(tag, vr, value, EXPLICIT)
        for tag, vr, value in (
            (0x00020001, b"OB", b"\0\1"),
            (0x00020002, b"UI", sop_class_uid.encode()),
            (0x00020003, b"UI", instance_uid.encode()),
            (0x00020010, b"UI", transfer_syntax_uid.encode()),
            (0x00020012, b"UI", _IMPLEMENTATION_UID),
            (0x00020013, b"SH", _IMPLEMENTATION_NAME),
        )
    )
    return bytes(128) + b"DICM" + encode_element(0x00020000, b"UL", struct.pack("<L", len(content)), EXPLICIT) + content
