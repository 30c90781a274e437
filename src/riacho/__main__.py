"""The process's beginning: `riacho` and `python -m riacho`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while imports run ends the process, without a trace
    from riacho.cli import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
