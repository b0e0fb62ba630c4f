from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile

import pytest

from lungai_core.errors import (
    ExitCode,
    OutputFolderError,
    PackFileSetError,
    PackHashError,
    PackNotFoundError,
    PackRecordError,
    PreprocessingMismatchError,
)
from lungai_core.modelpack.memory import MemoryNeed
from lungai_core.modelpack.pack import bundled_pack, open_pack, write_pack


@pytest.fixture
def folder(parts, tmp_path):
    write_pack(parts, tmp_path / "pack")
    return tmp_path / "pack"


def reseal(folder):
    """Write a manifest that agrees with whatever stands in the folder."""
    names = sorted(path.name for path in folder.iterdir() if path.name != "MANIFEST.sha256")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "MANIFEST.sha256").write_text("".join(lines))


@pytest.mark.verifies("SRS-PACK-001", "SRS-PACK-002")
def test_a_written_pack_opens_with_the_same_records_and_bytes(parts, folder):
    pack = open_pack(folder)
    assert (pack.contract, pack.card, pack.reference) == (parts.contract, parts.card, parts.reference)
    assert (pack.onnx, dict(pack.attachments)) == (parts.onnx, dict(parts.attachments))
    assert pack.model_sha256 == hashlib.sha256(b"graph").hexdigest()
    assert pack.contract_sha256 == hashlib.sha256((folder / "contract.json").read_bytes()).hexdigest()
    assert pack.sha256 == hashlib.sha256((folder / "MANIFEST.sha256").read_bytes()).hexdigest()


@pytest.mark.verifies("SRS-PACK-001")
def test_the_same_parts_give_the_same_bytes_as_folder_and_as_zip(parts, folder, tmp_path):
    write_pack(parts, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    one, two = write_pack(parts, tmp_path / "one.zip"), write_pack(parts, tmp_path / "two.zip")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.sha256 == open_pack(folder).sha256


@pytest.mark.verifies("SRS-PACK-001")
def test_a_pack_is_not_written_over_another_or_with_a_stranger(parts, folder, tmp_path):
    with pytest.raises(OutputFolderError):
        write_pack(parts, folder)
    with pytest.raises(PackFileSetError, match=r"notes\.txt"):
        write_pack(dataclasses.replace(parts, attachments={"notes.txt": b""}), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.verifies("SRS-PACK-002", "RC-PACK-001")
@pytest.mark.parametrize("name", ["model.onnx", "contract.json", "card.json", "reference.json", "parity.json"])
def test_one_changed_bit_in_any_file_is_refused_before_it_is_parsed(folder, name, monkeypatch):
    data = bytearray((folder / name).read_bytes())
    data[0] ^= 1
    (folder / name).write_bytes(bytes(data))
    monkeypatch.setattr("lungai_core.modelpack.pack._record", lambda *_: pytest.fail("parsed before verified"))
    with pytest.raises(PackHashError, match="not what its manifest says") as caught:
        open_pack(folder)
    assert name in caught.value.where
    assert caught.value.exit_code is ExitCode.MODEL_INTEGRITY


@pytest.mark.verifies("SRS-PACK-002", "RC-PACK-001")
def test_missing_unlisted_unknown_nested_and_linked_files_are_refused(folder, tmp_path):
    (folder / "model.onnx").rename(tmp_path / "aside")
    with pytest.raises(PackFileSetError, match=r"missing: model\.onnx"):
        open_pack(folder)
    (folder / "model.onnx").symlink_to(tmp_path / "aside")
    with pytest.raises(PackFileSetError, match=r"not a plain file: model\.onnx"):
        open_pack(folder)
    (folder / "model.onnx").unlink()
    (tmp_path / "aside").rename(folder / "model.onnx")
    (folder / "extra.bin").write_bytes(b"")
    with pytest.raises(PackFileSetError, match=r"not in the manifest: extra\.bin"):
        open_pack(folder)
    reseal(folder)
    with pytest.raises(PackFileSetError, match=r"not known: extra\.bin"):
        open_pack(folder)
    (folder / "extra.bin").unlink()
    (folder / "sub").mkdir()
    with pytest.raises(PackFileSetError, match="not a plain file: sub"):
        open_pack(folder)


@pytest.mark.verifies("SRS-PACK-002", "RC-PACK-001")
def test_a_malformed_manifest_is_refused(folder):
    manifest = folder / "MANIFEST.sha256"
    lines = manifest.read_text().splitlines(keepends=True)
    for text in ("".join(lines) + "junk\n", "".join([*lines, lines[0]])):
        manifest.write_text(text)
        with pytest.raises(PackFileSetError, match="malformed line"):
            open_pack(folder)


@pytest.mark.verifies("SRS-PACK-002")
def test_a_place_without_a_pack_is_named(tmp_path):
    (tmp_path / "plain.txt").write_text("x")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "plain.txt"):
        with pytest.raises(PackNotFoundError) as caught:
            open_pack(path)
        assert caught.value.where == str(path)


@pytest.mark.verifies("SRS-PACK-002", "RC-PACK-001")
def test_zips_with_folders_doubles_or_damage_are_refused(parts, tmp_path):
    path = tmp_path / "pack.zip"
    write_pack(parts, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", b"")
    with pytest.raises(PackFileSetError, match="folders or one name twice"):
        open_pack(path)
    path.unlink()
    write_pack(parts, path)
    data = bytearray(path.read_bytes())
    data[data.index(b"graph")] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(PackHashError, match="cannot be read"):
        open_pack(path)


@pytest.mark.verifies("SRS-PACK-002")
def test_a_pack_above_the_size_limit_is_not_read(folder, parts, tmp_path, monkeypatch):
    write_pack(parts, tmp_path / "pack.zip")
    monkeypatch.setattr("lungai_core.modelpack.pack._MAX_BYTES", 100)
    for path in (folder, tmp_path / "pack.zip"):
        with pytest.raises(PackFileSetError, match="larger than"):
            open_pack(path)


@pytest.mark.verifies("SRS-PACK-002", "SRS-PACK-004")
def test_records_that_do_not_fit_each_other_are_refused_even_with_a_good_manifest(folder, parts, tmp_path):
    original = (folder / "contract.json").read_text()
    (folder / "contract.json").write_text(original.replace('"lungai-contract/1"', '"lungai-contract/9"'))
    reseal(folder)
    with pytest.raises(PackRecordError, match=r"contract\.json is not of its schema \(schema_version\)"):
        open_pack(folder)
    (folder / "contract.json").write_text(original)
    (folder / "MODEL_CARD.md").write_text("Trained on everything.")
    reseal(folder)
    with pytest.raises(PackRecordError, match="not the rendering"):
        open_pack(folder)
    other = parts.card.model_copy(update={"model_version": "9.9.9"})
    with pytest.raises(PackRecordError, match="different models"):
        write_pack(dataclasses.replace(parts, card=other), tmp_path / "other")
    shorter = parts.reference.model_copy(update={"outputs": parts.reference.outputs[:1]})
    with pytest.raises(PackRecordError, match="does not cover the outputs"):
        write_pack(dataclasses.replace(parts, reference=shorter), tmp_path / "shorter")


@pytest.mark.verifies("SRS-PACK-006", "RC-PACK-002")
@pytest.mark.parametrize("change", [{"preprocessing_sha256": "0" * 64}, {"preprocessing_algorithm": "somebody-else/1"}])
def test_a_model_of_another_preprocessing_is_refused(parts, tmp_path, change):
    contract = parts.contract.model_copy(update=change)
    with pytest.raises(PreprocessingMismatchError) as caught:
        write_pack(dataclasses.replace(parts, contract=contract), tmp_path / "pack")
    assert caught.value.exit_code is ExitCode.MODEL_INTEGRITY


@pytest.mark.verifies("SRS-PACK-007", "SRS-PACK-002")
def test_the_bundled_pack_verifies_fits_a_wheel_and_takes_each_figure_from_the_evaluation_that_it_carries():
    pack = open_pack(bundled_pack())
    assert sum(path.stat().st_size for path in bundled_pack().iterdir()) <= 8_000_000
    evaluation = pack.attachments["evaluation.json"]
    assert pack.card.trained is True
    assert {figure.source_sha256 for figure in pack.card.figures} == {hashlib.sha256(evaluation).hexdigest()}
    assert [figure.value for figure in pack.card.figures] == [f["value"] for f in json.loads(evaluation)["figures"]]
    assert all("RESEARCH" in figure.data for figure in pack.card.figures)
    assert pack.contract.input.size_zyx == (32, 32, 32)
    assert pack.contract.head is not None
    chosen = (pack.contract.calibration, pack.contract.operating_point, pack.contract.review)
    assert len({part.chosen.record_sha256 for part in chosen}) == 1
    assert all("not part of the test fold" in part.chosen.data for part in chosen)


@pytest.mark.verifies("SRS-PACK-009", "SRS-PACK-002")
def test_what_a_pack_says_of_its_memory_is_read_or_refused(parts, tmp_path):
    stated = MemoryNeed(weights_bytes=1, activation_bytes_per_patch=2)
    said = dataclasses.replace(parts, attachments={"memory.json": stated.model_dump_json().encode()})
    assert write_pack(said, tmp_path / "said").memory == stated
    assert write_pack(parts, tmp_path / "silent").memory is None
    wrong = dataclasses.replace(parts, attachments={"memory.json": b"{}"})
    with pytest.raises(PackRecordError, match="memory"):
        write_pack(wrong, tmp_path / "wrong")
