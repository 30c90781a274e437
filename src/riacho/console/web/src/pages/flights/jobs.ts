// Why a part of the page stands still or is empty: the cluster is away, or a job of the demo does not run.

import type { Overview } from "../../api";
import { fill, h } from "../../dom";

const PREFIX = "flights-";
const ENDED = "The year has ended. Another directory plays it again: riacho demo --dir NEW.";

export class JobsNote {
  readonly element = h("p", { class: "note", role: "status", hidden: true });
  private phases = new Map<string, string>();
  private said = "";

  isRunning(job: string): boolean {
    return this.phases.get(job) === "running";
  }

  show(overview: Overview, ended: boolean): void {
    const mine = overview.jobs.filter((job) => job.name.startsWith(PREFIX));
    this.phases = new Map(mine.map((job) => [job.name, job.phase]));
    const trouble = reason(overview.kafka, overview.answers, mine);
    this.say(trouble === "" && ended ? ENDED : trouble);
  }

  private say(text: string): void {
    if (text === this.said) return;
    this.said = text;
    this.element.hidden = text === "";
    fill(this.element, text, " ", h("a", { href: "/jobs" }, "Jobs"));
  }
}

function reason(kafka: string, answers: boolean, jobs: Overview["jobs"]): string {
  if (!answers) return `Kafka at ${kafka} does not answer: the numbers stand still until it does.`;
  if (jobs.length === 0) return "The jobs are on their way.";
  const begins = (phase: string) => phase === "submitted" || phase === "starting";
  const starting = named(jobs, begins);
  const idle = [...new Set(jobs.map((job) => job.phase))].filter((phase) => phase !== "running" && !begins(phase));
  return [
    starting === "" ? "" : `Starting: ${starting}. What is computed there follows.`,
    ...idle.map((phase) => `${named(jobs, (each) => each === phase)} ${phase}: what is computed there stands still.`),
  ]
    .filter((text) => text !== "")
    .join(" ");
}

function named(jobs: Overview["jobs"], wanted: (phase: string) => boolean): string {
  return jobs.filter((job) => wanted(job.phase)).map((job) => job.name.slice(PREFIX.length)).join(", ");
}
