import { describe, expect, test } from 'vitest';
import type { StandaloneStatus, Status } from '../src/api/types';
import { figuresOf } from '../src/figures';
import { glyphOf } from '../src/glyph';
import { lookOf, Reading } from '../src/look';
import { noteOf } from '../src/notes';
import { f, golden, names, now, reading } from './goldens';

const nb = (s: string) => s.replaceAll('\u00a0', ' ');

test('a memory file that is gone is chosen or restored, whatever the storage', () => {
  const st: Status = { ...golden('attention'), state: 'error', error: { code: 'not_found', op: 'file', message: '/m/context.db is no longer where it was.', hint: '' } };
  const look = lookOf(st, now, f);
  expect([look.glyph, look.title, look.acts[0]!.name, look.acts[1]!.name]).toEqual(['attention', '/m/context.db is no longer where it was', 'choose-file', 'restore-newest']);
  expect(noteOf(new Reading(st, now, f))!.lines.at(-1)!.text).toContain('As soon as the file is back');
});

describe('every status the agent can have', () => {
  const want: Record<string, [glyph: string, tone: string, seal: string, title: string]> = {
    new: ['new', 'rest', 'Not set up, not protected', 'Keep what your AI work has learned'],
    off: ['off', 'rest', 'Off, not protected', 'This memory is not protected'],
    'signed-out': ['signed-out', 'wait', 'Signed out, changes stay here', 'Sign in again to go on syncing'],
    'first-copy': ['syncing', 'work', 'First copy, not protected yet', 'First copy: about 50 s left'],
    proving: ['syncing', 'work', 'Proving, not protected yet', 'The first copy is being proved'],
    protected: ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
    keyless: ['attention', 'wait', 'Needs you, proved 09:12', 'This machine does not hold the recovery key of your copies'],
    'google-ended': ['attention', 'wait', 'Needs you, proved 09:12', 'Google asks you to sign in again'],
    several: ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
    restored: ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
    locked: ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
    syncing: ['syncing', 'work', 'Copying, about 4 min left', 'Copying, about 4 min left'],
    paused: ['paused', 'rest', 'Paused, until 15:27', 'Paused for another 1 h 24 min'],
    'paused-open': ['paused', 'rest', 'Paused, until you resume', 'Paused until you resume'],
    offline: ['offline', 'rest', 'Offline, 4.3 MB waits', 'Offline since 13:20'],
    stalled: ['stalled', 'wait', 'Stalled, 912 KB waits', 'Stalled: 912 KB not confirmed since 13:59'],
    due: ['stalled', 'wait', 'Not proved lately, proved 6 Nov', 'A test restore is due'],
    attention: ['attention', 'wait', 'Needs you, 7.7 MB waits', 'Your storage no longer accepts copies'],
    hostile: ['attention', 'wait', 'Needs you, proved 09:12', '"><svg onload=window.pwned=3>'],
    'drill-failed': ['attention', 'wait', 'Needs you, test restore failed', 'The copy of 14:00 could not be restored'],
    damaged: ['error', 'wrong', 'Stopped, copied 13:57', 'The memory file is damaged'],
    restoring: ['restoring', 'work', 'Restoring, about 4 s left', 'Restoring, about 4 s left'],
    'cloud-new': ['new', 'rest', 'Not set up, not protected', 'Keep what your AI work has learned'],
    'cloud-first-upload': ['syncing', 'work', 'First copy, about 50 s left', 'First copy: about 50 s left'],
    'cloud-first-sync': ['syncing', 'work', 'First sync, about 25 s left', 'First sync: about 25 s left'],
    'cloud-first-proof': ['syncing', 'work', 'Proving, about 2 s left', 'Every row is being compared with the cloud'],
    'cloud-synced': ['protected', 'proved', 'In sync, proved 14:02', 'This machine and the cloud hold the same 128,206 rows'],
    'cloud-moved': ['protected', 'proved', 'In sync, proved 14:02', 'This machine and the cloud hold the same 128,206 rows'],
    'cloud-alone': ['protected', 'proved', 'In sync, proved 14:02', 'This machine and the cloud hold the same 128,206 rows'],
    'cloud-hostile': ['protected', 'proved', 'In sync, proved 14:02', 'This machine and the cloud hold the same 128,206 rows'],
    'cloud-syncing': ['syncing', 'work', 'Syncing, 12 changes wait', 'Syncing'],
    'cloud-catching-up': ['syncing', 'work', 'Catching up, about 4 min left', 'Catching up, about 4 min left'],
    'cloud-proving': ['syncing', 'work', 'Proving, about 2 s left', 'Every row is being compared with the cloud'],
    'cloud-offline': ['offline', 'rest', 'Offline, 214 changes wait', 'Offline since 13:20'],
    'cloud-stalled': ['stalled', 'wait', 'Stalled, 42 changes wait', 'Stalled: 42 changes not confirmed since 13:59'],
    'cloud-attention': ['attention', 'wait', 'Needs you, 386 changes wait', 'The table “decisions” in this file has another shape. It was left as it is'],
    'cloud-unequal': ['attention', 'wait', 'Needs you, not proved yet', 'This machine and the cloud do not hold the same rows'],
    'cloud-mending': ['stalled', 'wait', 'Not the same, being put right', 'The table decisions differs in 1 row'],
    'cloud-paused': ['paused', 'rest', 'Paused, until 15:27', 'Paused for another 1 h 24 min'],
    'cloud-signed-out': ['signed-out', 'wait', 'Signed out, 88 changes wait', 'Sign in again to go on syncing'],
    'cloud-off': ['off', 'rest', 'Off, not protected', 'This memory is not protected'],
    'cloud-damaged': ['error', 'wrong', 'Stopped, 3 changes wait', 'The memory file is damaged'],
    'standalone-joined': ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
    'standalone-moving': ['protected', 'proved', 'Protected, proved 09:12', 'You are protected'],
  };

  test('is known here', () => { expect(names.sort()).toEqual(Object.keys(want).sort()); });

  test.each(names)('%s', (name) => {
    const look = lookOf(golden(name), now, f);
    expect([look.glyph, look.tone, nb(`${look.word}, ${look.fact}`), nb(look.title)]).toEqual(want[name]);
    expect(look.acts.filter((a) => a.kind === 'primary').length).toBeLessThanOrEqual(1);
  });
});

test('of several storages it says which one it is about, and what the others hold', () => {
  const st = golden('protected');
  const well = { ...st.standalone!, target: 'file:///nas', healthy: true };
  const both = { ...st, standalone: { ...st.standalone!, targets: [well, { ...st.standalone!, healthy: true }] } };
  expect(lookOf(both, now, f).lead).toContain('in each of your 2 storages');
  const first = golden('first-copy');
  const one = { ...first, standalone: { ...first.standalone!, targets: [well, first.standalone!] } };
  const lead = lookOf(one, now, f).lead;
  expect(lead).toContain(`1 of 2 storages is proved. This is about ${first.standalone!.target}.`);
  expect(lead).not.toContain('Nothing is protected');
});

test('green only while a proof stands', () => {
  for (const name of names) {
    const st = golden(name);
    if (lookOf(st, now, f).tone === 'proved') expect(st.healthy && (st.mode === 'cloud' ? st.cloud!.last_proof!.equal : st.standalone!.last_drill!.ok)).toBe(true);
    expect(glyphOf({ ...st, healthy: false }, now)).not.toBe('protected');
  }
  const synced = golden('cloud-synced');
  const cloud = synced.cloud!;
  expect(glyphOf({ ...synced, cloud: { ...cloud, last_proof: { ...cloud.last_proof!, equal: false } } }, now)).toBe('attention');
  const { last_proof: _, ...unproved } = cloud;
  expect(glyphOf({ ...synced, cloud: unproved }, now)).toBe('syncing');
  for (const phase of ['enrol', 'first_sync', 'catching_up'] as const) {
    expect(glyphOf({ ...synced, progress: { phase, done: 0, total: 0, eta_seconds: 0 } }, now)).toBe('syncing');
  }
});

test('in the cloud it says what waits, what heals itself, and what a person must do', () => {
  const lead = (name: string) => nb(lookOf(golden(name), now, f).lead);
  expect(lead('cloud-offline')).toBe('Your work is recorded on this machine. 214 changes go up by themselves as soon as the network is back. Nothing to do.');
  expect(lead('cloud-signed-out')).toBe('Your sign-in ended. 88 changes since 13:31 are recorded here and go up after you sign in.');
  expect(lead('cloud-paused')).toBe('Nothing is sent until 15:27. 57 changes are recorded here and go up then, by themselves.');
  expect(lookOf(golden('cloud-synced'), now, f).proof).toBe('Proved 14:02, row by row in all 5 tables.');
  expect(lookOf(golden('cloud-offline'), now, f).proof).toBe('Last proved 13:18: this machine and the cloud held the same 128,206 rows.');
  const one = { ...golden('cloud-offline') };
  one.cloud = { ...one.cloud!, pending_uploads: 1 };
  expect(lookOf(one, now, f).lead).toContain('1 change goes up by itself as soon as');
  const steps = noteOf(reading('cloud-stalled'))!.lines[1]!.steps!;
  expect(steps.map((x) => `${x.state} ${x.end}`)).toEqual(['did 14:00', 'did 14:01', 'now now', 'todo at 14:06']);
  expect(noteOf(reading('cloud-stalled'))!.tone).toBe('');
  expect(noteOf(reading('cloud-mending'))!.tone).toBe('');
  expect(noteOf(reading('cloud-unequal'))!.lines.map((x) => nb(x.text))).toContain('Decisions: 2,413 rows here, 2,412 in the cloud.');
  expect(lookOf(golden('cloud-off'), now, f).acts.map((x) => x.name)).toEqual(['sign-in', 'protect']);
  expect(figuresOf(reading('cloud-synced'), null, []).map((x) => nb(`${x.label}: ${x.value}`))).toEqual(
    ['Waiting to go up: Nothing', 'Last sync: 12 s ago', 'Rows: 128,206', 'Lost & found: 3 to look at']);
});

test('what was confirmed after the proof is said beside it', () => {
  const st = { ...golden('cloud-synced') };
  st.cloud = { ...st.cloud!, last_pushed_at: '2026-11-23T14:02:30Z' };
  expect(lookOf(st, now, f).lead).toBe('Everything that was changed since has been confirmed too. Nothing to do.');
});

test('says what it means and what proves it', () => {
  const look = lookOf(golden('protected'), now, f);
  expect(look.lead).toBe('Every change is in your storage. You can go back to any moment up to 14:02:51. Nothing to do.');
  expect(look.proof).toBe('Proved 09:12: a test restore gave back all 128,206 rows.');
  expect(lookOf(golden('off'), now, f).lead).toBe('Sync is off. If this disk fails, everything since 20 Nov 18:22:10 is lost.');
});

test('no sentence apologises, exclaims or shows what is inside', () => {
  for (const name of names.filter((n) => !n.includes('hostile'))) {
    const { title, lead, proof } = lookOf(golden(name), now, f);
    expect(`${title} ${lead} ${proof}`).not.toMatch(/!|oops|sorry|please|success|undefined|NaN|Invalid|WAL|TXID|token|\s{2}\S/i);
  }
});

test('a cause has a consequence, and amber only where a person must act', () => {
  expect(noteOf(reading('protected'))).toBeNull();
  expect(noteOf(reading('offline'))!.tone).toBe('');
  expect(noteOf(reading('attention'))!.tone).toBe('wait');
  expect(noteOf(reading('damaged'))!.lines.map((l) => l.term)).toEqual(['Cause', 'What to do', 'What is lost']);
});

test('the cause is not the title again', () => {
  const r = reading('attention');
  expect(noteOf(r)!.lines.map((l) => l.term)).toEqual(['Cause', 'What to do', 'What happens']);
  const { title, lead } = lookOf(golden('attention'), now, f);
  expect(noteOf(r, [title, lead])!.lines.map((l) => l.term)).toEqual(['What to do', 'What happens']);
  const ended = lookOf(golden('google-ended'), now, f);
  expect(noteOf(reading('google-ended'), [ended.title, ended.lead])!.lines[0]!.term).toBe('Cause');
});

test('what a month costs is a figure where it is known, else the rows are', () => {
  const four = (targets: StandaloneStatus[]) => {
    const st = golden('protected');
    const { label, value, why } = figuresOf(new Reading({ ...st, standalone: { ...st.standalone!, targets } }, now, f), null, [])[3]!;
    return [`${label}: ${nb(value)}`, nb(why)];
  };
  const one = golden('protected').standalone!.targets![0]!;
  expect(four([one])).toEqual(['Costs a month: $0.33', 'An estimate for a whole month. Requests $0.11 · 1.2 GB kept $0.02 · test restores $0.20. '
    + 'From what was asked since 24 Oct, at the prices of Google Cloud Storage, Standard in us-east1, as built into this version.']);
  const cost = one.monthly_cost!;
  expect(four([{ ...one, monthly_cost: { ...cost, usd: 0.001 } }])[0]).toBe('Costs a month: under $0.01');
  expect(four([one, { ...one, target: 'sftp://nas', monthly_cost: { ...cost, unpriced: true, prices: '' } }])[1]).toContain('Without sftp://nas');
  const { prices: _, ...free } = cost;
  for (const targets of [[], [{ ...one, monthly_cost: { ...free, usd: 0 } }]]) expect(four(targets)[0]).toBe('Rows: 128,206');
});

test('figures explain themselves', () => {
  const figures = figuresOf(reading('offline'), new Date('2026-10-24T14:00:00Z'), ['every hour for 30 days']);
  expect(figures.map((x) => nb(`${x.label}: ${x.value}`))).toEqual(['Waiting to go up: 4.3 MB', 'Next try: by itself', 'Go back to: 24 Oct', 'Costs a month: $0.33']);
  expect(figures.every((x) => x.why.length > 20)).toBe(true);
  expect(figuresOf(reading('off'), null, [])[0]!.value).toBe('Unknown');
  const refused = figuresOf(reading('offline'), null, [], 'There is no folder /mnt/nas.').find((x) => x.key === 'back')!;
  expect([refused.value, refused.why]).toEqual(['Unknown', expect.stringContaining('There is no folder /mnt/nas.')]);
});
