"""Riacho: a Kafka-compatible log, Flink-SQL jobs and live views, in one Python package."""

__version__ = "0.1.0"
