import { describe, expect, test } from 'vitest';
import type { RestorePoint } from '../src/api/types';
import { barsOf, momentsOf, nearest, spacing, stripOf } from '../src/chart';
import { frameOf, hourFrom, stepFrom } from '../src/timeline';
import { sample, totalsOf } from '../src/preview';
import { routeOf } from '../src/route';
import { now, reading } from './goldens';

const point = (minutes: number, size = 100, kind: RestorePoint['kind'] = 'change'): RestorePoint =>
  ({ id: String(minutes), time: new Date(now.getTime() - minutes * 60_000).toISOString(), size, kind });
const list = momentsOf([point(1), point(30), point(61), point(200), point(400, 9_000, 'full')]);

test('points stand oldest first', () => { expect(list.map((m) => m.id)).toEqual(['400', '200', '61', '30', '1']); });

test('the nearest real point', () => {
  const at = (minutes: number) => nearest(list, now.getTime() - minutes * 60_000)?.id;
  expect([at(0), at(14), at(17), at(9_999), at(-5)]).toEqual(['1', '1', '30', '400', '1']);
  expect(nearest([], 1)).toBeUndefined();
});

test('a full copy is no change', () => {
  const bars = barsOf(list, now.getTime() - 480 * 60_000, now.getTime(), 8);
  expect(bars.bytes.reduce((a, b) => a + b)).toBe(400);
  expect(bars.points.reduce((a, b) => a + b)).toBe(5);
  expect(Math.max(...bars.values)).toBe(1);
});

test('the cursor moves by points and hours and holds at the ends', () => {
  const newest = list[4]!;
  expect(stepFrom(list, newest, -1).id).toBe('30');
  expect(stepFrom(list, newest, 1).id).toBe('1');
  expect(hourFrom(list, newest, -1).id).toBe('61');
  expect(hourFrom(list, list[1]!, 1).id).toBe('61');
  expect(hourFrom(list, list[0]!, -1).id).toBe('400');
});

test('a day is about now, an hour about its moment', () => {
  const t = now.getTime();
  expect(frameOf('day', t - 3_600_000, t)).toEqual({ from: t - 86_400_000, to: t });
  expect(frameOf('hour', t - 7_200_000, t)).toEqual({ from: t - 9_000_000, to: t - 5_400_000 });
  expect(frameOf('day', t - 10 * 86_400_000, t).to).toBe(t - 9.5 * 86_400_000);
});

test('how far points are apart', () => {
  expect(spacing(list, 0, now.getTime())).toBe(139 * 60);
  expect(spacing([], 0, 1)).toBe(0);
});

describe('the strip tells no green where nothing is proved', () => {
  const from = now.getTime() - 8 * 3_600_000;
  const kinds = (name: string) => stripOf(reading(name), momentsOf([point(340), point(5)]), from).map((p) => p.kind).join('');
  test.each([['protected', 'npc'], ['offline', 'npco'], ['stalled', 'npcs'], ['syncing', 'npcw'], ['proving', 'nc'], ['first-copy', 'nw']])('%s: %s', (name, want) => {
    expect(kinds(name)).toBe(want);
  });
});

test('previews add up, and a sample holds one of each kind', () => {
  const row = { table: 't', then: 5, now: 6, added: 2, changed: 3, removed: 1 };
  expect(totalsOf({ plan: {} as never, tables: [row, row] })).toEqual({ then: 10, now: 12, added: 4, changed: 6, removed: 2 });
  const all = ['added', 'added', 'removed', 'removed', 'changed'].map((kind, i) => ({ kind: kind as 'added', id: String(i) }));
  expect(sample(all, 3).map((d) => d.kind)).toEqual(['removed', 'changed', 'added']);
});

test('views have names of their own', () => {
  expect(routeOf('#/restore?at=2026')).toMatchObject({ view: 'restore', part: '' });
  expect(routeOf('#/restore?at=2026').query.get('at')).toBe('2026');
  expect(routeOf('', '?view=settings').view).toBe('settings');
  expect(routeOf('#/diagnostics')).toMatchObject({ view: 'settings', part: 'diagnostics' });
  expect(routeOf('#/nowhere').view).toBe('home');
});
