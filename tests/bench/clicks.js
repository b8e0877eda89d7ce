/**
 * Clicks on the toolbar button, again and again: a page in the bench's own copy of the extension, with no debugger attached.
 *
 * Opens the popup and an empty page by turns and tells the simulator, as a request that it records, how long each took from the
 * click to its first frame with something on it, and what stood there then.
 */

const PAGES = ["popup/popup.html", "empty.html"];
const PAUSE_MS = 150;

/** @param {number} ms */
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** @param {object} what */
const tell = (what) => fetch(`https://ollama.com/bench?${encodeURIComponent(JSON.stringify(what))}`).catch(() => null);

/** @param {string} popup */
async function click(popup) {
  await chrome.action.setPopup({ popup });
  const clicked = performance.timeOrigin + performance.now();
  await chrome.action.openPopup();
  for (;;) {
    const view = chrome.extension.getViews({ type: "popup" })[0];
    const paint = view?.performance.getEntriesByName("first-contentful-paint")[0];
    if (view && paint) {
      const { timeOrigin } = view.performance;
      const sections = view.document.querySelectorAll("[data-key]");
      const shown = Object.fromEntries([...sections].map((section) => [section.dataset.key, section.textContent]));
      view.close();
      return { popup, click: timeOrigin + paint.startTime - clicked, page: paint.startTime, shown };
    }
    await pause(2);
  }
}

async function knowsSnapshot() {
  const { face_state } = await chrome.storage.local.get("face_state");
  return face_state?.snapshot?.entries.some(({ observed_at }) => observed_at) && face_state.refreshing.length === 0;
}

while (!(await knowsSnapshot())) await pause(100);
for (;;) {
  for (const page of PAGES) {
    await tell(await click(page));
    await pause(PAUSE_MS);
  }
}
