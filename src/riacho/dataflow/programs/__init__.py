"""Programs: chains of filters and projections that one kernel runs over a batch."""

from riacho.dataflow.programs.program import Program, filter_program, program_of

__all__ = ["Program", "filter_program", "program_of"]
