// The map: every airport a faint dot, every row of `in_the_air` a moving one. No tiles: the airports draw the country.

import { h } from "../../dom";
import type { PageContext } from "../../page";

export interface Place {
  lat: number;
  lon: number;
}

export interface Flight {
  origin: Place;
  dest: Place;
  /** Milliseconds of event time. */
  departed: number;
  /** Minutes. */
  delay: number;
  /** Miles. */
  distance: number;
}

type Point = [x: number, y: number];

/** Minutes on the ground and climbing that a flight takes beside its cruise. */
const OVERHEAD_MIN = 35;
const CRUISE_MILES_PER_MIN = 7.4;

/** Longer than any flight from New York takes, Honolulu's eleven hours and a detour included. */
const LONGEST_MS = 16 * 3_600_000;

/** The contiguous states, in degrees: what the map is fitted to. Alaska, Hawaii and the islands lie beyond its edge. */
const FIT: readonly Place[] = [
  { lat: 48.9, lon: -124.6 },
  { lat: 40.4, lon: -124.4 },
  { lat: 32.5, lon: -117.2 },
  { lat: 24.6, lon: -81.5 },
  { lat: 47.2, lon: -67.5 },
  { lat: 25.9, lon: -97.2 },
  { lat: 49.0, lon: -95.2 },
];

const MARGIN = 14;
/** How much of its way a flight's trail shows. */
const TRAIL = 0.08;
/** Radius of a flight, in pixels. */
const DOT = 2.6;
/** Height over width at the most: the country's own, and with a margin where the map stands beside something. */
const ASPECT = 0.64;
const ASPECT_BESIDE = 0.85;
/** The width of a map that stands beside something, at least. */
const BESIDE_WIDTH = 620;
/** The pixels that the page needs below the map's legend: the edges of its card and of the page. */
const BELOW = 36;
const MIN_HEIGHT = 200;

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Albers' equal-area conic projection with the usual parallels of the United States (Snyder, 1987, p. 98). */
function albers({ lat, lon }: Place): Point {
  const [south, north, lat0, lon0] = [radians(29.5), radians(45.5), radians(38), radians(-96)];
  const n = (Math.sin(south) + Math.sin(north)) / 2;
  const c = Math.cos(south) ** 2 + 2 * n * Math.sin(south);
  const rho = (phi: number) => Math.sqrt(c - 2 * n * Math.sin(phi)) / n;
  const theta = n * (radians(lon) - lon0);
  return [rho(radians(lat)) * Math.sin(theta), rho(radians(lat)) * Math.cos(theta) - rho(lat0)];
}

/** How much of its way a flight has gone, between 0 and 1. */
export function progress(flight: Flight, now: number): number {
  const expected = (OVERHEAD_MIN + flight.distance / CRUISE_MILES_PER_MIN) * 60_000;
  return Math.min(Math.max((now - flight.departed) / expected, 0), 0.985);
}

/** A flight and where its way begins and ends on the canvas. */
interface Track {
  flight: Flight;
  from: Point;
  to: Point;
}

export class FlightMap {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly ground = document.createElement("canvas");
  private airports: Place[] = [];
  private readonly tracks = new Map<string, Track>();
  private width = 0;
  private height = 0;
  private toScreen: (place: Place) => Point = () => [0, 0];
  private visible = false;
  private drawn = -1;

  constructor(
    context: PageContext,
    private readonly now: () => number,
  ) {
    this.canvas = h("canvas", { role: "img", "aria-label": "Map of the United States with every flight that is in the air" });
    this.element = h("div", { class: "map" }, this.canvas);
    const resize = () => this.resize();
    const observer = new ResizeObserver(resize);
    for (const each of [this.element, context.main]) observer.observe(each); // what stands around it decides the room
    addEventListener("resize", resize);
    const sight = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1)?.isIntersecting === true;
    });
    sight.observe(this.element);
    const scheme = matchMedia("(prefers-color-scheme: light)");
    const repaint = () => this.paintGround();
    scheme.addEventListener("change", repaint);
    context.onLeave(() => {
      observer.disconnect();
      sight.disconnect();
      removeEventListener("resize", resize);
      scheme.removeEventListener("change", repaint);
    });
  }

  showAirports(airports: Place[]): void {
    this.airports = airports;
    this.paintGround();
  }

  setFlight(key: string, flight: Flight | null): void {
    if (flight === null) this.tracks.delete(key);
    else this.tracks.set(key, this.track(flight));
    this.drawn = -1;
  }

  clear(): void {
    this.tracks.clear();
    this.drawn = -1;
  }

  /** How many rows are no flights any more: they left longer ago than any flight takes. */
  overdue(): number {
    const now = this.now();
    let count = 0;
    for (const { flight } of this.tracks.values()) if (now - flight.departed > LONGEST_MS) count += 1;
    return count;
  }

  private track(flight: Flight): Track {
    return { flight, from: this.toScreen(flight.origin), to: this.toScreen(flight.dest) };
  }

  private resize(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const legend = this.element.nextElementSibling?.clientHeight ?? 0;
    const room = innerHeight - (this.element.getBoundingClientRect().top + scrollY) - legend - BELOW;
    const beside = width >= BESIDE_WIDTH && width < innerWidth * 0.7;
    const height = Math.round(Math.min(width * (beside ? ASPECT_BESIDE : ASPECT), Math.max(room, MIN_HEIGHT)));
    if (width === this.width && height === this.height) return;
    [this.width, this.height] = [width, height];
    const scale = devicePixelRatio;
    for (const canvas of [this.canvas, this.ground]) {
      canvas.width = width * scale;
      canvas.height = height * scale;
      penOf(canvas).setTransform(scale, 0, 0, scale, 0, 0);
    }
    this.canvas.style.height = `${height}px`;
    this.fit();
    for (const [key, track] of this.tracks) this.tracks.set(key, this.track(track.flight));
    this.paintGround();
  }

  private fit(): void {
    const corners = FIT.map(albers);
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min(
      (this.width - 2 * MARGIN) / (right - left),
      (this.height - 2 * MARGIN) / (bottom - top),
    );
    const dx = (this.width - scale * (right - left)) / 2;
    const dy = (this.height - scale * (bottom - top)) / 2;
    this.toScreen = (place) => {
      const [x, y] = albers(place);
      return [dx + (x - left) * scale, dy + (y - top) * scale];
    };
  }

  private paintGround(): void {
    const pen = penOf(this.ground);
    pen.fillStyle = colour("card");
    pen.fillRect(0, 0, this.width, this.height);
    pen.fillStyle = colour("dot");
    for (const airport of this.airports) {
      const [x, y] = this.toScreen(airport);
      pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    }
    this.drawn = -1;
  }

  /** One picture; nothing is done while nobody sees it, or time stands still and no flight has changed. */
  draw(): void {
    const now = this.now();
    if (!this.visible || this.width === 0 || now === this.drawn) return;
    this.drawn = now;
    const pen = penOf(this.canvas);
    pen.drawImage(this.ground, 0, 0, this.width, this.height);
    const trails = { good: new Path2D(), warn: new Path2D(), bad: new Path2D() };
    const dots = { good: new Path2D(), warn: new Path2D(), bad: new Path2D() };
    for (const { flight, from, to } of this.tracks.values()) {
      if (now - flight.departed > LONGEST_MS) continue;
      const share = progress(flight, now);
      const tail = Math.max(share - TRAIL, 0);
      const [x, y] = between(from, to, share);
      const look = severity(flight.delay);
      trails[look].moveTo(...between(from, to, tail));
      trails[look].lineTo(x, y);
      dots[look].moveTo(x + DOT, y);
      dots[look].arc(x, y, DOT, 0, 2 * Math.PI);
    }
    pen.lineWidth = 1.4;
    for (const look of ["good", "warn", "bad"] as const) {
      pen.strokeStyle = pen.fillStyle = colour(look);
      pen.globalAlpha = 0.55;
      pen.stroke(trails[look]);
      pen.globalAlpha = 1;
      pen.fill(dots[look]);
    }
  }
}

/** Opaque, and in the style sheet a layer of its own: the browser need not mix each picture with what lies beneath. */
function penOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
}

function between([x0, y0]: Point, [x1, y1]: Point, share: number): Point {
  return [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
}

/** How bad a delay is, in minutes: on time, an annoyance, a missed connection. */
export function severity(delay: number): "good" | "warn" | "bad" {
  if (delay < 15) return "good";
  return delay < 60 ? "warn" : "bad";
}

let colours = new Map<string, string>();
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
  colours = new Map();
});

function colour(name: string): string {
  let value = colours.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, value);
  }
  return value;
}
