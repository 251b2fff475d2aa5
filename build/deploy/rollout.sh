#!/usr/bin/env bash
# Brings a cluster to what an overlay says, migrations first:
#
#   rollout.sh OVERLAY [KUBECTL-OPTION…]      rollout.sh build/deploy/gke --context production
#
# Everything but what serves is applied, then the migrations run to their end, then the rest is. When they fail, nothing
# that serves has been touched.
set -euo pipefail
overlay=$1
shift
namespace=coditect-sync job=coditect-sync-migrate

kube() { kubectl "$@" "${options[@]}"; }
options=("$@")

all=$(mktemp)
trap 'rm -f "$all"' EXIT
kubectl kustomize "$overlay" >"$all"

# A Job cannot be changed: the last one goes, and this one is made with the rest.
kube -n "$namespace" delete job "$job" --ignore-not-found --wait
kube apply --server-side -f "$all" --selector 'app.kubernetes.io/name notin (coditect-sync-server,powersync-api,powersync-replication,powersync-compact)'
kube -n "$namespace" wait job "$job" --for=condition=complete --timeout=3600s
kube apply --server-side -f "$all"
for deployment in $(kube -n "$namespace" get deployment -l app.kubernetes.io/part-of=coditect-sync -o name); do
  kube -n "$namespace" rollout status "$deployment" --timeout=1800s
done
