from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import nullcontext

import pydicom
import pytest

from lungai_core.deid import (
    BASIC,
    RunMode,
    RunOptions,
    Secret,
    deidentify_dataset,
    deidentify_series,
    verify_deidentified,
)
from lungai_core.deid.workers import _content
from lungai_core.errors import InvalidArgumentError, NotDeidentifiedError, OutputFolderError

SECRET = Secret(b"a secret for tests only")


@pytest.fixture(scope="module")
def lidc(shared_data, tmp_path_factory):
    source = shared_data / "lidc_idri_0001" / "dicom"
    out = tmp_path_factory.mktemp("run") / "out"
    return source, deidentify_series(source, out, profile=BASIC, secret=SECRET)


@pytest.mark.verifies("SRS-DEID-001", "RC-DEID-005")
def test_a_real_series_is_written_whole_with_its_pixels(lidc):
    source, report = lidc
    originals = {
        report.map_uid(dataset.SOPInstanceUID): dataset.PixelData
        for dataset in (pydicom.dcmread(path) for path in sorted(source.iterdir())[:5])
    }
    (series,) = report.series
    assert series.files == report.audit.files_in == 133
    for uid, pixels in originals.items():
        assert pydicom.dcmread(series.folder / f"{uid}.dcm").PixelData == pixels


@pytest.mark.verifies("SRS-DEID-005", "RC-DEID-006")
def test_the_report_maps_the_uids_that_the_files_carry(lidc):
    source, report = lidc
    original = pydicom.dcmread(min(source.iterdir()), stop_before_pixels=True)
    (series,) = report.series
    copy = pydicom.dcmread(series.folder / f"{report.map_uid(original.SOPInstanceUID)}.dcm", stop_before_pixels=True)
    assert copy.SeriesInstanceUID == series.series_instance_uid == report.map_uid(original.SeriesInstanceUID)
    assert copy.FrameOfReferenceUID == report.map_uid(original.FrameOfReferenceUID)


@pytest.mark.verifies("SRS-DEID-010")
def test_the_output_of_a_run_is_verified(lidc):
    _, report = lidc
    assert verify_deidentified(report.series[0].folder, profile=BASIC, secret=SECRET) == 133


def _tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _many(corpus, folder, count=40):
    for number in range(1, count + 1):
        dataset = corpus.new_object("ct", number=number, patient=f"PATIENT{number % 3}QX")
        corpus.write_all(folder, {f"PATIENT{number % 3}QX/IM{number:04d}_QXNAME.dcm": corpus.as_bytes(dataset)})


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
def test_every_file_is_written_or_refused_and_no_name_survives(corpus, tmp_path):
    source = tmp_path / "in"
    _many(corpus, source, 6)
    whole = corpus.as_bytes(corpus.new_object("ct", number=2))
    sent = corpus.new_object("ct", number=90)
    sent.BurnedInAnnotation = "YES"
    corpus.write_all(
        source,
        {
            "a/broken QXNAME.dcm": whole[:300],
            "a/empty.dcm": b"",
            "a/notes QXNAME.txt": b"QXNAME was here",
            "z/again.dcm": whole,
            "z/screen.dcm": corpus.as_bytes(sent),
        },
    )
    (source / "z" / "link.dcm").symlink_to(source / "z" / "again.dcm")
    (source / "z" / "folder").symlink_to(source / "a")
    report = deidentify_series(source, tmp_path / "out", secret=SECRET)
    codes = [refused.code for refused in report.audit.refused]
    assert (report.audit.files_in, report.audit.files_written) == (13, 6)
    assert sorted(codes) == sorted(["LAI-DEID-001"] * 3 + ["LAI-DEID-006", "LAI-DEID-002"] + ["LAI-DEID-003"] * 2)
    assert [path.name for path in report.refused_paths][:2] == ["broken QXNAME.dcm", "empty.dcm"]
    everything = {**_tree(tmp_path / "out"), **_tree(tmp_path / "out-audit")}
    assert not any(
        "QX" in name or b"QXNAME" in content or b"PATIENT1" in content for name, content in everything.items()
    )


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
def test_a_folder_that_cannot_be_listed_and_a_file_that_vanishes_are_refused(corpus, tmp_path, monkeypatch):
    source = tmp_path / "in"
    content = corpus.as_bytes(corpus.new_object("ct"))
    corpus.write_all(source, {"closed/a.dcm": content, "open/b.dcm": content, "open/c.dcm": content})
    listed = os.scandir

    def scandir(folder):
        if folder == f"{source}/closed":
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        if folder != f"{source}/open":
            return listed(folder)
        entries = list(listed(folder))
        (source / "open" / "c.dcm").unlink()
        return nullcontext(entries)

    monkeypatch.setattr(os, "scandir", scandir)
    report = deidentify_series(source, tmp_path / "out", secret=SECRET)
    assert (report.audit.files_in, report.audit.files_written) == (3, 1)
    assert [path.name for path in report.refused_paths] == ["closed", "c.dcm"]
    assert [(refused.code, refused.reason) for refused in report.audit.refused] == [
        ("LAI-DEID-001", "The folder cannot be read or written (Permission denied)."),
        ("LAI-DEID-001", "The file cannot be read or written (No such file or directory)."),
    ]


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
def test_a_file_replaced_by_a_link_after_it_was_listed_is_not_followed(corpus, tmp_path):
    source = tmp_path / "in"
    corpus.write_all(source, {f"{n}.dcm": corpus.as_bytes(corpus.new_object("ct", number=n)) for n in (1, 2)})

    def replace_second(done, _total):
        if done == 1:
            (source / "2.dcm").rename(tmp_path / "elsewhere.dcm")
            (source / "2.dcm").symlink_to(tmp_path / "elsewhere.dcm")

    report = deidentify_series(source, tmp_path / "out", secret=SECRET, progress=replace_second)
    assert (report.audit.files_in, report.audit.files_written) == (2, 1)
    assert [path.name for path in report.refused_paths] == ["2.dcm"]
    assert [refused.code for refused in report.audit.refused] == ["LAI-DEID-003"]


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
def test_a_system_without_a_way_to_open_no_link_looks_before_it_opens(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("lungai_core.deid.workers._NO_LINK", 0)
    corpus.write_all(tmp_path, {"a.dcm": corpus.as_bytes(corpus.new_object("ct"))})
    (tmp_path / "link.dcm").symlink_to(tmp_path / "a.dcm")
    assert bytes(_content(f"{tmp_path}/a.dcm")) == (tmp_path / "a.dcm").read_bytes()
    with pytest.raises(OSError, match="symbolic"):
        _content(f"{tmp_path}/link.dcm")


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
def test_a_run_is_not_resumed_on_an_input_of_which_a_part_cannot_be_listed(corpus, tmp_path, monkeypatch):
    source, out = tmp_path / "in", tmp_path / "out"
    names = {f"{folder}/{n}.dcm": n for n, folder in enumerate("ab", start=1)}
    corpus.write_all(source, {name: corpus.as_bytes(corpus.new_object("ct", number=n)) for name, n in names.items()})
    deidentify_series(source, out, secret=SECRET)
    before = _tree(out)
    listed = os.scandir

    def scandir(folder):
        if folder == f"{source}/b":
            raise OSError(errno.EIO, "Input/output error", folder)
        return listed(folder)

    resume = RunOptions(mode=RunMode.RESUME)
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InvalidArgumentError, match="a part of the input cannot be listed"):
        deidentify_series(source, out, secret=SECRET, options=resume)
    assert _tree(out) == before
    # A run that never saw that folder has nothing in the output that would be taken for gone.
    first = deidentify_series(source, tmp_path / "half", secret=SECRET)
    again = deidentify_series(source, tmp_path / "half", secret=SECRET, options=resume)
    assert first.audit == again.audit
    assert (again.audit.files_written, len(again.audit.refused)) == (1, 1)
    monkeypatch.setattr(os, "scandir", lambda _: listed(tmp_path / "absent"))
    with pytest.raises(InvalidArgumentError, match="input folder cannot be read"):
        deidentify_series(source, tmp_path / "other", secret=SECRET)
    assert not (tmp_path / "other").exists()


@pytest.mark.verifies("SRS-DEID-011", "SRS-DEID-005", "RC-DEID-006")
def test_two_processes_write_the_same_bytes_as_one(corpus, tmp_path):
    _many(corpus, tmp_path / "in")
    for jobs in (1, 2):
        deidentify_series(tmp_path / "in", tmp_path / f"out{jobs}", secret=SECRET, options=RunOptions(jobs=jobs))
    assert _tree(tmp_path / "out1") == _tree(tmp_path / "out2")
    assert len(_tree(tmp_path / "out1")) == 40
    audits = [(tmp_path / f"out{jobs}-audit" / "audit.json").read_bytes() for jobs in (1, 2)]
    assert audits[0] == audits[1]


@pytest.mark.verifies("SRS-DEID-011")
def test_folders_that_hold_each_other_are_told_apart(corpus, tmp_path):
    source = tmp_path / "in"
    _many(corpus, source, 3)
    for target in (source, tmp_path):
        with pytest.raises(OutputFolderError):
            deidentify_series(source, target, secret=SECRET)
    report = deidentify_series(source, source / "out", secret=SECRET)
    assert report.audit.files_in == 3
    with pytest.raises(OutputFolderError, match="already holds"):
        deidentify_series(source, source / "out", secret=SECRET)
    with pytest.raises(InvalidArgumentError):
        deidentify_series(tmp_path / "absent", tmp_path / "o", secret=SECRET)


@pytest.mark.verifies("SRS-DEID-011")
def test_a_dry_run_counts_and_writes_nothing(corpus, tmp_path):
    _many(corpus, tmp_path / "in", 3)
    before = _tree(tmp_path)
    seen = []
    report = deidentify_series(
        tmp_path / "in",
        tmp_path / "out",
        secret=SECRET,
        options=RunOptions(mode=RunMode.DRY),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert report.audit.files_written == 3
    assert report.series[0].folder is None
    assert _tree(tmp_path) == before
    assert seen[-1] == (3, 3)


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-004")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_goes_on_to_the_same_bytes(corpus, tmp_path, jobs):
    _many(corpus, tmp_path / "in", 60)
    deidentify_series(tmp_path / "in", tmp_path / "whole", secret=SECRET)
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from lungai_core.deid import RunOptions, RunMode, Secret, deidentify_series\n"
        "def stop(done, total):\n    if done == int(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "mode = RunMode.RESUME if sys.argv[3] == 'resume' else RunMode.NEW\n"
        "deidentify_series(Path(sys.argv[1]) / 'in', Path(sys.argv[1]) / 'out', "
        "secret=Secret(b'a secret for tests only'), "
        "options=RunOptions(mode=mode, jobs=int(sys.argv[4])), progress=stop)\n"
    )
    for done, mode in (("23", "new"), ("41", "resume")):
        killed = subprocess.run([sys.executable, "-c", script, str(tmp_path), done, mode, str(jobs)], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert all(len(content) > 500 for name, content in _tree(tmp_path / "out").items() if ".part" not in name)
    with (tmp_path / "out-audit" / "journal.jsonl").open("a", encoding="utf-8") as journal:
        journal.write('{"key": "half a li')
    report = deidentify_series(
        tmp_path / "in", tmp_path / "out", secret=SECRET, options=RunOptions(mode=RunMode.RESUME, jobs=jobs)
    )
    assert report.audit.files_written == 60
    assert _tree(tmp_path / "out") == _tree(tmp_path / "whole")
    assert (tmp_path / "out-audit/audit.json").read_bytes() == (tmp_path / "whole-audit/audit.json").read_bytes()


@pytest.mark.verifies("SRS-DEID-011")
def test_resuming_needs_the_same_secret_and_drops_what_is_gone(corpus, tmp_path):
    _many(corpus, tmp_path / "in", 4)
    deidentify_series(tmp_path / "in", tmp_path / "out", secret=SECRET)
    resume = RunOptions(mode=RunMode.RESUME)
    with pytest.raises(OutputFolderError, match="another profile or another secret"):
        deidentify_series(tmp_path / "in", tmp_path / "out", secret=Secret.random(), options=resume)
    min((tmp_path / "in").rglob("*.dcm")).unlink()
    report = deidentify_series(tmp_path / "in", tmp_path / "out", secret=SECRET, options=resume)
    assert report.audit.files_written == 3 == len(_tree(tmp_path / "out"))


@pytest.mark.verifies("SRS-DEID-011", "RC-DEID-005")
def test_a_large_file_is_mapped_and_not_read(corpus, tmp_path):
    dataset = corpus.new_object("ct", patient="4711ABC")
    dataset.Rows, dataset.Columns = 3000, 3000
    dataset.PixelData = bytes(range(256)) * (3000 * 3000 * 2 // 256) + bytes(3000 * 3000 * 2 % 256)
    corpus.write_all(tmp_path / "in", {"large.dcm": corpus.as_bytes(dataset)})
    report = deidentify_series(tmp_path / "in", tmp_path / "out", secret=SECRET)
    (copy,) = report.series[0].folder.iterdir()
    assert pydicom.dcmread(copy).PixelData == dataset.PixelData


@pytest.mark.verifies("SRS-DEID-010", "RC-DEID-001")
def test_verification_raises_on_what_is_not_clean(corpus, tmp_path):
    _many(corpus, tmp_path / "in", 2)
    report = deidentify_series(tmp_path / "in", tmp_path / "out", secret=SECRET)
    file = min((tmp_path / "out").rglob("*.dcm"))
    assert verify_deidentified(file, secret=SECRET) == 1
    with pytest.raises(NotDeidentifiedError):
        verify_deidentified(tmp_path / "in", secret=SECRET)
    with pytest.raises(NotDeidentifiedError):
        verify_deidentified(file, secret=Secret.random())
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotDeidentifiedError, match="no file"):
        verify_deidentified(tmp_path / "empty", secret=SECRET)
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(NotDeidentifiedError, match="refuse"):
        verify_deidentified(file, secret=SECRET)
    with pytest.raises(NotDeidentifiedError, match="cannot be read"):
        verify_deidentified(tmp_path / "absent.dcm", secret=SECRET)
    assert report.audit.files_written == 2


@pytest.mark.verifies("SRS-DEID-001")
def test_a_data_set_is_copied_and_not_changed(corpus):
    dataset = corpus.new_object("ct", patient="4711ABC")
    before = dataset.to_json()
    copy = deidentify_dataset(dataset, secret=SECRET)
    assert dataset.to_json() == before
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.PixelData == dataset.PixelData
    del dataset.file_meta
    assert deidentify_dataset(dataset, secret=SECRET).SOPInstanceUID == copy.SOPInstanceUID
