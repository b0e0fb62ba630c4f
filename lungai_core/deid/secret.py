"""Everything that follows from the secret: new UIDs, pseudonyms and date shifts.

A keyed function, so that the same secret gives the same result in each file, process and run without a table that would
have to be kept; and so that nobody without the secret can test a guess, which an unkeyed hash allows.

A mapped UID carries an authentication part: under the same secret the library recognises its own values and leaves
them as they are. That makes a second run a no-operation, and lets verification tell a mapped UID from a foreign one.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import TYPE_CHECKING

from lungai_core.errors import SecretFileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Secret", "Sharing"]

_MINIMUM_BYTES = 16
_UID_LENGTH_LIMIT = 64
_REMEMBERED_UIDS = 4096
_HASH_BITS, _PROOF_BITS = 82, 40
_PSEUDONYM_HASH_BYTES, _PSEUDONYM_PROOF_BYTES = 10, 5
_PSEUDONYM_PREFIX = "P-"
_SHORTEST_SHIFT_DAYS, _SHIFT_RANGE_DAYS = 365, 3285


class Sharing(StrEnum):
    """Whose values a keyed function works on; each has a key of its own derived from the secret.

    :implements: SRS-DEID-005, SDS-DEID-003
    """

    UID = "uid"
    PATIENT = "patient"
    DATE = "date"
    JOURNAL = "journal"


class Secret:
    """A key that never shows itself: not in a repr, not in a pickle, not in a message.

    :implements: SRS-DEID-005, SDS-DEID-003

    Parameters
    ----------
    material
        At least 16 bytes, from a random source. Whoever holds them can link the output to the input.
    """

    __slots__ = ("_keys", "_mapped")

    def __init__(self, material: bytes, /) -> None:
        if len(material) < _MINIMUM_BYTES:
            raise SecretFileError(
                "The secret is too short.",
                allowed=f"at least {_MINIMUM_BYTES} bytes",
                remedy='Make one with: python -c "import secrets; print(secrets.token_hex(32))" > secret.txt',
            )
        self._mapped: dict[tuple[str, str], str] = {}
        self._keys = {
            sharing: hmac_digest(material, b"lungai-deid/1 " + sharing.encode(), "sha256") for sharing in Sharing
        }

    def __repr__(self) -> str:
        return "Secret(…)"

    def __getstate__(self) -> dict[Sharing, bytes]:
        return self._keys

    def __setstate__(self, keys: dict[Sharing, bytes]) -> None:
        self._keys = keys
        self._mapped = {}

    @classmethod
    def from_file(cls, path: Path, /) -> Secret:
        """Read a secret from a file; white space at its ends does not count.

        :implements: SRS-DEID-005, SDS-DEID-003

        Parameters
        ----------
        path
            A file that holds nothing but the secret.

        Raises
        ------
        SecretFileError
            If the file cannot be read or holds fewer than 16 bytes.
        """
        try:
            return cls(path.read_bytes().strip())
        except OSError as error:
            raise SecretFileError(
                f"The secret file cannot be read ({error.strerror or type(error).__name__}).",
                where=str(path),
                allowed=f"a readable file of at least {_MINIMUM_BYTES} bytes",
                remedy="Name the file that your key custodian gave you; see the manual's page on key custody.",
            ) from error

    @classmethod
    def random(cls) -> Secret:
        """Make a secret that is forgotten with this process: the output can then never be linked or continued.

        :implements: SRS-DEID-005, SDS-DEID-003
        """
        return cls(secrets.token_bytes(32))

    def digest(self, text: str, /, *, sharing: Sharing) -> bytes:
        """Return the 32-byte keyed digest of a text.

        :implements: SRS-DEID-005, SDS-DEID-003

        Parameters
        ----------
        text
            What to digest.
        sharing
            Which of the derived keys to use.
        """
        return hmac_digest(self._keys[sharing], text.encode("utf-8", "surrogateescape"), "sha256")

    def map_uid(self, uid: str, /, *, root: str = "2.25") -> str:
        """Return the new UID for an original one; a UID that this secret made is returned as it is.

        :implements: SRS-DEID-005, SDS-DEID-003

        Parameters
        ----------
        uid
            The original UID. Its form does not matter: a value that is no UID is replaced too.
        root
            ``2.25`` gives a UUID-derived UID; an organisation's own root is followed by one number.

        Returns
        -------
        str
            At most 64 characters. 82 bits of keyed digest, 40 bits that prove the first 82.
        """
        found = self._mapped.get((root, uid))
        if found is None:
            if len(self._mapped) >= _REMEMBERED_UIDS:
                self._mapped.clear()
            found = self._mapped[root, uid] = self._new_uid(uid, root)
        return found

    def made_uid(self, uid: str, /, *, root: str = "2.25") -> bool:
        """Tell whether this secret made a UID.

        :implements: SRS-DEID-005, SDS-DEID-003

        Parameters
        ----------
        uid
            Any UID.
        root
            The root it would have been made under.
        """
        number = uid.removeprefix(root + ".")
        if number == uid or not number.isascii() or not number.isdigit() or len(uid) > _UID_LENGTH_LIMIT:
            return False
        bits = _without_uuid_marks(int(number))
        return compare_digest(self._uid_of(bits >> _PROOF_BITS, root), uid)

    def pseudonym(self, patient: str, /) -> str:
        """Return the pseudonym of a patient; a pseudonym that this secret made is returned as it is.

        :implements: SRS-DEID-006, SDS-DEID-003

        Parameters
        ----------
        patient
            What tells the patient apart: the patient ID, with its issuer where there is one.

        Returns
        -------
        str
            ``P-`` and 24 letters or digits.
        """
        if self.made_pseudonym(patient):
            return patient
        return self._pseudonym_of(self.digest(patient, sharing=Sharing.PATIENT)[:_PSEUDONYM_HASH_BYTES])

    def made_pseudonym(self, patient: str, /) -> bool:
        """Tell whether this secret made a pseudonym.

        :implements: SRS-DEID-006, SDS-DEID-003

        Parameters
        ----------
        patient
            Any patient ID.
        """
        code = patient.removeprefix(_PSEUDONYM_PREFIX)
        if code == patient or len(code) != (_PSEUDONYM_HASH_BYTES + _PSEUDONYM_PROOF_BYTES) * 8 // 5:
            return False
        try:
            content = base64.b32decode(code)
        except ValueError:
            return False
        return compare_digest(self._pseudonym_of(content[:_PSEUDONYM_HASH_BYTES]), patient)

    def date_shift(self, patient: str, /) -> dt.timedelta:
        """Return by how many whole days the dates of a patient move: between 365 and 3,649 days back.

        :implements: SRS-DEID-007, SDS-DEID-003

        Parameters
        ----------
        patient
            The same text that :meth:`pseudonym` gets.
        """
        number = int.from_bytes(self.digest(patient, sharing=Sharing.DATE)[:8])
        return dt.timedelta(days=-(_SHORTEST_SHIFT_DAYS + number % _SHIFT_RANGE_DAYS))

    def _new_uid(self, uid: str, root: str) -> str:
        if self.made_uid(uid, root=root):
            return uid
        return self._uid_of(int.from_bytes(self.digest(uid, sharing=Sharing.UID)) >> (256 - _HASH_BITS), root)

    def _uid_of(self, content: int, root: str) -> str:
        proof_text = f"{root} {content:x}".encode()
        proof = hmac_digest(self._keys[Sharing.UID], b"proof " + proof_text, "sha256")
        bits = (content << _PROOF_BITS) | (int.from_bytes(proof) >> (256 - _PROOF_BITS))
        return f"{root}.{_with_uuid_marks(bits)}"

    def _pseudonym_of(self, content: bytes) -> str:
        proof = hmac_digest(self._keys[Sharing.PATIENT], b"proof " + content, "sha256")[:_PSEUDONYM_PROOF_BYTES]
        return _PSEUDONYM_PREFIX + base64.b32encode(content + proof).decode()


def fingerprint(text: str, /) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a text that is not about a patient, such as a profile.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    text
        A policy, never a value of a patient.
    """
    return sha256(text.encode()).hexdigest()[:16]


# A UUID of version 8 (RFC 9562, free content): 48 bits, version, 12 bits, variant, 62 bits; 122 bits are ours.
def _with_uuid_marks(bits: int) -> int:
    high, middle, low = bits >> 74, (bits >> 62) & 0xFFF, bits & ((1 << 62) - 1)
    return (high << 80) | (8 << 76) | (middle << 64) | (2 << 62) | low


def _without_uuid_marks(number: int) -> int:
    high, middle, low = number >> 80, (number >> 64) & 0xFFF, number & ((1 << 62) - 1)
    return (high << 74) | (middle << 62) | low
