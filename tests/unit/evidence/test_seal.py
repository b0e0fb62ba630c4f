from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lungai_core.errors import SignatureError
from lungai_core.evidence.seal import key_pair, open_envelope, seal, statement

SAID = statement({"b": "2" * 64, "a": "1" * 64}, predicate_type="urn:x", predicate={"k": 1})


@pytest.mark.verifies("SRS-EVID-023")
def test_what_was_sealed_is_read_again_with_the_right_key(keys):
    content = open_envelope(seal(SAID, private_key=keys[0]), public_key=keys[1], where="x")
    assert [each["name"] for each in content["subject"]] == ["a", "b"]
    assert content["_type"] == "https://in-toto.io/Statement/v1"


@pytest.mark.verifies("SRS-EVID-023", "SRS-EVID-021")
def test_the_same_statement_gives_the_same_envelope(keys):
    assert seal(SAID, private_key=keys[0]) == seal(SAID, private_key=keys[0])


@pytest.mark.verifies("SRS-EVID-023", "RC-EVID-002")
@pytest.mark.parametrize("part", ["payload", "sig", "type", "json", "base64"])
def test_each_changed_part_of_an_envelope_is_refused(keys, part):
    envelope = json.loads(seal(SAID, private_key=keys[0]))
    if part == "payload":
        envelope["payload"] = base64.b64encode(SAID.replace(b"urn:x", b"urn:y")).decode()
    elif part == "sig":
        envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    elif part == "type":
        envelope["payloadType"] = "text/plain"
    elif part == "base64":
        envelope["payload"] = "*"
    broken = b"{" if part == "json" else json.dumps(envelope).encode()
    with pytest.raises(SignatureError, match="LAI-EVID-005"):
        open_envelope(broken, public_key=keys[1], where="x")


@pytest.mark.verifies("SRS-EVID-023")
def test_keys_of_another_kind_are_refused(keys):
    other = ec.generate_private_key(ec.SECP256R1())
    private = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = other.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for key in (private, b"no key"):
        with pytest.raises(SignatureError):
            seal(SAID, private_key=key)
    envelope = seal(SAID, private_key=keys[0])
    for key in (public, b"no key", key_pair()[1]):
        with pytest.raises(SignatureError):
            open_envelope(envelope, public_key=key, where="x")
