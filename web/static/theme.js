// Dark or light: as the system has it until somebody says otherwise.
import { byId, remember, remembered } from "./dom.js";
import { say } from "./texts.js";

const THEMES = ["auto", "light", "dark"];

/** The one after this, in turn. Pure. */
export const nextTheme = (theme) => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];

export class Theme {
  constructor() {
    const before = remembered("theme");
    this.name = THEMES.includes(before) ? before : "auto";
    byId("theme").addEventListener("click", () => this.choose(nextTheme(this.name)));
    this.choose(this.name);
  }

  choose(name) {
    this.name = name;
    remember("theme", name);
    document.documentElement.dataset.theme = name;
    this.speak();
  }

  speak() {
    byId("theme-icon").setAttribute("href", `#icon-theme-${this.name}`);
    byId("theme").setAttribute("aria-label", say(`theme.${this.name}`));
    byId("theme").title = say(`theme.${this.name}`);
  }
}
