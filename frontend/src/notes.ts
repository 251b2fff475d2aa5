// Cause and consequence below the sentence of Home. Pure.
import { googleEnded, keyless } from './api/client';
import type { Line } from './parts/Note.svelte';
import { timeOf } from './format';
import type { Step } from './parts/Steps.svelte';
import type { Reading } from './reading';
import { withoutStop } from './sentences';
import { tableName, words } from './words';

const w = words.note;
const c = words.cloud.note;
export interface NoteOf { lines: Line[]; tone: '' | 'wait' | 'wrong' }

/** What the sentences above say is not said again as the cause. */
export function noteOf(r: Reading, above: readonly string[] = []): NoteOf | null {
  const note = allOf(r);
  const said = above.map(withoutStop);
  return note && { ...note, lines: note.lines.filter((l) => l.term !== w.cause || !said.includes(withoutStop(l.text))) };
}

function allOf(r: Reading): NoteOf | null {
  if (r.cloud) return cloudNote(r);
  switch (r.glyph) {
    case 'off': return off(r);
    case 'offline': case 'stalled': return r.st.progress?.cause ? { tone: '', lines: [...cause(r.st.progress.cause), { term: w.happens, text: next(r) }] } : null;
    case 'attention': return attention(r);
    case 'error': return error(r);
    default: return null;
  }
}

const cause = (text: string): Line[] => [{ term: w.cause, text: text || w.unknown }];

function next(r: Reading): string {
  const t = timeOf(r.st.progress?.next_try);
  return t && t > r.now ? w.retry(r.f.clock(t)) : w.trying;
}

function off(r: Reading): NoteOf | null {
  const where = r.st.standalone?.target;
  if (!where || !r.copied) return null;
  return { tone: '', lines: [
    { term: w.exists, text: w.copies(r.moment(r.copied), where), link: { text: w.restored, href: '#/restore' } },
    { term: w.since, text: w.onlyHere },
  ] };
}

function attention(r: Reading): NoteOf {
  const told = r.st.error?.message ?? r.drill?.problem ?? '';
  const lines = cause(told);
  if (keyless(r.st.error)) lines.push({ term: w.now, text: w.giveKey });
  else if (r.st.error?.hint && !googleEnded(r.st.error)) lines.push({ term: w.now, text: r.st.error.hint });
  return { tone: 'wait', lines: [...lines, { term: w.happens, text: r.fileGone ? w.fileBack : w.recording }] };
}

function error(r: Reading): NoteOf {
  const lines = r.st.error?.code === 'damaged' ? cause('') : cause(r.st.error?.message ?? r.st.summary);
  if (r.st.error?.hint) lines.push({ term: w.now, text: r.st.error.hint });
  if (r.copied) lines.push({ term: w.lost, text: w.lostAfter(r.newest) });
  return { tone: 'wrong', lines };
}

function cloudNote(r: Reading): NoteOf | null {
  switch (r.glyph) {
    case 'offline': return r.st.progress?.cause ? { tone: '', lines: [...cause(r.st.progress.cause), { term: w.happens, text: next(r) }] } : null;
    case 'stalled': return stalled(r);
    case 'attention': return cloudAttention(r);
    case 'error': return cloudError(r);
    default: return null;
  }
}

/** The ladder that heals a stall by itself, or the tables that differ while they are put right. */
function stalled(r: Reading): NoteOf | null {
  if (r.cloud?.last_proof?.equal === false) return { tone: '', lines: [...differing(r), { term: w.happens, text: r.cloud.last_proof.cure ?? '' }] };
  if (!r.since && r.st.progress?.phase !== 'stalled') return null;
  const steps = stepsOf(r);
  const happens = steps.length ? { term: w.happens, text: '', steps } : { term: w.happens, text: next(r) };
  return { tone: '', lines: [...cause(r.st.progress?.cause ?? ''), happens] };
}

export function stepsOf(r: Reading): Step[] {
  const list = r.cloud?.steps ?? [];
  const now = list.findIndex((x) => !x.done);
  return list.map((x, i) => {
    const t = timeOf(x.at);
    if (x.done) return { text: x.text, state: 'did', end: t ? r.f.clock(t) : '' };
    const due = t !== null && t > r.now;
    return i === now && !due ? { text: x.text, state: 'now', end: c.now } : { text: x.text, state: 'todo', end: t ? c.at(r.f.clock(t)) : '' };
  });
}

function differing(r: Reading): Line[] {
  const list = (r.cloud?.last_proof?.tables ?? []).filter((t) => !t.equal && !t.moving);
  const text = list.map((t) => c.differing(tableName(t.table), r.f.count(t.here.rows), r.f.count(t.there.rows))).join('; ');
  return text ? [{ term: c.differ, text: `${text}.` }] : [];
}

function cloudAttention(r: Reading): NoteOf {
  const e = r.st.error;
  const lines = e ? cause(e.message) : [...cause(r.cloud?.last_proof?.problem ?? ''), ...differing(r)];
  if (e?.hint) lines.push({ term: w.now, text: e.hint });
  return { tone: 'wait', lines: [...lines, { term: w.happens, text: c.waits }] };
}

function cloudError(r: Reading): NoteOf {
  const e = r.st.error;
  const lines = cause(e?.code === 'damaged' ? '' : (e?.message ?? r.st.summary));
  if (e?.hint) lines.push({ term: w.now, text: e.hint });
  return { tone: 'wrong', lines: [...lines, { term: w.lost, text: c.lost(r.pending) }] };
}
