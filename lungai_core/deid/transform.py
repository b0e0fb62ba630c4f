"""One data set in, the pieces of its de-identified copy out. Ranges that stay are views on the input, never decoded."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lungai_core.deid.actions import ICC_PROFILE, PIXELS, Action, Decision, Mode
from lungai_core.deid.bytestream import IMPLICIT, encode_element, encode_item, index_elements, index_items
from lungai_core.deid.codes import is_published_code, is_published_meaning
from lungai_core.deid.context import SHORTEST_TEXT, Context, Outcome, Plan, Tally
from lungai_core.deid.needles import contains_needle, decode_text, encodings_of, needles_of
from lungai_core.deid.standard import (
    Option,
    content_rule,
    dictionary_entry,
    is_registered_uid,
    names_somebody,
    safe_private_vr,
)
from lungai_core.deid.values import DUMMY_WORD, LARGEST_SEARCHED, dummy_of, is_plain, shift_dates, spells_text
from lungai_core.deid.vocabulary import clean_technical, clean_text, is_term, is_vocabulary
from lungai_core.errors import CorruptDicomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lungai_core.deid.bytestream import Buffer, Element, Encoding

__all__ = ["Piece", "Place", "Transform", "Transformed"]

Piece: TypeAlias = "bytes | memoryview"

_CHARSET, _SCHEME, _MEANING = 0x00080005, 0x00080102, 0x00080104
_CODE_VALUE, _LONG_CODE_VALUE = 0x00080100, 0x00080119
_REFERENCE_LISTS, _INSTANCE_REFERENCE = frozenset({0x00081115, 0x00081200}), 0x00081155
_LAST_CREATOR = 0xFF
_LARGEST_REMEMBERED = 1 << 14
_CODE_TAGS = frozenset({0x00080100, 0x00080119, 0x00080120, _MEANING})
_SHORTEST_IN_BULK = 6
_CONCEPT_NAME, _VALUE_TYPE = 0x0040A043, 0x0040A040
# Referenced Content Item Identifier (0040,DB73), in either byte order.
_BY_REFERENCE = (b"\x40\x00\x73\xdb", b"\x00\x40\xdb\x73")
_CONTENT_MODES = {"D": Mode.CONTENT_DUMMY, "K": Mode.CONTENT_KEEP, "C": Mode.CONTENT_CLEAN}
_TEXT_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_NUMBER_VRS = frozenset({"DS", "IS"})
_NUMBERS = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "UV", "SV", "OB", "OW", "OF", "OD", "OL", "OV"})
_AGE = re.compile(r"(\d{3})Y")
_NO_SHIFT = timedelta()
_KEPT = Outcome(None)
# Actions that may leave a value in place, so that they have to look at it.
_KEEPING = frozenset(
    {
        Action.KEEP,
        Action.KEEP_IF_PLAIN,
        Action.CLEAN_TEXT,
        Action.CLEAN_TECHNICAL,
        Action.CLEAN_MEANING,
        Action.KEEP_TERMS,
        Action.SHIFT_DATE,
        Action.LIMIT_AGE,
        Action.MAP_UID_UNLESS_REGISTERED,
    }
)
_DUMMY_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Size 4/Root 1 0 R>>\n%%EOF\n"
)


class Place(NamedTuple):
    """Where a data set stands: in which sequence, how its text is treated, how its elements are written, how deep.

    :implements: SRS-DEID-004, SDS-DEID-005
    """

    encoding: Encoding
    parent: int | None = None
    mode: Mode = Mode.NORMAL
    depth: int = 0


@dataclass(slots=True)
class Transformed:
    """The pieces of a data set or item, and what was learnt on the way; ``split`` is where the pixel data belong.

    :implements: SRS-DEID-004, SDS-DEID-005
    """

    pieces: list[Piece] = field(default_factory=list)
    changed: bool = False
    tallies: Counter[Tally] = field(default_factory=Counter)
    needles: set[bytes] = field(default_factory=set)
    references: int = 0
    split: int = 0
    gone: bool = False


class Transform:
    """The walk through one data set or item.

    :implements: SRS-DEID-004, SDS-DEID-005

    Parameters
    ----------
    data
        The bytes of the input.
    context
        Profile, secret, patient, memory.
    place
        Where the data set stands.
    creators
        The private creators that stand before the first element, by block.
    """

    __slots__ = ("_context", "_data", "_place", "creators")

    def __init__(
        self, data: Buffer, context: Context, /, *, place: Place, creators: dict[int, str] | None = None
    ) -> None:
        self._data = data
        self._context = context
        self._place = place
        self.creators = {} if creators is None else creators

    def run(
        self, elements: list[Element], /, *, end: int, insertions: tuple[tuple[int, bytes], ...] = ()
    ) -> Transformed:
        """Transform the elements in order.

        :implements: SRS-DEID-004, SDS-DEID-005

        Parameters
        ----------
        elements
            In ascending order of tag.
        end
            Where the last element stops; what follows is not copied.
        insertions
            Encoded elements to put in, each with its tag, ascending.
        """
        result, view, place, context = Transformed(), memoryview(self._data), self._place, self._context
        parent, mode, plans = place.parent, place.mode, context.plans
        kept_from = elements[0].start if elements else end
        waiting, outcomes = list(insertions), []
        for element in elements:
            tag, vr, start, value, stop, _ = element
            while waiting and waiting[0][0] < tag:
                result.pieces += (view[kept_from:start], waiting.pop(0)[1])
                kept_from = start
            key = (tag, vr, parent, mode)
            plan = plans.get(key) or context.plan(key)
            if stop - value <= plan.keep_bytes and (stop - value) % plan.unit_bytes == 0:
                continue
            outcome = self._outcome(element, key, plan)
            outcomes.append(outcome)
            if outcome.content is not None:
                result.pieces += (view[kept_from:start], outcome.content)
                kept_from, result.changed = stop, True
        result.pieces.append(view[kept_from:end])
        result.pieces += [content for _, content in waiting]
        result.tallies = Counter(chain.from_iterable([outcome.tallies for outcome in outcomes]))
        result.needles = set().union(*[outcome.needles for outcome in outcomes])
        result.references = sum([outcome.references for outcome in outcomes])
        return result

    def outcome(self, element: Element, /) -> Outcome:
        """Judge one element.

        :implements: SRS-DEID-004, SDS-DEID-005

        Parameters
        ----------
        element
            An element of the data set; private creators before what they reserve.
        """
        key = (element.tag, element.vr, self._place.parent, self._place.mode)
        plan = self._context.plans.get(key) or self._context.plan(key)
        size = element.stop - element.value
        if size <= plan.keep_bytes and size % plan.unit_bytes == 0:
            return _KEPT
        return self._outcome(element, key, plan)

    def _outcome(self, element: Element, key: tuple[int, bytes, int | None, Mode], plan: Plan) -> Outcome:
        if plan.decision.action is Action.KEEP_IF_SAFE_PRIVATE:
            return self._safe_private(element, plan.decision)
        if element.stop - element.value > _LARGEST_REMEMBERED:
            return self._judge(element, plan)
        content = bytes(self._data[element.start : element.stop])
        found = self._context.memo.get((key, content))
        if found is None:
            found = self._judge(element, plan)
            self._context.remember(key, content, found)
        return found

    def _judge(self, element: Element, plan: Plan) -> Outcome:
        decision = plan.decision
        if decision.action in (Action.CLEAN_ITEMS, Action.DUMMY_ITEMS):
            return self._items(element, decision)
        if decision.action in _KEEPING and not self._may_stay(element, plan):
            if decision.otherwise is Action.DUMMY and decision.vr not in _TEXT_VRS - _NUMBER_VRS:
                raise _unfit_number(decision)
            return self._replaced(element, decision, decision.otherwise)
        if decision.action is Action.KEEP:
            return _KEPT
        if decision.action in _KEEPING:
            return self._by_value(element, decision)
        return self._replaced(element, decision, decision.action)

    def _may_stay(self, element: Element, plan: Plan) -> bool:
        size = element.stop - element.value
        if not plan.vr_fits or (element.undefined and plan.decision.tag != 0x7FE00010):  # noqa: PLR2004  # pixel data
            return False
        if plan.unit_bytes > 1 and (size % plan.unit_bytes or size > plan.most_bytes):
            return False
        if self._spells_text(element, plan.decision):
            return False
        suspects = self._context.suspects
        if not suspects or size > _LARGEST_REMEMBERED * 64:
            return True
        value = bytes(self._data[element.value : element.stop])
        text = value.decode("ascii", "replace").strip(" \0")
        if plan.decision.vr == "UI" and is_registered_uid(text):
            return True
        if plan.decision.vr == "CS":
            # A patient may be called like a defined term: the term stays.
            value = "\\".join(part for part in text.split("\\") if not is_vocabulary(part)).encode()
        return not contains_needle(value.lower(), suspects)

    def _spells_text(self, element: Element, decision: Decision) -> bool:
        if decision.vr not in _NUMBERS or decision.tag in PIXELS:
            return False
        value = bytes(self._data[element.value : min(element.stop, element.value + LARGEST_SEARCHED)])
        if decision.tag == ICC_PROFILE:
            return value[36:40] != b"acsp"
        return spells_text(value, shortest=_SHORTEST_IN_BULK if decision.vr[0] == "O" else SHORTEST_TEXT)

    def _by_value(self, element: Element, decision: Decision) -> Outcome:
        value = bytes(self._data[element.value : element.stop])
        text = decode_text(value, self._context.encodings) if decision.vr in _TEXT_VRS else ""
        stripped = text.rstrip(" \0")
        if decision.action is Action.KEEP_IF_PLAIN:
            return self._kept_if_plain(element, decision, stripped)
        if decision.action is Action.MAP_UID_UNLESS_REGISTERED:
            if all(is_registered_uid(uid.strip(" \0")) or not uid.strip(" \0") for uid in text.split("\\")):
                return _KEPT
            return self._replaced(element, decision, Action.MAP_UID)
        changed = self._changed_text(stripped, decision)
        if changed == stripped:
            return _KEPT
        encoded = None if changed is None else self._encoded(changed)
        if encoded is None or (not encoded and stripped.strip()):
            return self._replaced(element, decision, decision.otherwise)
        return self._written(element, decision, decision.action, encoded)

    def _kept_if_plain(self, element: Element, decision: Decision, text: str) -> Outcome:
        if decision.tag == _CHARSET and encodings_of(text) is None:
            return self._replaced(element, decision, Action.REMOVE)
        if is_plain(text, vr=decision.vr, tag=decision.tag):
            return Outcome(None, references=1 if decision.tag == _INSTANCE_REFERENCE else 0)
        if decision.otherwise is Action.DUMMY and decision.vr in _NUMBER_VRS:
            raise _unfit_number(decision)
        return self._replaced(element, decision, decision.otherwise)

    def _changed_text(self, text: str, decision: Decision) -> str | None:
        context = self._context
        if decision.action in _CLEANERS:
            clean = _CLEANERS[decision.action]
            return clean(text, known_values=context.known_words, extra_words=context.profile.extra_vocabulary)
        if decision.action is Action.LIMIT_AGE:
            found, limit = _AGE.fullmatch(text.strip()), context.profile.age_limit_years or 0
            if found and int(found.group(1)) > limit:
                return f"{limit + 1:03d}Y"
            return text if is_plain(text, vr="AS") else None
        # Dates that this secret has moved already stay where they are, if they are dates.
        shift = _NO_SHIFT if context.dates_moved else context.secret.date_shift(context.patient)
        moved = shift_dates(text, vr=decision.vr, by=shift)
        return text if context.dates_moved and moved is not None else moved

    def _encoded(self, text: str) -> bytes | None:
        if text.isascii():
            return text.encode("ascii")
        encodings = self._context.encodings
        if encodings is None or len(encodings) > 1:
            return None
        try:
            return text.encode(encodings[0])
        except (UnicodeEncodeError, LookupError):
            return None

    def _replaced(self, element: Element, decision: Decision, action: Action) -> Outcome:
        tallies = (Tally(decision.tag, decision.code, action.value),)
        if action in (Action.CLEAN_ITEMS, Action.DUMMY_ITEMS):
            return self._items(element, decision._replace(action=action))
        if action in (Action.REMOVE, Action.REPLACE_MARK):
            return Outcome(b"", tallies, self._needles(element, decision.vr, self._place))
        if action is Action.DUMMY_CODE:
            body = encode_item(_dummy_code(self._place.encoding), self._place.encoding)
            content = encode_element(element.tag, b"SQ", body, self._place.encoding)
            if content == self._data[element.start : element.stop]:
                return _KEPT
            return Outcome(content, tallies, self._needles(element, decision.vr, self._place))
        return self._written(element, decision, action, self._new_value(element, decision, action))

    def _new_value(self, element: Element, decision: Decision, action: Action) -> bytes:
        context = self._context
        if action is Action.DUMMY:
            return dummy_of(decision.vr)
        if action is Action.DUMMY_DOCUMENT:
            return _DUMMY_PDF if context.iod and context.iod.endswith("pdf") else dummy_of("LO")
        if action not in (Action.PSEUDONYM, Action.MAP_UID) or element.undefined:
            return b""
        value = bytes(self._data[element.value : element.stop]).strip(b" \0")
        if action is Action.PSEUDONYM:
            # An empty name says nothing about anybody and stays empty.
            return context.pseudonym.encode() if value else b""
        uids = (uid.strip(" \0") for uid in value.decode("utf-8", "surrogateescape").split("\\"))
        root = context.profile.uid_root
        return "\\".join(context.secret.map_uid(uid, root=root) if uid else "" for uid in uids).encode()

    def _written(self, element: Element, decision: Decision, action: Action, value: bytes) -> Outcome:
        content = encode_element(element.tag, decision.vr.encode("ascii"), value, self._place.encoding)
        if content == self._data[element.start : element.stop]:
            return Outcome(None, references=1 if decision.tag == _INSTANCE_REFERENCE else 0)
        return Outcome(
            content,
            (Tally(decision.tag, decision.code, action.value),),
            self._needles(element, decision.vr, self._place),
            1 if decision.tag == _INSTANCE_REFERENCE else 0,
        )

    def _needles(self, element: Element, vr: str, place: Place) -> frozenset[bytes]:
        written = element.vr.decode("ascii")
        if written == "SQ" or (vr == "SQ" and written in ("", "UN")) or (element.undefined and written in ("", "UN")):
            inner = place._replace(encoding=IMPLICIT if written == "UN" else place.encoding, depth=place.depth + 1)
            return self._needles_of_items(element, inner)
        if element.undefined:
            return frozenset()
        kind = vr if vr in _TEXT_VRS else written or "UN"
        value = bytes(self._data[element.value : element.stop])
        words_tell = kind == "PN" or names_somebody(element.tag)
        return needles_of(value, kind, encodings=self._context.encodings, words_tell=words_tell)

    def _needles_of_items(self, element: Element, place: Place) -> frozenset[bytes]:
        found: set[bytes] = set()
        try:
            for _, start, stop in index_items(self._data, element, place.encoding):
                children, _ = index_elements(self._data, start, stop, place.encoding, depth=place.depth)
                for child in children:
                    found |= self._needles(child, _vr_of(child.tag), place)
        except CorruptDicomError:
            # A removed sequence may be broken inside; what could be read of it is enough.
            return frozenset(found)
        return frozenset(found)

    def _items(self, element: Element, decision: Decision) -> Outcome:
        written = element.vr.decode("ascii")
        if written not in ("", "SQ", "UN"):
            return self._replaced(element, decision, Action.REMOVE)
        inner = IMPLICIT if written == "UN" else self._place.encoding
        mode = Mode.DUMMY if decision.action is Action.DUMMY_ITEMS else self._place.mode
        try:
            found = [
                self._item(start, stop, Place(inner, element.tag, mode, self._place.depth + 1))
                for _, start, stop in index_items(self._data, element, inner)
            ]
        except CorruptDicomError:
            if written != "UN":
                raise
            return self._replaced(element, decision, Action.REMOVE)
        items = [item for item in found if not item.gone]
        if found and not items:
            return Outcome(b"", tuple(chain.from_iterable(item.tallies for item in found)), _needles_of(found))
        tallies = [tally for item in found for tally in item.tallies.elements()]
        if decision.code not in ("", "K"):
            tallies.append(Tally(decision.tag, decision.code, decision.action.value))
        counted = 0 if element.tag in _REFERENCE_LISTS else sum(item.references for item in items)
        needles = _needles_of(found)
        content = None
        if any(item.changed for item in found):
            body = b"".join(encode_item(b"".join(item.pieces), inner) for item in items)
            content = encode_element(element.tag, element.vr or b"SQ", body, self._place.encoding)
        return Outcome(content, tuple(tallies), needles, counted)

    def _item(self, start: int, stop: int, place: Place) -> Transformed:
        elements, _ = index_elements(self._data, start, stop, place.encoding, depth=place.depth)
        context = self._context
        charset = self._text_of(elements, _CHARSET)
        if charset is not None:
            context = context.with_charset(charset.decode("ascii", "replace"))
        rule = self._content_rule(elements)
        if rule == "X":
            gone = frozenset().union(*(self._needles(child, _vr_of(child.tag), place) for child in elements))
            tally = Tally(place.parent or 0, "X", Action.REMOVE.value)
            return Transformed(changed=True, gone=True, tallies=Counter([tally]), needles=set(gone))
        if rule:
            place = place._replace(mode=_CONTENT_MODES[rule])
        elif any(element.tag in _CODE_TAGS for element in elements):
            place = place._replace(mode=self._mode_of_code(elements, place.mode))
        elif place.mode is not Mode.DUMMY:
            place = place._replace(mode=Mode.NORMAL)
        end = elements[-1].stop if elements else start
        return Transform(self._data, context, place=place).run(elements, end=end)

    def _content_rule(self, elements: list[Element]) -> str:
        # Table E.3.4-1 tells the items of structured content apart by concept name and value type.
        profile, tags = self._context.profile, {element.tag: element for element in elements}
        if not profile.has(Option.CLEAN_STRUCTURED_CONTENT) or not tags.keys() >= {_CONCEPT_NAME, _VALUE_TYPE}:
            return ""
        for _, start, stop in index_items(self._data, tags[_CONCEPT_NAME], self._place.encoding):
            code, _ = index_elements(self._data, start, stop, self._place.encoding, depth=self._place.depth + 2)
            parts = [self._text_of(code, tag) or b"" for tag in (_CODE_VALUE, _SCHEME)]
            parts.append(self._text_of(elements, _VALUE_TYPE) or b"")
            concept, scheme, value_type = (part.decode("ascii", "replace") for part in parts)
            rule = content_rule(concept, scheme, value_type, profile.options)
            # An item that others refer to by its place cannot go without breaking their references.
            return "D" if rule == "X" and any(self._data.find(mark) >= 0 for mark in _BY_REFERENCE) else rule
        return ""

    def _mode_of_code(self, elements: list[Element], mode: Mode) -> Mode:
        # A published code says nothing about a patient, wherever it stands.
        scheme, value = (self._text_of(elements, tag) or b"" for tag in (_SCHEME, _CODE_VALUE))
        value = value or self._text_of(elements, _LONG_CODE_VALUE) or b""
        if is_published_code(scheme.decode("ascii", "replace"), value.decode("ascii", "replace")):
            return Mode.PUBLISHED_CODE
        return Mode.DUMMY if mode is Mode.DUMMY else Mode.PRIVATE_CODE

    def _text_of(self, elements: list[Element], tag: int) -> bytes | None:
        for element in elements:
            if element.tag == tag:
                return bytes(self._data[element.value : element.stop]).strip(b" \0")
        return None

    def _safe_private(self, element: Element, decision: Decision) -> Outcome:
        group, number = element.tag >> 16, element.tag & 0xFFFF
        if number <= _LAST_CREATOR:
            creator = bytes(self._data[element.value : element.stop]).strip(b" \0").decode("ascii", "replace")
            self.creators[group << 8 | number] = creator
            known = number >= 0x10 and _is_safe_creator(creator, group)  # noqa: PLR2004  # blocks start at gggg,0010
            return _KEPT if known and not element.undefined else self._replaced(element, decision, Action.REMOVE)
        creator = self.creators.get(group << 8 | number >> 8, "")
        vr = safe_private_vr(creator, group, number & 0xFF)
        written = element.vr.decode("ascii")
        if vr is None or written not in ("", "UN", vr):
            return self._replaced(element, decision, Action.REMOVE)
        safe = decision._replace(
            vr=vr, code="C", action=_SAFE_ACTIONS.get(vr, Action.KEEP_IF_PLAIN), otherwise=Action.REMOVE
        )
        if vr in ("DA", "DT", "TM") or element.undefined:
            return self._replaced(element, decision, Action.REMOVE)
        size = _SIZES.get(vr, 1)
        return self._judge(element, Plan(safe, -1, _NO_LIMIT, size, vr_fits=True))


_SAFE_ACTIONS = {"UI": Action.MAP_UID, "SQ": Action.CLEAN_ITEMS, "CS": Action.KEEP_TERMS} | dict.fromkeys(
    ("LO", "SH", "ST", "LT", "UT", "UC"), Action.CLEAN_TECHNICAL
)
_NO_LIMIT = 1 << 62
_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "AT": 4}


def _only_terms(text: str, *, known_values: frozenset[str], extra_words: Iterable[str]) -> str:
    # Values keep their places: a value that is no term becomes a word that says so.
    values = text.split("\\")
    fine = [is_term(value, known_values=known_values, extra_words=extra_words) for value in values]
    if not any(good and value.strip() for good, value in zip(fine, values, strict=True)):
        return text if all(fine) else ""
    return "\\".join(value if good else DUMMY_WORD for good, value in zip(fine, values, strict=True))


def _clean_meaning(text: str, *, known_values: frozenset[str], extra_words: Iterable[str]) -> str:
    if is_published_meaning(text):
        return text
    return clean_text(text, known_values=known_values, extra_words=extra_words)


_CLEANERS: dict[Action, Callable[..., str]] = {
    Action.CLEAN_TEXT: clean_text,
    Action.CLEAN_TECHNICAL: clean_technical,
    Action.CLEAN_MEANING: _clean_meaning,
    Action.KEEP_TERMS: _only_terms,
}


def _vr_of(tag: int) -> str:
    entry = dictionary_entry(tag)
    return entry.vrs[0] if entry else "UN"


def _needles_of(items: list[Transformed]) -> frozenset[bytes]:
    return frozenset().union(*(item.needles for item in items)) if items else frozenset()


def _is_safe_creator(creator: str, group: int) -> bool:
    return any(safe_private_vr(creator, group, low) is not None for low in range(256))


def _unfit_number(decision: Decision) -> CorruptDicomError:
    # A dummy in place of a pixel spacing would be a wrong measurement: the file is withheld instead.
    return CorruptDicomError(
        "A required number has a value that is none, or that also identifies the patient.",
        where=f"({decision.tag >> 16:04X},{decision.tag & 0xFFFF:04X}) {decision.keyword}",
        allowed="a number in the VR of the data dictionary",
        remedy="Correct the attribute at its source; a dummy number would change a measurement.",
    )


def _dummy_code(encoding: Encoding) -> bytes:
    return (
        encode_element(0x00080100, b"SH", b"REMOVED", encoding)
        + encode_element(_SCHEME, b"SH", b"99LUNGAI", encoding)
        + encode_element(_MEANING, b"LO", b"Removed", encoding)
    )
