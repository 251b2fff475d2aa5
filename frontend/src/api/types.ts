// Written by `go run ./frontend/gen` from the types of package app. A Go test fails when it differs.

/** Status is the one snapshot every face shows. Keys are snake_case and stable. */
export interface Status {
  version: string;
  /** grows with every published change within one agent run */
  rev: number;
  machine_id: string;
  /** the host's name */
  machine: string;
  /** the effective mode */
  mode: Mode;
  /** ModeLocked is the value of CODITECT_SYNC_MODE while it wins, else empty. */
  mode_locked?: string;
  state: State;
  healthy: boolean;
  /** one sentence for people */
  summary: string;
  paused_until?: string;
  db: DBStatus;
  standalone?: StandaloneStatus;
  progress?: Progress;
  undo?: UndoPoint;
  error?: Error;
}

/** PrefsEdit changes the wishes whose fields are not nil. */
export interface PrefsEdit {
  mode?: Mode;
  paused_until?: string;
}

/** SetupRequest says which file to keep safe and where. */
export interface SetupRequest {
  /** absolute path; empty = as set before, else the default file */
  db?: string;
  /** URL; empty = as set before, else the default local folder */
  target?: string;
  user?: string;
  credentials?: string;
  /** create a missing bucket */
  create?: boolean;
}

/** SetupResult says what setup did, in order, one sentence each. */
export interface SetupResult {
  db: string;
  target: string;
  user: string;
  steps: string[] | null;
  /** what a person should know, e.g. that the copy is on the same disk */
  notes?: string[];
  status: Status;
}

/** Timeline is what a machine's history offers, newest first. */
export interface Timeline {
  machine: string;
  /** how far back it goes */
  oldest?: string;
  points: RestorePoint[] | null;
}

/** Machine is one installation seen at the target. */
export interface Machine extends MachineInfo {
  id: string;
  user: string;
  this: boolean;
}

/** RestoreRequest asks for a restore. */
export interface RestoreRequest extends Moment {
  /** ID; empty = this one, or the target's only one */
  machine?: string;
  /** absolute path of a new file; empty = the live file */
  to?: string;
}

/** RestorePlan says what a restore would do, before anything is done. */
export interface RestorePlan {
  machine: string;
  point: RestorePoint;
  objects: number;
  /** to read from the target */
  bytes: number;
  /** size of the restored file */
  db_bytes: number;
  /** Seconds is the expected duration in all, WriterWait how long other programs wait to write (live restores). */
  seconds: number;
  writer_wait_seconds: number;
  disk_needed: number;
  disk_free: number;
  /** UndoFor is how long a restore into the live file can be undone; 0 for a restore into a new one. */
  undo_for_ns?: number;
}

/** RestoreResult says what a restore did and how it was checked. */
export interface RestoreResult {
  point: RestorePoint;
  path: string;
  /** "ok" */
  integrity: string;
  rows: number;
  tables: TableHash[] | null;
  /** Equal tells that the file's row hash equals the restored image's. False with no error means that another program wrote before it could be compared; Note says so. */
  equal: boolean;
  note?: string;
  undo?: UndoPoint;
  took_ns: number;
  /** WritersWaited is how long the write lock was held. */
  writers_waited_ns: number;
  /** Kept is where a damaged file was moved to, if one was. */
  kept?: string;
}

/** Drill is one test restore. */
export interface Drill {
  at: string;
  ok: boolean;
  txid: string;
  rows: number;
  tables?: TableHash[];
  took_ns: number;
  /** Problem names what did not hold: an object, or the tables that differ. */
  problem?: string;
}

/** Finding is one line of the doctor. */
export interface Finding {
  check: string;
  level: Level;
  detail: string;
  hint?: string;
}

/** Preview says what a restore would bring back and take away. */
export interface Preview {
  plan: RestorePlan;
  tables: TableDiff[] | null;
}

/** Event is one line of the activity. */
export interface Event {
  at: string;
  kind: EventKind;
  /** one sentence */
  text: string;
  detail?: string;
  /** Bad tells that it was a problem; Cured that a problem ended. */
  bad?: boolean;
  cured?: boolean;
  /** Count, Bytes and Until summarise repeated copying between At and Until. */
  count?: number;
  bytes?: number;
  until?: string;
}

/** TargetTrial is what a test of a target did. */
export interface TargetTrial {
  target: string;
  steps: TrialStep[] | null;
  same_disk: boolean;
  at: string;
}

/** Settings are shown and edited in the window. */
export interface Settings {
  db: string;
  default_db: string;
  /** SQLite files of AI assistants found on this machine */
  found?: string[];
  target: string;
  default_target: string;
  /** in words, one promise each */
  retention: string[] | null;
  start_at_login: boolean;
  notify: Notify;
  /** why the mode cannot be changed */
  locked?: string;
}

/** SettingsEdit changes the fields that are not nil. */
export interface SettingsEdit {
  start_at_login?: boolean;
  notify?: Notify;
}

/** Login is a sign-in under way. */
export interface Login {
  state: LoginState;
  /** where the browser went */
  url?: string;
  user?: string;
  error?: Error;
}

/** Error is a failure as faces show it: one sentence for people, a code for machines, a hint when there is a cure. */
export interface Error {
  code: Code;
  /** what was being done, e.g. "restore" */
  op?: string;
  /** one sentence with its full stop, never a secret or a row's content */
  message: string;
  hint?: string;
}

/** Mode is the wish how the file is kept safe. Its text form is stored in preferences and typed by people. */
export type Mode = "" | "cloud" | "standalone" | "off";

/** State is what follows from Prefs and Facts. Its text form is part of the JSON contract. */
export type State = "new" | "off" | "signed-out" | "cloud" | "standalone" | "paused" | "restoring" | "error";

/** DBStatus describes the local file. */
export interface DBStatus {
  path: string;
  bytes: number;
  sqlite_version: string;
}

/** StandaloneStatus describes replication to the target. */
export interface StandaloneStatus {
  /** URL without credentials */
  target: string;
  txid: string;
  replicated_txid: string;
  /** LastReplicatedAt: every row committed before this time is at the target. */
  last_replicated_at?: string;
  /** LagBytes is what waits locally for the target, in bytes. */
  lag_bytes: number;
  /** WaitingSince is when the oldest waiting change was noticed; zero while nothing waits. */
  waiting_since?: string;
  last_drill?: Drill;
  next_drill_at?: string;
  /** Targets lists every target with the same keys; with one target it is that one. */
  targets?: StandaloneStatus[];
}

/** Progress is what an engine or operation is doing now. */
export interface Progress {
  phase: Phase;
  done: number;
  /** 0 when unknown */
  total: number;
  /** units a second */
  rate?: number;
  /** 0 when unknown */
  eta_seconds: number;
  /** "bytes" or "rows" */
  unit?: string;
  /** when this phase began */
  since?: string;
  /** why it waits, one sentence */
  cause?: string;
  next_try?: string;
}

/** UndoPoint is the state before the last restore, kept until Until. */
export interface UndoPoint {
  point: RestorePoint;
  /** RestoredTo is the moment the restore that can be undone went to. */
  restored_to: string;
  restored_at: string;
  until: string;
}

/** RestorePoint is one moment that can be restored. */
export interface RestorePoint {
  /** the TXID, 16 hex digits */
  id: string;
  /** when it was recorded */
  time: string;
  /** bytes of the object that ends here */
  size: number;
  kind: PointKind;
  /** Pinned tells until when an undo keeps the point. */
  pinned_until?: string;
}

/** MachineInfo is the content of machine.json beside a machine's data. */
export interface MachineInfo {
  host: string;
  os: string;
  version: string;
  db: string;
  lineage: string;
  last_replicated?: string;
  rows?: Record<string, number>;
}

/** Moment selects a restore point: exactly one field is set, or none for the newest. */
export interface Moment {
  /** the newest point at or before it */
  at?: string;
  /** an ID */
  point?: string;
}

/** TableHash is the order-free row hash of one table: rows counted, and the sum of the rows' 64-bit hashes mod 2^64. */
export interface TableHash {
  table: string;
  rows: number;
  /** 16 hex digits */
  sum: string;
}

/** Level grades a Finding. */
export type Level = "ok" | "warn" | "bad";

/** TableDiff compares one table then and now. Added rows exist now and not then, removed ones then and not now. */
export interface TableDiff {
  table: string;
  then: number;
  now: number;
  added: number;
  changed: number;
  removed: number;
  /** at most 20 a table */
  examples?: RowDiff[];
}

/** EventKind is what an event is about. */
export type EventKind = "copy" | "proof" | "restore" | "problem" | "setting";

/** TrialStep is one thing that was done, and how long it took. */
export interface TrialStep {
  text: string;
  took_ns: number;
}

/** Notify says which notifications a person wants. */
export interface Notify {
  /** something needs the person */
  needs: boolean;
  /** it is well again */
  well: boolean;
  /** a restore has finished */
  restored: boolean;
}

/** LoginState is how far a sign-in is. */
export type LoginState = "idle" | "waiting" | "done" | "failed";

/** Code tells machines what kind of failure an Error is. Its text form is part of the JSON contract. */
export type Code = "failed" | "invalid" | "not_found" | "not_running" | "signed_out" | "refused" | "busy" | "denied" | "unreachable" | "no_space" | "damaged" | "canceled";

/** Phase names what is being done. Its text form is part of the JSON contract. */
export type Phase = "first_copy" | "copying" | "offline" | "test_restore" | "fetch" | "check" | "replace" | "flush";

/** PointKind tells what object a point comes from. */
export type PointKind = "full" | "change" | "merged";

/** RowDiff is one example. Then and Now are texts of the memory: hostile until shown as plain text, cut to 200 runes. */
export interface RowDiff {
  kind: DiffKind;
  id: string;
  then?: string;
  now?: string;
  /** when the row says it was last written */
  at?: string;
}

/** DiffKind is how a row differs. */
export type DiffKind = "added" | "changed" | "removed";
