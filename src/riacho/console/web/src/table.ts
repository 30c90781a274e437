// A table of keyed rows that touches only the cells whose text has changed.

import { h, setText } from "./dom";

export interface ColumnSpec<T> {
  title: string;
  /** What the cell shows: a text, or an element of its own. */
  cell(row: T): string | Node;
  numeric?: boolean;
}

export class Table<T> {
  readonly element: HTMLElement;
  private readonly body = h("tbody");
  private readonly lines = new Map<string, HTMLTableRowElement>();

  constructor(
    caption: string,
    private readonly columns: readonly ColumnSpec<T>[],
    private readonly empty = "nothing here yet",
    private readonly onPick?: (row: T) => void,
  ) {
    const heads = columns.map((column) =>
      h("th", { scope: "col", class: column.numeric === true ? "number" : "" }, column.title),
    );
    this.element = h(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, ...heads)), this.body),
    );
    this.show([]);
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
      if (line === undefined) {
        line = h("tr", {}, ...this.columns.map((column) => h("td", { class: column.numeric === true ? "number" : "" })));
        this.lines.set(key, line);
      }
      if (this.body.children[index] !== line) this.body.insertBefore(line, this.body.children[index] ?? null);
      this.fillLine(line, row);
    });
    if (rows.length === 0) {
      this.body.append(
        h("tr", { class: "empty" }, h("td", { colspan: this.columns.length, class: "muted" }, this.empty)),
      );
    }
  }

  private fillLine(line: HTMLTableRowElement, row: T): void {
    this.columns.forEach((column, index) => {
      const cell = line.cells[index] as HTMLTableCellElement;
      const content = column.cell(row);
      if (content instanceof Node) cell.replaceChildren(content);
      else if (index === 0 && this.onPick !== undefined) this.fillButton(cell, content, row);
      else setText(cell, content);
    });
  }

  private fillButton(cell: HTMLTableCellElement, text: string, row: T): void {
    let button = cell.querySelector("button");
    if (button === null) {
      button = h("button", { class: "link", type: "button" });
      cell.append(button);
    }
    setText(button, text);
    button.onclick = () => this.onPick?.(row);
  }
}
