// The strip below the diagram: how busy the whole run is, what went wrong where, and which part is
// seen. Dragging on it moves there.

import type { Window } from "./drawing.js";
import type { Shown } from "./filter.js";
import type { Model } from "./model.js";
import type { TimeScale } from "./scale.js";
import type { Theme } from "./theme.js";

/** Draws the strip over the same columns as the diagram above it. */
export function drawOverview(
  canvas: HTMLCanvasElement,
  model: Model,
  scale: TimeScale,
  window: Window,
  shown: Shown,
  theme: Theme,
): void {
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d")!;
  context.scale(devicePixelRatio, devicePixelRatio);
  const x = (ms: number): number => (scale.units(ms) / scale.length) * width;

  for (const { fromMs, untilMs } of model.cuts) {
    context.fillStyle = theme.bad;
    context.globalAlpha = 0.12;
    context.fillRect(x(fromMs), 0, Math.max(1, x(untilMs) - x(fromMs)), height);
  }
  const columns = new Uint32Array(Math.ceil(width / 2) + 1);
  for (const arrow of model.arrows) {
    if (shown.arrows[arrow.index] === 1) columns[Math.floor(x(arrow.sentMs) / 2)]!++;
  }
  const most = Math.max(1, ...columns);
  context.globalAlpha = 0.7;
  context.fillStyle = theme.accent;
  columns.forEach((count, column) => {
    const tall = Math.sqrt(count / most) * (height - 8);
    context.fillRect(column * 2, height - tall, 1.6, tall);
  });
  context.globalAlpha = 1;
  for (const mark of model.marks) {
    if (shown.marks[mark.index] !== 1 || !/violation|fault|view/.test(mark.topic)) continue;
    context.fillStyle = theme.topics[mark.topic];
    const isViolation = mark.topic === "violation";
    context.fillRect(x(mark.atMs) - 1, 0, isViolation ? 3 : 2, isViolation ? height : 5);
  }
  const left = (window.from / scale.length) * width;
  const right = (window.to / scale.length) * width;
  context.fillStyle = theme.background;
  context.globalAlpha = 0.6;
  context.fillRect(0, 0, left, height);
  context.fillRect(right, 0, width - right, height);
  context.globalAlpha = 1;
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  context.strokeRect(left, 0.75, Math.max(3, right - left), height - 1.5);
}
