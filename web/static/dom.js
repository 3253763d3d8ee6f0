// The few things that every part of the page does to the DOM. Nothing here takes markup: text stays text.
import { say } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** What the page does not word itself, and no translator should touch: names, devices, texts, frames. */
export const asIs = (tag, text, attributes = {}) => element(tag, { translate: "no", ...attributes }, text);

export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

export function setAttribute(el, name, value) {
  if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

// attribute that names a text -> where the text goes; data-say is the content
const PLACES = { "data-say-label": "aria-label", "data-say-placeholder": "placeholder", "data-say-title": "title", "data-say-content": "content" };

/** Says everything that index.html names, in the language spoken. */
export function sayAll(root = document) {
  for (const el of root.querySelectorAll("[data-say]")) setText(el, say(el.dataset.say));
  for (const [named, place] of Object.entries(PLACES)) {
    for (const el of root.querySelectorAll(`[${named}]`)) el.setAttribute(place, say(el.getAttribute(named)));
  }
}

/** What was chosen before, or undefined: a browser that keeps nothing is no reason to fail. */
export function remembered(name) {
  try {
    return localStorage.getItem(`presence-${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`presence-${name}`, value);
  } catch {
    // then it is for this visit only
  }
}
