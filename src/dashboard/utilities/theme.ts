// Light, dark, or as the system says. public/theme.js applies the same before the first paint.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "aiops:theme";
const DARK_CLASS = "pf-v6-theme-dark";
const CHANGED = "aiops:theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

let unstored: Theme = "system"; // where storage is switched off, the choice lasts as long as the page

function chosen(): Theme {
  try {
    const stored = window.localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return unstored;
  }
}

function isDark(): boolean {
  const theme = chosen();
  return theme === "dark" || (theme === "system" && system.matches);
}

function apply(): void {
  document.documentElement.classList.toggle(DARK_CLASS, isDark());
  window.dispatchEvent(new Event(CHANGED));
}

function choose(theme: Theme): void {
  unstored = theme;
  try {
    window.localStorage.setItem(KEY, theme);
  } catch {
    // See `unstored`.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
  };
}

/** Follow the system, and what another tab chooses. */
export function followTheme(): void {
  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) apply();
  });
  apply();
}

export function useTheme(): { theme: Theme; dark: boolean; choose: (theme: Theme) => void } {
  const theme = useSyncExternalStore(subscribe, chosen);
  const dark = useSyncExternalStore(subscribe, isDark);
  return { theme, dark, choose };
}
