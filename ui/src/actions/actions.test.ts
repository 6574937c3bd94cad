import { expect, test, vi } from 'vitest';
import { flushSync } from 'svelte';
import { platform, usePlatform } from '../platform';
import { fakePlatform } from '../platform/fake';
import { bus } from '../store/bus';
import { compose, emptyRequest } from '../store/compose.svelte';
import { estimates } from '../store/estimate.svelte';
import { models } from '../store/models.svelte';
import { queue } from '../store/queue.svelte';
import { enlargement, resolvedOf } from '../store/resolved';
import { takeAsReferences } from '../store/incoming';
import { session } from '../store/session.svelte';
import { targets } from '../store/targets.svelte';
import { toasts } from '../store/toasts.svelte';
import { prompt } from '../features/create/prompt.svelte';
import { variations } from '../features/create/variations.svelte';
import { undo } from '../store/undo.svelte';
import { view } from '../store/view.svelte';
import { viewer } from '../store/viewer.svelte';
import { action, actions, heardAt, keysOf, onKey, perform, possible } from './index';
import { writes } from './keys';

let begun = false;

/** A window over a library of made-up pictures, the newest one in the viewer. */
async function given(options: Parameters<typeof fakePlatform>[0] = {}) {
  const fake = fakePlatform({ pictures: 12, step: 1, ...options });
  usePlatform(fake);
  fake.listen((event) => bus.tell(event));
  undo.clear();
  toasts.list = [];
  compose.draft = emptyRequest();
  compose.locked = false;
  compose.refused = null;
  view.show('create');
  if (!begun) {
    viewer.start();
    await session.start();
  }
  begun = true;
  await Promise.all([models.load(), queue.start(), session.load()]);
  viewer.coming = null;
  viewer.open(session.list.at(-1)?.id ?? null);
  targets.provide('create', { ids: () => (viewer.id ? [viewer.id] : []), cards: () => [viewer.card()].filter((card) => card !== null) });
  return fake;
}

/** Somewhere in the window; `region` says in which part of it. */
function somewhere(region: string | null, kind: 'div' | 'button' | 'textarea' | 'select' = 'div'): HTMLElement {
  const part = document.body.appendChild(document.createElement('div'));
  if (region !== null) part.dataset.region = region;
  return part.appendChild(document.createElement(kind));
}

/** Presses a key where `at` is, which is the picture itself unless it is said. */
const press = (key: string, held: Partial<KeyboardEventInit> = {}, at = somewhere('viewer')) => {
  const event = new KeyboardEvent('keydown', { key, cancelable: true, bubbles: true, ...held });
  at.addEventListener('keydown', onKey, { once: true });
  at.dispatchEvent(event);
  return event;
};

test('no two actions share an id, and no two a key on one screen', () => {
  expect(new Set(actions.map((one) => one.id)).size).toBe(actions.length);
  const taken = new Map<string, string>();
  // The library's keys work there alone, those of pictures beside one another come before all others there, and some of them mean the same thing elsewhere; what is offered nowhere is what
  // a key means where nothing else takes it.
  for (const one of actions.filter(({ id, hidden }) => !id.startsWith('library.') && !id.startsWith('survey.') && !hidden)) {
    for (const key of keysOf(one)) {
      expect(taken.get(key), `${key} of ${one.id}`).toBeUndefined();
      taken.set(key, one.id);
    }
  }
});

test('every action has words and, where it is offered, a group', () => {
  for (const one of actions) expect(one.name(), one.id).not.toBe('');
});

test('running makes pictures and shows the last one', async () => {
  await given();
  compose.patch({ prompt: 'a red fox', count: 2 });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(viewer.card()?.prompt).toBe('a red fox'));
  await vi.waitFor(() => expect(session.list.filter((one) => one.prompt === 'a red fox')).toHaveLength(2));
  expect(compose.lastSeed).not.toBeNull();
});

test('an empty prompt cannot be run, by button or by key', async () => {
  const fake = await given();
  expect(possible(action('create.run'))).toBe(false);
  press('Enter', { ctrlKey: true });
  expect(fake.studio.engine.jobs).toHaveLength(0);
});

test('a refused field is named beside it, and forgotten when it changes', async () => {
  await given();
  compose.patch({ prompt: 'a fox', steps: 4000 });
  await perform(action('create.run'));
  expect(compose.problem('steps')).toContain('1 to 100');
  expect(toasts.list).toHaveLength(0);
  compose.patch({ steps: 4 });
  expect(compose.problem('steps')).toBeNull();
});

test('an error without a field is said aloud, and the request stays', async () => {
  await given({ fail: ['render'] });
  compose.patch({ prompt: 'a fox' });
  await perform(action('create.run'));
  expect(toasts.list.map((one) => one.tone)).toEqual(['error']);
  expect(compose.draft.prompt).toBe('a fox');
});

test('a star is given, taken back and given again', async () => {
  const fake = await given();
  const id = viewer.id ?? '';
  const rating = () => fake.studio.card(id).rating;
  await perform(action('picture.rate.0'));
  await vi.waitFor(() => expect(viewer.card()?.rating).toBe(0));
  await perform(action('picture.star'));
  expect(rating()).toBe(1);
  await undo.undo();
  expect(rating()).toBe(0);
  await undo.redo();
  expect(rating()).toBe(1);
  await vi.waitFor(() => expect(viewer.card()?.rating).toBe(1));
  await perform(action('picture.star'));
  expect(rating()).toBe(0);
});

test('a picture goes to the trash without a question, its neighbour takes its place, and undo brings it back', async () => {
  await given();
  const id = viewer.id ?? '';
  await perform(action('picture.trash'));
  await vi.waitFor(() => expect(viewer.id).not.toBe(id));
  await vi.waitFor(() => expect(session.list.some((one) => one.id === id)).toBe(false));
  press('z', { ctrlKey: true });
  await vi.waitFor(() => expect(session.list.some((one) => one.id === id)).toBe(true));
});

test('what lies in the trash can only come out of it', async () => {
  const fake = await given();
  const id = session.list.at(-3)?.id ?? '';
  await fake.call('trash', { ids: [id] });
  await vi.waitFor(() => expect(session.has(id)).toBe(false));
  viewer.open(id);
  await vi.waitFor(() => expect(viewer.card()?.trashed_at).toEqual(expect.any(Number)));
  expect(['picture.trash', 'library.restore'].map((one) => possible(action(one)))).toEqual([false, true]);
  await perform(action('library.restore'));
  await vi.waitFor(() => expect(viewer.card()?.trashed_at).toBeNull());
  expect(viewer.id).toBe(id);
  expect(['picture.trash', 'library.restore'].map((one) => possible(action(one)))).toEqual([true, false]);
});

test.each([
  ['the picture', () => somewhere('viewer'), true],
  ['the filmstrip', () => somewhere('filmstrip', 'button'), true],
  ['the grid', () => somewhere('pictures'), true],
  ['a family', () => somewhere('family'), true],
  ['nothing', () => somewhere(null), false],
  ['a button of the bar', () => somewhere('picture', 'button'), false],
  ['the inspector', () => somewhere('inspector'), false],
])('what is done to a picture is done by key with the focus on %s: %s', async (_, place, done) => {
  const fake = await given();
  const field = document.body.appendChild(document.createElement('textarea'));
  prompt.element = field;
  const rated = () => fake.studio.cards.filter((one) => one.rating === 4).length;
  const trashed = () => fake.studio.cards.filter((one) => one.trashed_at !== null).length;
  const before = [rated(), trashed()];
  press('4', {}, place());
  await new Promise((later) => setTimeout(later, 5));
  expect(document.activeElement === field, 'a letter that is nobody’s is written').toBe(!done);
  press('Delete', {}, place());
  await new Promise((later) => setTimeout(later, 5));
  expect([rated(), trashed()]).toEqual(before.map((count) => count + (done ? 1 : 0)));
  prompt.element = undefined;
  field.remove();
});

test('Backspace is the key of nothing', () => {
  expect(actions.filter((one) => keysOf(one).some((key) => key.includes('Backspace'))).map((one) => one.id)).toEqual([]);
});

test('every letter waits for a picture to have the focus, but for what leads to where one writes', () => {
  const anywhere = actions.filter((one) => (one.keys ?? []).some((key) => writes(key) && heardAt(one, key) === 'anywhere'));
  expect(anywhere.map((one) => one.id).toSorted()).toEqual(['create.prompt', 'view.keys']);
});

test('a menu that is open swallows letters', async () => {
  const fake = await given();
  const field = document.body.appendChild(document.createElement('textarea'));
  prompt.element = field;
  const menu = document.body.appendChild(document.createElement('div'));
  menu.className = 'popover';
  const item = menu.appendChild(document.createElement('button'));
  for (const at of [item, somewhere('pictures'), somewhere(null)]) for (const key of 'Autumn') press(key, {}, at);
  await new Promise((later) => setTimeout(later, 5));
  expect(fake.studio.engine.jobs).toHaveLength(0);
  expect(document.activeElement).not.toBe(field);
  menu.remove();
  prompt.element = undefined;
  field.remove();
});

test('keys of actions wait while somebody writes, unless they are meant for it', async () => {
  await given();
  const field = document.body.appendChild(document.createElement('textarea'));
  const typed = new KeyboardEvent('keydown', { key: '3', bubbles: true, cancelable: true });
  field.addEventListener('keydown', onKey);
  field.dispatchEvent(typed);
  expect(typed.defaultPrevented).toBe(false);
  const palette = new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true, cancelable: true });
  field.dispatchEvent(palette);
  expect(palette.defaultPrevented).toBe(true);
  expect(view.paletteOpen).toBe(true);
  view.paletteOpen = false;
  field.remove();
});

test('what an input method is given is no key of ours', async () => {
  const fake = await given();
  compose.patch({ prompt: 'a fox' });
  press('Enter', { ctrlKey: true, isComposing: true });
  press('Enter', { ctrlKey: true, keyCode: 229 });
  expect(press('4', { keyCode: 229 }).defaultPrevented).toBe(false);
  expect(fake.studio.engine.jobs).toHaveLength(0);
});

test('a key that is held does once what it does, unless it only moves something on', async () => {
  const fake = await given();
  compose.patch({ prompt: 'a fox' });
  press('Enter', { ctrlKey: true });
  await vi.waitFor(() => expect([fake.studio.engine.jobs.length, compose.sending]).toEqual([1, false]));
  for (let n = 0; n < 10; n += 1) expect(press('Enter', { ctrlKey: true, repeat: true }).defaultPrevented, 'and nothing else hears it').toBe(true);
  await vi.waitFor(() => expect(viewer.card()?.prompt).toBe('a fox'));
  expect(fake.studio.engine.jobs).toHaveLength(1);
  for (const rating of [1, 2]) await perform(action(`picture.rate.${rating}`));
  press('z', { ctrlKey: true });
  await vi.waitFor(() => expect(undo.done).toHaveLength(1));
  press('z', { ctrlKey: true, repeat: true });
  await vi.waitFor(() => expect(undo.done).toHaveLength(0));
});

test('remix takes the settings but not the seed, and names where they come from', async () => {
  await given();
  compose.patch({ prompt: 'a fox' });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(viewer.card()?.prompt).toBe('a fox'));
  compose.draft = emptyRequest();
  await perform(action('picture.remix'));
  expect(compose.draft.prompt).toBe('a fox');
  expect(compose.draft.seed).toBeNull();
  expect(compose.draft.parents).toEqual([{ id: viewer.id, relation: 'remix' }]);
});

test('a reference is added once, and a third one makes room for itself', async () => {
  await given();
  for (const card of session.list.slice(-3)) await compose.addReference(card.id);
  await compose.addReference(session.list.at(-1)?.id ?? '');
  const ids = session.list.slice(-2).map((one) => one.id);
  expect(compose.draft.references.map((one) => one.asset)).toEqual(ids);
  await undo.undo();
  expect(compose.draft.references).toHaveLength(2);
});

test('a picture that is no reference any more is no parent', async () => {
  await given();
  const [first, second, third] = session.list.slice(-3).map((one) => one.id);
  for (const id of [first, second, third]) await compose.addReference(id ?? '');
  expect(compose.draft.parents).toEqual([second, third].map((id) => ({ id, relation: 'reference' })));
  compose.setRole(1, 'edit');
  compose.removeReference(0);
  expect(compose.draft.parents).toEqual([{ id: third, relation: 'edit' }]);
  await undo.undo();
  expect(compose.draft.parents.map((one) => one.id)).toEqual([second, third]);
  await perform(action('recall.all'));
  expect([compose.draft.references, compose.draft.parents]).toEqual([[], []]);
});

test('a recipe of a model that is not here keeps the chosen one, and says so', async () => {
  const fake = await given();
  const found = fake.studio.detail(viewer.id ?? '');
  if (!found.recipe) throw new Error('it was not made here');
  fake.studio.details.set(found.card.id, { ...found, recipe: { ...found.recipe, model: 'gone', prompt: 'a mug', steps: 6 } });
  await perform(action('recall.all'));
  expect([compose.draft.model, compose.draft.prompt, compose.draft.steps]).toEqual([null, 'a mug', 6]);
  expect(compose.able).not.toBeNull();
  expect(toasts.list.map((one) => one.text)).toEqual(['The model gone does not run here: the chosen one stays.']);
  // By its folder's name the studio finds it, so it is the one.
  fake.studio.details.set(found.card.id, { ...found, recipe: { ...found.recipe, model: 'starter' } });
  await perform(action('recall.all'));
  expect([compose.draft.model, compose.model?.name]).toEqual(['starter', 'likeness-starter']);
  expect(toasts.list).toHaveLength(1);
});

test('the seed of a picture by other weights says that it will differ', async () => {
  const fake = await given();
  const id = viewer.id ?? '';
  const found = fake.studio.detail(id);
  const request = found.recipe;
  if (!request) throw new Error('it was not made here');
  const reason = 'starter has other weights here (ab): the picture will differ';
  fake.studio.details.set(id, { ...found, settings: { program: 'Likeness', fields: [], request, unmatched: [{ name: 'model hash', value: 'cd', reason }] } });
  await perform(action('recall.prompt'));
  expect(toasts.list).toEqual([]);
  await perform(action('recall.seed'));
  expect(toasts.list.map((one) => one.text)).toEqual([reason]);
});

test('editing takes the picture up at its own size, with its words cleared', async () => {
  await given();
  compose.patch({ prompt: 'something' });
  await perform(action('picture.edit'));
  const { prompt, references, width } = compose.draft;
  expect([prompt, references[0]?.role, width]).toEqual(['', 'edit', viewer.card()?.width]);
});

test('the guard of an edit can be lifted, and goes when the picture is no longer edited', async () => {
  await given();
  await perform(action('picture.edit'));
  const guard = () => compose.request().references[0]?.guard ?? null;
  expect(guard()).toBe(null);
  compose.setGuard(0, false);
  expect(guard()).toBe(false);
  compose.setRole(0, 'subject');
  expect(guard()).toBe(null);
});

test('that no words are written is no fault before they are asked for', async () => {
  await given();
  await perform(action('picture.edit'));
  const problem = { code: 'usage' as const, message: 'it is empty', field: 'prompt' };
  estimates.take(compose.request(), { seconds: null, memory_needed: null, fits: true, problem, notes: [], tokens: null, plan: null });
  expect(compose.said).toBe(null);
  compose.refuse(problem);
  expect(compose.problem('prompt')).toBe('Say first what the picture should show.');
});

test('begins from a picture, in its words where none are written', async () => {
  await given();
  const card = viewer.card();
  press('i');
  await vi.waitFor(() => expect(compose.draft.init).toEqual({ asset: card?.id, strength: null }));
  expect([compose.draft.prompt, compose.draft.width, compose.draft.mask]).toEqual([card?.prompt, card?.width, null]);
  expect(compose.draft.parents).toEqual([{ id: card?.id, relation: 'variation' }]);
  await undo.undo();
  expect([compose.draft.init, compose.draft.prompt]).toEqual([null, '']);
  compose.patch({ prompt: 'a fox in the snow' });
  await perform(action('picture.begin'));
  expect(compose.draft.prompt).toBe('a fox in the snow');
});

test('a larger picture is made in the queue, shown when it is there, and knows where it comes from', async () => {
  const fake = await given();
  const small = viewer.card();
  if (!small) throw new Error('there is no picture');
  press('u');
  await vi.waitFor(() => expect(viewer.card()?.width).toBe(small.width * 4));
  expect(viewer.card()?.prompt).toBe(small.prompt);
  const job = fake.studio.engine.jobs.at(-1);
  expect(job?.request.enlarge).toEqual({ asset: small.id, by: 4 });
  const larger = fake.studio.detail(viewer.id ?? '');
  expect(larger.parents.map((one) => one.id)).toEqual([small.id]);
  expect(enlargement(resolvedOf(larger.resolved))).toBe('×4, likeness-upscaler');
  press('U', { shiftKey: true });
  await vi.waitFor(() => expect(viewer.card()?.width).toBe(small.width * 8));
});

test('a person’s own key takes the place of the designed one', async () => {
  await given();
  const { settings } = await import('../store/settings.svelte');
  settings.value = { ...settings.value, keys: { 'picture.star': 'K' } };
  expect(keysOf(action('picture.star'))).toEqual(['K']);
  settings.value = { ...settings.value, keys: {} };
});

test('the queue can be paused, and what waits cancelled', async () => {
  const fake = await given({ step: 30 });
  await perform(action('queue.pause'));
  compose.patch({ prompt: 'a fox', count: 3 });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(queue.value.waiting).toBe(3));
  await perform(action('queue.cancel_all'));
  await vi.waitFor(() => expect(queue.value.waiting).toBe(0));
  expect(fake.studio.engine.jobs.every((one) => one.state === 'cancelled')).toBe(true);
  await platform().call('queue_pause', { paused: false });
  flushSync();
});

test('whatever is asked for while the queue is paused says that it waits', async () => {
  const fake = await given();
  compose.patch({ prompt: 'a fox' });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(viewer.detail?.recipe?.prompt).toBe('a fox'));
  variations.open(viewer.id ?? '');
  await fake.call('queue_pause', { paused: true });
  await vi.waitFor(() => expect(queue.value.paused).toBe(true));
  const ways = { again: () => perform(action('picture.again')), enlarge: () => perform(action('picture.enlarge.4')), vary: () => variations.make() };
  for (const [name, run] of Object.entries(ways)) {
    toasts.list = [];
    await run();
    expect(toasts.list.map((one) => one.text), name).toEqual(['The queue is paused: the picture waits.']);
    viewer.coming = null;
  }
  await fake.call('queue_cancel', { ids: null });
  await fake.call('queue_pause', { paused: false });
  await vi.waitFor(() => expect(queue.value.paused).toBe(false));
});

test('of a folder of references the last ones that the model looks at are taken, in one change', async () => {
  await given();
  await takeAsReferences(Array.from({ length: 30 }, (_, n) => `/a/scan-${n}.png`));
  expect(compose.draft.references.map((one) => one.name)).toEqual(['scan-28.png', 'scan-29.png']);
  expect(toasts.list.map((one) => one.text)).toEqual(['This model looks at 2 at most, so 28 pictures were left out.']);
  expect(undo.done).toHaveLength(1);
  await undo.undo();
  expect(compose.draft.references).toEqual([]);
});

test('a variation of a painted picture is bound to no mask', async () => {
  const fake = await given();
  const id = viewer.id ?? '';
  const found = fake.studio.detail(id);
  if (!found.recipe) throw new Error('it was not made here');
  fake.studio.details.set(id, { ...found, recipe: { ...found.recipe, init: { asset: 'aa', strength: 0.6 }, mask: { asset: 'bb' } } });
  variations.strength = 1;
  expect(await variations.request(id)).toMatchObject({ init: null, mask: null });
  variations.strength = 0.5;
  expect(await variations.request(id)).toMatchObject({ init: { asset: id, strength: 0.5 }, mask: null });
});

/** Answers a render only when all of it is done. */
function answerLate(fake: Awaited<ReturnType<typeof given>>): void {
  const { call } = fake;
  fake.call = async (name, request) => {
    const answer = await call(name, request);
    if (name === 'render') await vi.waitFor(() => expect(fake.studio.engine.jobs.every((one) => one.state === 'done')).toBe(true));
    return answer;
  };
}

test('variations that are made before their answer comes are in the strip', async () => {
  const fake = await given();
  compose.patch({ prompt: 'a mug' });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(viewer.card()?.prompt).toBe('a mug'));
  answerLate(fake);
  variations.open(viewer.id ?? '');
  await variations.make();
  await vi.waitFor(() => expect([variations.pictures.length, variations.coming]).toEqual([4, 0]));
});

test('how different variations are is told of the picture that is varied, however late the answer', async () => {
  const fake = await given();
  compose.patch({ prompt: 'a lamp' });
  await perform(action('create.run'));
  await vi.waitFor(() => expect(viewer.card()?.prompt).toBe('a lamp'));
  answerLate(fake);
  const { call } = fake;
  const held: (() => void)[] = [];
  fake.call = async (name, request) => {
    const found = await call(name, request);
    if (name === 'spread') await new Promise<void>((done) => held.push(done));
    return found;
  };
  variations.open(viewer.id ?? '');
  variations.count = 2;
  await variations.make();
  await vi.waitFor(() => expect([variations.pictures.length, variations.coming]).toEqual([2, 0]));
  await vi.waitFor(() => expect(held).not.toHaveLength(0));
  variations.open('another');
  for (const answer of held) answer();
  await new Promise((later) => setTimeout(later, 5));
  expect(variations.spread).toBeNull();
  variations.count = 4;
});
