/** Draws everything on a backend, in the language of whoever looks. */
import { mount } from "svelte";
import Root from "./Root.svelte";
import type { Backend } from "./ipc";
import "./styles/tokens.css";
import "./styles/base.css";

/** `quick` is for the small window of Quick Chat. */
export function start(backend: Backend, quick = false): void {
  const target = document.getElementById("app");
  if (target === null) throw new Error("the page has no element to draw in");
  mount(Root, { target, props: { backend, quick } });
}
