// Package cloudtest gives tests a whole cloud: the real coditect-sync-server, built and run as a process, on a real
// PostgreSQL. A package that needs one has
//
//	func TestMain(m *testing.M) { os.Exit(cloudtest.Run(m)) }
//
// and its tests call New. The server is built when the first test asks. It listens on loopback, at an address that it keeps
// while it is stopped and started again.
//
// People sign in at its pages: Person does there what a person would, without a browser; a test that wants a browser opens
// the same addresses in one.
package cloudtest
