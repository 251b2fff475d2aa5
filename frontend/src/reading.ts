// A status at one moment, with what every face asks of it. Pure.
import type { CloudStatus, Drill, Proof, Status } from './api/types';
import { timeOf, type Format } from './format';
import { glyphOf, inCloud, sinceOf, toneOf, unproved, type GlyphName, type Tone } from './glyph';
import { words } from './words';

const h = words.hero;
const c = words.cloud;

// What is known of an account before the agent has told of one.
const unknownAccount: CloudStatus = { server: '', signed_in: false, recording: false, connected: false, pending_uploads: 0, rejected: 0 };

/** Everything the faces of a status need, at one moment. */
export class Reading {
  readonly glyph: GlyphName;
  readonly tone: Tone;
  readonly drill: Drill | undefined;
  /** The account, in cloud mode. */
  readonly cloud: CloudStatus | undefined;
  readonly copied: Date | null;
  readonly since: Date | null;

  constructor(readonly st: Status, readonly now: Date, readonly f: Format) {
    this.glyph = glyphOf(st, now);
    this.tone = toneOf(this.glyph);
    this.drill = st.standalone?.last_drill;
    this.cloud = inCloud(st) ? (st.cloud ?? unknownAccount) : undefined;
    this.copied = timeOf(this.cloud ? this.cloud.last_synced_at : st.standalone?.last_replicated_at);
    this.since = sinceOf(st);
  }

  when(t: Date | null): string { return t ? this.f.when(t, this.now) : ''; }
  moment(t: Date | null): string { return t ? this.f.moment(t, this.now) : ''; }
  get newest(): string { return this.moment(this.copied); }
  /** "4.3 MB" of what waits, "" when unknown. */
  get waits(): string { return this.st.standalone?.lag_bytes ? this.f.bytes(this.st.standalone.lag_bytes) : ''; }
  get left(): string { return this.st.progress?.eta_seconds ? this.f.left(this.st.progress.eta_seconds) : ''; }
  get provedAt(): Date | null {
    if (this.cloud) return this.held ? timeOf(this.held.at) : null;
    return this.drill?.ok ? timeOf(this.drill.at) : null;
  }
  /** The last proof of cloud mode, if it held. */
  get held(): Proof | null { return this.cloud?.last_proof?.equal ? this.cloud.last_proof : null; }
  /** "214" of the changes that wait to go up, "" when none does. */
  get pending(): string { return this.cloud?.pending_uploads ? this.f.count(this.cloud.pending_uploads) : ''; }
  /** The server as people read it: its host. */
  get server(): string { return hostOf(this.st.cloud?.server ?? ''); }
  get fileGone(): boolean { return this.st.error?.op === 'file' && this.st.error.code === 'not_found'; }
  /** Nothing was ever copied. */
  get first(): boolean { return this.cloud ? unproved(this.st) : !this.st.standalone?.replicated_txid; }

  /** The last proof as a sentence. Ages would change it all the time, so it says the time of day. */
  proof(): string {
    if (this.cloud) return this.#cloudProof();
    if (!this.provedAt || !this.drill) return '';
    const say = this.glyph === 'protected' ? h.protected.proof : h.lastProof;
    return say(this.at(this.provedAt), this.f.count(this.drill.rows));
  }

  #cloudProof(): string {
    if (!this.held) return '';
    const when = this.at(this.provedAt);
    return this.glyph === 'protected' ? c.hero.proof(when, this.f.count(this.held.tables?.length ?? 0)) : c.hero.lastProof(when, this.f.count(this.held.rows));
  }

  /** A time without its age: "09:12", "yesterday 18:22". */
  at(t: Date | null): string {
    if (!t) return '';
    return this.f.heading(t, this.now) === 'Today' ? this.f.clock(t) : this.f.when(t, this.now);
  }
}

/** The host of an address, as people name a server. */
export function hostOf(url: string): string { return url.replace(/^https?:\/\//, '').replace(/\/.*$/, ''); }

/** A pause without an end is one until the year 9999. */
export function isOpen(until: Date | null): boolean { return until !== null && until.getUTCFullYear() >= 9999; }
