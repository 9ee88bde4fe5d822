// Requests to the gateway, with its token if it wants one.

const TOKEN = "tickwire-token";
const PATIENCE_MS = 8000;

/** An answer that is none: `status` is 0 if nobody answered. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export const token = () => sessionStorage.getItem(TOKEN);
export const keepToken = (value) => sessionStorage.setItem(TOKEN, value);

/** @returns the JSON of a GET; throws a Refusal */
export const get = (path, parameters) => call("GET", path, parameters);
/** @returns the JSON of a POST; throws a Refusal */
export const post = (path, parameters) => call("POST", path, parameters);

async function call(method, path, parameters = {}) {
  const url = new URL(path, location.href);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  let answer;
  try {
    answer = await fetch(url, { method, headers, signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
  } catch {
    throw new Refusal(0, "the gateway does not answer");
  }
  if (answer.ok) return answer.json();
  throw await refusalOf(answer);
}

async function refusalOf(answer) {
  let text = answer.statusText;
  try {
    const problem = await answer.json();
    text = problem.detail || problem.title || text;
  } catch {
    // Not a problem document: somebody between here and the gateway has answered.
  }
  return new Refusal(answer.status, text);
}

/** Why the answer at a stream's address is no stream, which an EventSource does not tell.
 * @returns a Refusal, or null if it is a stream now, or nobody answers */
export async function whyRefused(url) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(url, { signal: abort.signal, cache: "no-store" });
    return answer.ok ? null : await refusalOf(answer);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/** The address of the page's stream. An EventSource cannot send headers. */
export function streamUrl(view, lastId) {
  const url = new URL("/api/ws/sse/market", location.href);
  const set = (name, value) => value && url.searchParams.set(name, value);
  set("exchange", view.exchange);
  set("symbols", view.symbols.join(","));
  set("symbol", view.symbol);
  if (!view.interval.startsWith("trades:")) set("interval", view.interval);
  set("levels", "50");
  set("after", lastId);
  set("access_token", token());
  return url.href;
}
