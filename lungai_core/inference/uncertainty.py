"""Monte-Carlo dropout of the classification head: the same case gives the same answer twice.

Plain Monte-Carlo dropout refers other cases on each run. Here the masks come from a Philox generator keyed by the patch
and the model, so that order, batch, thread count and runtime cannot change them; and the error of the sampling stands
beside each number. Only raw generator words are used: their stream is fixed by NumPy's compatibility policy (NEP 19).
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import Uncertainty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.patch import Patch
    from lungai_core.modelpack.contract import Calibration, LinearHead, ReviewRule

__all__ = ["dropout_logits", "estimate_uncertainty", "logit_sd_closed_form", "sampling_seed"]

_WORD_RANGE = 2**64


def sampling_seed(patch: Patch, /, *, model_sha256: str) -> str:
    """Derive the seed of a patch's dropout masks.

    :implements: SRS-INFER-006, SDS-INFER-005

    Parameters
    ----------
    model_sha256
        Hash of the model pack.

    Returns
    -------
    str
        64 hexadecimal digits: the SHA-256 of the model's hash and the patch's float32 values.
    """
    digest = hashlib.sha256(model_sha256.encode())
    digest.update(np.ascontiguousarray(patch.values, dtype="<f4").tobytes())
    return digest.hexdigest()


def dropout_logits(
    features: NDArray[np.float32], head: LinearHead, /, *, samples: int, seed: str
) -> NDArray[np.float64]:
    """Sample the head's logit with dropout on its input.

    :implements: SRS-INFER-006, SDS-INFER-005

    Parameters
    ----------
    features
        ``(F,)`` pooled features.
    samples
        Number of samples T.
    seed
        64 hexadecimal digits from :func:`sampling_seed`.

    Returns
    -------
    numpy.ndarray
        ``(T,)`` float64 logits.
    """
    generator = np.random.Philox(key=int(seed[:32], 16))
    words = generator.random_raw(samples * len(features)).reshape(samples, len(features))
    kept = words >= np.uint64(round(head.dropout_rate * _WORD_RANGE))
    terms = features.astype(np.float64) * np.asarray(head.weights) / (1 - head.dropout_rate)
    # A plain sum in a fixed order: a matrix product would depend on the BLAS and its threads.
    logits: NDArray[np.float64] = np.where(kept, terms, 0.0).sum(axis=1) + head.bias
    return logits


def logit_sd_closed_form(features: NDArray[np.float32], head: LinearHead, /) -> float:
    """Return the exact standard deviation of the sampled logit.

    :implements: SRS-INFER-006, SDS-INFER-005

    For a linear head each term ``f w`` is kept with probability ``1 - p`` and divided by it, so the variance of the
    sum is ``p / (1 - p) · Σ (f w)²``.

    Parameters
    ----------
    features
        ``(F,)`` pooled features.
    """
    terms = features.astype(np.float64) * np.asarray(head.weights)
    odds = head.dropout_rate / (1 - head.dropout_rate)
    return math.sqrt(odds * float(np.square(terms).sum()))


def estimate_uncertainty(
    features: NDArray[np.float32], head: LinearHead, /, *, calibration: Calibration, rule: ReviewRule, seed: str
) -> Uncertainty:
    """Estimate how uncertain a nodule's probability is, with the Monte-Carlo error of each number.

    :implements: SRS-INFER-006, SDS-INFER-005

    Entropy, and mutual information as entropy of the mean minus mean entropy (Houlsby et al. 2011, BALD). Standard
    errors by the delta method: the standard deviation of each sample's influence over the square root of T.

    Parameters
    ----------
    features
        ``(F,)`` pooled features.
    calibration
        From logit to probability, as for the nodule itself.
    rule
        Number of samples and the two limits.
    seed
        From :func:`sampling_seed`.
    """
    logits = dropout_logits(features, head, samples=rule.samples, seed=seed)
    probabilities = np.asarray([calibration.probability(float(logit)) for logit in logits])
    mean = float(probabilities.mean())
    entropies = _entropy_nats(probabilities)
    entropy = float(_entropy_nats(np.asarray([mean]))[0])
    slope = math.log((1 - mean) / mean) if 0 < mean < 1 else 0.0
    influence = slope * (probabilities - mean)
    root = math.sqrt(rule.samples)
    return Uncertainty(
        samples=rule.samples,
        dropout_rate=head.dropout_rate,
        seed=seed,
        mean_probability=_rounded(mean),
        mean_probability_se=_rounded(probabilities.std(ddof=1) / root),
        probability_sd=_rounded(probabilities.std(ddof=1)),
        logit_sd=_rounded(logits.std(ddof=1)),
        logit_sd_closed_form=_rounded(logit_sd_closed_form(features, head)),
        entropy_nats=_rounded(entropy),
        entropy_nats_se=_rounded(influence.std(ddof=1) / root),
        entropy_limit_nats=rule.entropy_nats,
        mutual_information_nats=_rounded(max(0.0, entropy - float(entropies.mean()))),
        mutual_information_nats_se=_rounded((influence - entropies).std(ddof=1) / root),
        mutual_information_limit_nats=rule.mutual_information_nats,
    )


def _entropy_nats(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.stack((probabilities, 1 - probabilities))
    logs = np.log(np.where(sides > 0, sides, 1.0))
    entropy: NDArray[np.float64] = -(sides * logs).sum(axis=0)
    return entropy


def _rounded(value: float) -> float:
    return round(float(value), 6)
