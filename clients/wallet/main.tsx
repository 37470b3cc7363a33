import { render } from "preact";
import { startsOffline } from "../ui/starts-offline.ts";
import "../ui/theme.ts";
import "../ui/ui.css";
import "./wallet.css";
import "./home.css";
import "./amount.css";
import "./pay.css";
import "./lists.css";
import "./widths.css";
import { App } from "./app.tsx";
import { start } from "./wallet.ts";

const place = document.getElementById("app") as HTMLElement;
place.textContent = "";
render(<App />, place);
// Without https there is no key, and so no wallet: the welcome screen says so.
if (isSecureContext) void start();
startsOffline();
