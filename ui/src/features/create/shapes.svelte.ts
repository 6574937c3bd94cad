/**
 * Which shapes are offered: those that the model draws, the sizes that places ask for, and other shapes, which are
 * delivered by enlarging and cutting what it draws.
 */
import type { DeliverChoice, RenderRequest } from '../../bindings';
import { channelName, channels } from '../../store/channels.svelte';
import { compose } from '../../store/compose.svelte';
import { deliveredAs, draws, RATIOS, ratioOf, same, sizeOf, spelled, type Size } from '../../store/sizes';
import { t } from '../../strings';

export interface Shape extends Size {
  name: string;
  patch: Partial<RenderRequest>;
}

class Shapes {
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
    return channels.list.map((channel) => shaped(channelName(channel), channel));
  }

  /** Shapes that the model does not draw. */
  get cut(): Shape[] {
    const named = new Set([...this.drawn, ...this.asked].map(({ name }) => name));
    return RATIOS.filter(({ name }) => !named.has(name)).map((ratio) => shaped(ratio.name, deliveredAs(ratio)));
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
