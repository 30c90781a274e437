// A modal dialog: Escape, its button and a click beside it close it; the focus goes back to where it was.

import { h, type Child } from "./dom";
import type { PageContext } from "./page";

export interface Dialog {
  /** Its title, which may change. */
  readonly heading: HTMLElement;
  close(): void;
}

export function openDialog(context: PageContext, title: string, ...content: Child[]): Dialog {
  const heading = h("h1", { id: "dialog-title" }, title);
  const close = h("button", { type: "button" }, "Close");
  const dialog = h("dialog", { "aria-labelledby": heading.id }, h("div", { class: "dialog-head" }, heading, close), ...content);
  close.onclick = () => dialog.close();
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.addEventListener("close", () => dialog.remove());
  context.onLeave(() => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { heading, close: () => dialog.close() };
}
