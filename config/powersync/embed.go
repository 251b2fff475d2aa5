package powersync

import _ "embed" // for the files

// Service is service.yaml, which expects SyncStreams beside it.
//
//go:embed service.yaml
var Service []byte

// SyncStreams is sync-streams.yaml. It equals Generate's result.
//
//go:embed sync-streams.yaml
var SyncStreams []byte
