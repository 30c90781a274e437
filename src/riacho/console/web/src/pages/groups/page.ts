// Consumer groups and how far behind they are.

import { request, type GroupSummary } from "../../api";
import { h } from "../../dom";
import { count } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";

function show(context: PageContext): void {
  const table = new Table<GroupSummary>(
    "Consumer groups",
    [
      { title: "group", cell: (group) => group.name },
      { title: "lag", numeric: true, cell: (group) => count(group.lag) },
      { title: "members", numeric: true, cell: (group) => count(group.members) },
      { title: "state", cell: (group) => group.state },
      { title: "protocol", cell: (group) => group.protocol || "–" },
      { title: "topics", wide: true, cell: (group) => group.topics.map((each) => `${each.topic} (${count(each.lag)})`).join(", ") },
    ],
    { empty: "no group has joined or committed yet", stacked: true },
  );
  context.every(2000, async () => {
    const answer = await request<{ groups: GroupSummary[] }>("/api/groups");
    table.show(answer.groups.map((group) => [group.name, group] as const));
  });
  context.main.append(
    h("h1", {}, "Groups"),
    h(
      "section",
      { class: "card" },
      table.element,
      h("p", { class: "muted" }, "Lag is counted in records from the committed offset. A job commits with each snapshot, every 10 s: in between its lag grows. How far it really is stands under ", h("a", { href: "/jobs" }, "Jobs"), "."),
    ),
  );
}

export const groups: Page = { path: "/groups", title: "Groups", show };
