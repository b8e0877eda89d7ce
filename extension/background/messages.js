/**
 * Who may send what to the worker. Two tiers, one closed table; everything else is refused without a word.
 *
 * A content script lives in a page that may be hostile: it can cause "token captured" and nothing else, and its origin is taken from
 * the browser, never from the message. Other extensions and web pages are not listened to at all (main.js registers no external
 * listener, the manifest names none).
 */

import { ORDER } from "../view/providers.js";

/** @typedef {"face" | "zai_page"} Tier */
/** @typedef {{type: string, [key: string]: any}} Message */

const ZAI_ORIGINS = ["https://z.ai", "https://chat.z.ai"];
const FACES = /** @type {Record<string, "popup" | "options">} */ ({
  "/popup/popup.html": "popup",
  "/options/options.html": "options",
});

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const ACCOUNT = /^[\w-]{1,64}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value @param {number} max */
const isLine = (value, max) => typeof value === "string" && value.length <= max && !/[\u0000-\u001f\u007f]/.test(value);
/** @param {unknown} value */
const isProviders = (value) =>
  Array.isArray(value) && new Set(value).size === value.length && value.every((item) => ORDER.includes(item));
/** @param {unknown} value @param {(key: string, item: unknown) => boolean} check */
const isMap = (value, check) => isRecord(value) && Object.entries(value).every(([key, item]) => check(key, item));

/** The keys of the settings record, and `wake`: an act that is not stored ("ask this dormant provider again").
 * @type {Record<string, (value: unknown) => boolean>} */
const SETTINGS = {
  providers: (value) => isMap(value, (key, mode) => ORDER.includes(key) && ["auto", "on", "off"].includes(String(mode))),
  order: (value) => isProviders(value) && /** @type {unknown[]} */ (value).length === ORDER.length,
  names: (value) => isMap(value, (key, name) => ACCOUNT.test(key) && (name === null || (name !== "" && isLine(name, 40)))),
  claude_organization: (value) => value === null || (typeof value === "string" && UUID.test(value)),
  badge: (value) => typeof value === "boolean",
  language: (value) => ["auto", "en", "ja"].includes(String(value)),
  wake: isProviders,
};

/** Every message that is accepted: who may send it, and the exact fields it has beside `type` (`?` = may be missing).
 * @type {Record<string, {tier: Tier, fields: Record<string, (value: any) => boolean>}>} */
const TABLE = {
  zai_token: {
    tier: "zai_page",
    fields: { token: (value) => value === null || (typeof value === "string" && value.length <= 8192 && JWT.test(value)) },
  },
  recheck: { tier: "face", fields: {} },
  refresh: { tier: "face", fields: { "providers?": (value) => isProviders(value) && value.length > 0 } },
  serve: { tier: "face", fields: { "stop?": (value) => value === true } },
  settings: {
    tier: "face",
    fields: {
      changed: (value) =>
        isMap(value, (key, item) => Object.hasOwn(SETTINGS, key) && SETTINGS[key](item)) && Object.keys(value).length > 0,
    },
  },
  secret: {
    tier: "face",
    fields: { name: (value) => value === "ZAI_API_KEY", value: (value) => isLine(value, 4096) && value.trim() !== "" },
  },
};

/**
 * Which tier a sender belongs to, by what the browser says of it.
 * @param {chrome.runtime.MessageSender} sender
 * @param {string} own the id of this extension
 * @returns {Tier | null}
 */
export function tierOf(sender, own) {
  if (sender.id !== own) return null;
  if (faceOf(sender, own)) return "face";
  const inPage = sender.tab !== undefined && sender.frameId === 0;
  const { origin } = sender;
  if (inPage && origin && ZAI_ORIGINS.includes(origin) && sender.url?.startsWith(`${origin}/`)) return "zai_page";
  return null;
}

/**
 * Which of our own pages this is.
 * @param {chrome.runtime.MessageSender} sender
 * @param {string} own
 * @returns {"popup" | "options" | null}
 */
export function faceOf(sender, own) {
  const origin = `chrome-extension://${own}`;
  if (sender.id !== own || sender.origin !== origin || !sender.url || (sender.frameId ?? 0) !== 0) return null;
  const path = sender.url.slice(origin.length).split(/[?#]/)[0];
  return sender.url.startsWith(`${origin}/`) && Object.hasOwn(FACES, path) ? FACES[path] : null;
}

/**
 * The message, if this tier may send it and every field is as the table wants it.
 * @param {Tier | null} tier
 * @param {unknown} message
 * @returns {Message | null}
 */
export function accept(tier, message) {
  if (tier === null || !isRecord(message) || typeof message.type !== "string") return null;
  const row = Object.hasOwn(TABLE, message.type) ? TABLE[message.type] : null;
  if (!row || row.tier !== tier) return null;
  const names = Object.keys(row.fields).map((name) => name.replace("?", ""));
  if (Object.keys(message).some((key) => key !== "type" && !names.includes(key))) return null;
  for (const [field, check] of Object.entries(row.fields)) {
    const value = message[field.replace("?", "")];
    if (value === undefined ? !field.endsWith("?") : !check(value)) return null;
  }
  return /** @type {Message} */ (message);
}
