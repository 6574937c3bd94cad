/** The fake queue and what runs it: one job at a time, a step each so many milliseconds. */
import type { Job, PictureCard, Place, Queue, RenderEvent, RenderRequest, StudioError } from '../../bindings';
import type { ChannelSink } from '../types';
import { preview } from './paint';

export interface World {
  step: number;
  /** No model is in memory yet. */
  cold: boolean;
  now: () => number;
  /** Takes the picture into the library. */
  keep: (job: Job, seconds: number, changed: number | null) => PictureCard;
  told: () => void;
}

const TOO_LARGE: StudioError = { code: 'memory', message: 'This needs 17.2 GB of memory and 9.1 GB are free. 112 × 112 would fit.', field: 'size' };

export class FakeEngine {
  jobs: Job[] = [];
  paused = false;
  notice: Queue['notice'] = null;
  sinks = new Set<ChannelSink>();
  #next = 1;
  #group = 1;
  #seed = 40_187;
  #turning = false;
  #live = 0;
  /** The draft that is seen, as it would be stored. */
  draft: RenderRequest | null = null;

  constructor(readonly world: World) {}

  queue(): Queue {
    const waiting = this.jobs.filter((one) => one.state === 'waiting');
    const running = this.jobs.find((one) => one.state === 'running');
    const ended = this.jobs.filter((one) => !['waiting', 'running'].includes(one.state)).toReversed();
    return structuredClone({
      paused: this.paused,
      notice: this.notice,
      jobs: [...(running ? [running] : []), ...waiting, ...ended],
      waiting: waiting.length,
      running: running?.id ?? null,
      done: this.jobs.filter((one) => one.state === 'done').length,
      failed: this.jobs.filter((one) => one.state === 'failed').length,
      seconds_left: (waiting.length + (running ? 1 : 0)) * this.seconds(running?.request ?? waiting[0]?.request),
    });
  }

  seconds(request: RenderRequest | undefined): number {
    return ((request?.steps ?? 4) * this.world.step + 60) / 1000;
  }

  add(request: RenderRequest, place: Place, interactive: boolean): Job[] {
    const group = this.#group++;
    const first = request.seed === null ? (this.#seed = (this.#seed * 48271) % 2147483647) : Number(request.seed);
    const run = `run-${group}`;
    const added = Array.from({ length: request.count }, (_, index) => this.#job({ ...structuredClone(request), seed: String(first + index), count: 1, width: request.deliver?.width ?? request.width ?? 128, height: request.deliver?.height ?? request.height ?? 128 }, group, run, interactive));
    const at = place === 'next' ? this.jobs.findIndex((one) => one.state === 'waiting') : -1;
    this.jobs.splice(at < 0 ? this.jobs.length : at, 0, ...added);
    this.world.told();
    void this.turn();
    return structuredClone(added);
  }

  #job(request: RenderRequest, group: number, run: string, interactive: boolean): Job {
    return { id: this.#next++, group, run, state: 'waiting', interactive, request, picture: null, error: null, created_at: this.world.now(), started_at: null, finished_at: null };
  }

  /** Stores the draft that is seen; null where there is none. */
  keepDraft(): PictureCard | null {
    const { draft } = this;
    const group = this.#group++;
    return draft && this.world.keep(this.#job(draft, group, `run-${group}`, true), this.seconds(draft) / 2, null);
  }

  /** Runs what waits until nothing does. */
  async turn(): Promise<void> {
    if (this.#turning) return;
    this.#turning = true;
    for (let job = this.#take(); job; job = this.#take()) await this.#run(job);
    this.#turning = false;
  }

  #take(): Job | undefined {
    return this.paused ? undefined : this.jobs.find((one) => one.state === 'waiting');
  }

  async #run(job: Job): Promise<void> {
    job.state = 'running';
    job.started_at = this.world.now();
    this.world.told();
    await this.#load(job.id, (event) => this.#tell(event));
    this.#tell({ kind: 'encoding', job: job.id });
    await wait(this.world.step / 4);
    const { width, height, steps } = job.request;
    const total = steps ?? 4;
    for (let done = 1; done <= total; done += 1) {
      if (!(await this.#unless(job))) return;
      const png = await preview(fakeId(job), width ?? 128, height ?? 128, done / total);
      this.#tell({ kind: 'step', job: job.id, done, total });
      for (const sink of this.sinks) sink.preview?.(job.id, png);
      await wait(this.world.step);
    }
    if (!(await this.#unless(job))) return;
    this.#tell({ kind: 'decoding', job: job.id });
    if (job.request.prompt.includes('fail')) {
      job.state = 'failed';
      job.error = TOO_LARGE;
      this.#tell({ kind: 'failed', job: job.id, error: job.error });
    } else {
      const seconds = this.seconds(job.request);
      job.finished_at = this.world.now();
      const changed = changedBy(job.request);
      const card = this.world.keep(job, seconds, changed);
      job.state = 'done';
      job.picture = card.id;
      this.#tell({ kind: 'done', job: job.id, picture: card, seconds, changed });
    }
    this.world.told();
  }

  /** False where the job was cancelled meanwhile. */
  async #unless(job: Job): Promise<boolean> {
    if (job.state === 'running') return true;
    this.#tell({ kind: 'cancelled', job: job.id });
    this.world.told();
    return false;
  }

  #tell(event: RenderEvent): void {
    for (const sink of this.sinks) sink.event?.(event);
  }

  async live(request: RenderRequest, sink: ChannelSink): Promise<void> {
    const turn = ++this.#live;
    const total = request.steps ?? 4;
    const id = hash(`${request.prompt}|${request.seed}|${request.width}x${request.height}`);
    const tell = (event: RenderEvent) => sink.event?.(event);
    this.draft = null;
    await this.#load(0, tell);
    for (let done = 1; done <= total; done += 1) {
      await wait(this.world.step / 2);
      if (turn !== this.#live) return tell({ kind: 'cancelled', job: 0 });
      tell({ kind: 'step', job: 0, done, total });
      sink.preview?.(0, await preview(id, request.width ?? 128, request.height ?? 128, done / total));
    }
    if (request.prompt.includes('fail')) tell({ kind: 'failed', job: 0, error: TOO_LARGE });
    else {
      const seed = request.seed ?? '1';
      this.draft = { ...structuredClone(request), seed, count: 1, width: request.width ?? 128, height: request.height ?? 128 };
      tell({ kind: 'drafted', seconds: this.seconds(request) / 2, seed, draft: id });
    }
  }

  /** Opens the model where it is not open. */
  async #load(job: number, tell: (event: RenderEvent) => void): Promise<void> {
    if (!this.world.cold) return;
    tell({ kind: 'loading', job });
    await wait(this.world.step);
    this.world.cold = false;
  }

  liveStop(): void {
    this.#live += 1;
  }

  move(id: number, before: number | null): void {
    const job = this.jobs.find((one) => one.id === id && one.state === 'waiting');
    if (!job) return;
    this.jobs = this.jobs.filter((one) => one !== job);
    const at = before === null ? -1 : this.jobs.findIndex((one) => one.id === before);
    this.jobs.splice(at < 0 ? this.jobs.length : at, 0, job);
    this.world.told();
  }

  cancel(ids: number[] | null): number[] {
    const cancelled: number[] = [];
    for (const job of this.jobs) {
      if (!['waiting', 'running'].includes(job.state) || (ids && !ids.includes(job.id))) continue;
      // What runs says so itself, within a step.
      const waited = job.state === 'waiting';
      cancelled.push(job.id);
      job.state = 'cancelled';
      job.finished_at = this.world.now();
      if (waited) this.#tell({ kind: 'cancelled', job: job.id });
    }
    this.world.told();
    return cancelled;
  }

  retry(ids: number[] | null): void {
    for (const job of this.jobs) {
      if (ids ? !ids.includes(job.id) : job.state !== 'failed') continue;
      if (!['failed', 'cancelled'].includes(job.state)) continue;
      Object.assign(job, { state: 'waiting', error: null, finished_at: null });
    }
    this.world.told();
    void this.turn();
  }

  clear(): void {
    this.jobs = this.jobs.filter((one) => ['waiting', 'running'].includes(one.state));
    this.world.told();
  }
}

/** The share of pixels that an edit changed: none where it is asked for nothing, or is too faint to. */
function changedBy({ prompt, references, init }: RenderRequest): number | null {
  const edited = references.find(({ role }) => role === 'edit');
  if (!edited && !init) return null;
  const nothing = prompt.includes('a hat') && edited?.guard !== false && (init?.strength ?? 0.6) <= 0.6;
  return nothing ? 0 : 0.25;
}

export function fakeId(job: Job): string {
  const { prompt, seed, width, height } = job.request;
  return hash(`${prompt}|${seed}|${width}x${height}|${job.id}`);
}

/** 64 hexadecimal digits, the same for the same text. */
export function hash(text: string): string {
  let digits = '';
  for (let round = 0; digits.length < 64; round += 1) {
    let state = 2166136261 ^ Math.imul(round + 1, 2654435761);
    for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 16777619);
    digits += ((state ^ (state >>> 15)) >>> 0).toString(16).padStart(8, '0');
  }
  return digits;
}

export const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
