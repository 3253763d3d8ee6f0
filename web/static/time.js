// Times in words, in the language spoken and the reader's time zone. Pure but for these two.
import { say, tag } from "./texts.js";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

const parts = (ms) => {
  const [name, size] = UNITS.find(([, size]) => ms >= size) ?? UNITS.at(-1);
  return { n: Math.floor(ms / size), unit: say(`unit.${name}`) };
};

/** "12 s": how long something takes, rounded down. */
export const span = (ms) => say("span", parts(Math.max(0, ms)));

/** "12 s ago"; clocks that disagree by a little never make it the future. */
export const ago = (then, now) => (now - then < 1500 ? say("when.now") : say("when.ago", parts(now - then)));

const two = (n) => String(n).padStart(2, "0");

/** "14:03:22" */
export function clock(ms) {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(":");
}

/** "14:03:22.071", for those who read a protocol. */
export const fineClock = (ms) => `${clock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;

const date = (ms) => {
  const d = new Date(ms);
  return [d.getFullYear(), two(d.getMonth() + 1), two(d.getDate())].join("-");
};

/** "2026-01-02 14:03:22": exact, and alike in every language. */
export const moment = (ms) => `${date(ms)} ${clock(ms)}`;

/** As short as it is clear: "14:03:22" on the day of now, and with the date on another. */
export const shortMoment = (ms, now) => (date(ms) === date(now) ? clock(ms) : moment(ms));

/** "14:03" today, "Jan 2, 14:03" on another day, "Jan 2, 2025" in another year. */
export function sinceWord(then, now) {
  const time = clock(then).slice(0, 5);
  if (date(then) === date(now)) return time;
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  const year = sameYear ? {} : { year: "numeric" };
  const day = new Intl.DateTimeFormat(tag(), { month: "short", day: "numeric", ...year }).format(then);
  return sameYear ? `${day} ${time}` : day;
}
