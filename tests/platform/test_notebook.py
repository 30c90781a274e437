"""The notebook of the documentation, run cell by cell on a platform."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from running_platform import RunningPlatform

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "live_dashboard.ipynb"
ADDRESS = "127.0.0.1:9092"


def test_the_notebook_of_a_live_dashboard_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    platform = RunningPlatform(tmp_path / "platform")
    platform.start()
    try:
        code[0].source = code[0].source.replace(ADDRESS, platform.kafka)
        NotebookClient(notebook, timeout=180).execute()
        left = platform.jobs()
    finally:
        platform.close()

    charts = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert platform.kafka in code[0].source, "the notebook connects to a platform of its own"
    assert len(charts) == 1
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    assert left == {}
