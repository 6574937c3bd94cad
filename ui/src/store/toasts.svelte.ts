/** Notices: one at a time, gone by themselves, but for those of something that is lost. */
import type { ErrorCode } from '../bindings';
import { Failure } from '../platform';

export interface ToastAction {
  label: string;
  run: () => unknown;
  /** Whether it still means what it says: the button goes as soon as it does not. */
  when?: () => boolean;
}

/** `under_way` stays until whoever shows it takes it away, `lost` until it has been read. */
type Stay = 'passes' | 'under_way' | 'lost';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'error';
  action: ToastAction | null;
  stay: Stay;
}

type Shown = Pick<Toast, 'text'> & Partial<Pick<Toast, 'tone' | 'action' | 'stay'>>;

/** How long a notice stays: long enough to reach its button, and to read what went wrong. */
const STAY_MS = { plain: 6000, error: 12_000 } as const;
/** What these are about did not happen, and nothing else on the screen says so. */
const LOST: readonly ErrorCode[] = ['storage', 'internal'];
const MOST = 8;

class Toasts {
  /** The one that is shown is the last; under it wait those that stay. */
  list = $state<Toast[]>([]);
  #next = 1;

  get shown(): Toast | null {
    return this.list.at(-1) ?? null;
  }

  show({ text, tone = 'plain', action = null, stay = 'passes' }: Shown): number {
    const id = this.#next++;
    // What passes makes room: what is told now is of what was done now.
    this.list = [...this.list.filter((one) => one.stay !== 'passes').slice(1 - MOST), { id, text, tone, action, stay }];
    if (stay === 'passes') setTimeout(() => this.dismiss(id), STAY_MS[tone]);
    return id;
  }

  error(error: unknown, action: ToastAction | null = null, stay?: Stay): void {
    const failure = Failure.of(error);
    if (failure.code === 'cancelled') return;
    // The same sentence twice helps nobody.
    if (this.list.some((one) => one.text === failure.message)) return;
    this.show({ text: failure.message, tone: 'error', action, stay: stay ?? (LOST.includes(failure.code) ? 'lost' : 'passes') });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
