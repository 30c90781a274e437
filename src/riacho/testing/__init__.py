"""Tests of SQL scripts as files: what a script makes of its input, however the input is cut into passes."""
