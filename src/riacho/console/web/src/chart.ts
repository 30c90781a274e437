// Lines over time with uPlot, in the page's colours, resized with their box.

import uPlot from "uplot";
import { h } from "./dom";
import { formatter } from "./format";
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
  /** Whether its lines are named above it; false where that is said once for several charts. */
  legend?: boolean;
}

/** Pixels: of the values' axis at least, so that charts above each other begin alike, of its gap and of a digit. */
const AXIS_WIDTH = 34;
const AXIS_GAP = 9;
const DIGIT_WIDTH = 6.5;
/** Pixels of "Wed 13" and of "23:59:50": half of one reaches beyond the newest moment. */
const DAY_WIDTH = 36;
const TIME_WIDTH = 52;
/** From which number on a unit is used: four digits are as short without one. */
const UNITS = [
  [1e9, 1e9, "B"],
  [1e6, 1e6, "M"],
  [1e4, 1e3, "K"],
] as const;
const MAX_DIGITS = 6;
/** Seconds that a chart of the newest ones shows at least. */
const NARROWEST_S = 20;
const TIMES_HEIGHT = 24;
const SECOND_STEPS = [5, 10, 15, 30, 60, 120];
const FONT = "11px system-ui, sans-serif";

/** Times in seconds, then the values of each line. */
type Data = (number | null)[][];

export class Chart {
  readonly element: HTMLElement;
  /** Take it off the page; leaving the page does so, too. */
  readonly close: () => void;
  private readonly box = h("div");
  private plot: uPlot | null = null;
  private data: Data;
  /** What cannot be seen is not drawn again: on paper and in a picture of the whole page stands how it was first. */
  private visible = false;
  private drawn = true;
  private empty = true;

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
      options.legend !== false && h("div", { class: "legend" }, ...legend),
      h("div", { role: "img", "aria-label": options.title }, this.box),
    );
    this.data = [[], ...options.lines.map(() => [])];
    const resizes = new ResizeObserver(() => this.resize());
    resizes.observe(this.element);
    const sight = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1)?.isIntersecting === true;
      this.draw();
    });
    sight.observe(this.element);
    const scheme = matchMedia("(prefers-color-scheme: light)");
    const redraw = () => this.rebuild();
    scheme.addEventListener("change", redraw);
    this.close = () => {
      resizes.disconnect();
      sight.disconnect();
      scheme.removeEventListener("change", redraw);
      this.plot?.destroy();
      this.plot = null;
    };
    context.onLeave(this.close);
  }

  /** Times in milliseconds, then one array of values per line; null is a gap. */
  show(times: number[], ...values: (number | null)[][]): void {
    const data = [times.map((time) => time / 1000), ...values];
    if (isSame(data, this.data)) return;
    this.data = data;
    this.drawn = false;
    this.draw();
  }

  private draw(): void {
    if (this.drawn || this.plot === null || !(this.visible || this.empty)) return;
    this.plot.setData(this.data as uPlot.AlignedData);
    this.drawn = true;
    this.empty = false;
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
        padding: [6, window === undefined ? DAY_WIDTH / 2 : TIME_WIDTH / 2, times ? 0 : 6, 0],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
        scales: {
          x: window === undefined ? {} : { range: (_, oldest, newest) => recent(oldest ?? 0, newest ?? 0, window) },
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
          {
            ...axis,
            size: (_, labels) => Math.max(AXIS_WIDTH, AXIS_GAP + DIGIT_WIDTH * Math.max(0, ...(labels ?? []).map((label) => label.length))),
            space: 22,
            values: (_, ticks, __, ___, step) => writeTicks(ticks, step),
          },
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
      this.data as uPlot.AlignedData,
      this.box,
    );
    this.drawn = true;
  }
}

/** The newest seconds, as many as the window holds; fewer while fewer are known, that a short line is not lost in it. */
function recent(oldest: number, newest: number, window: number): [number, number] {
  return [Math.min(Math.max(oldest, newest - window), newest - NARROWEST_S), newest];
}

/** Values at an axis, with as many digits as tell two of them apart: 1250000, 1255000 are "1.250M", "1.255M". */
function writeTicks(ticks: number[], step: number): string[] {
  const highest = Math.max(...ticks.map(Math.abs));
  const [, unit, letter] = UNITS.find(([least]) => highest >= least) ?? [1, 1, ""];
  const isWhole = (value: number) => Math.abs(value - Math.round(value)) < 1e-6;
  let digits = 0;
  while (digits < MAX_DIGITS && !isWhole((step / unit) * 10 ** digits)) digits += 1;
  return ticks.map((tick) => (tick === 0 ? "0" : (tick / unit).toFixed(digits) + letter));
}

/** Hours and minutes, and at midnight the day, on the clocks of a zone. */
function timeWriter(zone: string, seconds: boolean): (at: number) => string {
  const second = seconds ? ({ second: "2-digit" } as const) : {};
  const time = formatter("en-GB", zone, { hour: "2-digit", minute: "2-digit", ...second, hourCycle: "h23" });
  const day = formatter("en-GB", zone, { weekday: "short", day: "numeric" });
  return (at) => {
    const text = time.format(at * 1000);
    return text === "00:00" ? day.format(at * 1000) : text;
  };
}

function isSame(left: Data, right: Data): boolean {
  return left.every((line, index) => {
    const other = right[index] as typeof line;
    return line.length === other.length && line.every((value, at) => value === other[at]);
  });
}
