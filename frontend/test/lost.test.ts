import { flushSync, mount, unmount } from 'svelte';
import { expect, test } from 'vitest';
import type { LostItem } from '../src/api/types';
import { meterOf } from '../src/meter';
import { cut, fieldsOf, nameOf, oneOf, partsOf, titleOf, turned } from '../src/lost';
import { momentsOfSync } from '../src/chart';
import Lost from '../src/parts/LostItem.svelte';
import { routeOf } from '../src/route';
import { f } from './goldens';

const item = (over: Partial<LostItem>): LostItem =>
  ({ id: '1', at: '2026-11-23T12:31:04Z', kind: 'conflict', table: 'decisions', row: '2101', op: 'put', why: 'Later.', reappliable: true, both: true, ...over });

test('a row is called by its most telling text, else by its id', () => {
  expect(nameOf(item({ mine: { id: 1, decision: 'Use  sqlc' } }))).toBe('Decision “Use sqlc”');
  expect(nameOf(item({ mine: null, theirs: { title: 'Theirs' } }))).toBe('Decision “Theirs”');
  expect(titleOf(item({ mine: { decision: 7 } }))).toBe('2101');
  expect(['error_solutions', 'memories', 'class'].map(oneOf)).toEqual(['Error solution', 'Memory', 'Class']);
});

test('a change of some columns says nothing about the others', () => {
  const fields = fieldsOf(item({ op: 'patch', mine: { a: 'x' }, theirs: { id: 1, a: 'y', b: null } }));
  expect(fields.map((x) => [x.name, x.mine, x.theirs, x.same])).toEqual([['a', 'x', 'y', false], ['id', '1', '1', true], ['b', 'empty', 'empty', true]]);
});

test('a whole row that lacks a column differs in it, and no row is no field', () => {
  expect(fieldsOf(item({ mine: { a: 'x' }, theirs: { a: 'x', b: 2 } })).map((x) => [x.name, x.same])).toEqual([['b', false], ['a', true]]);
  expect(fieldsOf(item({ mine: null, theirs: null }))).toEqual([]);
  expect(fieldsOf(item({ mine: 'a text' as unknown, theirs: [1] as unknown }))).toEqual([]);
});

test('only the words that differ are marked', () => {
  expect(partsOf('Retry 5 times, then park', 'Retry for 24 hours, then park')).toEqual({ before: 'Retry ', mine: '5 times,', theirs: 'for 24 hours,', after: ' then park' });
  expect(partsOf('a a', 'a a a')).toEqual({ before: 'a a', mine: '', theirs: ' a', after: '' });
  expect(partsOf('x', '')).toEqual({ before: '', mine: 'x', theirs: '', after: '' });
  for (const [mine, theirs] of [['one two  three\n four', 'one 2  three\n five'], ['', 'a'], ['same', 'same'], ['🙂 a', '🙁 a']] as const) {
    const p = partsOf(mine, theirs);
    expect([p.before + p.mine + p.after, p.before + p.theirs + p.after]).toEqual([mine, theirs]);
  }
  expect([turned(item({ code: 'overwritten' })), turned(item({ code: 'older' }))]).toEqual([true, false]);
});

test('what is long is cut between characters', () => {
  expect(cut('🙂🙂🙂🙂', 3)).toBe('🙂🙂…');
  expect(cut('short', 5)).toBe('short');
});

test('where this machine’s version is in use, the columns and the buttons say so', () => {
  const shown = (code: string) => {
    const target = document.createElement('div');
    const nothing = () => undefined;
    const app = mount(Lost, { target, props: { item: item({ code, mine: { decision: 'a' }, theirs: { decision: 'b' } }), busy: false, onreapply: nothing, onboth: nothing, onsave: nothing, ondiscard: nothing } });
    flushSync();
    const said = [...target.querySelectorAll('thead b, .acts button')].map((x) => x.textContent);
    void unmount(app);
    return said;
  };
  expect(shown('older')).toEqual(['Yours', 'Theirs', 'Use mine', 'Keep theirs…', 'Keep both', 'Save as file…']);
  expect(shown('overwritten')).toEqual(['Theirs', 'Yours', 'Use theirs', 'Keep mine…', 'Keep both', 'Save as file…']);
});

test('a meter says what is counted', () => {
  const p = { done: 3, total: 5, eta_seconds: 0 };
  expect(meterOf({ ...p, phase: 'proof', unit: 'tables' }, f).left).toBe('3 of 5 tables compared');
  expect(meterOf({ ...p, phase: 'uploading', unit: 'rows', rate: 98 }, f)).toEqual({ left: '3 of 5 rows sent', right: '98 rows a second' });
  expect(meterOf({ ...p, phase: 'copying', unit: 'bytes' }, f).left).toContain('3.0 of 5.0');
});

test('the chart of cloud mode is the activity’s', () => {
  const list = momentsOfSync([{ at: '2026-11-23T13:00:00Z', until: '2026-11-23T13:14:00Z', kind: 'sync', text: '', count: 12 }, { at: '2026-11-23T12:00:00Z', kind: 'sync', text: '', count: 3 },
    { at: '2026-11-23T11:00:00Z', kind: 'proof', text: '' }]);
  expect(list.map((m) => [new Date(m.time).toISOString().slice(11, 16), m.size])).toEqual([['12:00', 3], ['13:14', 12]]);
});

test('the tray opens parts of the account by name', () => {
  expect(routeOf('#/account')).toMatchObject({ view: 'settings', part: 'account' });
  expect(routeOf('#/machines')).toMatchObject({ view: 'team', part: 'machines' });
  expect([routeOf('#/lost').view, routeOf('#/team/people').part, routeOf('#/move?to=standalone').query.get('to')]).toEqual(['lost', 'people', 'standalone']);
});
