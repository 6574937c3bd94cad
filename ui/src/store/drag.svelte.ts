/**
 * Dragging pictures: within the window by the pointer's own events, since the system's drag of files
 * is taken by the shell; out of the window by the shell; and files from outside into the same zones.
 */
import type { Attachment } from 'svelte/attachments';
import { platform, type FileDrop } from '../platform';
import { t } from '../strings';
import { toasts } from './toasts.svelte';

export interface Zone {
  /** What letting go here does, in words, shown beside the pointer. */
  label: () => string;
  pictures?: (ids: string[], at: { x: number; y: number }) => unknown;
  files?: (paths: string[], at: { x: number; y: number }) => unknown;
}

/** How far the pointer goes before a press is a drag. */
const SLACK = 6;
const zones = new WeakMap<Element, Zone>();

class Drag {
  /** Pictures that are being dragged; empty when none are. */
  ids = $state.raw<string[]>([]);
  files = $state(false);
  x = $state(0);
  y = $state(0);
  over = $state.raw<Element | null>(null);

  get active(): boolean {
    return this.ids.length > 0 || this.files;
  }

  get label(): string {
    return this.over ? (zones.get(this.over)?.label() ?? '') : '';
  }

  at(x: number, y: number): void {
    this.x = x;
    this.y = y;
    const wants = (zone: Zone | undefined) => (this.files ? zone?.files : zone?.pictures) !== undefined;
    let found = document.elementFromPoint(x, y)?.closest('[data-drop-zone]') ?? null;
    while (found && !wants(zones.get(found))) found = found.parentElement?.closest('[data-drop-zone]') ?? null;
    if (found === this.over) return;
    this.over?.removeAttribute('data-drop-over');
    found?.setAttribute('data-drop-over', '');
    this.over = found;
  }

  end(): void {
    this.over?.removeAttribute('data-drop-over');
    this.over = null;
    this.ids = [];
    this.files = false;
  }
}

export const drag = new Drag();

/** Makes an element something that pictures or files can be let go of over. */
export function dropZone(zone: Zone): Attachment<HTMLElement> {
  return (element) => {
    zones.set(element, zone);
    element.dataset.dropZone = '';
    return () => {
      if (drag.over === element) drag.at(-1, -1);
      zones.delete(element);
    };
  };
}

/** Makes an element something that pictures can be dragged by. */
export function draggable(ids: () => string[]): Attachment<HTMLElement> {
  return (element) => {
    let from: { x: number; y: number; pointer: number } | null = null;

    const down = (event: PointerEvent) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      from = { x: event.clientX, y: event.clientY, pointer: event.pointerId };
      // A quick hand has left the element before the first move is told.
      addEventListener('pointermove', move);
      addEventListener('pointerup', up);
      addEventListener('pointercancel', stop);
      // Only while it is pressed: of many elements the one that is dragged by must hear it.
      addEventListener('keydown', key, true);
    };
    const move = (event: PointerEvent) => {
      if (!from || event.pointerId !== from.pointer) return;
      if (drag.ids.length === 0) {
        if (Math.hypot(event.clientX - from.x, event.clientY - from.y) < SLACK) return;
        drag.ids = ids();
        if (drag.ids.length === 0) return stop();
        element.setPointerCapture(from.pointer);
      }
      const outside = event.clientX < 0 || event.clientY < 0 || event.clientX > innerWidth || event.clientY > innerHeight;
      if (outside) {
        const taken = drag.ids;
        stop();
        void dragOut(taken);
      } else {
        drag.at(event.clientX, event.clientY);
      }
    };
    const up = (event: PointerEvent) => {
      if (from && drag.ids.length > 0) {
        const zone = drag.over ? zones.get(drag.over) : undefined;
        const taken = drag.ids;
        swallowClick();
        stop();
        void zone?.pictures?.(taken, { x: event.clientX, y: event.clientY });
      }
      stop();
    };
    /** The click of this letting go belongs to the drag. */
    const swallowClick = () => {
      const swallow = (click: Event) => click.stopImmediatePropagation();
      element.addEventListener('click', swallow, { capture: true, once: true });
      setTimeout(() => element.removeEventListener('click', swallow, { capture: true }), 0);
    };
    const stop = () => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', stop);
      removeEventListener('keydown', key, true);
      if (drag.ids.length > 0) drag.end();
      from = null;
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && drag.ids.length > 0) {
        event.preventDefault();
        event.stopPropagation();
        stop();
        // The button is still held, and letting it go is a click on what was dragged.
        addEventListener('pointerup', swallowClick, { capture: true, once: true });
      }
    };
    element.addEventListener('pointerdown', down);
    return () => {
      element.removeEventListener('pointerdown', down);
      if (from) stop();
    };
  };
}

async function dragOut(ids: string[]): Promise<void> {
  try {
    if (!(await platform().startDrag(ids))) toasts.show({ text: t('drag.not_out'), tone: 'error' });
  } catch (error) {
    toasts.error(error);
  }
}

/** Files from outside, as the platform tells of them; what no zone wants goes to `otherwise`. */
export function followFiles(otherwise: (paths: string[]) => unknown): () => void {
  return platform().onDrop((drop: FileDrop) => {
    if (drop.kind === 'leave') return drag.end();
    drag.files = true;
    drag.at(drop.x, drop.y);
    if (drop.kind === 'over') return;
    const zone = drag.over ? zones.get(drag.over) : undefined;
    drag.end();
    void (zone?.files ? zone.files(drop.paths, { x: drop.x, y: drop.y }) : otherwise(drop.paths));
  });
}
