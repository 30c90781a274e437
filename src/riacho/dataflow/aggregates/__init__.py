"""Aggregate functions: what each keeps for a group, how rows change it, and what it comes to."""
