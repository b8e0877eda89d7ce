/**
 * The host tells which version of this extension lies on disk. If it is another one, the extension starts itself anew: when nobody
 * looks and nothing is being asked, and once per version, because the browser may be running a copy from somewhere else.
 */

const KEY = "reloaded_for";

export class Upgrade {
  /** @type {string | null} */
  #onDisk = null;
  #world;

  /** @param {{running: string, storage: Pick<chrome.storage.StorageArea, "get" | "set">, isIdle: () => boolean, reload: () => void}} world */
  constructor(world) {
    this.#world = world;
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
