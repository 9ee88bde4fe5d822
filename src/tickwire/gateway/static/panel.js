// The connection panel: where things stand, how fast they come, and what has become of the
// connections.

import { Sample, clock, milliseconds, put, whole } from "./format.js";

const NEWS_KEPT = 30;
const DASH = "–";

/** One piece of news as a sentence. */
export function sentence(data) {
  const seconds = (value) => milliseconds(value * 1000);
  switch (data.type) {
    case "connected":
      return `connected (connection ${data.connection})`;
    case "disconnected":
      return `disconnected: ${data.reason}${data.remaining ? `, ${data.remaining} left` : ""}`;
    case "reconnected":
      return `reconnected after ${seconds(data.downtime)}: ${data.reason}`;
    case "rotated":
      return `rotated by plan (${data.reason}): ${seconds(data.overlap)} on both connections, ${data.promise}`;
    case "gap":
      return `gap in ${data.stream} ${data.symbol ?? ""}: ${data.cause}`;
    case "book_lost":
      return `the book of ${data.symbol} was lost${data.reason ? `: ${data.reason}` : " and is live again"}`;
    case "stale":
      return `${data.stream} is silent for ${seconds(data.silence)}`;
    case "dropped":
      return `the gateway dropped ${data.count} messages`;
    case "refused":
      return `the exchange refused ${data.streams.join(", ")}: ${data.reason}`;
    default:
      return data.type;
  }
}

export class Panel {
  constructor(find) {
    this.find = find;
    this.arrival = new Sample();
    this.delivery = new Sample();
    this.skipped = 0;
    this.lastMs = 0;
    this.before = null;
  }

  /** A message of the exchange has come: `sentMs` by the exchange, `passedMs` by the gateway. */
  seen(sentMs, passedMs) {
    this.lastMs = Date.now();
    if (sentMs) this.arrival.add(passedMs - sentMs);
    this.delivery.add(this.lastMs - passedMs);
  }

  news(data) {
    this.tell(data.timestamp, sentence(data));
  }

  tell(ms, text) {
    const list = this.find("news");
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = new Date(ms).toISOString();
    time.textContent = clock(ms);
    item.append(time, text);
    list.prepend(item);
    while (list.children.length > NEWS_KEPT) list.lastChild.remove();
  }

  status(status, nowMs) {
    const before = this.before;
    this.before = { messages: status.messages, nowMs };
    const rate = before && status.messages >= before.messages
      ? ` · ${whole(((status.messages - before.messages) * 1000) / Math.max(1, nowMs - before.nowMs))}/s`
      : "";
    put(this.find("f-state"), status.error ? `${status.state}: ${status.error}` : status.state);
    put(this.find("f-messages"), whole(status.messages) + rate);
    put(this.find("f-connections"), `${status.connections}, ${status.streams} streams`);
    put(this.find("f-rotations"), whole(status.rotations));
    put(this.find("f-reconnects"), whole(status.reconnects));
    put(this.find("f-gaps"), whole(status.gaps));
  }

  /** Once a second: what changes by itself. */
  draw() {
    put(this.find("f-age"), this.lastMs ? `${milliseconds(Date.now() - this.lastMs)} ago` : DASH);
    put(this.find("f-arrival"), this.arrival.text());
    put(this.find("f-delivery"), this.delivery.text());
    put(this.find("f-skipped"), whole(this.skipped));
  }
}
