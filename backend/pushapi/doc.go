// Package pushapi is the contract of POST /v1/push: what a machine sends and what it is told. The server and the agent share
// it, and a client in another language can be written from this page.
//
// # The request
//
//	{"machine_id": "…", "client_id": "…", "schema_version": 1, "after": 16, "groups": [
//	  {"group": 17, "changes": [
//	    {"table": "decisions", "op": "put",    "id": "…", "data": {"decision": "…", "confidence": 0.9}, "hlc": "…"},
//	    {"table": "sessions",  "op": "patch",  "id": "…", "data": {"title": "b"}, "old": {"title": "a"}, "hlc": "…"},
//	    {"table": "messages",  "op": "delete", "id": "…", "hlc": "…"}]}]}
//
// A group is one or more whole transactions of the client, and is applied whole or not at all. Its number belongs to the
// client id, grows, and is never used twice: a group may be sent any number of times and takes effect once. after, which may
// be left out, is the number of the last group the client has an answer for; a server that has not seen it answers retry, so
// requests that overtake each other do no harm.
//
// A group of more than MaxChanges changes or MaxBytes goes up in parts ("part": 1, "parts": 3), in any number of requests;
// it is applied at once when the last missing part has come. A client whose every part was answered staged sends all of them
// again: the server forgets parts after a week.
//
// What is sent again must be the same bytes, cut into the same parts: the server compares digests.
//
// put writes a whole row: columns that are left out keep what is there. patch writes columns of a row that is there. old
// has the values the writer saw before, so that the server can tell an edit from a conflict; hlc (see HLC) says when. Both
// may be left out. A REAL that JSON has no number for is "Infinity" or "-Infinity".
//
// # The answer
//
// A request whose envelope can be read is answered with 200 and one Result per group or part, in order. Everything in it is
// committed. Anything but 200 changed nothing: send it again later, unless it is 4xx other than 401, 408 and 429.
//
//	applied    in effect now; lost counts values that were older than what the cloud has (GET /v1/lost)
//	staged     a part that waits for the others
//	duplicate  was in effect before
//	rejected   will never be; the server keeps a copy, and current has its rows of the group, to be put back (of a part
//	           that is sent again, those of the part)
//	retry      not attempted, nor anything after it; send it again, later
//
// # Conflicts
//
// The newest value of each column wins, by hybrid logical clock; the value that lost is kept and listed. A deleted row stays
// deleted for patches and for older puts; a newer put makes it again. A message's content and hash are written once.
package pushapi
