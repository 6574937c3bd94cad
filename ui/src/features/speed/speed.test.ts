import { expect, test } from 'vitest';
import type { WorkRow } from '../../bindings';
import { leastOf, rate, ratesOf, reached, verdictOf } from './speed';

const PLAIN: WorkRow = { kind: 'product', numbers: 'bf16', calls: 4, seconds: 1, share: 1, gflops: null, gigabytes: null, limit_gflops: null, share_of_limit: null, bound: null };
const row = (part: Partial<WorkRow>): WorkRow => ({ ...PLAIN, ...part });

test('nothing is said of a limit before the machine is measured', () => {
  const rows = [row({ gflops: 500 })];
  expect(leastOf(rows)).toBeNull();
  expect(verdictOf({ rows, seconds: 1, load_seconds: 0 })).toMatchObject({ least: null, well: false });
});

test('the least time is that of what was counted, and no row is quicker than its limit', () => {
  const rows = [row({ seconds: 3, share_of_limit: 0.5 }), row({ seconds: 1, share_of_limit: 1.4 }), row({ kind: 'other', seconds: 1 })];
  expect(leastOf(rows)).toEqual({ seconds: 2.5, share: 0.5 });
  expect(rows.map(reached)).toEqual([0.5, 1, null]);
});

test('the longest row is named, whatever the order', () => {
  const rows = [row({ kind: 'norm', seconds: 1, share: 0.25 }), row({ kind: 'attention', seconds: 3, share: 0.75 })];
  expect(verdictOf({ rows, seconds: 4, load_seconds: 0 })).toMatchObject({ longest: { kind: 'attention' }, most: true });
  const even = [row({ share: 0.5 }), row({ kind: 'norm', share: 0.5 })];
  expect(verdictOf({ rows: even, seconds: 2, load_seconds: 0 }).most).toBe(false);
});

test.each([
  [0.05, null],
  [0.9, 0.9],
])('of %s s for opening the model %s is worth saying', (load_seconds, said) => expect(verdictOf({ rows: [], seconds: 2, load_seconds }).load).toBe(said));

test('a render of which nothing is known says nothing', () => {
  expect(verdictOf({ rows: [], seconds: 0, load_seconds: 0 })).toEqual({ load: null, longest: null, most: false, least: null, well: false });
});

test.each([
  [0.5, '0.50 GFLOP/s'],
  [34.27, '34.3 GFLOP/s'],
  [99.97, '100 GFLOP/s'],
  [999.4, '999 GFLOP/s'],
  [999.9, '1.00 TFLOP/s'],
  [2048, '2.05 TFLOP/s'],
])('%s billions a second are %s', (billions, text) => expect(rate(billions, 'FLOP/s')).toBe(text));

test('a rate is told in the unit of what sets the limit', () => {
  const counted = { gflops: 12, gigabytes: 18, limit_gflops: 16 };
  expect(ratesOf(row({ ...counted, bound: 'memory' }), 24)).toEqual({ reached: '18.0 GB/s', limit: '24.0 GB/s' });
  expect(ratesOf(row({ ...counted, bound: 'compute' }), 24)).toEqual({ reached: '12.0 GFLOP/s', limit: '16.0 GFLOP/s' });
  expect(ratesOf(row({ ...counted, bound: 'memory', share_of_limit: 1.4 }), 24)).toEqual({ reached: '18.0 GB/s', limit: null });
  expect(ratesOf(row({ gigabytes: 3 }), null)).toEqual({ reached: '3.00 GB/s', limit: null });
  expect(ratesOf(row({}), 24)).toBeNull();
});
