// The sentences of cloud mode, beside those of words.ts (LANGUAGE §6–7).

const rows = (n: string) => `${n} ${n === '1' ? 'row' : 'rows'}`;
const changes = (n: string) => `${n} ${n === '1' ? 'change' : 'changes'}`;
const are = (n: string) => `${changes(n)} ${n === '1' ? 'is' : 'are'}`;
const goUp = (n: string) => (n === '' ? 'Changes go up by themselves' : n === '1' ? '1 change goes up by itself' : `${n} changes go up by themselves`);

export const cloud = {
  changes,
  theCloud: 'the cloud',

  seal: {
    inSync: 'In sync', first: 'First sync', catchingUp: 'Catching up', proving: 'Proving', syncing: 'Syncing', connecting: 'Connecting',
    differs: 'Not the same', mending: 'being put right', unproved: 'not proved yet',
    waits: (n: string) => `${changes(n)} wait${n === '1' ? 's' : ''}`,
  },

  hero: {
    same: (n: string) => `This machine and the cloud ${n === '0' ? 'are both empty' : `hold the same ${rows(n)}`}`,
    nothing: 'Nothing is waiting. Nothing to do.',
    since: 'Everything that was changed since has been confirmed too. Nothing to do.',
    proof: (when: string, tables: string) => `Proved ${when}, row by row in ${tables === '1' ? 'its one table' : `all ${tables} tables`}.`,
    lastProof: (when: string, n: string) => `Last proved ${when}: this machine and the cloud ${n === '0' ? 'were both empty' : `held the same ${rows(n)}`}.`,
    nextProof: 'The next proof runs when everything is here.',
    first: {
      enrol: 'Recording the rows that are here', upload: (left: string) => (left ? `First copy: about ${left} left` : 'First copy under way'),
      sync: (left: string) => (left ? `First sync: about ${left} left` : 'First sync under way'),
      uploadLead: 'Not everything is in the cloud yet, so nothing counts as protected. You can keep working.',
      syncLead: 'The rows of your account are coming to this machine. You can keep working.',
      proving: 'Every row is being compared with the cloud', provingLead: 'Nothing counts as protected before that.',
      connecting: (server: string) => `Connecting to ${server}`, connectingLead: 'Changes are recorded here and go up as soon as it answers.',
    },
    catchingUp: (left: string) => (left ? `Catching up, about ${left} left` : 'Catching up'),
    catchingUpLead: (when: string) => (when ? `This machine last had everything ${when}. What changed since then is coming in. You can keep working.` : 'What changed meanwhile is coming in. You can keep working.'),
    uploading: (left: string) => (left ? `Syncing, about ${left} left` : 'Syncing'),
    uploadingLead: (n: string, since: string) => (since ? `${changes(n)} since ${since} ${n === '1' ? 'is' : 'are'} on the way. You can keep working.` : 'Changes are on their way. You can keep working.'),
    proving: 'Every row is being compared with the cloud', provingLead: 'You can keep working.',
    offline: (n: string) => `Your work is recorded on this machine. ${goUp(n)} as soon as the network is back. Nothing to do.`,
    stalled: (n: string, since: string) => `Stalled: ${n ? changes(n) : 'changes'} not confirmed since ${since}`,
    stalledPlain: 'Stalled: the cloud does not confirm anything',
    stalledLead: 'They are safe on this machine. We are working through the steps below; you don’t have to do anything yet.',
    due: 'A proof is due', dueLead: (when: string) => `The last proof is from ${when}. Syncing goes on, but it has not been proved lately.`,
    differs: 'This machine and the cloud do not hold the same rows',
    paused: (n: string) => `${are(n)} recorded here`,
    signedOut: (n: string, since: string) => (n
      ? `Your sign-in ended. ${changes(n)}${since ? ` since ${since}` : ''} ${n === '1' ? 'is recorded here and goes' : 'are recorded here and go'} up after you sign in.`
      : 'Changes are recorded here and go up after you sign in.'),
    attention: (n: string, since: string) => (n ? `Since ${since}, ${are(n)} only on this machine. Everything before that is in the cloud.` : 'What was confirmed before is in the cloud.'),
    damagedLead: 'Syncing has stopped so that the good copy stays good. What was confirmed is in the cloud.',
    stopped: 'Syncing has stopped',
    off: (rows: string) => `Sync is off. If this disk fails, ${rows} are lost.`,
  },

  acts: {
    tryNow: 'Try now', rebuild: 'Download everything again', syncOn: 'Turn sync on again', move: 'Move to the cloud…', lost: 'Show lost & found',
  },

  note: {
    waits: 'We keep recording. As soon as the cause is gone, everything that waits goes up and every row is compared.',
    differ: 'Which tables', cure: 'What happens', differing: (table: string, here: string, there: string) => `${table}: ${rows(here)} here, ${there} in the cloud`,
    lost: (n: string) => (n ? `At most ${changes(n)} that ${n === '1' ? 'was' : 'were'} not confirmed yet. The damaged file is kept aside, so ${n === '1' ? 'it' : 'they'} can still be looked for.` : 'Nothing that was confirmed.'),
    now: 'now', at: (when: string) => `at ${when}`,
  },

  meter: {
    received: (done: string, total: string) => `${done} of ${total} rows received`, sent: (done: string, total: string) => `${done} of ${total} rows sent`,
    recorded: (done: string, total: string) => `${done} of ${total} rows recorded`, compared: (done: string, total: string) => `${done} of ${total} tables compared`,
    plain: (done: string, total: string) => `${done} of ${total} rows`,
    rate: (n: string) => `${rows(n)} a second`, left: (left: string) => `about ${left} left`,
  },

  figures: {
    waiting: (n: string) => changes(n), waitingNone: 'Every change made here has been confirmed by the cloud.', signedOut: 'Nobody looks for changes while signed out.',
    sync: 'Last sync', syncWhy: (when: string, pushed: string) => `At ${when} this machine had everything that the cloud had for it.${pushed ? ` What was written here last was confirmed ${pushed}.` : ''}`,
    syncNone: 'This machine has not had everything yet.',
    account: 'Account', accountWhy: (user: string, server: string) => `${user} at ${server}`,
    next: 'We listen for the network instead of asking again and again.',
    rowsNone: 'Rows are counted by each proof; none has run yet.', rowsWhy: (when: string, list: string) => `Counted by the proof of ${when}: ${list}.`,
    lost: 'Lost & found', lostNone: 'Empty', lostWhyNone: 'No conflicts and nothing refused.', look: (n: string) => `${n} to look at`,
    lostWhy: 'Both versions are kept until you decide. They hold nothing up.',
  },

  machines: {
    title: 'Machines', lead: 'Your machines. One you no longer have should not keep your memory.', this: 'this machine',
    same: (n: string) => `the same ${rows(n)}`, proved: (when: string) => `proved ${when}`, online: 'online', seen: (when: string) => `last seen ${when}`, never: 'never seen',
    has: (n: string) => `has ${rows(n)}`, version: (v: string) => `version ${v}`, revoked: 'revoked', revokedWhy: 'It gets nothing new.',
    rename: 'Rename', renameThis: (name: string) => `Rename ${name}`, revokeThis: (name: string) => `Revoke ${name}`, revoke: 'Revoke…',
    name: 'Name of this machine', save: 'Save', cancel: 'Cancel', only: 'Only this one.',
    revokeTitle: (name: string) => `Revoke ${name}?`,
    revokeLead: 'It is signed out at once and gets nothing new. The rows it already has stay on its disk. What it has recorded and not sent yet stays there too.',
    revokeSelf: 'This is the machine you are at. It is signed out at once and gets nothing new. The rows that are here stay here.',
    keep: 'Keep it', revokeNow: (name: string) => `Revoke ${name}`, signedOut: 'Machines are shown when you are signed in.', done: (name: string) => `${name} is revoked.`,
  },

  lost: {
    view: 'Lost & found', title: (n: string) => `Lost & found: ${n} to look at`, emptyTitle: 'Lost & found is empty',
    lead: (n: string) => `Nothing is ever dropped silently. ${n === '1' ? 'This holds' : 'These hold'} nothing up; decide when you like.`,
    empty: 'When two people change the same row, or the server does not accept a change, both versions are kept here until you decide.',
    activity: 'Show what happened', badge: (n: string) => `${n} to look at`,
    named: (table: string, name: string) => `${table} “${name}”`,
    kinds: { rejected: 'not accepted', conflict: 'changed in two places', local: 'found on this machine only', share: 'no longer shared with you' },
    why: 'Why', kept: 'What is kept', keptMine: 'Your version is kept here; the cloud shows what it showed before.',
    differ: (n: string, all: string) => `${n} of ${all} fields differ`, caption: 'Field by field', field: 'Field', yours: 'Yours', theirs: 'Theirs', there: 'In the cloud', inUse: 'in use now',
    by: (who: string, machine: string) => [who || (machine && 'You'), machine].filter(Boolean).join(' on '),
    none: 'no such row', deleted: 'deleted', nothing: 'empty', same: (n: string) => `${n} ${n === '1' ? 'field is' : 'fields are'} the same.`, show: 'Show', hide: 'Hide',
    more: 'Show whole values', useMine: 'Use mine', both: 'Keep both', keptUntil: 'Yours is kept until you decide.', on: (machine: string, when: string) => `You on ${machine}${when ? `, ${when}` : ''}`,
    // Where this machine's version is in use, the other one is what was lost.
    turned: { useMine: 'Use theirs', keepTheirs: 'Keep mine…', keptUntil: 'Theirs is kept until you decide.', discardTitle: 'Discard their version?', discardNow: 'Discard their version' },
    again: 'Try again', bringBack: 'Bring it back', save: 'Save as file…', discard: 'Discard…', keepTheirs: 'Keep theirs…',
    file: (id: string) => `coditect-sync-lost-${id}.txt`,
    discardTitle: 'Discard your version?', discardLead: 'It is removed from this machine for good, and nothing brings it back.', keep: 'Keep it', discardNow: 'Discard my version',
    bothKept: 'Both versions are kept: the other one is a row of its own now.', applied: 'It was written as an ordinary change and goes up now.', discarded: 'It is discarded.', saved: (path: string) => `Saved as ${path}`,
    list: 'What is here',
  },

  move: {
    step: (n: number) => `Step ${n} of 3`,
    title: { cloud: 'Move this memory to the cloud', standalone: 'Return to own storage' },
    lead: {
      cloud: 'Your own storage keeps protecting you until the cloud is proved to hold every row. You can stop at any point, and you can come back.',
      standalone: 'The cloud keeps protecting you until your own storage is proved to hold every row. You can stop at any point, and you can come back.',
    },
    inAll: (left: string) => `about ${left}; you can keep working`,
    changes: 'Changes', stays: 'Stays', seen: 'Seen by', good: 'Good to know',
    facts: {
      cloud: ['All your machines can write. A second machine no longer needs a take-over.', 'Your storage and its history, untouched, until you delete it.', 'Only you, until you share a project.'],
      standalone: ['Only this machine writes. Rows that came from the cloud come along.', 'Your account and what is in the cloud, untouched.', 'Only who holds the key of your storage.'],
    },
    notNow: 'Not now', start: 'Start', goOn: 'Go on',
    proving: 'Proving that both sides are equal',
    doing: {
      upload: 'Sending every row to the cloud', switch: 'Switching over', stream: 'Getting what your other machines have', check: 'Testing the storage',
      copy: 'Copying to your own storage',
    },
    movingLead: { cloud: 'Your own storage still protects you.', standalone: 'The cloud still protects you.' },
    provingLead: { cloud: 'Every row is compared. Your own storage still protects you.', standalone: 'Every row is compared. The cloud still protects you.' },
    stop: { cloud: 'Stop and stay with own storage', standalone: 'Stop and stay with the cloud' }, stopping: 'Stopping…',
    stopPlain: 'Stop here', stoppedPlain: 'It was switched over already, and not everything is proved yet. What was done stays done; going on starts where it stopped.',
    switchedLead: { cloud: 'Sync is on. What your other machines have is coming, and every row is compared.', standalone: 'This machine writes to your own storage. A test restore proves it.' },
    elsewhere: 'It was started elsewhere and can be stopped there.',
    stopped: { cloud: 'Stopped. Your own storage goes on protecting you.', standalone: 'Stopped. The cloud goes on protecting you.' },
    failed: 'It did not go on', failedLead: { cloud: 'Your own storage goes on protecting you. What was done stays done; going on starts where it stopped.', standalone: 'The cloud goes on protecting you. What was done stays done; going on starts where it stopped.' },
    columns: ['Table', 'This machine', 'Cloud', 'Result'],
    results: { equal: 'equal', comparing: 'comparing', differs: 'differs', moving: 'still changing' },
    equal: (done: string, all: string) => `${done} of ${all} tables equal`,
    done: { standalone: 'This memory is kept in your own storage again' },
    doneLead: (when: string, n: string) => `Proved ${when} in ${n === '1' ? 'its one table' : `all ${n} tables`}. Sync is on.`,
    doneBack: 'This machine writes to your own storage. The test restore says when it is proved.',
    differs: 'The two sides are not equal', differsLead: 'Nothing was switched over.',
    back: 'Way back', return: 'Return to own storage…', backWhy: 'works at any time. Copying goes on where it stopped; rows that came from the cloud come along.',
    again: 'Move to the cloud…', againWhy: 'works at any time. Sending goes on where it stopped.',
    storage: 'Your storage', storageWhy: (where: string) => `${where} stays as it is. Its history stays in Restore.`, ok: 'Done',
    noAccount: 'Sign in first: the cloud must know whose rows they are.', signIn: 'Sign in',
  },

  signIn: {
    title: 'Finish in your browser', lead: (server: string) => [`A page at `, server, ` is open. This window goes on by itself as soon as you are done there.`] as const,
    asking: 'Looking for the server', whichTitle: 'Where is your account?', whichLead: 'Your organisation has the address. Rows go nowhere else.',
    address: 'Address of the server', example: 'For instance https://sync.example.org', go: 'Sign in',
    found: 'Server found', waiting: 'Waiting for you in the browser', valid: (left: string) => `The page stays valid for ${left}`,
    key: 'This machine gets its own key, kept in the system keychain', again: 'Open the page again', copy: 'Copy the address', copied: 'Copied',
    noBrowser: 'No browser on this machine?', useCode: 'Use a code instead', useBrowser: 'Use the browser of this machine', codeTitle: 'Finish on any machine with a browser',
    codeLead: (url: string) => ['Open ', url, ' there and type this code. This window goes on by itself as soon as you are done.'] as const,
    code: 'Code', copyCode: 'Copy the code', waitingCode: 'Waiting for you to type the code', validCode: (left: string) => `It stays valid for ${left}`,
    failed: 'Not signed in', failedLead: 'Nothing has changed.', retry: 'Try again', other: 'Another server…', own: 'Back up to my own storage', back: 'Back',
  },

  first: {
    signInWhy: 'The same memory on every machine you use, and what your team shares. Works offline.',
    closing: 'You can close this window and keep working. If it is interrupted, it goes on where it stopped.',
    signedIn: 'Signed in', at: (user: string, server: string) => `${user} at ${server}`, enrol: 'Record the rows that are here', enrolWhy: 'nothing of yours is changed',
    upload: (server: string) => `Send them to ${server}`, uploadWhy: 'new changes are picked up at the same time', come: 'Fetch the rows of your account',
    prove: 'Compare every row with the cloud', only: 'only this makes it green', notYet: 'Nothing is proved yet. That is why nothing is green.',
    doneLead: 'Proved just now, table by table. From here on every change goes up within seconds, and comes down to your other machines.',
    doneLeadAt: (when: string) => `Proved ${when}, table by table. From here on every change goes up within seconds, and comes down to your other machines.`,
    share: 'Nobody else sees your rows until you share a project.', trouble: 'It does not go on', waits: 'Waiting for the network',
  },

  settings: {
    account: 'Account', who: 'Signed in as', server: 'Server', notSignedIn: 'Not signed in.', noServer: 'No server is known yet.', signIn: 'Sign in…', signOut: 'Sign out…', change: 'Change…',
    pending: (n: string) => `${are(n)} on this machine only.`, allThere: 'Everything of this machine is in the cloud.',
    machines: 'Machines', machinesWhy: (n: string) => `${n} ${n === '1' ? 'machine is' : 'machines are'} signed in.`, machinesUnknown: 'Which machines are signed in.', show: 'Show', showThis: (what: string) => `Show: ${what}`,
    needsWhy: 'A sign-in ended, rows differ, the file is damaged.',
    lost: (n: string) => (n === '0' ? 'Empty.' : `${n} to look at. They hold nothing up.`),
    proof: 'Proof', proofNext: (when: string) => `Every row is compared with the cloud once a day. Next ${when}.`, proofWhy: 'Every row is compared with the cloud once a day.',
    rebuild: 'Everything again', rebuildWhy: 'Fetches every row of the account anew. What waits to go up is kept.', rebuildNow: 'Download…',
    rebuildTitle: 'Download everything again?', rebuildLead: 'Every row of the account is fetched anew and put in place of what is here. What waits to go up is kept, and what was only here is put into lost & found.', rebuildKeep: 'Leave it as it is', rebuildGo: 'Download everything again',
    outTitle: 'Sign out?', outLead: 'This machine gets nothing new until you sign in again. Changes are still recorded here.',
    outPending: (n: string) => `${are(n)} on this machine only and ${n === '1' ? 'has' : 'have'} not gone up.`,
    wipe: 'Also remove the account’s rows from this machine', stay: 'Stay signed in', out: 'Sign out', outForce: 'Sign out all the same', outWipe: 'Sign out and remove the rows',
  },

  restore: {
    lead: 'In the cloud you bring back rows, as ordinary changes. To replace the whole file,', off: 'turn sync off first',
    plain: 'In the cloud there are no moments to go back to yet. To fetch every row anew, use “Everything again” in', settings: 'Settings',
    from: (where: string, when: string) => `From ${where}, up to the move at ${when}`,
    pick: (table: string) => `Bring back rows of ${table}`, none: 'Choose the tables to bring rows back of.', rest: 'Rows that are new since then stay.',
    counting: 'Counting what comes back…', same: 'Those rows are as they were.',
    effect: (again: string, changed: string) => `Brings back ${again} and changes ${changed} back.`,
    reach: (people: string, machines: string, projects: string) => `Reaches ${people} people${machines === '0' ? '' : ` on ${machines} machines`}: everyone who sees ${projects}.`,
    reachUnknown: 'Whom it reaches cannot be told now, because the cloud does not answer: everyone who sees the projects of these rows.',
    button: (rows: string) => `Bring back ${rows}`,
    running: (moment: string) => `Bringing rows of ${moment} back`, runningLead: 'They are ordinary changes. If it is stopped, those that are back stay.', stop: 'Stop here',
    title: (rows: string, moment: string) => `${rows} of ${moment} are back`,
    done: 'Programs see them at once, and they go to the cloud like any other change.', doneHere: 'Programs see them at once.',
    table: (table: string, again: string, changed: string) => `${table}: ${again} again, ${changed} as they were`,
    differ: (n: string) => `${n} of them not as then: a trigger of the file or another program changed that at once`,
  },
};
