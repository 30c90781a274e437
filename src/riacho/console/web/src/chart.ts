// Lines over time with uPlot, in the page's colours, resized with their box.

import uPlot from "uplot";
import { h } from "./dom";
import type { PageContext } from "./page";

export interface Line {
  label: string;
  /** The name of a CSS colour variable, without dashes. */
  colour: string;
}

export interface ChartOptions {
  /** What it shows, in words. */
  title: string;
  lines: readonly Line[];
  /** Pixels. */
  height: number;
  /** The zone of the times on its axis. */
  zone: string;
  /** Whether times are written beneath it; false where another chart with the same times stands below. */
  times?: boolean;
  /** The newest so many seconds are shown, instead of all times that there are. */
  window?: number;
  /** The values' axis begins at 0. */
  fromZero?: boolean;
}

const AXIS_WIDTH = 34;
const TIMES_HEIGHT = 24;
const SECOND_STEPS = [5, 10, 15, 30, 60, 120];
const FONT = "11px system-ui, sans-serif";

export class Chart {
  readonly element: HTMLElement;
  private readonly box = h("div");
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData;

  constructor(
    context: PageContext,
    private readonly options: ChartOptions,
  ) {
    const legend = options.lines.map((line) =>
      h("span", { class: "key" }, h("i", { style: `background: var(--${line.colour})` }), line.label),
    );
    this.box.style.height = `${options.height}px`; // what comes below stays where it is when the plot appears
    this.element = h(
      "div",
      { class: "chart" },
      h("div", { class: "legend" }, ...legend),
      h("div", { role: "img", "aria-label": options.title }, this.box),
    );
    this.data = [[], ...options.lines.map(() => [])] as uPlot.AlignedData;
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.element);
    const scheme = matchMedia("(prefers-color-scheme: light)");
    const redraw = () => this.rebuild();
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

  private resize(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    if (this.plot === null) this.rebuild();
    else if (this.plot.width !== width) this.plot.setSize({ width, height: this.options.height });
  }

  private rebuild(): void {
    const { lines, height, zone, times = true, window, fromZero = false } = this.options;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("muted"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    const write = timeWriter(zone, window !== undefined);
    this.plot?.destroy();
    this.plot = new uPlot(
      {
        width: Math.max(this.element.clientWidth, 50),
        height,
        padding: [6, 8, times ? 0 : 6, 0],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
        scales: {
          x: window === undefined ? {} : { range: (_, __, newest) => [(newest ?? 0) - window, newest ?? 0] },
          y: fromZero ? { range: (_, __, highest) => [0, Math.max((highest ?? 0) * 1.1, 1)] } : {},
        },
        axes: [
          {
            ...axis,
            size: times ? TIMES_HEIGHT : 0,
            gap: 8,
            space: 64,
            ...(window === undefined ? {} : { incrs: SECOND_STEPS }),
            values: (_, ticks) => (times ? ticks.map(write) : ticks.map(() => "")),
          },
          { ...axis, size: AXIS_WIDTH, space: 22 },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: 1.75,
            points: { size: 3, width: 0, fill: colour(line.colour) },
          })),
        ],
      },
      this.data,
      this.box,
    );
  }
}

/** Hours and minutes, and at midnight the day, on the clocks of a zone. */
function timeWriter(zone: string, seconds: boolean): (at: number) => string {
  const time = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
    hourCycle: "h23",
  });
  const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric" });
  return (at) => {
    const text = time.format(at * 1000);
    return text === "00:00" ? day.format(at * 1000) : text;
  };
}
