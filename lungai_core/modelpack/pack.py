"""A released model as a folder or zip: written once, verified whole before anything in it is used."""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from lungai_core.domain.contract import PREPROCESSING_ALGORITHM, preprocessing_sha256
from lungai_core.errors import (
    PackFileSetError,
    PackHashError,
    PackNotFoundError,
    PackRecordError,
    PreprocessingMismatchError,
)
from lungai_core.files import new_folder, write_whole
from lungai_core.modelpack.card import ModelCard, render_card
from lungai_core.modelpack.contract import ModelContract
from lungai_core.modelpack.memory import MemoryNeed
from lungai_core.modelpack.reference import ReferenceOutputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lungai_core.domain.model import FrozenModel

__all__ = ["ModelPack", "PackParts", "bundled_pack", "open_pack", "write_pack"]

_MANIFEST = "MANIFEST.sha256"
_REQUIRED = frozenset({"MODEL_CARD.md", "card.json", "contract.json", "model.onnx", "reference.json"})
_OPTIONAL = frozenset(
    {
        "evaluation.json",
        "memory.json",
        "model_fp16.onnx",
        "parity.json",
        "parity_fp16.json",
        "sbom.cdx.json",
        "training_record.json",
    }
)
# A limit on what is read into memory before anything is known about it.
_MAX_BYTES = 2 << 30
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]+)")
_BUNDLED_NAME = "lungai-small"

_Record = TypeVar("_Record", bound="FrozenModel")


@dataclass(frozen=True, slots=True)
class PackParts:
    """What a pack is written from.

    :implements: SRS-PACK-001, SDS-PACK-004

    Parameters
    ----------
    contract, card, reference
        The three records.
    onnx
        The bytes of ``model.onnx``.
    attachments
        Further files by name: any of ``evaluation.json``, ``memory.json``, ``model_fp16.onnx``, ``parity.json``,
        ``parity_fp16.json``, ``sbom.cdx.json``, ``training_record.json``.
    """

    contract: ModelContract
    card: ModelCard
    reference: ReferenceOutputs
    onnx: bytes
    attachments: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ModelPack:
    """A verified model pack, held in memory: the bytes that were hashed are the bytes that are used.

    :implements: SRS-PACK-002, SDS-PACK-004

    Parameters
    ----------
    path
        The folder or zip that it was read from.
    contract, card, reference
        The three records.
    onnx
        The bytes of ``model.onnx``; give them to the runtime, not the path.
    attachments
        The bytes of the optional files that exist, by name.
    sha256
        The SHA-256 of ``MANIFEST.sha256``: the identity of the pack as a whole.
    memory
        What ``memory.json`` says, if the pack holds it.
    """

    path: Path
    contract: ModelContract
    card: ModelCard
    reference: ReferenceOutputs
    onnx: bytes
    attachments: Mapping[str, bytes]
    sha256: str
    memory: MemoryNeed | None = None

    @property
    def model_sha256(self) -> str:
        """The SHA-256 of ``model.onnx``."""
        return hashlib.sha256(self.onnx).hexdigest()

    @property
    def contract_sha256(self) -> str:
        """The SHA-256 of ``contract.json`` as written by :func:`write_pack`."""
        return hashlib.sha256(_json_bytes(self.contract)).hexdigest()


def open_pack(path: Path, /) -> ModelPack:
    """Read a model pack and verify it whole.

    :implements: SRS-PACK-002, SRS-PACK-006, SDS-PACK-004, SDS-PACK-005

    First the set of files and every SHA-256 is compared with ``MANIFEST.sha256``; only then is anything parsed; then
    the preprocessing hash of the contract is compared with that of this software.

    Parameters
    ----------
    path
        A folder, or a zip file that holds the pack's files at its root.

    Raises
    ------
    PackNotFoundError
        If there is no folder or zip with a ``MANIFEST.sha256``.
    PackFileSetError
        If a file is missing, unknown, nested or too large, or the manifest is malformed.
    PackHashError
        If a file's SHA-256 differs from the manifest.
    PackRecordError
        If a JSON record is not of its schema, or the records contradict each other.
    PreprocessingMismatchError
        If the model was made for another preprocessing than this software's.
    """
    contents = _read(path)
    manifest = contents.pop(_MANIFEST, None)
    if manifest is None:
        raise _not_found(path)
    _verify(path, manifest, contents)
    contract = _record(path, "contract.json", contents, ModelContract)
    card = _record(path, "card.json", contents, ModelCard)
    reference = _record(path, "reference.json", contents, ReferenceOutputs)
    _require_agreement(path, contract=contract, card=card, reference=reference, rendered=contents["MODEL_CARD.md"])
    _require_preprocessing(path, contract)
    return ModelPack(
        path=path,
        contract=contract,
        card=card,
        reference=reference,
        onnx=contents["model.onnx"],
        attachments={name: contents[name] for name in sorted(_OPTIONAL & contents.keys())},
        sha256=hashlib.sha256(manifest).hexdigest(),
        memory=_record(path, "memory.json", contents, MemoryNeed) if "memory.json" in contents else None,
    )


def write_pack(parts: PackParts, path: Path, /) -> ModelPack:
    """Write a model pack as a folder, and open it again to prove it.

    :implements: SRS-PACK-001, SDS-PACK-004

    Parameters
    ----------
    parts
        The contents.
    path
        The folder to make; it must not exist or be empty. A name that ends in ``.zip`` gives one stored, dateless zip.

    Raises
    ------
    PackFileSetError
        If an attachment has a name that a pack does not know.
    OutputFolderError
        If the folder holds something already or cannot be written.
    """
    unknown = sorted(parts.attachments.keys() - _OPTIONAL)
    if unknown:
        raise _file_set(path, f"A model pack does not hold files of this name: {', '.join(unknown)}.")
    contents = {
        "MODEL_CARD.md": render_card(parts.card).encode(),
        "card.json": _json_bytes(parts.card),
        "contract.json": _json_bytes(parts.contract),
        "model.onnx": parts.onnx,
        "reference.json": _json_bytes(parts.reference),
        **parts.attachments,
    }
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(contents.items())]
    contents[_MANIFEST] = "".join(lines).encode()
    if path.suffix == ".zip":
        _write_zip(path, contents)
    else:
        with new_folder(path) as folder:
            for name, data in contents.items():
                write_whole(folder / name, data)
    return open_pack(path)


def bundled_pack() -> Path:
    """Return the folder of the model pack that ships with this package; its card says whether it is trained.

    :implements: SRS-PACK-007, SDS-PACK-006
    """
    return Path(str(package_files("lungai_core.modelpack"))) / "data" / _BUNDLED_NAME


def _json_bytes(record: FrozenModel, /) -> bytes:
    return (record.model_dump_json(indent=1) + "\n").encode()


def _read(path: Path, /) -> dict[str, bytes]:
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.is_file() and zipfile.is_zipfile(path):
            return _read_zip(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise PackHashError(
            f"The model pack cannot be read ({type(error).__name__}).",
            where=str(path),
            allowed="a readable folder or an undamaged zip",
            remedy="Copy the pack again from its release, or mend its permissions.",
        ) from error
    raise _not_found(path)


def _read_folder(path: Path, /) -> dict[str, bytes]:
    entries = sorted(path.iterdir())
    odd = [entry.name for entry in entries if entry.is_symlink() or not entry.is_file()]
    if odd:
        raise _file_set(path, f"The pack holds something that is not a plain file: {', '.join(odd)}.")
    if sum(entry.stat().st_size for entry in entries) > _MAX_BYTES:
        raise _file_set(path, "The pack is larger than 2 GiB.")
    return {entry.name: entry.read_bytes() for entry in entries}


def _read_zip(path: Path, /) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if any("/" in name or "\\" in name for name in names) or len(set(names)) != len(names):
            raise _file_set(path, "The zip holds folders or one name twice.")
        if sum(member.file_size for member in members) > _MAX_BYTES:
            raise _file_set(path, "The pack is larger than 2 GiB.")
        return {member.filename: archive.read(member) for member in members}


def _write_zip(path: Path, contents: Mapping[str, bytes], /) -> None:
    # Stored and with zip's earliest date, so that the same parts give the same bytes everywhere.
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, data in sorted(contents.items()):
                archive.writestr(zipfile.ZipInfo(name), data)
        write_whole(path, temporary.read_bytes())
    finally:
        temporary.unlink(missing_ok=True)


def _verify(path: Path, manifest: bytes, contents: Mapping[str, bytes], /) -> None:
    lines = manifest.decode("ascii", errors="replace").splitlines()
    matches = [_LINE.fullmatch(line) for line in lines]
    listed = {match[2]: match[1] for match in matches if match is not None}
    if len(listed) != len(lines):
        raise _file_set(path, "MANIFEST.sha256 has a malformed line or names a file twice.")
    missing = sorted((listed.keys() | _REQUIRED) - contents.keys())
    unlisted = sorted(contents.keys() - listed.keys())
    unknown = sorted(listed.keys() - _REQUIRED - _OPTIONAL)
    for problem, names in (("missing", missing), ("not in the manifest", unlisted), ("not known", unknown)):
        if names:
            raise _file_set(path, f"Files of the model pack are {problem}: {', '.join(names)}.")
    changed = sorted(name for name, data in contents.items() if hashlib.sha256(data).hexdigest() != listed[name])
    if changed:
        raise PackHashError(
            "Files of the model pack are not what its manifest says.",
            where=f"{path}: {', '.join(changed)}",
            allowed="the SHA-256 in MANIFEST.sha256",
            remedy="Do not use this model. Get the pack again from its release and compare the manifest's hash.",
        )


def _record(path: Path, name: str, contents: Mapping[str, bytes], kind: type[_Record], /) -> _Record:
    try:
        return kind.model_validate_json(contents[name])
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) or "file" for problem in error.errors()})
        raise _bad_record(path, f"{name} is not of its schema ({', '.join(fields)}).") from error


def _require_agreement(
    path: Path, /, *, contract: ModelContract, card: ModelCard, reference: ReferenceOutputs, rendered: bytes
) -> None:
    if (card.model_name, card.model_version) != (contract.model_name, contract.model_version):
        raise _bad_record(path, "card.json and contract.json name different models or versions.")
    if rendered != render_card(card).encode():
        raise _bad_record(path, "MODEL_CARD.md is not the rendering of card.json.")
    names = [tensor.name for tensor in contract.outputs.tensors()]
    if [tensor.name for tensor in reference.outputs] != names:
        raise _bad_record(path, "reference.json does not cover the outputs of contract.json in their order.")


def _require_preprocessing(path: Path, contract: ModelContract, /) -> None:
    expected = preprocessing_sha256(contract.input)
    if contract.preprocessing_sha256 != expected or contract.preprocessing_algorithm != PREPROCESSING_ALGORITHM:
        raise PreprocessingMismatchError(
            "The model was made for another preprocessing than this software has.",
            where=f"{path}: contract.json, preprocessing {contract.preprocessing_algorithm}",
            allowed=f"{PREPROCESSING_ALGORITHM}, SHA-256 {expected}",
            remedy="Use the version of lungai-core that the model was released with, or export the model again.",
        )


def _not_found(path: Path, /) -> PackNotFoundError:
    return PackNotFoundError(
        "There is no model pack here.",
        where=str(path),
        allowed="a folder or zip that holds MANIFEST.sha256, model.onnx, contract.json, card.json and reference.json",
        remedy="Give the path of a pack written by `lungai model export`, or leave it out to use the bundled one.",
    )


def _file_set(path: Path, what: str, /) -> PackFileSetError:
    return PackFileSetError(
        what,
        where=str(path),
        allowed=f"{', '.join(sorted(_REQUIRED))}; optional {', '.join(sorted(_OPTIONAL))}; each listed in {_MANIFEST}",
        remedy="Get the pack again from its release; add nothing to its folder.",
    )


def _bad_record(path: Path, what: str, /) -> PackRecordError:
    return PackRecordError(
        what,
        where=str(path),
        allowed="the records of docs/reference/modelpack.md",
        remedy="Export the pack again with this version of lungai-core.",
    )
