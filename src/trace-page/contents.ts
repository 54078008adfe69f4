// Words about arrows and marks: the tooltip, and all there is to know in the panel.

import type { Plain } from "../simulator/index.js";
import { type Child, element } from "./element.js";
import { isArrow } from "./drawing.js";
import { type Arrow, causesOf, effectsOf, type Mark, type Model } from "./model.js";
import { msText } from "./scale.js";

const fates: Readonly<Record<Arrow["fate"], string>> = {
  carried: "",
  "not taken": "never taken: the receiver was down or crashed, or the run ended",
  lost: "lost on the way",
  blocked: "blocked: the link carries nothing",
  "left out": "left out of the minimised run",
};

/** A line or two on what the pointer is at. */
export function tooltipOf(model: Model, thing: Arrow | Mark): Child[] {
  if (isArrow(thing)) {
    return [
      element("b", {}, thing.kind),
      ` ${routeOf(model, thing)}`,
      element("br", {}),
      element("span", { class: "faint" }, timesOf(thing)),
      element("div", { class: "mono" }, thing.text),
    ];
  }
  const where = thing.party === null ? "" : ` at ${model.parties[thing.party]!.name}`;
  return [
    element("b", {}, thing.what),
    `${where}, ${msText(thing.atMs)}`,
    ...(thing.details === "" ? [] : [element("div", { class: "mono" }, thing.details)]),
  ];
}

const routeOf = ({ parties }: Model, { from, to }: Arrow): string =>
  `${parties[from]!.name} → ${parties[to]!.name}`;

function timesOf({ sentMs, receivedMs, fate }: Arrow): string {
  if (receivedMs === null) return `sent at ${msText(sentMs)}; ${fates[fate]}`;
  return `${msText(sentMs)} → ${msText(receivedMs)}, ${msText(receivedMs - sentMs)} on the way`;
}

/** Everything about a selected arrow or mark. `go` selects another arrow. */
export function detailsOf(model: Model, thing: Arrow | Mark, go: (arrow: Arrow) => void): Child[] {
  if (!isArrow(thing)) {
    const facts = Object.entries(thing.facts).map(([name, value]) => row(name, String(value)));
    return [
      element("p", {}, ...tooltipOf(model, thing)),
      element("dl", { class: "fields" }, ...facts.flat()),
    ];
  }
  const message = thing.message === null ? null : model.page.messages[thing.message]!;
  const listed = (title: string, arrows: readonly Arrow[]): Child[] =>
    arrows.length === 0
      ? []
      : [
          element("h3", {}, title),
          element("ul", { class: "links" }, ...arrows.map((arrow) => linkTo(model, arrow, go))),
        ];
  return [
    element("p", {}, element("b", {}, thing.kind), ` ${routeOf(model, thing)}`),
    element("p", { class: "faint" }, timesOf(thing)),
    message === null
      ? element("p", {}, `${thing.bytes} bytes that are no message`)
      : element("dl", { class: "fields" }, ...fieldsOf(message)),
    element("p", { class: "faint" }, `#${thing.id} “${thing.name}”, ${thing.bytes} bytes`),
    ...listed("What its sender took last before", causesOf(model, thing)),
    ...listed("What its receiver sent then", effectsOf(model, thing)),
  ];
}

function linkTo(model: Model, arrow: Arrow, go: (arrow: Arrow) => void): HTMLElement {
  const button = element(
    "button",
    { type: "button" },
    element("b", {}, arrow.kind),
    ` ${routeOf(model, arrow)} `,
    element("span", { class: "faint" }, msText(arrow.sentMs)),
  );
  button.addEventListener("click", () => go(arrow));
  return element("li", {}, button);
}

const row = (name: string, value: Child): Child[] => [
  element("dt", {}, name),
  element("dd", {}, value),
];

/** Fields that are few are open; long lists open on demand. */
function fieldsOf(value: { readonly [name: string]: Plain }): Child[] {
  return Object.entries(value).flatMap(([name, field]) =>
    name === "kind" ? [] : row(name, fieldOf(field)),
  );
}

function fieldOf(field: Plain): Child {
  if (typeof field !== "object" || field === null) return element("code", {}, String(field));
  if (!Array.isArray(field)) {
    return element("dl", { class: "fields" }, ...fieldsOf(field as { [name: string]: Plain }));
  }
  if (field.length === 0) return element("code", {}, "none");
  if (field.every((one) => typeof one !== "object")) {
    return element("div", {}, ...field.map((one) => element("code", {}, String(one))));
  }
  const items = field.map((one) => element("li", {}, fieldOf(one as Plain)));
  const details = element("details", {}, element("summary", {}, `${field.length}`));
  if (field.length <= 2) details.setAttribute("open", "");
  details.append(element("ol", {}, ...items));
  return details;
}
