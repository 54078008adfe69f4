export type Child = Node | string;
/** An element with attributes and children. */
export declare function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name];
/** The page's element of this id. */
export declare function byId(id: string): HTMLElement;
/** The page's canvas of this id. */
export declare const canvasOf: (id: string) => HTMLCanvasElement;
