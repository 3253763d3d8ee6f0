// The two charts. They move in steps of a second and no other way, so nobody has to ask for less motion.
import { byId, setAttribute, setText } from "./dom.js";
import { bars, line, niceTop } from "./series.js";
import { count, say } from "./texts.js";
import { span } from "./time.js";

const HEIGHT = 40; // of the drawing, in its own units
const LEAST_AGE_MS = 5000;

function draw(name, { path, now, most }) {
  setAttribute(byId(`${name}-path`), "d", path);
  setText(byId(`${name}-now`), now);
  setText(byId(`${name}-top`), say("chart.peak", { n: most }));
  setAttribute(byId(`${name}-chart`), "aria-label", say(`chart.${name}.alt`, { now, top: most }));
}

const oneDigit = (n) => (n < 10 ? n.toFixed(1) : count(Math.round(n)));

export function drawRate(rate) {
  const top = niceTop(rate.values, 5);
  draw("rate", { path: bars(rate.values, top, HEIGHT), now: oneDigit(rate.now), most: count(Math.max(0, ...rate.values)) });
}

const short = (ms) => (ms === null ? "–" : ms < 10_000 ? say("span", { n: (ms / 1000).toFixed(1), unit: say("unit.s") }) : span(ms));

export function drawAge(age, stale) {
  const values = age.values;
  const top = niceTop(values, LEAST_AGE_MS);
  draw("age", { path: line(values, top, HEIGHT), now: short(age.now), most: short(Math.max(0, ...values.map((v) => v ?? 0))) });
  byId("age").dataset.stale = String(stale);
}
