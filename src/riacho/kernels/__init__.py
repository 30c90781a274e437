"""Compiled pure functions over NumPy arrays: no classes, no I/O."""
