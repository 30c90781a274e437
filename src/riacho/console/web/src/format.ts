// Numbers and times as people read them.

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const ONE_DECIMAL = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** The zone of the person who looks. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The furthest moment that JavaScript knows, ECMA-262 section 21.4.1.1. */
const MAX_DATE_MS = 8.64e15;

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return GROUPED.format(value);
}

/** As many digits as are looked at: 1234567 → "1.23M", 241.1 → "241", 3.14 → "3.1". */
export function compact(value: number): string {
  return (Math.abs(value) < 100 ? ONE_DECIMAL : COMPACT).format(value);
}

/** Bytes with a binary unit: 1536 → "1.5 KiB". */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds: 18.4 → "18 ms", 2500 → "2.5 s". */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** A SQL timestamp in UTC ("2013-02-08 14:01:00") as milliseconds since the epoch. */
export function sqlTime(text: string): number {
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

/** Milliseconds as a SQL timestamp in UTC, with milliseconds where there are some. */
export function toSqlTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("T", " ").replace(/(\.000)?Z$/, "");
}

/** A moment in UTC as far as people need it: "2013-02-08 14:01:00"; empty where there is none. */
export function instant(milliseconds: number | null, precision: "seconds" | "milliseconds" = "seconds"): string {
  if (milliseconds === null || Math.abs(milliseconds) > MAX_DATE_MS) return "";
  return new Date(milliseconds).toISOString().replace("T", " ").slice(0, precision === "seconds" ? 19 : 23);
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** A formatter is dear to make: one for each zone and way, told apart by what is written, not how long. */
export function formatter(locale: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${zone} ${Object.keys(options).join()}`;
  let known = FORMATS.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    FORMATS.set(key, known);
  }
  return known;
}

/** A moment on the clocks of a zone: "Fri, 8 Feb 2013 09:01". */
export function zoned(milliseconds: number, zone: string): string {
  const date = formatter("en-GB", zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  return `${date.format(milliseconds)} ${zonedTime(milliseconds, zone)}`;
}

/** The time of day in a zone: "09:01". */
export function zonedTime(milliseconds: number, zone: string): string {
  return formatter("en-GB", zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(milliseconds);
}

/** The day of a moment in a zone: "8 Feb". */
export function zonedDay(milliseconds: number, zone: string): string {
  return formatter("en-GB", zone, { day: "numeric", month: "short" }).format(milliseconds);
}

/** The date of a moment in a zone, as "2013-02-08". */
export function zonedDate(milliseconds: number, zone: string): string {
  return formatter("sv-SE", zone, { year: "numeric", month: "2-digit", day: "2-digit" }).format(milliseconds);
}

/** The value below which a share of the numbers lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}
