// The badge: does the stream's answer equal the batch's? Said by the demo's check, recomputed every few seconds.

import type { Json, Row } from "../../api";
import { openDialog } from "../../dialog";
import { h, setText } from "../../dom";
import { count } from "../../format";
import type { PageContext } from "../../page";
import { Table } from "../../table";

/** After so long without news a verdict is no longer the present one. */
const STALE_MS = 60_000;

interface Compared {
  topic: string;
  rows: number;
  cells: number;
  differ: number;
}

export class Badge {
  readonly element = h("button", { type: "button", class: "badge" }, "not compared with the batch answer yet");
  private row: Row | null = null;
  private received = 0;

  constructor(private readonly context: PageContext) {
    this.element.onclick = () => this.explain();
  }

  show(row: Row): void {
    this.row = row;
    this.received = performance.now();
    const [cells, differ, prefix] = [count(Number(row["cells"])), Number(row["differ"]), count(Number(row["prefix"]))];
    setText(
      this.element,
      differ === 0
        ? `✓ equals the batch answer: 0 of ${cells} cells differ, prefix ${prefix}`
        : `✗ ${count(differ)} of ${cells} cells differ from the batch answer, prefix ${prefix}`,
    );
    this.tick();
  }

  tick(): void {
    if (this.row === null) return;
    const stale = performance.now() - this.received > STALE_MS;
    const verdict = Number(this.row["differ"]) === 0 ? "good" : "bad";
    const look = `badge ${stale ? "stale" : verdict}`;
    if (this.element.className !== look) this.element.className = look;
  }

  private explain(): void {
    const table = new Table<Compared>(
      "Results compared",
      [
        { title: "result", cell: (each) => each.topic },
        { title: "rows", numeric: true, cell: (each) => count(each.rows) },
        { title: "cells", numeric: true, cell: (each) => count(each.cells) },
        { title: "differ", numeric: true, cell: (each) => count(each.differ) },
      ],
      { empty: "nothing was compared yet; it takes DuckDB: pip install 'riacho[demo]'" },
    );
    const results = (this.row?.["results"] ?? []) as Json[] as unknown as Compared[];
    table.show(results.map((each) => [each.topic, each] as const));
    openDialog(
      this.context,
      "The stream's answer against the batch's",
      h("p", { class: "muted" }, "Every few seconds DuckDB runs the batch query of each result over the events that the jobs have read so far, and every cell is compared."),
      table.element,
    );
  }
}
