// The page's program: reads the run that stands in the page and lets people look at it.

import { detailsOf, tooltipOf } from "./contents.js";
import { buildControls } from "./controls.js";
import type { TraceDocument } from "./document.js";
import { Drawing, isArrow, type Window } from "./drawing.js";
import { byId, canvasOf, element } from "./element.js";
import { Filter, type Shown, type Wanted, wantedFrom } from "./filter.js";
import { followGestures } from "./gestures.js";
import { buildHeader, importantMarks, rowOf } from "./header.js";
import { type Arrow, causesOf, effectsOf, type Mark, type Model, modelOf } from "./model.js";
import { drawOverview } from "./overview.js";
import { type ScaleMode, TimeScale } from "./scale.js";
import { type Theme, themeNow } from "./theme.js";

export type { Party, StoredEvent, TraceDocument } from "./document.js";

/** Messages in the part of a long run that is seen at first. */
const messagesAtFirst = 60;

class TracePage {
  readonly #model: Model;
  readonly #drawing: Drawing;
  readonly #filter: Filter;
  readonly #wanted: Wanted;
  readonly #important: readonly Mark[];
  readonly #rows = new Map<Mark, HTMLElement>();
  #scale: TimeScale;
  #theme: Theme;
  #shown: Shown;
  #window: Window;
  #hovered: Arrow | Mark | null = null;
  #pinned: Arrow | Mark | null = null;
  #related: ReadonlySet<number> = new Set();
  #isDue = false;

  constructor(page: TraceDocument) {
    const model = modelOf(page);
    this.#model = model;
    this.#drawing = new Drawing(canvasOf("diagram"), model);
    this.#filter = new Filter(model);
    this.#wanted = wantedFrom(model, location.hash);
    this.#theme = themeNow(model.kinds);
    this.#scale = this.#scaleOf("even");
    this.#shown = this.#filter.apply(this.#wanted);
    this.#window = this.#firstWindow();
    this.#important = importantMarks(model);
    buildHeader(model);
    this.#buildList();
    const refilter = () => {
      this.#shown = this.#filter.apply(this.#wanted);
      byId("count").textContent = `${this.#shown.arrowCount} of ${model.arrows.length} messages`;
      this.#redraw();
    };
    buildControls(model, this.#filter, this.#wanted, () => this.#theme, refilter);
    if (innerWidth < 760) byId("controls").removeAttribute("open");
    this.#listen();
    this.#resize();
  }

  #scaleOf(mode: ScaleMode): TimeScale {
    const { arrows, marks, endMs } = this.#model;
    const times = arrows
      .filter(({ fate }) => fate !== "left out")
      .flatMap(({ sentMs, receivedMs }) => [sentMs, receivedMs ?? sentMs]);
    return new TimeScale([...times, ...marks.map(({ atMs }) => atMs)], endMs, mode);
  }

  /** All of a short run; of a long one the part before the violation, or the beginning. */
  #firstWindow(): Window {
    const { arrows, marks, endMs } = this.#model;
    const units = (ms: number): number => this.#scale.units(ms);
    const asked = new URLSearchParams(location.hash.replace(/^#/, ""));
    const [from, to] = [asked.get("from"), asked.get("to")];
    if (from !== null && to !== null) return { from: units(Number(from)), to: units(Number(to)) };
    const seen = arrows.filter(({ index }) => this.#shown.arrows[index] === 1);
    if (seen.length <= 2 * messagesAtFirst) return { from: 0, to: this.#scale.length };
    const violation = marks.find(({ topic }) => topic === "violation");
    const untilMs = violation?.atMs ?? seen[messagesAtFirst]!.sentMs;
    const before = seen.filter(({ sentMs }) => sentMs <= untilMs);
    const first = before.at(-messagesAtFirst) ?? before[0];
    const start = violation === undefined ? 0 : units(first?.sentMs ?? 0);
    const end = violation === undefined ? units(untilMs) : units(Math.min(endMs, untilMs));
    return { from: start, to: end + (end - start) * 0.04 };
  }

  #buildList(): void {
    const rows = this.#important.map((mark) => {
      const row = rowOf(this.#model, mark);
      row.addEventListener("click", () => this.#jumpTo(mark));
      this.#rows.set(mark, row);
      return row;
    });
    const none = element("p", { class: "faint" }, "Nothing but messages and decisions.");
    byId("events").replaceChildren(...(rows.length === 0 ? [none] : rows));
  }

  // What people do.

  #listen(): void {
    const canvas = canvasOf("diagram");
    followGestures(canvas, {
      move: (pixels) => this.#move((-pixels / this.#drawing.breadth) * this.#span),
      zoom: (factor, x) => this.#zoom(factor, (x - this.#drawing.left) / this.#drawing.breadth),
      point: (place) => this.#point(place),
      choose: (x, y) => this.#pin(this.#drawing.at(x, y)),
    });
    this.#listenToOverview();
    const click = (id: string, action: () => void) => byId(id).addEventListener("click", action);
    click("fit", () => this.#look({ from: 0, to: this.#scale.length }));
    click("closer", () => this.#zoom(1.6, 0.5));
    click("farther", () => this.#zoom(1 / 1.6, 0.5));
    click("before", () => this.#step(-1));
    click("after", () => this.#step(1));
    const scale = byId("scale") as HTMLSelectElement;
    scale.addEventListener("change", () => {
      const [from, to] = [this.#scale.ms(this.#window.from), this.#scale.ms(this.#window.to)];
      this.#scale = this.#scaleOf(scale.value as ScaleMode);
      this.#look({ from: this.#scale.units(from), to: this.#scale.units(to) });
    });
    addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#theme = themeNow(this.#model.kinds);
      byId("text").dispatchEvent(new Event("input"));
    });
  }

  #listenToOverview(): void {
    const strip = canvasOf("overview");
    const go = (event: PointerEvent) => {
      if (event.buttons === 0) return;
      const middle = (event.offsetX / strip.clientWidth) * this.#scale.length;
      this.#look({ from: middle - this.#span / 2, to: middle + this.#span / 2 });
    };
    strip.addEventListener("pointerdown", (event) => {
      strip.setPointerCapture(event.pointerId);
      go(event);
    });
    strip.addEventListener("pointermove", go);
  }

  #key(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key === "Escape") {
      if (isTyping) (event.target as HTMLElement).blur();
      return this.#pin(null);
    }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.#move(-this.#span / 5),
      ArrowRight: () => this.#move(this.#span / 5),
      "+": () => this.#zoom(1.6, 0.5),
      "=": () => this.#zoom(1.6, 0.5),
      "-": () => this.#zoom(1 / 1.6, 0.5),
      f: () => this.#look({ from: 0, to: this.#scale.length }),
      n: () => this.#step(1),
      p: () => this.#step(-1),
      "/": () => byId("text").focus(),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  #point(place: { readonly x: number; readonly y: number } | null): void {
    const tooltip = byId("tooltip");
    const thing = place === null ? null : this.#drawing.at(place.x, place.y);
    tooltip.hidden = thing === null;
    if (thing !== this.#hovered) {
      this.#hovered = thing;
      if (thing !== null) tooltip.replaceChildren(...tooltipOf(this.#model, thing));
      this.#redraw();
    }
    if (thing === null || place === null) return;
    const room = byId("diagram").clientWidth;
    const x = Math.min(place.x + 14, room - tooltip.offsetWidth - 8);
    tooltip.style.left = `${Math.max(4, x)}px`;
    tooltip.style.top = `${place.y + 16}px`;
  }

  #pin(thing: Arrow | Mark | null): void {
    this.#pinned = thing;
    const isMessage = thing !== null && isArrow(thing);
    const [causes, effects] = isMessage
      ? [causesOf(this.#model, thing), effectsOf(this.#model, thing)]
      : [[], []];
    this.#related = new Set([...causes, ...effects].map(({ index }) => index));
    const go = (arrow: Arrow) => {
      this.#pin(arrow);
      this.#show(arrow.sentMs, arrow.receivedMs ?? arrow.sentMs);
    };
    const hint = element("p", { class: "faint" }, "Click an arrow or a sign to keep it here.");
    const details = thing === null ? [hint] : detailsOf(this.#model, thing, go);
    byId("selection").replaceChildren(...details);
    for (const [mark, row] of this.#rows) row.classList.toggle("selected", mark === thing);
    this.#redraw();
  }

  #jumpTo(mark: Mark): void {
    this.#pin(mark);
    this.#rows.get(mark)?.scrollIntoView({ block: "nearest" });
    const units = this.#scale.units(mark.atMs);
    const isNear = this.#span < this.#scale.length / 3;
    const half = isNear ? this.#span / 2 : this.#scale.length / 40;
    this.#look({ from: units - half, to: units + half });
  }

  /** The next or the last important event from what is pinned, or from what is seen. */
  #step(by: 1 | -1): void {
    const { from, to } = this.#window;
    const pinned = this.#pinned;
    const hereMs = pinned === null ? this.#scale.ms((from + to) / 2) : timeOf(pinned);
    const known = this.#important.indexOf(pinned as Mark);
    const ahead = this.#important.findIndex(({ atMs }) => atMs > hereMs);
    const next = ahead < 0 ? this.#important.length : ahead;
    const index = known >= 0 ? known + by : by > 0 ? next : next - 1;
    const mark = this.#important[index];
    if (mark !== undefined) this.#jumpTo(mark);
  }

  // The part that is seen.

  get #span(): number {
    return this.#window.to - this.#window.from;
  }

  #move(units: number): void {
    this.#look({ from: this.#window.from + units, to: this.#window.to + units });
  }

  #zoom(factor: number, share: number): void {
    const least = this.#scale.length / 1e6;
    const span = Math.min(this.#scale.length, Math.max(least, this.#span / factor));
    const fixed = this.#window.from + Math.min(1, Math.max(0, share)) * this.#span;
    const from = fixed - (fixed - this.#window.from) * (span / this.#span);
    this.#look({ from, to: from + span });
  }

  /** Moves only if the times are not seen already. */
  #show(fromMs: number, toMs: number): void {
    const [from, to] = [this.#scale.units(fromMs), this.#scale.units(toMs)];
    if (from >= this.#window.from && to <= this.#window.to) return;
    const middle = (from + to) / 2;
    this.#look({ from: middle - this.#span / 2, to: middle + this.#span / 2 });
  }

  #look(window: Window): void {
    const span = Math.min(window.to - window.from, this.#scale.length);
    const from = Math.min(Math.max(0, window.from), this.#scale.length - span);
    this.#window = { from, to: from + span };
    this.#redraw();
  }

  /** Draws at once: a canvas that changes its size is empty. */
  #resize(): void {
    this.#drawing.fit();
    this.#draw();
  }

  /** Draws with the next frame of the screen. */
  #redraw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw(): void {
    const startedAt = performance.now();
    const [scale, window, shown, theme] = [this.#scale, this.#window, this.#shown, this.#theme];
    const drawn = this.#drawing.draw({
      scale,
      window,
      shown,
      theme,
      hovered: this.#hovered,
      pinned: this.#pinned,
      related: this.#related,
    });
    const strip = canvasOf("overview");
    drawOverview(strip, this.#model, scale, window, shown, theme);
    // For whoever looks from outside, a test for instance.
    const { dataset } = document.documentElement;
    dataset["drawn"] = String(drawn);
    dataset["shown"] = String(shown.arrowCount);
    dataset["frameMs"] = (performance.now() - startedAt).toFixed(1);
  }
}

const timeOf = (thing: Arrow | Mark): number => (isArrow(thing) ? thing.sentMs : thing.atMs);

new TracePage(JSON.parse(byId("run").textContent ?? "") as TraceDocument);
