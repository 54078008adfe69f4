// The space-time diagram on its canvas: time to the right, one line a party, everything of one
// frame drawn from arrays, so that ten thousand arrows pan smoothly.

import type { Shown } from "./filter.js";
import { drawMark } from "./glyphs.js";
import type { Arrow, Mark, Model, Span } from "./model.js";
import { type TimeScale, ticksOf } from "./scale.js";
import type { Theme } from "./theme.js";

/** The part of the run that is seen, in the scale's units. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** What is to be seen in one frame. */
export interface Frame {
  readonly scale: TimeScale;
  readonly window: Window;
  readonly shown: Shown;
  readonly theme: Theme;
  /** What the pointer is at, what is pinned, and the arrows that led to it or follow from it. */
  readonly hovered: Arrow | Mark | null;
  readonly pinned: Arrow | Mark | null;
  readonly related: ReadonlySet<number>;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const top = 34;
const bottom = 14;
/** Fewer arrows than this have heads; fewer still have their names written along them. */
const headsMax = 1000;
const namesMax = 70;
const near = 7;

export const isArrow = (thing: Arrow | Mark): thing is Arrow => "kind" in thing;

export class Drawing {
  readonly #canvas: HTMLCanvasElement;
  readonly #model: Model;
  readonly #context: CanvasRenderingContext2D;
  #width = 0;
  #height = 0;
  #left = 96;
  /** Units of every arrow's two ends in the scale of the last frame. */
  #scale: TimeScale | null = null;
  #starts = new Float64Array(0);
  #ends = new Float64Array(0);
  #marks = new Float64Array(0);
  #window: Window = { from: 0, to: 1 };
  #shown: Shown | null = null;

  constructor(canvas: HTMLCanvasElement, model: Model) {
    this.#canvas = canvas;
    this.#model = model;
    this.#context = canvas.getContext("2d")!;
  }

  get left(): number {
    return this.#left;
  }

  /** The width that time has. */
  get breadth(): number {
    return Math.max(1, this.#width - this.#left - 12);
  }

  /** Takes the size that the page gives the canvas. */
  fit(): void {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const ratio = devicePixelRatio;
    this.#width = width;
    this.#height = height;
    this.#left = width < 600 ? 40 : 96;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /** Draws a frame and says how many arrows are in it. */
  draw(frame: Frame): number {
    this.#measure(frame.scale);
    this.#window = frame.window;
    this.#shown = frame.shown;
    const context = this.#context;
    context.clearRect(0, 0, this.#width, this.#height);
    this.#drawAxis(frame);
    context.save();
    context.beginPath();
    context.rect(this.#left - 6, 0, this.#width - this.#left + 6, this.#height);
    context.clip();
    this.#drawCuts(frame);
    for (const span of this.#model.spans) this.#drawSpan(span, frame.theme);
    this.#drawClientLines(frame.theme);
    const visible = this.#visibleArrows(frame);
    this.#drawArrows(visible, frame);
    this.#drawMarks(frame);
    this.#drawStressed(frame);
    context.restore();
    this.#drawNames(frame.theme);
    return visible.length;
  }

  /** What is at a place of the canvas; marks before arrows. */
  at(x: number, y: number): Arrow | Mark | null {
    const shown = this.#shown;
    if (shown === null || x < this.#left - 6) return null;
    let best: Arrow | Mark | null = null;
    let least = near + 2;
    for (const mark of this.#model.marks) {
      if (shown.marks[mark.index] !== 1) continue;
      const place = this.#placeOf(mark);
      const distance = Math.hypot(place.x - x, place.y - y) - (mark.topic === "violation" ? 4 : 0);
      if (distance < least) [best, least] = [mark, distance];
    }
    if (best !== null) return best;
    least = near;
    for (const arrow of this.#model.arrows) {
      if (shown.arrows[arrow.index] !== 1) continue;
      const distance = distanceTo(this.#startOf(arrow), this.#endOf(arrow), x, y);
      if (distance < least) [best, least] = [arrow, distance];
    }
    return best;
  }

  #measure(scale: TimeScale): void {
    if (scale === this.#scale) return;
    const { arrows, marks } = this.#model;
    this.#scale = scale;
    this.#starts = Float64Array.from(arrows, ({ sentMs }) => scale.units(sentMs));
    this.#ends = Float64Array.from(arrows, ({ receivedMs }) =>
      receivedMs === null ? Number.NaN : scale.units(receivedMs),
    );
    this.#marks = Float64Array.from(marks, ({ atMs }) => scale.units(atMs));
  }

  #x(units: number): number {
    const { from, to } = this.#window;
    return this.#left + ((units - from) / (to - from)) * this.breadth;
  }

  #lane(party: number): number {
    const { length } = this.#model.parties;
    const height = this.#height - top - bottom;
    return top + (height * (party + 0.5)) / length;
  }

  #startOf(arrow: Arrow): Point {
    return { x: this.#x(this.#starts[arrow.index]!), y: this.#lane(arrow.from) };
  }

  /** Where an arrow ends: at its receiver, or on the way if it did not arrive. */
  #endOf(arrow: Arrow): Point {
    const y = this.#lane(arrow.to);
    const units = this.#ends[arrow.index]!;
    if (!Number.isNaN(units)) return { x: this.#x(units), y };
    const start = this.#startOf(arrow);
    const share = arrow.fate === "blocked" ? 0.22 : arrow.fate === "lost" ? 0.45 : 0.72;
    const rise = (y - start.y) * share;
    return { x: start.x + Math.min(36, Math.abs(rise) * 0.45), y: start.y + rise };
  }

  #placeOf(mark: Mark): Point {
    const x = this.#x(this.#marks[mark.index]!);
    return { x, y: mark.party === null ? 24 : this.#lane(mark.party) };
  }

  #visibleArrows(frame: Frame): Arrow[] {
    const { from, to } = frame.window;
    const slack = (to - from) * 0.05;
    return this.#model.arrows.filter(({ index }) => {
      if (frame.shown.arrows[index] !== 1) return false;
      const start = this.#starts[index]!;
      const end = this.#ends[index]!;
      return start <= to && (Number.isNaN(end) ? start + slack : end) >= from;
    });
  }

  #drawAxis({ scale, window, theme }: Frame): void {
    const context = this.#context;
    const count = Math.max(2, Math.floor(this.breadth / 110));
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.lineWidth = 1;
    for (const { ms, text } of ticksOf(scale, window.from, window.to, count)) {
      const x = this.#x(scale.units(ms));
      if (x < this.#left || x > this.#width) continue;
      context.strokeStyle = theme.line;
      context.globalAlpha = 0.6;
      context.beginPath();
      context.moveTo(x, 18);
      context.lineTo(x, this.#height);
      context.stroke();
      context.globalAlpha = 1;
      context.fillStyle = theme.faint;
      context.fillText(text, x, 12);
    }
  }

  #drawCuts({ scale, theme }: Frame): void {
    const context = this.#context;
    for (const { what, fromMs, untilMs } of this.#model.cuts) {
      const x = this.#x(scale.units(fromMs));
      const width = Math.max(2, this.#x(scale.units(untilMs)) - x);
      context.fillStyle = theme.bad;
      context.globalAlpha = 0.07;
      context.fillRect(x, 18, width, this.#height - 18);
      context.globalAlpha = 0.7;
      context.fillRect(x, 18, width, 2);
      context.globalAlpha = 1;
      const seen = Math.max(x, this.#left);
      if (x + width - seen < 70) continue;
      context.textAlign = "left";
      context.fillText(what, seen + 10, 30);
    }
  }

  #drawSpan(span: Span, theme: Theme): void {
    const context = this.#context;
    const x = Math.max(this.#left - 6, this.#x(this.#scale!.units(span.fromMs)));
    const end = Math.min(this.#width, this.#x(this.#scale!.units(span.untilMs)));
    if (end < this.#left - 6 || x > this.#width) return;
    const y = this.#lane(span.party);
    context.lineWidth = 1;
    if (span.status === "down") {
      context.strokeStyle = theme.bad;
      context.setLineDash([2, 5]);
      line(context, x, y, end, y);
      context.setLineDash([]);
      context.fillStyle = theme.bad;
      if (end - x > 40) this.#write("down", x + 8, y - 4);
      return;
    }
    const isSteady = span.status === "established";
    const colour = span.status === "lying" ? theme.topics.lie : theme.view(span.view, 1);
    context.fillStyle = colour;
    context.globalAlpha = isSteady ? 0.26 : 0.12;
    context.fillRect(x, y - 9, end - x, 18);
    context.globalAlpha = 1;
    if (!isSteady) this.#hatch(x, y, end, colour);
    context.strokeStyle = colour;
    line(context, x, y, end, y);
    const word = { established: "", changing: "changing to ", lying: "lies", paused: "paused" };
    const isViewed = isSteady || span.status === "changing";
    const text = `${word[span.status]}${isViewed ? `view ${span.view}` : ""}`;
    context.fillStyle = theme.text;
    if (end - x > 8 + 6 * text.length) this.#write(text, x + 4, y - 12, 0.65);
  }

  #hatch(x: number, y: number, end: number, colour: string): void {
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(x, y - 9, end - x, 18);
    context.clip();
    context.strokeStyle = colour;
    context.globalAlpha = 0.55;
    context.beginPath();
    for (let at = x - 18 - (x % 8); at < end; at += 8) {
      context.moveTo(at, y + 9);
      context.lineTo(at + 18, y - 9);
    }
    context.stroke();
    context.restore();
  }

  #write(text: string, x: number, y: number, alpha = 1): void {
    const context = this.#context;
    context.textAlign = "left";
    context.font = "10px system-ui, sans-serif";
    context.globalAlpha = alpha;
    context.fillText(text, x, y);
    context.globalAlpha = 1;
  }

  #drawClientLines(theme: Theme): void {
    const context = this.#context;
    context.strokeStyle = theme.faint;
    context.lineWidth = 1;
    this.#model.parties.forEach(({ isReplica }, party) => {
      const y = this.#lane(party);
      if (!isReplica) line(context, this.#left - 6, y, this.#width, y);
    });
  }

  #drawArrows(visible: readonly Arrow[], frame: Frame): void {
    const context = this.#context;
    const isPinned = frame.pinned !== null && frame.related.size > 0;
    const density = Math.min(1, Math.sqrt(500 / Math.max(1, visible.length)));
    context.lineWidth = visible.length > 1500 ? 0.8 : 1.2;
    const withHeads = visible.length <= headsMax;
    this.#model.kinds.forEach((kind, position) => {
      const arrows = visible.filter((arrow) => arrow.kind === kind);
      const colour = frame.theme.kind(position);
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.globalAlpha = (isPinned ? 0.2 : 1) * Math.max(0.12, density) * 0.9;
      this.#strokeAll(arrows.filter(({ fate }) => fate === "carried"));
      context.setLineDash([3, 3]);
      this.#strokeAll(arrows.filter(({ fate }) => fate !== "carried"));
      context.setLineDash([]);
      if (withHeads) for (const arrow of arrows) this.#drawHead(arrow, frame.theme);
    });
    context.globalAlpha = isPinned ? 0.25 : 1;
    if (visible.length <= namesMax) this.#drawArrowNames(visible, frame.theme);
    context.globalAlpha = 1;
  }

  #strokeAll(arrows: readonly Arrow[]): void {
    const context = this.#context;
    context.beginPath();
    for (const arrow of arrows) {
      const start = this.#startOf(arrow);
      const end = this.#endOf(arrow);
      context.moveTo(start.x, start.y);
      context.lineTo(end.x, end.y);
    }
    context.stroke();
  }

  /** A head, or what stopped the message: a cross where it was lost, a bar where blocked. */
  #drawHead(arrow: Arrow, theme: Theme): void {
    const context = this.#context;
    const start = this.#startOf(arrow);
    const { x, y } = this.#endOf(arrow);
    const angle = Math.atan2(y - start.y, x - start.x);
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.beginPath();
    if (arrow.fate === "carried") {
      context.moveTo(0, 0);
      context.lineTo(-7, -3);
      context.lineTo(-7, 3);
      context.fill();
    } else {
      context.strokeStyle = theme.bad;
      context.lineWidth = 1.6;
      if (arrow.fate === "blocked") line(context, 0, -5, 0, 5);
      else {
        line(context, -3.5, -3.5, 3.5, 3.5);
        line(context, -3.5, 3.5, 3.5, -3.5);
      }
    }
    context.restore();
  }

  #drawArrowNames(visible: readonly Arrow[], theme: Theme): void {
    const context = this.#context;
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "center";
    context.lineWidth = 3;
    context.strokeStyle = theme.background;
    const taken: Point[] = [];
    for (const arrow of visible) {
      const start = this.#startOf(arrow);
      const end = this.#endOf(arrow);
      const x = start.x + (end.x - start.x) * 0.4;
      const y = start.y + (end.y - start.y) * 0.4;
      const width = 6 * arrow.kind.length + 8;
      if (taken.some((place) => Math.abs(place.x - x) < width && Math.abs(place.y - y) < 12)) {
        continue;
      }
      taken.push({ x, y });
      context.strokeText(arrow.kind, x, y + 3);
      context.fillStyle = theme.kind(this.#model.kinds.indexOf(arrow.kind));
      context.fillText(arrow.kind, x, y + 3);
    }
  }

  #drawMarks(frame: Frame): void {
    const { from, to } = frame.window;
    const { marks } = this.#model;
    const visible = marks.filter(
      ({ index }) =>
        frame.shown.marks[index] === 1 && this.#marks[index]! >= from && this.#marks[index]! <= to,
    );
    const isCrowded = visible.length > 1200;
    for (const mark of visible) {
      if (isCrowded && (mark.topic === "timer" || mark.topic === "dropped")) continue;
      const { x, y } = this.#placeOf(mark);
      if (mark.topic === "violation") this.#drawViolation(x, mark, frame.theme);
      else drawMark(this.#context, mark, x, y, frame.theme, visible.length);
    }
  }

  #drawViolation(x: number, mark: Mark, theme: Theme): void {
    const context = this.#context;
    context.strokeStyle = theme.bad;
    context.fillStyle = theme.bad;
    context.lineWidth = 2;
    line(context, x, 18, x, this.#height);
    context.font = "bold 11px system-ui, sans-serif";
    const width = context.measureText(mark.what).width + 10;
    const left = Math.min(x + 3, this.#width - width - 4);
    context.fillRect(left, 18, width, 16);
    context.fillStyle = theme.background;
    context.textAlign = "left";
    context.fillText(mark.what, left + 5, 30);
    if (mark.party === null) return;
    context.strokeStyle = theme.bad;
    context.beginPath();
    context.arc(x, this.#lane(mark.party), 9, 0, 2 * Math.PI);
    context.stroke();
  }

  /** The pinned arrow and its neighbours, and what the pointer is at, above all else. */
  #drawStressed(frame: Frame): void {
    const context = this.#context;
    const { arrows, kinds } = this.#model;
    const stress = (arrow: Arrow, width: number): void => {
      const colour = frame.theme.kind(kinds.indexOf(arrow.kind));
      context.strokeStyle = colour;
      context.fillStyle = colour;
      context.lineWidth = width;
      this.#strokeAll([arrow]);
      this.#drawHead(arrow, frame.theme);
    };
    for (const index of frame.related) stress(arrows[index]!, 1.6);
    for (const thing of [frame.hovered, frame.pinned]) {
      if (thing === null) continue;
      if (isArrow(thing)) stress(thing, 3);
      else {
        const { x, y } = this.#placeOf(thing);
        context.strokeStyle = frame.theme.accent;
        context.lineWidth = 2;
        context.beginPath();
        context.arc(x, y, 10, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }

  #drawNames(theme: Theme): void {
    const context = this.#context;
    const isNarrow = this.#left < 60;
    context.textAlign = "right";
    context.font = "600 12px system-ui, sans-serif";
    this.#model.parties.forEach(({ name, short, lies }, party) => {
      context.fillStyle = lies ? theme.topics.lie : theme.text;
      const y = this.#lane(party);
      context.fillText(isNarrow ? short : name, this.#left - 12, y + 4);
      if (!lies || isNarrow) return;
      context.font = "10px system-ui, sans-serif";
      context.fillText("a liar", this.#left - 12, y + 17);
      context.font = "600 12px system-ui, sans-serif";
    });
  }
}

function line(context: CanvasRenderingContext2D, x: number, y: number, x2: number, y2: number) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x2, y2);
  context.stroke();
}

/** How far a place is from a stretch. */
function distanceTo(start: Point, end: Point, x: number, y: number): number {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((x - start.x) * dx + (y - start.y) * dy) / squared;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(start.x + share * dx - x, start.y + share * dy - y);
}
