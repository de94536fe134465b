#!/bin/sh
# The work pool, the deployments and the automation, at the Prefect server of PREFECT_API_URL. It may run twice.
#   deploy/set-up-prefect.sh               runs are processes of `octavo worker`
#   deploy/set-up-prefect.sh kubernetes    runs are Jobs, of a worker as in deploy/kubernetes/worker.yaml
set -eu
cd "$(dirname "$0")"
type=${1:-process}
template=
if [ "$type" = kubernetes ]; then
    template="--base-job-template kubernetes/work-pool/base-job-template.json"
fi
# shellcheck disable=SC2086 # two words or none
prefect --no-prompt work-pool create octavo --type "$type" $template --overwrite
# Prefect keeps the type of a pool that there is, whatever is asked for.
prefect --no-prompt work-pool inspect octavo --output json | grep -q "\"type\": \"$type\"" || {
    echo "the work pool octavo is of another type than $type: prefect work-pool delete octavo, then this again" >&2
    exit 1
}
prefect --no-prompt deploy --all --prefect-file prefect.yaml
# Automations have no --overwrite: one of the same name would be a second one.
prefect --no-prompt automation delete octavo-zombies || true
prefect --no-prompt automation create --from-file automations.yaml
