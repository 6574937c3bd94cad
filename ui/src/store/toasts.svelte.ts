/** Short notices that pass, and errors that stay until they are read. */
import { Failure } from '../platform';

export interface ToastAction {
  label: string;
  run: () => unknown;
  /** Whether it still means what it says: the button goes as soon as it does not. */
  when?: () => boolean;
}

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'error';
  action: ToastAction | null;
  /** It stays until whoever shows it takes it away: something is under way. */
  lasting: boolean;
}

type Shown = Pick<Toast, 'text'> & Partial<Pick<Toast, 'tone' | 'action' | 'lasting'>>;

/** How long a notice stays: long enough to reach its button. */
const STAY_MS = 6000;
const MOST = 4;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show({ text, tone = 'plain', action = null, lasting = false }: Shown): number {
    const id = this.#next++;
    this.list = [...this.#roomFor(tone), { id, text, tone, action, lasting }];
    if (tone === 'plain' && !lasting) setTimeout(() => this.dismiss(id), STAY_MS);
    return id;
  }

  error(error: unknown, action: ToastAction | null = null): void {
    const failure = Failure.of(error);
    if (failure.code === 'cancelled') return;
    // The same sentence twice helps nobody.
    if (this.list.some((one) => one.text === failure.message)) return;
    this.show({ text: failure.message, tone: 'error', action });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }

  /** What stays when one more comes. One that passes by itself makes room; an unread error only for another error. */
  #roomFor(tone: Toast['tone']): Toast[] {
    let { list } = this;
    while (list.length >= MOST) {
      const passing = list.findIndex((one) => one.tone === 'plain' && !one.lasting);
      const oldest = list.findIndex((one) => one.tone === 'error');
      const out = passing >= 0 ? passing : tone === 'error' ? oldest : -1;
      if (out < 0) break;
      list = list.toSpliced(out, 1);
    }
    return list;
  }
}

export const toasts = new Toasts();
