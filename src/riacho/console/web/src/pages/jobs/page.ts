// Jobs: their SQL, what they do right now, stop and start.

import { request, type JobMetrics, type JobSummary } from "../../api";
import { fill, h, setText } from "../../dom";
import { bytes, compact, count } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";

function show(context: PageContext): void {
  let chosen: string | null = new URLSearchParams(location.search).get("job");
  const table = new Table<JobSummary>(
    "Jobs",
    [
      { title: "job", cell: (job) => job.name },
      { title: "phase", cell: (job) => (job.error === null ? job.phase : `${job.phase}: ${job.error.split("\n")[0]}`) },
      { title: "rows in/s", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.rows_in_per_s)) },
      { title: "rows out/s", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.rows_out_per_s)) },
      { title: "rows a batch", numeric: true, cell: (job) => metric(job, (metrics) => compact(metrics.batch_rows)) },
      { title: "watermark", cell: (job) => metric(job, (metrics) => instant(metrics.watermark)) },
      { title: "state", numeric: true, cell: (job) => metric(job, (metrics) => bytes(metrics.state_bytes)) },
      { title: "late", numeric: true, cell: (job) => metric(job, (metrics) => count(metrics.late_rows)) },
      { title: "lag", numeric: true, cell: (job) => metric(job, (metrics) => (metrics.lag === null ? "" : count(metrics.lag))) },
      { title: "", cell: (job) => switchOf(job) },
    ],
    "no job was submitted yet: riacho job submit FILE.sql",
    (job) => {
      chosen = job.name;
      history.replaceState(null, "", `?job=${encodeURIComponent(job.name)}`);
      void refresh().catch(context.fail);
    },
  );
  const details = h("section", { class: "card", hidden: true });
  const buttons = new Map<string, HTMLButtonElement>();

  function switchOf(job: JobSummary): HTMLElement {
    const button = buttons.get(job.name) ?? h("button", { type: "button" });
    buttons.set(job.name, button);
    const action = job.wanted === "running" ? "stop" : "start";
    setText(button, action === "stop" ? "Stop" : "Start");
    button.setAttribute("aria-label", `${action} ${job.name}`);
    button.onclick = () =>
      void request(`/api/jobs/${encodeURIComponent(job.name)}/${action}`, {}).then(refresh).catch(context.fail);
    return button;
  }

  const refresh = async (): Promise<void> => {
    const answer = await request<{ jobs: JobSummary[] }>("/api/jobs");
    table.show(answer.jobs.map((job) => [job.name, job] as const));
    const job = answer.jobs.find((each) => each.name === chosen);
    details.hidden = job === undefined;
    if (job !== undefined) showDetails(details, job);
  };
  context.every(1000, refresh);
  context.main.append(
    h("h1", {}, "Jobs"),
    h("div", { class: "stack" }, h("section", { class: "card" }, table.element), details),
  );
}

function metric(job: JobSummary, text: (metrics: JobMetrics) => string): string {
  return job.metrics === null ? "" : text(job.metrics);
}

function instant(milliseconds: number | null): string {
  return milliseconds === null ? "" : new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}

function showDetails(details: HTMLElement, job: JobSummary): void {
  if (details.dataset["shown"] === JSON.stringify([job.name, job.sql, job.error, job.metrics])) return;
  details.dataset["shown"] = JSON.stringify([job.name, job.sql, job.error, job.metrics]);
  const operators = new Table<JobMetrics["operators"][number]>("Operators", [
    { title: "operator", cell: (each) => each.name },
    { title: "rows in", numeric: true, cell: (each) => count(each.rows_in) },
    { title: "rows out", numeric: true, cell: (each) => count(each.rows_out) },
    { title: "late", numeric: true, cell: (each) => count(each.late_rows) },
    { title: "state", numeric: true, cell: (each) => bytes(each.state_bytes) },
    { title: "watermark", cell: (each) => instant(each.watermark) },
  ]);
  operators.show((job.metrics?.operators ?? []).map((each, index) => [String(index), each] as const));
  fill(
    details,
    h("h2", {}, job.name),
    job.error === null ? null : h("pre", { class: "bad", tabindex: "0" }, job.error),
    operators.element,
    h("pre", { tabindex: "0", "aria-label": "SQL" }, job.sql),
  );
}

export const jobs: Page = { path: "/jobs", title: "Jobs", show };
