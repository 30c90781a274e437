// The replay's event time: what the replayer last said, carried on by the browser's own clock in between.

import { request, type Row } from "../../api";
import { h, setText } from "../../dom";
import { sqlTime, zoned, zonedDate } from "../../format";
import type { PageContext } from "../../page";

export const NEW_YORK = "America/New_York";

/** The part of a day that is played, in milliseconds; the night is skipped. */
const DAY_PLAYED_MS = 19 * 3_600_000;

/** How long the browser carries the time on by itself. */
const CARRIED_ON_MS = 1_500;

/** The replayer speaks four times a second; after so long a silence it is not there, or the cluster is away. */
const SILENT_MS = 2_500;

const SPEEDS: readonly (readonly [seconds: number, label: string])[] = [
  [120, "a day every 2 min"],
  [60, "a day every minute"],
  [20, "a day every 20 s"],
  [5, "a day every 5 s"],
  [0, "as fast as possible"],
];

interface State {
  position: number;
  secondsPerDay: number;
  paused: boolean;
  hurrying: boolean;
  ended: boolean;
  eventsPerSecond: number;
  received: number;
}

export class ReplayClock {
  /** The time, as one of the page's figures. */
  readonly figure: HTMLElement;
  /** Pause, speed and the day to jump to. */
  readonly controls: HTMLElement;
  private state: State | null = null;
  private dayChosen = false;
  private readonly time = h("div", { class: "figure" }, "–");
  private readonly status = h("span", {}, "waiting for the flights …");
  private readonly refusal = h("p", { class: "bad refusal", role: "alert", hidden: true });
  private readonly pause = h("button", { type: "button" }, "Pause");
  private readonly speed = h("select", { "aria-label": "Speed" });
  private readonly jump = h("button", { type: "submit" }, "Jump");
  private readonly day = h("input", { type: "date", min: "2013-01-02", max: "2013-12-31", "aria-label": "Day to jump to", required: true });

  constructor(private readonly context: PageContext) {
    for (const [seconds, label] of SPEEDS) this.speed.append(h("option", { value: seconds }, label));
    this.pause.onclick = () => this.send({ paused: !(this.state?.paused ?? false) });
    this.speed.onchange = () => this.send({ seconds_per_day: Number(this.speed.value) });
    this.day.oninput = () => {
      this.dayChosen = true;
    };
    const form = h("form", { class: "jump" }, this.day, this.jump);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.send({ jump_to: this.day.value });
      this.dayChosen = false;
    };
    this.figure = h("section", { class: "card clock" }, h("h2", {}, "event time in New York · ", this.status), this.time);
    this.controls = h("div", { class: "controls" }, this.pause, this.speed, form, this.refusal);
  }

  apply(row: Row): void {
    this.state = {
      position: sqlTime(String(row["event_time"])),
      secondsPerDay: Number(row["seconds_per_day"]),
      paused: row["paused"] === true,
      hurrying: row["hurrying"] === true,
      ended: row["ended"] === true,
      eventsPerSecond: Number(row["events_per_s"]),
      received: performance.now(),
    };
    setText(this.pause, this.state.paused ? "Resume" : "Pause");
    this.showSpeed(this.state.secondsPerDay);
    for (const control of [this.pause, this.speed, this.day, this.jump]) control.disabled = this.state.ended;
    const tomorrow = zonedDate(this.state.position + 24 * 3_600_000, NEW_YORK);
    if (!this.dayChosen && !this.state.ended && this.day.value !== tomorrow) this.day.value = tomorrow;
    const error = row["error"];
    this.refusal.hidden = typeof error !== "string";
    if (typeof error === "string") setText(this.refusal, error);
  }

  /** Event time in milliseconds; 0 before the replayer has spoken. */
  now(): number {
    const state = this.state;
    if (state === null) return 0;
    if (state.paused || state.hurrying || state.ended || state.secondsPerDay === 0) return state.position;
    const elapsed = Math.min(performance.now() - state.received, CARRIED_ON_MS);
    return state.position + (elapsed / 1000 / state.secondsPerDay) * DAY_PLAYED_MS;
  }

  /** New York's date, as the flights' `day`. */
  today(): string {
    return zonedDate(this.now(), NEW_YORK);
  }

  /** How many events the replayer publishes per second. */
  get eventsPerSecond(): number {
    return this.state?.eventsPerSecond ?? 0;
  }

  /** Whether the replayer publishes as fast as it can: then delays say nothing of live data. */
  get hurrying(): boolean {
    return this.state?.hurrying ?? true;
  }

  get ended(): boolean {
    return this.state?.ended ?? false;
  }

  tick(): void {
    const state = this.state;
    if (state === null) return;
    setText(this.time, zoned(this.now(), NEW_YORK));
    setText(this.status, statusOf(state));
  }

  private showSpeed(seconds: number): void {
    if (document.activeElement === this.speed) return;
    const value = String(seconds);
    if (![...this.speed.options].some((option) => option.value === value)) {
      this.speed.prepend(h("option", { value }, `a day every ${seconds} s`)); // as --speed said
    }
    if (this.speed.value !== value) this.speed.value = value;
  }

  private send(command: { [name: string]: boolean | number | string }): void {
    request("/api/topics/flights.replay/messages", { value: command }).catch(this.context.fail);
  }
}

function statusOf(state: State): string {
  if (state.ended) return "the year has ended";
  if (performance.now() - state.received > SILENT_MS) return "the replay is silent";
  if (state.paused) return "paused";
  return state.hurrying ? "catching up" : "live";
}
