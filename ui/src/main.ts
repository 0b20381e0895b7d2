/** Starts the window on the real app. */
import { mount } from "svelte";
import App from "./App.svelte";
import { catalogueFor } from "./i18n";
import { tauriBackend } from "./ipc";
import "./styles/tokens.css";
import "./styles/base.css";

const text = catalogueFor(navigator.languages);
document.documentElement.lang = text.language;

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no element to draw in");
mount(App, { target, props: { backend: tauriBackend(), text } });
