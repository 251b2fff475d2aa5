// Who sees a project, and what a person can do about it. Pure.
// Names of projects, people and teams come from memories and from other people: they are shown with text nodes only.
import type { Member, Project, Reader, ShareRequest, Team } from './api/types';
import { cut } from './lost';
import { words } from './words';

const w = words.team;
const nameRunes = 72;

type Named = Pick<Member, 'email' | 'name'> & { user_id: string };

/** What people call somebody. */
export const calledOf = (p: Named): string => cut(p.name || p.email || p.user_id, nameRunes);
/** A letter or two for somebody. */
export function initialsOf(p: Named): string {
  const parts = calledOf(p).replace(/@.*/, '').split(/[\s._-]+/).flatMap((part) => part.match(/[\p{L}\p{N}]/u) ?? []);
  return `${parts[0] ?? '?'}${parts.length > 1 ? parts.at(-1) : ''}`.toUpperCase();
}

/** Who is in a team: Go's empty list may come as null. */
export const membersOf = (t: Team | undefined): readonly Member[] => t?.members ?? [];
export const led = (t: Team): boolean => membersOf(t).some((m) => m.this && m.admin);
export const mine = (t: Team): boolean => membersOf(t).some((m) => m.this);

export const titleOf = (p: Project): string => cut(p.name || w.projects.noName, nameRunes);

/** Who sees it, in two or three words. */
export function audienceOf(p: Project, org: string): string {
  if (p.visibility === 'org') return w.projects.everyone(org);
  if (p.visibility === 'team') return p.team ? w.projects.team(cut(p.team, nameRunes)) : w.projects.aTeam;
  return p.mine ? w.projects.onlyYou : w.projects.onlyOwner(cut(p.owner ?? '', nameRunes));
}

/** What those with whom it is shared may do; where it is somebody else's, what this person may. */
export function mayOf(p: Project, machines: string): string {
  if (!p.mine) return w.projects.of(cut(p.owner ?? '', nameRunes)) + (p.can_write === undefined ? '' : w.projects.your[p.can_write ? 'write' : 'read']);
  if (p.visibility === 'private') return machines ? w.projects.mine(machines) : '';
  return p.members_can_write === undefined ? '' : w.projects.members[p.members_can_write ? 'write' : 'read'];
}

/** What can be chosen to share a project with: a key, and its name. */
export function choicesOf(p: Project, teams: readonly Team[], org: string): [string, string][] {
  const own = teams.filter(mine).map((t): [string, string] => [`team:${t.id}`, w.projects.team(cut(t.name, nameRunes))]);
  const list: [string, string][] = [['private', w.sharing.onlyMe], ...own, ['org', w.projects.everyone(org)]];
  // A team that one has left, or that is not known now, is still with whom it is shared.
  return list.some(([key]) => key === keyOf(p)) ? list : [[keyOf(p), audienceOf(p, org)], ...list];
}

export const keyOf = (p: Project): string => (p.visibility === 'team' ? `team:${p.team_id ?? ''}` : p.visibility);
export const writeOf = (p: Project): boolean => p.members_can_write ?? true;

export function requestOf(p: Project, key: string, write: boolean): ShareRequest {
  const readOnly = write ? {} : { read_only: true };
  if (key === 'private') return { project: p.id, visibility: 'private' };
  return key === 'org' ? { project: p.id, visibility: 'org', ...readOnly } : { project: p.id, visibility: 'team', team: key.slice(5), ...readOnly };
}

/** The verb of a choice, which names what it does. */
export function verbOf(p: Project, key: string, write: boolean, name: string): string {
  if (key === 'private') return w.sharing.stop;
  if (key === keyOf(p)) return write ? w.sharing.letWrite : w.sharing.letRead;
  return w.sharing.share(name.charAt(0).toLowerCase() + name.slice(1));
}

/** Everybody who sees it, in one sentence. Machines are counted where the server tells them. */
export function reachOf(readers: readonly Reader[], count: (n: number) => string): string {
  const told = readers.every((r) => r.machines);
  const on = told ? count(readers.reduce((sum, r) => sum + r.machines!.length, 0)) : '';
  return w.sharing.reach(count(readers.length), on, readers.length === 1 && readers[0]!.this);
}

/** What is shared with a team, as a list in words: "a, b and 3 more". */
export function listOf(names: readonly string[], count: (n: number) => string): string {
  const list = names.length > 3 ? [...names.slice(0, 2), w.members.more(count(names.length - 2))] : names;
  return list.length > 1 ? `${list.slice(0, -1).join(', ')} and ${list.at(-1)}` : (list[0] ?? '');
}
