"""A format's options in a table's WITH: a misspelt one is told before what is missing."""

from __future__ import annotations

import re

import pytest
from connecting import source

from riacho.dataflow.connectors.fields import format_fields
from riacho.errors import RiachoError
from riacho.formats.avro import open_avro_files
from riacho.formats.options import Options
from riacho.formats.registry import formats, open_format, option_names
from riacho.plan.tables import TableColumn
from riacho.plan.types import STRING

KAFKA = {"connector": "kafka"}
FILES = {"connector": "filesystem"}


@pytest.mark.parametrize(
    ("options", "wrong", "meant"),
    [
        ({**KAFKA, "format": "json"}, "json.ignore-parse-error", "json.ignore-parse-errors"),
        ({**KAFKA, "key.format": "raw"}, "key.raw.charst", "key.raw.charset"),
        ({**KAFKA, "value.format": "csv"}, "value.csv.field-delimeter", "value.csv.field-delimiter"),
        ({**FILES, "format": "csv"}, "csv.quote-char", "csv.quote-character"),
    ],
)
def test_a_misspelt_option_of_a_format_is_told_before_a_missing_option(
    options: dict[str, str], wrong: str, meant: str
) -> None:
    said = f"(?s)unknown option '{re.escape(wrong)}'.*did you mean '{re.escape(meant)}'"
    with pytest.raises(RiachoError, match=said):
        source("id INT", {**options, wrong: "1"})


def test_the_delimiter_of_a_files_lines_is_an_option_of_files() -> None:
    with pytest.raises(RiachoError, match="lacks the option 'path'"):
        source("id INT", {**FILES, "format": "csv", "csv.line-delimiter": ";"})


@pytest.mark.parametrize("name", formats())
def test_the_named_options_of_a_format_are_those_that_it_reads(name: str) -> None:
    options = Options("table t", {})
    columns = format_fields([TableColumn("id", STRING)])
    open_format(name, columns, options)
    if name == "avro":
        open_avro_files(columns, options.within("avro."))

    assert options._known == {f"{name}.{key}" for key in option_names(name)}
