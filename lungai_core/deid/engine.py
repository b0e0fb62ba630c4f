"""One file in, the pieces of its de-identified copy out: gates, transformation, marks, new meta, self-scan."""

from __future__ import annotations

import zlib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from lungai_core.deid.context import Context
from lungai_core.deid.marks import BASIC_CODE, MEANING_OF, METHOD_CODES, encode_marks, new_meta
from lungai_core.deid.needles import decode_text, encodings_of, needles_of
from lungai_core.deid.opened import OpenedFile, open_file
from lungai_core.deid.pixels import ImageFacts, blanked, matching_regions, require_no_burned_in_text
from lungai_core.deid.repeats import Lesson, Released, Repeated, Repeats
from lungai_core.deid.scan import needles_left, require_clean_pixels, require_nothing_left
from lungai_core.deid.standard import AttributeType, Option, attribute_types, iod_of
from lungai_core.deid.transform import Piece, Place, Transform, Transformed
from lungai_core.deid.values import is_plain
from lungai_core.deid.vocabulary import is_term

if TYPE_CHECKING:
    from lungai_core.deid.bytestream import Buffer, Element, Encoding
    from lungai_core.deid.profile import Profile
    from lungai_core.deid.secret import Secret

__all__ = ["Engine", "Released", "new_uid"]

_CHARSET, _PATIENT_NAME, _PATIENT_ID, _ISSUER = 0x00080005, 0x00100010, 0x00100020, 0x00100021
_STUDY, _SERIES, _INSTANCE = 0x0020000D, 0x0020000E, 0x00080018
_METHOD_CODES, _BURNED_IN, _TEMPORAL = 0x00120064, 0x00280301, 0x00280303
_REFERENCE_LISTS = (0x00081115, 0x00081200)
_MOST_CONTEXTS = 8


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
        self._repeats = Repeats()

    def release(self, data: Buffer, /) -> Released:
        """De-identify one file.

        :implements: SRS-DEID-001, SRS-DEID-008, SDS-DEID-005, SDS-DEID-010

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
        if isinstance(data, bytes):
            repeated = self._repeats.repeat(data)
            if repeated is not None:
                return self._repeated(data, repeated)
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
        done, last_context = _without_dangling_references(opened, context, marks)
        clean = _scanned(opened, last_context, marks, done)
        names = (opened.raw(_PATIENT_NAME), opened.raw(_PATIENT_ID))
        require_clean_pixels(opened.data, opened.pixels, needles=clean.needles, names=names)
        released = self._filed(opened, clean, pixels, last_context, facts)
        if clean is done and not regions:
            self._repeats.learn(_lesson(opened, last_context, marks, done, released))
        return released

    def _repeated(self, data: bytes, found: Repeated) -> Released:
        lesson = found.lesson
        pixels: list[Piece] = []
        if found.pixel is not None:
            needles = lesson.needles if not found.pixel.undefined else lesson.needles | found.needles
            names = (lesson.opened.raw(_PATIENT_NAME), lesson.opened.raw(_PATIENT_ID))
            require_clean_pixels(data, (found.pixel,), needles=needles, names=names)
            pixels.append(memoryview(data)[found.pixel.start : found.pixel.stop])
        known = lesson.released
        instance_uid = self._new_uid(_as_text(found.instance))
        meta = new_meta(lesson.opened.sop_class_uid, instance_uid, lesson.opened.meta.transfer_syntax_uid)
        return known._replace(
            pieces=[meta, *found.pieces, *pixels, *lesson.tail],
            series_uid=self._new_uid(_as_text(found.series)),
            instance_uid=instance_uid,
            tallies=found.tallies,
        )

    def _new_uid(self, uid: str) -> str:
        return new_uid(uid, profile=self._profile, secret=self._secret)

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
        codes = {code for code in codes if code in MEANING_OF} | {BASIC_CODE[0]}
        codes |= {METHOD_CODES[option][0] for option in profile.options if option is not Option.CLEAN_PIXEL_DATA}
        if pixels_cleaned:
            codes.add(METHOD_CODES[Option.CLEAN_PIXEL_DATA][0])
        key = (encoding, pixels_cleaned, frozenset(codes))
        found = self._encoded_marks.get(key)
        if found is None:
            found = encode_marks(profile, encoding, codes=codes, pixels_cleaned=pixels_cleaned)
            self._encoded_marks[key] = found
        return found

    def _filed(
        self, opened: OpenedFile, done: Transformed, pixels: list[Piece], context: Context, facts: ImageFacts
    ) -> Released:
        uids = [self._new_uid(opened.text(tag)) for tag in (_STUDY, _SERIES, _INSTANCE)]
        split = done.split
        body: list[Piece] = [*done.pieces[:split], *pixels, *done.pieces[split:]]
        if opened.meta.deflated:
            packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            packed = packer.compress(b"".join(body)) + packer.flush()
            body = [packed + b"\0" * (len(packed) % 2)]
        meta = new_meta(opened.sop_class_uid, uids[2], opened.meta.transfer_syntax_uid)
        return Released(
            pieces=[meta, *body],
            pseudonym=context.pseudonym,
            study_uid=uids[0],
            series_uid=uids[1],
            instance_uid=uids[2],
            modality=facts.modality if is_term(facts.modality) and is_plain(facts.modality, vr="CS") else "",
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
) -> tuple[Transformed, Context]:
    done = _transformed(opened, context, marks)
    if done.references:
        return done, context
    # Common Instance Reference lists the series of what the object refers to; where every reference is gone, it goes
    # too.
    types = attribute_types(context.iod)
    dangling = {
        tag
        for tag in _REFERENCE_LISTS
        if tag in opened.by_tag and types.type_at(tag, parent=None) is not AttributeType.REQUIRED
    }
    if not dangling:
        return done, context
    context = context.variant(dropped=context.dropped | dangling)
    return _transformed(opened, context, marks), context


def _scanned(
    opened: OpenedFile, context: Context, marks: tuple[tuple[int, bytes], ...], done: Transformed
) -> Transformed:
    for private in opened.meta.private:
        done.needles |= needles_of(private, "LO", encodings=context.encodings)
    own = {id(content) for _, content in marks}
    found = needles_left(done, pseudonym=context.pseudonym, own=own)
    if not found:
        return done
    stricter = context.variant(dropped=context.dropped, suspects=frozenset(found))
    again, _ = _without_dangling_references(opened, stricter, marks)
    again.needles |= done.needles
    require_nothing_left(needles_left(again, pseudonym=context.pseudonym, own=own))
    return again


def _lesson(
    opened: OpenedFile, context: Context, marks: tuple[tuple[int, bytes], ...], done: Transformed, released: Released
) -> Lesson:
    tail = Counter(
        chain.from_iterable(
            Transform(opened.data, context, place=Place(opened.meta.encoding)).outcome(element).tallies
            for element in opened.tail
        )
    )
    return Lesson(
        opened=opened,
        context=context,
        marks=marks,
        tail=[bytes(piece) for piece in done.pieces[done.split :]],
        needles=frozenset(done.needles),
        references=done.references,
        tallies_of_tail=tail,
        released=released._replace(pieces=[]),
    )


def _as_text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip()


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
