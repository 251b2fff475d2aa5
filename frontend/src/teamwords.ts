// The sentences of projects, people and teams, beside those of words.ts (LANGUAGE §6–7).

const people = (n: string) => `${n} ${n === '1' ? 'person' : 'people'}`;
const machines = (n: string) => `${n} ${n === '1' ? 'machine' : 'machines'}`;
const rows = (n: string) => `${n} ${n === '1' ? 'row' : 'rows'}`;

export const team = {
  people,
  title: 'Team', show: 'Show', tabs: { projects: 'Projects', people: 'People', machines: 'Machines' },
  you: (name: string) => `${name} (you)`,

  projects: {
    lead: 'Who sees a row depends on its project. Rows without a project are yours alone.',
    none: 'No project yet. Projects appear as your tools write them into the memory.', noName: 'Without a name', rest: 'Rows without a project',
    filter: 'Filter projects', nothing: 'No project is called that.', more: (n: string) => `Show ${n} more`,
    team: (name: string) => `Team ${name}`, aTeam: 'A team', everyone: (org: string) => (org ? `Everyone at ${org}` : 'Everyone in your organisation'),
    onlyYou: 'Only you', onlyOwner: (owner: string) => (owner ? `Only ${owner}` : 'Only its owner'), who: (name: string) => `, who can see ${name}`,
    members: { write: 'members can write', read: 'members can only read' }, your: { write: 'you can write', read: 'you can only read' },
    of: (owner: string) => (owner ? `of ${owner}, ` : ''), mine: (n: string) => (n === '1' ? 'on your one machine' : `${n} of your machines`),
    signIn: 'Sign in', signInWhy: 'to share a project, or to see who sees it.',
  },

  sharing: {
    title: (name: string) => `Who can see ${name}`, at: (when: string) => `Worked out at ${when} from the rules the server enforces`,
    with: 'Share with', why: 'Changing this moves no row; it takes effect within seconds.', they: 'They can', can: { write: 'can write', read: 'can only read' },
    onlyMe: 'Only me', owner: 'owner', inTeam: (name: string) => (name ? `in team ${name}` : 'in the team'), inOrg: 'in your organisation',
    theirs: (owner: string) => `${owner || 'Its owner'} says who sees this project.`,
    reach: (n: string, on: string, alone: boolean) => `${alone ? 'Only you' : people(n)}${on ? `${alone ? ', on' : ','} ${machines(on)}` : ''}. Nobody else.`,
    noMachine: 'no machine', waits: (n: string) => `${n} ${n === '1' ? 'change waits' : 'changes wait'} to go up. The server does not know of ${n === '1' ? 'it' : 'them'} yet.`,
    to: {
      private: 'Nobody else will see its rows. They leave the machines of the others at their next contact.',
      team: (n: string, name: string, all: string, write: boolean) => `${people(n)} in ${name} will see its ${rows(all)}, and can ${write ? 'change them' : 'only read them'}.`,
      org: (who: string, all: string, write: boolean) => `${who} will see its ${rows(all)}, and can ${write ? 'change them' : 'only read them'}.`,
    },
    share: (who: string) => `Share with ${who}`, stop: 'Stop sharing', letWrite: 'Let members write', letRead: 'Let members only read', keep: 'Leave it as it is', busy: 'Changing…',
    done: (name: string, who: string) => `${name}: ${who}. It takes effect for the others when this change is in the cloud.`,
    unknown: 'Who sees it now is not known.',
    notUp: 'The cloud does not have this project yet, so nobody else sees it. It goes up by itself.', later: 'It goes up by itself. Share it when it is there.',
  },

  members: {
    lead: 'Leaving a team takes its rows off a person’s machines at their next contact.', facts: (name: string, n: string) => `${name}, ${people(n)}. `,
    alone: 'You are alone here. Make a team and invite someone, or stay alone.', which: 'Team', signIn: 'Teams are shown when you are signed in.',
    admin: 'admin', looks: 'looks after the team', member: 'member', makeAdmin: 'Make admin', makeAdminThis: (name: string) => `Make admin: ${name}`,
    leave: 'Leave…', remove: 'Remove…', removeThis: (name: string) => `Remove ${name}`,
    notIn: (admins: string) => `You are not in this team.${admins ? ` ${admins} can bring you in.` : ''}`, ask: (admins: string) => `${admins} can invite others.`,
    invite: 'Invite by e-mail', inviteGo: 'Invite', inviting: 'Inviting…', address: 'name@example.org', see: (list: string) => (list ? `They will see ${list}.` : 'They will see what is shared with this team.'),
    pending: 'invited', withdraw: 'Withdraw', withdrawThis: (who: string) => `Withdraw the invitation of ${who}`,
    invitedAt: (when: string, by: string) => `Invited ${when}${by ? ` by ${by}` : ''}.`, goodUntil: (day: string) => `The link is good until ${day}.`,
    expired: 'The link has expired: invite them again, or withdraw it.',
    withdrawn: (who: string) => `The invitation of ${who} is withdrawn. Its link is good for nothing.`,
    more: (n: string) => `${n} more`, joined: (who: string) => `${who} is in the team.`, sent: (who: string) => `A letter to ${who} is under way.`,
    link: (who: string) => `Pass this link on to ${who} and nobody else: whoever opens it chooses the password.`, copy: 'Copy the link',
    noInvites: 'This server does not invite people, and nobody here has that address.', noInvitesHint: 'Whoever runs the server adds them. Then invite them again.',
    make: 'Make a team', makeName: 'Name of the new team', makeWhy: 'You look after it, and say who is in it.', makeGo: 'Make the team', making: 'Making it…', made: (name: string) => `The team ${name} is there. Nobody but you is in it.`,
    isAdmin: (name: string) => `${name} looks after the team now, too.`, left: (name: string) => `You are no longer in ${name}.`, out: (who: string, name: string) => `${who} is no longer in ${name}.`,
    leaveTitle: (name: string) => `Leave ${name}?`, leaveLead: 'What is shared with this team leaves your machines at their next contact. Only an admin of it can bring you back.', stay: 'Stay in it', leaveNow: (name: string) => `Leave ${name}`,
    outTitle: (who: string, name: string) => `Remove ${who} from ${name}?`, outLead: 'What is shared with this team leaves this person’s machines at their next contact.', keep: 'Keep them in it', outNow: (who: string) => `Remove ${who}`,
  },
};
