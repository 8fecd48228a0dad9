// Before the first paint, and therefore not part of the bundle: the theme that was chosen here, else the system's.
(function () {
  var chosen = null;
  try {
    chosen = window.localStorage.getItem("aiops:theme");
  } catch {
    // Storage may be switched off; then the system decides.
  }
  var dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
