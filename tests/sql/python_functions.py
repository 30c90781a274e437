"""Functions of one row: typed by hints, by declarations, with NULL, nested values, classes and several arguments."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import riacho


def gross(net: Decimal, rate: float = 0.25) -> float:
    return round(float(net) * (1 + rate), 2)


@riacho.udf(result_type="DECIMAL(10, 2)")
def cents(amount):
    return None if amount is None else amount / 100


@riacho.udf(input_types=["DOUBLE"], result_type="STRING")
def shown(value):
    return f"{value!r}"


@dataclass
class Place:
    city: str
    zip_code: int


def place(text: str) -> Place:
    city, _, code = text.partition(" ")
    return Place(city, int(code))


def tags(text: str) -> list[str]:
    return sorted(text.split())


def lengths(words: list[str]) -> dict[str, int]:
    return {word: len(word) for word in words}


def total(counts: dict[str, int]) -> int:
    return sum(counts.values())


def later(day: date, by: int) -> date:
    return day + timedelta(days=by)


def moment(at: datetime) -> str:
    return at.isoformat()


class Prefix(riacho.ScalarFunction):
    def open(self, function_context):
        self.text = "> "

    def eval(self, *texts: str) -> str:
        return self.text + " ".join(text or "-" for text in texts)


@riacho.udf(result_type="BOOLEAN")
def is_known(row):
    return row.city == "Faro" and row[1] > 8000
