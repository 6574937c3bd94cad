/**
 * A large made-up library for tests and the benchmark: the same for the same count and seed, down to every id.
 *
 * It has what a real one has after a few years: batches that share a prompt and a run, several models and sizes, few marks,
 * fewer fives, names in Chinese and Arabic, prompts that go on for pages, and pictures of other programs.
 */
import type { ForeignSettings, LineageEdge, PictureCard, PictureDetail, RenderRequest } from '../../bindings';

const THINGS = ['fox', 'teapot', 'lighthouse', 'bicycle', 'owl', 'sailing boat', 'pear', 'lamp', 'cat', 'mountain', 'chair', 'robot', 'tree', 'whale', 'house', 'violin'] as const;
const COLOURS = ['red', 'blue', 'yellow', 'green', 'white', 'black', 'orange', 'violet'] as const;
const PLACES = ['on a wooden table', 'at sunset', 'in the snow', 'under a starry sky', 'on a plain ground', 'by the sea', 'in a garden'] as const;
const STYLES = ['flat illustration', 'paper cut', 'watercolour', 'product photo', 'line drawing', 'clay model'] as const;
const SUBJECTS = ['Ada', 'Brew Nº 5', '小红', '山茶花', 'ليلى', 'The Harbour Hotel'] as const;
const OTHER_WORDS = ['一只红色的狐狸，水彩', '雪中的灯塔，平面插画', 'ثعلب أحمر على طاولة خشبية', 'منارة تحت سماء مليئة بالنجوم'] as const;
const MODELS = ['starter', 'flux.2-klein-4b', 'sdxl-lightning', 'z-image-turbo'] as const;
const SIZES = [[128, 128], [128, 128], [160, 128], [128, 160], [160, 96], [512, 512], [1024, 768]] as const;
const SOURCES = ['likeness', 'likeness', 'likeness', 'likeness', 'likeness', 'likeness', 'a1111', 'comfyui', 'invokeai'] as const;

/** Long enough to fill several screens: people paste whole briefs. */
const BRIEF =
  'A poster for the spring season of a small theatre by the harbour: a paper lighthouse whose beam is a strip of torn newspaper, a sea of folded blue card, gulls of white paper hung from threads that show, and a moon that is a coffee stain. '.repeat(
    12,
  );

const NEWEST = Date.UTC(2026, 10, 21, 9, 30);
const MINUTE = 60_000;

/** `count` pictures, the newest first; those of before there were runs have none. */
export function manyPictures(count: number, seed = 1, runs = false): PictureCard[] {
  const cards: PictureCard[] = new Array<PictureCard>(count);
  let at = NEWEST;
  let batch = 0;
  let left = 0;
  for (let index = 0; index < count; index += 1) {
    if (left === 0) {
      batch += 1;
      left = 1 + (mix(seed, batch, 1) % 8);
      at -= (1 + (mix(seed, batch, 2) % 90)) * MINUTE;
    }
    left -= 1;
    at -= 2_000 + (mix(seed, index, 3) % 4_000);
    cards[index] = cardOf(seed, index, batch, at, runs);
  }
  return cards;
}

/** All that is known of a made-up picture. Its parents and children are for whoever holds the library to find. */
export function manyDetail(card: PictureCard): PictureDetail {
  const foreign = card.source !== 'likeness';
  const recipe = requestOf(card);
  return {
    card,
    file: {
      path: `/pictures/Likeness/pictures/${new Date(card.created_at).toISOString().slice(0, 10).replaceAll('-', '/')}/${card.id}.png`,
      bytes: card.width * card.height * 2 + 900,
      format: 'png',
    },
    recipe: foreign ? null : recipe,
    resolved: foreign ? null : JSON.stringify({ schema: 1, ...recipe }, null, 2),
    negative: recipe.negative ?? '',
    seconds: foreign ? null : 0.4 + (card.width * card.height) / 60_000,
    changed: null,
    tags: tagsOf(card),
    boards: [],
    parents: [],
    children: [],
    children_count: 0,
    settings: foreign ? settingsOf(card, recipe) : null,
  };
}

/** The boards that a large library has. */
export function manyBoards(): { id: number; name: string; count: number }[] {
  return [
    { id: 1, name: 'Harbour theatre, spring', count: 0 },
    { id: 2, name: 'Portfolio', count: 0 },
    { id: 3, name: '山茶花 项目', count: 0 },
    { id: 4, name: 'فندق الميناء', count: 0 },
    { id: 5, name: 'A board whose name is a good deal longer than the column that it has to fit', count: 0 },
  ];
}

/** What the filter menus offer, the most used first. */
export function manyFacets(cards: readonly PictureCard[], trashed = false) {
  const models = new Map<string, number>();
  const subjects = new Map<string, number>();
  const tags = new Map<string, number>();
  const sizes = new Map<string, { width: number; height: number; count: number }>();
  for (const card of cards) {
    if ((card.trashed_at !== null) !== trashed) continue;
    if (card.model) models.set(card.model, (models.get(card.model) ?? 0) + 1);
    if (card.subject) subjects.set(card.subject, (subjects.get(card.subject) ?? 0) + 1);
    for (const tag of tagsOf(card)) tags.set(tag, (tags.get(tag) ?? 0) + 1);
    const key = `${card.width}x${card.height}`;
    const size = sizes.get(key);
    if (size) size.count += 1;
    else sizes.set(key, { width: card.width, height: card.height, count: 1 });
  }
  const named = (counts: Map<string, number>) =>
    [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count).slice(0, 50);
  return {
    models: named(models),
    sizes: [...sizes.values()].sort((a, b) => b.count - a.count).slice(0, 50),
    subjects: named(subjects),
    tags: named(tags),
  };
}

/** A made-up family for the lineage: `card` in the middle, two before it and four after. */
export function manyLineage(card: PictureCard, cards: readonly PictureCard[]): { nodes: PictureCard[]; edges: LineageEdge[] } {
  const at = Math.max(2, cards.findIndex(({ id }) => id === card.id));
  const [root, middle] = [cards[at - 2] ?? card, cards[at - 1] ?? card];
  const after = cards.slice(at + 1, at + 6);
  const edges: LineageEdge[] = [
    { parent: root.id, child: middle.id, relation: 'variation' },
    { parent: middle.id, child: card.id, relation: 'edit' },
    ...after.slice(0, 3).map((child) => ({ parent: card.id, child: child.id, relation: 'variation' as const })),
    ...after.slice(3).map((child) => ({ parent: after[1]!.id, child: child.id, relation: 'remix' as const })),
  ];
  return { nodes: [root, middle, card, ...after], edges: edges.filter(({ parent, child }) => parent !== child) };
}

/**
 * A picture for an id, as SVG markup: a still life of a few shapes, so that a wall of them looks like a library
 * and neighbours can be told apart.
 */
export function pictureSvg(id: string, width: number, height: number): string {
  const seed = Number.parseInt(id.slice(0, 8), 16) || 1;
  const pick = (salt: number, range: number) => mix(seed, salt, 7) % range;
  const hue = pick(1, 360);
  const ground = `hsl(${hue} ${18 + pick(2, 30)}% ${70 + pick(3, 20)}%)`;
  const floor = `hsl(${(hue + 20) % 360} ${15 + pick(4, 25)}% ${40 + pick(5, 25)}%)`;
  const main = `hsl(${(hue + 150 + pick(6, 90)) % 360} ${45 + pick(7, 40)}% ${38 + pick(8, 25)}%)`;
  const light = `hsl(${(hue + 40) % 360} 60% 88%)`;
  const [cx, base, size] = [30 + pick(9, 40), 62 + pick(10, 14), 16 + pick(11, 14)];
  const shape = [
    `<circle cx="${cx}" cy="${base - size}" r="${size}" fill="${main}"/>`,
    `<rect x="${cx - size}" y="${base - size * 1.8}" width="${size * 2}" height="${size * 1.8}" rx="${pick(12, 9)}" fill="${main}"/>`,
    `<path d="M${cx} ${base - size * 2.2}L${cx + size} ${base}H${cx - size}Z" fill="${main}"/>`,
    `<ellipse cx="${cx}" cy="${base - size * 0.7}" rx="${size * 1.3}" ry="${size * 0.7}" fill="${main}"/>`,
  ][pick(13, 4)];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 100 100" preserveAspectRatio="xMidYMid slice">` +
    `<rect width="100" height="100" fill="${ground}"/><rect y="${base}" width="100" height="100" fill="${floor}"/>` +
    `<circle cx="${(cx + 45) % 100}" cy="${14 + pick(14, 18)}" r="${4 + pick(15, 7)}" fill="${light}"/>` +
    `<ellipse cx="${cx + 3}" cy="${base + 2}" rx="${size * 1.2}" ry="3" fill="#000" opacity=".22"/>${shape}</svg>`
  );
}

function cardOf(seed: number, index: number, batch: number, at: number, runs: boolean): PictureCard {
  const pick = <T>(list: readonly T[], salt: number) => list[mix(seed, batch, salt) % list.length]!;
  const source = pick(SOURCES, 4);
  const [width, height] = pick(SIZES, 5);
  const luck = mix(seed, index, 6) % 1000;
  return {
    id: hexId(seed, index),
    width,
    height,
    created_at: at,
    rating: luck < 12 ? 5 : luck < 60 ? 4 : luck < 160 ? 3 : luck < 200 ? 1 : 0,
    alpha: mix(seed, batch, 8) % 25 === 0,
    prompt: promptOf(seed, batch),
    seed: String(BigInt(mix(seed, batch, 9)) * 4_294_967_291n + BigInt(index)),
    model: source === 'likeness' ? pick(MODELS, 10) : source === 'comfyui' ? null : 'dreamshaper_8',
    subject: mix(seed, batch, 11) % 6 === 0 ? pick(SUBJECTS, 12) : null,
    source,
    trashed_at: luck >= 996 ? NEWEST - luck * MINUTE : null,
    parents: mix(seed, index, 13) % 5 === 0 ? 1 : 0,
    run: runs && source === 'likeness' ? `run-${batch}` : null,
    enlarged: null,
  };
}

function promptOf(seed: number, batch: number): string {
  const pick = <T>(list: readonly T[], salt: number) => list[mix(seed, batch, salt) % list.length]!;
  const kind = mix(seed, batch, 20) % 40;
  if (kind === 0) return BRIEF;
  if (kind === 1) return pick(OTHER_WORDS, 21);
  return `a ${pick(COLOURS, 22)} ${pick(THINGS, 23)} ${pick(PLACES, 24)}, ${pick(STYLES, 25)}`;
}

function requestOf(card: PictureCard): RenderRequest {
  return {
    model: card.model,
    prompt: card.prompt,
    negative: card.source === 'likeness' ? null : 'blurry, low quality',
    references: [],
    init: null,
    mask: null,
    seed: card.seed,
    noise_source: 'likeness',
    steps: card.source === 'likeness' ? 4 : 28,
    guidance: card.source === 'likeness' ? 1 : 7,
    width: card.width,
    height: card.height,
    sampler: card.source === 'likeness' ? 'flow_euler' : 'euler_a',
    schedule: 'default',
    precision: 'auto',
    count: 1,
    parents: [],
  };
}

/** What another program wrote, and how much of it we understand. */
export function settingsOf(card: PictureCard, request: RenderRequest = requestOf(card)): ForeignSettings {
  const field = (name: string, label: string, value: string, problem: string | null = null) => ({ field: name, label, value, problem });
  return {
    program: card.source,
    fields: [
      field('prompt', 'Prompt', request.prompt),
      field('negative', 'Negative prompt', request.negative ?? '', 'starter takes no negative prompt'),
      field('steps', 'Steps', String(request.steps), 'starter takes 1 to 8 steps'),
      field('sampler', 'Sampler', 'Euler a', 'starter samples with flow_euler only'),
      field('guidance', 'CFG scale', String(request.guidance)),
      field('seed', 'Seed', request.seed ?? ''),
      field('size', 'Size', `${card.width}x${card.height}`),
    ],
    request: { ...request, model: null, schedule: null, noise_source: null, precision: null },
    unmatched: [
      { name: 'Model hash', value: '879db523c3', reason: 'no model here has this hash' },
      { name: 'Clip skip', value: '2', reason: 'no model here has it' },
      { name: 'Hires upscaler', value: '4x-UltraSharp', reason: 'there is no upscaling yet' },
    ],
  };
}

/** Those that a picture begins with; the fake studio keeps what is done to them. */
function tagsOf({ rating }: PictureCard): string[] {
  return rating >= 4 ? ['portfolio'] : rating === 3 ? ['client', 'draft'] : [];
}

/** 64 hex digits that no two places share. */
function hexId(seed: number, index: number): string {
  let id = '';
  for (let word = 0; word < 7; word += 1) id += mix(seed, index, 100 + word).toString(16).padStart(8, '0');
  // The last word is the place itself: hashes of 32 bits would collide somewhere in fifty thousand.
  return id + index.toString(16).padStart(8, '0');
}

/** A well-spread 32-bit number from three (murmur3's finaliser). */
function mix(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35) ^ Math.imul(c + 1, 0x27d4eb2f);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
