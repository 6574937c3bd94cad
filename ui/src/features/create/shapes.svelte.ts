/**
 * Which shapes are offered: those that the model draws, the sizes that places ask for, and other shapes, which are
 * delivered by enlarging and cutting what it draws.
 */
import type { ChannelSize, DeliverChoice, RenderRequest } from '../../bindings';
import { platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { deliveredAs, draws, RATIOS, ratioOf, same, sizeOf, spelled, type Size } from '../../store/sizes';
import { t, TABLES, type Key } from '../../strings';

export interface Shape extends Size {
  name: string;
  patch: Partial<RenderRequest>;
}

/** What the studio calls each place, in the window's language where it has a word for it. */
const nameOf = ({ id, name }: ChannelSize): string => (`create.channel.${id}` in TABLES.en ? t(`create.channel.${id}` as Key) : name);

class Shapes {
  channels = $state.raw<ChannelSize[]>([]);
  #asked = false;

  /** They do not change while the program runs. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      this.channels = (await platform().call('channels', {})).channels;
    } catch {
      // All other shapes are there without them.
      this.#asked = false;
    }
  }

  /** What the model draws as it is: one of each shape. */
  get drawn(): Shape[] {
    const { able } = compose;
    if (!able) return [];
    if (able.sizes.length > 0) return able.sizes.map(({ width, height }) => ({ name: ratioOf(able, { width, height }) ?? t('create.size.own'), width, height, patch: native({ width, height }) }));
    return RATIOS.flatMap(({ name, wide, high }) => {
      const size = sizeOf(able, wide, high);
      return size ? [{ name, ...size, patch: native(size) }] : [];
    });
  }

  /** What places ask for. */
  get asked(): Shape[] {
    return this.channels.map((channel) => shaped(nameOf(channel), channel));
  }

  /** Shapes that the model does not draw. */
  get cut(): Shape[] {
    const drawn = new Set(this.drawn.map(({ name }) => name));
    return RATIOS.filter(({ name }) => !drawn.has(name)).map((ratio) => shaped(ratio.name, deliveredAs(ratio)));
  }

  /** What the size that is asked for is called. */
  get name(): string {
    const { able, shape } = compose;
    if (!able || !shape) return '';
    const { deliver } = compose.draft;
    if (!deliver) return ratioOf(able, shape) ?? t('create.size.own');
    return [...this.asked, ...this.cut].find((one) => same(one, shape))?.name ?? t('create.size.own');
  }
}

const native = ({ width, height }: Size): Partial<RenderRequest> => ({ width, height, deliver: null });

/** What is delivered keeps how it comes to its shape; what is drawn for it the studio plans. */
function shaped(name: string, { width, height }: Size): Shape {
  return { name, width, height, patch: delivered({ width, height }) };
}

function delivered({ width, height }: Size): Partial<RenderRequest> {
  const { deliver } = compose.draft;
  const choice: DeliverChoice = { width, height, fit: deliver?.fit ?? 'auto', background: deliver?.background ?? null };
  return { width: null, height: null, deliver: choice };
}

/** A size of one's own: drawn where the model draws it, and delivered otherwise. */
export function ownSize(size: Size): Partial<RenderRequest> {
  return compose.able && draws(compose.able, size) ? native(size) : delivered(size);
}

export const isChosen = (shape: Shape): boolean => compose.shape !== null && same(compose.shape, shape) && shape.name === shapes.name && (compose.draft.deliver != null) === (shape.patch.deliver != null);
export const spelledShape = (shape: Shape): string => `${shape.name}, ${spelled(shape)}`;
export const shapes = new Shapes();
