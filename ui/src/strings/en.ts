/** English. Its keys are the keys of every language. */
import { enApp } from './en.app';
import { enCreate } from './en.create';
import { enLibrary } from './en.library';
import { enSettings } from './en.settings';

export const en = { ...enApp, ...enCreate, ...enLibrary, ...enSettings } as const;
