// The replay's event time: what the replayer last said, carried on by the browser's own clock in between.

import { request } from "../../api";
import type { Row } from "../../api";
import { h, setText } from "../../dom";
import { sqlTime, zoned, zonedDate } from "../../format";
import type { PageContext } from "../../page";

export const NEW_YORK = "America/New_York";

/** The part of a day that is played, in milliseconds; the night is skipped. */
const DAY_PLAYED_MS = 19 * 3_600_000;

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
  received: number;
}

export class ReplayClock {
  readonly header: HTMLElement;
  private state: State | null = null;
  private readonly time = h("span", { class: "event-time" }, "waiting for the flights …");
  private readonly pause = h("button", { type: "button" }, "Pause");
  private readonly speed = h("select", { "aria-label": "Speed" });
  private readonly day = h("input", { type: "date", min: "2013-01-02", max: "2013-12-31", "aria-label": "Jump to day" });

  constructor(context: PageContext) {
    for (const [seconds, label] of SPEEDS) this.speed.append(h("option", { value: seconds }, label));
    this.pause.onclick = () => this.send({ paused: !(this.state?.paused ?? false) }, context);
    this.speed.onchange = () => this.send({ seconds_per_day: Number(this.speed.value) }, context);
    this.day.onchange = () => this.day.value !== "" && this.send({ jump_to: this.day.value }, context);
    this.header = h("div", { class: "controls" }, this.time, this.pause, this.speed, this.day);
  }

  apply(row: Row): void {
    this.state = {
      position: sqlTime(String(row["event_time"])),
      secondsPerDay: Number(row["seconds_per_day"]),
      paused: row["paused"] === true,
      hurrying: row["hurrying"] === true,
      ended: row["ended"] === true,
      received: performance.now(),
    };
    setText(this.pause, this.state.paused ? "Resume" : "Pause");
    if (document.activeElement !== this.speed) this.speed.value = String(this.state.secondsPerDay);
  }

  /** Event time in milliseconds; 0 before the replayer has spoken. */
  now(): number {
    const state = this.state;
    if (state === null) return 0;
    if (state.paused || state.hurrying || state.ended || state.secondsPerDay === 0) return state.position;
    const elapsed = Math.min(performance.now() - state.received, 1500);
    return state.position + (elapsed / 1000 / state.secondsPerDay) * DAY_PLAYED_MS;
  }

  /** New York's date, as the flights' `day`. */
  today(): string {
    return zonedDate(this.now(), NEW_YORK);
  }

  tick(): void {
    const state = this.state;
    if (state === null) return;
    const suffix = state.ended
      ? "the year has ended"
      : state.paused
        ? "paused"
        : state.hurrying
          ? "catching up"
          : (SPEEDS.find(([seconds]) => seconds === state.secondsPerDay)?.[1] ?? `a day every ${state.secondsPerDay} s`);
    setText(this.time, `${zoned(this.now(), NEW_YORK)} New York · ${suffix}`);
  }

  private send(command: { [name: string]: boolean | number | string }, context: PageContext): void {
    request("/api/topics/flights.replay/messages", { value: command }).catch(context.fail);
  }
}
