/** Which pictures are being handed over, if any, and in which pixels. */
import type { DeliverChoice, DeliverFit, PictureCard } from '../../bindings';
import { platform } from '../../platform';
import { channels } from '../../store/channels.svelte';

/** As a picture is, or a size of one's own; else the id of a place's size. */
export const AS_IS = '';
export const OWN = 'own';
export const FITS: readonly DeliverFit[] = ['auto', 'crop', 'plain', 'blurred'];
/** What the studio makes at most of a side. */
export const MOST_SIDE = 16_384;

class Delivering {
  /** Null while the dialog is closed. */
  ids = $state.raw<string[] | null>(null);
  cards = $state.raw<readonly PictureCard[]>([]);
  size = $state(AS_IS);
  own = $state({ width: 1080, height: 1080 });
  fit = $state<DeliverFit>('auto');
  /** Null is what the picture has at its edge, and nothing behind what can be seen through. */
  background = $state<string | null>(null);

  async open(ids: string[]): Promise<void> {
    const found = await Promise.all([...new Set(ids)].map(async (id) => (await platform().call('picture', { id })).card));
    this.cards = found;
    this.ids = found.map(({ id }) => id);
    await channels.load();
  }

  close(): void {
    this.ids = null;
  }

  /** The pixels that are asked for; null is as they are. */
  get pixels(): { width: number; height: number } | null {
    if (this.size === AS_IS) return null;
    return this.size === OWN ? this.own : (channels.list.find(({ id }) => id === this.size) ?? null);
  }

  get choice(): DeliverChoice | null {
    const { pixels, fit, background } = this;
    return pixels && { width: pixels.width, height: pixels.height, fit, background };
  }
}

export const delivering = new Delivering();
