// Light or dark as the operating system says, also when it changes while the page is open.

const DARK_CLASS = "pf-v6-theme-dark";

export function followSystemTheme(root: HTMLElement): void {
  const query = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    root.classList.toggle(DARK_CLASS, query.matches);
  };
  query.addEventListener("change", apply);
  apply();
}
