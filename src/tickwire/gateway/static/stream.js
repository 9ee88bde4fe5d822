// One connection to the gateway that comes back by itself.
//
// A browser's EventSource does most of it: it reconnects and says where it was (Last-Event-ID).
// Left to do here: it gives up for good when an answer is not a stream (a refusal, a proxy's 502
// while the gateway restarts), and it does not see that the other end is gone without a word. The
// gateway's heartbeats tell a dead line from a quiet one.

const SLOWEST_MS = 10_000;
const FIRST_MS = 500;
const BEATS = 2; // that may be missed
const LATE_MS = 1000;
const LOOK_MS = 500;

export class LiveStream {
  /**
   * @param url gives the address; asked again for each new EventSource, with the last id
   * @param handlers message(data, id), told(name, data), state("connecting" | "open" | "lost"),
   *   refused(url): what was answered is no stream
   */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    this.lastId = null;
    this.failures = 0;
    this.beatMs = 15_000;
    this.isLost = false;
    this.timer = 0;
    this.watch = 0;
    this.source = null;
    this.open();
  }

  open() {
    this.drop();
    // What is lost stays so until something comes.
    if (!this.isLost) this.handlers.state("connecting");
    const address = this.url(this.lastId);
    const source = new EventSource(address);
    this.source = source;
    this.hear();
    this.watch = setInterval(() => this.look(), LOOK_MS);
    source.onopen = () => {
      this.hear();
      this.failures = 0;
      this.isLost = false;
      this.handlers.state("open");
    };
    source.onmessage = (event) => {
      this.hear();
      this.lastId = event.lastEventId || this.lastId;
      this.handlers.message(JSON.parse(event.data), event.lastEventId);
    };
    for (const name of ["status", "dropped", "reset"]) {
      source.addEventListener(name, (event) => {
        this.hear();
        this.handlers.told(name, JSON.parse(event.data));
      });
    }
    source.addEventListener("heartbeat", (event) => {
      this.hear();
      this.beatMs = JSON.parse(event.data).seconds * 1000;
    });
    source.onerror = () => {
      this.lose();
      if (source.readyState === EventSource.CLOSED) {
        this.later();
        this.handlers.refused(address);
      }
    };
  }

  hear() {
    this.heardMs = performance.now();
  }

  lose() {
    this.isLost = true;
    this.handlers.state("lost");
  }

  /** Whether anything has come for so long that the line must be dead. */
  look() {
    if (this.source?.readyState === EventSource.CLOSED) return; // which is tried again anyway
    if (performance.now() - this.heardMs <= BEATS * this.beatMs + LATE_MS) return;
    this.lose();
    this.open();
  }

  later() {
    const wait = Math.min(SLOWEST_MS, FIRST_MS * 2 ** this.failures++);
    clearTimeout(this.timer);
    // Not all pages at the same moment.
    this.timer = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
  }

  /** There is a network again: what is not open is tried now. */
  retry() {
    if (this.source?.readyState !== EventSource.OPEN) this.open();
  }

  drop() {
    clearTimeout(this.timer);
    clearInterval(this.watch);
    this.source?.close();
    this.source = null;
  }
}
