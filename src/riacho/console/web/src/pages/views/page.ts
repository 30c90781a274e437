// Views: a compacted topic's rows as they are now, and what their numbers do while one looks.

import { request, type TopicSummary, type View } from "../../api";
import { fill, h, setText } from "../../dom";
import { count } from "../../format";
import type { Page, PageContext } from "../../page";
import { Rows } from "../../rows";
import { Curves } from "./curves";

/** Rows that a browser keeps; of a larger view those of the newest keys. */
const MAX_ROWS = 10_000;
/** How often the picture changes: as often as a person can read it. */
const REDRAW_MS = 250;
const TOPICS_MS = 10_000;

function show(context: PageContext): void {
  const name = new URLSearchParams(location.search).get("view") || null;
  const choice = h("select", { "aria-label": "View" });
  choice.onchange = () => {
    history.pushState(null, "", `?view=${encodeURIComponent(choice.value)}`);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  const status = h("span", { class: "muted" });
  let offered = "";
  const offer = async (): Promise<void> => {
    const answer = await request<{ topics: TopicSummary[] }>("/api/topics");
    const names = answer.topics.filter((topic) => topic.compacted && !topic.internal).map((topic) => topic.name);
    if (name !== null && !names.includes(name)) names.unshift(name);
    if (name === null) setText(status, names.length === 0 ? "No topic is compacted yet: upsert-kafka tables make such." : "");
    if (names.join() === offered) return;
    offered = names.join();
    fill(choice, name === null && h("option", { value: "" }, "choose a view"), ...names.map((each) => h("option", { value: each }, each)));
    choice.value = name ?? "";
  };
  context.main.append(
    h("h1", {}, "Views"),
    h("div", { class: "controls choice" }, choice, status),
    h("p", { class: "muted about" }, "A view is a compacted topic: the newest row of every key."),
  );
  if (name === null) {
    context.every(TOPICS_MS, offer);
    return;
  }
  fill(choice, h("option", { value: name }, name));
  const view = context.live.view(name, MAX_ROWS);
  context.live.every = REDRAW_MS;
  showView(context, view, status);
  let next = 0;
  context.every(TOPICS_MS / 10, async () => {
    if (!view.loaded || performance.now() < next) return; // the rows come first
    next = performance.now() + TOPICS_MS;
    await offer();
  });
}

function showView(context: PageContext, view: View, status: HTMLElement): void {
  const curves = new Curves(context);
  const table = new Rows(`Rows of ${view.name}`, (key) => {
    curves.choose(key);
    table.pick(curves.chosen);
    curves.draw(view.rows);
  });
  const tableCard = h("section", { class: "card", hidden: true }, table.element);
  const known = new Set<string>();
  let [unknown, changed, changes, since] = [true, false, 0, performance.now()];

  view.onChange((rows, { reset, picture }) => {
    changed = true;
    if (reset) curves.forget();
    curves.note(rows);
    if (!picture) changes += rows.size;
    for (const row of rows.values()) for (const column in row) unknown ||= !known.has(column);
    if (picture && view.loaded) draw();
  });

  function draw(): void {
    changed = false;
    tableCard.hidden = view.rows.size === 0;
    if (unknown) {
      const columns = columnsOf(view.rows.values());
      columns.all.forEach((column) => known.add(column));
      curves.begin(columns.numeric, view.rows);
      table.begin(columns.all, new Set(columns.numeric), view.rows);
      unknown = false;
    } else table.show(view.rows);
    curves.draw(view.rows);
  }

  context.every(REDRAW_MS, () => {
    if (changed && view.loaded) draw();
  });
  context.every(1000, () => {
    const now = performance.now();
    const rate = (changes * 1000) / Math.max(now - since, 1);
    [changes, since] = [0, now];
    const rows = `${view.rows.size === MAX_ROWS ? "the newest " : ""}${count(view.rows.size)} rows`;
    if (view.loaded) setText(status, view.exists ? `${rows} · ${count(rate)} changes/s` : `there is no topic ${view.name}`);
    else setText(status, "loading …");
  });
  context.main.append(curves.element, tableCard);
}

/** The columns of all rows, in order of appearance; the numeric ones hold nothing but numbers and nulls. */
function columnsOf(rows: Iterable<{ [column: string]: unknown }>): { all: string[]; numeric: string[] } {
  const numeric = new Map<string, boolean | null>();
  for (const row of rows) {
    for (const column in row) {
      const value = row[column];
      const sofar = numeric.get(column) ?? null;
      numeric.set(column, value === null ? sofar : sofar !== false && typeof value === "number");
    }
  }
  const all = [...numeric.keys()];
  return { all, numeric: all.filter((column) => numeric.get(column) === true) };
}

export const views: Page = { path: "/views", title: "Views", show };
