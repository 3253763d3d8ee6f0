// Vue 3: composables. They watch for as long as the component, or the effect scope, lives.
import { onScopeDispose, shallowRef, toValue, watch } from "vue";
import { connectionStore, presenceStore } from "./store.js";

function useStore(make) {
  const value = shallowRef();
  let off = () => {};
  const begin = (store) => {
    const before = off;
    off = store.subscribe(() => (value.value = store.get()));
    before(); // after the new watch, so that who is in both is not let go of
    value.value = store.get();
  };
  watch(make, begin, { immediate: true });
  onScopeDispose(() => off());
  return value;
}

/** A ref of the presence of one uid, or of an object uid -> presence of several; `uids` may be a ref or a getter. */
export const usePresence = (client, uids) => useStore(() => presenceStore(client, toValue(uids)));

/** A ref of {status, stale, feed} of the connection. */
export const useConnection = (client) => useStore(() => connectionStore(client));
