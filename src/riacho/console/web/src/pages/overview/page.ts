// Overview: how much flows, how fast, at what cost, and what went wrong.

import type { Overview } from "../../api";
import { Chart } from "../../chart";
import { fill, h, setText } from "../../dom";
import { compact, count, duration, HERE } from "../../format";
import type { Page, PageContext } from "../../page";

const FIGURES: readonly (readonly [title: string, value: (overview: Overview) => string])[] = [
  ["events in/s", (overview) => compact(overview.events_in_per_s)],
  ["events out/s", (overview) => compact(overview.events_out_per_s)],
  ["rows a batch", (overview) => optional(overview.batch_rows, compact)],
  ["latency, p50", (overview) => optional(overview.latency_p50_ms, duration)],
  ["latency, p99", (overview) => optional(overview.latency_p99_ms, duration)],
  ["CPU-s per M events", (overview) => optional(overview.cpu_s_per_million_events, (value) => value < 10 ? value.toFixed(2) : count(value))],
  ["late rows", (overview) => count(overview.late_rows)],
  ["dead letters", (overview) => count(overview.dead_letters)],
];

/** Seconds that the charts show: the overview comes once a second. */
const SHOWN = 120;

function optional(value: number | null, text: (value: number) => string): string {
  return value === null ? "–" : text(value);
}

function show(context: PageContext): void {
  const values = FIGURES.map(() => h("div", { class: "figure" }, "–"));
  const parts = h("p", { class: "muted" }, "connecting …");
  const jobs = h("ul", { class: "phases" });
  const rates = new Chart(context, {
    title: "Events per second over the last two minutes",
    lines: [
      { label: "in", colour: "first" },
      { label: "out", colour: "second" },
    ],
    height: 170,
    zone: HERE,
    window: SHOWN,
    fromZero: true,
  });
  const latencies = new Chart(context, {
    title: "Latency in milliseconds over the last two minutes",
    lines: [
      { label: "p50", colour: "first" },
      { label: "p99", colour: "third" },
    ],
    height: 170,
    zone: HERE,
    window: SHOWN,
    fromZero: true,
  });
  const seen: (readonly [at: number, overview: Overview])[] = [];
  context.live.onOverview((overview) => {
    seen.push([Date.now(), overview]);
    seen.splice(0, seen.length - SHOWN);
    const times = seen.map(([at]) => at);
    const line = (value: (overview: Overview) => number | null) => seen.map(([, each]) => value(each));
    rates.show(times, line((each) => each.events_in_per_s), line((each) => each.events_out_per_s));
    latencies.show(times, line((each) => each.latency_p50_ms), line((each) => each.latency_p99_ms));
    FIGURES.forEach(([, text], index) => setText(values[index] as HTMLElement, text(overview)));
    setText(parts, cluster(overview));
    parts.className = overview.answers ? "muted" : "bad";
    fill(
      jobs,
      ...overview.jobs.map((job) =>
        h("li", {}, h("a", { href: `/jobs?job=${encodeURIComponent(job.name)}` }, job.name), " ", h("span", { class: phaseTone(job.phase) }, job.phase)),
      ),
      overview.jobs.length === 0 && h("li", { class: "muted" }, "no job was submitted yet: riacho job submit FILE.sql"),
    );
  });
  context.main.append(
    h("h1", {}, "Overview"),
    h("div", { class: "cards even" }, ...FIGURES.map(([title], index) => h("section", { class: "card" }, h("h2", {}, title), values[index]))),
    h(
      "div",
      { class: "halves" },
      h("section", { class: "card" }, h("h2", {}, "events per second"), rates.element),
      h("section", { class: "card" }, h("h2", {}, "from a row's arrival to its written result, ms"), latencies.element),
    ),
    h("section", { class: "card" }, h("h2", {}, "jobs"), jobs, parts),
  );
}

function cluster({ kafka, answers, topics, groups }: Overview): string {
  if (!answers) return `Kafka at ${kafka} does not answer: the numbers stand still until it does.`;
  return topics === 0 ? `Kafka at ${kafka} · no topics yet` : `Kafka at ${kafka} · ${topics} topics · ${groups} groups`;
}

function phaseTone(phase: string): string {
  return phase === "running" ? "good" : phase === "failed" || phase === "restarting" ? "bad" : "muted";
}

export const overview: Page = { path: "/overview", title: "Overview", show };
