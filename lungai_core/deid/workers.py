"""The processes that treat files: each is read, de-identified and written whole as a part, or refused with a reason."""

from __future__ import annotations

import errno
import multiprocessing
import os
import struct
import threading
import zlib
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lungai_core.deid.bytestream import forget_pages
from lungai_core.deid.engine import Engine
from lungai_core.deid.journal import JournalEntry
from lungai_core.deid.standard import warm_up
from lungai_core.errors import LungaiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.deid.bytestream import Buffer
    from lungai_core.deid.profile import Profile
    from lungai_core.deid.repeats import Released
    from lungai_core.deid.secret import Secret
    from lungai_core.deid.transform import Piece

__all__ = ["LINK", "Input", "Result", "refusal_of", "treat", "unreadable"]

_MAPPED_FROM_BYTES = 1 << 24
_LARGEST_BATCH, _BATCHES_A_PROCESS = 32, 8
_JOINED_BELOW = 1 << 16
_WRITTEN_AT_ONCE = 1 << 24
_BINARY = getattr(os, "O_BINARY", 0)  # Windows translates line ends without it
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # a file may have been replaced by a link since the folder was listed
# What a file that is not what it says can raise in parsing; anything else is a fault of this software and stops the
# run.
_BROKEN_FILE = (ValueError, LookupError, ArithmeticError, MemoryError, RecursionError, struct.error, zlib.error)

LINK = JournalEntry(code="LAI-DEID-003", reason="The path is a link; links are not followed.")


class Input(NamedTuple):
    """A file of the input: its number in the order of the paths, and the key that a journal knows it by.

    With a ``refusal`` it is not opened; a folder that cannot be listed stands as one such file.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    number: int
    path: str
    key: str
    refusal: JournalEntry | None


class Result(NamedTuple):
    """What became of a file; ``part`` is the name of what was written, empty where nothing was.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    number: int
    key: str
    entry: JournalEntry
    part: str


def treat(
    inputs: list[Input], parts: Path | None, /, *, profile: Profile, secret: Secret, jobs: int
) -> Iterator[list[Result]]:
    """De-identify files in one process or several, in batches and in the order of the input.

    :implements: SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    inputs
        The files.
    parts
        Folder in which each released file is written whole under its number; ``None`` where nothing shall be written.
    profile, secret
        What is done, and the key of it.
    jobs
        Number of processes.

    Yields
    ------
    list of Result
        One for each file of a batch, refused ones included.
    """
    size = min(max(len(inputs) // (jobs * _BATCHES_A_PROCESS), 1), _LARGEST_BATCH)
    batches = [inputs[start : start + size] for start in range(0, len(inputs), size)]
    # Read before the processes fork, the tables are read once.
    _start_worker(profile, secret, parts)
    warm_up()
    if jobs == 1 or len(batches) <= 1:
        yield from map(_work, batches)
        return
    with multiprocessing.get_context().Pool(jobs, _start_process, (profile, secret, parts)) as pool:
        yield from pool.imap(_work, batches)


class _Worker(NamedTuple):
    engine: Engine
    parts: Path | None


_worker: list[_Worker] = []


def _start_process(profile: Profile, secret: Secret, parts: Path | None) -> None:
    _start_worker(profile, secret, parts)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start_worker(profile: Profile, secret: Secret, parts: Path | None) -> None:
    _worker[:] = [_Worker(Engine(profile, secret), parts)]


def _work(batch: list[Input]) -> list[Result]:
    (worker,) = _worker
    return [_process(one, worker) for one in batch]


def _process(one: Input, worker: _Worker) -> Result:
    if one.refusal is not None:
        return Result(one.number, one.key, one.refusal, "")
    part = f"{one.number}"
    try:
        released = worker.engine.release(_content(one.path))
        if worker.parts is not None:
            _write_part(f"{worker.parts}/{part}", released.pieces)
        entry = _written(released)
    except LungaiError as error:
        return Result(one.number, one.key, refusal_of(error), "")
    except OSError as error:
        return Result(one.number, one.key, LINK if error.errno == errno.ELOOP else unreadable(error), "")
    except _BROKEN_FILE as error:
        reason = f"The file cannot be read to its end ({type(error).__name__})."
        return Result(one.number, one.key, JournalEntry(code="LAI-DEID-001", reason=reason), "")
    return Result(one.number, one.key, entry, part)


def _write_part(path: str, pieces: list[Piece]) -> None:
    # Short pieces are joined; the pixel data go out from where they were read.
    small: list[Piece] = []
    stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
    try:
        for piece in pieces:
            if len(piece) < _JOINED_BELOW:
                small.append(piece)
                continue
            _write_fully(stream, b"".join(small))
            _write_fully(stream, piece)
            small = []
        _write_fully(stream, b"".join(small))
    finally:
        os.close(stream)


def _write_fully(stream: int, content: Piece) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(stream, rest[:_WRITTEN_AT_ONCE]) :]
        forget_pages(rest.obj)


def _content(path: str) -> Buffer:
    if not _NO_LINK and Path(path).is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    stream = os.open(path, os.O_RDONLY | _BINARY | _NO_LINK)
    try:
        size = os.fstat(stream).st_size
        if size >= _MAPPED_FROM_BYTES:
            # The map lives as long as somebody holds it; a view in a traceback may hold it longer than this function.
            return mmap(stream, 0, access=ACCESS_READ)
        content = os.read(stream, size)
        if len(content) == size:
            return content
        return content + b"".join(iter(lambda: os.read(stream, size), b""))
    finally:
        os.close(stream)


def _written(released: Released) -> JournalEntry:
    folder = f"{released.pseudonym}/{released.study_uid}/{released.series_uid}"
    return JournalEntry(
        name=f"{folder}/{released.instance_uid}.dcm",
        series=(released.pseudonym, released.study_uid, released.series_uid, released.modality),
        shows_a_head=int(released.shows_a_head),
        tallies=released.tallies,
    )


def refusal_of(error: LungaiError, /) -> JournalEntry:
    """Return the journal's entry of a file that is not written.

    :implements: SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    error
        Why.
    """
    return JournalEntry(code=error.code, reason=error.what, where=error.where)


def unreadable(error: OSError, /, *, what: str = "file") -> JournalEntry:
    """Return the journal's entry of what the operating system does not give.

    :implements: SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    error
        Why; of its texts the one that names no path is taken.
    what
        ``"file"`` or ``"folder"``.
    """
    reason = f"The {what} cannot be read or written ({error.strerror or type(error).__name__})."
    return JournalEntry(code="LAI-DEID-001", reason=reason)
