"""Records of a study as JSON files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import StudyFileError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_record", "write_record"]

_Record = TypeVar("_Record", bound=FrozenModel)


def read_record(path: Path, record: type[_Record], /, *, name: str, schema: str) -> _Record:
    try:
        return record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        fields = (
            ", ".join(sorted({".".join(map(str, problem["loc"])) or "file" for problem in error.errors()}))
            if isinstance(error, ValidationError)
            else str(error.strerror)
        )
        raise StudyFileError(
            f"The {name} cannot be used ({fields}).",
            where=path.name,
            allowed=f"JSON of the schema {schema}",
            remedy=f"Write the {name} after docs/reference/clinical.md.",
        ) from error


def write_record(record: FrozenModel, path: Path, /) -> Path:
    document = json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    return write_whole(path, document + "\n")
