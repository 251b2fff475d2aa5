// What a status says to a person: the seal, the sentence that matters, and what can be done. Pure.
import { googleEnded, keyless } from './api/client';
import type { Status } from './api/types';
import { cloudSeal, cloudSentences } from './cloudlook';
import { timeOf, type Format } from './format';
import { unproved, type GlyphName } from './glyph';
import { Reading } from './reading';
import { act, details, pair, paused, pausedSeal, withoutStop, type Act, type Look, type Sentences } from './sentences';
import { words } from './words';

export { isOpen, Reading } from './reading';
export type { Act, ActName, Look } from './sentences';

const h = words.hero;
const s = words.seal;
const a = words.acts;
export function lookOf(st: Status, now: Date, f: Format): Look {
  const r = new Reading(st, now, f);
  if (r.cloud) return { glyph: r.glyph, tone: r.tone, ...cloudSeal(r), ...cloudSentences(r) };
  return several(st, { glyph: r.glyph, tone: r.tone, ...seal(r), ...sentences[r.glyph](r) });
}

/** Of several storages the sentences are about the one that is worst off: which that is, and what the others hold. */
function several(st: Status, look: Look): Look {
  const all = st.standalone?.targets ?? [];
  const proved = all.filter((t) => t.healthy).length;
  if (all.length < 2 || st.state === 'paused' || st.state === 'off' || st.state === 'restoring') return look;
  if (st.healthy) return { ...look, lead: h.everywhere(look.lead, all.length) };
  const one = h.oneOf(st.standalone?.target ?? '', proved, all.length);
  const lead = proved > 0 ? look.lead.replace(h.nothingYet, h.nothingThere) : look.lead;
  return { ...look, lead: `${one} ${lead}`.trim() };
}

/** What is shown while no agent answers. */
export function goneLook(): Look {
  return { glyph: 'attention', tone: 'wait', word: s.gone[0]!, fact: s.gone[1]!, ...h.gone, proof: '', acts: [] };
}

function seal(r: Reading): { word: string; fact: string } {
  const waits = r.waits ? s.waits(r.waits) : s.some;
  switch (r.glyph) {
    case 'new': case 'off': case 'signed-out':
      return pair(s[r.glyph] as string[]);
    case 'protected':
      return { word: s.protected, fact: r.provedAt ? s.proved(r.at(r.provedAt)) : '' };
    case 'syncing':
      if (r.first) return { word: s.first, fact: s.unproved };
      if (unproved(r.st)) return { word: s.proving, fact: s.unproved };
      return { word: r.st.progress?.phase === 'test_restore' ? s.proving : s.syncing, fact: r.left ? s.left(r.left) : provedFact(r) };
    case 'paused': return pausedSeal(r);
    case 'offline': return { word: s.offline, fact: r.since ? waits : provedFact(r) };
    case 'stalled': return r.since ? { word: s.stalled, fact: waits } : { word: s.due, fact: provedFact(r) };
    case 'attention': return { word: s.attention, fact: r.drill?.ok === false ? s.failedDrill : r.since ? waits : provedFact(r) };
    case 'error': return { word: s.error, fact: r.copied ? s.copiedAt(r.at(r.copied)) : '' };
    case 'restoring': return { word: s.restoring, fact: r.left ? s.left(r.left) : '' };
  }
}

function provedFact(r: Reading): string { return r.provedAt ? s.proved(r.at(r.provedAt)) : s.unproved; }

const sentences: Record<GlyphName, (r: Reading) => Sentences> = {
  new: () => ({ ...h.new, proof: '', acts: [act('set-up', a.setUp, 'primary')] }),
  protected: (r) => ({
    title: h.protected.title, lead: h.protected.lead(r.newest), proof: r.proof(),
    acts: [act('prove', a.prove, 'link'), ...(r.st.cloud?.signed_in ? [act('move', words.cloud.acts.move, 'plain')] : [])],
  }),
  off: (r) => ({
    title: h.off.title, lead: r.copied ? h.off.since(r.moment(r.copied)) : h.off.all(r.f.bytes(r.st.db.bytes)), proof: '',
    acts: offActs(r),
  }),
  'signed-out': (r) => ({
    title: h.signedOut.title, lead: h.signedOut.lead, proof: r.proof(), acts: [act('sign-in', a.signIn, 'primary'), act('own-storage', a.ownStorage)],
  }),
  syncing: (r) => syncing(r),
  paused: (r) => paused(r),
  offline: (r) => ({
    title: h.offline.title(r.at(timeOf(r.st.progress?.since))),
    lead: r.first ? h.offline.nothingYet : h.offline.lead(r.waits ? h.offline.waits(r.waits) : h.offline.some), proof: r.proof(), acts: [],
  }),
  stalled: (r) => r.since
    ? { title: h.stalled.title(r.waits || h.stalled.some, r.at(r.since)), lead: h.stalled.lead, proof: r.proof(), acts: [details] }
    : { title: h.stalled.due, lead: h.stalled.dueLead(r.at(r.provedAt)), proof: '', acts: [act('prove', a.proveFirst, 'primary')] },
  attention: (r) => attention(r),
  error: (r) => error(r),
  restoring: (r) => ({ title: h.restoring.title('', r.left), lead: h.restoring.lead, proof: '', acts: [act('show-restore', a.showRestore)] }),
};

/** The ways back on: the cloud first, where it is known. */
function offActs(r: Reading): Act[] {
  const own = r.st.standalone ? act('protect', a.protect) : act('own-storage', a.ownStorage);
  if (r.st.cloud?.signed_in) return [act('sync-on', words.cloud.acts.syncOn, 'primary'), own];
  if (r.st.cloud) return [act('sign-in', a.signIn, 'primary'), own];
  return r.st.standalone ? [{ ...own, kind: 'primary' }, act('own-storage', a.other)] : [{ ...own, kind: 'primary' }, act('sign-in', a.signIn)];
}

function syncing(r: Reading): Sentences {
  if (r.first) return { title: h.first.title(r.left), lead: h.first.lead, proof: '', acts: [] };
  if (unproved(r.st)) return { title: h.first.proving, lead: h.first.provingLead, proof: h.restorable(r.newest), acts: [] };
  if (r.st.progress?.phase === 'test_restore') {
    return { title: h.syncing.proving, lead: h.syncing.provingLead, proof: r.proof(), acts: [] };
  }
  return { title: h.syncing.title(r.left), lead: h.syncing.lead(r.at(r.since)), proof: r.proof(), acts: [] };
}

function attention(r: Reading): Sentences {
  const e = r.st.error;
  if (!e) {
    return {
      title: h.attention.failedDrill(r.at(timeOf(r.drill?.at))), lead: h.attention.failedLead, proof: h.restorable(r.newest),
      acts: [act('prove', a.prove, 'primary'), act('restore', a.anotherMoment), details],
    };
  }
  if (r.fileGone) return fileGone(r, e.message);
  const acts = keyless(e) ? [act('give-key', a.giveKey, 'primary')] : googleEnded(e) ? [act('sign-in-google', words.google.againDo, 'primary')] : e.code === 'busy' || e.code === 'canceled' ? [] : [act('check-storage', a.checkStorage, 'primary')];
  return {
    title: keyless(e) ? h.attention.keyless : googleEnded(e) ? words.google.ended.slice(0, -1) : withoutStop(e.message), lead: r.since ? h.attention.lead(r.at(r.since)) : h.attention.plain,
    proof: [r.proof(), r.copied ? h.restorable(r.newest) : ''].filter(Boolean).join(' '), acts: [...acts, details],
  };
}

/** The memory file itself is not where it was: that is chosen or restored, the storage is not asked. */
function fileGone(r: Reading, message: string): Sentences {
  const acts = [act('choose-file', a.chooseFile, 'primary')];
  if (r.copied) acts.push(act('restore-newest', a.restoreTo(r.newest)));
  return {
    title: withoutStop(message), lead: h.attention.plain,
    proof: [r.proof(), r.copied ? h.restorable(r.newest) : ''].filter(Boolean).join(' '), acts: [...acts, details],
  };
}

function error(r: Reading): Sentences {
  const e = r.st.error;
  const damaged = e?.code === 'damaged';
  const acts = r.copied ? [act('restore-newest', a.restoreTo(r.newest), 'primary'), act('restore', a.anotherMoment)] : [];
  return {
    title: damaged ? h.error.damaged : h.error.title, lead: damaged ? h.error.damagedLead : (e?.message ?? r.st.summary),
    proof: [r.copied ? h.restorable(r.newest) : '', r.proof()].filter(Boolean).join(' '), acts: [...acts, details],
  };
}
