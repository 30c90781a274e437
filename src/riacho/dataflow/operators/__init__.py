"""Physical operators, a module each: what the relations of a plan run as."""
