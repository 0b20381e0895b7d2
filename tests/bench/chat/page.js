// What is measured inside a page. The same for both windows; only the selectors differ, and come with each
// call. Run once in each page by `side`; every function returns a promise of plain figures.
const frame = () => new Promise((next) => requestAnimationFrame(next));

/** When what the page holds now has been on the screen for a frame. */
const twoFrames = async () => {
  await frame();
  await frame();
};

/** The element that holds the conversation's last words, if it is there and in sight. */
const lastInSight = ({ scroller, message }, words) => {
  const view = document.querySelector(scroller);
  if (view === null) return null;
  const all = view.querySelectorAll(message);
  const last = all[all.length - 1];
  if (last === undefined || !last.textContent.includes(words)) return null;
  const [box, area] = [last.getBoundingClientRect(), view.getBoundingClientRect()];
  return box.height > 0 && box.bottom > area.top && box.top < area.bottom ? last : null;
};

window.bench = {
  /** From a click on a conversation to two frames after its last message stands in sight, in ms. */
  async open(at, link, words) {
    const began = performance.now();
    document.querySelector(link).click();
    while (lastInSight(at, words) === null) {
      if (performance.now() - began > 25_000) throw new Error(`${words} is not shown`);
      await frame();
    }
    await twoFrames();
    return performance.now() - began;
  },

  /** Scrolls up and down again at a steady speed, and tells how long each frame took, in ms. */
  async scroll(at, seconds, speed) {
    const view = document.querySelector(at.scroller);
    const frames = [];
    let before = await frame();
    const began = before;
    for (;;) {
      const now = await frame();
      const moved = (speed * (now - before)) / 1000;
      const up = now - began < seconds * 500;
      frames.push(now - before);
      before = now;
      if (now - began > seconds * 1000) return frames;
      view.scrollTop += up ? -moved : moved;
    }
  },

  /**
   * Types a letter at planned moments, and tells for each how long after its moment the second frame came,
   * in ms: what holds up the page holds up the letter too.
   */
  async type(at, seconds, everyMs) {
    const field = document.querySelector(at.field);
    field.focus();
    const took = [];
    const began = performance.now();
    const typed = [];
    for (let count = 1; count * everyMs < seconds * 1000; count += 1) {
      const planned = began + count * everyMs;
      await new Promise((now) => setTimeout(now, Math.max(0, planned - performance.now())));
      if (document.activeElement !== field) field.focus();
      document.execCommand("insertText", false, "x");
      // The next letter does not wait for the frames of this one.
      typed.push(twoFrames().then(() => took.push(performance.now() - planned)));
    }
    await Promise.all(typed);
    const letters = field.value.length;
    field.select();
    document.execCommand("delete");
    if (letters !== took.length) throw new Error(`${letters} letters of ${took.length} arrived`);
    return took;
  },

  /** How many letters of the conversation are drawn, and how many elements. */
  drawn: (at) => {
    const view = document.querySelector(at.scroller);
    return [view.textContent.length, view.querySelectorAll("*").length];
  },

  shows: (at, words) => document.querySelector(at.scroller)?.textContent.includes(words) === true,
};
return true;
