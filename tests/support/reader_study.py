"""A small synthetic reader study and its plan, for tests."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import numpy as np

from lungai_core.clinical.plan import (
    AnalysisKind,
    AnalysisPlan,
    DataOrigin,
    Endpoint,
    EndpointRole,
    PlanFile,
    lock_plan,
)
from lungai_core.clinical.results import Unit

HEADS = ("reader", "modality", "case", "patient", "truth", "score", "group_scanner")
WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def write_reads(path, *, cases=40, readers=4, gain=0.6, seed=11):
    """Write reads whose aided modality is better by ``gain`` standard deviations."""
    generator = np.random.default_rng(seed)
    truth = np.arange(cases) % 2
    hardness = generator.normal(size=cases) * 0.5
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(HEADS)
        for modality, shift in (("aided", 1.2 + gain), ("unaided", 1.2)):
            for reader in range(readers):
                noise = generator.normal(size=cases) * 0.8
                scores = 1 / (1 + np.exp(-(truth * shift - shift / 2 + hardness + noise)))
                for case in range(cases):
                    scanner = "A" if case % 3 else "B"
                    row = (
                        f"r{reader}",
                        modality,
                        f"c{case:03d}",
                        f"p{case // 2:03d}",
                        truth[case],
                        f"{scores[case]:.5f}",
                    )
                    table.writerow((*row, scanner))
    return path


def add_sizes(path, *, seed=5):
    """Give each read of a case with the condition a size; some reads have none."""
    generator = np.random.default_rng(seed)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows):
        size = 6 + int(row["case"][1:]) % 9 + generator.normal() * 0.6 + (row["modality"] == "aided") * 0.3
        row["size_mm"] = f"{size:.2f}" if row["truth"] == "1" and number % 7 else ""
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, (*HEADS, "size_mm"))
        table.writeheader()
        table.writerows(rows)
    return path


def write_lesions(folder, *, cases=40, readers=4, seed=3):
    """Write marks and nodules of the study that ``write_reads`` writes: aided readers find more."""
    generator = np.random.default_rng(seed)
    marks, nodules = folder / "marks.csv", folder / "nodules.csv"
    with nodules.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("case", "x_mm", "y_mm", "z_mm", "diameter_mm"))
        table.writerows((f"c{case:03d}", 10.0 * case, 5.0, -80.0, 8.0) for case in range(1, cases, 2))
    with marks.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("reader", "modality", "case", "x_mm", "y_mm", "z_mm", "score"))
        for modality, found in (("aided", 0.9), ("unaided", 0.7)):
            for reader in range(readers):
                for case in range(cases):
                    read = (f"r{reader}", modality, f"c{case:03d}")
                    if case % 2 and generator.random() < found:
                        table.writerow((*read, 10.0 * case + 1, 5.0, -80.0, f"{generator.uniform(0.4, 1):.3f}"))
                    if generator.random() < 0.5:
                        table.writerow((*read, 0.0, 90.0, 0.0, f"{generator.uniform(0, 0.7):.3f}"))
    return marks, nodules


def endpoint(kind=AnalysisKind.AUC_OBUCHOWSKI_ROCKETTE, **changes):
    """Make one endpoint."""
    rate = kind in {AnalysisKind.SENSITIVITY, AnalysisKind.SPECIFICITY}
    fields = {
        "endpoint_id": kind.name.lower().replace("_", "-"),
        "description": kind.value,
        "role": EndpointRole.PRIMARY,
        "kind": kind,
        "unit": Unit.READ,
        "threshold": 0.5 if rate else None,
        "requirement_ids": ("UN-009",),
        **changes,
    }
    return Endpoint(**fields)


def plan(**changes):
    """Make an unlocked plan of all four analyses."""
    fields = {
        "plan_id": "plan-1",
        "title": "Aided against unaided",
        "data_origin": DataOrigin.SYNTHETIC,
        "test_modality": "aided",
        "control_modality": "unaided",
        "seed": 1,
        "endpoints": tuple(endpoint(kind) for kind in AnalysisKind),
        "subgroups": ("scanner",),
        **changes,
    }
    return PlanFile(plan=AnalysisPlan(**fields))


def locked(**changes):
    """Make a locked plan."""
    return lock_plan(plan(**changes), at=WHEN, by="A. Statistician")
