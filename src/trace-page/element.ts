// Makes elements of the page; text is never read as HTML.

export type Child = Node | string;

/** An element with attributes and children. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The page's element of this id. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
}

/** The page's canvas of this id. */
export const canvasOf = (id: string): HTMLCanvasElement => byId(id) as HTMLCanvasElement;
