// An XMLHttpRequest over node:http: as much of one as the SDK uses. Events come in the order that the standard
// gives: readystatechange before error and timeout. What a handler throws goes to uncaught, as a browser
// gives it to window.onerror.
import http from "node:http"

export class XMLHttpRequest {
  static patience = 0 // ms; when set, takes the place of the page's own timeout
  static uncaught = (error) => { throw error }

  readyState = 0
  status = 0
  responseText = ""
  timeout = 0
  #method
  #url
  #headers = {}
  #request
  #timer

  get response() { return this.responseText }
  get responseURL() { return this.#url }
  toJSON() { return undefined } // the SDK hangs it on errors

  open(method, url) {
    if (new URL(url).hostname !== "127.0.0.1") throw new Error(`this test asks nobody but the emulator, not ${url}`)
    this.#method = method
    this.#url = url
    this.#to(1)
  }

  setRequestHeader(name, value) { this.#headers[name] = value }

  send(body) {
    const bytes = body == null ? null : Buffer.from(body)
    const headers = { ...this.#headers }
    if (bytes) headers["Content-Length"] = bytes.length // without it, Node loses the body of a DELETE
    this.#request = http.request(this.#url, { method: this.#method, headers, agent: false }, (r) => this.#receive(r))
    this.#request.on("error", () => this.#fail("onerror"))
    const patience = XMLHttpRequest.patience || this.timeout
    if (patience) this.#timer = setTimeout(() => this.#fail("ontimeout"), patience)
    this.#request.end(bytes)
  }

  #receive(response) {
    const parts = []
    response.on("data", (part) => parts.push(part))
    response.on("error", () => this.#fail("onerror")) // ended before its length
    response.on("end", () => {
      if (this.readyState === 4) return
      clearTimeout(this.#timer)
      this.status = response.statusCode
      this.responseText = Buffer.concat(parts).toString("utf8")
      this.#to(4)
    })
  }

  #fail(event) {
    if (this.readyState === 4) return
    clearTimeout(this.#timer)
    this.#to(4)
    this.#call(event)
    this.#request.destroy()
  }

  #to(state) {
    this.readyState = state
    this.#call("onreadystatechange")
  }

  #call(handler) {
    try {
      this[handler]?.()
    } catch (error) {
      XMLHttpRequest.uncaught(error)
    }
  }
}
