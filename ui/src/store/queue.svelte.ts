/** A mirror of the queue, and of how far each render is. */
import type { Job, PictureCard, Queue, RenderEvent, StudioError } from '../bindings';
import { platform } from '../platform';
import { bus } from './bus';

export type Phase = 'loading' | 'encoding' | 'step' | 'decoding';

export interface Progress {
  phase: Phase;
  done: number;
  total: number;
}

const NOTHING: Queue = { paused: false, notice: null, jobs: [], waiting: 0, running: null, done: 0, failed: 0, seconds_left: null };

type Done = (job: number, picture: PictureCard, seconds: number) => void;
type Failed = (error: StudioError) => void;
type Ended = (job: number) => void;
type Preview = (job: number, png: Blob) => void;

class QueueMirror {
  value = $state.raw<Queue>(NOTHING);
  progress = $state.raw<Record<number, Progress>>({});
  /** Told of what happens, in the order in which they came to listen. */
  onDone: Done[] = [];
  onEnded: Ended[] = [];
  onFailed: Failed[] = [];
  onPreview: Preview[] = [];
  /** What waited when the queue was first read: what the last end of the program left behind. */
  #found: ReadonlySet<number> | null = null;
  #over = new Set<number>();
  #loading = false;
  #again = false;

  /** Reads the queue; while one reading is under way any number of further ones are a single next. */
  async load(): Promise<void> {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      do {
        this.#again = false;
        this.value = await platform().call('queue', {});
        this.#found ??= new Set(this.waiting.map(({ id }) => id));
      } while (this.#again);
    } finally {
      this.#loading = false;
    }
  }

  async start(): Promise<void> {
    bus.on('queue', () => void this.load().catch(() => undefined));
    void platform()
      .watch('queue_watch', {}, {
        event: (event) => this.hear(event),
        preview: (job, png) => this.onPreview.forEach((tell) => tell(job, png)),
      })
      .catch(() => undefined);
    await this.load();
  }

  hear(event: RenderEvent): void {
    if (event.kind === 'drafted') return;
    if (event.kind === 'done') {
      this.#end(event.job);
      this.onDone.forEach((tell) => tell(event.job, event.picture, event.seconds));
    } else if (event.kind === 'failed' || event.kind === 'cancelled') {
      this.#end(event.job);
      this.onEnded.forEach((tell) => tell(event.job));
      if (event.kind === 'failed') this.onFailed.forEach((tell) => tell(event.error));
    } else {
      // One that is tried again counts from the beginning.
      this.#over.delete(event.job);
      const before = this.progress[event.job];
      const at = event.kind === 'step' ? { done: event.done, total: event.total } : { done: before?.done ?? 0, total: before?.total ?? 0 };
      this.progress = { ...this.progress, [event.job]: { phase: event.kind, ...at } };
    }
  }

  /** A small render may be done before the answer to its request has arrived. */
  hasEnded(job: number): boolean {
    return this.#over.has(job);
  }

  #end(job: number): void {
    this.#over.add(job);
    const rest = { ...this.progress };
    delete rest[job];
    this.progress = rest;
  }

  job(id: number): Job | null {
    return this.value.jobs.find((one) => one.id === id) ?? null;
  }

  get running(): Job | null {
    return this.value.jobs.find((one) => one.state === 'running') ?? null;
  }

  get waiting(): Job[] {
    return this.value.jobs.filter((one) => one.state === 'waiting');
  }

  /** Of what the last end of the program left behind, what still waits. */
  get left(): Job[] {
    return this.waiting.filter(({ id }) => this.#found?.has(id));
  }

  get ended(): Job[] {
    return this.value.jobs.filter((one) => one.state === 'failed' || one.state === 'cancelled' || one.state === 'done');
  }

  get failed(): Job[] {
    return this.value.jobs.filter((one) => one.state === 'failed');
  }

  /** How far the render under way is, 0 to 1; null when nothing is known of it. */
  get share(): number | null {
    const running = this.running;
    const at = running ? this.progress[running.id] : undefined;
    if (!at) return null;
    if (at.phase === 'decoding') return 1;
    return at.total > 0 ? at.done / at.total : 0;
  }
}

export const queue = new QueueMirror();
