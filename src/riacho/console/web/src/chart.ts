// Lines over time with uPlot, in the page's colours, resized with their box.

import uPlot from "uplot";
import { h } from "./dom";
import type { PageContext } from "./page";

export interface Line {
  label: string;
  /** The name of a CSS colour variable, without dashes. */
  colour: string;
}

export class Chart {
  readonly element: HTMLElement;
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData;

  constructor(
    context: PageContext,
    title: string,
    private readonly lines: readonly Line[],
    private readonly zone: string,
    private readonly unit: string,
    private readonly height = 150,
  ) {
    const legend = lines.map((line) =>
      h("span", { class: "key" }, h("i", { style: `background: var(--${line.colour})` }), line.label),
    );
    this.element = h("div", { class: "chart", role: "img", "aria-label": title });
    const box = h("div");
    this.element.append(h("div", { class: "legend" }, ...legend), box);
    this.data = [[], ...lines.map(() => [])] as uPlot.AlignedData;
    const observer = new ResizeObserver(() => this.resize(box));
    observer.observe(this.element);
    const scheme = matchMedia("(prefers-color-scheme: light)");
    const redraw = () => this.rebuild(box);
    scheme.addEventListener("change", redraw);
    context.onLeave(() => {
      observer.disconnect();
      scheme.removeEventListener("change", redraw);
      this.plot?.destroy();
    });
  }

  /** Times in milliseconds, then one array of values per line; null is a gap. */
  show(times: number[], ...values: (number | null)[][]): void {
    this.data = [times.map((time) => time / 1000), ...values] as uPlot.AlignedData;
    this.plot?.setData(this.data);
  }

  private resize(box: HTMLElement): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    if (this.plot === null) this.rebuild(box);
    else this.plot.setSize({ width, height: this.height });
  }

  private rebuild(box: HTMLElement): void {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("muted"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    this.plot?.destroy();
    this.plot = new uPlot(
      {
        width: Math.max(this.element.clientWidth, 50),
        height: this.height,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.zone),
        axes: [axis, { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => `${tick}${this.unit}`) }],
        series: [
          {},
          ...this.lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 2,
            spanGaps: true,
            points: { show: false },
          })),
        ],
      },
      this.data,
      box,
    );
  }
}
