"""Calls of the user's Python functions: values across the border, a failure told by row, column and line of code."""
