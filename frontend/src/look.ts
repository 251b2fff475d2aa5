// What a status says to a person: the seal, the sentence that matters, and what can be done. Pure.
import type { Drill, Status } from './api/types';
import { timeOf, type Format } from './format';
import { glyphOf, toneOf, unproved, type GlyphName, type Tone } from './glyph';
import { words } from './words';

export type ActName =
  | 'prove' | 'resume' | 'pause-tomorrow' | 'pause-open' | 'protect' | 'own-storage' | 'set-up' | 'sign-in' | 'check-storage'
  | 'choose-file' | 'restore-newest' | 'restore' | 'show-restore' | 'details';
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

const h = words.hero;
const s = words.seal;
const a = words.acts;
const act = (name: ActName, label: string, kind: Act['kind'] = 'plain'): Act => ({ name, label, kind });
const details = act('details', words.details, 'quiet');

/** Everything the faces of a status need, at one moment. */
export class Reading {
  readonly glyph: GlyphName;
  readonly tone: Tone;
  readonly drill: Drill | undefined;
  readonly copied: Date | null;
  readonly since: Date | null;

  constructor(readonly st: Status, readonly now: Date, readonly f: Format) {
    this.glyph = glyphOf(st, now);
    this.tone = toneOf(this.glyph);
    this.drill = st.standalone?.last_drill;
    this.copied = timeOf(st.standalone?.last_replicated_at);
    this.since = timeOf(st.standalone?.waiting_since);
  }

  when(t: Date | null): string { return t ? this.f.when(t, this.now) : ''; }
  moment(t: Date | null): string { return t ? this.f.moment(t, this.now) : ''; }
  get newest(): string { return this.moment(this.copied); }
  /** "4.3 MB" of what waits, "" when unknown. */
  get waits(): string { return this.st.standalone?.lag_bytes ? this.f.bytes(this.st.standalone.lag_bytes) : ''; }
  get left(): string { return this.st.progress?.eta_seconds ? this.f.left(this.st.progress.eta_seconds) : ''; }
  get provedAt(): Date | null { return this.drill?.ok ? timeOf(this.drill.at) : null; }
  get fileGone(): boolean { return this.st.error?.op === 'file' && this.st.error.code === 'not_found'; }
  /** Nothing was ever copied. */
  get first(): boolean { return !this.st.standalone?.replicated_txid; }

  /** The last proof as a sentence. Ages would change it all the time, so it says the time of day. */
  proof(): string {
    if (!this.provedAt || !this.drill) return '';
    const say = this.glyph === 'protected' ? h.protected.proof : h.lastProof;
    return say(this.at(this.provedAt), this.f.count(this.drill.rows));
  }

  /** A time without its age: "09:12", "yesterday 18:22". */
  at(t: Date | null): string {
    if (!t) return '';
    return this.f.heading(t, this.now) === 'Today' ? this.f.clock(t) : this.f.when(t, this.now);
  }
}

export function lookOf(st: Status, now: Date, f: Format): Look {
  const r = new Reading(st, now, f);
  return { glyph: r.glyph, tone: r.tone, ...seal(r), ...sentences[r.glyph](r) };
}

/** What is shown while no agent answers. */
export function goneLook(): Look {
  return { glyph: 'attention', tone: 'wait', word: s.gone[0]!, fact: s.gone[1]!, ...h.gone, proof: '', acts: [] };
}

const pair = ([word, fact]: string[]) => ({ word: word!, fact: fact! });

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
    case 'paused': {
      const until = timeOf(r.st.paused_until);
      return { word: s.paused, fact: isOpen(until) ? s.resume : s.until(until ? r.f.clock(until) : '') };
    }
    case 'offline': return { word: s.offline, fact: r.since ? waits : provedFact(r) };
    case 'stalled': return r.since ? { word: s.stalled, fact: waits } : { word: s.due, fact: provedFact(r) };
    case 'attention': return { word: s.attention, fact: r.drill?.ok === false ? s.failedDrill : r.since ? waits : provedFact(r) };
    case 'error': return { word: s.error, fact: r.copied ? s.copiedAt(r.at(r.copied)) : '' };
    case 'restoring': return { word: s.restoring, fact: r.left ? s.left(r.left) : '' };
  }
}

function provedFact(r: Reading): string { return r.provedAt ? s.proved(r.at(r.provedAt)) : s.unproved; }

/** A pause without an end is one until the year 9999. */
export function isOpen(until: Date | null): boolean { return until !== null && until.getUTCFullYear() >= 9999; }

type Sentences = Pick<Look, 'title' | 'lead' | 'proof' | 'acts'>;

const sentences: Record<GlyphName, (r: Reading) => Sentences> = {
  new: () => ({ ...h.new, proof: '', acts: [act('set-up', a.setUp, 'primary')] }),
  protected: (r) => ({
    title: h.protected.title, lead: h.protected.lead(r.newest), proof: r.proof(), acts: [act('prove', a.prove, 'link')],
  }),
  off: (r) => ({
    title: h.off.title, lead: r.copied ? h.off.since(r.moment(r.copied)) : h.off.all(r.f.bytes(r.st.db.bytes)), proof: '',
    acts: r.st.standalone
      ? [act('protect', a.protect, 'primary'), act('own-storage', a.other)]
      : [act('own-storage', a.ownStorage, 'primary'), act('sign-in', a.signIn)],
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

function syncing(r: Reading): Sentences {
  if (r.first) return { title: h.first.title(r.left), lead: h.first.lead, proof: '', acts: [] };
  if (unproved(r.st)) return { title: h.first.proving, lead: h.first.provingLead, proof: h.restorable(r.newest), acts: [] };
  if (r.st.progress?.phase === 'test_restore') {
    return { title: h.syncing.proving, lead: h.syncing.provingLead, proof: r.proof(), acts: [] };
  }
  return { title: h.syncing.title(r.left), lead: h.syncing.lead(r.at(r.since)), proof: r.proof(), acts: [] };
}

function paused(r: Reading): Sentences {
  const until = timeOf(r.st.paused_until);
  const waits = r.waits ? h.paused.waits(r.waits) : h.paused.some;
  const resume = act('resume', a.resume, 'primary');
  if (!until || isOpen(until)) return { title: h.paused.open, lead: h.paused.openLead(waits), proof: r.proof(), acts: [resume] };
  return {
    title: h.paused.title(r.f.left((until.getTime() - r.now.getTime()) / 1000)), lead: h.paused.lead(r.f.clock(until), waits), proof: r.proof(),
    acts: [resume, act('pause-tomorrow', a.tomorrow), act('pause-open', a.open)],
  };
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
  const acts = e.code === 'busy' || e.code === 'canceled' ? [] : [act('check-storage', a.checkStorage, 'primary')];
  return {
    title: withoutStop(e.message), lead: r.since ? h.attention.lead(r.at(r.since)) : h.attention.plain,
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

function withoutStop(sentence: string): string { return sentence.replace(/\.$/, ''); }
