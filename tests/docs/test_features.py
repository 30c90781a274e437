"""The table of Flink's features says what is so: each line's SQL is taken where the feature is here, else refused."""

from __future__ import annotations

import re
import sys

import pytest
from pages import ROOT

from riacho.dataflow.connectors import check_table
from riacho.sql.errors import SqlError
from riacho.sql.session import Session
from riacho.user_functions.loading import PythonModules

sys.path.insert(0, str(ROOT / "tools"))

from features_page import PAGE, page
from flink_features import SECTIONS, TABLES, Feature, Has

PROBED = [feature for features in SECTIONS.values() for feature in features if feature.probe is not None]


def test_the_page_of_features_is_that_of_their_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/features_page.py"


def test_the_links_of_the_page_lead_somewhere() -> None:
    for target in set(re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))):
        path, _, heading = target.partition("#")
        lines = (PAGE.parent / path).read_text(encoding="utf-8").splitlines()
        names = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in lines if line[:1] == "#"
        }
        assert not heading or heading in names, f"{path} has no heading {heading}"


def take(statement: str) -> None:
    session = Session({}, check_table, modules=PythonModules([]))
    list(session.steps(TABLES))
    if statement.startswith(("SELECT", "WITH")):
        session.query(statement)
    else:
        session.execute(f"{statement};")


@pytest.mark.parametrize("feature", PROBED, ids=[feature.name for feature in PROBED])
def test_a_feature_is_taken_or_refused_as_the_page_says(feature: Feature) -> None:
    assert feature.probe is not None
    if feature.has is Has.NO:
        with pytest.raises(SqlError):
            take(feature.probe)
    else:
        take(feature.probe)
