// A table of very many keyed rows: only those that can be seen are elements of the page.

import type { Json, Row } from "./api";
import { h } from "./dom";

/** Pixels; `.rows tr` in the style sheet has the same height. */
const LINE_HEIGHT = 22;
/** Lines beyond both edges: scrolling shows no gap before the next picture. */
const MARGIN = 10;
/** Rows by which a column's width is decided. */
const SAMPLE = 200;
/** Widths of columns, in characters. */
const NARROWEST = 4;
const WIDEST = 36;
/** Of a number that is not whole: as many as a double keeps of any decimal, 1234567.89; more are noise, as in 0.1 + 0.2. */
const SIGNIFICANT_DIGITS = 15;

interface Line {
  element: HTMLTableRowElement;
  button: HTMLButtonElement;
  cells: HTMLTableCellElement[];
  texts: string[];
}

export class Rows {
  readonly element: HTMLElement;
  private readonly table: HTMLTableElement;
  private readonly above = h("td");
  private readonly below = h("td");
  private readonly end = h("tr", { "aria-hidden": "true" }, this.below);
  private readonly body = h("tbody", {}, h("tr", { "aria-hidden": "true" }, this.above), this.end);
  private lines: Line[] = [];
  private columns: readonly string[] = [];
  /** As they were when they were last shown: the view may have lost some before the next scrolling draws them again. */
  private rows: readonly (readonly [key: string, row: Row])[] = [];
  private picked: string | null = null;

  constructor(
    private readonly caption: string,
    private readonly onPick: (key: string) => void,
  ) {
    this.table = h("table");
    this.element = h("div", { class: "table rows", tabindex: "0", role: "region", "aria-label": caption }, this.table);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Begin anew with these columns; their widths follow from the rows, and then stay. */
  begin(columns: readonly string[], numeric: ReadonlySet<string>, rows: ReadonlyMap<string, Row>): void {
    this.columns = columns;
    const sample = [...rows].slice(0, SAMPLE);
    const longest = (title: string, texts: string[]) => Math.max(title.length, ...texts.map((text) => text.length));
    const widths = [
      longest("key", sample.map(([key]) => key)),
      ...columns.map((column) => longest(column, sample.map(([, row]) => cellText(row[column])))),
    ].map((width) => Math.min(Math.max(width, NARROWEST), WIDEST) + 2);
    const look = (column: string) => (numeric.has(column) ? "number" : "");
    this.lines = [];
    this.body.replaceChildren(this.body.firstChild as Node, this.end);
    this.table.replaceChildren(
      h("caption", { class: "hidden" }, this.caption),
      h("colgroup", {}, ...widths.map((width) => h("col", { style: `width: ${width}ch` }))),
      h("thead", {}, h("tr", {}, ...["key", ...columns].map((title) => h("th", { scope: "col", class: look(title), title }, title)))),
      this.body,
    );
    this.table.style.minWidth = `${widths.reduce((sum, width) => sum + width, 0)}ch`;
    this.makeLine = () => {
      const button = h("button", { class: "link", type: "button" });
      const cells = columns.map((column) => h("td", { class: look(column) }));
      return { element: h("tr", {}, h("td", {}, button), ...cells), button, cells, texts: [] };
    };
    this.show(rows);
  }

  /** Show these rows, in the order of the map. */
  show(rows: ReadonlyMap<string, Row>): void {
    this.rows = [...rows];
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.draw();
  }

  /** Mark a row as the chosen one. */
  pick(key: string | null): void {
    this.picked = key;
    this.draw();
  }

  private makeLine: () => Line = () => {
    throw new Error("columns come first");
  };

  private draw(): void {
    const { scrollTop, clientHeight } = this.element;
    if (clientHeight === 0 || this.columns.length === 0) return;
    const count = this.rows.length;
    const last = Math.min(Math.ceil((scrollTop + clientHeight) / LINE_HEIGHT) + MARGIN, count);
    const first = Math.max(Math.min(Math.floor(scrollTop / LINE_HEIGHT) - MARGIN, last), 0);
    setHeight(this.above, first * LINE_HEIGHT);
    setHeight(this.below, (count - last) * LINE_HEIGHT);
    for (const line of this.lines.splice(last - first)) line.element.remove();
    while (this.lines.length < last - first) {
      const line = this.makeLine();
      this.lines.push(line);
      this.end.before(line.element);
    }
    this.lines.forEach((line, index) => this.fill(line, first + index));
  }

  private fill(line: Line, index: number): void {
    const [key, row] = this.rows[index] as readonly [string, Row];
    if (line.button.textContent !== key) {
      line.button.textContent = line.button.title = key;
      line.button.onclick = () => this.onPick(key);
    }
    line.element.setAttribute("aria-rowindex", String(index + 2)); // the first is the head's
    line.element.classList.toggle("picked", key === this.picked);
    this.columns.forEach((column, place) => {
      const text = cellText(row[column]);
      if (line.texts[place] === text) return;
      line.texts[place] = text;
      const cell = line.cells[place] as HTMLTableCellElement;
      cell.textContent = text;
      if (text.length > WIDEST) cell.title = text;
      else if (cell.title !== "") cell.title = "";
    });
  }
}

function setHeight(cell: HTMLElement, pixels: number): void {
  const height = `${pixels}px`;
  if (cell.style.height !== height) cell.style.height = height;
}

function cellText(value: Json | undefined): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
