from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lungai_core.clinical.bland_altman import bland_altman
from lungai_core.clinical.calibration import reliability_bins
from lungai_core.clinical.froc import froc_curve
from lungai_core.clinical.plots import plot_bland_altman, plot_calibration, plot_forest, plot_froc, plot_roc
from lungai_core.clinical.roc import roc_curve, roc_data
from lungai_core.clinical.subgroups import subgroup_proportions


def _roc():
    return plot_roc([("one", roc_curve(roc_data([3, 1, 2, 4], truth=[1, 0, 0, 1])))], mark="SYNTHETIC DATA")


def _calibration():
    return plot_calibration(reliability_bins([0.1, 0.4, 0.8], truth=[0, 1, 1]))


def _bland_altman():
    first, second = np.array([1.0, 2.0, 3.5, 4.0]), np.array([1.2, 1.9, 3.0, 4.4])
    return plot_bland_altman(first, second, agreement=bland_altman(first, second), unit="mm")


def _forest():
    rows = subgroup_proportions(
        [1, 0, 1, 1], patient_ids=["a", "b", "c", "d"], groups=["x", "x", "x", "y"], variable="v"
    )
    return plot_forest(rows, quantity="Sensitivity")


@pytest.mark.verifies("SRS-CLIN-017")
@pytest.mark.parametrize("make", [_roc, _calibration, _bland_altman, _forest])
def test_a_plot_is_png_and_svg_and_the_same_again(make):
    plot, again = make(), make()
    assert plot.png.startswith(b"\x89PNG")
    assert b"<svg" in plot.svg
    assert (plot.png, plot.svg) == (again.png, again.svg)


@pytest.mark.verifies("SRS-CLIN-017")
def test_a_froc_plot_is_made_of_a_curve(reference):
    curve = froc_curve(reference.detection_data(reference.load("froc")[0]["inputs"]))
    assert plot_froc([("detector", curve)], mark="PHANTOM DATA").svg.count(b"PHANTOM DATA") >= 1


@pytest.mark.verifies("SRS-CLIN-017")
def test_a_subgroup_without_an_interval_keeps_its_line():
    assert b"one patient: no interval" in _forest().svg


@pytest.mark.verifies("SRS-CLIN-017")
def test_without_matplotlib_the_extra_to_install_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.figure'] = None\n"
        "from lungai_core.clinical.plots import plot_roc; plot_roc([])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "lungai-core[clinical]"' in run.stderr
