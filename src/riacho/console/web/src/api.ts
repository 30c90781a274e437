// The public HTTP API: requests, and the stream of changes. The console uses nothing else.

const RETRY_MS = 1000;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Row = { [column: string]: Json };

/** What a request answered when it was refused. */
export class ApiError extends Error {}

/** A GET, or with a body a POST; throws `ApiError` with the server's own words. */
export async function request<T>(path: string, body?: Json, method?: string): Promise<T> {
  const init: RequestInit = { method: method ?? (body === undefined ? "GET" : "POST") };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const response = await fetch(path, init).catch(() => {
    throw new ApiError("the console does not answer");
  });
  const text = await response.text();
  const answer = text === "" ? null : JSON.parse(text);
  if (!response.ok) throw new ApiError(answer?.error ?? `${response.status} ${response.statusText}`);
  return answer as T;
}

/** One line of the tree of a running job's operators. Its figures are null where an earlier line has them. */
export interface OperatorMetrics {
  /** The branches that lead to it. */
  margin: string;
  /** As EXPLAIN says it. */
  name: string;
  rows_in: number | null;
  rows_out: number | null;
  late_rows: number | null;
  state_bytes: number | null;
  watermark: number | null;
}

/** A partition that a table's watermark waits for, and how far its own is. */
export interface HeldBack {
  table: string;
  split: string;
  watermark: number | null;
}

/** What a job's worker measured last. Rates are per second. */
export interface JobMetrics {
  rows_in_per_s: number;
  rows_out_per_s: number;
  batch_rows: number;
  latency_p50_ms: number | null;
  latency_p99_ms: number | null;
  cpu_s_per_million_rows: number | null;
  state_bytes: number;
  watermark: number | null;
  held_back_by?: HeldBack[];
  idle_tables?: string[];
  late_rows: number;
  dead_letters: number;
  skipped: number;
  lag: number | null;
  operators: OperatorMetrics[];
}

export interface JobSummary {
  name: string;
  phase: string;
  wanted: string;
  since_ms: number;
  restarts: number;
  error: string | null;
  sql: string;
  metrics: JobMetrics | null;
}

export interface Overview {
  kafka: string;
  /** Whether the cluster answered when it was last asked. */
  answers: boolean;
  topics: number;
  groups: number;
  jobs: { name: string; phase: string }[];
  events_in_per_s: number;
  events_out_per_s: number;
  batch_rows: number | null;
  latency_p50_ms: number | null;
  latency_p99_ms: number | null;
  cpu_s_per_million_events: number | null;
  dead_letters: number;
  late_rows: number;
}

export interface TopicSummary {
  name: string;
  partitions: number;
  records: number;
  records_per_s: number;
  compacted: boolean;
  internal: boolean;
}

export interface Message {
  partition: number;
  offset: number;
  timestamp_ms: number;
  key: string | null;
  value: string | null;
  headers: [string, string | null][];
}

export interface GroupSummary {
  name: string;
  state: string;
  protocol: string;
  members: number;
  lag: number;
  topics: { topic: string; lag: number }[];
}

/** What changed: a row, or null where it is gone. */
export type Changed = ReadonlyMap<string, Row | null>;

/** How it came: `reset`, whatever was known before is gone; `picture`, the rows may be old. */
export interface Manner {
  reset: boolean;
  picture: boolean;
}

type ViewListener = (changed: Changed, manner: Manner) => void;

/** The latest rows of a compacted topic, kept up to date by `Live`. Keys are the texts of the records' keys. */
export class View {
  readonly rows = new Map<string, Row>();
  private readonly listeners: ViewListener[] = [];
  /** Whether all rows have come, or it is known that there is no such topic. */
  loaded = false;
  exists = false;
  private partial = false;

  constructor(
    readonly name: string,
    readonly newest: number | null,
  ) {}

  onChange(listener: ViewListener): this {
    this.listeners.push(listener);
    return this;
  }

  apply(change: Change): void {
    if (change.reset) this.rows.clear();
    const changed = new Map<string, Row | null>();
    for (const [key, value] of change.set) {
      const row = parseRow(value);
      this.rows.set(key, row);
      changed.set(key, row);
    }
    for (const key of change.del) {
      this.rows.delete(key);
      changed.set(key, null);
    }
    if (this.newest !== null) {
      for (const oldest of this.rows.keys()) {
        if (this.rows.size <= this.newest) break;
        this.rows.delete(oldest);
        changed.set(oldest, null);
      }
    }
    this.exists = change.exists;
    this.loaded ||= !change.more;
    const picture = change.reset || this.partial;
    this.partial = change.more;
    for (const listener of this.listeners) listener(changed, { reset: change.reset, picture });
  }
}

interface Change {
  view: string;
  /** Whether there is such a topic. */
  exists: boolean;
  /** Whether more messages of the same picture follow. */
  more: boolean;
  /** Whether what was known before is to be forgotten. */
  reset: boolean;
  set: [key: string, value: string][];
  del: string[];
}

/** A record's value: an object is a row, anything else a row of one column. */
function parseRow(value: string): Row {
  try {
    const parsed: Json = JSON.parse(value);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
    return { value: parsed };
  } catch {
    return { value };
  }
}

/** One connection for everything that a page watches. The browser reconnects by itself; views then start anew. */
export class Live {
  private readonly views = new Map<string, View>();
  private source: EventSource | null = null;
  private retry = 0;
  private overviewListeners: ((overview: Overview) => void)[] = [];
  /** Milliseconds between two messages at least, where a page is not drawn more often; set before it is opened. */
  every = 0;

  constructor(private readonly onConnection: (connected: boolean) => void) {}

  /** Watch a view: all of its rows, or its newest few. One that is watched already is the same. */
  view(name: string, newest: number | null = null): View {
    const view = this.views.get(name) ?? new View(name, newest);
    this.views.set(name, view);
    return view;
  }

  onOverview(listener: (overview: Overview) => void): void {
    this.overviewListeners.push(listener);
  }

  open(): void {
    document.addEventListener("visibilitychange", this.onVisibility);
    this.onVisibility();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.disconnect();
  }

  /** A browser opens six connections to a server at most: a page that nobody sees must not hold one. */
  private readonly onVisibility = (): void => {
    if (document.hidden) this.disconnect();
    else this.connect();
  };

  private connect(): void {
    const parameters = new URLSearchParams();
    for (const view of this.views.values()) {
      parameters.append("view", view.newest === null ? view.name : `${view.name}~${view.newest}`);
    }
    if (this.overviewListeners.length > 0) parameters.append("overview", "1");
    this.disconnect();
    if (parameters.size === 0) return;
    if (this.every > 0) parameters.append("every", String(this.every));
    const source = new EventSource(`/api/events?${parameters}`);
    this.source = source;
    source.addEventListener("open", () => this.onConnection(true));
    source.addEventListener("error", () => {
      this.onConnection(false);
      // The browser connects again by itself, unless the server answered with an error.
      if (source.readyState === EventSource.CLOSED && this.source === source) {
        this.retry = window.setTimeout(() => this.connect(), RETRY_MS);
      }
    });
    source.addEventListener("view", (event) => {
      const change: Change = JSON.parse((event as MessageEvent<string>).data);
      this.views.get(change.view)?.apply(change);
    });
    source.addEventListener("overview", (event) => {
      const overview: Overview = JSON.parse((event as MessageEvent<string>).data);
      for (const listener of this.overviewListeners) listener(overview);
    });
  }

  private disconnect(): void {
    window.clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }
}
