// Wheel, drag, pinch and keys, as three motions: move, zoom around a place, and point at a place.

export interface Motions {
  /** By so many pixels to the right. */
  move(pixels: number): void;
  /** Makes things so many times as wide, around a place. */
  zoom(factor: number, x: number): void;
  /** The pointer is here; null if it has left. */
  point(place: { readonly x: number; readonly y: number } | null): void;
  /** A click or a tap. */
  choose(x: number, y: number): void;
}

/** A pointer that moved less than this was a click. */
const clickMax = 5;

export function followGestures(canvas: HTMLCanvasElement, motions: Motions): void {
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const pixels = event.deltaMode === 0 ? 1 : 30;
      if (isSideways) motions.move(-(event.deltaX || event.deltaY) * pixels);
      else motions.zoom(Math.exp(-event.deltaY * pixels * 0.002), event.offsetX);
    },
    { passive: false },
  );
  followPointers(canvas, motions);
}

function followPointers(canvas: HTMLCanvasElement, motions: Motions): void {
  const pointers = new Map<number, { x: number; y: number }>();
  let travelled = 0;
  const place = (event: PointerEvent) => ({ x: event.offsetX, y: event.offsetY });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    travelled = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = place(event);
    if (before === undefined) return motions.point(now);
    const others = [...pointers].filter(([id]) => id !== event.pointerId);
    pointers.set(event.pointerId, now);
    travelled += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    const other = others[0]?.[1];
    if (other === undefined) {
      if (travelled > clickMax) motions.move(now.x - before.x);
      return;
    }
    const spread = (at: { x: number; y: number }) =>
      Math.max(12, Math.hypot(at.x - other.x, at.y - other.y));
    motions.zoom(spread(now) / spread(before), (now.x + other.x) / 2);
    motions.move((now.x - before.x) / 2);
  });
  const end = (event: PointerEvent, isClick: boolean) => {
    const at = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    if (isClick && at !== undefined && travelled <= clickMax) motions.choose(at.x, at.y);
  };
  canvas.addEventListener("pointerup", (event) => end(event, true));
  canvas.addEventListener("pointercancel", (event) => end(event, false));
  canvas.addEventListener("pointerleave", () => motions.point(null));
}
