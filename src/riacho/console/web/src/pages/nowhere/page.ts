// Nowhere: for an address that names no page, that there is none, and where there are some.

import { h } from "../../dom";
import type { Page, PageContext } from "../../page";

function show(context: PageContext): void {
  context.main.append(
    h("h1", {}, "No such page"),
    h("p", {}, "There is nothing at ", h("code", {}, location.pathname), "."),
    h("p", {}, "The pages are listed above; what scripts can ask for is at ", h("a", { href: "/api" }, "/api"), "."),
  );
}

export const nowhere: Page = { path: "", title: "No such page", show };
