// Setting one's own presence, and what became of it in words.
import { byId, setText } from "./dom.js";
import { say, sayError } from "./texts.js";

export class Mine {
  #said = null; // what became of the last set: () => text

  /** By `client` where the hub knows who one is; a hub that asks nobody is told whom by `api`. */
  constructor(client, api) {
    this.client = client;
    this.api = api;
    this.el = byId("mine");
    byId("mine-open").addEventListener("click", () => this.#open());
    byId("mine-cancel").addEventListener("click", () => this.el.close());
    byId("mine-form").addEventListener("submit", (event) => (event.preventDefault(), this.#set()));
  }

  #open() {
    const known = this.client.uid !== "";
    byId("mine-who").hidden = known;
    byId("mine-uid").required = !known;
    this.#say(null);
    this.el.showModal();
  }

  async #set() {
    const presence = { resource: byId("mine-device").value.trim(), status: byId("mine-status").value.trim(), ext: byId("mine-ext").value };
    this.#say(() => say("mine.setting"), "busy");
    try {
      if (this.client.uid) await this.client.set(presence);
      else await this.api.set(byId("mine-uid").value.trim(), presence);
      this.#say(() => say("mine.done"), "done");
    } catch (err) {
      this.#say(() => sayError(err.code ?? "connect"), "failed");
    }
  }

  #say(text, state = "") {
    this.#said = text;
    byId("mine-said").dataset.state = state;
    this.speak();
  }

  speak() {
    const { uid } = this.client;
    setText(byId("mine-as"), uid ? say("mine.as", { uid }) : say("mine.open.hub"));
    setText(byId("mine-said"), this.#said?.() ?? "");
  }
}
