"""A set of many objects, each in a file of its own: Deployments with what belongs to them."""

from __future__ import annotations

from pathlib import Path

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  labels: {{app: app-{number}}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: app-{number}}}
  template:
    metadata:
      labels: {{app: app-{number}}}
    spec:
      serviceAccountName: app-{number}
      containers:
      - name: web
        image: example.com/web:{number}
        ports:
        - name: http
          containerPort: 8080
        envFrom:
        - configMapRef: {{name: app-{number}}}
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
          limits: {{memory: 128Mi}}
        readinessProbe:
          httpGet: {{path: /healthz, port: http}}
---
apiVersion: v1
kind: Service
metadata:
  name: app-{number}
spec:
  selector: {{app: app-{number}}}
  ports:
  - name: http
    port: 80
    targetPort: http
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{number}
data:
  greeting: hello
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: app-{number}
"""
KINDS = APP.count("kind:")


def write(folder: Path, count: int) -> None:
    """Write ``count`` objects, or as many more as make the last application whole, a file each."""
    folder.mkdir()
    for number in range(-(-count // KINDS)):
        for part, text in enumerate(APP.format(number=number).split("---\n")):
            (folder / f"{number:03d}-{part}.yaml").write_text(text)
