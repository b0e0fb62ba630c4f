"""What a session really runs on."""

from __future__ import annotations

from dataclasses import dataclass

from lungai_core.inference.providers import Precision, Provider

__all__ = ["SessionInfo"]


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a session really runs on.

    :implements: SRS-INFER-002, SDS-INFER-002

    Parameters
    ----------
    provider
        The provider that the loaded session reports.
    runtime, runtime_version
        The library that computes.
    fallback
        Why providers before this one in the policy were not used; empty if it was the first.
    precision
        Of the numbers inside the network.
    """

    provider: Provider
    runtime: str
    runtime_version: str
    fallback: str
    precision: Precision = Precision.FLOAT32
