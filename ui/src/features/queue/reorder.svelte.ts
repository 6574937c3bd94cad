/** Dragging a row of the queue to another place. */
import type { Attachment } from 'svelte/attachments';
import { platform } from '../../platform';
import { toasts } from '../../store/toasts.svelte';

const SLACK = 4;

class RowDrag {
  id = $state<number | null>(null);
  /** The row before which it would go. */
  over = $state<number | null>(null);

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
        const row = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>('[data-job]');
        this.over = row ? Number(row.dataset.job) : null;
      };
      const up = () => {
        const { id, over } = this;
        end();
        if (id === null || over === null || id === over) return;
        platform()
          .call('queue_move', { id, before: over })
          .catch((error: unknown) => toasts.error(error));
      };
      const end = () => {
        removeEventListener('pointermove', move);
        removeEventListener('pointerup', up);
        removeEventListener('pointercancel', end);
        from = null;
        this.id = null;
        this.over = null;
      };
      element.addEventListener('pointerdown', down);
      return () => {
        element.removeEventListener('pointerdown', down);
        if (from) end();
      };
    };
  }
}

export const rowDrag = new RowDrag();
