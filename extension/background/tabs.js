/**
 * Tabs of the providers' sites. Their addresses are visible through the host permissions alone; other tabs have none for us.
 */

import { PROVIDERS } from "../view/providers.js";
import { exchange } from "./exchange.js";

/** @type {Record<string, string>} */
const PROVIDER_OF_HOST = Object.fromEntries(Object.entries(PROVIDERS).map(([provider, { site }]) => [site, provider]));
PROVIDER_OF_HOST["chat.z.ai"] = "zai";

/**
 * The provider whose site this address belongs to.
 * @param {string | undefined} url
 * @returns {string | null}
 */
export function providerOfSite(url) {
  if (!url || !URL.canParse(url)) return null;
  const { protocol, host } = new URL(url);
  return protocol === "https:" && Object.hasOwn(PROVIDER_OF_HOST, host) ? PROVIDER_OF_HOST[host] : null;
}

/**
 * A loaded, awake tab of the site, the one in front if there is one.
 * @param {string[]} patterns
 * @returns {Promise<number | null>}
 */
export async function findTab(patterns) {
  const tabs = await chrome.tabs.query({ url: patterns, status: "complete", discarded: false });
  const awake = tabs.filter((tab) => tab.id !== undefined && !tab.incognito && !tab.frozen);
  awake.sort((one, other) => Number(other.active) - Number(one.active) || (other.lastAccessed ?? 0) - (one.lastAccessed ?? 0));
  return awake[0]?.id ?? null;
}

/**
 * Runs one exchange inside a tab, in our isolated world: the page sees neither the token nor the answer.
 * @param {number} tab
 * @param {import("./exchange.js").Request} request
 * @returns {Promise<import("./exchange.js").Answer>}
 */
export async function inTab(tab, request) {
  const [frame] = await chrome.scripting.executeScript({
    target: { tabId: tab },
    world: "ISOLATED",
    func: exchange,
    args: [request],
  });
  return /** @type {import("./exchange.js").Answer} */ (frame?.result ?? { failed: "network" });
}
