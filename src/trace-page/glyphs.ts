// The small signs on a party's line: what happened there.

import type { Mark, Topic } from "./model.js";
import type { Theme } from "./theme.js";

type Glyph = (context: CanvasRenderingContext2D, x: number, y: number) => void;

const polygon =
  (isFilled: boolean, ...points: readonly (readonly [number, number])[]): Glyph =>
  (context, x, y) => {
    context.beginPath();
    for (const [dx, dy] of points) context.lineTo(x + dx, y + dy);
    context.closePath();
    if (isFilled) context.fill();
    else context.stroke();
  };

const strokes =
  (...lines: readonly (readonly [number, number, number, number])[]): Glyph =>
  (context, x, y) => {
    context.beginPath();
    for (const [x1, y1, x2, y2] of lines) {
      context.moveTo(x + x1, y + y1);
      context.lineTo(x + x2, y + y2);
    }
    context.stroke();
  };

const cross = strokes([-5, -5, 5, 5], [-5, 5, 5, -5]);
const check = strokes([-5, 0, -1, 4], [-1, 4, 6, -5]);
const upright = strokes([0, -7, 0, 7]);
const square = polygon(true, [-3.5, -3.5], [3.5, -3.5], [3.5, 3.5], [-3.5, 3.5]);
const rightward = polygon(true, [-4, -6], [7, 0], [-4, 6]);
const flag = polygon(true, [0, -2], [0, -12], [9, -9.5], [2, -6]);
const diamond = [
  [0, -6],
  [6, 0],
  [0, 6],
  [-6, 0],
] as const;

const byName: Readonly<Record<string, Glyph>> = {
  crash: cross,
  broke: cross,
  restart: rightward,
  resume: rightward,
  executed: square,
  checkpoint: polygon(false, ...diamond),
  stable: polygon(true, ...diamond),
  applied: () => {},
};

const byTopic: Readonly<Record<Topic, Glyph>> = {
  violation: cross,
  fault: polygon(true, [0, -6], [6, 5], [-6, 5]),
  lie: flag,
  view: upright,
  recovery: polygon(true, [-6, -4], [6, -4], [0, 6]),
  order: square,
  answer: check,
  timer: polygon(false, [-3.5, -14], [3.5, -14], [-3.5, -8], [3.5, -8]),
  dropped: strokes([-3, 12, 3, 18], [-3, 18, 3, 12]),
};

/** Fewer marks than this have words beside them; more than that many are small. */
const wordsMax = 160;
const largeMax = 500;

/** Draws a mark among so many, with its order or name beside it where there is room. */
export function drawMark(
  context: CanvasRenderingContext2D,
  mark: Mark,
  x: number,
  y: number,
  theme: Theme,
  among: number,
): void {
  context.strokeStyle = theme.topics[mark.topic];
  context.fillStyle = theme.topics[mark.topic];
  context.lineWidth = 1.8;
  const glyph = byName[mark.what] ?? byTopic[mark.topic];
  if (among > largeMax) {
    context.save();
    context.translate(x, y);
    context.scale(0.55, 0.55);
    glyph(context, 0, 0);
    context.restore();
    return;
  }
  glyph(context, x, y);
  if (among > wordsMax) return;
  const text = textOf(mark);
  if (text === "") return;
  context.font = "10px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(text, x, y + 20);
}

function textOf(mark: Mark): string {
  const order = mark.facts["order"];
  if (mark.what === "executed" && order !== undefined) return String(order);
  if (mark.topic === "fault" && mark.party !== null) return mark.what;
  return "";
}
