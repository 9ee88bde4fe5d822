// The latest trades, newest first.

import { clock } from "./format.js";

const ROWS = 40;

export class Tape {
  constructor(body) {
    this.body = body;
    this.waiting = [];
  }

  add(trade) {
    this.waiting.push(trade);
    if (this.waiting.length > ROWS) this.waiting.shift();
  }

  clear() {
    this.waiting = [];
    this.body.replaceChildren();
  }

  draw(prices, sizes) {
    if (!this.waiting.length) return;
    for (const trade of this.waiting) {
      const row = this.body.rows.length >= ROWS ? this.body.rows[ROWS - 1] : makeRow();
      const sold = trade.is_buyer_maker; // the buyer had been waiting: somebody sold to him
      const known = sold !== null; // the venue may name no side
      row.className = known ? (sold ? "down" : "up") : "";
      row.cells[0].textContent = clock(trade.timestamp);
      row.cells[1].textContent = known ? (sold ? "▼ sell" : "▲ buy") : "–";
      row.cells[2].textContent = prices.text(trade.price);
      row.cells[3].textContent = sizes.text(trade.quantity);
      this.body.prepend(row);
    }
    this.waiting = [];
  }
}

function makeRow() {
  const row = document.createElement("tr");
  for (let index = 0; index < 4; index++) row.append(document.createElement("td"));
  row.cells[2].className = row.cells[3].className = "n";
  return row;
}
