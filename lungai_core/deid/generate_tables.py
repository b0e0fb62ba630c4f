"""Generate the package data from the published tables: ``python -m lungai_core.deid.generate_tables``.

Nothing in ``deid/tables`` is edited by hand. A new edition of the standard is a new input and a new run of this
module; the digest of each input is written into the output, so that a reader can tell which bytes a table came from.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import struct
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias, cast

from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import keyword_dict
from pydicom.sr._concepts_dict import concepts as _concepts
from pydicom.sr._snomed_dict import mapping as _snomed

__all__ = ["defined_terms", "generate_tables", "main"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

# A Type decides only where an action may have to be softened; 3 and "None" never do.
_DECIDING_TYPES = ("1", "1C", "2", "2C")
# pydicom leaves the type of its inner values open: names to codes to meaning and context groups.
concepts = cast("dict[str, dict[str, dict[str, tuple[str, list[int]]]]]", _concepts)
retired_codes = _snomed["SCT"]
_TERM = re.compile(rb"[A-Z][A-Z0-9_ ]{0,15}")


def generate_tables(reference: Path, /, *, module_maps: Path, sources: Path) -> dict[str, str]:
    """Build every table of the package as JSON text.

    :implements: SRS-DEID-002, SDS-DEID-001

    Parameters
    ----------
    reference
        Folder with ``ps3.15-table-e1-1.json``, ``ps3.15-table-e3.10-1-safe-private.json`` and
        ``ps3.6-2026c-missing-from-pydicom-3.0.2.json``.
    module_maps
        Folder with highdicom's ``module_attribute_map.json``, ``iod_module_map.json`` and ``sop_class_iod_map.json``.
    sources
        Folder with ``ps3.15-table-e3.4-1.csv``.

    Returns
    -------
    dict
        File name to content; the same inputs give the same text.
    """
    confidentiality = reference / "ps3.15-table-e1-1.json"
    safe_private = reference / "ps3.15-table-e3.10-1-safe-private.json"
    dictionary = reference / "ps3.6-2026c-missing-from-pydicom-3.0.2.json"
    table = _load(confidentiality)
    extra = _load(dictionary)["rows"]
    tag_of = {keyword: f"{tag:08X}" for keyword, tag in keyword_dict.items()}
    tag_of |= {row["keyword"]: tag for tag, row in extra.items()}
    return {
        "e1_1.json": _dump(
            {
                **_provenance(confidentiality, edition=table["edition"], acknowledgement=table["acknowledgement"]),
                "rows": [
                    {key: row[key] for key in ("tag", "name", "retired", "in_standard_iod", "basic_profile", "options")}
                    | {"keyword": row["keyword"], "vr": row["vr"]}
                    for row in table["rows"]
                ],
            }
        ),
        "safe_private.json": _dump(_safe_private(safe_private)),
        "dictionary.json": _dump(_whole_dictionary(dictionary, extra)),
        "iod_types.json": _dump(_iod_types(module_maps, tag_of=tag_of)),
        "e3_4_1.json": _dump(_structured_content(sources / "ps3.15-table-e3.4-1.csv")),
        "concepts.json": _dump(_published_codes()),
    }


def defined_terms(validator: Path, /) -> str:
    """Return the defined and enumerated terms of PS3.3 that a build of dciodvfy holds in its read-only data.

    :implements: SRS-DEID-002, SDS-DEID-001

    Parameters
    ----------
    validator
        The program, an ELF file of 64 bits in little endian.
    """
    found = {
        part.decode().strip() for part in _read_only_data(validator.read_bytes()).split(b"\0") if _TERM.fullmatch(part)
    }
    return _dump(
        {
            **_provenance(
                validator,
                edition="dicom3tools 1.00~20220618093127",
                acknowledgement="dicom3tools (BSD-3-clause), (c) 1993-2015 David A. Clunie DBA PixelMed Publishing",
            ),
            "terms": _row(*sorted(found)),
        }
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the tables into the package.

    :implements: SRS-DEID-002, SDS-DEID-001

    Parameters
    ----------
    arguments
        The words of the command line; those of the process if absent.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--module-maps", type=Path, required=True)
    parser.add_argument("--sources", type=Path, default=Path(__file__).parents[2] / "design" / "reference")
    parser.add_argument("--validator", type=Path, default=None, help="dciodvfy; without it the terms stay as they are")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "tables")
    chosen = parser.parse_args(arguments)
    made = generate_tables(chosen.reference, module_maps=chosen.module_maps, sources=chosen.sources)
    if chosen.validator is not None:
        made["terms.json"] = defined_terms(chosen.validator)
    for name, text in made.items():
        (chosen.out / name).write_text(text, encoding="utf-8")


def _structured_content(path: Path, /) -> dict[str, Json]:
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    options = head[5:]
    return {
        **_provenance(path, edition="2026b", acknowledgement="DICOM PS3.15 2026b Table E.3.4-1, (c) NEMA"),
        "rows": [
            {
                "meaning": meaning,
                "value": value,
                "scheme": scheme,
                "retired_srt_value": retired_codes.get(value, "") if scheme == "SCT" else "",
                "value_type": value_type,
                "code": code,
                "options": {option: found for option, found in zip(options, found_codes, strict=True) if found},
            }
            for meaning, value, scheme, value_type, code, *found_codes in rows
        ],
    }


def _published_codes() -> dict[str, Json]:
    schemes: dict[str, Json] = {
        scheme: {value: meaning for found in names.values() for value, (meaning, *_) in found.items()}
        for scheme, names in concepts.items()
    }
    return {
        "acknowledgement": "pydicom (MIT); DICOM PS3.16, (c) NEMA; SNOMED CT codes as DICOM publishes them",
        "edition": f"pydicom {version('pydicom')}",
        "source": "pydicom.sr._concepts_dict",
        "schemes": schemes,
    }


def _read_only_data(program: bytes, /) -> bytes:
    # ELF64: section headers start at e_shoff; each gives name, offset and size; names stand in section e_shstrndx.
    (start,) = struct.unpack_from("<Q", program, 0x28)
    size, count, names = struct.unpack_from("<3H", program, 0x3A)
    sections = [struct.unpack_from("<II4Q", program, start + number * size) for number in range(count)]
    base = sections[names][4]
    for name, _, _, _, offset, length in sections:
        if program[base + name :].startswith(b".rodata\0"):
            return program[offset : offset + length]
    message = "the program has no read-only data"
    raise ValueError(message)


def _whole_dictionary(path: Path, extra: dict[str, dict[str, str]], /) -> dict[str, Json]:
    # The engine does not ask pydicom: its answers would change with its version, and importing it costs a quarter
    # second.
    rows: dict[str, Json] = {
        f"{tag:08X}": _row(vr, keyword, name, multiplicity)
        for tag, (vr, multiplicity, name, _, keyword) in DicomDictionary.items()
        if keyword
    }
    rows |= {tag: _row(row["vr"], row["keyword"], row["name"], row["vm"]) for tag, row in extra.items()}
    return {
        **_provenance(path, edition="2026c", acknowledgement="DICOM PS3.6 2026c, (c) NEMA"),
        "base": f"pydicom {version('pydicom')} (MIT)",
        "rows": dict(sorted(rows.items())),
        "uids": _row(*sorted(UID_dictionary)),
    }


def _row(*columns: str) -> list[Json]:
    return list(columns)


def _load(path: Path, /) -> dict:  # type: ignore[type-arg]  # foreign JSON, read here and nowhere else
    loaded: dict = json.loads(path.read_text(encoding="utf-8"))  # type: ignore[type-arg]
    return loaded


def _dump(value: Json, /) -> str:
    return (
        json.dumps(value, ensure_ascii=False, indent=None, separators=(",", ":"), sort_keys=True).replace(
            "},{", "},\n{"
        )
        + "\n"
    )


def _provenance(path: Path, /, *, edition: str, acknowledgement: str) -> dict[str, Json]:
    return {
        "acknowledgement": acknowledgement,
        "edition": edition,
        "source": path.name,
        "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _safe_private(path: Path, /) -> dict[str, Json]:
    table = _load(path)
    return {
        **_provenance(path, edition=table["edition"], acknowledgement=table["acknowledgement"]),
        "rows": [
            # "(7053,xx09)" is written as group and the low byte of the element: "705309".
            [row["private_creator"], row["tag"][1:5].upper() + row["tag"][8:10].upper(), row["vr"]]
            for row in table["rows"]
        ],
    }


def _iod_types(folder: Path, /, *, tag_of: dict[str, str]) -> dict[str, Json]:
    modules = _load(folder / "module_attribute_map.json")
    iods = _load(folder / "iod_module_map.json")
    top: dict[str, dict[str, str]] = defaultdict(dict)
    nested: dict[str, dict[str, str]] = defaultdict(dict)
    for module, attributes in modules.items():
        for attribute in attributes:
            tag = tag_of.get(attribute["keyword"], "")
            if not tag:
                continue
            if attribute["path"]:
                pair = tag_of[attribute["path"][-1]] + tag
                _keep_strictest(nested[module], pair, attribute["type"])
            else:
                _keep_strictest(top[module], tag, attribute["type"])
    common, exceptions = _fold(nested)
    files = [folder / name for name in ("module_attribute_map.json", "iod_module_map.json", "sop_class_iod_map.json")]
    return {
        "acknowledgement": "highdicom (MIT), derived from the Innolitics DICOM standard browser; DICOM PS3.3, (c) NEMA",
        "edition": f"highdicom {version('highdicom')}",
        "iods": {
            iod: [entry["key"] for entry in entries if entry["key"] in top or entry["key"] in exceptions]
            for iod, entries in iods.items()
        },
        "nested": dict(common),
        "nested_exceptions": {module: dict(pairs) for module, pairs in exceptions.items()},
        "sop_classes": _load(folder / "sop_class_iod_map.json"),
        "source": [path.name for path in files],
        "source_sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in files],
        "top": {module: _deciding(types) for module, types in top.items()},
    }


def _keep_strictest(types: dict[str, str], key: str, found: str, /) -> None:
    order = (*_DECIDING_TYPES, "3", "None")
    types[key] = min(types.get(key, "None"), found or "None", key=lambda kind: order.index(str(kind)))


def _deciding(types: dict[str, str], /) -> dict[str, Json]:
    return {key: kind for key, kind in sorted(types.items()) if kind in _DECIDING_TYPES}


def _fold(nested: dict[str, dict[str, str]], /) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    # 99 % of the (sequence, attribute) pairs have one Type wherever the sequence stands: those are written once. A pair
    # that differs is written with each module that holds it, Type 3 included.
    seen: dict[str, set[str]] = defaultdict(set)
    for pairs in nested.values():
        for pair, kind in pairs.items():
            seen[pair].add(kind)
    common = {pair: next(iter(kinds)) for pair, kinds in sorted(seen.items()) if len(kinds) == 1}
    exceptions = {
        module: {pair: kind for pair, kind in pairs.items() if len(seen[pair]) > 1} for module, pairs in nested.items()
    }
    return (
        {pair: kind for pair, kind in common.items() if kind in _DECIDING_TYPES},
        {module: pairs for module, pairs in exceptions.items() if pairs},
    )


if __name__ == "__main__":
    main()
