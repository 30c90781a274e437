// The console's shell: navigation between pages, each a folder under pages/, and the state of the connection.

import "uplot/dist/uPlot.min.css";
import "./styles.css";
import { Live } from "./api";
import { fill, h, setText } from "./dom";
import type { Page, PageContext } from "./page";
import { flights } from "./pages/flights/page";
import { groups } from "./pages/groups/page";
import { jobs } from "./pages/jobs/page";
import { overview } from "./pages/overview/page";
import { topics } from "./pages/topics/page";

const PAGES: readonly Page[] = [flights, overview, topics, groups, jobs];

const links = new Map<Page, HTMLAnchorElement>();
const connection = h("span", { class: "connection", role: "status" });
const notice = h("div", { class: "notice", role: "alert", hidden: true });
const header = h(
  "header",
  {},
  h("a", { class: "brand", href: "/", "aria-label": "Riacho" }, "≋ Riacho"),
  h(
    "nav",
    { "aria-label": "Pages" },
    ...PAGES.map((page) => {
      const link = h("a", { href: page.path }, page.title);
      links.set(page, link);
      return link;
    }),
  ),
  h("div", { id: "header-slot" }),
  connection,
);
const main = h("main", { id: "main", tabindex: "-1" });

let leave: (() => void)[] = [];

function show(): void {
  for (const action of leave) action();
  leave = [];
  notice.hidden = true;
  const page = PAGES.find((each) => each.path === location.pathname) ?? (PAGES[0] as Page);
  document.title = `${page.title} · Riacho`;
  for (const [each, link] of links) {
    if (each === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(main);
  fill(document.getElementById("header-slot") as HTMLElement);
  const live = new Live((connected) => setText(connection, connected ? "" : "connection lost, trying again …"));
  leave.push(() => live.close());
  const context: PageContext = {
    main,
    live,
    every(milliseconds, action) {
      const run = () => void Promise.resolve(action()).catch(fail);
      const timer = setInterval(run, milliseconds);
      leave.push(() => clearInterval(timer));
      Promise.resolve().then(run);
    },
    onLeave: (action) => leave.push(action),
    fail,
  };
  page.show(context);
  live.open();
}

function fail(error: unknown): void {
  notice.hidden = false;
  setText(notice, error instanceof Error ? error.message : String(error));
}

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest("a");
  if (link === null || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || link.pathname.startsWith("/api")) return;
  event.preventDefault();
  if (link.pathname !== location.pathname) history.pushState(null, "", link.href);
  show();
  main.focus({ preventScroll: true });
});
addEventListener("popstate", show);

const skip = h("a", { class: "skip", href: "#main" }, "Skip to content");
(document.getElementById("app") as HTMLElement).append(skip, header, notice, main);
show();
