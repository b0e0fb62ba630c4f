from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.verifies("SRS-CLIN-001")
def test_without_scipy_the_extra_to_install_is_named():
    code = "import sys; sys.modules['scipy'] = None; import lungai_core.clinical.proportions"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert 'pip install "lungai-core[clinical]"' in run.stderr
