import { describe, expect, it } from "vitest";
import type { DaySpanView, DayView } from "../src/ipc";
import {
  beginOf,
  ceilingOf,
  isEmpty,
  lineThrough,
  runsOf,
  standingOf,
  summaryOf,
} from "../src/lib/day";

function span(over: Partial<DaySpanView> = {}): DaySpanView {
  return { connectedS: 0, gatewayDownS: 0, downS: 0, attempts: 0, pingMs: null, ...over };
}

function day(spans: DaySpanView[]): DayView {
  return { untilMs: 10 * 300_000, spanMinutes: 5, spans };
}

describe("the sum of a day", () => {
  it("counts only the time the connection was wanted", () => {
    const summary = summaryOf(
      day([
        span(),
        span({ connectedS: 270, downS: 30, attempts: 2, pingMs: 40 }),
        span({ connectedS: 300, pingMs: 900 }),
        span({ connectedS: 300, pingMs: 50 }),
      ]),
    );

    expect(summary.connected).toBeCloseTo(870 / 900);
    expect(summary.pingMs).toBe(50);
    expect(summary.attempts).toBe(2);
  });

  it("says nothing of a day nobody wanted a connection in", () => {
    const nothing = day([span(), span()]);

    expect(isEmpty(nothing)).toBe(true);
    expect(summaryOf(nothing)).toEqual({ connected: null, pingMs: null, attempts: 0 });
  });
});

describe("how a span was", () => {
  it("is the worst of it, but for a moment", () => {
    expect(standingOf(span({ connectedS: 300 }))).toBe("connected");
    expect(standingOf(span({ connectedS: 297, downS: 3 }))).toBe("connected");
    expect(standingOf(span({ connectedS: 200, downS: 100 }))).toBe("down");
    expect(standingOf(span({ connectedS: 200, gatewayDownS: 100 }))).toBe("gatewayDown");
    expect(standingOf(span({ downS: 3 }))).toBe("down");
    expect(standingOf(span())).toBe("unknown");
  });

  it("begins where the one before it ended", () => {
    const two = day([span(), span()]);

    expect(beginOf(two, 0)).toBe(8 * 300_000);
    expect(beginOf(two, 1)).toBe(9 * 300_000);
  });
});

describe("the plots", () => {
  it("draw spans that are alike as one, and nothing where nothing is known", () => {
    const up = span({ connectedS: 300 });
    const runs = runsOf(day([span(), up, up, span({ downS: 300 }), span(), up]));

    expect(runs).toEqual([
      { standing: "connected", from: 1, count: 2 },
      { standing: "down", from: 3, count: 1 },
      { standing: "connected", from: 5, count: 1 },
    ]);
  });

  it("have a round ceiling that holds every value", () => {
    expect(ceilingOf([], 10)).toBe(10);
    expect(ceilingOf([11], 10)).toBe(20);
    expect(ceilingOf([41], 10)).toBe(50);
    expect(ceilingOf([99], 10)).toBe(100);
    expect(ceilingOf([101], 10)).toBe(200);
  });

  it("break the line where nothing was measured", () => {
    expect(lineThrough([10, 20, null, 0], 40, 20)).toBe("M0 20.00h.5L1.5 0.00M3 40.00h.5");
    expect(lineThrough([null], 40, 20)).toBe("");
  });
});
