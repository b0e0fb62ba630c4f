from __future__ import annotations

import pytest

from lungai_core.deid import Secret
from lungai_core.deid.engine import Engine
from lungai_core.deid.profile import BASIC
from support import deid_corpus


@pytest.fixture(scope="session")
def corpus():
    return deid_corpus


@pytest.fixture(scope="session")
def secret():
    return Secret(b"a secret for tests only")


@pytest.fixture
def release(secret, corpus):
    """De-identify a data set or bytes, and return the new file's bytes and what pydicom reads in them."""

    def run(subject, profile=BASIC, key=secret):
        content = subject if isinstance(subject, bytes) else corpus.as_bytes(subject)
        out = b"".join(Engine(profile, key).release(content).pieces)
        return out, corpus.read(out)

    return run
