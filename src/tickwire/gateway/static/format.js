// Numbers as text.

const decimalsOf = (number) => {
  const text = String(number);
  if (text.includes("e-")) return 8;
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
};

/** As many decimals as the numbers of one kind have needed so far, so that columns stand still. */
export class Digits {
  constructor(least = 0) {
    this.count = least;
  }

  see(number) {
    this.count = Math.min(8, Math.max(this.count, decimalsOf(number)));
  }

  text(number) {
    return number.toLocaleString("en-US", {
      minimumFractionDigits: this.count,
      maximumFractionDigits: this.count,
    });
  }
}

export const whole = (number) => Math.round(number).toLocaleString("en-US");
export const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

export function milliseconds(value) {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value < 1 ? "< 1 ms" : `${Math.round(value)} ms`;
}

/** The last values of something that is measured, and what they come to. */
export class Sample {
  constructor(size = 500) {
    this.size = size;
    this.values = [];
    this.next = 0;
  }

  add(value) {
    this.values[this.next] = Math.max(0, value);
    this.next = (this.next + 1) % this.size;
  }

  text() {
    if (!this.values.length) return "–";
    const sorted = [...this.values].sort((a, b) => a - b);
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
    return `${milliseconds(at(0.5))} / ${milliseconds(at(0.99))}`;
  }
}

/** Set an element's text if it is another one: what does not change need not be laid out again. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
