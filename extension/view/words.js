/**
 * The word lists of _locales, loaded by ourselves: the dashboard has no chrome.i18n, and the language is a setting.
 *
 * Placeholders are `{name}`. A sentence that this version does not know is never made up: the caller passes the English one along.
 */

/** @typedef {Record<string, {message: string}>} Messages */
/** @typedef {Record<string, string | number | null | undefined>} Params */

export const LANGUAGES = ["en", "ja"];

/**
 * @param {string} setting "auto" or a language
 * @param {readonly string[]} preferred languages of the browser, best first
 * @returns {string}
 */
export function chooseLanguage(setting, preferred) {
  if (LANGUAGES.includes(setting)) return setting;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((language) => LANGUAGES.includes(language));
  return known ?? "en";
}

export class Words {
  /**
   * @param {string} language
   * @param {Messages} messages
   */
  constructor(language, messages) {
    this.language = language;
    this.messages = messages;
  }

  /** @param {string} key */
  knows(key) {
    return Object.hasOwn(this.messages, key);
  }

  /**
   * @param {string} key
   * @param {Params} [params]
   * @returns {string}
   */
  say(key, params = {}) {
    const message = this.knows(key) ? this.messages[key].message : key;
    return message.replace(/\{(\w+)\}/g, (_all, name) => String(params[name] ?? name));
  }
}

/** @type {Map<string, Promise<Words>>} */
const loaded = new Map();

/**
 * Each language is fetched once.
 * @param {string} setting
 * @returns {Promise<Words>}
 */
export function loadWords(setting) {
  const language = chooseLanguage(setting, navigator.languages);
  const words = loaded.get(language) ?? fetchWords(language);
  loaded.set(language, words);
  words.catch(() => loaded.delete(language));
  return words;
}

/** @param {string} language */
async function fetchWords(language) {
  const response = await fetch(new URL(`../_locales/${language}/messages.json`, import.meta.url));
  return new Words(language, await response.json());
}
