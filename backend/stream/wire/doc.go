// Package wire is the protocol between the stream and a client, without any input or output: the request, the lines of
// the answer as bytes, and Session, which knows what a client has been told and has to be told next. It was written from
// the recorded traffic of a PowerSync Service.
//
// # What a client is told
//
// A checkpoint lists every bucket the client may see with the sum of its operations' checksums; a checkpoint_diff what
// changed since. Then come the operations of the buckets that have news, the most urgent priority first. After each
// priority but the last there is a partial_checkpoint_complete, after the last a checkpoint_complete, and only there a
// client shows what it got. A checkpoint need not be completed: a diff may take its place, and the data goes on.
package wire
