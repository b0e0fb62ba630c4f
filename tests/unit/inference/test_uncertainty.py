from __future__ import annotations

import math

import numpy as np
import pytest

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.patch import Patch
from lungai_core.inference.uncertainty import (
    dropout_logits,
    estimate_uncertainty,
    logit_sd_closed_form,
    sampling_seed,
)
from lungai_core.modelpack.contract import Calibration, LinearHead, Provenance, ReviewRule

CHOSEN = Provenance(method="test", data="none")
PLAIN = Calibration(slope=1.0, intercept=0.0, chosen=CHOSEN)
RULE = ReviewRule(samples=20, entropy_nats=0.6, mutual_information_nats=0.05, chosen=CHOSEN)
SEED = "12" * 32


def _case(size=128, rate=0.2):
    random = np.random.default_rng(3)
    features = random.gamma(2.0, 0.5, size).astype(np.float32)
    head = LinearHead(weights=tuple(random.normal(0, 0.15, size).tolist()), bias=0.1, dropout_rate=rate)
    return features, head


def _patch(values):
    return Patch(np.asarray(values, np.float32), Geometry((1, 1, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)), "1", 0.0)


@pytest.mark.verifies("SRS-INFER-006", "RC-INFER-005")
def test_the_same_patch_and_model_give_the_same_seed_and_another_patch_or_model_another():
    patch = _patch([[[[0.1, 0.2]]]])
    assert sampling_seed(patch, model_sha256="a" * 64) == sampling_seed(patch, model_sha256="a" * 64)
    assert sampling_seed(patch, model_sha256="a" * 64) != sampling_seed(patch, model_sha256="b" * 64)
    assert sampling_seed(patch, model_sha256="a" * 64) != sampling_seed(_patch([[[[0.1, 0.3]]]]), model_sha256="a" * 64)


@pytest.mark.verifies("SRS-INFER-006", "RC-INFER-005")
def test_two_runs_give_equal_records():
    features, head = _case()
    first = estimate_uncertainty(features, head, calibration=PLAIN, rule=RULE, seed=SEED)
    again = estimate_uncertainty(features.copy(), head, calibration=PLAIN, rule=RULE, seed=SEED)
    assert first == again


@pytest.mark.verifies("SRS-INFER-006")
def test_the_generator_words_are_those_of_philox_4x64():
    # Random123's known-answer file kat_vectors, philox4x64 10 rounds, counter 0 and key 0, reads
    # 16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b; NumPy counts up before its first block.
    words = np.random.Philox(counter=2**256 - 1, key=0).random_raw(4)
    assert [f"{word:016x}" for word in words.tolist()] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]


@pytest.mark.verifies("SRS-INFER-006")
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_many_samples_agree_with_the_closed_form_of_mean_and_spread(rate):
    features, head = _case(rate=rate)
    logits = dropout_logits(features, head, samples=100_000, seed=SEED)
    exact_mean = float(features.astype(np.float64) @ np.asarray(head.weights)) + head.bias
    exact_sd = logit_sd_closed_form(features, head)
    assert logits.std() == pytest.approx(exact_sd, rel=0.02)
    assert logits.mean() == pytest.approx(exact_mean, abs=5 * exact_sd / math.sqrt(len(logits)))


@pytest.mark.verifies("SRS-INFER-006")
def test_the_stated_standard_errors_are_the_spread_over_seeds():
    features, head = _case()
    rule = RULE.model_copy(update={"samples": 50})
    runs = [
        estimate_uncertainty(features, head, calibration=PLAIN, rule=rule, seed=f"{n:064x}"[::-1]) for n in range(400)
    ]
    for value, error in (
        ("mean_probability", "mean_probability_se"),
        ("entropy_nats", "entropy_nats_se"),
        ("mutual_information_nats", "mutual_information_nats_se"),
    ):
        spread = np.std([getattr(run, value) for run in runs])
        assert np.sqrt(np.mean([getattr(run, error) ** 2 for run in runs])) == pytest.approx(spread, rel=0.25)


@pytest.mark.verifies("SRS-INFER-006")
def test_entropy_and_mutual_information_follow_their_definitions():
    features, head = _case()
    record = estimate_uncertainty(features, head, calibration=PLAIN, rule=RULE, seed=SEED)
    p = 1 / (1 + np.exp(-dropout_logits(features, head, samples=20, seed=SEED)))
    mean = p.mean()
    entropy = -(mean * np.log(mean) + (1 - mean) * np.log(1 - mean))
    expected = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    assert record.entropy_nats == pytest.approx(entropy, abs=1e-6)
    assert record.mutual_information_nats == pytest.approx(entropy - expected, abs=1e-6)


@pytest.mark.verifies("SRS-INFER-006")
def test_a_certain_head_has_no_entropy():
    features = np.full(8, 200.0, np.float32)
    head = LinearHead(weights=(5.0,) * 8, bias=0.0, dropout_rate=0.1)
    record = estimate_uncertainty(features, head, calibration=PLAIN, rule=RULE, seed=SEED)
    assert (record.mean_probability, record.entropy_nats, record.mutual_information_nats) == (1.0, 0.0, 0.0)
    assert record.entropy_nats_se == 0.0
