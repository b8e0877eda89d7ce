/**
 * Snapshot → badge. Blank while there is room; the tightest window that is not full yet; "!" only when no provider is left to use.
 * A number that is old, or whose window has ended, is not shown.
 */

import { asOf, instant, isOld, level, OLD_MS, resetOf } from "../view/reading.js";

/** @typedef {import("../view/reading.js").Entry} Entry */

export const BADGE_ALARM = "badge";

/**
 * @param {Entry[]} entries
 * @param {number} now
 * @returns {{text: string, until: number | null}} `until`: when this badge has to be looked at again
 */
export function badgeOf(entries, now) {
  const read = entries.filter((entry) => entry.observed_at !== null);
  const fresh = read.filter((entry) => !isOld(entry, now)).map((entry) => asOf(entry, now));
  const ends = fresh.flatMap((entry) => [
    ...[entry, ...entry.windows].map(({ observed_at }) => (instant(observed_at) ?? 0) + OLD_MS + 1),
    ...entry.windows.map((window) => resetOf(window, entry)).filter((end) => end !== null),
  ]);
  const coming = ends.filter((end) => end > now);
  const until = coming.length > 0 ? Math.min(...coming) : null;
  if (read.length > 0 && fresh.length === read.length && fresh.every((entry) => entry.headroom_pct === 0))
    return { text: "!", until };
  const tight = fresh
    .flatMap((entry) => entry.windows)
    .filter((window) => window.binding && level(window.used_pct) === "high" && !isOld(window, now))
    .map((window) => window.used_pct ?? 0);
  return { text: tight.length > 0 ? String(Math.floor(Math.max(...tight))) : "", until };
}

/**
 * @param {import("../view/reading.js").FaceState} state
 * @param {number} now
 */
export async function showBadge(state, now) {
  const wanted = state.settings?.badge ?? true;
  const { text, until } = badgeOf(wanted ? (state.snapshot?.entries ?? []) : [], now);
  await chrome.action.setBadgeText({ text });
  await chrome.action.setBadgeBackgroundColor({ color: text === "!" ? "#b3261e" : "#8a5a00" });
  await chrome.action.setBadgeTextColor({ color: "#ffffff" });
  await (until === null ? chrome.alarms.clear(BADGE_ALARM) : chrome.alarms.create(BADGE_ALARM, { when: until }));
}
