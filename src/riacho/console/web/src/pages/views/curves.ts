// A chart for each of a view's numeric columns: the mean of all rows, and the row that was chosen, while one looks.

import type { Changed, Row } from "../../api";
import { Chart } from "../../chart";
import { fill, h } from "../../dom";
import { HERE } from "../../format";
import type { PageContext } from "../../page";

const MAX_CHARTS = 10;
/** Seconds that the charts show. */
const SHOWN = 120;
const HEIGHT = 110;

interface Curve {
  column: string;
  /** Over the rows that have a number. */
  sum: number;
  count: number;
  chart: Chart;
  means: (number | null)[];
  values: (number | null)[];
}

export class Curves {
  readonly element = h("div", { class: "curves" });
  private readonly legend = h("div", { class: "legend" });
  private readonly grid = h("div", { class: "chart-grid" });
  private curves: Curve[] = [];
  private times: number[] = [];
  /** The rows that are in the sums. Adding up all of them four times a second would cost more than drawing. */
  private counted = new Map<string, Row>();
  private key: string | null = null;

  constructor(private readonly context: PageContext) {
    this.element.append(this.legend, this.grid);
    this.showLegend();
  }

  /** The key of the row that is drawn beside the mean. */
  get chosen(): string | null {
    return this.key;
  }

  /** Begin anew with a chart for each column, as far as there is room. */
  begin(columns: readonly string[], rows: ReadonlyMap<string, Row>): void {
    this.times = [];
    for (const { chart } of this.curves) chart.close();
    this.curves = columns.slice(0, MAX_CHARTS).map((column) => {
      const chart = new Chart(this.context, {
        title: `${column}: the mean of all rows over the last two minutes`,
        lines: [{ label: "mean", colour: "first" }, { label: "chosen", colour: "second" }],
        height: HEIGHT,
        zone: HERE,
        window: SHOWN,
        legend: false,
      });
      return { column, sum: 0, count: 0, chart, means: [], values: [] };
    });
    this.forget();
    this.note(rows);
    this.element.hidden = this.curves.length === 0;
    fill(this.grid, ...this.curves.map(({ column, chart }) => h("section", { class: "card" }, h("h2", { title: column }, column), chart.element)));
  }

  /** Draw a row beside the mean; the one that is drawn already, no longer. */
  choose(key: string): void {
    this.key = key === this.key ? null : key;
    for (const curve of this.curves) curve.values = curve.values.map(() => null);
    this.showLegend();
  }

  /** Take over rows, and null where one is gone. */
  note(changed: Changed): void {
    for (const [key, row] of changed) {
      const before = this.counted.get(key);
      if (before !== undefined) this.add(before, -1);
      if (row === null) {
        this.counted.delete(key);
        continue;
      }
      this.counted.set(key, row);
      this.add(row, 1);
    }
  }

  /** There are no rows any more. */
  forget(): void {
    this.counted.clear();
    for (const curve of this.curves) curve.sum = curve.count = 0;
  }

  /** Draw how the rows are now. */
  draw(rows: ReadonlyMap<string, Row>): void {
    const now = Date.now();
    this.times.push(now);
    const old = this.times.findIndex((time) => time >= now - SHOWN * 1000);
    this.times.splice(0, old);
    const chosen = this.key === null ? undefined : rows.get(this.key);
    for (const curve of this.curves) {
      curve.means.push(curve.count === 0 ? null : curve.sum / curve.count);
      curve.means.splice(0, old);
      const value = chosen?.[curve.column];
      curve.values.push(typeof value === "number" ? value : null);
      curve.values.splice(0, old);
      curve.chart.show(this.times, [...curve.means], [...curve.values]);
    }
  }

  private add(row: Row, sign: 1 | -1): void {
    for (const curve of this.curves) {
      const value = row[curve.column];
      if (typeof value !== "number") continue;
      curve.sum += sign * value;
      curve.count += sign;
    }
  }

  private showLegend(): void {
    const line = (colour: string, label: string) => h("span", { class: "key" }, h("i", { style: `background: var(--${colour})` }), label);
    fill(this.legend, line("first", "mean of all rows"), line("second", this.key ?? "a row: choose it by its key"));
  }
}
