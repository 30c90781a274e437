"""Physical operators, keyed state and event time; a plan becomes a dataflow here."""
