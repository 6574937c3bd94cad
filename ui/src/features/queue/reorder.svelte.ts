/** Dragging a row of the queue to another place. */
import type { Attachment } from 'svelte/attachments';
import { platform } from '../../platform';
import { queue } from '../../store/queue.svelte';
import { toasts } from '../../store/toasts.svelte';

const SLACK = 4;

class RowDrag {
  id = $state<number | null>(null);
  /** The row before which it would go, or after which as the last of those that are shown. */
  place = $state.raw<{ row: number; after: boolean } | null>(null);

  row(idOf: () => number | null): Attachment<HTMLElement> {
    return (element) => {
      let from: { y: number; pointer: number } | null = null;
      const down = (event: PointerEvent) => {
        if (event.button !== 0 || idOf() === null || (event.target as Element).closest('button')) return;
        from = { y: event.clientY, pointer: event.pointerId };
        addEventListener('pointermove', move);
        addEventListener('pointerup', up);
        addEventListener('pointercancel', end);
      };
      const move = (event: PointerEvent) => {
        if (!from) return;
        if (this.id === null) {
          if (Math.abs(event.clientY - from.y) < SLACK) return;
          this.id = idOf();
          element.setPointerCapture(from.pointer);
        }
        const panel = element.closest('[data-region]');
        const inside = panel?.contains(document.elementFromPoint(event.clientX, event.clientY)) ?? false;
        this.place = inside ? placeAmong([...(element.parentElement?.querySelectorAll<HTMLElement>('[data-job]') ?? [])], event.clientY) : null;
      };
      const up = () => {
        const { id, place } = this;
        end();
        if (id === null || place === null) return;
        const before = place.after ? next(place.row) : place.row;
        // It stays where it is.
        if (before === id || before === next(id)) return;
        platform()
          .call('queue_move', { id, before })
          .catch((error: unknown) => toasts.error(error));
      };
      const end = () => {
        removeEventListener('pointermove', move);
        removeEventListener('pointerup', up);
        removeEventListener('pointercancel', end);
        from = null;
        this.id = null;
        this.place = null;
      };
      element.addEventListener('pointerdown', down);
      return () => {
        element.removeEventListener('pointerdown', down);
        if (from) end();
      };
    };
  }
}

/** Before the first row whose middle is below the pointer; below all of them it is the end. */
function placeAmong(rows: readonly HTMLElement[], y: number): RowDrag['place'] {
  const below = rows.find((row) => y < row.getBoundingClientRect().top + row.offsetHeight / 2);
  const row = below ?? rows.at(-1);
  if (!row) return null;
  // Behind many that are one row it is behind the last of them.
  return below ? { row: Number(row.dataset.job), after: false } : { row: Number(row.dataset.last ?? row.dataset.job), after: true };
}

/** What waits after a job; null is nothing. Not every job that waits has a row. */
function next(id: number): number | null {
  const { waiting } = queue;
  return waiting[waiting.findIndex((job) => job.id === id) + 1]?.id ?? null;
}

export const rowDrag = new RowDrag();
