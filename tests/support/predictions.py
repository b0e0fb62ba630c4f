"""Predictions of nodules that do not exist, for tests of what is computed from them."""

from __future__ import annotations

import numpy as np

from lungai_core.training.predictions import Prediction


def made_predictions(count=80, *, seed=0, data_set="lidc_nodules", **changes):
    """Make rows whose every second nodule is malignant, two nodules a patient."""
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        sick = bool(index % 2)
        logit, diameter = generator.normal(2.0 * sick, 1), 6 + 4 * sick + generator.normal(0, 3)
        rows.append(
            Prediction(
                **{
                    "data_set": data_set,
                    "sample_id": f"{data_set}{index}",
                    "patient_id": f"P{index // 2}",
                    "fold": index % 4,
                    "diagnosis": sick,
                    "mean_rating": None,
                    "diameter_mm": float(diameter),
                    "logit": float(logit),
                    "probability_as_diagnosis": float(1 / (1 + np.exp(1 - logit))),
                    "probability_as_mean_rating": float(1 / (1 + np.exp(1 - logit))),
                    "entropy_nats": 0.3,
                    "mutual_information_nats": 0.01,
                    "referred": index % 5 == 0,
                    "predicted_diameter_mm": float(diameter + generator.normal(0.2, 0.5)),
                    "dice": 0.8,
                    "diameter_score": float(diameter),
                    "diameter_as_diagnosis": bool(diameter > 8),
                    "diameter_as_mean_rating": bool(diameter > 9),
                    "features_score_diagnosis": float(diameter),
                    "features_score_mean_rating": float(diameter) + 1,
                    "features_as_diagnosis": bool(diameter > 8),
                    "features_as_mean_rating": bool(diameter > 9),
                    **changes,
                }
            )
        )
    return rows
