// Which rows of a long list are worth having in the page. Pure.

/** Rows beyond the edges, so that a quick scroll finds something there. */
export const SPARE = 6;

/**
 * The rows from `first` to before `last` that are in sight.
 * @param {{top: number, height: number, row: number, count: number}} view where the list begins above the upper edge
 *   of what is seen, how much is seen, how high a row is (px each), how many rows there are
 */
export function rowsInSight({ top, height, row, count }) {
  const first = Math.max(0, Math.min(count, Math.floor(top / row) - SPARE));
  const last = Math.max(first, Math.min(count, Math.ceil((top + height) / row) + SPARE));
  return { first, last };
}

/** How far to scroll, px, so that a row is wholly in sight: 0 where it is. `under` is covered at the upper edge. */
export function scrollBy(index, { top, height, row }, under = 0) {
  const above = index * row - top - under;
  if (above < 0) return above;
  return Math.max(0, (index + 1) * row - top - height);
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/** Which row a key goes to; null for a key that goes nowhere. `at` is -1 while none was chosen. */
export function stepTo(key, at, count) {
  if (!Object.hasOwn(STEPS, key) || count === 0) return null;
  return Math.max(0, Math.min(count - 1, at < 0 && key === "ArrowUp" ? count - 1 : at + STEPS[key]));
}
