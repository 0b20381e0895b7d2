import { describe, expect, it } from "vitest";
import { DrawnRows } from "../src/state/drawn-rows.svelte";

const rowsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `row-${first + index}` }));

function conversation(rows: { id: string }[], key = "one") {
  const shown = $state({ rows, key });
  return {
    shown,
    drawn: new DrawnRows(
      () => shown.rows,
      () => shown.key,
    ),
  };
}

/** Lets frames pass until nothing is left; returns how many. */
function settle(drawn: DrawnRows<{ id: string }>): number {
  let frames = 0;
  for (; drawn.left > 0; frames += 1) {
    expect(frames).toBeLessThan(1_000);
    drawn.more();
  }
  drawn.keep();
  return frames;
}

describe("the rows that are drawn", () => {
  it("are all of them where there are few", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 24));
    expect(drawn.left).toBe(0);
    expect(drawn.rows).toEqual(shown.rows);
  });

  it("are the last ones at once, and the others a few a frame", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 200));
    expect(drawn.rows).toEqual(shown.rows.slice(-24));
    drawn.more();
    expect(drawn.rows).toEqual(shown.rows.slice(-28));
    expect(settle(drawn)).toBe(43);
    expect(drawn.rows).toEqual(shown.rows);
  });

  it("stay drawn while others come before and after them", () => {
    const { drawn, shown } = conversation(rowsFrom(200, 30));
    settle(drawn);
    shown.rows = [...rowsFrom(0, 200), ...rowsFrom(200, 31)];
    expect(drawn.rows).toEqual(rowsFrom(200, 31));
    expect(settle(drawn)).toBe(50);
    expect(drawn.rows).toEqual(shown.rows);
  });

  it("are as many as before where a new history begins later", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 200));
    settle(drawn);
    shown.rows = rowsFrom(2, 200);
    expect(drawn.left).toBe(0);
  });

  it("are the last ones again in another conversation, also after an empty one", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 200));
    settle(drawn);
    shown.key = "two";
    shown.rows = [];
    drawn.keep();
    shown.rows = rowsFrom(1_000, 200);
    expect(drawn.rows).toEqual(rowsFrom(1_176, 24));
  });

  it("stay when the conversation's full name is learnt", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 200), "main");
    settle(drawn);
    shown.key = "agent:main:main";
    expect(drawn.left).toBe(0);
  });

  it("are all of them for somebody who looks for something", () => {
    const { drawn, shown } = conversation(rowsFrom(0, 200));
    drawn.all();
    expect(drawn.rows).toEqual(shown.rows);
  });
});
