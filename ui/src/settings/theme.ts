// The theme in use stands on <html>, where app.css finds it.
import type { Theme } from "../ipc/bindings";

const darkPreferred = () => matchMedia("(prefers-color-scheme: dark)");

export function applyTheme(theme: Theme) {
  const dark =
    theme === "dark" || (theme === "system" && darkPreferred().matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Calls back when the system changes its mind; returns how to stop. */
export function onSystemThemeChange(listener: () => void): () => void {
  const query = darkPreferred();
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}
