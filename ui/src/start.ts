/** Draws everything on a backend, in the language of whoever looks. */
import { mount } from "svelte";
import Root from "./Root.svelte";
import type { Backend, WindowKind } from "./ipc";
import "./styles/tokens.css";
import "./styles/base.css";

/** `kind` is which of the app's windows this is. */
export function start(backend: Backend, kind: WindowKind = "main"): void {
  const target = document.getElementById("app");
  if (target === null) throw new Error("the page has no element to draw in");
  mount(Root, { target, props: { backend, kind } });
}
