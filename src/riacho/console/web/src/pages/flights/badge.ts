// The badge: does the stream's answer equal the batch's? Said by the demo's check, recomputed every few seconds.

import type { Json, Row } from "../../api";
import { openDialog } from "../../dialog";
import { h, setText } from "../../dom";
import { count, duration } from "../../format";
import type { PageContext } from "../../page";
import { Table } from "../../table";

/** It is recomputed every 5 s; after so long without news a verdict is no longer the present one. */
const STALE_MS = 20_000;

interface Compared {
  topic: string;
  rows: number;
  cells: number;
  differ: number;
}

export class Badge {
  readonly element = h("button", { type: "button", class: "badge" }, "not compared with the batch answer yet");
  private row: Row | null = null;

  constructor(private readonly context: PageContext) {
    this.element.onclick = () => this.explain();
  }

  show(row: Row): void {
    this.row = row;
    this.tick();
  }

  /** Say what was found, and when it was long ago. */
  tick(): void {
    const row = this.row;
    if (row === null) return;
    const age = Date.now() - Number(row["at_ms"]);
    const stale = age > STALE_MS;
    const right = Number(row["differ"]) === 0;
    const look = `badge ${stale ? "stale" : right ? "good" : "bad"}`;
    if (this.element.className !== look) this.element.className = look;
    setText(this.element, stale ? `${duration(age)} ago: ${finding(row)}` : `${right ? "✓" : "✗"} ${finding(row)}`);
  }

  private explain(): void {
    const table = new Table<Compared>(
      "Results compared",
      [
        { title: "result", short: true, cell: (each) => each.topic },
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
      h("p", { class: "muted" }, "Every 5 s DuckDB runs the batch query of each result over the events that its job has read so far, and every cell is compared. The prefix is how many departures all of the jobs have read."),
      table.element,
    );
  }
}

function finding(row: Row): string {
  const [cells, differ] = [count(Number(row["cells"])), Number(row["differ"])];
  const verdict =
    differ === 0
      ? `equals the batch answer: 0 of ${cells} cells differ`
      : `${count(differ)} of ${cells} cells differ from the batch answer`;
  const awaited = Number(row["awaited"]);
  const rest = awaited > 0 ? `, ${awaited} results not compared yet` : "";
  return `${verdict}, prefix ${count(Number(row["prefix"]))}${rest}`;
}
