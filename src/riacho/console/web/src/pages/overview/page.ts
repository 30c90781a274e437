// Overview: how much flows, how fast, at what cost, and what went wrong.

import type { Overview } from "../../api";
import { fill, h, setText } from "../../dom";
import { compact, count, duration } from "../../format";
import type { Page, PageContext } from "../../page";

const FIGURES: readonly (readonly [title: string, value: (overview: Overview) => string])[] = [
  ["events in, per second", (overview) => compact(overview.events_in_per_s)],
  ["events out, per second", (overview) => compact(overview.events_out_per_s)],
  ["latency, p50", (overview) => optional(overview.latency_p50_ms, duration)],
  ["latency, p99", (overview) => optional(overview.latency_p99_ms, duration)],
  ["CPU seconds per million events", (overview) => optional(overview.cpu_s_per_million_events, (value) => value.toFixed(2))],
  ["late rows", (overview) => count(overview.late_rows)],
  ["dead letters", (overview) => count(overview.dead_letters)],
];

function optional(value: number | null, text: (value: number) => string): string {
  return value === null ? "–" : text(value);
}

function show(context: PageContext): void {
  const values = FIGURES.map(() => h("div", { class: "figure" }, "–"));
  const parts = h("p", { class: "muted" });
  const jobs = h("p");
  context.live.onOverview((overview) => {
    FIGURES.forEach(([, text], index) => setText(values[index] as HTMLElement, text(overview)));
    setText(parts, `Kafka at ${overview.kafka} · ${overview.topics} topics · ${overview.groups} groups`);
    fill(
      jobs,
      ...overview.jobs.map((job) =>
        h("span", { class: `badge ${job.phase === "running" ? "good" : job.phase === "failed" ? "bad" : ""}` }, `${job.name}: ${job.phase}`),
      ),
    );
  });
  context.main.append(
    h("h1", {}, "Overview"),
    h("div", { class: "cards" }, ...FIGURES.map(([title], index) => h("section", { class: "card" }, h("h2", {}, title), values[index]))),
    h("section", { class: "card" }, h("h2", {}, "jobs"), jobs, parts),
  );
}

export const overview: Page = { path: "/overview", title: "Overview", show };
