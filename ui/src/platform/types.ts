/**
 * What the interface needs of the world outside: the studio's commands and a few things that only a
 * desktop can do. There is one implementation over Tauri and one in memory, for tests and for design.
 */
import type { Commands, ErrorCode, Event, Imported, RenderEvent, StudioError, WithChannel } from '../bindings';

export type CommandName = keyof Commands;
export type Request<C extends CommandName> = Commands[C]['request'];
export type Answer<C extends CommandName> = Commands[C]['answer'];

/** What comes over a command's channel while it runs. */
export interface ChannelSink {
  event?(event: RenderEvent): void;
  /** A step preview: a PNG of the job, of the live draft where the job is 0. */
  preview?(job: number, png: Blob): void;
}

/** The sizes in which the picture protocol serves a picture. */
export type PictureSize = 'picture' | 'thumb128' | 'thumb320' | 'thumb768';

/** What happened to files that were dragged over the window from outside. */
export type FileDrop =
  | { kind: 'over'; x: number; y: number }
  | { kind: 'leave' }
  | { kind: 'drop'; x: number; y: number; paths: string[] };

/** How the program began: the library may be in use, damaged or gone. */
export interface Startup {
  ready: boolean;
  folder: string;
  problem: StartupProblem | null;
}

export interface StartupProblem {
  kind: 'in_use' | 'newer' | 'damaged' | 'gone' | 'read_only' | 'disk_full' | 'other';
  message: string;
  /** Where a damaged database was copied to. */
  copy: string | null;
}

/** The system's own menu; an item whose id is `-` is a line between others. */
export interface MenuGroup {
  text: string;
  items: { id: string; text: string }[];
}

export interface Platform {
  readonly kind: 'tauri' | 'fake';
  call<C extends CommandName>(command: C, request: Request<C>): Promise<Answer<C>>;
  /** Opens a command that goes on telling; the answer closes it. */
  watch<C extends WithChannel>(command: C, request: Request<C>, sink: ChannelSink): Promise<Answer<C>>;
  /** Changes told by the studio, whoever made them. Answers with what ends the listening. */
  listen(hear: (event: Event) => void): () => void;
  /** An address under which the picture or asset can be shown. */
  url(size: PictureSize, id: string): string;

  startup(): Promise<Startup>;
  /** Opens the library again, or another one; the page is loaded anew after it. */
  openLibrary(folder: string | null): Promise<Startup>;
  /** Makes a new database from the pictures' own files; the damaged one is kept. */
  rebuildLibrary(): Promise<Startup>;
  setMenu(groups: MenuGroup[], shown: boolean): Promise<void>;
  onMenu(hear: (action: string) => void): () => void;
  close(): Promise<void>;

  openFiles(): Promise<string[]>;
  openFolder(): Promise<string | null>;
  saveFile(name: string): Promise<string | null>;
  /** Shows the file in the system's file manager. */
  reveal(path: string): Promise<void>;
  /**
   * Takes in the picture that is on the system's clipboard, where the page is given none with a paste, as by WebKit on
   * Linux. Fails with why there is none that can be used: the field is `clipboard.empty`, `clipboard.text`,
   * `clipboard.other` or `clipboard.size`.
   */
  pasteImage(name: string, reference?: boolean): Promise<Imported>;
  /** Puts the picture's pixels on the clipboard. */
  copyPicture(id: string): Promise<void>;
  /** Begins a drag of picture files to other programs; false where the desktop cannot. */
  startDrag(ids: string[]): Promise<boolean>;
  onDrop(hear: (drop: FileDrop) => void): () => void;
}

/** An error of the studio, as it was answered. */
export class Failure extends Error implements StudioError {
  readonly code: ErrorCode;
  readonly field: string | null;

  constructor(error: StudioError) {
    super(error.message);
    this.name = 'Failure';
    this.code = error.code;
    this.field = error.field;
  }

  /** Anything thrown, as a failure with words. */
  static of(error: unknown): Failure {
    if (error instanceof Failure) return error;
    if (isStudioError(error)) return new Failure(error);
    const message = error instanceof Error ? error.message : String(error);
    return new Failure({ code: 'internal', message, field: null });
  }
}

function isStudioError(error: unknown): error is StudioError {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
