// Package deploy is how the server is run: Kustomize overlays for Google Kubernetes Engine and for any cluster, a compose
// file for one machine, and an image. README.md is for whoever deploys.
//
// Nothing here can be tried without a cluster, so its tests, which `go test ./...` runs, hold the rendered overlays against
// everything that is known without one: strict schemas made from the sources of Kubernetes, CloudNativePG and the Gateway
// API as the module proxy has them, the restricted Pod Security Standard, selectors that must find something, metrics that
// the server must export. The settings, the roles' SQL and the compose file are run with a real PostgreSQL and the real
// server.
package deploy
