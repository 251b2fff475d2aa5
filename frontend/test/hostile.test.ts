// What a memory holds is shown, letter by letter, and never becomes part of the page.
import { readFileSync, readdirSync } from 'node:fs';
import { flushSync, mount, unmount } from 'svelte';
import { describe, expect, test } from 'vitest';
import type { Preview } from '../src/api/types';
import Differences from '../src/parts/Differences.svelte';
import { Reading } from '../src/reading';
import Fleet from '../src/parts/Fleet.svelte';
import Hero from '../src/parts/Hero.svelte';
import Lost from '../src/parts/LostItem.svelte';
import Machines from '../src/parts/Machines.svelte';
import Note from '../src/parts/Note.svelte';
import Projects from '../src/parts/team/Projects.svelte';
import People from '../src/parts/team/People.svelte';
import { lookOf } from '../src/look';
import { cut } from '../src/lost';
import { attacks } from './goldens';
import { f, golden, now } from './goldens';

function shown(component: typeof Differences | typeof Note | typeof Machines | typeof Hero | typeof Lost | typeof Fleet | typeof Projects | typeof People, props: Record<string, unknown>): HTMLElement {
  const target = document.createElement('div');
  document.body.append(target);
  const app = mount(component as never, { target, props } as never);
  flushSync();
  const copy = target.cloneNode(true) as HTMLElement;
  void unmount(app);
  target.remove();
  return copy;
}
const team = (text: string) => ({ id: text, name: text, members: [{ user_id: text, name: text, email: text, admin: true, this: true }] });
const nothing = () => undefined;
const tags = (el: HTMLElement) => [...el.querySelectorAll('*')].map((x) => x.localName).join(' ');
const differences = (text: string): Preview => ({
  plan: {} as never,
  tables: [{ table: text, then: 1, now: 1, added: 1, changed: 1, removed: 1, examples: [
    { kind: 'added', id: text, now: text }, { kind: 'changed', id: text, then: text, now: text }, { kind: 'removed', id: text, then: text }] }],
});

test('there are 20 of them', () => { expect(attacks.length).toBe(20); });

describe.each(attacks)('%j', (attack) => {
  test('stays text', () => {
    const harmless = tags(shown(Differences, { preview: differences('harmless'), now }));
    const el = shown(Differences, { preview: differences(attack), now });
    expect(tags(el)).toBe(harmless);
    expect([...el.querySelectorAll('.x')].map((x) => x.textContent)).toContain(attack);
    const note = shown(Note, { lines: [{ term: 'Cause', text: attack }] });
    expect([tags(note), note.querySelector('dd')!.textContent]).toEqual(['section dl dt dd', attack]);
    const machines = shown(Machines, { list: [{ id: '1', user: '', this: false, host: attack, os: attack, version: '', db: '', lineage: '' }], now });
    expect(machines.querySelector('.t')!.textContent).toBe(attack);
    const lost = (text: string) => shown(Lost, { busy: false, onreapply: nothing, onboth: nothing, onsave: nothing, ondiscard: nothing, item: {
      id: text, at: now.toISOString(), kind: 'conflict', table: text, row: text, op: 'put', mine: { [text]: text, decision: text, nested: { [text]: text } }, theirs: { decision: `${text}.` },
      why: text, by: text, machine: text, reappliable: true, both: true } });
    const item = lost(attack);
    expect(tags(item)).toBe(tags(lost('harmless')));
    expect([...item.querySelectorAll('td')].map((x) => x.textContent)).toContain(attack);
    const fleet = shown(Fleet, { reading: new Reading(golden('cloud-synced'), now, f), list: [{ id: '1', user: '', this: false, host: attack, name: attack, os: attack, version: '', db: '', lineage: '' }] });
    expect([fleet.querySelector('.t')!.textContent, fleet.querySelector('.t')!.children.length]).toEqual([attack, 0]);
    const projects = (text: string) => shown(Projects, { machines: '3', signedIn: false, teams: [], projects: {
      value: [{ id: text, name: text, mine: true, visibility: 'team', team_id: text, team: text, owner: text, rows: 1 }] } });
    expect(tags(projects(attack))).toBe(tags(projects('harmless')));
    expect(projects(attack).querySelector('.t')!.textContent).toBe(cut(attack, 72));
    const people = (text: string) => shown(People, { team: team(text), teams: { value: [team(text)] }, signedIn: true, projects: [], onchoose: nothing, onchanged: nothing });
    expect(tags(people(attack))).toBe(tags(people('harmless')));
    expect(people(attack).querySelector('.t')!.textContent).toBe(`${cut(attack, 72)} (you)`);
    const hero = shown(Hero, { look: { ...lookOf(golden('protected'), now, f), title: attack, lead: attack }, onact: () => undefined });
    expect(hero.querySelector('h1')!.children.length).toBe(0);
    expect((globalThis as { pwned?: unknown }).pwned).toBeUndefined();
  });
});

test('no source makes markup of text, and the policy forbids what would run', () => {
  const folder = 'src/';
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((n) => /\.(svelte|ts)$/.test(n))) {
    expect(readFileSync(folder + name, 'utf8'), name).not.toMatch(/\{@html|innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
  }
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(readFileSync('index.html', 'utf8'))![1]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
});
