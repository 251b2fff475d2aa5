// Package powersync is the client's side of the PowerSync protocol without any input or output: no connection, clock,
// goroutine or SQL. Whoever owns the connection gives a Machine the lines of one stream and carries out the instructions
// that come back. Whoever owns the rows says at the start what it has (Bucket) and keeps what it is told to.
//
// # A stream
//
// A stream is the answer to one POST of Machine.Request. It tells which buckets there are (a checkpoint), what changed since
// (a checkpoint_diff), and the operations of the buckets that have news. What came is shown only where the stream says that
// it is complete. A checkpoint need not be completed: a diff may take its place, and the operations go on.
//
// Every bucket has a checksum, the sum of its operations' modulo 2^32. An operation that a later one makes void is still
// counted, so one sum per bucket is all the memory it takes. Buckets that do not add up are dropped and fetched anew.
//
// # Instructions
//
//	Store       keep these operations; they are not to be shown yet
//	Restart     a bucket begins anew: what it held goes at the next Apply, unless it comes again
//	Apply       the checksums hold: show what was stored, all of it or up to a priority
//	Fetch       get a new token soon; when there is one, open a new stream with it and leave this one
//	Reconnect   leave this stream and open another one with a new Machine, from what is kept by then
//	Advance     how much of the checkpoint has come
//
// They are carried out in order. After a Reconnect the machine takes no more lines.
//
// # What is decided here
//
// Op ids and write checkpoints are 64-bit numbers in strings; checksums are signed or unsigned as the server likes and are
// taken modulo 2^32. A data line says from where it goes on; that is often before what we have, and is not compared. After a
// completed checkpoint every bucket stands at its last operation, also when that is before where it stood: a server that had
// to build its storage anew counts from the beginning. A write checkpoint that is missing is no news and no reset.
//
// A server that lists no bucket for a client that holds some is taken for a mistake, for a token that lacks what the streams
// ask for gets exactly that answer: nothing is removed, and the stream is left with ReasonNothingListed. The last bucket
// goes only where Config.AllowNothing says so.
//
// A data line for a bucket that no checkpoint has listed, a line of a kind that is not known, a key that is not known, and an
// operation of a kind that is not known are passed over; the last of them with its checksum.
//
// Refused reads the answers that are no stream.
package powersync
