/**
 * "Tell me when it's back": one alarm at the reset time, set by the popup on a click, rung here. Asks nobody anything: that a window
 * has reset follows from the clock.
 */

import { loadWords } from "../view/words.js";

const PREFIX = "remind:";

/** @param {string} name what is back, as the person reads it: "Claude · Week" */
export const reminderName = (name) => PREFIX + name;

/**
 * @param {string} alarm
 * @param {"auto" | "en" | "ja"} language
 */
export async function ring(alarm, language) {
  if (!alarm.startsWith(PREFIX) || !chrome.notifications) return;
  const words = await loadWords(language);
  const message = words.say("reminder", { name: alarm.slice(PREFIX.length) });
  await chrome.notifications.create(alarm, {
    type: "basic",
    iconUrl: chrome.runtime.getURL("icons/128.png"),
    title: "aimo",
    message,
  });
}
