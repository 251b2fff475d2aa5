// Package letters makes the links that begin or mend an account: an invitation, with which a person chooses the first
// password, and a reset, with which another. Whoever has the link has the account, so the database keeps digests, each link is
// good once, and it is shown or sent to nobody but the person it is for. Where no mailer is configured, whoever asked for it
// gets it to pass on.
package letters
