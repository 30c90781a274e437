"""The command line: one module per command."""


def main() -> None:
    """Run the command that the process's arguments name."""
    raise SystemExit("no command exists yet")
