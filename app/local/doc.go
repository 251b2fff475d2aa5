// Package local is the local API, both ends: a Server that turns an app.Service into HTTP with JSON bodies on a unix
// socket (a named pipe on Windows), and a Client that turns it back, so that a face cannot tell whether it talks to
// the agent of its own process or of another.
//
// # Who gets in
//
// The directory of the socket belongs to the user and nobody else may enter it, the socket is for the user alone, and
// the kernel is asked on every connection who the peer is, on both ends: the server answers 403 to anybody else, the
// client hangs up on a server of somebody else. There is never a TCP listener. A request that a web page could have
// caused (Origin, Referer, Sec-Fetch-Site, or a Host that is not ours) is refused before anything looks at it.
//
// # Who is first
//
// One agent a home: Lock takes a lock that the system frees when its owner dies, however it dies. Listen is called by
// the owner of the lock only, which is why it may remove a socket that nobody answers on.
//
// # The routes
//
//	GET   /v1/status?since=REV&run=RUN   PATCH /v1/prefs          POST /v1/setup          POST /v1/quit
//	GET   /v1/points?machine=ID          POST  /v1/restore/plan   POST /v1/restore        POST /v1/undo
//	POST  /v1/verify                     GET   /v1/machines       GET  /v1/doctor
//
// Requests and replies are the JSON forms of the types of package app; a failure is an app.Error with the HTTP status
// of its code. Every reply carries the agent's version (VersionHeader) and its run (RunHeader): revisions count within
// one run, so a watcher that names another run is answered at once.
//
// # The window's socket
//
// The window listens beside the agent, for ShowWindow alone: one home has one window, and whoever opens it again raises
// it and says which view to show.
package local
