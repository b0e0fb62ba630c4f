"""Ed25519 signatures in DSSE envelopes over in-toto statements. Offline; the key is always an argument."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
from typing import TYPE_CHECKING, Any

from lungai_core.errors import MissingDependencyError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["key_pair", "open_envelope", "seal", "statement"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


def key_pair() -> tuple[bytes, bytes]:
    """Return a new private and public Ed25519 key as PEM. The private key is not encrypted: keep it in a safe place.

    :implements: SRS-EVID-023, SDS-EVID-015
    """
    serialization, ed25519 = _libraries()
    private = ed25519.Ed25519PrivateKey.generate()
    return (
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def statement(subjects: Mapping[str, str], /, *, predicate_type: str, predicate: Mapping[str, object]) -> bytes:
    """Return an in-toto statement about files.

    :implements: SRS-EVID-023, SDS-EVID-015

    Parameters
    ----------
    subjects
        SHA-256 by file name.
    predicate_type, predicate
        What is said about them.
    """
    content = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def seal(payload: bytes, /, *, private_key: bytes) -> bytes:
    """Return a DSSE envelope with one Ed25519 signature.

    :implements: SRS-EVID-023, SDS-EVID-015

    Parameters
    ----------
    payload
        An in-toto statement.
    private_key
        PEM, not encrypted.

    Raises
    ------
    SignatureError
        If the key is not an Ed25519 private key.
    MissingDependencyError
        If ``cryptography`` is not installed.
    """
    serialization, ed25519 = _libraries()
    try:
        key = serialization.load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError) as error:
        raise _bad_key() from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise _bad_key()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": hashlib.sha256(public).hexdigest(), "sig": base64.b64encode(key.sign(_encoded(payload))).decode()}
        ],
    }
    return (json.dumps(envelope, indent=1, sort_keys=True) + "\n").encode()


def open_envelope(envelope: bytes, /, *, public_key: bytes, where: str) -> Mapping[str, Any]:
    """Check the signature of an envelope, and return the statement in it.

    :implements: SRS-EVID-023, SDS-EVID-015

    Parameters
    ----------
    envelope
        From :func:`seal`.
    public_key
        PEM of the key that must have signed.
    where
        The envelope's name, for messages.

    Raises
    ------
    SignatureError
        If the envelope is broken, or nobody with this key has signed it.
    MissingDependencyError
        If ``cryptography`` is not installed.
    """
    serialization, ed25519 = _libraries()
    invalid: type[Exception] = importlib.import_module("cryptography.exceptions").InvalidSignature
    try:
        key = serialization.load_pem_public_key(public_key)
    except ValueError as error:
        raise _bad_key() from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise _bad_key()
    try:
        content = json.loads(envelope)
        payload = base64.b64decode(content["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in content["signatures"]]
        said: Mapping[str, Any] = json.loads(payload)
        right_type = content["payloadType"] == PAYLOAD_TYPE and said["_type"] == STATEMENT_TYPE
    except (ValueError, KeyError, TypeError) as error:
        raise _refusal("The signature file is not a DSSE envelope of an in-toto statement.", where) from error
    if not right_type:
        raise _refusal("The signature file is of another type.", where)
    for signature in signatures:
        try:
            key.verify(signature, _encoded(payload))
        except invalid:
            continue
        return said
    raise _refusal("No signature in the file was made with this key over this content.", where)


def _encoded(payload: bytes, /) -> bytes:
    # Pre-authentication encoding of DSSE 1.0.
    kind = PAYLOAD_TYPE.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        return (
            importlib.import_module("cryptography.hazmat.primitives.serialization"),
            importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519"),
        )
    except ImportError as error:
        raise MissingDependencyError(
            "The library for signatures is not installed.",
            where="cryptography",
            remedy='Run `pip install "lungai-core[evidence]"`.',
        ) from error


def _bad_key() -> SignatureError:
    return _refusal("The key is not an Ed25519 key in PEM form without a password.", "key file")


def _refusal(what: str, where: str, /) -> SignatureError:
    return SignatureError(
        what,
        where=where,
        allowed="files signed with the Ed25519 key that you trust",
        remedy="Ask whoever signed for the right key or file; do not use what is not signed.",
    )
