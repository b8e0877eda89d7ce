/**
 * The host tells which version of this extension lies on disk; where the two do not understand each other, our own folder does. If it
 * is another one, the extension starts itself anew: when nobody looks and nothing is being asked, and once per version, because the
 * browser may be running a copy from somewhere else.
 */

const KEY = "reloaded_for";

export class Upgrade {
  /** @type {string | null} */
  #onDisk = null;
  #world;

  /**
   * @param {object} world
   * @param {string} world.running
   * @param {() => Promise<unknown>} world.onDisk the version in our own folder, as it lies there now
   * @param {Pick<chrome.storage.StorageArea, "get" | "set">} world.storage
   * @param {() => boolean} world.isIdle
   * @param {() => void} world.reload
   */
  constructor(world) {
    this.#world = world;
  }

  /** The host speaks another version of the protocol: whoever installed it has perhaps laid out the extension that goes with it. */
  async refused() {
    await this.announced(await this.#world.onDisk().catch(() => null));
  }

  /** @param {unknown} version what a welcome says */
  async announced(version) {
    this.#onDisk = typeof version === "string" && version !== this.#world.running ? version : null;
    await this.ifIdle();
  }

  /** To be called whenever something ended: a face closed, an answer went out. */
  async ifIdle() {
    const version = this.#onDisk;
    if (version === null || !this.#world.isIdle()) return;
    if ((await this.#world.storage.get(KEY))[KEY] === version || !this.#world.isIdle()) return;
    this.#onDisk = null;
    await this.#world.storage.set({ [KEY]: version });
    this.#world.reload();
  }
}
