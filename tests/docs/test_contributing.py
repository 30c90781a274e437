"""What CONTRIBUTING says of the tests."""

from __future__ import annotations

import subprocess
import sys

from pages import ROOT


def test_folders_of_tests_are_collected_without_xdist_as_well() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "--collect-only", "-q", "tests/console", "tests/demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
