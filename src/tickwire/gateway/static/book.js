// The order book: a ladder of the best levels, and how much stands up to each price.

import { put } from "./format.js";
import { colours } from "./theme.js";

const ROWS = 10;

/** `[[price, size], …]`, best first, with the sum up to each level. */
export function cumulated(levels) {
  let total = 0;
  return levels.map(([price, size]) => [price, size, (total += size)]);
}

/**
 * What stands up to each price of an even grid. The chart has a place for each point and not for
 * each price, so that levels themselves would all be equally far apart.
 * @returns points of either side, without a value where the side has nothing
 */
export function onGrid(book, points = 241) {
  const sides = { bids: cumulated(book.bids), asks: cumulated(book.asks) };
  const ends = Object.values(sides).flatMap((side) => (side.length ? [side[0][0], side.at(-1)[0]] : []));
  const low = Math.min(...ends);
  const step = (Math.max(...ends) - low) / (points - 1);
  const count = !ends.length ? 0 : step > 0 ? points : 1;
  const grid = Array.from({ length: count }, (_, index) => low + index * step);
  const near = step / 1e6; // rounding moves no level to the other side of its own price
  const walk = (levels, prices, reaches) => {
    let next = 0;
    return prices.map((price) => {
      while (next < levels.length && reaches(price, levels[next][0])) next++;
      return next ? { time: price, value: levels[next - 1][2] } : { time: price };
    });
  };
  return {
    bids: walk(sides.bids, [...grid].reverse(), (price, level) => level >= price - near).reverse(),
    asks: walk(sides.asks, grid, (price, level) => level <= price + near),
  };
}

export class Ladder {
  constructor(asks, bids, spread) {
    this.sides = { asks: rows(asks), bids: rows(bids) };
    this.sides.asks.reverse(); // the best one stands next to the spread
    this.spread = spread;
  }

  draw(book, prices, sizes) {
    const sides = { asks: cumulated(book.asks), bids: cumulated(book.bids) };
    for (const levels of Object.values(sides)) {
      for (const [price, size] of levels.slice(0, ROWS)) {
        prices.see(price);
        sizes.see(size);
      }
    }
    const most = Math.max(...Object.values(sides).map((side) => side[ROWS - 1]?.[2] ?? side.at(-1)?.[2] ?? 0));
    for (const [name, levels] of Object.entries(sides)) {
      this.sides[name].forEach((row, index) => {
        const level = levels[index];
        put(row.cells[0], level ? prices.text(level[0]) : "–");
        put(row.cells[1], level ? sizes.text(level[1]) : "–");
        put(row.cells[2], level ? sizes.text(level[2]) : "–");
        row.style.setProperty("--part", level && most ? `${Math.round((level[2] / most) * 100)}%` : "0%");
      });
    }
    const [ask, bid] = [book.asks[0]?.[0], book.bids[0]?.[0]];
    put(this.spread, ask !== undefined && bid !== undefined ? prices.text(ask - bid) : "–");
  }
}

function rows(body) {
  const made = Array.from({ length: ROWS }, () => {
    const row = document.createElement("tr");
    for (let index = 0; index < 3; index++) row.append(document.createElement("td"));
    row.cells[0].textContent = row.cells[1].textContent = row.cells[2].textContent = "–";
    return row;
  });
  body.replaceChildren(...made);
  return made;
}

export class DepthChart {
  constructor(element) {
    this.element = element;
    const library = globalThis.LightweightCharts;
    if (!library) {
      element.textContent = "The charting library is missing: pip install litecharts";
      return;
    }
    // The one of its charts whose horizontal axis is a price.
    this.chart = library.createOptionsChart(element, {
      autoSize: true,
      layout: { attributionLogo: false },
      handleScroll: false,
      handleScale: false,
      rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0 } },
    });
    const options = { lineWidth: 2, lineType: library.LineType.WithSteps, lastValueVisible: false, priceLineVisible: false };
    this.bids = this.chart.addSeries(library.AreaSeries, options);
    this.asks = this.chart.addSeries(library.AreaSeries, options);
    this.theme();
  }

  theme() {
    if (!this.chart) return;
    const is = colours();
    this.chart.applyOptions({
      layout: { background: { color: is.card }, textColor: is.quiet },
      grid: { vertLines: { color: is.line }, horzLines: { color: is.line } },
      timeScale: { borderColor: is.line },
      rightPriceScale: { borderColor: is.line },
    });
    this.bids.applyOptions({ lineColor: is.up, topColor: is.upSoft, bottomColor: is.upSoft });
    this.asks.applyOptions({ lineColor: is.down, topColor: is.downSoft, bottomColor: is.downSoft });
  }

  precision(digits) {
    this.chart?.applyOptions({ localization: { precision: digits } });
  }

  draw(book) {
    const { bids, asks } = onGrid(book);
    this.bids?.setData(bids);
    this.asks?.setData(asks);
    this.chart?.timeScale().fitContent();
  }

  describe(book, sizes) {
    const total = (levels) => sizes.text(cumulated(levels).at(-1)?.[2] ?? 0);
    this.element.setAttribute(
      "aria-label",
      `Depth of ${book.bids.length} bids, ${total(book.bids)} in sum, and ${book.asks.length} asks, ${total(book.asks)} in sum`,
    );
  }
}
