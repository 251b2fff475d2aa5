// Which shape and which meaning a status has: the tray's rule, so that both always agree.
import { timeOf } from './format';
import type { Status } from './api/types';

export type GlyphName =
  | 'new' | 'off' | 'signed-out' | 'protected' | 'syncing' | 'paused' | 'offline' | 'attention' | 'stalled' | 'restoring' | 'error';
export type Tone = 'proved' | 'work' | 'wait' | 'wrong' | 'rest';

const syncingAfter = 5_000;
const overdue = 60_000;

export function glyphOf(st: Status, now: Date): GlyphName {
  switch (st.state) {
    case 'new': case 'off': case 'signed-out': case 'paused': case 'restoring':
      return st.state;
    case 'error':
      return !st.error || st.error.code === 'failed' || st.error.code === 'damaged' ? 'error' : 'attention';
    default:
      return ofWork(st, now);
  }
}

function ofWork(st: Status, now: Date): GlyphName {
  const phase = st.progress?.phase;
  const waits = waited(st, now);
  if (phase === 'fetch' || phase === 'check' || phase === 'replace') return 'restoring';
  if (st.error || st.standalone?.last_drill?.ok === false) return 'attention';
  if (phase === 'offline') return 'offline';
  if (waits > overdue && !moving(st, now)) return 'stalled';
  if (st.healthy && waits <= syncingAfter) return 'protected';
  if (st.healthy || waits > syncingAfter || unproved(st) || phase === 'copying' || phase === 'test_restore') return 'syncing';
  return 'stalled';
}

/** For how long the oldest change has waited, in ms. */
export function waited(st: Status, now: Date): number {
  const since = timeOf(st.standalone?.waiting_since);
  return since ? now.getTime() - since.getTime() : 0;
}

function moving(st: Status, now: Date): boolean {
  const p = st.progress;
  if (p?.phase !== 'copying' && p?.phase !== 'first_copy') return false;
  const since = timeOf(p.since);
  return (p.rate ?? 0) > 0 || (since !== null && now.getTime() - since.getTime() <= overdue);
}

export function unproved(st: Status): boolean {
  return !st.standalone?.replicated_txid || !st.standalone.last_drill;
}

const tones: Record<GlyphName, Tone> = {
  new: 'rest', off: 'rest', 'signed-out': 'wait', protected: 'proved', syncing: 'work', paused: 'rest', offline: 'rest',
  attention: 'wait', stalled: 'wait', restoring: 'work', error: 'wrong',
};

export const toneOf = (glyph: GlyphName): Tone => tones[glyph];
