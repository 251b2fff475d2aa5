// Cause and consequence below the sentence of Home. Pure.
import type { Line } from './parts/Note.svelte';
import { timeOf } from './format';
import type { Reading } from './look';
import { words } from './words';

const w = words.note;
export interface NoteOf { lines: Line[]; tone: '' | 'wait' | 'wrong' }

export function noteOf(r: Reading): NoteOf | null {
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
  if (r.st.error?.hint) lines.push({ term: w.now, text: r.st.error.hint });
  return { tone: 'wait', lines: [...lines, { term: w.happens, text: r.fileGone ? w.fileBack : w.recording }] };
}

function error(r: Reading): NoteOf {
  const lines = r.st.error?.code === 'damaged' ? cause('') : cause(r.st.error?.message ?? r.st.summary);
  if (r.st.error?.hint) lines.push({ term: w.now, text: r.st.error.hint });
  if (r.copied) lines.push({ term: w.lost, text: w.lostAfter(r.newest) });
  return { tone: 'wrong', lines };
}
