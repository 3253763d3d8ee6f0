// The adapters in the real frameworks, over the installed package, against a real hub. Run by TestClientPackage.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createElement, StrictMode } from "react";
import { act, create } from "react-test-renderer";
import { effectScope, nextTick, ref } from "vue";
import { connect } from "presence-bridge-client";
import { usePresence, useConnection } from "presence-bridge-client/react";
import { usePresence as usePresenceRef, useConnection as useConnectionRef } from "presence-bridge-client/vue";
import { presence, connection } from "presence-bridge-client/svelte";
import { connect as share } from "presence-bridge-client/shared";
import { make, token, until } from "./support.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const client = connect({ url: `${process.env.HUB}/v1/ws`, token: () => token({ sub: "user-0001" }) });
after(() => client.close());
await until("it is open", () => client.status === "open");

const acting = (what, ok) => act(() => until(what, ok));

test("React: components share a subscription, and render what changes", async () => {
  let renders = 0;
  const One = ({ uid }) => (renders++, `${uid} ${usePresence(client, uid).state} ${usePresence(client, uid).ext};`);
  const Many = ({ uids }) => Object.values(usePresence(client, uids)).map((p) => `${p.uid} ${p.state};`).join("");
  const State = () => useConnection(client).status;
  const app = (uids) => createElement(StrictMode, null, createElement(One, { uid: uids[0] }), createElement(Many, { uids: [...uids] }), createElement(State));
  let root;
  await make("user-0011", { web: "1" }, "");
  await make("user-0012", { web: "0" }, "");
  await act(() => (root = create(app(["user-0011", "user-0012"]))));
  const shown = () => root.toJSON().join("");
  await acting("both are shown", () => shown() === "user-0011 online ;user-0011 online;user-0012 offline;open");
  await make("user-0011", { web: "0" }, "gone");
  await acting("the change is shown", () => shown() === "user-0011 offline gone;user-0011 offline;user-0012 offline;open");

  const before = renders;
  await act(() => root.update(app(["user-0011", "user-0012"])));
  assert.ok(renders - before <= 2, "an equal list is no news");
  await act(() => root.update(app(["user-0013", "user-0012"])));
  await acting("another user is shown", () => /^user-0013 (online|offline)/.test(shown()));
  await until("who is no longer shown is let go of", () => client.get("user-0011") === undefined);
  await act(() => root.unmount());
  await until("nor is anybody when it is gone", () => client.presences.size === 0);
});

test("Vue: a ref that follows, for as long as its scope", async () => {
  const scope = effectScope();
  const uids = ref(["user-0014"]);
  const { people, one, state } = scope.run(() => ({ people: usePresenceRef(client, uids), one: usePresenceRef(client, () => uids.value[0]), state: useConnectionRef(client) }));
  assert.equal(one.value.state, "unknown");
  await make("user-0014", { web: "1" }, "vue");
  await until("it is known", () => people.value["user-0014"].ext === "vue" && one.value.ext === "vue");
  assert.equal(state.value.status, "open");
  uids.value = ["user-0015", "user-0014"];
  await nextTick();
  assert.equal(people.value["user-0014"].ext, "vue", "who is in both stays");
  await until("the other is known", () => people.value["user-0015"].known && one.value.uid === "user-0015" && one.value.known);
  scope.stop();
  await until("all are let go of", () => client.presences.size === 0);
});

test("Svelte: the contract of a store", async () => {
  const seen = [];
  const offs = [presence(client, ["user-0016"]).subscribe((v) => seen.push(v["user-0016"].state)), connection(client).subscribe((v) => assert.equal(v.status, "open"))];
  await make("user-0016", { web: "1" }, "svelte");
  await until("it is online", () => seen.at(-1) === "online");
  assert.equal(seen[0], "unknown");
  for (const off of offs) off();
});

test("where there are no shared workers, sharing is a plain client", async () => {
  const alone = share({ url: `${process.env.HUB}/v1/ws`, token: token({ sub: "user-0001" }) });
  await until("it is open", () => alone.status === "open");
  alone.close();
});
