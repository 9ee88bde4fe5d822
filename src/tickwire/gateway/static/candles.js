// Candles that grow, from trades or from the exchange, and the chart that shows them.

import { colours } from "./theme.js";

const KEPT = 2000;

/** Candles of so many seconds, folded from trades. */
export class CandleBuilder {
  constructor(seconds) {
    this.seconds = seconds;
    this.candle = null;
  }

  /** The running candle after a trade; one that comes late counts in it, too. */
  add(price, size, ms) {
    const start = Math.floor(ms / 1000 / this.seconds) * this.seconds;
    const running = this.candle;
    if (running === null || start > running.time) {
      this.candle = { time: start, open: price, high: price, low: price, close: price, volume: size };
    } else {
      running.high = Math.max(running.high, price);
      running.low = Math.min(running.low, price);
      running.close = price;
      running.volume += size;
    }
    return this.candle;
  }
}

/** A candle of the exchange in the form of the chart. */
export const fromKline = (data) => ({
  time: data.timestamp / 1000,
  open: data.open,
  high: data.high,
  low: data.low,
  close: data.close,
  volume: data.volume,
});

export class CandleChart {
  constructor(element) {
    this.element = element;
    this.library = globalThis.LightweightCharts;
    this.changed = new Map();
    this.count = 0;
    this.last = null;
    if (!this.library) {
      element.textContent = "The charting library is missing: pip install litecharts";
      return;
    }
    this.chart = this.library.createChart(element, {
      autoSize: true,
      // Its own mark brings an inline style along; the link at the foot of the page is in its place.
      layout: { attributionLogo: false },
      timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 4, barSpacing: 9 },
    });
    this.prices = this.chart.addSeries(this.library.CandlestickSeries, { borderVisible: false });
    this.volumes = this.chart.addSeries(this.library.HistogramSeries, {
      priceScaleId: "",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.volumes.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
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
    this.prices.applyOptions({
      upColor: is.up,
      downColor: is.down,
      wickUpColor: is.up,
      wickDownColor: is.down,
    });
    this.volumes.applyOptions({ color: is.line });
  }

  clear() {
    this.changed.clear();
    this.count = 0;
    this.last = null;
    this.prices?.setData([]);
    this.volumes?.setData([]);
    this.element.setAttribute("aria-label", "Candles: nothing yet");
  }

  precision(digits) {
    this.prices?.applyOptions({
      priceFormat: { type: "price", precision: digits, minMove: 1 / 10 ** digits },
    });
  }

  /** A candle, new or grown; drawn with the next picture. */
  put(candle) {
    if (this.last !== null && candle.time < this.last.time) return;
    if (this.last === null || candle.time > this.last.time) this.count++;
    this.last = candle;
    this.changed.set(candle.time, { ...candle });
    // A hidden tab draws nothing and goes on listening.
    if (this.changed.size > KEPT) this.changed.delete(this.changed.keys().next().value);
  }

  draw() {
    if (!this.changed.size) return;
    if (this.chart) {
      for (const candle of this.changed.values()) {
        this.prices.update(candle);
        this.volumes.update({ time: candle.time, value: candle.volume });
      }
    }
    this.changed.clear();
  }

  describe(name, digits) {
    const last = this.last;
    if (last === null) return;
    this.element.setAttribute(
      "aria-label",
      `${name}: ${this.count} candles; the last: open ${digits.text(last.open)}, ` +
        `high ${digits.text(last.high)}, low ${digits.text(last.low)}, close ${digits.text(last.close)}`,
    );
  }
}
