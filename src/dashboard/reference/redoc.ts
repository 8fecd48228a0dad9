// Redoc over the hub's own description.
import "./page.css";
import Redoc from "redoc/bundles/redoc.standalone.js";

const container = document.getElementById("reference");
if (container) Redoc.init("/openapi.json", { hideDownloadButton: false, nativeScrollbars: true }, container);
