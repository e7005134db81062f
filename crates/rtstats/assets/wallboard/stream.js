// The live feed: one request whose answer never ends, read as Server-Sent Events. Reconnects by itself and goes on where
// it was. The browser's own EventSource hides why a stream is refused; people who look at a dead screen must be told.

/** Reads Server-Sent Events out of pieces of text: `push` gives the events that a piece completes. */
export class Parser {
  #rest = "";
  #event = { name: "", data: [], id: undefined };

  push(text) {
    const events = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line === "") this.#end(events);
      else this.#field(line);
    }
    return events;
  }

  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event.name = value;
    else if (name === "data") this.#event.data.push(value);
    else if (name === "id") this.#event.id = value;
  }

  #end(events) {
    const { name, data, id } = this.#event;
    this.#event = { name: "", data: [], id: undefined };
    if (data.length > 0) events.push({ name: name || "message", data: data.join("\n"), id });
  }
}

/** Where a connection stands. */
export const Link = Object.freeze({
  opening: "opening",
  open: "open",
  lost: "lost",
  refused: "refused",
  busy: "busy",
});

/** Waits after failures in a row: at first as the server asks, then longer. */
export const retryMs = (failures) => Math.min(2_000 * 2 ** Math.min(Math.max(failures - 1, 0), 4), 15_000);

/** No bytes for so long, and the connection is given up: the server sends something every 2.5 s. */
const SILENT_MS = 10_000;

/**
 * A feed at `url`. `hear(event)` is told each event, its data parsed; `changed()` that `link`, `retryAt` or `reason`
 * is another; `opened(date, sent)` the server's `Date` as an answer begins, NaN where it
 * has none, and when that was asked for.
 */
export class Feed {
  link = Link.opening;
  /** When it is tried again, by `performance.now()`. */
  retryAt = 0;
  /** Why it ended: the reason of a `bye`, or the status of a refusal. */
  reason = "";
  #url;
  #hear;
  #changed;
  #opened;
  #last;
  #failures = 0;
  #heardAt = 0;
  #timer;
  #abort;
  #trying = false;

  constructor(url, hear, changed, opened) {
    this.#url = url;
    this.#hear = hear;
    this.#changed = changed;
    this.#opened = opened;
  }

  /** Opens the stream now, whatever was waited for. */
  open() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#heardAt = performance.now();
    this.#trying = true;
    this.#set(Link.opening);
    this.#run(abort).then(
      () => this.#lost(abort),
      () => this.#lost(abort),
    );
  }

  /** Gives a stream up in which nothing comes. To be called once a second. */
  watch() {
    if (this.#trying) {
      if (performance.now() - this.#heardAt > SILENT_MS) this.#abort.abort();
      return;
    }
    // Timers of a hidden or sleeping page may come late by far.
    if (this.link !== Link.refused && performance.now() > this.retryAt + 1_000) this.open();
  }

  async #run(abort) {
    const headers = { Accept: "text/event-stream" };
    if (this.#last !== undefined) headers["Last-Event-ID"] = this.#last;
    const options = { headers, signal: abort.signal, cache: "no-store", credentials: "same-origin" };
    const sent = performance.now();
    const answer = await fetch(this.#url, options);
    if (answer.redirected || !answer.ok || !/event-stream/.test(answer.headers.get("content-type") ?? "")) {
      abort.abort();
      return this.#refused(answer);
    }
    this.#heardAt = performance.now();
    this.#opened(Date.parse(answer.headers.get("date") ?? ""), sent);
    const parser = new Parser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.#heardAt = performance.now();
      for (const event of parser.push(value)) this.#take(event, abort);
    }
  }

  #take(event, abort) {
    if (event.name === "bye") {
      this.reason = JSON.parse(event.data).reason;
      if (this.reason === "revoked") this.#refused({ status: "revoked" });
      abort.abort();
      return;
    }
    if (event.name !== "full" && event.name !== "change" && event.name !== "trend") return;
    // A frame that can't be taken is not gone on from: the whole table comes then.
    const last = event.id ?? this.#last;
    this.#last = undefined;
    this.#hear(event.name, JSON.parse(event.data));
    this.#last = last;
    this.#failures = 0;
    if (this.link !== Link.open) {
      this.reason = "";
      this.#set(Link.open);
    }
  }

  #refused({ status, redirected }) {
    this.reason = redirected ? 401 : status;
    if ([401, 403, "revoked"].includes(this.reason)) this.#set(Link.refused);
    else this.#set(Link.busy);
  }

  #lost(abort) {
    if (this.#abort !== abort) return;
    this.#trying = false;
    clearTimeout(this.#timer);
    // Asked again it would be refused again, and the browser might ask for a password.
    if (this.link === Link.refused) return;
    this.#failures += 1;
    const wait = retryMs(this.#failures);
    // Many screens that lost one server don't all come back in one moment.
    this.retryAt = performance.now() + wait * (0.85 + Math.random() * 0.3);
    this.#timer = setTimeout(() => this.open(), this.retryAt - performance.now());
    if (this.link === Link.open || this.link === Link.opening) this.#set(Link.lost);
    else this.#changed();
  }

  #set(link) {
    // While it is tried again, what is shown stays: why it was lost.
    if (link === Link.opening && this.link !== Link.open) return;
    this.link = link;
    this.#changed();
  }
}
