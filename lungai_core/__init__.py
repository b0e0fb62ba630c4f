"""lungai-core: the software part of a lung-nodule CT AI, and the evidence that it does what it should.

:implements: SRS-ERR-002, SRS-ERR-003, SDS-ERR-002

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lungai_core.version import __version__

if TYPE_CHECKING:
    from lungai_core.deid.run import deidentify_series
    from lungai_core.deid.secret import Secret
    from lungai_core.dicom.reader import read_ct_series
    from lungai_core.domain.candidate import Candidate, CandidateList, read_candidates
    from lungai_core.domain.contract import InputContract
    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.patch import Patch
    from lungai_core.domain.volume import CtVolume
    from lungai_core.errors import LungaiError
    from lungai_core.preprocess.patch import extract_patch
    from lungai_core.preprocess.resampling import resample

_HOME_OF = {
    "Candidate": "lungai_core.domain.candidate",
    "CandidateList": "lungai_core.domain.candidate",
    "CtVolume": "lungai_core.domain.volume",
    "Geometry": "lungai_core.domain.geometry",
    "InputContract": "lungai_core.domain.contract",
    "LungaiError": "lungai_core.errors",
    "Patch": "lungai_core.domain.patch",
    "extract_patch": "lungai_core.preprocess.patch",
    "Secret": "lungai_core.deid.secret",  # nosec B105  # a module name, not a password
    "deidentify_series": "lungai_core.deid.run",
    "read_candidates": "lungai_core.domain.candidate",
    "read_ct_series": "lungai_core.dicom.reader",
    "resample": "lungai_core.preprocess.resampling",
}

__all__ = [
    "Candidate",
    "CandidateList",
    "CtVolume",
    "Geometry",
    "InputContract",
    "LungaiError",
    "Patch",
    "Secret",
    "__version__",
    "deidentify_series",
    "extract_patch",
    "read_candidates",
    "read_ct_series",
    "resample",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
