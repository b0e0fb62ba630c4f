"""Files that repeat each other: what the files of a series share is recognised by its bytes and not judged again.

The files of a series differ in some twenty elements. Two files that were treated in full show which; from then on a
file whose other bytes are the same is copied from the treated pieces, and only the elements that differ are judged, by
the same code as before. A file that is not like that is treated in full: this module never decides anything.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.deid.bytestream import EXPLICIT, index_elements, parse_element
from lungai_core.deid.needles import contains_needle
from lungai_core.deid.transform import Place, Transform
from lungai_core.errors import CorruptDicomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.deid.bytestream import Element
    from lungai_core.deid.context import Context, Outcome, Tally
    from lungai_core.deid.opened import OpenedFile
    from lungai_core.deid.transform import Piece

__all__ = ["Lesson", "Released", "Repeated", "Repeats"]

_META_START, _MAGIC = 132, b"DICM"
_MOST_KINDS = 4
_SERIES, _INSTANCE, _META_INSTANCE = 0x0020000E, 0x00080018, 0x00020003
_META_GROUP = 0x0002
_LAST_CREATOR = 0xFF
_SEPARATOR = b"\xff"


class Released(NamedTuple):
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


class Lesson(NamedTuple):
    """A file that was treated in full, and what it came to.

    :implements: SRS-DEID-001, SDS-DEID-010
    """

    opened: OpenedFile
    context: Context
    marks: tuple[tuple[int, bytes], ...]
    tail: list[Piece]
    needles: frozenset[bytes]
    references: int
    tallies_of_tail: Counter[Tally]
    released: Released


class Repeated(NamedTuple):
    """A file put together from a known pattern: what the engine needs to release it.

    :implements: SRS-DEID-001, SDS-DEID-010
    """

    lesson: Lesson
    series: bytes
    instance: bytes
    pieces: list[Piece]
    pixel: Element | None
    needles: set[bytes]
    tallies: Counter[Tally]


class _Step(NamedTuple):
    """Bytes that are the same in each file and what they become; or, with a tag, an element that differs."""

    given: bytes
    content: bytes
    tag: int = 0
    vr: bytes = b""
    is_meta: bool = False


@dataclass(slots=True, eq=False)
class _Kind:
    """Files of one structure: their elements, and which of them have been seen to differ."""

    structure: tuple[tuple[int, bytes], ...]
    given: list[bytes]
    differing: set[int] = field(default_factory=set)
    pattern: _Pattern | None = None


@dataclass(slots=True, eq=False)
class _Pattern:
    lesson: Lesson
    steps: list[_Step]
    fixed: bytes
    needles: frozenset[bytes]
    tallies: Counter[Tally]
    references: int
    creators: dict[int, str]
    pixel: Element | None
    behind: bytes
    series: bytes
    instance: bytes
    known_tallies: dict[tuple[tuple[Tally, ...], ...], Counter[Tally]] = field(default_factory=dict)

    def repeat(self, data: bytes, /) -> Repeated | None:
        lesson, position, uids = self.lesson, _META_START, {_SERIES: self.series, _INSTANCE: self.instance}
        encoding = lesson.opened.meta.encoding
        pieces: list[Piece] = []
        open_pieces: list[Piece] = []
        outcomes: list[Outcome] = []
        place = Place(encoding)
        walk = Transform(data, lesson.context, place=place, creators=self.creators)
        for given, content, tag, vr, is_meta in self.steps:
            if not tag:
                if not data.startswith(given, position):
                    return None
                position += len(given)
                pieces.append(content)
                continue
            element = parse_element(data, position, EXPLICIT if is_meta else encoding)
            if element.tag != tag or element.vr != vr:
                return None
            position = element.stop
            if is_meta:
                continue
            if tag in uids:
                uids[tag] = data[element.value : element.stop].strip(b" \0")
            outcome = walk.outcome(element)
            outcomes.append(outcome)
            piece = data[element.start : element.stop] if outcome.content is None else outcome.content
            pieces.append(piece)
            open_pieces.append(piece)
        return self._finished(data, position, pieces, open_pieces, outcomes, uids)

    def _finished(  # the second half of one loop over bytes
        self,
        data: bytes,
        position: int,
        pieces: list[Piece],
        open_pieces: list[Piece],
        outcomes: list[Outcome],
        uids: dict[int, bytes],
    ) -> Repeated | None:
        lesson, pixel = self.lesson, None
        if self.pixel is not None:
            pixel = parse_element(data, position, lesson.opened.meta.encoding)
            if not _alike(pixel, self.pixel):
                return None
            position = pixel.stop
        references = self.references + sum([outcome.references for outcome in outcomes])
        needles = set().union(*[outcome.needles for outcome in outcomes])
        if (
            data[position:] != self.behind
            or bool(references) != bool(lesson.references)
            or not uids[_INSTANCE]
            or not uids[_SERIES]
            or self._holds_a_needle(open_pieces, needles)
        ):
            return None
        tallies = self._tallies(tuple([outcome.tallies for outcome in outcomes]))
        return Repeated(lesson, uids[_SERIES], uids[_INSTANCE], pieces, pixel, needles, tallies)

    def _holds_a_needle(self, open_pieces: list[Piece], needles: set[bytes]) -> bool:
        # What the fixed part holds of its own needles was looked at when the pattern was made.
        pseudonym = self.lesson.context.pseudonym.lower().encode()
        moving = _SEPARATOR.join(open_pieces).lower().replace(pseudonym, _SEPARATOR)
        if any(needle in moving and contains_needle(moving, (needle,)) for needle in chain(self.needles, needles)):
            return True
        fixed = self.fixed
        return any(needle in fixed and contains_needle(fixed, (needle,)) for needle in needles)

    def _tallies(self, moving: tuple[tuple[Tally, ...], ...]) -> Counter[Tally]:
        # One object for the many files that agree, so that nobody after this counts or sends it again.
        found = self.known_tallies.get(moving)
        if found is None:
            found = self.tallies + Counter(chain.from_iterable(moving))
            self.known_tallies[moving] = found
        return found


class Repeats:
    """The patterns of the last kinds of file.

    :implements: SRS-DEID-001, SDS-DEID-010
    """

    def __init__(self) -> None:
        self._kinds: deque[_Kind] = deque(maxlen=_MOST_KINDS)

    def repeat(self, data: bytes, /) -> Repeated | None:
        """Put a file together from a known pattern.

        :implements: SRS-DEID-001, SDS-DEID-010

        Parameters
        ----------
        data
            The whole file.

        Returns
        -------
        Repeated or None
            None where the file is not wholly like one before: it is then to be treated in full.
        """
        if data[_META_START - 4 : _META_START] != _MAGIC:
            return None
        for kind in self._kinds:
            if kind.pattern is None:
                continue
            try:
                found = kind.pattern.repeat(data)
            except CorruptDicomError:
                found = None
            if found is not None:
                return found
        return None

    def learn(self, lesson: Lesson, /) -> None:
        """Take note of a file that was treated in full.

        :implements: SRS-DEID-001, SDS-DEID-010

        Parameters
        ----------
        lesson
            The file. It must have been released without a suspect value and with its own pixels.
        """
        opened = lesson.opened
        if opened.meta.deflated or not isinstance(opened.data, bytes) or len(opened.pixels) > 1:
            return
        meta, _ = index_elements(opened.data, _META_START, opened.meta.start, EXPLICIT)
        elements = [*meta, *opened.head]
        structure = tuple((element.tag, element.vr) for element in elements)
        given = [opened.data[element.start : element.stop] for element in elements]
        kind = next((kind for kind in self._kinds if kind.structure == structure), None)
        if kind is None:
            self._kinds.appendleft(_Kind(structure, given))
            return
        self._kinds.remove(kind)
        self._kinds.appendleft(kind)
        kind.differing |= {
            number for number, (old, new) in enumerate(zip(kind.given, given, strict=True)) if old != new
        }
        kind.given = given
        fixed_tags = opened.asked - {_SERIES, _INSTANCE}
        unusual = {number for number in kind.differing if not _may_differ(elements[number].tag, fixed_tags)}
        # The first file of another patient or scanner: the next one will show whether it begins a series.
        kind.differing -= unusual
        kind.pattern = None if unusual else _pattern_of(lesson, len(meta), elements, kind.differing)


def _may_differ(tag: int, fixed_tags: set[int]) -> bool:
    is_creator = bool(tag >> 16 & 1) and tag & 0xFFFF <= _LAST_CREATOR
    return tag not in fixed_tags and not is_creator and (tag >> 16 > _META_GROUP or tag == _META_INSTANCE)


def _alike(pixel: Element, known: Element) -> bool:
    same_size = known.undefined or pixel.stop - pixel.value == known.stop - known.value
    return (pixel.tag, pixel.vr, pixel.undefined) == (known.tag, known.vr, known.undefined) and same_size


def _pattern_of(lesson: Lesson, meta: int, elements: list[Element], differing: set[int]) -> _Pattern:
    opened, context = lesson.opened, lesson.context
    data = bytes(opened.data)
    walk = Transform(data, context, place=Place(opened.meta.encoding))
    outcomes = [walk.outcome(element) for element in opened.head]
    contents: list[bytes] = [b""] * meta
    for element, outcome in zip(opened.head, outcomes, strict=True):
        own = bytes(data[element.start : element.stop])
        contents.append(own if outcome.content is None else outcome.content)
    steps = list(_merged(_steps(elements, contents, data, meta, differing, lesson.marks)))
    still = [outcome for number, outcome in enumerate(outcomes, start=meta) if number not in differing]
    fixed = [content for number, content in enumerate(contents) if number not in differing]
    behind = opened.pixels[0].stop if opened.pixels else opened.head[-1].stop
    tallies = Counter(chain.from_iterable(outcome.tallies for outcome in still))
    pseudonym = context.pseudonym.lower().encode()
    return _Pattern(
        lesson=lesson,
        steps=steps,
        fixed=_SEPARATOR.join([*fixed, *lesson.tail]).lower().replace(pseudonym, _SEPARATOR),
        needles=lesson.needles,
        tallies=tallies + lesson.tallies_of_tail,
        references=sum(outcome.references for outcome in still),
        creators=walk.creators,
        pixel=opened.pixels[0] if opened.pixels else None,
        behind=bytes(data[behind:]),
        series=opened.raw(_SERIES),
        instance=opened.raw(_INSTANCE),
    )


def _steps(  # parallel lists of one file
    elements: list[Element],
    contents: list[bytes],
    data: bytes,
    meta: int,
    differing: set[int],
    marks: tuple[tuple[int, bytes], ...],
) -> Iterator[_Step]:
    waiting = list(marks)
    for number, element in enumerate(elements):
        while waiting and number >= meta and waiting[0][0] < element.tag:
            yield _Step(b"", waiting.pop(0)[1])
        if number in differing:
            yield _Step(b"", b"", element.tag, element.vr, number < meta)
        else:
            yield _Step(data[element.start : element.stop], contents[number])
    yield from (_Step(b"", content) for _, content in waiting)


def _merged(steps: Iterator[_Step]) -> Iterator[_Step]:
    for differs, group in groupby(steps, key=lambda step: bool(step.tag)):
        if differs:
            yield from group
        else:
            members = list(group)
            yield _Step(b"".join(one.given for one in members), b"".join(one.content for one in members))
