// What a page is: it fills an element and says how to stop.

import type { Live } from "./api";

export interface PageContext {
  readonly main: HTMLElement;
  /** The page's place at the end of the header. */
  readonly header: HTMLElement;
  /** The page's own stream of changes; opened after `show` has returned, closed when the page is left. */
  readonly live: Live;
  /** Run repeatedly while the page is shown and can be seen, and once at the start. */
  every(milliseconds: number, action: () => void | Promise<void>): void;
  /** Run when the page is left. */
  onLeave(action: () => void): void;
  /** Tell the person that something failed. */
  fail(error: unknown): void;
}

export interface Page {
  readonly path: string;
  readonly title: string;
  show(context: PageContext): void;
}
