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
  cloud?: CloudStatus;
  progress?: Progress;
  /** while one is under way */
  move?: MoveStatus;
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
  /** What lets in, at most one for a kind of target; none = as before. To gs targets Credentials is the path of a service-account key file, and Google the account of a sign-in that was begun with LoginRequest.Google; to s3 targets Access is an access key. Ambient takes what this machine has. */
  credentials?: string;
  google?: string;
  access?: AccessKey;
  ambient?: boolean;
  /** create a missing bucket */
  create?: boolean;
  /** Encrypt begins encrypted copies with Key, where there are none yet. Key alone is that of encrypted copies that are there already, or gives again what the keychain lost. */
  encrypt?: boolean;
  key?: Secret;
  /** More are further targets beside Target. Without Add the targets of before are not written any more. */
  more?: string[];
  add?: boolean;
  /** Remove ends the writing to Target, whose copies stay there. It is not the only one. */
  remove?: boolean;
  /** TakeOver makes this machine the one that writes the history of its file, where another is it; Branch begins a history of its own beside that. At most one of them. */
  take_over?: boolean;
  branch?: boolean;
}

/** SetupResult says what setup did, in order, one sentence each. */
export interface SetupResult {
  db: string;
  target: string;
  /** the other targets */
  more?: string[];
  user: string;
  /** Encryption is the id of the recovery key; empty for plain copies. */
  encryption?: string;
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
  /** Missing are the targets that could not be asked. */
  missing?: TargetFault[];
}

/** Machine is one installation seen at the target. */
export interface Machine extends MachineInfo {
  id: string;
  user: string;
  this: boolean;
  /** Name, SeenAt and Revoked are of machines of an account. */
  name?: string;
  seen_at?: string;
  revoked?: boolean;
  /** Primary tells that it is the machine that writes the history of its file, since PrimarySince. */
  primary: boolean;
  primary_since?: string;
}

/** RestoreRequest asks for a restore. */
export interface RestoreRequest extends Moment {
  /** ID or name; empty = this one, or the target's only one */
  machine?: string;
  /** absolute path of a new file; empty = the live file */
  to?: string;
  /** URL of the one of several targets to read; empty = the best one */
  target?: string;
  /** PointAt is when the named point is of, where that is known: of several targets each may have another of its number. */
  point_at?: string;
  /** TakeOver makes this machine the one that writes the restored history, where another one does. Without it a history that another machine writes is branched from. */
  take_over?: boolean;
  /** Key is the recovery key of encrypted copies, where the keychain of this machine lost it; it is kept there again. */
  key?: Secret;
  /** Rows brings chosen rows back as ordinary changes; nil is the whole file. */
  rows?: Choice;
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
  /** Writer is the other machine that writes the history which a restore into the live file follows; nil for none. */
  writer?: Primary;
  /** Back is what a request for rows would bring back. */
  back?: Back;
  /** Target is which of several targets is read, Missing those that could not be asked. */
  target?: string;
  missing?: TargetFault[];
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
  /** Had is how many bytes of the copy were here, from a restore that was interrupted or from a look at the moment, and were not fetched again. */
  had_bytes?: number;
  /** WritersWaited is how long the write lock was held. */
  writers_waited_ns: number;
  /** History says with which history the file goes on, where it came from another machine's. One sentence. */
  history?: string;
  /** Target is which of several targets was read, Missing those that could not be. */
  target?: string;
  missing?: TargetFault[];
  /** Kept is where a damaged file was moved to, if one was. */
  kept?: string;
  /** Back is what was brought back, of a request for rows; then Rows counts them, and Tables are empty. */
  back?: Back;
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
  /** Error is why one of several targets could not be proved at all; Problem says the same. Nil for one that ran. */
  error?: Error;
  /** Target is the URL of the target, and Targets are the drills of all, where there are several. */
  target?: string;
  targets?: Drill[];
}

/** Finding is one line of the doctor. */
export interface Finding {
  check: string;
  level: Level;
  detail: string;
  /** Hint and TypedHint are as those of an Error. */
  hint?: string;
  typed_hint?: string;
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
  /** MonthlyCost is what a month of the copying so far is estimated to cost there; nil where not known. */
  monthly_cost?: Cost;
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
  /** as ParseRetention reads it: a name, or all promises */
  retention_wish: string;
  start_at_login: boolean;
  notify: Notify;
  /** why the mode cannot be changed */
  locked?: string;
}

/** SettingsEdit changes the fields that are not nil. */
export interface SettingsEdit {
  start_at_login?: boolean;
  notify?: Notify;
  /** Retention is as ParseRetention reads it. It counts at once; what it does not keep goes with the next copy. */
  retention?: string;
}

/** Error is a failure as faces show it: one sentence for people, a code for machines, a hint when there is a cure. */
export interface Error {
  code: Code;
  /** what was being done, e.g. "restore" */
  op?: string;
  /** one sentence with its full stop, never a secret or a row's content */
  message: string;
  /** Hint is the way on as every face can say it: it names no verb and no flag. TypedHint is for who types them, where that says more; a face without a shell leaves it out. */
  hint?: string;
  typed_hint?: string;
}

/** LoginRequest says where to sign in, and how. */
export interface LoginRequest {
  /** URL; empty = as before, else the default */
  server?: string;
  /** by a code typed on another machine instead of a browser on this one */
  device?: boolean;
  /** Google signs in to Google instead, so that copies can go to gs:// storages. */
  google?: GoogleLogin;
}

/** Login is a sign-in under way. */
export interface Login {
  state: LoginState;
  server?: string;
  /** where the browser went, or where the code is to be typed */
  url?: string;
  /** to be typed there */
  code?: string;
  /** when it ends by itself */
  until?: string;
  /** who is signed in: to Google, the account's address */
  user?: string;
  /** Notes are what a person should know, e.g. that there is no keychain. */
  notes?: string[];
  /** Move tells that standalone mode keeps the file, so that a move to the cloud is the next step. */
  move?: boolean;
  error?: Error;
}

/** LogoutRequest says what becomes of what is here. */
export interface LogoutRequest {
  /** remove the account's rows from this machine */
  wipe?: boolean;
  /** although changes are on this machine only */
  force?: boolean;
}

/** LogoutResult says what was done, one sentence each. */
export interface LogoutResult {
  steps: string[] | null;
  status: Status;
}

/** PushRequest says what to push. */
export interface PushRequest {
  /** also rows that were there before the file was enrolled */
  initial?: boolean;
}

/** PushResult says what went up. */
export interface PushResult {
  /** changes acknowledged */
  pushed: number;
  /** put into lost & found */
  rejected: number;
  proof?: Proof;
  status: Status;
}

/** MoveRequest says where to go. */
export interface MoveRequest {
  /** cloud or standalone */
  to: Mode;
}

/** MovePlan says what a move does, before anything is done. */
export interface MovePlan {
  from: Mode;
  to: Mode;
  rows: number;
  bytes: number;
  steps: MoveStep[] | null;
  server?: string;
  target?: string;
  /** Seconds is the expected duration in all. */
  seconds: number;
  notes?: string[];
}

/** MoveResult says what a move did. */
export interface MoveResult {
  steps: MoveStep[] | null;
  proof?: Proof;
  status: Status;
}

/** Proof says whether this machine and the cloud hold the same rows. Equal is true only if every table is. */
export interface Proof {
  at: string;
  equal: boolean;
  /** of this machine */
  rows: number;
  tables?: TableProof[];
  took_ns: number;
  /** Problem names what did not hold, Cure what was done about it by itself. */
  problem?: string;
  cure?: string;
}

/** LostItem is one change that did not get its way. */
export interface LostItem {
  id: string;
  at: string;
  kind: LostKind;
  table: string;
  /** id of the row */
  row: string;
  /** put, patch or delete */
  op: string;
  /** Mine is what was wanted, Theirs the row as the cloud has it now: objects of columns and values, null for no row. Where the code is LostOverwritten it is the other way round: Mine was somebody else's, and this machine's is in use. They are texts of the memory: hostile until shown as plain text. */
  mine?: unknown;
  theirs?: unknown;
  /** Why is one sentence without values of the row, Code what the server called it. */
  why: string;
  code?: string;
  /** By and Machine say whose the other version is, where that is known: the name of a person, empty for this account, and of a machine. Others chose them: hostile until shown as plain text. */
  by?: string;
  machine?: string;
  /** Reappliable tells that ReapplyLost can do something with it. */
  reappliable: boolean;
  /** Both tells that KeepBoth can. */
  both: boolean;
}

/** Project is a project of the file. Its name and path are texts of the memory: hostile until shown as plain text. */
export interface Project {
  id: string;
  name: string;
  path?: string;
  /** empty: this person's that has not been in the cloud */
  owner_id?: string;
  /** address or name, where the server told it */
  owner?: string;
  mine: boolean;
  visibility: Visibility;
  team_id?: string;
  team?: string;
  /** of this machine, without the project's own */
  rows: number;
  /** CanWrite tells whether this person may write into it, MembersWrite whether those may with whom it is shared; nil while the server has not told. */
  can_write?: boolean;
  members_can_write?: boolean;
}

/** ShareRequest says who is to see a project. Project and Team are an id, the beginning of one, or a name. */
export interface ShareRequest {
  project: string;
  visibility: Visibility;
  team?: string;
  /** members read and do not write */
  read_only?: boolean;
}

/** Reader is somebody who sees a project. */
export interface Reader {
  user_id: string;
  email: string;
  name?: string;
  owner: boolean;
  can_write: boolean;
  /** whoever asks */
  this: boolean;
  /** Machines are the names of those that are signed in, which a person chose or which are the hosts' own: hostile until shown as plain text. nil where the server does not tell. */
  machines: string[] | null;
}

/** Team is a team of the organisation. */
export interface Team {
  id: string;
  name: string;
  members: Member[] | null;
}

/** InviteRequest says whom to bring into a team. */
export interface InviteRequest {
  /** id, its beginning, or name */
  team: string;
  email: string;
  name?: string;
}

/** Invited says what became of an invitation. */
export interface Invited {
  /** an account was there, and is in the team */
  joined: boolean;
  /** a letter is under way */
  sent: boolean;
  /** Link is for the person alone, where the server sends no letters: whoever opens it chooses the password. */
  link?: string;
}

/** MemberRequest says what somebody is to be in a team. Team is an id, its beginning, or a name. */
export interface MemberRequest {
  team: string;
  /** address, id, or the beginning of one; empty: whoever asks */
  person?: string;
  admin?: boolean;
  /** no longer in it */
  out?: boolean;
}

/** RetentionPlan says what a change of the retention would do, before anything is done. */
export interface RetentionPlan {
  /** what would be saved */
  wish: string;
  /** in words, one promise each */
  now: string[] | null;
  then: string[] | null;
  /** Moments that can be restored now, and of them Gone and Bytes that would go. Pinned ones stay. */
  moments: number;
  gone: number;
  bytes: number;
  /** Stored is what is there now, StoredThen what it comes to when the history is as long as then promised, or in a year where it has no end, if as much changes as so far. MonthlyCost and MonthlyCostThen are of the two; nil where not known. */
  stored_bytes: number;
  stored_bytes_then: number;
  monthly_cost?: Cost;
  monthly_cost_then?: Cost;
  /** Oldest is how far back the history goes, OldestThen how far it would. */
  oldest?: string;
  oldest_then?: string;
}

/** RecoveryKey is a new recovery key, and the id by which it is known. */
export interface RecoveryKey {
  id: string;
  key: Secret;
}

/** Invitation is one that nobody has taken up yet. An expired one is listed for a while. */
export interface Invitation {
  team_id: string;
  user_id: string;
  email: string;
  name?: string;
  /** name or address */
  invited_by?: string;
  invited_at: string;
  expires_at: string;
}

/** WithdrawRequest says which invitation. Team is an id, its beginning, or a name; Person an address, an id, or its beginning. */
export interface WithdrawRequest {
  team: string;
  person: string;
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
  /** Encryption is the id of the recovery key of encrypted copies; empty for plain ones. */
  encryption?: string;
  /** Google is the account whose sign-in to Google lets in; empty for other ways. */
  google?: string;
  /** Access is the id of the access key that lets in; empty for other ways. */
  access?: string;
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
  /** Retention says what is kept of the history, one promise each. */
  retention?: string[];
  /** Usage is what was asked of the target, MonthlyCost what a month of that is estimated to cost; nil where not known. */
  usage?: Usage;
  monthly_cost?: Cost;
  /** StartsOverSince: since then it is known that the target was away for so long that it begins anew with a full copy. The moments between are restore points at other targets only. Zero when that is not so. */
  starts_over_since?: string;
  /** Of one of several targets: whether it is proved, what it does, and what is wrong with it. */
  healthy: boolean;
  progress?: Progress;
  error?: Error;
  /** Targets lists every target with the same keys; with one target it is that one. The keys beside it are those of the target that is worst off. */
  targets?: StandaloneStatus[];
}

/** CloudStatus describes the account and what goes up and comes down. It is there as soon as a server is known. */
export interface CloudStatus {
  /** URL */
  server: string;
  signed_in: boolean;
  /** e-mail address or name, for people */
  user?: string;
  tenant?: string;
  /** Recording tells that changes of the file are recorded for the cloud (the file is enrolled). */
  recording: boolean;
  /** Connected tells that the stream is open now. */
  connected: boolean;
  /** PendingUploads is how many changes are on this machine only; WaitingSince when the oldest was recorded. */
  pending_uploads: number;
  waiting_since?: string;
  /** Rejected is how many items are in lost & found. */
  rejected: number;
  /** LastPushedAt is when the cloud last acknowledged changes of this machine, LastSyncedAt when this machine last had all that the cloud had for it. */
  last_pushed_at?: string;
  last_synced_at?: string;
  last_proof?: Proof;
  next_proof_at?: string;
  /** Unshared is what left this machine last because this account may see it no longer. */
  unshared?: Unshared;
  /** Steps are the rungs of the ladder while changes are stalled, in order. */
  steps?: CureStep[];
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

/** MoveStatus is a move under way. */
export interface MoveStatus {
  from: Mode;
  to: Mode;
  steps: MoveStep[] | null;
  /** Proof is the newest comparison of the move. */
  proof?: Proof;
}

/** UndoPoint is the state before the last restore, kept until Until. */
export interface UndoPoint {
  point: RestorePoint;
  /** RestoredTo is the moment the restore that can be undone went to. */
  restored_to: string;
  restored_at: string;
  until: string;
}

/** AccessKey is what lets in to a storage that speaks S3: an id, which is no secret, and the secret that belongs to it. */
export interface AccessKey {
  id: string;
  secret: Secret;
}

/** Secret is a text that no log and no format shows, such as the recovery key of encrypted copies. JSON carries it: the local API has no other way. */
export type Secret = string;

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
  /** Targets are those that hold the point, where there are several. */
  targets?: string[];
}

/** TargetFault is one of several targets that could not be used, and why. */
export interface TargetFault {
  target: string;
  error: Error | null;
}

/** MachineInfo is the content of machine.json beside a machine's data. */
export interface MachineInfo {
  host: string;
  os: string;
  version: string;
  db: string;
  lineage: string;
  last_replicated?: string;
  /** Newest is the point up to which everything was at the target when this was written. */
  newest?: string;
  /** From is whose history the file was restored from, where this machine then went on with one of its own. */
  from?: Origin;
  rows?: Record<string, number>;
}

/** Moment selects a restore point: exactly one field is set, or none for the newest. */
export interface Moment {
  /** the newest point at or before it */
  at?: string;
  /** an ID */
  point?: string;
}

/** Choice chooses rows of a moment that are to be brought back as ordinary changes, in the place of the whole file. */
export interface Choice {
  tables: string[] | null;
  /** IDs are primary keys, as text, and Where is a condition in SQL on the rows as they were; each narrows down a single table, and only one of the two is given. */
  ids?: string[];
  where?: string;
}

/** Primary is the machine that writes a lineage, and since when; zero for none. */
export interface Primary {
  machine: string;
  host: string;
  since: string;
}

/** Back is what is, or would be, brought back. */
export interface Back {
  tables: TableBack[] | null;
  /** Reach is whom it reaches; nil where nobody else sees any of it. */
  reach?: Reach;
  /** Projects are those of the rows, by id, without those of no project. */
  projects?: string[];
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
export type EventKind = "copy" | "proof" | "restore" | "problem" | "setting" | "sync" | "account";

/** TrialStep is one thing that was done, and how long it took. */
export interface TrialStep {
  text: string;
  took_ns: number;
}

/** Cost is what a month is estimated to cost at the target, in US dollars, by its parts: what is measured now, a month long. */
export interface Cost {
  usd: number;
  requests_usd: number;
  storage_usd: number;
  /** of test restores, out of the target's network */
  fetching_usd: number;
  /** Writes, Reads and Fetched are a month's; Stored is what is there. */
  writes: number;
  reads: number;
  fetched_bytes: number;
  stored_bytes: number;
  /** Measured is from when on it was counted, Prices whose prices they are. */
  measured_since?: string;
  prices?: string;
  /** Unpriced is of a target whose prices are not known: its requests and bytes are, and what they cost is not. */
  unpriced?: boolean;
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

/** Code tells machines what kind of failure an Error is. Its text form is part of the JSON contract. */
export type Code = "failed" | "invalid" | "not_found" | "not_running" | "signed_out" | "refused" | "busy" | "denied" | "unreachable" | "no_space" | "damaged" | "canceled";

/** GoogleLogin asks for a sign-in to Google. It is no account of ours: nothing is synced by it, and no mode changes. */
export interface GoogleLogin {
  /** Client is the path of the file of an OAuth client, as the Google Cloud console gives it; empty = the one of the last sign-in, else that of this build. */
  client?: string;
  /** Account is who has to sign in; empty = whoever does. */
  account?: string;
}

/** LoginState is how far a sign-in is. */
export type LoginState = "idle" | "waiting" | "done" | "failed";

/** MoveStep is one step of a move. */
export interface MoveStep {
  id: string;
  text: string;
  done: boolean;
  took_ns?: number;
}

/** TableProof compares one table. */
export interface TableProof {
  table: string;
  here: TableHash;
  there: TableHash;
  equal: boolean;
  /** Moving tells that others wrote to the table all the time, so that it could not be compared. */
  moving?: boolean;
}

/** LostKind is how something got into lost & found. */
export type LostKind = "rejected" | "conflict" | "local" | "share";

/** Visibility is who sees a project besides its owner. */
export type Visibility = "private" | "team" | "org";

/** Member is somebody in a team. */
export interface Member {
  user_id: string;
  email?: string;
  name?: string;
  admin: boolean;
  /** whoever asks */
  this: boolean;
}

/** Usage is what an engine asked of a target, as counted. */
export interface Usage {
  /** from when on it was counted */
  since?: string;
  /** requests that write or list */
  writes: number;
  /** requests that read */
  reads: number;
  /** what test restores and looks read */
  fetched_bytes: number;
  /** what this machine has there now */
  stored_bytes: number;
}

/** Unshared says how many rows left this machine when they, or a team, were no longer shared with this account. */
export interface Unshared {
  at: string;
  rows: number;
}

/** CureStep is one rung of the ladder that heals a stall by itself. */
export interface CureStep {
  text: string;
  done: boolean;
  /** when it was or will be taken */
  at?: string;
}

/** Phase names what is being done. Its text form is part of the JSON contract. */
export type Phase = "enrol" | "connecting" | "uploading" | "first_sync" | "catching_up" | "stalled" | "proof" | "moving" | "first_copy" | "copying" | "offline" | "test_restore" | "fetch" | "check" | "replace" | "flush";

/** PointKind tells what object a point comes from. */
export type PointKind = "full" | "change" | "merged";

/** Origin is where a file came from that was restored from another machine's history. */
export interface Origin {
  lineage: string;
  machine: string;
  host?: string;
  point: string;
  /** when it was restored */
  at: string;
}

/** TableBack counts rows of a table. */
export interface TableBack {
  table: string;
  /** Again are rows that were gone, Changed those that had other values. Rows that are new since stay as they are. */
  again: number;
  changed: number;
  /** Differ are those of them that are not as they were after all: a trigger of the file changed them at once, or another program. */
  differ?: number;
}

/** Reach is who sees rows, this person included. No people is that it cannot be told now. */
export interface Reach {
  people: number;
  /** those of them that are signed in; 0 where the server does not tell */
  machines?: number;
  /** their names, of those that others see */
  projects?: string[];
}

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
