// Runs the vendor's web SDK as a page would, one call for each line on standard input, and says on standard output
// what became of it.
//
//   in:  {"url":"http://127.0.0.1:1","context":{...},"app_id":false,"call":"publishPresence",
//         "args":{...},"patience_ms":0}
//   out: {"returned":...} | {"nothing":true} | {"thrown":{...}} | {"unsettled":"SyntaxError: ..."}
//
// unsettled: the SDK threw in a handler of its own, so that its promise is pending for ever.
import { createInterface } from "node:readline"
import { XMLHttpRequest } from "./xhr.mjs"

class WebSocket {} // the SDK takes a place that has one for a browser; it is never opened

const memory = new Map()
const localStorage = {
  getItem: (key) => memory.get(key) ?? null,
  setItem: (key, value) => memory.set(key, String(value)),
  removeItem: (key) => memory.delete(key),
}
const browser = {
  window: globalThis,
  self: globalThis,
  navigator: { userAgent: "presence-bridge", platform: "test", onLine: true },
  location: { protocol: "http:", hostname: "127.0.0.1", href: "http://127.0.0.1/" },
  localStorage,
  sessionStorage: localStorage,
  addEventListener() {},
  removeEventListener() {},
  WebSocket,
  XMLHttpRequest,
}
for (const [name, value] of Object.entries(browser))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
for (const level of ["log", "info", "debug", "warn", "error"]) console[level] = () => {} // the SDK's own log

const { default: sdk } = await import("easemob-websdk")

// connect is a connection that believes itself logged in.
function connect({ url, context, app_id }) {
  const connection = new sdk.connection({ appKey: "org1#app1", apiUrl: url, url: "ws://127.0.0.1:1", isHttpDNS: false })
  connection._initWithAppId = app_id
  const { clientResource, ...rest } = context
  Object.assign(connection.context, rest, { jid: { clientResource } })
  return connection
}

function described(thrown) {
  if (!(thrown instanceof Error)) return thrown
  return { name: thrown.name, message: thrown.message, ...thrown }
}

async function outcome(step) {
  XMLHttpRequest.patience = step.patience_ms
  try {
    const returned = await connect(step)[step.call](step.args)
    return returned === undefined ? { nothing: true } : { returned }
  } catch (thrown) {
    return { thrown: described(thrown) }
  }
}

// uncaught resolves when a handler of the SDK has thrown; a promise that it settled before is settled first.
const uncaught = () =>
  new Promise((resolve) => {
    XMLHttpRequest.uncaught = (error) => setImmediate(() => resolve({ unsettled: String(error) }))
  })

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line)
  process.stdout.write(JSON.stringify(await Promise.race([uncaught(), outcome(step)])) + "\n")
}
process.exit(0) // whatever timers the SDK has left
