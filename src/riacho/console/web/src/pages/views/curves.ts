// A chart for each of a view's numeric columns: the mean of all rows, and the row that was chosen, while one looks.

import type { Row } from "../../api";
import { Chart } from "../../chart";
import { fill, h } from "../../dom";
import type { PageContext } from "../../page";

const MAX_CHARTS = 10;
/** Seconds that the charts show. */
const SHOWN = 120;
const HEIGHT = 110;

interface Curve {
  column: string;
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
  begin(columns: readonly string[]): void {
    this.times = [];
    for (const { chart } of this.curves) chart.close();
    this.curves = columns.slice(0, MAX_CHARTS).map((column) => {
      const chart = new Chart(this.context, {
        title: `${column}: the mean of all rows over the last two minutes`,
        lines: [{ label: "mean", colour: "first" }, { label: "chosen", colour: "second" }],
        height: HEIGHT,
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        window: SHOWN,
        legend: false,
      });
      return { column, chart, means: [], values: [] };
    });
    this.element.hidden = this.curves.length === 0;
    fill(this.grid, ...this.curves.map(({ column, chart }) => h("section", { class: "card" }, h("h2", { title: column }, column), chart.element)));
  }

  /** Draw a row beside the mean; the one that is drawn already, no longer. */
  choose(key: string): void {
    this.key = key === this.key ? null : key;
    for (const curve of this.curves) curve.values = curve.values.map(() => null);
    this.showLegend();
  }

  /** Add how the rows are now. */
  draw(rows: ReadonlyMap<string, Row>): void {
    const now = Date.now();
    this.times.push(now);
    const old = this.times.findIndex((time) => time >= now - SHOWN * 1000);
    this.times.splice(0, old);
    const chosen = this.key === null ? undefined : rows.get(this.key);
    const means = meansOf(rows.values(), this.curves.map((curve) => curve.column));
    for (const [index, curve] of this.curves.entries()) {
      curve.means.push(means[index] ?? null);
      curve.means.splice(0, old);
      const value = chosen?.[curve.column];
      curve.values.push(typeof value === "number" ? value : null);
      curve.values.splice(0, old);
      curve.chart.show(this.times, [...curve.means], [...curve.values]);
    }
  }

  private showLegend(): void {
    const line = (colour: string, label: string) => h("span", { class: "key" }, h("i", { style: `background: var(--${colour})` }), label);
    fill(this.legend, line("first", "mean of all rows"), line("second", this.key ?? "a row: choose it by its key"));
  }
}

/** Of each column, over all rows; null where no row has a number. */
function meansOf(rows: Iterable<Row>, columns: readonly string[]): (number | null)[] {
  const sums = columns.map(() => 0);
  const counts = columns.map(() => 0);
  for (const row of rows) {
    for (let index = 0; index < columns.length; index += 1) {
      const value = row[columns[index] as string];
      if (typeof value !== "number") continue;
      (sums[index] as number) += value;
      (counts[index] as number) += 1;
    }
  }
  return sums.map((sum, index) => (counts[index] === 0 ? null : sum / (counts[index] as number)));
}
