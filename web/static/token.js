// Asking for a token: it goes to whoever asked and stays in no field, address or storage.
import { byId, setText } from "./dom.js";
import { say } from "./texts.js";

const WHY = { 4401: "token.refused", 4403: "token.forbidden" };

/** Whether it may be a JWT: a slip of the clipboard is told here, without a round to the hub. Pure. */
export const looksLikeToken = (text) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** Why a token is asked for: `closeCode` of the connection that ended, whether it had a token, whether it had worked. */
export function whyKey({ closeCode, given, worked }) {
  if (!given) return "token.text";
  return worked && closeCode === 4401 ? "token.ended" : (WHY[closeCode] ?? "token.text");
}

export class TokenPrompt {
  #why = "token.text";

  constructor(onToken) {
    byId("token-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = byId("token").value.trim().replace(/^Bearer\s+/i, "");
      if (!looksLikeToken(token)) return this.#say("token.odd");
      byId("token").value = "";
      onToken(token);
    });
  }

  ask(why) {
    this.#say(whyKey(why));
    byId("token").focus();
  }

  #say(why) {
    this.#why = why;
    byId("token").setAttribute("aria-invalid", String(why !== "token.text"));
    this.speak();
  }

  speak() {
    setText(byId("token-why"), say(this.#why));
    byId("token-why").dataset.refused = String(this.#why !== "token.text");
  }
}
