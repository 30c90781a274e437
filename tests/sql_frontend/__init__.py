"""Tests of the SQL front end: from text to plan."""
