// A table of keyed rows that touches only the cells whose text has changed.

import { h, setText } from "./dom";

export interface ColumnSpec<T> {
  title: string;
  /** What the cell shows: a text, or an element of its own. */
  cell(row: T): string | Node;
  numeric?: boolean;
  /** Long texts are broken into lines. */
  wrap?: boolean;
  /** Takes the width that the others leave; a longer text is cut, and shown whole under the pointer. */
  short?: boolean;
}

export interface TableOptions<T> {
  /** What it says without rows. */
  empty?: string;
  /** A row never changes once it is shown. */
  fixed?: boolean;
  /** Makes the first column a button. */
  onPick?: (row: T, key: string) => void;
}

export class Table<T> {
  readonly element: HTMLElement;
  private readonly body = h("tbody");
  private readonly lines = new Map<string, HTMLTableRowElement>();
  private picked: string | null = null;

  constructor(
    caption: string,
    private readonly columns: readonly ColumnSpec<T>[],
    private readonly options: TableOptions<T> = {},
  ) {
    const heads = columns.map((column) => h("th", { scope: "col", class: this.look(column) }, column.title));
    this.element = h(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, ...heads)), this.body),
    );
    this.say("loading …");
  }

  /** Show these rows, in this order. */
  show(rows: readonly (readonly [string, T])[]): void {
    const wanted = new Set(rows.map(([key]) => key));
    for (const [key, line] of this.lines) {
      if (!wanted.has(key)) {
        line.remove();
        this.lines.delete(key);
      }
    }
    this.body.querySelector("tr.empty")?.remove();
    rows.forEach(([key, row], index) => {
      let line = this.lines.get(key);
      const known = line !== undefined;
      if (line === undefined) {
        line = h("tr", {}, ...this.columns.map((column) => h("td", { class: this.look(column) })));
        this.lines.set(key, line);
      }
      if (this.body.children[index] !== line) this.body.insertBefore(line, this.body.children[index] ?? null);
      if (!known || this.options.fixed !== true) this.fillLine(line, key, row);
    });
    if (rows.length === 0) this.say(this.options.empty ?? "nothing here yet");
  }

  /** Mark a row as the chosen one. */
  pick(key: string | null): void {
    this.picked = key;
    for (const [each, line] of this.lines) this.mark(line, each);
  }

  private say(text: string): void {
    this.body.replaceChildren(
      h("tr", { class: "empty" }, h("td", { colspan: this.columns.length, class: "muted" }, text)),
    );
  }

  private look(column: ColumnSpec<T>): string {
    if (column.numeric === true) return "number";
    return column.wrap === true ? "wrap" : column.short === true ? "short" : "";
  }

  private mark(line: HTMLTableRowElement, key: string): void {
    line.classList.toggle("picked", key === this.picked);
    const button = line.cells[0]?.querySelector("button");
    if (key === this.picked) button?.setAttribute("aria-current", "true");
    else button?.removeAttribute("aria-current");
  }

  private fillLine(line: HTMLTableRowElement, key: string, row: T): void {
    this.columns.forEach((column, index) => {
      const cell = line.cells[index] as HTMLTableCellElement;
      const content = column.cell(row);
      if (content instanceof Node) {
        if (cell.firstChild !== content) cell.replaceChildren(content);
      } else if (index === 0 && this.options.onPick !== undefined) this.fillButton(cell, content, key, row);
      else setText(cell, content);
      if (column.short === true && typeof content === "string" && cell.title !== content) cell.title = content;
    });
    this.mark(line, key);
  }

  private fillButton(cell: HTMLTableCellElement, text: string, key: string, row: T): void {
    let button = cell.querySelector("button");
    if (button === null) {
      button = h("button", { class: "link", type: "button" });
      cell.append(button);
    }
    setText(button, text);
    button.onclick = () => this.options.onPick?.(row, key);
  }
}
