/** Draws the whole window on a fake app, and finds things in it. */
import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import App from "../src/App.svelte";
import { en } from "../src/i18n/en";
import { FakeBackend } from "../src/ipc/fake";
import { testids } from "../src/testids";

export { testids };

type Id = (typeof testids)[keyof typeof testids];

/** Starts the window and waits until it has drawn what it was told. */
export async function open(backend: FakeBackend, text = en) {
  const user = userEvent.setup();
  const drawn = render(App, { backend, text });
  await waitFor(() => {
    if (get(testids.app).dataset["ready"] !== "true") throw new Error("not ready");
  });
  return { user, ...drawn };
}

export const get = (id: Id) => screen.getByTestId(id);
export const all = (id: Id) => screen.queryAllByTestId(id);
export const find = (id: Id) => screen.findByTestId(id);
export const input = (id: Id) => get(id) as HTMLInputElement;

/** The text of an element as one line. */
export const textOf = (element: Element) => (element.textContent ?? "").replace(/\s+/g, " ").trim();
