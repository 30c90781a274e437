// Flights: the demo's page. Every figure is a row of a topic that a SQL job keeps up to date.

import type { Row } from "../../api";
import { Chart } from "../../chart";
import { h, setText } from "../../dom";
import { count, quantile, sqlTime } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";
import { Alerts } from "./alerts";
import { Badge } from "./badge";
import { NEW_YORK, ReplayClock } from "./clock";
import { JobsNote } from "./jobs";
import { Latency } from "./latency";
import { FlightMap, type Place } from "./map";

/**
 * How often the map and the clock are drawn, in one frame of the browser: what a frame costs hardly depends on what is in
 * it, and at the usual speed flights move by a few pixels meanwhile.
 */
const FRAME_MS = 100;
/** The time and the figures change in every so many frames: faster they could not be read. */
const FRAMES_PER_TIME = 2;
const FRAMES_PER_FIGURE = 6;

const AIRPORTS = ["EWR", "JFK", "LGA"] as const;
const HOUR_MS = 3_600_000;
const CHART_HOURS = 36;
/** Rows of three airports for a good day and a half, with room for late corrections. */
const CHART_ROWS = 3 * (CHART_HOURS + 12);
const ALERT_ROWS = 200;
/** Days times airlines: a few days are enough to hold the present one. */
const DAY_ROWS = 64;
const AIRLINES = 9;
/** What airlines' names end with, and people leave away. */
const SUFFIX = /((?<=\w{3}) (air ?lines|airways|air))?( (inc|co|corporation)\.?)?$/i;

function show(context: PageContext): void {
  const { live, main } = context;
  const clock = new ReplayClock(context);
  const badge = new Badge(context);
  context.header.append(badge.element);

  const figures = {
    air: figure("in the air now"),
    departed: figure("departed today"),
    cancelled: figure("cancelled today", "bad"),
    events: figure("events/s"),
    latency: figure("event → screen, p99"),
  };
  const map = new FlightMap(context, () => clock.now());
  const delays = new Chart(context, {
    title: "Mean departure delay in minutes, by airport and hour",
    lines: AIRPORTS.map((label, index) => ({ label, colour: ["first", "second", "third"][index] as string })),
    height: 132,
    zone: NEW_YORK,
    times: false,
  });
  const weather = new Chart(context, {
    title: "Wind and visibility by hour, median of the three airports",
    lines: [
      { label: "wind, mph", colour: "fourth" },
      { label: "visibility, miles", colour: "fifth" },
    ],
    height: 104,
    zone: NEW_YORK,
  });
  let [daysChanged, hoursChanged, today, frame] = [false, false, "", 0];
  const names = new Map<string, string>();
  const airlines = new Table<Row>("Airlines today", [
    { title: "airline", short: true, cell: (row) => names.get(String(row["carrier"])) ?? String(row["carrier"]) },
    { title: "left", numeric: true, cell: (row) => count(Number(row["departed"])) },
    { title: "cancelled", numeric: true, cell: (row) => count(Number(row["cancelled"])) },
    { title: "delay", numeric: true, cell: (row) => (row["mean_delay"] === null ? "" : Number(row["mean_delay"]).toFixed(1)) },
  ], { empty: "no flight so far" });

  live.view("flights.clock").onChange((changed) => {
    for (const row of changed.values()) if (row !== null) clock.apply(row);
  });
  live.view("flights.airlines").onChange((changed) => {
    for (const row of changed.values()) {
      if (row !== null) names.set(String(row["carrier"]), String(row["name"]).replace(SUFFIX, ""));
    }
    daysChanged = true;
  });
  const places = new Map<string, Place>();
  live.view("flights.airports").onChange((changed) => {
    for (const row of changed.values()) {
      if (row !== null) places.set(String(row["faa"]), { lat: Number(row["lat"]), lon: Number(row["lon"]) });
    }
    map.showAirports([...places.values()]);
    for (const [key, row] of inTheAir.rows) addFlight(key, row);
  });

  const unreported = h("span", {});
  const inTheAir = live.view("flights.in_the_air");
  const latency = new Latency();
  const addFlight = (key: string, row: Row): void => {
    const origin = places.get(String(row["origin"]));
    const dest = places.get(String(row["dest"]));
    if (origin === undefined || dest === undefined) return; // it comes again with the airports
    map.setFlight(key, {
      origin,
      dest,
      departed: sqlTime(String(row["departed"])),
      delay: Number(row["delay"]),
      distance: Number(row["distance"]),
    });
  };
  inTheAir.onChange((changed, { reset, picture }) => {
    if (reset) map.clear();
    for (const [key, row] of changed) {
      if (row === null) map.setFlight(key, null);
      else {
        addFlight(key, row);
        if (!picture) latency.add(Number(row["published_ms"]));
      }
    }
  });

  const days = live.view("flights.airline_days", DAY_ROWS);
  const hours = live.view("flights.delays", CHART_ROWS);
  const observations = live.view("flights.weather_by_hour", CHART_ROWS);
  const alerts = new Alerts(context, live.view("flights.alerts", ALERT_ROWS));
  live.view("flights.check").onChange((changed) => {
    for (const row of changed.values()) if (row !== null) badge.show(row);
  });

  const note = new JobsNote();
  live.onOverview((overview) => {
    note.show(overview, clock.ended);
    const rows = overview.batch_rows;
    setText(figures.events.title, rows === null || rows === 0 ? "events/s" : `events/s · ${count(rows)} a batch`);
  });

  days.onChange(() => {
    daysChanged = true;
  });
  for (const view of [hours, observations]) {
    view.onChange(() => {
      hoursChanged = true;
    });
  }
  const draw = (): void => {
    map.draw();
    if (frame % FRAMES_PER_TIME === 0) clock.tick();
    if (frame % FRAMES_PER_FIGURE === 0) showFigures();
    frame += 1;
  };
  let requested = 0;
  context.every(FRAME_MS, () => {
    cancelAnimationFrame(requested);
    requested = requestAnimationFrame(draw);
  });
  context.onLeave(() => cancelAnimationFrame(requested));

  function showFigures(): void {
    badge.tick();
    setText(figures.events.value, count(clock.eventsPerSecond));
    if (inTheAir.rows.size > 0 || note.isRunning("flights-in-the-air")) showFlying();
    if (clock.hurrying) latency.restart();
    setText(figures.latency.value, latency.text());
    if (days.rows.size > 0 && clock.now() > 0 && (daysChanged || today !== clock.today())) showToday();
    if (hours.rows.size > 0) alerts.show();
    if (hoursChanged) showHours();
  }

  /** A flight whose landing was never reported (cancelled in the air, or turned away) stays a row of the view. */
  function showFlying(): void {
    const overdue = map.overdue();
    setText(figures.air.value, count(inTheAir.rows.size - overdue));
    setText(unreported, overdue === 0 ? "" : `not shown: ${count(overdue)} whose landing was never reported`);
  }

  function showToday(): void {
    today = clock.today();
    daysChanged = false;
    const flown = [...days.rows.values()].filter((row) => row["day"] === today);
    const total = (column: string) => flown.reduce((sum, row) => sum + Number(row[column]), 0);
    setText(figures.departed.value, count(total("departed")));
    setText(figures.cancelled.value, count(total("cancelled")));
    flown.sort((left, right) => Number(right["departed"]) - Number(left["departed"]));
    airlines.show(flown.slice(0, AIRLINES).map((row) => [String(row["carrier"]), row] as const));
  }

  /** Both charts over the same hours, so that a storm stands above its delays. */
  function showHours(): void {
    hoursChanged = false;
    const delayed = byHour(hours.rows.values(), "window_start");
    const observed = byHour(observations.rows.values(), "observed");
    if (delayed.size === 0) return;
    const newest = Math.max(...delayed.keys());
    const times = Array.from({ length: CHART_HOURS }, (_, index) => newest - (CHART_HOURS - 1 - index) * HOUR_MS);
    delays.show(
      times,
      ...AIRPORTS.map((airport) => times.map((hour) => number(delayed.get(hour)?.get(airport)?.["mean_delay"]))),
    );
    weather.show(
      times,
      ...["wind_speed", "visibility"].map((column) => times.map((hour) => median(observed.get(hour), column))),
    );
  }

  main.append(
    h("h1", { class: "hidden" }, "Flights from New York, 2013"),
    note.element,
    h("div", { class: "cards" }, clock.figure, ...Object.values(figures).map((each) => each.element)),
    h(
      "div",
      { class: "split" },
      h(
        "section",
        { class: "card map-card" },
        h("div", { class: "map-head" }, h("h2", {}, "every dot is a row of the SQL view ", h("code", {}, "in_the_air")), clock.controls),
        map.element,
        h("div", { class: "legend" }, "departure delay: ", key("good", "under 15 min"), key("warn", "15 to 60 min"), key("bad", "over an hour"), unreported),
      ),
      h(
        "div",
        { class: "stack wide" },
        h("section", { class: "card" }, h("h2", {}, "mean departure delay in minutes, and the weather, by hour"), delays.element, weather.element),
        h("div", { class: "pair" }, alerts.element, h("section", { class: "card" }, h("h2", {}, "airlines today, mean delay in min"), airlines.element)),
      ),
    ),
  );
}

function key(colour: string, label: string): HTMLElement {
  return h("span", { class: "key" }, h("i", { style: `background: var(--${colour})` }), label);
}

function figure(text: string, tone = ""): { element: HTMLElement; title: HTMLElement; value: HTMLElement } {
  const title = h("h2", {}, text);
  const value = h("div", { class: `figure ${tone}` }, "–");
  return { element: h("section", { class: "card" }, title, value), title, value };
}

/** Rows by hour and airport. */
function byHour(rows: Iterable<Row>, time: string): Map<number, Map<string, Row>> {
  const hours = new Map<number, Map<string, Row>>();
  for (const row of rows) {
    const hour = sqlTime(String(row[time]));
    const airports = hours.get(hour) ?? new Map<string, Row>();
    airports.set(String(row["origin"]), row);
    hours.set(hour, airports);
  }
  return hours;
}

/** Over the airports: one station's broken instrument (1,048 mph on 12 February) moves a mean, but no median. */
function median(airports: Map<string, Row> | undefined, column: string): number | null {
  const values = [...(airports?.values() ?? [])].map((row) => number(row[column])).filter((each) => each !== null);
  return values.length === 0 ? null : quantile(values, 0.5);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export const flights: Page = { path: "/", title: "Flights", show };
