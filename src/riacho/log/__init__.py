"""The partitioned append-only log on disk."""
