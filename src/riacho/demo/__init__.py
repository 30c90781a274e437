"""The flights demo: its data, its replayer and its check."""
