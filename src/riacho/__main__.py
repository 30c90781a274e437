"""`python -m riacho`: the command line."""

from riacho.cli import main

main()
