/** The platform in memory, for tests and for design: no window, no engine, no file. */
import { Failure, type FileDrop, type MenuGroup, type Platform, type Request, type Startup } from '../types';
import { USUAL, type FakeOptions } from './given';
import { pictureUrl } from './paint';
import { FakeStudio } from './studio';

export { optionsFrom } from './given';

/** What a test may look at and push. */
export interface FakePlatform extends Platform {
  studio: FakeStudio;
  /** As if files were dragged over the window or dropped on it. */
  drop(drop: FileDrop): void;
  /** What was asked of the desktop, in order. */
  asked: { what: string; with: unknown }[];
  /** What the next dialogs answer. */
  chosen: { files: string[]; folder: string | null; save: string | null };
  /** What is on the system's clipboard: the name of a picture, `text`, or nothing. */
  clipboard: { picture: string } | 'text' | null;
}

const PROBLEMS: Record<string, string> = {
  in_use: 'Another Likeness has this library open (process 4711). Close that window, or choose another library.',
  damaged: 'The library’s database cannot be read (malformed page 212). Your pictures are whole: a new database can be made from them.',
  gone: 'The library’s folder is not there. If it is on another drive, connect it and try again.',
  read_only: 'The library’s folder cannot be written to.',
  newer: 'This library was written by a newer Likeness (schema 9, this one knows 1).',
};

export function fakePlatform(options: Partial<FakeOptions> = {}): FakePlatform {
  const given = { ...USUAL, ...options };
  const studio = new FakeStudio(given);
  const drops = new Set<(drop: FileDrop) => void>();
  const asked: FakePlatform['asked'] = [];
  const chosen: FakePlatform['chosen'] = { files: ['/pictures/ada/a1111-lighthouse.png'], folder: '/pictures/ada/export', save: '/pictures/ada/picture.png' };
  const note = <T>(what: string, values: unknown, answer: T): Promise<T> => {
    asked.push({ what, with: values });
    return Promise.resolve(answer);
  };
  let startup: Startup = { ready: true, folder: studio.folder, problem: null };
  if (given.startup !== null) {
    const kind = given.startup as NonNullable<Startup['problem']>['kind'];
    startup = { ...startup, ready: false, problem: { kind, message: PROBLEMS[kind] ?? kind, copy: null } };
  }
  const opened = (folder: string | null) => {
    studio.folder = folder ?? studio.folder;
    if (given.keeps) sessionStorage.setItem('fake.folder', studio.folder);
    return (startup = { ready: true, folder: studio.folder, problem: null });
  };

  const pasteImage = (name: string, reference = false) => {
    const holds = platform.clipboard;
    const refuse = (what: string, message: string) => Promise.reject(new Failure({ code: 'input', message, field: `clipboard.${what}` }));
    if (holds === null) return refuse('empty', 'The clipboard is empty.');
    if (holds === 'text') return refuse('text', 'The clipboard holds text.');
    return studio.call('import_bytes', { name, base64: holds.picture, reference });
  };

  const platform: FakePlatform = {
    kind: 'fake',
    studio,
    asked,
    chosen,
    clipboard: null,
    pasteImage,
    drop: (drop) => drops.forEach((hear) => hear(drop)),
    call: (name, request) => studio.call(name, request),
    watch: async (name, request, sink) => {
      if (name === 'queue_watch') studio.engine.sinks.add(sink);
      else await studio.live((request as Request<'live'>).request, sink);
      return {};
    },
    listen: (hear) => {
      studio.hearers.add(hear);
      return () => studio.hearers.delete(hear);
    },
    url: (_size, id) => {
      const card = studio.has(id) ? studio.card(id) : { width: 128, height: 128 };
      return pictureUrl(id, card.width, card.height);
    },
    startup: () => Promise.resolve(startup),
    openLibrary: (folder) => note('openLibrary', folder, opened(folder)),
    rebuildLibrary: () => note('rebuildLibrary', null, opened(null)),
    setMenu: (groups: MenuGroup[]) => note('setMenu', groups, undefined),
    onMenu: () => () => undefined,
    close: () => note('close', null, undefined),
    openFiles: () => note('openFiles', null, chosen.files),
    openFolder: () => note('openFolder', null, chosen.folder),
    saveFile: (name) => note('saveFile', name, chosen.save),
    reveal: (path) => note('reveal', path, undefined),
    copyPicture: (id) => note('copyPicture', id, undefined),
    startDrag: (ids) => note('startDrag', ids, true),
    onDrop: (hear) => {
      drops.add(hear);
      return () => drops.delete(hear);
    },
  };
  return platform;
}
