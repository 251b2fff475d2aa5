// What a storage costs is said with its parts, and a change of it before it happens.
import { expect, test } from 'vitest';
import type { Cost } from '../src/api/types';
import { besideOf, billOf, changeOf, dearer, partsOf, sourceOf, totalOf } from '../src/cost';
import { f, golden, now } from './goldens';

const cost = golden('protected').standalone!.monthly_cost!;
const plain = (text: string) => text.replaceAll('\u00a0', ' ');
const of = (change: Partial<Cost>): Cost => ({ ...cost, ...change });

const folder = (({ prices: _, ...rest }) => ({ ...rest, usd: 0 }))(cost);

test('a bucket', () => {
  expect(totalOf(cost, f)).toBe('about $0.33 a month');
  expect(plain(partsOf(cost, f))).toBe('requests $0.11 · 1.2 GB kept $0.02 · test restores $0.20');
  expect(sourceOf(cost, f, now)).toBe('From what was asked since 24 Oct, at the prices of Google Cloud Storage, Standard in us-east1, as built into this version.');
});

test('beside a storage', () => {
  expect([cost, of({ usd: 0.004 }), folder, undefined, { ...folder, unpriced: true }].map((c) => besideOf(c, f))).toEqual(
    ['About $0.33 a month.', 'Less than $0.01 a month.', 'Costs nothing: it is a folder of your own.', '', '']);
});

test('the bill is of all storages, and says which are not in it', () => {
  const well = golden('protected').standalone!.targets![0]!;
  const at = (target: string, monthly_cost?: Cost) => { const { monthly_cost: _, ...rest } = well; return { ...rest, target, ...(monthly_cost ? { monthly_cost } : {}) }; };
  expect(billOf([at('file:///a', folder), at('sftp://b')])).toBeNull();
  const bill = billOf([at('gs://a', cost), at('file:///b', folder), at('sftp://c', { ...folder, unpriced: true }), at('s3://d', of({ usd: 1, prices: 'Amazon S3' }))])!;
  expect(bill.cost.usd).toBeCloseTo(cost.usd + 1);
  expect(bill.cost.prices).toBe(`${cost.prices}; Amazon S3`);
  expect(bill.without).toEqual(['sftp://c']);
});

test('a change is said where it is one', () => {
  const more = of({ usd: 1.13, storage_usd: 0.82, stored_bytes: 41e9 });
  expect(plain(changeOf(cost, more, f))).toBe(
    'Then it costs about $1.13 a month: requests $0.11 · 41 GB kept $0.82 · test restores $0.20. Now it is about $0.33 a month.');
  expect(changeOf(cost, of({ usd: cost.usd + 0.001 }), f)).toBe('');
  expect(changeOf(undefined, more, f)).toBe('');
  expect([dearer(cost, more), dearer(more, cost), dearer(cost, cost), dearer(cost, undefined)]).toEqual([true, false, false, false]);
});
