// Topics and their newest messages.

import { request, type Message, type TopicSummary } from "../../api";
import { fill, h } from "../../dom";
import { compact, count } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";

const NEWEST = 25;

function show(context: PageContext): void {
  let chosen: string | null = new URLSearchParams(location.search).get("topic");
  const internal = h("input", { type: "checkbox", id: "internal" });
  const list = new Table<TopicSummary>(
    "Topics",
    [
      { title: "topic", cell: (topic) => topic.name },
      { title: "partitions", numeric: true, cell: (topic) => count(topic.partitions) },
      { title: "records", numeric: true, cell: (topic) => count(topic.records) },
      { title: "per second", numeric: true, cell: (topic) => compact(topic.records_per_s) },
      { title: "kept", cell: (topic) => (topic.compacted ? "newest per key" : "by time and size") },
    ],
    "no topic exists yet",
    (topic) => {
      chosen = topic.name;
      history.replaceState(null, "", `?topic=${encodeURIComponent(topic.name)}`);
      void showMessages().catch(context.fail);
    },
  );
  const messages = new Table<Message>("Newest messages", [
    { title: "time", cell: (message) => new Date(message.timestamp_ms).toISOString().replace("T", " ").slice(0, 23) },
    { title: "partition", numeric: true, cell: (message) => String(message.partition) },
    { title: "offset", numeric: true, cell: (message) => count(message.offset) },
    { title: "key", cell: (message) => message.key ?? "null" },
    { title: "value", cell: (message) => message.value ?? "null" },
  ]);
  const title = h("h2", {}, "choose a topic to see its newest messages");

  const showMessages = async (): Promise<void> => {
    if (chosen === null) return;
    const path = `/api/topics/${encodeURIComponent(chosen)}/messages?limit=${NEWEST}`;
    const answer = await request<{ messages: Message[] }>(path);
    fill(title, `newest messages of ${chosen}`);
    messages.show(answer.messages.map((message) => [`${message.partition}/${message.offset}`, message] as const));
  };
  const refresh = async (): Promise<void> => {
    const answer = await request<{ topics: TopicSummary[] }>("/api/topics");
    const shown = answer.topics.filter((topic) => internal.checked || !topic.internal);
    list.show(shown.map((topic) => [topic.name, topic] as const));
    await showMessages();
  };
  internal.onchange = () => void refresh().catch(context.fail);
  context.every(2000, refresh);
  context.main.append(
    h("h1", {}, "Topics"),
    h(
      "div",
      { class: "stack" },
      h("section", { class: "card" }, h("label", { for: "internal" }, internal, " show internal topics"), list.element),
      h("section", { class: "card" }, title, messages.element),
    ),
  );
}

export const topics: Page = { path: "/topics", title: "Topics", show };
