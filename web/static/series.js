// What the charts draw: changes a second and staleness over the last two minutes. Pure.

export const SECONDS = 120;
const AVERAGE_OVER = 10;

/** Changes a second. */
export class Rate {
  #buckets = new Array(SECONDS + 1).fill(0); // the last one is the second that is running
  #age = 0;

  hit() {
    this.#buckets[SECONDS]++;
  }

  /** Called once a second. */
  turn() {
    this.#buckets.shift();
    this.#buckets.push(0);
    this.#age++;
  }

  /** Over the last full seconds, at most ten. */
  get now() {
    const full = Math.min(this.#age, AVERAGE_OVER);
    if (full === 0) return 0;
    return this.#buckets.slice(-1 - full, -1).reduce((a, b) => a + b, 0) / full;
  }

  get values() {
    return this.#buckets.slice(0, -1);
  }
}

/**
 * How old what is shown may be, ms. While the page is current that is what the hub last said of its feed (as_of at the
 * time of the answer); while it is stale, the time since then, which grows. null where nobody has said anything yet.
 */
export class Age {
  asOf = null; // as the hub last said
  #lag = null;
  #values = new Array(SECONDS).fill(null);

  /** The hub has said that everybody was verified no earlier than asOf, `lag` ms ago; null where that is not known. */
  heard(asOf, lag) {
    if (!(asOf > 0)) return;
    this.asOf = asOf;
    this.#lag = lag;
  }

  /** Called once a second. `client` has `stale` and `asOf`. */
  turn({ stale, asOf }, now) {
    const age = stale ? asOf && Math.max(0, now - asOf) : this.#lag;
    this.#values.shift();
    this.#values.push(age ?? null);
  }

  get now() {
    return this.#values.at(-1);
  }

  get values() {
    return this.#values;
  }
}

/** A round number at or above the largest value and not far from it, for the top of a chart. */
export function niceTop(values, least) {
  const top = Math.max(least, ...values.map((v) => v ?? 0));
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 1.5, 2, 3, 5, 7.5, 10].find((n) => n * power >= top) * power;
}

/** Bars as the path of an SVG, one unit wide each, `height` high at `top`. */
export function bars(values, top, height) {
  const draw = (v, x) => (v > 0 ? `M${x} ${height}V${y(v, top, height)}h.7V${height}z` : "");
  return values.map(draw).join("");
}

/** A line as the path of an SVG; it breaks where there is no value. */
export function line(values, top, height) {
  let pen = "M";
  return values
    .map((v, x) => {
      if (v === null) return (pen = "M"), "";
      const step = `${pen}${x} ${y(v, top, height)}`;
      pen = "L";
      return step;
    })
    .join("");
}

const y = (v, top, height) => (height * (1 - Math.min(1, v / top))).toFixed(1);
