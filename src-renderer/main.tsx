import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.js";
import { startDesktop } from "./app/desktop.js";
import { followTitle } from "./app/page-title.js";
import { start } from "./state/app.js";

start();
startDesktop();
followTitle();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
