/**
 * The z.ai web token, as the content script captured it. The worker alone reads and writes it; it never leaves the extension, and
 * storage is closed to content scripts (main.js).
 */

const KEY = "zai_jwt";

/** @typedef {{token: string, origin: string, at: number}} Captured */
/** @typedef {Pick<chrome.storage.StorageArea, "get" | "set" | "remove">} Storage */

export class ZaiJwt {
  #storage;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** @returns {Promise<Captured | null>} */
  async read() {
    const kept = await this.#storage.get(KEY);
    return /** @type {Captured | undefined} */ (kept[KEY]) ?? null;
  }

  /**
   * Takes a token from one of the z.ai sites, or, with null, forgets the one that came from there: the person signed out.
   * @param {string} origin
   * @param {string | null} token
   * @param {number} now
   * @returns {Promise<boolean>} whether anything changed
   */
  async capture(origin, token, now) {
    const kept = await this.read();
    if (token === null) {
      if (kept?.origin !== origin) return false;
      await this.#storage.remove(KEY);
      return true;
    }
    if (kept?.token === token) return false;
    await this.#storage.set({ [KEY]: { token, origin, at: now } });
    return true;
  }
}
