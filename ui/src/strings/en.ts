/** English. Its keys are the keys of every language. */
import { enApp } from './en.app';
import { enCreate } from './en.create';
import { enLibrary } from './en.library';
import { enSettings } from './en.settings';
import { enSpeed } from './en.speed';

export const en = { ...enApp, ...enCreate, ...enLibrary, ...enSettings, ...enSpeed } as const;
