// The page: which language, which theme, whom to show.
import { Api } from "./api.js";
import { byId, remember, remembered, sayAll } from "./dom.js";
import { notice } from "./header.js";
import { Live } from "./live.js";
import { TAGS, language, pickLanguage, say, speak, tag } from "./texts.js";
import { Theme } from "./theme.js";
import { parseUids } from "./uids.js";

const view = (name) => (document.body.dataset.view = name);
let live = null;

function speakIn(lang) {
  speak(lang);
  document.documentElement.lang = tag();
  sayAll();
  byId("language").lang = TAGS[lang === "en" ? "zh" : "en"]; // the other one is offered in its own words
  byId("title").textContent = document.title = say("title");
  theme.speak();
  live?.speak();
}

/** The address decides, then the hub's own page.json; neither is a reason to fail. */
async function whomToShow(api) {
  const settings = await api.ask("page.json").catch(() => ({}));
  const asked = new URLSearchParams(location.search).get("uids");
  return { uids: parseUids(asked || (settings.uids ?? []).join(",")), auth: settings.auth === true };
}

const theme = new Theme();
speakIn(pickLanguage([remembered("language") ?? "", ...navigator.languages]));
byId("language").addEventListener("click", () => {
  const lang = language() === "en" ? "zh" : "en";
  remember("language", lang);
  speakIn(lang);
});
byId("notice-close").addEventListener("click", () => notice());

const api = new Api();
const settings = await whomToShow(api);
view(settings.uids.length > 0 ? "board" : "setup");
if (settings.uids.length > 0) live = new Live({ ...settings, api, onView: view });
else byId("setup-uids").focus();
