/** The pictures of the filmstrip: the library's latest, the newest last. */
import type { Filter, PictureCard } from '../bindings';
import { platform } from '../platform';
import { bus } from './bus';

const MOST = 80;
const LATEST: Filter = { trashed: false, order: 'newest' };

class Session {
  list = $state.raw<PictureCard[]>([]);
  known = $state(false);
  #again = false;
  #loading = false;

  async start(): Promise<void> {
    bus.on('pictures', () => void this.load().catch(() => undefined));
    await this.load();
  }

  async load(): Promise<void> {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      do {
        this.#again = false;
        const page = await platform().call('pictures', { filter: LATEST, after: null, limit: MOST });
        this.list = page.items.toReversed();
        this.known = true;
      } while (this.#again);
    } finally {
      this.#loading = false;
    }
  }

  /** A picture that has just been made is shown before the library has been asked again. */
  add(card: PictureCard): void {
    this.known = true;
    if (this.has(card.id)) return;
    this.list = [...this.list, card].slice(-MOST);
  }

  has(id: string): boolean {
    return this.list.some((one) => one.id === id);
  }

  /** What takes the place of a picture that goes, with all of `ids`: what comes next, or else what was before. */
  instead(id: string, ids: readonly string[]): string | null {
    const at = this.list.findIndex((one) => one.id === id);
    const stays = (one: PictureCard) => !ids.includes(one.id);
    if (at < 0) return this.list.findLast(stays)?.id ?? null;
    return (this.list.slice(at + 1).find(stays) ?? this.list.slice(0, at).findLast(stays))?.id ?? null;
  }

  beside(id: string | null, by: number): PictureCard | null {
    const at = this.list.findIndex((one) => one.id === id);
    if (at < 0) return this.list.at(-1) ?? null;
    return this.list[Math.max(0, Math.min(this.list.length - 1, at + by))] ?? null;
  }
}

export const session = new Session();
