import { expect, test } from 'vitest';
import type { Project, Reader, Team } from '../src/api/types';
import { audienceOf, choicesOf, initialsOf, keyOf, listOf, mayOf, reachOf, requestOf, verbOf } from '../src/team';
import { f } from './goldens';

const project = (over: Partial<Project> = {}): Project => ({ id: 'p', name: 'plans', mine: true, visibility: 'private', rows: 3, ...over });
const shared = project({ visibility: 'team', team_id: 't1', team: 'Platform', members_can_write: true });
const teams: Team[] = [
  { id: 't1', name: 'Platform', members: [{ user_id: 'u', admin: true, this: true }] }, { id: 't2', name: 'Elsewhere', members: [{ user_id: 'v', admin: true, this: false }] },
  { id: 't3', name: 'Empty', members: null },
];

test('who sees a project, in words', () => {
  expect([project(), shared, project({ visibility: 'org' })].map((p) => audienceOf(p, 'Lumen Works'))).toEqual(['Only you', 'Team Platform', 'Everyone at Lumen Works']);
  expect(audienceOf(project({ visibility: 'org' }), '')).toBe('Everyone in your organisation');
  expect(audienceOf(project({ mine: false, owner: 'jo@x' }), '')).toBe('Only jo@x');
  expect(audienceOf({ ...shared, team: '' }, '')).toBe('A team'); // its name is only at the server
});

test('what may be done is said only where it is known', () => {
  expect([mayOf(shared, '3'), mayOf({ ...shared, members_can_write: false }, '3'), mayOf(project({ visibility: 'org' }), '3')]).toEqual(['members can write', 'members can only read', '']);
  expect([mayOf(project(), '3'), mayOf(project(), '')]).toEqual(['3 of your machines', '']);
  expect(mayOf(project({ mine: false, owner: 'jo@x', can_write: false, visibility: 'org' }), '3')).toBe('of jo@x, you can only read');
});

test('one shares with one’s own teams, and the team that it is shared with stays a choice', () => {
  expect(choicesOf(project(), teams, '').map(([key]) => key)).toEqual(['private', 'team:t1', 'org']);
  const left = project({ visibility: 'team', team_id: 't2', team: 'Elsewhere' });
  expect(choicesOf(left, teams, '')[0]).toEqual(['team:t2', 'Team Elsewhere']);
});

test('a choice becomes a request that says nothing it does not mean', () => {
  expect(requestOf(project(), 'team:t1', true)).toEqual({ project: 'p', visibility: 'team', team: 't1' });
  expect(requestOf(project(), 'org', false)).toEqual({ project: 'p', visibility: 'org', read_only: true });
  expect(requestOf(shared, 'private', false)).toEqual({ project: 'p', visibility: 'private' });
  expect([keyOf(shared), verbOf(shared, 'private', true, ''), verbOf(shared, 'team:t1', false, 'Team Platform'), verbOf(project(), 'team:t1', true, 'Team Platform')])
    .toEqual(['team:t1', 'Stop sharing', 'Let members only read', 'Share with team Platform']);
});

test('people and machines are counted, machines only where the server tells them', () => {
  const reader = (over: Partial<Reader>): Reader => ({ user_id: 'u', email: 'u@x', owner: false, can_write: true, this: false, machines: null, ...over });
  const me = reader({ this: true, owner: true, machines: ['a', 'b'] });
  expect(reachOf([me, reader({ machines: ['c'] })], f.count)).toBe('2 people, 3 machines. Nobody else.');
  expect(reachOf([me], f.count)).toBe('Only you, on 2 machines. Nobody else.');
  expect(reachOf([me, reader({})], f.count)).toBe('2 people. Nobody else.');
});

test('a letter or two for somebody, whatever the name is', () => {
  const of = (name: string, email = '') => initialsOf({ user_id: 'id', name, email });
  expect([of('Mira Sandoval'), of('', 'jonas.weber@x.org'), of('Ada'), of('Øystein Ås'), of('…'), of('\u{1F642}')]).toEqual(['MS', 'JW', 'A', 'ØÅ', '?', '?']);
});

test('a list in words is short', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']].map((l) => listOf(l, f.count))).toEqual(['', 'a', 'a and b', 'a, b and c', 'a, b and 2 more']);
});
