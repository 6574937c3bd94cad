/** Short notices that pass, and errors that stay until they are read. */
import { Failure } from '../platform';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'error';
  action: { label: string; run: () => unknown } | null;
}

/** How long a notice stays: long enough to reach its button. */
const STAY_MS = 6000;
const MOST = 4;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(toast: { text: string; tone?: Toast['tone']; action?: Toast['action'] }): number {
    const id = this.#next++;
    const tone = toast.tone ?? 'plain';
    this.list = [...this.list, { id, text: toast.text, tone, action: toast.action ?? null }].slice(-MOST);
    if (tone === 'plain') setTimeout(() => this.dismiss(id), STAY_MS);
    return id;
  }

  error(error: unknown, action: Toast['action'] = null): void {
    const failure = Failure.of(error);
    if (failure.code === 'cancelled') return;
    // The same sentence twice helps nobody.
    if (this.list.some((one) => one.text === failure.message)) return;
    this.show({ text: failure.message, tone: 'error', action });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
