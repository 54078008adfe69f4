// The controls above the diagram: one button for each kind, party and topic, which is also the
// legend; fields for text and for the numbers that decisions have.

import { byId, element } from "./element.js";
import { dimensions, type Filter, type Wanted } from "./filter.js";
import { type Model, type Topic, topics } from "./model.js";
import type { Theme } from "./theme.js";

const topicNames: Readonly<Record<Topic, string>> = {
  violation: "violations",
  fault: "faults",
  lie: "lies",
  view: "views",
  recovery: "recovery",
  order: "decisions",
  answer: "answers",
  timer: "timers",
  dropped: "input dropped",
};

/** Builds the controls; `changed` is called whenever something else is wanted. */
export function buildControls(
  model: Model,
  filter: Filter,
  wanted: Wanted,
  theme: () => Theme,
  changed: () => void,
): void {
  const { kinds, parties, marks, arrows } = model;
  const legend = new Legend(changed);
  const present = topics.filter((topic) => marks.some((mark) => mark.topic === topic));
  const chips = [
    legend.row({
      title: "messages",
      names: kinds,
      hidden: wanted.hiddenKinds,
      text: String,
      colour: (kind) => theme().kind(kinds.indexOf(kind)),
    }),
    legend.row({
      title: "marks",
      names: present,
      hidden: wanted.hiddenTopics,
      text: (topic) => topicNames[topic],
      colour: (topic) => theme().topics[topic],
    }),
    legend.row({
      title: "parties",
      names: parties.map((_, number) => number),
      hidden: wanted.hiddenParties,
      text: (number) => parties[number]!.name,
      colour: () => theme().text,
    }),
  ];
  if (arrows.some(({ fate }) => fate === "left out")) {
    chips.push(
      legend.row({
        title: "minimised",
        names: ["left out"],
        hidden: wanted.hiddenFates,
        text: () => "messages left out",
        colour: () => theme().faint,
      }),
    );
  }
  byId("chips").replaceChildren(...chips);
  buildFields(filter, wanted, changed);
  legend.refresh();
}

/** One set of things to hide or show. */
interface Row<Name> {
  readonly title: string;
  readonly names: readonly Name[];
  readonly hidden: Set<Name>;
  readonly text: (name: Name) => string;
  readonly colour: (name: Name) => string;
}

/** Buttons that say what a colour means, and hide what has it. */
class Legend {
  readonly #changed: () => void;
  readonly #chips: (() => void)[] = [];

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  refresh(): void {
    for (const show of this.#chips) show();
    this.#changed();
  }

  row<Name>(row: Row<Name>): HTMLElement {
    const chips = row.names.map((name) => this.#chip(name, row));
    const title = element("span", { class: "faint" }, row.title);
    return element("div", { class: "row" }, title, ...chips);
  }

  #chip<Name>(name: Name, { names, hidden, text, colour }: Row<Name>): HTMLElement {
    const button = element(
      "button",
      { type: "button", class: "chip", title: "click: hide or show; double-click: only this" },
      element("i", {}),
      text(name),
    );
    this.#chips.push(() => {
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      button.style.setProperty("--colour", colour(name));
    });
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      this.refresh();
    });
    button.addEventListener("dblclick", () => {
      const isAlone = !hidden.has(name) && names.every((one) => one === name || hidden.has(one));
      for (const one of names) {
        if (isAlone || one === name) hidden.delete(one);
        else hidden.add(one);
      }
      this.refresh();
    });
    return button;
  }
}

function buildFields(filter: Filter, wanted: Wanted, changed: () => void): void {
  const text = byId("text") as HTMLInputElement;
  text.value = wanted.text;
  text.addEventListener("input", () => {
    wanted.text = text.value;
    changed();
  });
  const present = filter.dimensions();
  const fields = dimensions
    .filter((name) => present.includes(name))
    .map((name) => {
      const attributes = { type: "text", size: "5", placeholder: "3 or 3..5", inputmode: "text" };
      const input = element("input", { ...attributes, "aria-label": `only this ${name}` });
      input.value = wanted.ranges.get(name) ?? "";
      input.addEventListener("input", () => {
        wanted.ranges.set(name, input.value);
        changed();
      });
      return element("label", {}, `${name} `, input);
    });
  byId("numbers").replaceChildren(...fields);
}
