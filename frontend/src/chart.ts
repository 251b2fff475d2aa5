// What the chart of Home and the timeline of Restore show, worked out from restore points. Pure.
import type { Event as Happening, RestorePoint } from './api/types';
import { timeOf } from './format';
import type { Reading } from './reading';

export interface Moment { id: string; time: number; size: number; full: boolean }

/** The points oldest first, with their times as numbers. */
export function momentsOf(points: readonly RestorePoint[] | null | undefined): Moment[] {
  const list: Moment[] = [];
  for (const p of points ?? []) {
    const t = timeOf(p.time);
    if (t) list.push({ id: p.id, time: t.getTime(), size: p.size, full: p.kind === 'full' });
  }
  return list.sort((a, b) => a.time - b.time);
}

/** What went up and came down, oldest first: in cloud mode the activity is what tells it. */
export function momentsOfSync(events: readonly Happening[] | null | undefined): Moment[] {
  const list: Moment[] = [];
  for (const e of events ?? []) {
    const t = timeOf(e.until) ?? timeOf(e.at);
    if (e.kind === 'sync' && e.count && t) list.push({ id: e.at, time: t.getTime(), size: e.count, full: false });
  }
  return list.sort((a, b) => a.time - b.time);
}

/** How many moments are older than t. */
export function indexOf(list: readonly Moment[], t: number): number {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (list[mid]!.time < t) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/** The real point nearest to t. */
export function nearest(list: readonly Moment[], t: number): Moment | undefined {
  const i = indexOf(list, t);
  const [before, after] = [list[i - 1], list[i]];
  if (!before || !after) return before ?? after;
  return t - before.time <= after.time - t ? before : after;
}

export interface Bars { values: number[]; bytes: number[]; points: number[] }

/** How much was changed in each of n parts of a time, and the same as heights from 0 to 1. A full copy is no change. */
export function barsOf(list: readonly Moment[], from: number, to: number, n: number): Bars {
  const bytes = new Array<number>(n).fill(0);
  const points = new Array<number>(n).fill(0);
  for (let i = indexOf(list, from); i < list.length && list[i]!.time <= to; i++) {
    const m = list[i]!;
    const slot = Math.min(n - 1, Math.floor(((m.time - from) / (to - from)) * n));
    points[slot]! += 1;
    if (!m.full) bytes[slot]! += m.size;
  }
  const most = Math.max(...bytes, 1);
  // The root keeps a quiet hour visible beside a busy one.
  return { bytes, points, values: bytes.map((b) => (b > 0 ? Math.max(0.08, Math.sqrt(b / most)) : 0)) };
}

/** The usual distance of points in a time, in seconds; 0 when there are fewer than two. */
export function spacing(list: readonly Moment[], from: number, to: number): number {
  const gaps: number[] = [];
  for (let i = Math.max(1, indexOf(list, from)); i < list.length && list[i]!.time <= to; i++) gaps.push(list[i]!.time - list[i - 1]!.time);
  if (gaps.length === 0) return 0;
  gaps.sort((a, b) => a - b);
  return Math.max(1, Math.round(gaps[gaps.length >> 1]! / 1000));
}

export type PartKind = 'n' | 'p' | 'c' | 'w' | 's' | 'o';
export interface Part { kind: PartKind; width: number }

/** The strip below the chart: what is known about each part of the time from from to the reading's now. */
export function stripOf(r: Reading, list: readonly Moment[], from: number): Part[] {
  const now = r.now.getTime();
  const first = list[indexOf(list, from)]?.time ?? r.since?.getTime() ?? now;
  const waits = r.since?.getTime() ?? (r.glyph === 'protected' ? now : Math.max(r.copied?.getTime() ?? from, from));
  const ends: [PartKind, number][] = [['n', first], ['p', r.provedAt?.getTime() ?? 0], ['c', r.copied ? waits : 0], [openKind(r), now]];
  const parts: Part[] = [];
  let at = from;
  for (const [kind, end] of ends) {
    const to = Math.min(Math.max(end, at), now);
    // What waits is shown however short it is; other slivers are not.
    const waiting = kind === ends[3]![0] && r.since !== null;
    if (to > at && (waiting || to - at > (now - from) / 400)) parts.push({ kind, width: Math.max(to - at, waiting ? (now - from) / 80 : 0) / 3_600_000 });
    at = Math.max(at, to);
  }
  return parts;
}

/** What the newest part of the strip is, when something has not been copied. */
function openKind(r: Reading): PartKind {
  switch (r.glyph) {
    case 'stalled': case 'attention': case 'error': return r.since ? 's' : 'c';
    case 'syncing': case 'restoring': return r.since ? 'w' : 'c';
    case 'protected': return 'c';
    default: return 'o';
  }
}
