// Topics and their newest messages.

import { request, type Message, type TopicSummary } from "../../api";
import { h, setText, type Child } from "../../dom";
import { compact, count, instant } from "../../format";
import type { Page, PageContext } from "../../page";
import { Table } from "../../table";

const NEWEST = 25;
/** Characters of a key, a value or a header that are shown at first. */
const LONGEST = 2000;

function show(context: PageContext): void {
  let chosen: string | null = new URLSearchParams(location.search).get("topic") || null;
  const internal = h("input", { type: "checkbox", id: "internal" });
  const list = new Table<TopicSummary>(
    "Topics",
    [
      { title: "topic", wrap: true, cell: (topic) => topic.name },
      { title: "partitions", numeric: true, secondary: true, cell: (topic) => count(topic.partitions) },
      { title: "records", numeric: true, cell: (topic) => count(topic.records) },
      { title: "records/s", numeric: true, cell: (topic) => compact(topic.records_per_s) },
      { title: "cleanup", secondary: true, cell: (topic) => (topic.compacted ? "compact" : "delete") },
    ],
    {
      empty: "no topic exists yet: riacho topic create NAME",
      onPick: (topic) => {
        choose(topic.name);
        messageCard.scrollIntoView({ block: "nearest" });
      },
    },
  );
  const messages = new Table<Message>(
    "Newest messages",
    [
      { title: "partition / offset", cell: place },
      { title: "key", wrap: true, cell: (message) => h("div", {}, ...shortened(message.key ?? "null")) },
      { title: "value, headers", wrap: true, cell: content },
    ],
    { empty: "the topic is empty", fixed: true },
  );
  const title = h("h2", {}, "choose a topic to see its newest messages");
  const rows = h("a", { hidden: true }, "live rows");
  const messageCard = h("section", { class: "card messages", hidden: true }, h("div", { class: "card-head" }, title, rows), messages.element);
  let known = new Map<string, TopicSummary>();

  function choose(topic: string): void {
    chosen = topic;
    history.replaceState(null, "", `?topic=${encodeURIComponent(topic)}`);
    void showMessages().catch(context.fail);
  }

  async function showMessages(): Promise<void> {
    const topic = chosen;
    if (topic === null) return;
    list.pick(topic);
    const summary = known.get(topic);
    messageCard.hidden = false;
    setText(title, summary === undefined ? `there is no topic ${topic}` : `newest messages of ${topic}`);
    rows.href = `/views?view=${encodeURIComponent(topic)}`;
    rows.hidden = summary?.compacted !== true;
    messages.element.hidden = summary === undefined;
    if (summary === undefined) return;
    const path = `/api/topics/${encodeURIComponent(topic)}/messages?limit=${NEWEST}`;
    const answer = await request<{ messages: Message[] }>(path);
    if (topic !== chosen) return; // another was chosen meanwhile
    messages.show(answer.messages.map((message) => [`${topic}/${message.partition}/${message.offset}`, message] as const));
  }

  const refresh = async (): Promise<void> => {
    const answer = await request<{ topics: TopicSummary[] }>("/api/topics");
    known = new Map(answer.topics.map((topic) => [topic.name, topic]));
    const shown = answer.topics.filter((topic) => internal.checked || !topic.internal || topic.name === chosen);
    list.show(shown.map((topic) => [topic.name, topic] as const));
    await showMessages();
  };
  internal.onchange = () => void refresh().catch(context.fail);
  context.every(2000, refresh);
  context.main.append(
    h("h1", {}, "Topics"),
    h(
      "div",
      { class: "beside" },
      h("section", { class: "card" }, h("label", { for: "internal" }, internal, " show internal topics"), list.element),
      messageCard,
    ),
  );
}

/** Where and when: the zone is UTC. */
function place(message: Message): Node {
  return h(
    "div",
    {},
    h("div", {}, `${message.partition} / ${count(message.offset)}`),
    h("div", { class: "muted" }, instant(message.timestamp_ms).slice(0, 10)),
    h("div", { class: "muted" }, `${instant(message.timestamp_ms, "milliseconds").slice(11)} UTC`),
  );
}

function content(message: Message): Node {
  return h(
    "div",
    {},
    ...(message.value === null ? [h("i", { class: "muted" }, "null")] : shortened(message.value)),
    ...message.headers.map(([name, value]) => h("div", { class: "muted" }, ...shortened(`${name}: ${value ?? "null"}`))),
  );
}

/** A text's beginning, and a button for the rest of a long one: a record of a megabyte is a thousand screens of a phone. */
function shortened(text: string): Child[] {
  if (text.length <= LONGEST) return [text];
  const rest = text.slice(LONGEST);
  const button = h("button", { class: "link", type: "button" }, `… ${count(rest.length)} more characters`);
  button.onclick = () => button.replaceWith(rest);
  return [text.slice(0, LONGEST), button];
}

export const topics: Page = { path: "/topics", title: "Topics", show };
