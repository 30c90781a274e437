// Jobs: their SQL, what they do right now, stop and start.

import { request, type HeldBack, type JobMetrics, type JobSummary, type OperatorMetrics } from "../../api";
import { h, setText } from "../../dom";
import { bytes, compact, count, duration, instant } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";

function show(context: PageContext): void {
  let chosen: string | null = new URLSearchParams(location.search).get("job");
  const table = new Table<JobSummary>(
    "Jobs",
    [
      { title: "job", cell: (job) => job.name },
      { title: "action", cell: (job) => switchOf(job) },
      { title: "phase", cell: (job) => job.phase },
      { title: "rows in/s", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.rows_in_per_s)) },
      { title: "rows out/s", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.rows_out_per_s)) },
      { title: "rows a batch", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.batch_rows)) },
      { title: "watermark, UTC", wide: true, cell: (job) => metric(job, (metrics) => instant(metrics.watermark) || "–") },
      { title: "state", numeric: true, cell: (job) => metric(job, (metrics) => bytes(metrics.state_bytes)) },
      { title: "late", numeric: true, cell: (job) => metric(job, (metrics) => count(metrics.late_rows)) },
      { title: "lag", numeric: true, cell: (job) => metric(job, (metrics) => (metrics.lag === null ? "–" : count(metrics.lag))) },
      { title: "latency, p99", numeric: true, cell: (job) => metric(job, (metrics) => (metrics.latency_p99_ms === null ? "–" : duration(metrics.latency_p99_ms))) },
    ],
    {
      empty: "no job was submitted yet: riacho job submit FILE.sql",
      stacked: true,
      onPick: (job) => {
        chosen = job.name;
        history.replaceState(null, "", `?job=${encodeURIComponent(job.name)}`);
        void refresh().catch(context.fail);
      },
    },
  );
  const details = new Details();
  const buttons = new Map<string, HTMLButtonElement>();

  function switchOf(job: JobSummary): HTMLElement {
    const button = buttons.get(job.name) ?? h("button", { type: "button" });
    buttons.set(job.name, button);
    const ended = job.phase === "failed" || job.phase === "finished";
    const action = job.wanted === "running" && !ended ? "stop" : "start";
    setText(button, action === "stop" ? "Stop" : "Start");
    button.setAttribute("aria-label", `${action} ${job.name}`);
    button.onclick = () =>
      void request(`/api/jobs/${encodeURIComponent(job.name)}/${action}`, {}).then(refresh).catch(context.fail);
    return button;
  }

  const refresh = async (): Promise<void> => {
    const answer = await request<{ jobs: JobSummary[] }>("/api/jobs");
    table.show(answer.jobs.map((job) => [job.name, job] as const));
    chosen ??= answer.jobs[0]?.name ?? null;
    table.pick(chosen);
    details.show(answer.jobs.find((each) => each.name === chosen));
  };
  context.every(1000, refresh);
  context.main.append(
    h("h1", {}, "Jobs"),
    h("div", { class: "stack" }, h("section", { class: "card" }, table.element), details.element),
  );
}

function metric(job: JobSummary, text: (metrics: JobMetrics) => string): string {
  return job.metrics === null ? "–" : text(job.metrics);
}

/** An operator's figure; nothing where an earlier line of the tree has it. */
function known(value: number | null, text: (value: number) => string): string {
  return value === null ? "" : text(value);
}

/** An operator's place in the tree, from which no line breaks its name away. */
function attached(margin: string): string {
  return margin.replaceAll(" ", "\u00a0");
}

/** Which partition a watermark waits for, as `riacho job show` says it. */
function waiting({ table, split, watermark }: HeldBack): string {
  const far = watermark === null ? "no row has come yet" : `its own is ${instant(watermark)} UTC`;
  return `the watermark of ${table} waits for ${split}: ${far}`;
}

/** A job's error, operators and SQL. Rebuilt only where something else is to be shown: a selection stays. */
class Details {
  readonly element = h("section", { class: "card", hidden: true });
  private readonly title = h("h2");
  private readonly error = h("pre", { class: "bad", tabindex: "0", hidden: true, "aria-label": "Error" });
  private readonly heldBack = h("p", { class: "muted" });
  private readonly sql = h("pre", { class: "sql", tabindex: "0", role: "region", "aria-label": "SQL" });
  private readonly operators = new Table<OperatorMetrics>(
    "Operators",
    [
      { title: "operator, above those that it reads", short: true, code: true, cell: (each) => attached(each.margin) + each.name },
      { title: "rows in", numeric: true, cell: (each) => known(each.rows_in, count) },
      { title: "rows out", numeric: true, cell: (each) => known(each.rows_out, count) },
      { title: "late", numeric: true, cell: (each) => known(each.late_rows, count) },
      { title: "state", numeric: true, cell: (each) => known(each.state_bytes, bytes) },
      { title: "watermark, UTC", wide: true, cell: (each) => instant(each.watermark) },
    ],
    { empty: "nothing was measured yet", stacked: true },
  );

  constructor() {
    this.element.append(this.title, this.error, this.operators.element, this.heldBack, this.sql);
  }

  show(job: JobSummary | undefined): void {
    this.element.hidden = job === undefined;
    if (job === undefined) return;
    setText(this.title, job.name);
    this.error.hidden = job.error === null;
    setText(this.error, job.error ?? "");
    setText(this.sql, job.sql);
    const held = job.metrics?.held_back_by ?? [];
    const idle = job.metrics?.idle_tables ?? [];
    this.heldBack.hidden = held.length + idle.length === 0;
    setText(this.heldBack, [...held.map(waiting), ...idle.map((table) => `${table} is idle`)].join("; "));
    this.operators.show((job.metrics?.operators ?? []).map((each, index) => [String(index), each] as const));
  }
}

export const jobs: Page = { path: "/jobs", title: "Jobs", show };
