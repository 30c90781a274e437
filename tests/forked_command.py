"""A command of riacho in a folder and with a file for its standard input, which the process it is forked from has not.

Run as a module: `forked_command FOLDER FILE COMMAND …`.
"""

from __future__ import annotations

import os
import runpy
import sys

STDIN = 0


def main() -> None:
    folder, given, *sys.argv[1:] = sys.argv[1:]
    os.chdir(folder)
    content = os.open(given, os.O_RDONLY)
    os.dup2(content, STDIN)
    os.close(content)
    runpy.run_module("riacho", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
