"""What is the same for all files of one patient and one kind of object, and what is remembered between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.deid.actions import ICC_PROFILE, PIXELS, Action, Decision, Mode, decide
from lungai_core.deid.needles import encodings_of
from lungai_core.deid.standard import attribute_types, dictionary_entry

if TYPE_CHECKING:
    from lungai_core.deid.profile import Profile
    from lungai_core.deid.secret import Secret

__all__ = ["SHORTEST_TEXT", "Context", "Outcome", "Plan", "Tally"]

_MEMO_ENTRIES, _MEMO_BYTES = 5_000, 1 << 22
_NO_LIMIT = 1 << 62
_BULK_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
SHORTEST_TEXT = 12
_BYTE_SIZES = {"US": 2, "SS": 2, "AT": 4, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8}


class Tally(NamedTuple):
    """One attribute, the code of its row under the profile, and the action that was taken.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    tag: int
    code: str
    action: str


class Plan(NamedTuple):
    """A decision for an attribute written with one VR; up to ``keep_bytes`` bytes it stays without a look at its value.

    More than ``most_bytes`` it may not have.

    :implements: SRS-DEID-004, SDS-DEID-005
    """

    decision: Decision
    keep_bytes: int
    most_bytes: int
    unit_bytes: int
    vr_fits: bool


class Outcome(NamedTuple):
    """What became of one element: None keeps it as it is, bytes replace it; no bytes remove it.

    :implements: SRS-DEID-004, SDS-DEID-005
    """

    content: bytes | None
    tallies: tuple[Tally, ...] = ()
    needles: frozenset[bytes] = frozenset()
    references: int = 0


@dataclass(slots=True)
class Context:
    """Profile, secret, patient and character set, with the memory of what each element became.

    A series repeats nearly the same header in every file, so an element's bytes are looked up before they are judged
    again.

    :implements: SRS-DEID-004, SDS-DEID-005
    """

    profile: Profile
    secret: Secret
    iod: str | None
    patient: str
    charset: str
    dates_moved: bool
    known_words: frozenset[str] = frozenset()
    suspects: frozenset[bytes] = frozenset()
    dropped: frozenset[int] = frozenset()
    encodings: tuple[str, ...] | None = field(init=False)
    pseudonym: str = field(init=False)
    plans: dict[tuple[int, bytes, int | None, Mode], Plan] = field(default_factory=dict, init=False)
    memo: dict[tuple[tuple[int, bytes, int | None, Mode], bytes], Outcome] = field(default_factory=dict, init=False)
    _remembered_bytes: int = field(default=0, init=False)
    _inner: dict[str, Context] = field(default_factory=dict, init=False)

    _variants: dict[frozenset[int], Context] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.encodings = encodings_of(self.charset)
        self.pseudonym = self.secret.pseudonym(self.patient)

    def plan(self, key: tuple[int, bytes, int | None, Mode], /) -> Plan:
        """Make the plan for an attribute with a written VR, in a sequence, under a mode, and keep it in ``plans``.

        :implements: SRS-DEID-004, SDS-DEID-005

        Parameters
        ----------
        key
            Tag, VR as written, parent sequence or None, mode.
        """
        found = self.plans[key] = self._new_plan(key)
        return found

    def remember(self, key: tuple[int, bytes, int | None, Mode], content: bytes, outcome: Outcome, /) -> None:
        """Keep an outcome; the memory is emptied when it holds 5,000, or 4 MiB of elements.

        :implements: SRS-DEID-004, SDS-DEID-005

        Parameters
        ----------
        key
            As for :meth:`plan`.
        content
            The whole element.
        outcome
            What it became.
        """
        self._remembered_bytes += len(content)
        if len(self.memo) >= _MEMO_ENTRIES or self._remembered_bytes > _MEMO_BYTES:
            self.memo.clear()
            self._remembered_bytes = 0
        self.memo[key, content] = outcome

    def with_charset(self, charset: str, /) -> Context:
        """Return the context for an item with a character set of its own.

        :implements: SRS-DEID-006, SDS-DEID-004

        Parameters
        ----------
        charset
            The item's Specific Character Set.
        """
        if charset == self.charset:
            return self
        if charset not in self._inner:
            self._inner[charset] = replace(self, charset=charset)
        return self._inner[charset]

    def variant(self, *, dropped: frozenset[int], suspects: frozenset[bytes] = frozenset()) -> Context:
        """Return this context with more to remove: whole attributes, or kept values that hold a suspect pattern.

        :implements: SRS-DEID-008, SDS-DEID-005

        Parameters
        ----------
        dropped
            Top-level tags to remove.
        suspects
            Patterns of removed values that were found in kept ones.
        """
        if suspects:
            return replace(self, dropped=dropped, suspects=suspects)
        if dropped not in self._variants:
            self._variants[dropped] = replace(self, dropped=dropped)
        return self._variants[dropped]

    def _new_plan(self, key: tuple[int, bytes, int | None, Mode]) -> Plan:
        tag, written, parent, mode = key
        types = attribute_types(self.iod)
        decision = decide(tag, profile=self.profile, types=types, parent=parent, mode=mode)
        if parent is None and tag in self.dropped:
            decision = decision._replace(action=Action.REMOVE)
        entry, vr = dictionary_entry(tag), written.decode("ascii")
        vr_fits = not vr or entry is None or vr in entry.vrs
        if entry is not None and vr and vr_fits:
            decision = decision._replace(vr=vr)
        # Unknown VR: the value is judged by the dictionary's VR.
        vr_fits = vr_fits or vr == "UN"
        size = _BYTE_SIZES.get(decision.vr, 1)
        most = entry.most_values if entry is not None else None
        limit = most * size if most is not None and size > 1 else _NO_LIMIT
        unseen = decision.action is Action.KEEP and tag != ICC_PROFILE and not self.suspects
        # Bulk data and long lists of numbers are looked at: they may spell text.
        bulk = decision.vr in _BULK_VRS and tag not in PIXELS
        keep = (-1 if bulk else min(limit, SHORTEST_TEXT - 1)) if unseen and vr_fits else -1
        return Plan(decision, keep, limit, size, vr_fits)
