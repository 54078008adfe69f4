// Makes elements of the page; text is never read as HTML.
/** An element with attributes and children. */
export function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    made.append(...children);
    return made;
}
/** The page's element of this id. */
export function byId(id) {
    return document.getElementById(id);
}
/** The page's canvas of this id. */
export const canvasOf = (id) => byId(id);
//# sourceMappingURL=element.js.map