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
export async function get(path, parameters = {}) {
  const url = new URL(path, location.href);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  let answer;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
  } catch {
    throw new Refusal(0, "the gateway does not answer");
  }
  if (answer.ok) return answer.json();
  let text = answer.statusText;
  try {
    const problem = await answer.json();
    text = problem.detail || problem.title || text;
  } catch {
    // Not a problem document: somebody between here and the gateway has answered.
  }
  throw new Refusal(answer.status, text);
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
