// Devices as people can read them. The vendor's keys are a kind with a suffix: android, ios_1, web_3, win_8ea5dc05-…
// Pure.

const KINDS = [
  ["android", /^android/],
  ["ios", /^(ios|iphone|ipad|apple)/],
  ["web", /^web/],
  ["mac", /^(mac|osx|darwin)/],
  ["win", /^win/],
  ["linux", /^linux/],
  ["desktop", /^(pc|desktop)/],
  ["mini", /^(mini|wechat|wx|applet)/],
  ["phone", /^(mobile|phone|harmony)/],
];

/** Which picture stands for a device: icon-<kind> in the page. */
export const deviceKind = (device) => KINDS.find(([, pattern]) => pattern.test(device.toLowerCase()))?.[0] ?? "other";

const SHORT_ENOUGH = 12;

/**
 * A device's id as people can read it: the platform and a few characters that tell two apart, as in
 * "win · 8ea5" for win_8ea5dc05-37dd-… and "chrome · 0829" for webim_chrome_1700849740829.
 * Short ids stay as they are.
 */
export function deviceLabel(device) {
  const chars = [...device];
  if (chars.length <= SHORT_ENOUGH) return device;
  const [first, ...rest] = device.split("_").filter(Boolean);
  if (rest.length === 0 || !/^[a-z]{1,12}$/i.test(first)) return `${chars.slice(0, SHORT_ENOUGH - 1).join("")}…`;
  const last = rest.at(-1);
  if (/^webim$/i.test(first)) {
    const browser = rest.filter((word) => /^[a-z]{1,12}$/i.test(word) && word !== "random").at(-1) ?? "web";
    return /\d/.test(last) ? `${browser} · ${few(last)}` : browser;
  }
  return `${first} · ${few(rest.join("_"))}`;
}

/** The end of a number, for those drawn from a clock begin alike; the beginning of anything else. */
function few(id) {
  if (/^\d+$/.test(id)) return id.slice(-4);
  const word = id.split(/[^\p{L}\p{N}]+/u).find(Boolean) ?? id;
  return [...word].slice(0, /\d/.test(word) ? 4 : 8).join("");
}

/** Devices of a status (device -> status), those that are not offline first, then by name. */
export const inOrder = (status) =>
  Object.keys(status).sort((a, b) => (status[a] === "0") - (status[b] === "0") || (a < b ? -1 : 1));

const CHIPS = 3;

/**
 * Which devices have room in a row: whatever is not offline, then offline ones, up to three in all; of the others
 * only their number is told, and never of just one of them.
 * @returns {{shown: string[], folded: string[]}}
 */
export function foldDevices(status) {
  const devices = inOrder(status);
  const on = devices.filter((d) => status[d] !== "0").length;
  const keep = devices.length <= CHIPS ? devices.length : Math.max(on, CHIPS - 1);
  const all = devices.length - keep < 2;
  return { shown: all ? devices : devices.slice(0, keep), folded: all ? [] : devices.slice(keep) };
}
