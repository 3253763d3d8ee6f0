// The wire as it flows: listens to what goes over a connection, both ways, and keeps the last of it. Pure but for time.

const KEEP = 100; // frames
const FEW = 4; // of a type; how a connection begins is worth seeing long after
const MOST = 4000; // characters kept of each
const utf8 = new TextEncoder();
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

/** A frame without its token: no screenshot or shared screen should give one away. */
export function redact(text, hidden) {
  const short = text.length > MOST ? text.slice(0, MOST) : text;
  return short.replace(/("token"\s*:\s*)"[^"]*"?/g, (_, name) => name + JSON.stringify(hidden)).replace(JWT, hidden);
}

const typeOf = (text) => /"type"\s*:\s*"(\w+)"/.exec(text.slice(0, 200))?.[1] ?? "";

/** The last frames, newest last; bounded however long one watches or pauses. */
export class Tap {
  frames = []; // {n, way: "in"|"out"|"here", at, type, size, cut, text}, `size` in bytes
  paused = false;
  missed = 0; // while paused
  hidden = "•••";
  onFrame = () => {};
  #n = 0;

  hear(way, data, type, now = Date.now()) {
    const whole = String(data);
    if (this.paused) this.missed++;
    else {
      const text = redact(whole, this.hidden);
      const size = utf8.encode(whole).length;
      this.frames.push({ n: ++this.#n, way, at: now, type: type ?? typeOf(text), size, cut: whole.length > MOST, text });
      if (this.frames.length > KEEP) this.#drop();
    }
    this.onFrame();
  }

  /** The oldest of a type there is plenty of goes first. */
  #drop() {
    const plenty = this.frames.findIndex(({ type }) => this.frames.filter((frame) => frame.type === type).length > FEW);
    this.frames.splice(Math.max(0, plenty), 1);
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) this.missed = 0;
  }

  clear() {
    this.frames = [];
    this.missed = 0;
  }
}

/** A socket like `Socket` whose frames are heard. Of a WebSocket, and of what stands in where those are blocked. */
export function tapped(Socket, tap) {
  return class extends Socket {
    constructor(...args) {
      super(...args);
      if (!this.addEventListener) return void listenAt(this, tap);
      this.addEventListener("open", () => tap.hear("here", "", "open"));
      this.addEventListener("message", ({ data }) => tap.hear("in", data));
      this.addEventListener("close", ({ code }) => tap.hear("here", String(code), "close"));
    }

    send(data) {
      tap.hear("out", data);
      super.send(data);
    }
  };
}

/** What has no events but handlers that are set: each is heard on its way. */
function listenAt(socket, tap) {
  const hears = { onmessage: ({ data }) => tap.hear("in", data), onclose: ({ code }) => tap.hear("here", String(code), "close") };
  for (const [name, hear] of Object.entries(hears)) {
    let handler = socket[name];
    const call = (event) => (hear(event), handler?.call(socket, event));
    Object.defineProperty(socket, name, { get: () => handler && call, set: (f) => (handler = f) });
  }
}
