"""A Kubernetes API server on loopback, as strict as the real one about what it is given.

It knows the resources of `deploy/kubernetes/`, checks each against the API's schema (`kubernetes-validate`, strict),
and lets a caller do no more than the rules of a Role allow. Nothing runs: what is made is kept, to be looked at.
"""

import json
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the package that holds the schemas
    import kubernetes_validate

KINDS = {
    "": {"namespaces": "Namespace", "pods": "Pod", "services": "Service",
         "serviceaccounts": "ServiceAccount", "events": "Event", "persistentvolumeclaims": "PersistentVolumeClaim"},
    "apps": {"deployments": "Deployment"},
    "batch": {"jobs": "Job"},
    "rbac.authorization.k8s.io": {"roles": "Role", "rolebindings": "RoleBinding"},
}  # fmt: skip
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass
class Cluster:
    """What was made and asked.

    Attributes:
        rules: of a Role, for its holder; None: everything is allowed.
        made: resources by plural name, in the order they came.
        unknown: fields that the API does not know and drops with a warning, each as its path.
        refused: what was wrong with a resource, or not allowed.
        asked: verbs and resources.
    """

    rules: list[dict[str, Any]] | None = None
    made: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def allows(self, verb: str, group: str, resource: str) -> bool:
        """Whether a rule names all three."""
        return self.rules is None or any(
            group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
            for rule in self.rules
        )

    def make(self, plural: str, resource: dict[str, Any]) -> str | None:
        """Keeps a resource; what is wrong with it, otherwise."""
        if resource["kind"] == "Job":
            # Prefect demands these two where the API does not know them, and drops them.
            pod = resource["spec"]["template"]["spec"]
            for name in sorted({"parallelism", "completions"} & pod.keys()):
                del pod[name]
                self.unknown.add(f"spec.template.spec.{name}")
        try:
            kubernetes_validate.validate(_asked_for(resource), kubernetes_validate.latest_version(), strict=True)
        except kubernetes_validate.ValidationError as error:
            self.refused.append(f"{resource['kind']}: {error.message}")
            return self.refused[-1]
        several = self.made.setdefault(plural, [])
        metadata = resource["metadata"]
        metadata.setdefault("name", f"{metadata.get('generateName', '')}{len(several)}")
        metadata.setdefault("namespace", "default")
        metadata["uid"] = f"00000000-0000-4000-8000-{len(several):012}"
        several.append(resource)
        return None

    def kubeconfig(self, folder: Path) -> Path:
        """A file that leads clients here."""
        made = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.url}}],
            "users": [{"name": "us", "user": {"token": "any"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "us", "namespace": "default"}}],
        }  # fmt: skip
        path = folder / "kubeconfig"
        path.write_text(json.dumps(made))
        return path


def _asked_for(resource: dict[str, Any]) -> dict[str, Any]:
    """As its author wrote it: without what a server adds."""
    return {name: value for name, value in resource.items() if name != "status"}


@contextmanager
def kubernetes_api(rules: list[dict[str, Any]] | None = None) -> Iterator[Cluster]:
    """A server until the block ends."""
    cluster = Cluster(rules)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Api", (_Api,), {"cluster": cluster}))
    server.daemon_threads = True
    cluster.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield cluster
    finally:
        cluster.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Api(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at the cluster."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        parts = address.path.strip("/").split("/")
        if (found := _discovered(parts)) is not None:
            self._answer(200 if found else 404, found)
            return
        query = parse_qs(address.query)
        group, plural, name, sub = _target(parts)
        verb = "watch" if query.get("watch") in (["true"], ["1"]) else "get" if name else "list"
        if not self._allowed(verb, group, f"{plural}/{sub}" if sub else plural):
            return
        several = self.cluster.made.get(plural, [])
        if verb == "watch":
            self._watched()
        elif verb == "list":
            kind = KINDS[group][plural]
            self._answer(200, {"kind": f"{kind}List", "apiVersion": _version(group), "metadata":
                               {"resourceVersion": "1"}, "items": several})  # fmt: skip
        elif found := next((each for each in several if each["metadata"]["name"] == name), None):
            self._answer(200, found)
        else:
            self._status(404, "NotFound", f'{plural} "{name}" not found')

    def do_POST(self) -> None:
        resource = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        group, plural, _, _ = _target(urlsplit(self.path).path.strip("/").split("/"))
        if self._allowed("create", group, plural):
            wrong = self.cluster.make(plural, resource)
            if wrong is None:
                self._answer(201, resource)
            else:
                self._status(422, "Invalid", wrong)

    def _allowed(self, verb: str, group: str, resource: str) -> bool:
        self.cluster.asked.add((verb, resource))
        if self.cluster.allows(verb, group, resource):
            return True
        self.cluster.refused.append(f"{verb} {resource} is not allowed")
        self._status(403, "Forbidden", self.cluster.refused[-1])
        return False

    def _watched(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.cluster.ended.wait()

    def _status(self, code: int, reason: str, message: str) -> None:
        self._answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                            "reason": reason, "message": message})  # fmt: skip

    def _answer(self, code: int, body: Mapping[str, Any]) -> None:
        said = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def _version(group: str) -> str:
    return f"{group}/v1" if group else "v1"


def _target(parts: list[str]) -> tuple[str, str, str, str]:
    """Group, plural, name and sub-resource of a path, empty where there is none."""
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    plural, name, sub = (*rest, "", "")[:3]
    return group, plural, name, sub


def _discovered(parts: list[str]) -> dict[str, Any] | None:
    """What the server says of itself, empty where that is nothing; None for a path of resources."""
    fixed = {
        "version": {"major": "1", "minor": "37", "gitVersion": "v1.37.0"},
        "api": {"kind": "APIVersions", "versions": ["v1"]},
        "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(each) for each in KINDS if each]},
        "api/v1": _resources(""),
        **{f"apis/{each}": {"kind": "APIGroup", "apiVersion": "v1", **_group(each)} for each in KINDS if each},
        **{f"apis/{each}/v1": _resources(each) for each in KINDS if each},
    }
    return fixed.get("/".join(parts), None if parts[0] in {"api", "apis"} else {})


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resources(group: str) -> dict[str, Any]:
    known = [
        {
            "name": plural,
            "singularName": kind.lower(),
            "kind": kind,
            "namespaced": kind != "Namespace",
            "verbs": _VERBS,
        }
        for plural, kind in KINDS[group].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _version(group), "resources": known}
