"""The logical plan: types, expressions, relations and changelog properties. Executes nothing."""
