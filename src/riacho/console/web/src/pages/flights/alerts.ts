// Alerts, and behind each the flights that caused it with their place in the log.

import { request } from "../../api";
import type { Row, View } from "../../api";
import { fill, h } from "../../dom";
import { sqlTime, zoned } from "../../format";
import type { PageContext } from "../../page";
import { Table } from "../../table";
import { NEW_YORK } from "./clock";

const SHOWN = 30;

export class Alerts {
  readonly element: HTMLElement;
  private readonly list: Table<Row>;

  constructor(
    private readonly context: PageContext,
    private readonly view: View,
  ) {
    this.list = new Table<Row>(
      "Alerts",
      [
        { title: "airport", cell: (row) => String(row["origin"]) },
        { title: "half hour to", cell: (row) => zoned(sqlTime(String(row["window_end"])), NEW_YORK).slice(5, 11) + zoned(sqlTime(String(row["window_end"])), NEW_YORK).slice(-5) },
        { title: "mean delay", numeric: true, cell: (row) => `${Number(row["mean_delay"]).toFixed(0)} min` },
        { title: "flights", numeric: true, cell: (row) => String(row["departed"]) },
      ],
      "no airport is behind",
      (row) => void this.explain(row).catch(context.fail),
    );
    this.element = h("section", { class: "card" }, h("h2", {}, "alerts: mean delay over 45 min"), h("div", { class: "alerts" }, this.list.element));
  }

  show(): void {
    const newest = [...this.view.rows.entries()]
      .sort(([, left], [, right]) => String(right["window_end"]).localeCompare(String(left["window_end"])))
      .slice(0, SHOWN);
    this.list.show(newest);
  }

  private async explain(alert: Row): Promise<void> {
    const filter = new URLSearchParams();
    filter.append("where", `origin:eq:${alert["origin"]}`);
    filter.append("where", `event_time:ge:${alert["window_start"]}`);
    filter.append("where", `event_time:lt:${alert["window_end"]}`);
    const answer = await request<{ rows: Row[] }>(`/api/views/flights.enriched_departures/rows?${filter}`);
    const flights = answer.rows
      .filter((row) => row["delay"] !== null)
      .sort((left, right) => Number(right["delay"]) - Number(left["delay"]));
    const table = new Table<Row>("Flights behind the alert", [
      { title: "airline", cell: (row) => String(row["airline"] ?? "") },
      { title: "to", cell: (row) => String(row["dest"]) },
      { title: "left at", cell: (row) => zoned(sqlTime(String(row["event_time"])), NEW_YORK).slice(-5) },
      { title: "delay", numeric: true, cell: (row) => `${row["delay"]} min` },
      { title: "wind", numeric: true, cell: (row) => (row["wind_speed"] === null ? "" : `${Number(row["wind_speed"]).toFixed(0)} mph`) },
      { title: "topic", cell: (row) => String(row["topic"]) },
      { title: "partition", numeric: true, cell: (row) => String(row["partition"]) },
      { title: "offset", numeric: true, cell: (row) => String(row["offset"]) },
    ]);
    table.show(flights.map((row) => [String(row["id"]), row] as const));
    const close = h("button", { type: "button" }, "Close");
    const dialog = h("dialog", { "aria-label": "Flights behind the alert" });
    const end = zoned(sqlTime(String(alert["window_end"])), NEW_YORK);
    fill(
      dialog,
      h("h1", {}, `${alert["origin"]}: ${flights.length} departures in the half hour to ${end}`),
      table.element,
      h("p", {}, close),
    );
    close.onclick = () => dialog.close();
    dialog.addEventListener("close", () => dialog.remove());
    this.context.onLeave(() => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
}
