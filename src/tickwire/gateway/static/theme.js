// The colours of the style sheet, for what draws on canvases.

const NAMES = ["card", "line", "quiet", "up", "down", "up-soft", "down-soft"];

export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name.replace("-s", "S"), style.getPropertyValue(`--${name}`).trim()]),
  );
}

export function onThemeChange(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
