"""Files that appear whole or not at all, and their hashes. Both towers write through this module."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.errors import OutputFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["new_folder", "sha256_file", "write_whole"]

_HASH_BLOCK_BYTES = 1 << 20


def write_whole(path: Path, content: bytes | str, /) -> Path:
    """Write a file so that a reader sees either the old content or the new one, never a part.

    :implements: SRS-FILE-001, SDS-FILE-001

    Parameters
    ----------
    path
        Where the file shall stand; missing parent folders are made. An existing file is replaced.
    content
        The bytes, or text that is written as UTF-8 with line feeds as line ends.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    OutputFolderError
        If the folder cannot be made or written to.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _not_writable(path, error) from error
    return path


@contextmanager
def new_folder(path: Path, /) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` that becomes ``path`` when the block ends without an error.

    :implements: SRS-FILE-001, SDS-FILE-001

    Parameters
    ----------
    path
        The folder to make. It must not exist, or be empty.

    Yields
    ------
    Path
        The temporary folder to write into. It is removed if the block raises.

    Raises
    ------
    OutputFolderError
        If ``path`` holds something already, or its parent cannot be written to.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputFolderError(
            "The output folder already holds something.",
            where=str(path),
            allowed="a folder that does not exist yet, or an empty one",
            remedy="Choose another output folder, or move the old one away; nothing is overwritten.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    except OSError as error:
        raise _not_writable(path, error) from error
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            path.rmdir()
        temporary.replace(path)
    except OSError as error:
        raise _not_writable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256_file(path: Path, /) -> str:
    """Return the SHA-256 of a file's bytes as 64 lower-case hexadecimal digits.

    :implements: SRS-FILE-002, SDS-FILE-001

    Parameters
    ----------
    path
        An existing file; it is read in blocks of 1 MiB.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _not_writable(path: Path, error: OSError, /) -> OutputFolderError:
    return OutputFolderError(
        f"The output cannot be written ({error.strerror or type(error).__name__}).",
        where=str(path),
        allowed="a folder in which this user may create files, with free disk space",
        remedy="Choose another output folder, or mend its permissions or the disk, and run again.",
    )
