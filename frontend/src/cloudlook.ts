// What a status of cloud mode says: the seal, the sentence, and what can be done. Pure.
import { timeOf } from './format';
import { act, details, pair, paused, pausedSeal, withoutStop, type Sentences } from './sentences';
import type { Reading } from './reading';
import { words } from './words';

const c = words.cloud;
const h = c.hero;
const a = words.acts;
const s = words.seal;

export function cloudSeal(r: Reading): { word: string; fact: string } {
  const waits = r.pending ? c.seal.waits(r.pending) : s.some;
  switch (r.glyph) {
    case 'signed-out': return { word: s['signed-out'][0]!, fact: r.pending ? waits : s['signed-out'][1]! };
    case 'new': case 'off': return pair(s[r.glyph]);
    case 'protected': return { word: c.seal.inSync, fact: provedFact(r) };
    case 'syncing': return { word: syncingWord(r), fact: r.left ? s.left(r.left) : r.pending ? waits : provedFact(r) };
    case 'paused': return pausedSeal(r);
    case 'offline': return { word: s.offline, fact: r.pending ? waits : provedFact(r) };
    case 'stalled': return stalledSeal(r, waits);
    case 'attention': return { word: s.attention, fact: r.pending ? waits : provedFact(r) };
    case 'error': return { word: s.error, fact: r.pending ? waits : provedFact(r) };
    case 'restoring': return { word: s.restoring, fact: r.left ? s.left(r.left) : '' };
  }
}

function provedFact(r: Reading): string {
  return r.provedAt ? s.proved(r.at(r.provedAt)) : c.seal.unproved;
}

function syncingWord(r: Reading): string {
  const phase = r.st.progress?.phase;
  if (phase === 'proof') return c.seal.proving;
  if (phase === 'catching_up') return c.seal.catchingUp;
  if (phase === 'connecting') return c.seal.connecting;
  if (r.first) return phase === 'first_sync' ? c.seal.first : s.first;
  return c.seal.syncing;
}

function stalledSeal(r: Reading, waits: string): { word: string; fact: string } {
  if (differs(r)) return { word: c.seal.differs, fact: c.seal.mending };
  return r.since || r.st.progress?.phase === 'stalled' ? { word: s.stalled, fact: r.pending ? waits : provedFact(r) } : { word: s.due, fact: provedFact(r) };
}

const differs = (r: Reading): boolean => r.cloud?.last_proof?.equal === false;

export function cloudSentences(r: Reading): Sentences {
  switch (r.glyph) {
    case 'protected': return inSync(r);
    case 'syncing': return r.first ? first(r) : syncing(r);
    case 'paused': return paused(r, r.pending ? h.paused(r.pending) : words.hero.paused.some);
    case 'offline': return { title: words.hero.offline.title(r.at(timeOf(r.st.progress?.since))), lead: h.offline(r.pending), proof: r.proof(), acts: [] };
    case 'stalled': return stalled(r);
    case 'signed-out': return {
      title: words.hero.signedOut.title, lead: h.signedOut(r.pending, r.at(r.since)), proof: r.proof(), acts: [act('sign-in', a.signIn, 'primary'), act('own-storage', a.ownStorage)],
    };
    case 'attention': return attention(r);
    case 'error': return error(r);
    case 'restoring': return { title: words.hero.restoring.title('', r.left), lead: words.hero.restoring.lead, proof: '', acts: [act('show-restore', a.showRestore)] };
    case 'new': case 'off': return { ...words.hero.new, proof: '', acts: [act('set-up', a.setUp, 'primary')] };
  }
}

function inSync(r: Reading): Sentences {
  const pushed = timeOf(r.cloud?.last_pushed_at);
  const later = pushed !== null && r.provedAt !== null && pushed > r.provedAt;
  return {
    title: h.same(r.f.count(r.held?.rows ?? 0)), lead: later ? h.since : h.nothing, proof: r.proof(), acts: [act('prove', a.prove, 'link')],
  };
}

/** Before the first proof nothing counts. */
function first(r: Reading): Sentences {
  const w = h.first;
  switch (r.st.progress?.phase) {
    case 'enrol': return { title: w.enrol, lead: w.uploadLead, proof: '', acts: [] };
    case 'first_sync': case 'catching_up': return { title: w.sync(r.left), lead: w.syncLead, proof: '', acts: [] };
    case 'proof': return { title: w.proving, lead: w.provingLead, proof: '', acts: [] };
    case 'connecting': return { title: w.connecting(r.server), lead: w.connectingLead, proof: '', acts: [] };
    default: return { title: w.upload(r.left), lead: w.uploadLead, proof: '', acts: [] };
  }
}

function syncing(r: Reading): Sentences {
  switch (r.st.progress?.phase) {
    case 'catching_up': case 'first_sync': case 'enrol':
      return { title: h.catchingUp(r.left), lead: h.catchingUpLead(r.copied ? r.at(r.copied) : ''), proof: [r.proof(), h.nextProof].filter(Boolean).join(' '), acts: [] };
    case 'proof': return { title: h.proving, lead: h.provingLead, proof: r.proof(), acts: [] };
    case 'connecting': return { title: h.first.connecting(r.server), lead: h.first.connectingLead, proof: r.proof(), acts: [] };
    default: return { title: h.uploading(r.left), lead: h.uploadingLead(r.pending, r.at(r.since)), proof: r.proof(), acts: [] };
  }
}

function stalled(r: Reading): Sentences {
  const last = r.cloud?.last_proof;
  if (last?.equal === false) return { title: withoutStop(last.problem || h.differs), lead: last.cure ?? '', proof: '', acts: [act('lost', c.acts.lost), details] };
  const waiting = r.since !== null || r.st.progress?.phase === 'stalled';
  if (!waiting) return { title: h.due, lead: h.dueLead(r.at(r.provedAt)), proof: '', acts: [act('prove', a.proveFirst, 'primary')] };
  return {
    title: r.since ? h.stalled(r.pending, r.at(r.since)) : h.stalledPlain, lead: h.stalledLead, proof: '', acts: [act('try-now', c.acts.tryNow), details],
  };
}

function attention(r: Reading): Sentences {
  const e = r.st.error;
  const lead = h.attention(r.since ? r.pending : '', r.at(r.since));
  if (!e) return { title: h.differs, lead, proof: '', acts: [act('prove', a.prove, 'primary'), act('rebuild', c.acts.rebuild), details] };
  const acts = [];
  if (r.fileGone) acts.push(act('choose-file', a.chooseFile, 'primary'), act('rebuild', c.acts.rebuild));
  else if (e.code === 'signed_out' || e.code === 'denied') acts.push(act('sign-in', a.signIn, 'primary'));
  else if (e.code !== 'no_space') acts.push(act('try-now', c.acts.tryNow));
  return { title: withoutStop(e.message), lead, proof: r.proof(), acts: [...acts, details] };
}

function error(r: Reading): Sentences {
  const damaged = r.st.error?.code === 'damaged';
  return {
    title: damaged ? words.hero.error.damaged : h.stopped, lead: damaged ? h.damagedLead : (r.st.error?.message ?? r.st.summary), proof: r.proof(),
    acts: [act('rebuild', c.acts.rebuild, 'primary'), details],
  };
}
