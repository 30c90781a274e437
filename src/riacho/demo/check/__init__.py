"""Does the stream's answer equal the batch's? Every cell of every result topic, recomputed by DuckDB."""
