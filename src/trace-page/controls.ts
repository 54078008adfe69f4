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
  const chips: (() => void)[] = [];
  const chip = <Name>(text: string, name: Name, hidden: Set<Name>, colour: () => string) => {
    const button = element("button", { type: "button", class: "chip" }, element("i", {}), text);
    const show = () => {
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      button.style.setProperty("--colour", colour());
    };
    button.title = "click: hide or show; double-click: only this";
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      refresh();
    });
    chips.push(show);
    return button;
  };
  const refresh = () => {
    for (const show of chips) show();
    changed();
  };
  /** A row of buttons over one set; a double click leaves one of them. */
  const row = <Name>(
    title: string,
    names: readonly Name[],
    hidden: Set<Name>,
    text: (name: Name) => string,
    colour: (name: Name) => string,
  ) => {
    const buttons = names.map((name) => {
      const button = chip(text(name), name, hidden, () => colour(name));
      button.addEventListener("dblclick", () => {
        const isAlone = !hidden.has(name) && names.every((one) => one === name || hidden.has(one));
        for (const one of names)
          if (isAlone || one === name) hidden.delete(one);
          else hidden.add(one);
        refresh();
      });
      return button;
    });
    return element("div", { class: "row" }, element("span", { class: "faint" }, title), ...buttons);
  };
  const parties = model.parties.map((_, number) => number);
  const present = topics.filter((topic) => model.marks.some((mark) => mark.topic === topic));
  byId("chips").replaceChildren(
    row("messages", model.kinds, wanted.hiddenKinds, String, (kind) =>
      theme().kind(model.kinds.indexOf(kind)),
    ),
    row(
      "marks",
      present,
      wanted.hiddenTopics,
      (topic) => topicNames[topic],
      (topic) => theme().topics[topic],
    ),
    row(
      "parties",
      parties,
      wanted.hiddenParties,
      (number) => model.parties[number]!.name,
      () => theme().text,
    ),
  );
  if (model.arrows.some(({ fate }) => fate === "left out")) {
    byId("chips").append(
      row(
        "minimised",
        ["left out"],
        wanted.hiddenFates,
        () => "messages left out",
        () => theme().faint,
      ),
    );
  }
  buildFields(filter, wanted, changed);
  refresh();
}

function buildFields(filter: Filter, wanted: Wanted, changed: () => void): void {
  const text = byId<HTMLInputElement>("text");
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
