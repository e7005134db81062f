// Elements and their texts. Nothing here makes markup of text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child that is text becomes a text node, one that is none is left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same of SVG. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
}

/** Sets the text of an element that has nothing else in it, unless it is there. */
export function say(element, text) {
  const words = String(text);
  const node = element.firstChild;
  if (!node) {
    if (words !== "") element.append(words);
  } else if (node.data !== words) node.data = words;
}

/** Sets an attribute unless it is there; none removes it. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/** Shows or hides. */
export const show = (element, shown) => {
  if (element.hidden === shown) element.hidden = !shown;
};

export const byId = (id) => document.getElementById(id);

// Shapes on a grid of 16 by 16. What they tell is also told by their shape, not only by a color.
const SHAPES = {
  phone: "M4 1.5 6.5 5 5.2 6.8c.8 1.7 2.2 3.1 4 4L11 9.5l3.5 2.5-1.6 2.6C7.5 14.600 1.400 8.500 1.400 3.100Z",
  chat: "M2 2h12v9H7.500L4 14v-3H2Z",
  email: "M1 3h14v10H1Zm1.500 1.700L8 9l5.500-4.300Z",
  vmail: "M4.500 5a3 3 0 1 0 2.600 4.500h1.800A3 3 0 1 0 11.500 5a3 3 0 0 0-2.600 4.500H7.100A3 3 0 0 0 4.500 5Zm0 1.700a1.300 1.300 0 1 1 0 2.600 1.300 1.300 0 0 1 0-2.600Zm7 0a1.300 1.300 0 1 1 0 2.600 1.300 1.300 0 0 1 0-2.600Z",
  state0: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Z",
  state1: "M8 1.500 14.500 14H1.500Z",
  state2: "M2.500 2.500h11v11h-11Z",
  state3: "M8 1 15 8 8 15 1 8Z",
  state4: "M3 2h3.600v12H3Zm6.400 0H13v12H9.400Z",
  state5: "M1.500 6h13v4h-13Z",
  state9: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2.300a3.700 3.700 0 1 0 0 7.400 3.700 3.700 0 0 0 0-7.400Z",
  good: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm3.300 4L7 9.300 4.700 7.200 3.500 8.500 7.100 12l5.500-5.700Z",
  below: "M1.500 3h13L8 14.500Z",
  none: "M3 7h10v2H3Z",
  alarm: "M8 1 15.500 14.500H.500Zm-1 4.700.3 4.600h1.400L9 5.700Zm0 5.600v1.800h2v-1.800Z",
  play: "M4 2 13.500 8 4 14Z",
  pause: "M3 2h3.600v12H3Zm6.400 0H13v12H9.400Z",
  sound: "M1.500 5.500h3L8.500 2v12l-4-3.500h-3Zm9 0a3.500 3.500 0 0 1 0 5Zm0-3.200a6.200 6.200 0 0 1 0 11.400v-1.600a4.700 4.700 0 0 0 0-8.200Z",
  mute: "M1.500 5.500h3L8.500 2v12l-4-3.500h-3Zm8.800 1 1-1L12.700 7l1.500-1.500 1 1L13.700 8l1.500 1.500-1 1L12.700 9l-1.400 1.500-1-1L11.700 8Z",
  full: "M1.500 1.500H6v2H3.500V6h-2Zm8.500 0h4.500V6h-2V3.500H10Zm-8.500 8.500h2v2.500H6v2H1.500Zm11 0h2v4.500H10v-2h2.500Z",
  theme: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.800v10.400a5.200 5.200 0 0 0 0-10.400Z",
  gear: "M6.800 1h2.400l.4 1.900 1.300.6 1.700-1 1.600 1.700-1 1.600.5 1.300 1.800.5v2.300l-1.900.5-.5 1.300 1 1.600-1.700 1.600-1.600-1-1.300.5L9.200 15H6.800l-.5-1.900-1.300-.5-1.600 1-1.700-1.600 1-1.600-.5-1.300L.500 9V6.700l1.800-.4.6-1.300-1-1.700L3.500 1.700l1.600 1 1.300-.5ZM8 5.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z",
  help: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm-.9 9.800v1.700h1.800v-1.700Zm.1-1.100h1.600c0-1.500 2-1.700 2-3.600 0-1.600-1.200-2.600-2.800-2.600-1.700 0-2.800 1-2.900 2.700h1.700c0-.8.400-1.300 1.100-1.300s1.100.4 1.100 1.100c0 1.200-1.800 1.400-1.800 3.700Z",
  prior: "M10.500 2.500 12 4 8 8l4 4-1.500 1.500L5 8Z",
  next: "M5.500 2.500 4 4l4 4-4 4 1.500 1.500L11 8Z",
};

/** A shape, hidden from those who listen: its text stands beside it. */
export function icon(name) {
  const path = draw("path", { d: SHAPES[name] ?? SHAPES.none, "fill-rule": "evenodd" });
  return draw("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", "data-icon": name }, path);
}

/** Changes the shape of an icon. */
export function reshape(svg, name) {
  if (svg.dataset.icon === name) return;
  svg.dataset.icon = name;
  svg.firstChild.setAttribute("d", SHAPES[name] ?? SHAPES.none);
}

/** A button with an icon and a name that is shown where there is room. */
export function tool(id, shape, name, key) {
  const label = make("span", { class: "tool-name" }, name);
  return make("button", { type: "button", id, class: "tool", title: `${name} (${key})`, "aria-keyshortcuts": key },
    icon(shape), label);
}
