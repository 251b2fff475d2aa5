// Package standalone is the Engine of standalone mode, and what reads its copies back.
//
// # Writing
//
// A Keeper runs sessions: the time from opening the file to closing it. Three loops make a session. captureLoop wakes
// when the write-ahead log changes, at most once an interval, and has Litestream write what was committed as the next
// change file beside the database; it also checkpoints, and steps aside when another program's checkpoint waits for us.
// shipLoop sends change files to the Target in order and then, because something changed, merges, makes full copies and
// thins. drillLoop restores the newest point into a temporary file and compares every row with the live file at the same
// TXID: first after the first copy, then by schedule, and on demand. While nothing changes none of them wakes for more
// than a look at the clock, and no request is made. Whatever fails is shown with its cause and tried again; Run returns
// only when the file itself cannot be replicated.
//
// How a session begins without a gap is told at firstCapture, how it lets others' checkpoints through at stepAside, what
// is kept for how long at retention.
//
// # Reading
//
// A Replica lists what a Target holds, plans a moment (the newest full copy at or before it, then from any level the
// file that reaches furthest), and fetches it: newest object first, each page written once, every checksum, name, page
// and stamp checked. A damaged object is named, together with the newest point that is good.
//
// # Layout
//
//	standalone/index.json                                   the user ids, where none was given
//	standalone/{user}/lineage/{lineage}/{number}.json       which machine writes a lineage
//	standalone/{user}/{machine}/machine.json                whose machine it is
//	standalone/{user}/{machine}/ltx/{level}/{min}-{max}.ltx  level 0: changes, 1–3: merged ones, 9: full copies;
//	                                                        in an s3 bucket the level has four digits
//
// The objects are Litestream's: the stock command restores them.
//
// A user's copies are either plain or sealed with a recovery key. Then there is standalone/{user}/encryption.json, which says
// with which, and how to open them without this program; every other object of the user is NAME.age (of which see package
// crypt for the format, and sealed.go for what it hides), and the levels have one digit everywhere.
package standalone
