"""A stand-in for a Kubernetes cluster: its API on 127.0.0.1, and each pod a process with an empty folder of its own."""

import base64
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any

import yaml
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from helpers.project import ROOT

PYTHON = ROOT / ".venv-cloud/bin/python"
"""The Python that `make test` sets up with the plugins of Snakemake for Kubernetes and for storages."""

Answer = dict[str, Any]


class Quiet(WSGIRequestHandler):
    """A handler that keeps requests out of the log."""

    def log(self, *_: object) -> None:
        pass


class Kubernetes:
    """A cluster that runs inside `with`. At the end what still runs is stopped.

    Args:
        folder: an empty folder, for the pods and the configuration.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, Answer] = {}
        self.pods: dict[str, subprocess.Popen[bytes]] = {}
        # In a pod, the executor installs the plugin of the storage; an image has it already.
        self.programs = folder / "bin"
        self.programs.mkdir(parents=True)
        (self.programs / "pip").write_text("#!/bin/sh\n")
        (self.programs / "pip").chmod(0o755)

    def __enter__(self) -> "Kubernetes":
        self.server = make_server("127.0.0.1", 0, self._api(), threaded=True, request_handler=Quiet)
        Thread(target=self.server.serve_forever, daemon=True).start()
        name, address = "stand-in", f"http://127.0.0.1:{self.server.server_port}"
        (self.folder / "config").write_text(
            yaml.safe_dump(
                {
                    "current-context": name,
                    "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                    "clusters": [{"name": name, "cluster": {"server": address}}],
                    "users": [{"name": name, "user": {}}],
                }
            )
        )
        return self

    def __exit__(self, *_: object) -> None:
        for pod in self.pods.values():
            pod.kill()
            pod.wait()
        self.server.shutdown()
        self.server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """The environment by which programs find the cluster."""
        return {"KUBECONFIG": str(self.folder / "config"), "NO_PROXY": "127.0.0.1"}

    def logs(self) -> str:
        """Return what all pods have printed."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _api(self) -> Flask:
        api = Flask(__name__)
        core, batch = "/api/v1/namespaces/default", "/apis/batch/v1/namespaces/default"

        @api.post(f"{core}/secrets")
        def make_secret() -> Answer:
            secret = request.get_json()
            values = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
            self.secrets[secret["metadata"]["name"]] = values
            return secret

        @api.delete(f"{core}/secrets/<name>")
        def delete_secret(name: str) -> Answer:
            del self.secrets[name]
            return {}

        @api.post(f"{batch}/jobs")
        def make_job() -> Answer:
            job = request.get_json()
            self._start(job)
            return job

        @api.get(f"{batch}/jobs/<name>/status")
        def job_status(name: str) -> Answer:
            code = self.pods[name].poll()
            status = {} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}
            return self.jobs[name] | {"status": status}

        @api.get(f"{core}/pods")
        def list_pods() -> Answer:
            name = request.args["labelSelector"].removeprefix("job-name=")
            code = self.pods[name].poll()
            state = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
            container = {
                "name": "snakemake",
                "image": "",
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": state,
            }
            return {"items": [{"metadata": {"name": name}, "status": {"containerStatuses": [container]}}]}

        @api.get(f"{core}/pods/<name>/log")
        def pod_log(name: str) -> str:
            return (self.folder / f"{name}.log").read_text()

        @api.delete(f"{core}/pods/<name>")
        def delete_pod(name: str) -> Answer:
            self.pods[name].kill()
            return {}

        @api.delete(f"{batch}/jobs/<name>")
        def delete_job(name: str) -> Answer:
            return {}

        return api

    def _start(self, job: Answer) -> None:
        name = job["metadata"]["name"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        place = self.folder / name
        place.mkdir()
        secret = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in container["env"]}
        values = {variable: self.secrets[key["name"]][key["key"]] for variable, key in secret.items()}
        path = f"{self.programs}:{PYTHON.parent}:/usr/bin:/bin"
        self.jobs[name] = job
        with (self.folder / f"{name}.log").open("w") as log:
            self.pods[name] = subprocess.Popen(
                [*container["command"], *container["args"]],
                cwd=place,
                env=values | {"PATH": path, "HOME": str(place)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
