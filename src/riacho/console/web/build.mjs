// Bundles the console's pages into ../static, which the wheel carries. Run by hatch_build.py, or `npm run build`.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { build, context } from "esbuild";

const target = new URL("../static/", import.meta.url).pathname;
const options = {
  entryPoints: ["src/main.ts"],
  outdir: target,
  bundle: true,
  minify: true,
  sourcemap: false,
  target: "es2022",
  format: "esm",
  legalComments: "eof",
  logLevel: "warning",
};

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const file of ["index.html", "favicon.svg"]) await copyFile(`src/${file}`, target + file);
if (process.argv.includes("--watch")) await (await context(options)).watch();
else await build(options);
