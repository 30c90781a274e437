"""Keyed state as NumPy arrays: growable arrays, key indexes, interned strings, accumulators, kept rows."""
