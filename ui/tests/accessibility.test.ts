/**
 * Every scene, checked by axe in both languages. What needs a layout, such as contrast, is checked
 * where there is one: `npm run preview:screens` runs the same rules in a browser.
 */
import { render, waitFor } from "@testing-library/svelte";
import axe from "axe-core";
import { describe, expect, it } from "vitest";
import { scenes } from "../preview/scenes";
import App from "../src/App.svelte";
import { catalogues } from "../src/i18n";
import { get, testids } from "./window";

describe.each(Object.entries(scenes))("%s", (_name, scene) => {
  it.each(Object.entries(catalogues))(
    "has no fault that axe finds (%s)",
    async (language, text) => {
      document.documentElement.lang = language;
      document.title = text.product;
      const { backend, play } = scene();
      render(App, { backend, text });
      await waitFor(() => expect(get(testids.app).dataset["ready"]).toBe("true"));
      play?.();
      await new Promise((resolve) => setTimeout(resolve));

      const { violations } = await axe.run(document, {
        rules: { "color-contrast": { enabled: false } },
      });

      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    },
  );
});
