/** Every test begins with a fresh platform in memory and nothing remembered. */
import { beforeEach } from 'vitest';
import { usePlatform } from './platform';
import { fakePlatform } from './platform/fake';

beforeEach(() => {
  localStorage.clear();
  usePlatform(fakePlatform({ step: 1 }));
});
