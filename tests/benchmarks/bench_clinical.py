"""Paired DeLong at n = 100,000 and a multi-reader analysis, beside named peers in one run.

Peers that are not installed are named as such: ``pip install MLstatkit confidenceinterval`` for those of DeLong.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np

from lungai_core.clinical.claims import RateClaim, check_claim
from lungai_core.clinical.mrmc import obuchowski_rockette
from lungai_core.clinical.mrmc_covariance import auc_delong, auc_jackknife
from lungai_core.clinical.mrmc_ustat import ustat_difference
from lungai_core.clinical.roc import compare_auc_paired, roc_data

REPEATS = 5


def best(function, repeats=REPEATS):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def reference():
    path = Path(__file__).resolve().parents[1] / "support" / "statistics_reference.py"
    spec = importlib.util.spec_from_file_location("statistics_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def delong_peers(truth, first, second):
    yield "sklearn roc_auc_score, twice (area alone, no variance)", lambda: _sklearn(truth, first, second)
    if importlib.util.find_spec("MLstatkit"):
        yield "MLstatkit Delong_test", lambda: _mlstatkit(truth, first, second)
    else:
        yield "MLstatkit: not installed", None
    if importlib.util.find_spec("confidenceinterval"):
        yield "confidenceinterval roc_auc_score, twice (intervals, no comparison)", lambda: _ci(truth, first, second)
    else:
        yield "confidenceinterval: not installed", None


def _sklearn(truth, first, second):
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - a peer that may be absent

    return roc_auc_score(truth, first), roc_auc_score(truth, second)


def _mlstatkit(truth, first, second):
    from MLstatkit import Delong_test  # noqa: PLC0415 - a peer that may be absent

    return Delong_test(truth, first, second)


def _ci(truth, first, second):
    from confidenceinterval import roc_auc_score  # noqa: PLC0415 - a peer that may be absent

    return [roc_auc_score(truth.tolist(), scores.tolist(), confidence_level=0.95) for scores in (first, second)]


def main():
    generator = np.random.default_rng(0)
    n = 100_000
    truth = (generator.random(n) < 0.5).astype(int)
    scale = [1 / (1 + np.exp(-(truth + generator.normal(size=n)))) for _ in range(2)]
    ours = best(lambda: compare_auc_paired(*(roc_data(scores, truth=truth) for scores in scale)))
    print(f"paired DeLong, n = {n}: lungai-core {ours:.3f} s")
    for name, function in delong_peers(truth, *scale):
        if function is None:
            print(f"  {name}")
            continue
        peer = best(function, repeats=2)
        print(f"  {name}: {peer:.3f} s, {peer / ours:.1f} times ours")
    study = reference().mrmc_study()
    print(f"MRMC study of {study.scores.shape} reads:")
    print(f"  Obuchowski-Rockette, DeLong {best(lambda: obuchowski_rockette(auc_delong(study))) * 1e3:.2f} ms")
    print(f"  Obuchowski-Rockette, jackknife {best(lambda: obuchowski_rockette(auc_jackknife(study))) * 1e3:.2f} ms")
    print(f"  U-statistics {best(lambda: ustat_difference(study)) * 1e3:.2f} ms")
    claim = RateClaim(
        first_percent=92.4, second_percent=84.7, difference_percent=7.7, lower_percent=4.2, upper_percent=11.3, n=1100
    )
    print(f"claim checker: {best(lambda: check_claim(claim), repeats=2):.2f} s")


if __name__ == "__main__":
    main()
