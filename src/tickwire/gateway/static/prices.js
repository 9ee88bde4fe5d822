// The table of prices, which is where a symbol is chosen, too.

import { Digits, put } from "./format.js";

export class PriceTable {
  /** @param actions choose(symbol), remove(symbol) */
  constructor(body, actions) {
    this.body = body;
    this.actions = actions;
    this.rows = new Map();
  }

  show(symbols, chosen) {
    const rows = new Map(symbols.map((symbol) => [symbol, this.rows.get(symbol) ?? this.row(symbol)]));
    for (const [symbol, row] of this.rows) if (!rows.has(symbol)) row.element.remove();
    for (const [symbol, row] of rows) {
      if (row.element.parentNode === null) this.body.append(row.element);
      row.element.toggleAttribute("aria-current", symbol === chosen);
      if (symbol === chosen) row.element.setAttribute("aria-current", "true");
      row.remove.hidden = symbols.length < 2 || symbol === chosen;
    }
    this.rows = rows;
  }

  row(symbol) {
    const element = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const choose = document.createElement("button");
    choose.type = "button";
    choose.className = "choose";
    choose.textContent = symbol;
    choose.addEventListener("click", () => this.actions.choose(symbol));
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = "stale";
    why.hidden = true;
    head.append(choose, why);
    const [last, change, end] = [0, 0, 0].map(() => document.createElement("td"));
    last.className = change.className = "n";
    last.textContent = change.textContent = "–";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${symbol}`);
    remove.addEventListener("click", () => this.actions.remove(symbol));
    end.append(remove);
    element.append(head, last, change, end);
    return { element, last, change, why, remove, price: null, digits: new Digits(2), ticker: null };
  }

  /** A new last price; `percent` if it is known. */
  put(symbol, price, percent) {
    const row = this.rows.get(symbol);
    if (!row) return;
    // Of what was never traded there is no price, and some exchanges send no change.
    row.ticker = { price: price ?? row.ticker?.price ?? row.price, percent: percent ?? row.ticker?.percent };
  }

  stale(symbol, reason) {
    const row = this.rows.get(symbol);
    if (!row) return;
    row.why.hidden = reason === null;
    row.why.title = reason ?? "";
  }

  draw() {
    for (const row of this.rows.values()) {
      if (row.ticker === null) continue;
      const { price, percent } = row.ticker;
      row.ticker = null;
      if (percent !== undefined) change(row.change, percent);
      if (price === null) continue;
      row.digits.see(price);
      const way = row.price === null || row.price === price ? 0 : Math.sign(price - row.price);
      const sign = way > 0 ? "▲ " : way < 0 ? "▼ " : "";
      if (way || row.price === null) {
        put(row.last, sign + row.digits.text(price));
        flash(row.last, way);
      }
      row.price = price;
    }
  }
}

function change(cell, percent) {
  // By what is shown: what is rounded to nothing is neither up nor down.
  const shown = Number(percent.toFixed(2));
  put(cell, `${shown > 0 ? "+" : ""}${(shown || 0).toFixed(2)} %`);
  cell.className = `n ${shown > 0 ? "up" : shown < 0 ? "down" : ""}`;
}

/** Colour an element by the way that its number went, and let it light up, again if it did so. */
export function flash(element, way) {
  const base = [...element.classList].filter((name) => !/^((tick-)?(up|down)|again)$/.test(name));
  const name = way > 0 ? "up" : way < 0 ? "down" : null;
  const again = name && element.classList.contains(`tick-${name}`) && !element.classList.contains("again");
  element.className = [...base, ...(name ? [name, `tick-${name}`] : []), ...(again ? ["again"] : [])].join(" ");
}
