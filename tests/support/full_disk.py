"""A disk that takes no more: the kernel refuses each write past a file size, as it does on a full disk."""

from __future__ import annotations

from contextlib import contextmanager

import pytest


@contextmanager
def files_end_at(size_bytes):
    """Let no file of this process grow past a size within the block; Python has switched off the signal of it."""
    resource = pytest.importorskip("resource", reason="POSIX only")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
