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
    from lungai_core.deid.verify import verify_deidentified
    from lungai_core.dicom.reader import read_ct_series
    from lungai_core.domain.candidate import Candidate, CandidateList, read_candidates
    from lungai_core.domain.case_report import CaseReport
    from lungai_core.domain.contract import InputContract
    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.patch import Patch
    from lungai_core.domain.volume import CtVolume
    from lungai_core.errors import LungaiError
    from lungai_core.inference.case import analyze_case
    from lungai_core.inference.engine import InferenceEngine
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.pack import bundled_pack, open_pack
    from lungai_core.preprocess.patch import extract_patch
    from lungai_core.preprocess.resampling import resample

_NAMES_OF = {
    "deid.run": ("deidentify_series",),
    "deid.secret": ("Secret",),
    "deid.verify": ("verify_deidentified",),
    "dicom.reader": ("read_ct_series",),
    "domain.candidate": ("Candidate", "CandidateList", "read_candidates"),
    "domain.case_report": ("CaseReport",),
    "domain.contract": ("InputContract",),
    "domain.geometry": ("Geometry",),
    "domain.patch": ("Patch",),
    "domain.volume": ("CtVolume",),
    "errors": ("LungaiError",),
    "inference.case": ("analyze_case",),
    "inference.engine": ("InferenceEngine",),
    "inference.providers": ("ProviderPolicy",),
    "modelpack.pack": ("bundled_pack", "open_pack"),
    "preprocess.patch": ("extract_patch",),
    "preprocess.resampling": ("resample",),
}
_HOME_OF = {name: f"lungai_core.{home}" for home, names in _NAMES_OF.items() for name in names}

__all__ = [
    "Candidate",
    "CandidateList",
    "CaseReport",
    "CtVolume",
    "Geometry",
    "InferenceEngine",
    "InputContract",
    "LungaiError",
    "Patch",
    "ProviderPolicy",
    "Secret",
    "__version__",
    "analyze_case",
    "bundled_pack",
    "deidentify_series",
    "extract_patch",
    "open_pack",
    "read_candidates",
    "read_ct_series",
    "resample",
    "verify_deidentified",
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
