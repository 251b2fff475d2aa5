// The one way to the agent: its local API, as JSON.
import { fetchNamed } from '../native';
import type {
  Drill, Error as AppError, Event as Happening, Finding, Invitation, Invited, InviteRequest, Login, LoginRequest, LogoutRequest, LogoutResult, LostItem, Machine,
  MemberRequest, MovePlan, MoveRequest, MoveResult, PrefsEdit, Preview, Project, Proof, PushRequest, PushResult, Reader, RecoveryKey, RestorePlan, RestoreRequest,
  RestoreResult, RetentionPlan, Settings, SettingsEdit, SetupRequest, SetupResult, ShareRequest, Status, TargetTrial, Team, Timeline, WithdrawRequest,
} from './types';

/** Failure is an error as the agent tells it: a sentence, and often a way on. */
export class Failure extends Error {
  readonly code: AppError['code'];
  readonly hint: string;
  readonly op: string;

  constructor(e: AppError) {
    super(e.message);
    this.code = e.code;
    this.hint = e.hint ?? '';
    this.op = e.op ?? '';
  }
}

/** Copies cannot be read before their recovery key is given. */
export const keyless = (e: { op?: string } | null | undefined): boolean => e?.op === 'recovery key';

/** Somebody has to sign in to Google before copies go on. */
export const googleEnded = (e: { op?: string } | null | undefined): boolean => e?.op === 'google';

export const gone: AppError = { code: 'not_running', message: 'CODITECT Sync does not answer.' };

async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const init: RequestInit = { method, cache: 'no-store' };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const asked = method === 'GET' || !signal ? fetch(path, init) : fetchNamed(path, init, signal);
  const res = await asked.catch((e: unknown) => {
    throw signal?.aborted ? new Failure({ code: 'canceled', message: 'It was canceled.' }) : new Failure({ ...gone, hint: String(e) });
  });
  if (!res.ok) throw new Failure(await reasonOf(res));
  return res;
}

// Something between the page and the agent may answer in its own way, for instance when no agent runs.
async function reasonOf(res: Response): Promise<AppError> {
  const told = (await res.json().catch(() => null)) as AppError | null;
  return told && typeof told.message === 'string' ? told : gone;
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const res = await request(method, `/api/v1/${path}`, body, signal);
  return (await res.json()) as T;
}

const q = encodeURIComponent;
export type Restore = Pick<RestoreRequest, 'at' | 'point' | 'point_at' | 'machine' | 'to' | 'rows'>;

export const api = {
  /** Waits up to 25 s for a status newer than since of that run of the agent; since 0 answers at once. */
  async status(since: number, run: string, signal: AbortSignal): Promise<{ status: Status; run: string }> {
    const res = await request('GET', `/api/v1/status?since=${since}&run=${q(run)}`, undefined, signal);
    return { status: (await res.json()) as Status, run: res.headers.get('Coditect-Sync-Run') ?? '' };
  },
  prefs: (edit: PrefsEdit) => call<Status>('PATCH', 'prefs', edit),
  setup: (req: SetupRequest) => call<SetupResult>('POST', 'setup', req),
  newKey: () => call<RecoveryKey>('POST', 'key', {}),
  keepKey: (key: string) => call<unknown>('PUT', 'key', { key }),
  tryTarget: (req: SetupRequest, signal?: AbortSignal) => call<TargetTrial>('POST', 'target/try', req, signal),
  points: (machine: string) => call<Timeline>('GET', `points?machine=${q(machine)}`),
  plan: (req: Restore, signal: AbortSignal) => call<RestorePlan>('POST', 'restore/plan', req, signal),
  preview: (req: Restore, signal: AbortSignal) => call<Preview>('POST', 'preview', req, signal),
  restore: (req: Restore, signal: AbortSignal) => call<RestoreResult>('POST', 'restore', req, signal),
  undo: (signal: AbortSignal) => call<RestoreResult>('POST', 'undo', {}, signal),
  verify: () => call<Drill>('POST', 'verify', {}),
  machines: () => call<Machine[]>('GET', 'machines'),
  doctor: () => call<Finding[]>('GET', 'doctor'),
  activity: async () => (await call<Happening[] | null>('GET', 'activity?limit=500')) ?? [],
  settings: () => call<Settings>('GET', 'settings'),
  planRetention: (wish: string) => call<RetentionPlan>('POST', 'retention/plan', { wish }),
  editSettings: (edit: SettingsEdit) => call<Settings>('PATCH', 'settings', edit),
  diagnostics: () => call<Record<string, string>>('GET', 'diagnostics'),
  login: (req: LoginRequest) => call<Login>('POST', 'login', req),
  loginState: () => call<Login>('GET', 'login'),
  cancelLogin: () => call<unknown>('DELETE', 'login'),
  logout: (req: LogoutRequest) => call<LogoutResult>('POST', 'logout', req),
  /** Comes back when everything is in the cloud, so it is given up by whoever does not want to wait for a network. */
  push: (req: PushRequest, signal: AbortSignal) => call<PushResult>('POST', 'push', req, signal),
  prove: () => call<Proof>('POST', 'prove', {}),
  rebuild: () => call<Status>('POST', 'rebuild', {}),
  planMove: (req: MoveRequest) => call<MovePlan>('POST', 'move/plan', req),
  move: (req: MoveRequest, signal: AbortSignal) => call<MoveResult>('POST', 'move', req, signal),
  lost: async () => (await call<LostItem[] | null>('GET', 'lost')) ?? [],
  reapplyLost: (id: string) => call<LostItem>('POST', `lost/${q(id)}/reapply`, {}),
  keepBoth: (id: string) => call<LostItem>('POST', `lost/${q(id)}/both`, {}),
  discardLost: (id: string) => call<unknown>('DELETE', `lost/${q(id)}`),
  renameMachine: (id: string, name: string) => call<unknown>('PATCH', `machines/${q(id)}`, { name }),
  revokeMachine: (id: string) => call<unknown>('DELETE', `machines/${q(id)}`),
  projects: () => call<Project[]>('GET', 'projects'),
  /** Who sees a project now, as the server has it. */
  readers: (project: string) => call<Reader[]>('GET', `projects/readers?project=${q(project)}`),
  share: (req: ShareRequest) => call<Project>('POST', 'projects/share', req),
  teams: () => call<Team[]>('GET', 'teams'),
  makeTeam: (name: string) => call<Team>('POST', 'teams', { name }),
  invite: (req: InviteRequest) => call<Invited>('POST', 'teams/invite', req),
  invitations: () => call<Invitation[]>('GET', 'teams/invitations'),
  withdraw: (req: WithdrawRequest) => call<unknown>('POST', 'teams/withdraw', req),
  setMember: (req: MemberRequest) => call<Team>('POST', 'teams/member', req),
  quit: () => call<unknown>('POST', 'quit', {}),
};

export function failureOf(e: unknown): Failure {
  return e instanceof Failure ? e : new Failure({ code: 'failed', message: e instanceof Error ? e.message : String(e) });
}
