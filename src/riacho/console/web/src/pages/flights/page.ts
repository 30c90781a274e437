// Flights: the demo's page. Every figure is a row of a topic that a SQL job keeps up to date.

import type { Row } from "../../api";
import { Chart } from "../../chart";
import { h, setText } from "../../dom";
import { compact, count, duration, quantile, sqlTime } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";
import { Alerts } from "./alerts";
import { NEW_YORK, ReplayClock } from "./clock";
import { FlightMap, type Place } from "./map";

const AIRPORTS = ["EWR", "JFK", "LGA"] as const;
const CHART_HOURS = 36;
/** Rows of three airports for a good day and a half, with room for late corrections. */
const CHART_ROWS = 3 * (CHART_HOURS + 12);
const LATENCY_SAMPLES = 500;

function show(context: PageContext): void {
  const { live, main } = context;
  const clock = new ReplayClock(context);
  const badge = h("span", { class: "badge", role: "status" }, "comparing with the batch answer …");
  document.getElementById("header-slot")?.append(clock.header, badge);

  const figures = {
    air: figure("in the air now"),
    departed: figure("departed today"),
    cancelled: figure("cancelled today", "bad"),
    events: figure("events/s"),
    latency: figure("event → screen, p99"),
  };
  const map = new FlightMap(context, () => clock.now());
  const delays = new Chart(context, "Mean departure delay by airport and hour", lines(), NEW_YORK, "", 150);
  const weather = new Chart(
    context,
    "Wind and visibility by hour",
    [
      { label: "wind, mph", colour: "first" },
      { label: "visibility, miles", colour: "third" },
    ],
    NEW_YORK,
    "",
    110,
  );
  const airlines = new Table<Row>("Airlines today", [
    { title: "airline", cell: (row) => names.get(String(row["carrier"])) ?? String(row["carrier"]) },
    { title: "departed", numeric: true, cell: (row) => count(Number(row["departed"])) },
    { title: "cancelled", numeric: true, cell: (row) => count(Number(row["cancelled"])) },
    { title: "mean delay", numeric: true, cell: (row) => (row["mean_delay"] === null ? "" : `${Number(row["mean_delay"]).toFixed(1)} min`) },
  ]);

  const names = new Map<string, string>();
  const places = new Map<string, Place>();
  const pending = new Map<string, Row>();
  const latencies: number[] = [];

  live.view("flights.clock").onChange((changed) => {
    for (const row of changed.values()) if (row !== null) clock.apply(row);
  });
  live.view("flights.airlines").onChange((changed) => {
    for (const row of changed.values()) if (row !== null) names.set(String(row["carrier"]), String(row["name"]));
  });
  live.view("flights.airports").onChange((changed) => {
    for (const row of changed.values()) {
      if (row !== null) places.set(String(row["faa"]), { lat: Number(row["lat"]), lon: Number(row["lon"]) });
    }
    map.showAirports([...places.values()]);
    for (const [key, row] of pending) addFlight(key, row);
  });

  const inTheAir = live.view("flights.in_the_air");
  const addFlight = (key: string, row: Row): void => {
    const origin = places.get(String(row["origin"]));
    const dest = places.get(String(row["dest"]));
    if (origin === undefined || dest === undefined) {
      pending.set(key, row);
      return;
    }
    pending.delete(key);
    map.setFlight(key, {
      origin,
      dest,
      departed: sqlTime(String(row["departed"])),
      delay: Number(row["delay"]),
      distance: Number(row["distance"]),
    });
  };
  inTheAir.onChange((changed) => {
    const now = Date.now();
    for (const [key, row] of changed) {
      if (row === null) {
        pending.delete(key);
        map.setFlight(key, null);
        continue;
      }
      addFlight(key, row);
      if (inTheAirLoaded) latencies.push(now - Number(row["published_ms"]));
    }
    inTheAirLoaded = true;
    latencies.splice(0, latencies.length - LATENCY_SAMPLES);
    setText(figures.air.value, count(inTheAir.rows.size));
    if (latencies.length > 0) setText(figures.latency.value, duration(quantile(latencies, 0.99)));
  });
  let inTheAirLoaded = false;

  const days = live.view("flights.airline_days", 64);
  const hours = live.view("flights.delays", CHART_ROWS);
  const observations = live.view("flights.weather_by_hour", CHART_ROWS);
  const alerts = new Alerts(context, live.view("flights.alerts", 200));
  live.view("flights.check").onChange((changed) => {
    for (const row of changed.values()) if (row !== null) showBadge(badge, row);
  });
  live.onOverview((overview) => setText(figures.events.value, compact(overview.events_in_per_s)));

  context.every(100, () => clock.tick());
  context.every(500, () => {
    const today = clock.today();
    const rows = [...days.rows.entries()].filter(([, row]) => row["day"] === today);
    const total = (column: string) => rows.reduce((sum, [, row]) => sum + Number(row[column]), 0);
    setText(figures.departed.value, count(total("departed")));
    setText(figures.cancelled.value, count(total("cancelled")));
    rows.sort(([, left], [, right]) => Number(right["departed"]) - Number(left["departed"]));
    airlines.show(rows.slice(0, 8));
    alerts.show();
    showDelays(delays, [...hours.rows.values()]);
    showWeather(weather, [...observations.rows.values()]);
  });

  main.append(
    h("h1", { class: "hidden" }, "Flights from New York, 2013"),
    h("div", { class: "cards" }, ...Object.values(figures).map((each) => each.element)),
    h(
      "div",
      { class: "split" },
      h(
        "section",
        { class: "card" },
        h("h2", {}, "every dot is a row of ", h("code", {}, "in_the_air"), "; colour = departure delay"),
        h("div", { class: "legend" }, key("good", "under 15 min"), key("warn", "15 to 60 min"), key("bad", "over an hour")),
        map.element,
      ),
      h(
        "div",
        { class: "stack" },
        h("section", { class: "card" }, h("h2", {}, "mean departure delay by hour, minutes"), delays.element),
        h("section", { class: "card" }, h("h2", {}, "weather in the same hours"), weather.element),
        alerts.element,
        h("section", { class: "card" }, h("h2", {}, "airlines today"), airlines.element),
      ),
    ),
  );
}

function lines(): { label: string; colour: string }[] {
  return AIRPORTS.map((label, index) => ({ label, colour: ["first", "second", "third"][index] as string }));
}

function key(colour: string, label: string): HTMLElement {
  return h("span", { class: "key" }, h("i", { style: `background: var(--${colour})` }), label);
}

function figure(title: string, tone = ""): { element: HTMLElement; value: HTMLElement } {
  const value = h("div", { class: `figure ${tone}` }, "–");
  return { element: h("section", { class: "card" }, h("h2", {}, title), value), value };
}

/** The newest hours in order, one value per airport. */
function byHour(rows: Row[], time: string): [number[], Map<number, Map<string, Row>>] {
  const hours = new Map<number, Map<string, Row>>();
  for (const row of rows) {
    const hour = sqlTime(String(row[time]));
    const airports = hours.get(hour) ?? new Map<string, Row>();
    airports.set(String(row["origin"]), row);
    hours.set(hour, airports);
  }
  const newest = Math.max(...hours.keys());
  const times = [...hours.keys()].filter((hour) => hour > newest - CHART_HOURS * 3_600_000).sort((a, b) => a - b);
  return [times, hours];
}

function showDelays(chart: Chart, rows: Row[]): void {
  if (rows.length === 0) return;
  const [times, hours] = byHour(rows, "window_start");
  const value = (hour: number, airport: string) => {
    const delay = hours.get(hour)?.get(airport)?.["mean_delay"];
    return typeof delay === "number" ? delay : null;
  };
  chart.show(times, ...AIRPORTS.map((airport) => times.map((hour) => value(hour, airport))));
}

function showWeather(chart: Chart, rows: Row[]): void {
  if (rows.length === 0) return;
  const [times, hours] = byHour(rows, "observed");
  const mean = (hour: number, column: string) => {
    const values = [...(hours.get(hour)?.values() ?? [])].map((row) => row[column]).filter((each) => typeof each === "number");
    return values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0) / values.length;
  };
  chart.show(times, times.map((hour) => mean(hour, "wind_speed")), times.map((hour) => mean(hour, "visibility")));
}

/** Does the stream's answer equal the batch's? Said by the demo's check, recomputed every few seconds. */
function showBadge(badge: HTMLElement, row: Row): void {
  const differ = Number(row["differ"]);
  badge.className = `badge ${differ === 0 ? "good" : "bad"}`;
  setText(
    badge,
    differ === 0
      ? `✓ equals the batch answer: 0 of ${count(Number(row["cells"]))} cells differ, prefix ${count(Number(row["prefix"]))}`
      : `✗ ${count(differ)} of ${count(Number(row["cells"]))} cells differ from the batch answer, prefix ${count(Number(row["prefix"]))}`,
  );
}

export const flights: Page = { path: "/", title: "Flights", show };
