"""Flink SQL text to a plan: dialect, catalog, names and types, errors with line and column."""
