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

/** The contiguous states, in degrees: what the map is fitted to. Alaska, Hawaii and the islands lie beyond its edge. */
const FIT: readonly Place[] = [
  { lat: 48.9, lon: -124.6 },
  { lat: 32.5, lon: -117.2 },
  { lat: 24.6, lon: -81.5 },
  { lat: 47.2, lon: -67.5 },
  { lat: 25.9, lon: -97.2 },
  { lat: 49.0, lon: -95.2 },
];

const MARGIN = 14;
const TRAIL = 0.08;
const FRAMES_PER_S = 20;

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

export class FlightMap {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly ground = document.createElement("canvas");
  private airports: Place[] = [];
  private flights = new Map<string, Flight>();
  private width = 0;
  private height = 0;
  private toScreen: (place: Place) => Point = () => [0, 0];
  private lastFrame = 0;

  constructor(
    context: PageContext,
    private readonly now: () => number,
  ) {
    this.canvas = h("canvas", { role: "img", "aria-label": "Map of the flights in the air" });
    this.element = h("div", { class: "map" }, this.canvas);
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.element);
    let frame = requestAnimationFrame(function draw(this: FlightMap, time: number) {
      if (time - this.lastFrame >= 1000 / FRAMES_PER_S) {
        this.lastFrame = time;
        this.draw();
      }
      frame = requestAnimationFrame(draw.bind(this));
    }.bind(this));
    const scheme = matchMedia("(prefers-color-scheme: light)");
    const repaint = () => this.paintGround();
    scheme.addEventListener("change", repaint);
    context.onLeave(() => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      scheme.removeEventListener("change", repaint);
    });
  }

  showAirports(airports: Place[]): void {
    this.airports = airports;
    this.paintGround();
  }

  setFlight(key: string, flight: Flight | null): void {
    if (flight === null) this.flights.delete(key);
    else this.flights.set(key, flight);
  }

  private resize(): void {
    const width = this.element.clientWidth;
    if (width === 0 || width === this.width) return;
    this.width = width;
    this.height = Math.round(Math.min(width * 0.55, Math.max(innerHeight - 300, 240)));
    const scale = devicePixelRatio;
    for (const canvas of [this.canvas, this.ground]) {
      canvas.width = this.width * scale;
      canvas.height = this.height * scale;
      canvas.getContext("2d")?.setTransform(scale, 0, 0, scale, 0, 0);
    }
    this.canvas.style.height = `${this.height}px`;
    this.fit();
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
    const pen = this.ground.getContext("2d");
    if (pen === null) return;
    pen.clearRect(0, 0, this.width, this.height);
    pen.fillStyle = colour("dot");
    for (const airport of this.airports) {
      const [x, y] = this.toScreen(airport);
      pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5);
    }
  }

  private draw(): void {
    const pen = this.canvas.getContext("2d");
    if (pen === null || this.width === 0) return;
    pen.clearRect(0, 0, this.width, this.height);
    pen.drawImage(this.ground, 0, 0, this.width, this.height);
    const now = this.now();
    const colours = { good: colour("good"), warn: colour("warn"), bad: colour("bad") };
    pen.lineWidth = 1.4;
    for (const flight of this.flights.values()) {
      const share = progress(flight, now);
      const [x0, y0] = this.toScreen(flight.origin);
      const [x1, y1] = this.toScreen(flight.dest);
      const at = (part: number): Point => [x0 + (x1 - x0) * part, y0 + (y1 - y0) * part];
      const [x, y] = at(share);
      const [tailX, tailY] = at(Math.max(share - TRAIL, 0));
      const ink = colours[severity(flight.delay)];
      pen.strokeStyle = ink;
      pen.globalAlpha = 0.55;
      pen.beginPath();
      pen.moveTo(tailX, tailY);
      pen.lineTo(x, y);
      pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = ink;
      pen.beginPath();
      pen.arc(x, y, 2.6, 0, 2 * Math.PI);
      pen.fill();
    }
  }
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
