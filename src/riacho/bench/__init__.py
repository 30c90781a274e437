"""Benchmarks: each prints a table, or JSON, and a ratio against a peer where there is one."""
