/** Draws the scene that the address names, on a backend that plays it. */
import { mount } from "svelte";
import App from "../src/App.svelte";
import QuickChat from "../src/views/QuickChat.svelte";
import Spoken from "../src/views/Spoken.svelte";
import { catalogueFor } from "../src/i18n";
import "../src/styles/tokens.css";
import "../src/styles/base.css";
import { scenes } from "./scenes";

// As in the app, where no script may change what every object inherits.
Object.freeze(Object.prototype);

const asked = new URLSearchParams(location.search);
const scene = scenes[asked.get("scene") ?? ""];
const target = document.getElementById("app");
if (scene === undefined || target === null) throw new Error("no such scene");

const text = catalogueFor([asked.get("language") ?? "en"]);
document.documentElement.lang = text.language;
const { backend, play, kind = "main" } = scene();
const windows = { main: App, quick: QuickChat, spoken: Spoken };
mount(windows[kind], { target, props: { backend, text } });
// The window asks for everything first; what a scene tells later comes after that.
setTimeout(() => play?.(), 50);
