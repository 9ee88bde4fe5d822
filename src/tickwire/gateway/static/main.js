// The page: one stream of everything into one state, and a picture of it per frame.

import { CandleBuilder, CandleChart, fromKline } from "./candles.js";
import { DepthChart, Ladder } from "./book.js";
import { Digits, put } from "./format.js";
import { Refusal, get, keepToken, post, streamUrl, whyRefused } from "./gateway.js";
import { LiveStream } from "./stream.js";
import { Panel } from "./panel.js";
import { PriceTable, flash } from "./prices.js";
import { Tape } from "./tape.js";
import { onThemeChange } from "./theme.js";

const STATUS_MS = 2000;
const DEPTH_MS = 250;
const BEGINNING_MS = 5000; // in which nothing need have come yet
const NEWS_KNOWN = 200;
const WORDS = {
  connecting: "connecting",
  live: "live",
  stale: "stale",
  lost: "connection lost",
  refused: "refused",
  disconnected: "disconnected",
};

const find = (id) => document.getElementById(id);
const interval = find("interval");
const panel = new Panel(find);
const candles = new CandleChart(find("candle-chart"));
const depth = new DepthChart(find("depth-chart"));
const ladder = new Ladder(find("asks"), find("bids"), find("spread"));
const tape = new Tape(find("tape"));
const table = new PriceTable(find("prices"), { choose, remove });

const asked = new URLSearchParams(location.search);
const view = { exchange: null, symbols: [], symbol: "", interval: asked.get("interval") || "trades:5" };

let stream = null;
let link = "connecting"; // of the page to the gateway
let answers = true; // whether the gateway does
let refusal = null; // of the stream, in the gateway's words
let isOff = false; // the gateway was told to disconnect from the exchange
let trouble = null; // why the gateway cannot reach the exchange
const known = new Set(); // ids of news, the last of which comes again with every new stream
let openedMs = 0;
let reasons = new Map(); // of what is not live: stream and symbol → reason
let had = new Set(); // streams of which anything has come
let hasBegun = false; // whether anything has come of the symbol that is looked at
let builder = null;
let book = null; // not drawn yet
let drawn = null;
let depthWaits = false;
let last = { price: null, shown: null };
let prices = new Digits(2);
let sizes = new Digits(2);
let precision = 0;
let depthDrawnMs = 0;
let paused = false;

// --- what comes ---------------------------------------------------------------------------------

const takers = {
  ticker(data) {
    table.put(data.symbol, data.price, data.price_change_percent);
    if (data.symbol === view.symbol && data.price !== null) setLast(data.price);
  },
  trade(data) {
    setLast(data.price);
    sizes.see(data.quantity);
    tape.add(data);
    table.put(data.symbol, data.price);
    if (builder) candles.put(builder.add(data.price, data.quantity, data.timestamp));
  },
  kline(data) {
    if (!builder) candles.put(fromKline(data));
  },
  book(data) {
    book = data;
  },
};

function setLast(price) {
  prices.see(price);
  last.price = price;
}

function take({ type, data, timestamp }, id) {
  const taker = takers[type];
  if (!taker) {
    if (known.has(id)) return;
    known.add(id);
    if (known.size > NEWS_KNOWN) known.delete(known.values().next().value);
    panel.news(data);
    refresh();
    return;
  }
  let isFirst = false;
  // A book that is not live is no data but the lack of them.
  if (data.live !== false) {
    had.add(`${type} ${data.symbol}`);
    isFirst = !hasBegun && data.symbol === view.symbol;
    hasBegun ||= isFirst;
  }
  panel.seen(data.timestamp, Date.parse(timestamp));
  taker(data);
  if (isFirst) showState();
}

function told(name, data) {
  if (name === "status") {
    const key = `${data.stream} ${data.symbol}`;
    if (data.live) reasons.delete(key);
    else reasons.set(key, data.reason);
    if (data.stream === "ticker") table.stale(data.symbol, data.live ? null : data.reason);
    showState();
  } else if (name === "dropped") {
    panel.skipped += data.count;
  } else {
    // Another life of the gateway, whose streams have to begin first.
    had.clear();
    hasBegun = false;
    panel.tell(Date.now(), `a new beginning: ${data.reason}`);
    showState();
  }
}

// --- what state it is in ------------------------------------------------------------------------

/** The state, and what there is to say of it: a title and a text. */
function standing() {
  if (!answers) {
    return ["lost", "Connection lost.", "The gateway does not answer. It is tried again by itself; what is shown is old."];
  }
  if (refusal !== null) return ["refused", "The gateway refuses this.", `${refusal}. It is tried again by itself.`];
  if (link === "lost") {
    return ["lost", "Connection lost.", "Nothing comes from the gateway. It is tried again by itself; what is shown is old."];
  }
  if (isOff) {
    return ["disconnected", "Disconnected.", `The gateway was told to leave ${view.exchange}: nothing comes until it is connected again.`];
  }
  if (link !== "open") return ["connecting", "", ""];
  // A stream that has had nothing is no news while others have: nobody may be trading.
  const all = [...reasons].filter(([key]) => key.endsWith(` ${view.symbol}`));
  const mine = all.filter(([key]) => had.has(key));
  if (!hasBegun) {
    if (Date.now() - openedMs < BEGINNING_MS) return ["connecting", "", ""];
    if (all.length) {
      if (trouble) return ["stale", "No data.", `${view.exchange} cannot be reached: ${trouble}. It is tried again by itself.`];
      const doubt = `Does ${view.exchange} have it? Or nobody is trading it.`;
      return ["stale", "No data.", `${view.symbol}: ${all[0][1]}. ${doubt}`];
    }
  }
  if (!mine.length) return ["live", "", ""];
  const names = mine.map(([key]) => key.split(" ")[0]).join(", ");
  return ["stale", "Stale data.", `${view.symbol} (${names}): ${mine[0][1]}. What is shown is old; it goes on by itself.`];
}

function showState() {
  const [state, title, text] = standing();
  document.body.dataset.state = state;
  put(find("state-text"), paused ? `${WORDS[state]}, paused` : WORDS[state]);
  put(find("alarm-title"), title);
  put(find("alarm-text"), text);
  find("connect").hidden = state !== "disconnected";
  find("alarm").hidden = !title;
}

let asking = false;

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const status = await get("/api/ws/status", { exchange: view.exchange });
    panel.status(status, Date.now());
    isOff = status.state === "disconnected";
    trouble = status.error;
    if (!answers) {
      answers = true;
      // Whether the old connection knows that it is dead or not, a new one is alive.
      stream?.open();
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) askForToken();
    else answers = false;
  } finally {
    asking = false;
  }
  showState();
}

// --- what is looked at --------------------------------------------------------------------------

function listen() {
  stream?.drop();
  reasons = new Map();
  had = new Set();
  hasBegun = false;
  refusal = null;
  book = drawn = null;
  depthWaits = false;
  last = { price: null, shown: null };
  prices = new Digits(2);
  sizes = new Digits(2);
  precision = 0;
  tape.clear();
  candles.clear();
  builder = view.interval.startsWith("trades:") ? new CandleBuilder(Number(view.interval.slice(7))) : null;
  table.show(view.symbols, view.symbol);
  put(find("symbol"), view.symbol);
  put(find("last"), "–");
  remember();
  stream = new LiveStream((lastId) => streamUrl(view, lastId), {
    message: take,
    told,
    state(state) {
      link = state;
      if (state === "open") {
        openedMs = Date.now();
        refusal = null;
      }
      showState();
    },
    refused: explain,
  });
}

/** Find out why there is no stream, and say it. */
async function explain(url) {
  const asking = stream;
  const found = await whyRefused(url);
  if (asking !== stream || link === "open") return;
  if (found?.status === 401) askForToken();
  // Whoever stands before the gateway says nothing of its own: that it is lost is the truth then.
  refusal = found === null || found.status === 502 || found.status === 504 ? null : found.message;
  showState();
}

function remember() {
  const here = new URLSearchParams({ symbols: view.symbols.join(","), symbol: view.symbol, interval: view.interval });
  if (find("exchange").options.length > 1) here.set("exchange", view.exchange);
  history.replaceState(null, "", `?${here}`);
}

function choose(symbol) {
  if (symbol === view.symbol) return;
  view.symbol = symbol;
  listen();
}

function remove(symbol) {
  view.symbols = view.symbols.filter((other) => other !== symbol);
  listen();
  table.rows.get(view.symbol).element.querySelector("button").focus();
}

async function begin(exchange, symbols, chosen) {
  let found;
  try {
    found = await get("/api/ws/settings", { exchange, symbols });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) askForToken();
    else if (error.status && (exchange || symbols)) return begin(null, null, null); // a bad link
    else {
      answers = false;
      showState();
      setTimeout(() => begin(exchange, symbols, chosen), STATUS_MS);
    }
    return;
  }
  answers = true;
  view.exchange = found.exchange;
  view.symbols = found.symbols;
  view.symbol = found.symbols.includes(chosen) ? chosen : found.symbols[0];
  put(find("exchange-name"), found.exchange);
  find("substitute").hidden = !found.substitute;
  const select = find("exchange");
  select.replaceChildren(...found.exchanges.map((name) => new Option(name, name, false, name === found.exchange)));
  select.hidden = found.exchanges.length < 2;
  find("intervals").replaceChildren(...found.intervals.map((name) => new Option(name, name)));
  if (![...interval.options].some((option) => option.value === view.interval)) view.interval = "trades:5";
  interval.value = view.interval;
  listen();
  refresh();
}

function askForToken() {
  find("token-form").hidden = false;
  if (document.activeElement === document.body) find("token").focus();
}

// --- what is pressed ----------------------------------------------------------------------------

find("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = find("add-problem");
  problem.hidden = true;
  try {
    const found = await get("/api/ws/settings", { exchange: view.exchange, symbols: find("add-symbol").value });
    view.symbols = [...new Set([...view.symbols, ...found.symbols])];
    view.symbol = found.symbols[0];
    find("add-symbol").value = "";
    listen();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(find("token").value);
  find("token").value = "";
  find("token-form").hidden = true;
  begin(asked.get("exchange"), asked.get("symbols"), asked.get("symbol"));
});

find("exchange").addEventListener("change", (event) => begin(event.target.value, null, null));

interval.addEventListener("change", () => {
  view.interval = interval.value;
  listen();
});

find("connect").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await post("/api/ws/connect", { exchange: view.exchange });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    panel.tell(Date.now(), error.message);
  }
  button.disabled = false;
  refresh();
});

find("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  showState();
});

// --- what is seen -------------------------------------------------------------------------------

function draw(nowMs) {
  requestAnimationFrame(draw);
  if (paused) return;
  table.draw();
  if (last.price !== null && last.price !== last.shown) {
    const way = last.shown === null ? 0 : Math.sign(last.price - last.shown);
    put(find("last"), (way > 0 ? "▲ " : way < 0 ? "▼ " : "") + prices.text(last.price));
    flash(find("last"), way);
    last.shown = last.price;
  }
  candles.draw();
  tape.draw(prices, sizes);
  if (book !== null) {
    put(find("book-problem"), book.live ? "" : `No book: ${book.reason}`);
    find("book-problem").hidden = book.live;
    ladder.draw(book, prices, sizes);
    drawn = book;
    depthWaits = true;
    book = null;
  }
  if (depthWaits && nowMs - depthDrawnMs >= DEPTH_MS) {
    depthDrawnMs = nowMs;
    depthWaits = false;
    depth.draw(drawn);
  }
  if (prices.count !== precision) {
    precision = prices.count;
    candles.precision(precision);
    depth.precision(precision);
  }
}

function describe() {
  panel.draw();
  if (paused || last.price === null) return;
  candles.describe(view.symbol, prices);
  if (drawn) depth.describe(drawn, sizes);
  document.title = `${prices.text(last.price)} ${view.symbol} · tickwire`;
}

onThemeChange(() => {
  candles.theme();
  depth.theme();
});
addEventListener("online", () => stream?.retry());
setInterval(describe, 1000);
setInterval(refresh, STATUS_MS);
requestAnimationFrame(draw);
begin(asked.get("exchange"), asked.get("symbols"), asked.get("symbol"));
