// From a departure's publication to its arrival here: both are read off this machine's clock.

import { duration, quantile } from "../../format";

/** Over how long the percentile is taken. */
const WINDOW_MS = 30_000;

export class Latency {
  private samples: (readonly [at: number, milliseconds: number])[] = [];
  private since = Date.now();

  /** What was published up to now says nothing of live data. */
  restart(): void {
    this.since = Date.now();
    this.samples = [];
  }

  /** Note an event that has come. */
  add(publishedMs: number): void {
    const now = Date.now();
    if (publishedMs >= this.since) this.samples.push([now, now - publishedMs]);
  }

  /** The 99th percentile. */
  text(): string {
    const oldest = Date.now() - WINDOW_MS;
    this.samples = this.samples.filter(([at]) => at >= oldest);
    return this.samples.length === 0 ? "–" : duration(quantile(this.samples.map(([, each]) => each), 0.99));
  }
}
