// What the sentences of both modes are made of. Pure.
import { timeOf } from './format';
import type { GlyphName, Tone } from './glyph';
import { isOpen, type Reading } from './reading';
import { words } from './words';

const h = words.hero;
const s = words.seal;
const a = words.acts;

export type ActName =
  | 'prove' | 'resume' | 'pause-tomorrow' | 'pause-open' | 'protect' | 'own-storage' | 'set-up' | 'sign-in' | 'check-storage' | 'give-key' | 'sign-in-google'
  | 'choose-file' | 'restore-newest' | 'restore' | 'show-restore' | 'details' | 'try-now' | 'rebuild' | 'sync-on' | 'move' | 'lost';
export interface Act { name: ActName; label: string; kind: 'primary' | 'plain' | 'quiet' | 'link' }
export interface Look {
  glyph: GlyphName;
  tone: Tone;
  word: string;
  fact: string;
  title: string;
  lead: string;
  proof: string;
  acts: Act[];
}

export type Sentences = Pick<Look, 'title' | 'lead' | 'proof' | 'acts'>;

export const act = (name: ActName, label: string, kind: Act['kind'] = 'plain'): Act => ({ name, label, kind });
export const details = act('details', words.details, 'quiet');

export const pair = ([word, fact]: string[]) => ({ word: word!, fact: fact! });

export function pausedSeal(r: Reading): { word: string; fact: string } {
  const until = timeOf(r.st.paused_until);
  return { word: s.paused, fact: isOpen(until) ? s.resume : s.until(until ? r.f.clock(until) : '') };
}

export function paused(r: Reading, waits = r.waits ? h.paused.waits(r.waits) : h.paused.some): Sentences {
  const until = timeOf(r.st.paused_until);
  const resume = act('resume', a.resume, 'primary');
  if (!until || isOpen(until)) return { title: h.paused.open, lead: h.paused.openLead(waits), proof: r.proof(), acts: [resume] };
  return {
    title: h.paused.title(r.f.left((until.getTime() - r.now.getTime()) / 1000)), lead: h.paused.lead(r.f.clock(until), waits), proof: r.proof(),
    acts: [resume, act('pause-tomorrow', a.tomorrow), act('pause-open', a.open)],
  };
}

export function withoutStop(sentence: string): string { return sentence.replace(/\.$/, ''); }
