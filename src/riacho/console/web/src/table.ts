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
  /** Set in a fixed width, spaces and all. */
  code?: boolean;
  /** On a phone: needs a line of its own where rows are stacked. */
  wide?: boolean;
  /** On a phone: left out. */
  secondary?: boolean;
}

export interface TableOptions<T> {
  /** What it says without rows. */
  empty?: string;
  /** A row never changes once it is shown. */
  fixed?: boolean;
  /** On a phone each row is a block of named values, because there are too many to stand beside each other. */
  stacked?: boolean;
  /** Makes the first column a button. */
  onPick?: (row: T, key: string) => void;
}

export class Table<T> {
  readonly element: HTMLElement;
  private readonly body = h("tbody", { role: "rowgroup" });
  private readonly lines = new Map<string, HTMLTableRowElement>();
  private picked: string | null = null;

  constructor(
    caption: string,
    private readonly columns: readonly ColumnSpec<T>[],
    private readonly options: TableOptions<T> = {},
  ) {
    const heads = columns.map((column) => h("th", { scope: "col", role: "columnheader", class: this.look(column) }, column.title));
    this.element = h(
      "div",
      { class: options.stacked === true ? "table stacked" : "table", tabindex: "0", role: "region", "aria-label": caption },
      h(
        "table",
        { role: "table" }, // said in words: a stacked table is none to the browser any more
        h("caption", { class: "hidden" }, caption),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
        this.body,
      ),
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
        const cells = this.columns.map((column) => h("td", { role: "cell", class: this.look(column), "data-title": column.title }));
        line = h("tr", { role: "row" }, ...cells);
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
      h("tr", { class: "empty", role: "row" }, h("td", { colspan: this.columns.length, class: "muted", role: "cell" }, text)),
    );
  }

  private look(column: ColumnSpec<T>): string {
    const { numeric, wrap, short, code, wide, secondary } = column;
    return Object.entries({ number: numeric, wrap, short, code, wide, secondary })
      .filter(([, wanted]) => wanted === true)
      .map(([name]) => name)
      .join(" ");
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
