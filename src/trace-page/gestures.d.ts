export interface Motions {
  /** By so many pixels to the right. */
  move(pixels: number): void;
  /** Makes things so many times as wide, around a place. */
  zoom(factor: number, x: number): void;
  /** The pointer is here; null if it has left. */
  point(
    place: {
      readonly x: number;
      readonly y: number;
    } | null,
  ): void;
  /** A click or a tap. */
  choose(x: number, y: number): void;
}
export declare function followGestures(canvas: HTMLCanvasElement, motions: Motions): void;
