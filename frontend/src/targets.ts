// What the state of one of several storages says to a person. Pure.
import { googleEnded, keyless } from './api/client';
import type { StandaloneStatus } from './api/types';
import { timeOf, type Format } from './format';
import type { GlyphName, Tone } from './glyph';
import { words } from './words';

export interface TargetLook { glyph: GlyphName; tone: Tone; text: string }

export function targetLook(t: StandaloneStatus, now: Date, f: Format): TargetLook {
  const w = words.settings.target;
  const drill = t.last_drill;
  const at = timeOf(drill?.at);
  const when = at ? f.when(at, now) : '';
  const since = t.progress?.phase === 'offline' ? timeOf(t.progress.since) : null;
  if (keyless(t.error)) return { glyph: 'attention', tone: 'wait', text: w.keyless };
  if (googleEnded(t.error)) return { glyph: 'attention', tone: 'wait', text: words.google.ended };
  if (t.error) return { glyph: 'attention', tone: 'wait', text: `${t.error.message} ${t.error.hint ?? ''}`.trim() };
  if (drill && !drill.ok) return { glyph: 'error', tone: 'wrong', text: `${w.failed} ${drill.problem ?? ''}`.trim() };
  if (since) return { glyph: 'offline', tone: 'rest', text: `${w.offline(f.clock(since))}${t.starts_over_since ? ` ${w.startsOver}` : ''}` };
  if (!t.replicated_txid) return { glyph: 'syncing', tone: 'work', text: w.first };
  if (t.starts_over_since) return { glyph: 'syncing', tone: 'work', text: w.startsOver };
  if (!drill) return { glyph: 'syncing', tone: 'work', text: w.proving };
  if (t.healthy) return { glyph: 'protected', tone: 'proved', text: w.proved(when) };
  return { glyph: 'syncing', tone: 'work', text: w.unproved(when) };
}
