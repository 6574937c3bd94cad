/** Simplified Chinese. */
import type { en } from './en';
import { zhApp } from './zh.app';
import { zhCreate } from './zh.create';
import { zhLibrary } from './zh.library';
import { zhSettings } from './zh.settings';
import { zhSpeed } from './zh.speed';

export const zh: Record<keyof typeof en, string> = { ...zhApp, ...zhCreate, ...zhLibrary, ...zhSettings, ...zhSpeed };
