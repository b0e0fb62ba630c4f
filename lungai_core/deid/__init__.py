"""DICOM PS3.15 Annex E de-identification: profiles, keyed consistency, audit and verification."""

from lungai_core.deid.audit import Audit
from lungai_core.deid.conformance import ProfileDescription, describe
from lungai_core.deid.dataset import deidentify_dataset
from lungai_core.deid.journal import RunMode
from lungai_core.deid.profile import BASIC, NAMED_PROFILES, PixelRegion, Profile, load_profile
from lungai_core.deid.run import DeidentificationReport, RunOptions, SeriesOutput, deidentify_series
from lungai_core.deid.secret import Secret
from lungai_core.deid.standard import Option
from lungai_core.deid.verify import verify_deidentified

__all__ = [
    "BASIC",
    "NAMED_PROFILES",
    "Audit",
    "DeidentificationReport",
    "Option",
    "PixelRegion",
    "Profile",
    "ProfileDescription",
    "RunMode",
    "RunOptions",
    "Secret",
    "SeriesOutput",
    "deidentify_dataset",
    "deidentify_series",
    "describe",
    "load_profile",
    "verify_deidentified",
]
