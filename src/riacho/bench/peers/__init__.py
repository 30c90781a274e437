"""Other engines, run beside ours: to compare answers in tests, and speed in benchmarks."""
