"""`riacho bench nexmark`: the queries of the Nexmark suite, ours and another engine's in one run.

Source: nexmark/nexmark, "Nexmark Benchmark Suite". The queries have the published ones' meaning, and q6 that of its
comment; `queries/` has them for Flink SQL, `duckdb/` one-shot over the same rows.
"""
