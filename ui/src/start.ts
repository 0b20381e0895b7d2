/** Draws everything on a backend, in the language of whoever looks. */
import { mount } from "svelte";
import App from "./App.svelte";
import { catalogueFor } from "./i18n";
import type { Backend } from "./ipc";
import "./styles/tokens.css";
import "./styles/base.css";

export function start(backend: Backend): void {
  const text = catalogueFor(navigator.languages);
  document.documentElement.lang = text.language;
  const target = document.getElementById("app");
  if (target === null) throw new Error("the page has no element to draw in");
  mount(App, { target, props: { backend, text } });
}
