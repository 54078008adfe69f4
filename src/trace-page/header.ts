// What stands around the diagram: what was simulated and how it ended, and the list of what is
// worth jumping to.

import { byId, element } from "./element.js";
import type { Mark, Model } from "./model.js";
import { msText } from "./scale.js";

/** More than so many rows are a list that nobody reads. */
const rowsMax = 1000;

/** Fills the page's header. */
export function buildHeader({ page, arrows, marks }: Model): void {
  byId("title").textContent = page.title;
  const outcome = byId("outcome");
  outcome.className = page.violations.length === 0 ? "good" : "bad";
  outcome.replaceChildren(
    ...(page.violations.length === 0
      ? [page.summary]
      : page.violations.map(({ property, message }) =>
          element("p", {}, element("b", {}, `${property} is violated`), `: ${message}`),
        )),
  );
  const sizes: [string, string][] = [["events", `${arrows.length} messages, ${marks.length} more`]];
  byId("subject").replaceChildren(
    ...[...page.subject, ...sizes].flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, value),
    ]),
  );
  const faults = page.faults.map((fault) => element("li", {}, fault));
  byId("faults").replaceChildren(...faults);
  byId("command").textContent = page.command;
}

const always = new Set(["violation", "view", "recovery", "fault"]);
/** Each of these is said once at the start, or too often to be news. */
const seldomNews = /^(?:garbled|lie of a client|dropped)/;

/** What is worth a row: violations, faults, changes of views, transfers of state, lies. */
export function importantMarks({ marks }: Model): Mark[] {
  const worth = marks.filter(
    ({ topic, what }) => (always.has(topic) || topic === "lie") && !seldomNews.test(what),
  );
  return worth.slice(0, rowsMax);
}

export function rowOf({ parties }: Model, mark: Mark): HTMLElement {
  const party = mark.party === null ? "all" : parties[mark.party]!.short;
  const details = mark.details === "" ? "" : ` ${mark.details}`;
  return element(
    "button",
    { type: "button", class: `event ${mark.topic}`, title: `${mark.what}${details}` },
    element("span", { class: "when" }, msText(mark.atMs, 0.1).replace(" ms", "")),
    element("span", { class: "who" }, party),
    element("span", { class: "what" }, element("b", {}, mark.what), details),
  );
}
