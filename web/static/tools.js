// Search, filter, order, and what stands beside the list: whatever one chooses, by mouse or by key.
import { byId } from "./dom.js";

/** `onView` hears what to show whenever that changes: {show, search, sort}. */
export function wireTools(onView) {
  const view = { show: "all", search: byId("search").value, sort: "online" };
  const change = (part) => onView(Object.assign(view, part));
  byId("search").addEventListener("input", ({ target }) => change({ search: target.value }));
  for (const radio of document.querySelectorAll("[name=sort], [name=show]")) {
    if (radio.checked) view[radio.name] = radio.value; // a reload keeps what was chosen
    radio.addEventListener("change", () => change({ [radio.name]: radio.value }));
  }
  wireSlash();
  change({});
}

/** "/" goes to the search, as people know it from elsewhere. */
function wireSlash() {
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, textarea, select") || document.querySelector("dialog:modal");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    byId("search").focus();
  });
}

/** Of the views beside the list, shows the one that was chosen. */
export function wireAside(onShow) {
  const show = (name) => {
    for (const view of document.querySelectorAll("[data-aside]")) view.hidden = view.dataset.aside !== name;
    onShow(name);
  };
  for (const radio of document.querySelectorAll("[name=aside]")) {
    if (radio.checked) show(radio.value);
    radio.addEventListener("change", () => show(radio.value));
  }
  wirePlaces(show);
}

/** Where there is no room beside the list, one of the three is seen at a time. */
function wirePlaces(show) {
  const go = (place) => {
    document.body.dataset.place = place;
    if (place !== "people") show(place);
    scrollTo({ top: 0, behavior: "instant" });
  };
  for (const radio of document.querySelectorAll("[name=place]")) {
    if (radio.checked && radio.value !== "people") go(radio.value);
    radio.addEventListener("change", () => go(radio.value));
  }
}
