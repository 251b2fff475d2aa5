// Package meta holds tests about the tree itself: who may import whom, and manners that no linter has. They are
// ordinary tests, so `go test ./...` runs them.
package meta
