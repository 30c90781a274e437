// The console's shell: navigation between pages, each a folder under pages/, and the state of the connection.

import "uplot/dist/uPlot.min.css";
import "./styles.css";
import { Live, request, type TopicSummary } from "./api";
import { fill, h, setText } from "./dom";
import type { Page } from "./page";
import { flights } from "./pages/flights/page";
import { groups } from "./pages/groups/page";
import { jobs } from "./pages/jobs/page";
import { nowhere } from "./pages/nowhere/page";
import { overview } from "./pages/overview/page";
import { topics } from "./pages/topics/page";
import { views } from "./pages/views/page";

const PAGES: readonly Page[] = [flights, overview, topics, views, groups, jobs];

/** The topic by which the demo is known. */
const DEMO = "flights.clock";

const links = new Map<Page, HTMLAnchorElement>();
const connection = h("span", { class: "connection", role: "status" });
const notice = h("div", { class: "notice", role: "alert", hidden: true });
const slot = h("div", { class: "slot" });
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
  slot,
  connection,
);
const main = h("main", { id: "main", tabindex: "-1" });

/** Hidden until it is known that the demo runs. */
const flightsLink = links.get(flights) as HTMLElement;
flightsLink.hidden = true;

const leavePage: (() => void)[] = [];
let leaveAddress: () => void = () => undefined;

/** Show what the address names. */
function show(): void {
  leaveAddress();
  leaveAddress = () => undefined;
  const page = PAGES.find((each) => each.path === location.pathname) ?? nowhere;
  if (page === flights) showHome();
  else open(page);
}

/**
 * The flights where the demo runs, and until it does the overview. What the flights need is asked for at once, with the
 * question whether there are any: a second connection after the answer would double the wait.
 */
function showHome(): void {
  document.body.classList.add("undecided");
  open(flights, (live) => {
    const demo = live.view(DEMO);
    demo.onChange(() => {
      flightsLink.hidden = !demo.exists;
      if (demo.exists) document.body.classList.remove("undecided");
      else awaitDemo();
    });
  });
}

/** A page that was opened by its own address watches no flights: whether there are any is asked once. */
async function lookForDemo(): Promise<void> {
  const answer = await request<{ topics: TopicSummary[] }>("/api/topics");
  flightsLink.hidden = !answer.topics.some((topic) => topic.name === DEMO);
}

function awaitDemo(): void {
  const live = new Live(showConnection);
  const demo = live.view(DEMO);
  demo.onChange(() => demo.exists && show());
  open(overview);
  leaveAddress = () => live.close();
  live.open();
}

function open(page: Page, watch: (live: Live) => void = () => undefined): void {
  leavePage.splice(0).forEach((action) => action());
  notice.hidden = true;
  showConnection(true);
  document.title = `${page.title} · Riacho`;
  for (const [each, link] of links) {
    if (each === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page !== flights) document.body.classList.remove("undecided");
  fill(main);
  fill(slot);
  const live = new Live(showConnection);
  leavePage.push(() => live.close());
  watch(live);
  page.show({
    main,
    header: slot,
    live,
    every(milliseconds, action) {
      let failed = false;
      const run = async () => {
        if (document.hidden) return;
        try {
          await action();
          if (failed) notice.hidden = true;
          failed = false;
        } catch (error) {
          failed = true;
          fail(error);
        }
      };
      const start = () => void run();
      const timer = setInterval(start, milliseconds);
      document.addEventListener("visibilitychange", start);
      leavePage.push(() => {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", start);
      });
      queueMicrotask(start);
    },
    onLeave: (action) => leavePage.push(action),
    fail,
  });
  live.open();
}

function showConnection(connected: boolean): void {
  setText(connection, connected ? "" : "connection lost, trying again …");
  document.body.classList.toggle("stale", !connected);
}

function fail(error: unknown): void {
  notice.hidden = false;
  setText(notice, error instanceof Error ? error.message : String(error));
}

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest("a");
  if (link === null || link.origin !== location.origin || link.hash !== "") return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || link.pathname.startsWith("/api")) return;
  event.preventDefault();
  if (link.href !== location.href) history.pushState(null, "", link.href);
  show();
  main.focus({ preventScroll: true });
});
addEventListener("popstate", show);

// A page that was left may be kept, frozen, for the way back: it must not keep its connection.
addEventListener("pagehide", () => {
  leaveAddress();
  leavePage.splice(0).forEach((action) => action());
});
addEventListener("pageshow", (event) => event.persisted && show());

const skip = h("a", { class: "skip", href: "#main" }, "Skip to content");
(document.getElementById("app") as HTMLElement).append(skip, header, notice, main);
show();
if (location.pathname !== flights.path) lookForDemo().catch(fail);
