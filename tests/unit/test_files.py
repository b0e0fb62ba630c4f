from __future__ import annotations

import hashlib
import os

import pytest

from lungai_core.errors import OutputFolderError
from lungai_core.files import new_folder, sha256_file, write_whole


class InterruptedWriteError(Exception):
    """Stands for anything that stops a run."""


@pytest.mark.verifies("SRS-FILE-001")
def test_a_file_is_written_with_its_missing_folders_and_no_leftover(tmp_path):
    path = write_whole(tmp_path / "a" / "b.txt", "结节\n")
    assert path.read_bytes() == "结节\n".encode()
    assert os.listdir(path.parent) == ["b.txt"]


@pytest.mark.verifies("SRS-FILE-001")
def test_a_file_is_replaced_as_a_whole(tmp_path):
    write_whole(tmp_path / "f", b"old")
    write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"


@pytest.mark.verifies("SRS-FILE-001", "RC-FILE-001")
def test_a_write_that_fails_at_the_end_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    write_whole(tmp_path / "f", b"old")

    def full_disk(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OutputFolderError, match="No space left"):
        write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.verifies("SRS-FILE-001")
def test_a_path_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(OutputFolderError):
        write_whole(tmp_path / "f" / "g", b"")
    with pytest.raises(OutputFolderError), new_folder(tmp_path / "f" / "g"):
        pass


@pytest.mark.verifies("SRS-FILE-001")
def test_a_folder_appears_when_its_block_ends(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "result.json").write_text("{}")
        assert not (tmp_path / "out").exists()
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["result.json"]


@pytest.mark.verifies("SRS-FILE-001", "RC-FILE-001")
def test_an_interrupted_block_leaves_nothing(tmp_path):
    def write_and_stop():
        with new_folder(tmp_path / "out") as folder:
            (folder / "result.json").write_text("{}")
            raise InterruptedWriteError

    with pytest.raises(InterruptedWriteError):
        write_and_stop()
    assert os.listdir(tmp_path) == []


@pytest.mark.verifies("SRS-FILE-001")
def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as folder:
        (folder / "f").touch()
    with pytest.raises(OutputFolderError, match="already holds something"), new_folder(tmp_path / "empty"):
        pass
    assert os.listdir(tmp_path / "empty") == ["f"]


@pytest.mark.verifies("SRS-FILE-002")
def test_the_hash_of_a_file_larger_than_a_block_is_that_of_its_bytes(tmp_path):
    content = os.urandom(1) * (3 << 20)
    path = write_whole(tmp_path / "f", content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()
