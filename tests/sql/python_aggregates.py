"""Aggregate functions with accumulators of their own kinds."""

from collections import Counter

import riacho


class WeightedMean(riacho.AggregateFunction):
    """NULLs arrive as None, and are passed over."""

    def create_accumulator(self):
        return [0.0, 0]

    def accumulate(self, accumulator, value: float, weight: int):
        if value is not None and weight is not None:
            accumulator[0] += value * weight
            accumulator[1] += weight

    def retract(self, accumulator, value: float, weight: int):
        if value is not None and weight is not None:
            accumulator[0] -= value * weight
            accumulator[1] -= weight

    def get_value(self, accumulator) -> float:
        return accumulator[0] / accumulator[1] if accumulator[1] else None


@riacho.udaf(result_type="ARRAY<STRING>")
class Commonest(riacho.AggregateFunction):
    def create_accumulator(self):
        return Counter()

    def accumulate(self, counts, text):
        counts[text] += 1

    def get_value(self, counts):
        most = max(counts.values())
        return sorted(text for text, count in counts.items() if count == most and text is not None)
