// Alerts, and behind each the flights that caused it with their place in the log.

import { request, type Row, type View } from "../../api";
import { h, setText } from "../../dom";
import { openDialog } from "../../dialog";
import { sqlTime, toSqlTime, zonedDay, zonedTime } from "../../format";
import type { PageContext } from "../../page";
import { Table } from "../../table";
import { NEW_YORK } from "./clock";

const SHOWN = 40;
const MAX_FLIGHTS = 500;

export class Alerts {
  readonly element: HTMLElement;
  private readonly list: Table<Row>;
  private changed = true;

  constructor(
    private readonly context: PageContext,
    private readonly view: View,
  ) {
    this.list = new Table<Row>(
      "Alerts",
      [
        { title: "from", cell: (row) => String(row["origin"]) },
        { title: "half hour to", short: true, cell: (row) => moment(row["window_end"]) },
        { title: "delay", numeric: true, cell: (row) => `${Number(row["mean_delay"]).toFixed(0)} min` },
      ],
      { empty: "no airport is behind", onPick: (row) => void this.explain(row) },
    );
    view.onChange(() => {
      this.changed = true;
    });
    this.element = h("section", { class: "card alerts" }, h("h2", {}, "alerts: mean over 45 min"), this.list.element);
  }

  show(): void {
    if (!this.changed) return;
    this.changed = false;
    const newest = [...this.view.rows.entries()]
      .sort(([, left], [, right]) => String(right["window_end"]).localeCompare(String(left["window_end"])))
      .slice(0, SHOWN);
    this.list.show(newest);
  }

  private async explain(alert: Row): Promise<void> {
    const table = new Table<Row>("Flights behind the alert", [
      { title: "airline", cell: (row) => String(row["airline"] ?? "") },
      { title: "to", cell: (row) => String(row["dest"]) },
      { title: "left at", cell: (row) => zonedTime(sqlTime(String(row["event_time"])), NEW_YORK) },
      { title: "delay", numeric: true, cell: (row) => `${row["delay"]} min` },
      { title: "wind", numeric: true, cell: (row) => (row["wind_speed"] === null ? "" : `${Number(row["wind_speed"]).toFixed(0)} mph`) },
      { title: "topic", wide: true, cell: (row) => String(row["topic"]) },
      { title: "partition", numeric: true, cell: (row) => String(row["partition"]) },
      { title: "offset", numeric: true, cell: (row) => String(row["offset"]) },
    ], { stacked: true });
    const hour = `departures in the half hour to ${moment(alert["window_end"])}`;
    const dialog = openDialog(
      this.context,
      `${alert["origin"]}: ${hour}`,
      h("p", { class: "muted" }, `Their mean delay of ${Number(alert["mean_delay"]).toFixed(1)} minutes raised the alert. Topic, partition and offset say where each stands in the log.`),
      table.element,
    );
    try {
      const flights = await flightsBehind(alert);
      table.show(flights.map((row) => [String(row["id"]), row] as const));
      setText(dialog.heading, `${alert["origin"]}: ${flights.length} ${hour}`);
    } catch (error) {
      dialog.close();
      this.context.fail(error);
    }
  }
}

/** The departures that the alert's window counted: all in it, but for those that came when it had closed. */
async function flightsBehind(alert: Row): Promise<Row[]> {
  const filter = new URLSearchParams({ limit: String(MAX_FLIGHTS) });
  filter.append("where", `origin:eq:${alert["origin"]}`);
  filter.append("where", `event_time:ge:${alert["window_start"]}`);
  filter.append("where", `event_time:lt:${alert["window_end"]}`);
  const closed = toSqlTime(sqlTime(String(alert["window_end"])) - 1);
  const [departures, late] = await Promise.all([
    request<{ rows: Row[] }>(`/api/views/flights.enriched_departures/rows?${filter}`),
    request<{ rows: Row[] }>(`/api/views/flights.late/rows?${filter}&where=watermark:ge:${encodeURIComponent(closed)}`),
  ]);
  const missed = new Set(late.rows.map((row) => row["id"]));
  return departures.rows
    .filter((row) => row["delay"] !== null && !missed.has(row["id"] as number))
    .sort((left, right) => Number(right["delay"]) - Number(left["delay"]));
}

function moment(text: unknown): string {
  const time = sqlTime(String(text));
  return `${zonedDay(time, NEW_YORK)} ${zonedTime(time, NEW_YORK)}`;
}
