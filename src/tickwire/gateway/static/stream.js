// One connection to the gateway that comes back by itself.
//
// A browser's EventSource does most of it: it reconnects and says where it was (Last-Event-ID).
// Left to do here: it gives up for good when an answer is not a stream (a proxy's 502 while the
// gateway restarts), and it does not see that the other end is gone without a word.

const SLOWEST_MS = 10_000;
const FIRST_MS = 500;

export class LiveStream {
  /**
   * @param url gives the address; asked again for each new EventSource, with the last id
   * @param handlers message(data), told(name, data), state("connecting" | "open" | "lost")
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.lastId = null;
    this.failures = 0;
    this.timer = 0;
    this.source = null;
    this.open();
  }

  open() {
    this.drop();
    this.handlers.state("connecting");
    const source = new EventSource(this.url(this.lastId));
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.handlers.state("open");
    };
    source.onmessage = (event) => {
      this.lastId = event.lastEventId || this.lastId;
      this.handlers.message(JSON.parse(event.data));
    };
    for (const name of ["status", "dropped", "reset"]) {
      source.addEventListener(name, (event) => this.handlers.told(name, JSON.parse(event.data)));
    }
    source.onerror = () => {
      this.handlers.state("lost");
      if (source.readyState === EventSource.CLOSED) this.later();
    };
  }

  later() {
    const wait = Math.min(SLOWEST_MS, FIRST_MS * 2 ** this.failures++);
    clearTimeout(this.timer);
    // Not all pages at the same moment.
    this.timer = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
  }

  /** Somebody knows that the gateway answers: what is not open is tried now. */
  retry() {
    if (this.source === null || this.source.readyState !== EventSource.OPEN) this.open();
  }

  drop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
