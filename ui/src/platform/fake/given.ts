/** What the fake studio begins with: its models, its settings, and the wishes of a test. */
import type { Abilities, Model, Settings, System } from '../../bindings';

export interface FakeOptions {
  /** How many pictures the library holds. */
  pictures: number;
  /** Commands that fail, by name. */
  fail: string[];
  /** Renders that an unclean end left behind. */
  crash: number;
  /** Milliseconds for each step. */
  step: number;
  theme: Settings['theme'];
  language: Settings['language'];
  /** The studio did not open: `in_use`, `damaged`, `gone`, … */
  startup: string | null;
  /** No model runs. */
  modelless: boolean;
  /** No model is in memory: the first picture or draft waits until it is loaded, as long as for a step. */
  cold: boolean;
  /** Pictures that were asked for at once know it. */
  runs: boolean;
  /** What is written outlives the page, as it does where a studio keeps it. */
  keeps: boolean;
}

export const USUAL: FakeOptions = {
  pictures: 0,
  fail: [],
  crash: 0,
  step: 120,
  theme: 'dark',
  language: 'en',
  startup: null,
  modelless: false,
  cold: false,
  runs: false,
  keeps: false,
};

/** The wishes as a page's address tells them: `?pictures=50000&fail=save&theme=light`. */
export function optionsFrom(query: string): FakeOptions {
  const asked = new URLSearchParams(query);
  return {
    pictures: asked.has('empty') ? 0 : Number(asked.get('pictures') ?? 240),
    fail: asked.get('fail')?.split(',') ?? [],
    crash: Number(asked.get('crash') ?? 0),
    step: asked.has('slow') ? 1200 : Number(asked.get('step') ?? USUAL.step),
    theme: asked.get('theme') === 'light' ? 'light' : 'dark',
    language: asked.get('lang') === 'zh' ? 'zh' : 'en',
    startup: asked.get('startup'),
    modelless: asked.has('modelless'),
    cold: asked.has('cold'),
    runs: asked.has('runs'),
    keeps: true,
  };
}

const WORDS: Record<string, string> = {
  subjects:
    'fox,cat,dog,panda,rabbit,bear,lion,penguin,owl,octopus,whale,crab,turtle,frog,butterfly,bee,elephant,giraffe,zebra,pig,duck,flamingo,snail,tropical fish,unicorn,dragon,dinosaur,strawberry,apple,banana,watermelon,carrot,avocado,pizza,hamburger,croissant,donut,cupcake,soft ice cream,mug,teapot,guitar,camera,backpack,umbrella,crown,diamond,light bulb,balloon,gift,football,teddy bear,alarm clock,car,fire engine,bicycle,rocket,airplane,sailboat,house,cactus,mushroom,sunflower,pine tree',
  styles: 'cartoon style,3d style,flat style,minimal style',
  finishes: 'paper cut,pixel art,pencil drawing,neon,watercolour,bold outline',
  backgrounds: 'on a beach,on a snowy beach,in a forest,in the snow,in the desert,at sunset,underwater,in space,on a table,transparent background',
  tints: 'red,orange,yellow,green,blue,purple,pink,grey',
};

const STARTER_ABLE: Abilities = {
  defaults: { width: 128, height: 128, steps: 4, guidance: 1, sampler: 'flow_euler', schedule: 'default', strength: 0.6, masked_strength: 1 },
  min_side: 96,
  max_side: 160,
  multiple: 16,
  steps: { min: 1, max: 100 },
  guidance: { min: 0, max: 30 },
  samplers: ['flow_euler', 'flow_heun'],
  schedules: ['default', 'linear'],
  precisions: ['f32', 'bf16', 'int8'],
  negative: true,
  weights: false,
  max_references: 2,
  roles: ['subject', 'edit'],
  init: true,
  mask: true,
  sizes: [{ width: 128, height: 128 }],
};

export const MODELS: Model[] = [
  {
    name: 'likeness-starter',
    path: '/opt/likeness/models/starter',
    runs: true,
    reason: null,
    family: 'flux2',
    licence: 'Apache-2.0',
    sha256: 'b24800a376b4513acd3ceb57973c4231f8844608cb635cf4efbcc7ca557fce2a',
    bytes: 25_034_105,
    memory_needed: 310_000_000,
    fits: true,
    loaded: true,
    words: Object.entries(WORDS).flatMap(([kind, all]) => all.split(',').map((text) => ({ kind, text }))),
    able: STARTER_ABLE,
  },
  {
    name: 'flux.2-klein-4b',
    path: '/pictures/ada/models/flux.2-klein-4b',
    runs: false,
    reason: 'The text encoder of this checkpoint, Qwen3, is not supported yet.',
    family: 'flux2',
    licence: 'Apache-2.0',
    sha256: '0f5d21a3c1c9f6ce3b3f9ab0cba3f3bd6f0d2ad7c1a7bb8c2d1e1f0a9b8c7d6e',
    bytes: 15_980_000_000,
    memory_needed: 17_200_000_000,
    fits: false,
    loaded: false,
    words: [],
    able: null,
  },
  {
    name: 'old-sketches.ckpt',
    path: '/pictures/ada/models/old-sketches.ckpt',
    runs: false,
    reason: 'This is a pickle file, which can run programs when it is opened. Only safetensors and GGUF are read.',
    family: null,
    licence: null,
    sha256: null,
    bytes: 4_265_000_000,
    memory_needed: null,
    fits: true,
    loaded: false,
    words: [],
    able: null,
  },
];

export const SETTINGS: Settings = {
  theme: 'dark',
  language: 'en',
  threads: null,
  trash_days: 30,
  cache_megabytes: 256,
  live_pause_ms: 250,
  keys: {},
};

export const SYSTEM: System = {
  version: '0.1.0',
  instruction_set: 'AVX-512',
  device: 'cpu',
  threads: 8,
  memory_total: 16_600_000_000,
  memory_free: 9_100_000_000,
  library: '/pictures/ada/Pictures/Likeness',
  caches: [
    { name: 'prompts', hits: 41, misses: 12, bytes: 1_900_000, limit: 64_000_000 },
    { name: 'references', hits: 7, misses: 2, bytes: 12_400_000, limit: 192_000_000 },
  ],
  pictures: 0,
  unclean_end: false,
};
