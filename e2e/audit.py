# run.sh: tools sarif
"""What `greave audit` writes, held against the real schemas: docs/audit.schema.json with a real
validator, and SARIF 2.1.0 as OASIS wrote it, of an estate with findings, with troubles, and of a
clean one. The HTML page is held against a strict reading of its elements, the Markdown against a
real renderer.
"""

import csv
import html.parser
import io
import json
import os
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree

import jsonschema_rs
from markdown_it import MarkdownIt

from lib import HERE, SCRATCH, Checks

GREAVE = os.environ["GREAVE"]
ROOT = HERE.parent
AS_OF = ["--as-of", "2026-11-29"]
VOID = {"meta", "br", "link", "img", "hr", "input"}


def audit(*words):
    ended = subprocess.run([GREAVE, "audit", *map(str, words), *AS_OF], capture_output=True, text=True, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr


class Page(html.parser.HTMLParser):
    """Elements that are opened and closed in order, and what they would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.fetched, self.seen = [], [], [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        names = dict(attributes)
        self.fetched += [names[name] for name in ("src", "srcset", "data", "xlink:href") if name in names]
        self.fetched += [names["href"]] if not names.get("href", "#").startswith("#") else []
        self.wrong += [name for name in names if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


def main():
    checks = Checks("audit")
    ours = json.loads((ROOT / "docs/audit.schema.json").read_text())
    sarif = json.loads((SCRATCH / "sarif/package/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    # A bracket too many, which strict readers of patterns refuse; the report has no language.
    for part in ("run", "toolComponent"):
        del sarif["definitions"][part]["properties"]["language"]["pattern"]
    own, foreign = jsonschema_rs.validator_for(ours), jsonschema_rs.validator_for(sarif)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "clean.csv").write_text(
            "key,holder,kind,mfa,scopes,created,expires,last_used,status\n"
            "k1,ann,person,yes,read,2026-11-01,2026-12-31,2026-11-28,active\n"
        )
        (folder / "evil.csv").write_text(
            "key,holder,name,scopes,expires\n"
            "\"<script>alert('x')</script>\",\"=1+1\",\"[x](javascript:alert(1)) | `y` @all\",admin,never\n"
            "second,\"ann; +1\",\"\u05e9\u05dc\u05d5\u05dd\",admin,never\n"
        )
        (folder / "broken.json").write_text('{"cut": ')
        (folder / "accepted.toml").write_text(
            '[[accept]]\nrule = "*"\nsubject = "L-04"\nreason = "moves in spring"\nuntil = "2027-03-31"\n'
        )
        estate = ROOT / "examples/estate"
        cases = {
            "the example estate": ([estate], 1),
            "an estate with a baseline": ([estate, "--baseline", folder / "accepted.toml"], 1),
            "foreign text and troubles": ([folder / "evil.csv", folder / "broken.json"], 1),
            "a clean run": ([folder / "clean.csv"], 0),
        }
        for name, (words, code) in cases.items():
            with checks.scene(name):
                ended, text, _ = audit(*words, "--format", "json")
                checks.same(ended, code, f"{name}: the exit code")
                report = json.loads(text)
                wrong = [f"{list(error.instance_path)}: {error.message[:120]}" for error in own.iter_errors(report)]
                checks.same(wrong, [], f"{name}: the JSON is valid against docs/audit.schema.json")
                log = json.loads(audit(*words, "--format", "sarif")[1])
                wrong = [f"{list(error.instance_path)}: {error.message[:120]}" for error in foreign.iter_errors(log)]
                checks.same(wrong, [], f"{name}: the SARIF is valid against its schema")
                run = log["runs"][0]
                checks.same(len(run["results"]), len(report["findings"]), f"{name}: SARIF has every finding")
                lines = [json.loads(line) for line in audit(*words, "--format", "jsonl")[1].splitlines()]
                checks.same(len(lines), len(report["findings"]), f"{name}: so have the JSON lines")
                page = Page()
                page.feed(audit(*words, "--format", "html")[1])
                checks.same((page.open, page.wrong, page.fetched), ([], [], []), f"{name}: the page is whole, and fetches nothing")
                checks.that("script" not in page.seen, f"{name}: the page has no script")
                rows = list(csv.reader(io.StringIO(audit(*words, "--format", "csv")[1])))
                formulas = [cell for row in rows for cell in row if cell.lstrip(' "\n').startswith(("=", "+", "-", "@"))]
                checks.same(formulas, [], f"{name}: no cell of the CSV is a formula")
                rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(audit(*words, "--format", "markdown")[1])
                shown = [word for word in ("<script", "<img", "href=\"javascript", "href=\"http") if word in rendered]
                checks.same(shown, [], f"{name}: the Markdown brings no markup of strangers along")
        with checks.scene("the picture"):
            page = audit(estate, "--format", "html")[1]
            for svg in page.split("<svg")[1:]:
                drawn = xml.etree.ElementTree.fromstring("<svg" + svg.split("</svg>")[0] + "</svg>")
                checks.that(drawn.find("title") is not None and drawn.find("desc") is not None, "a picture is XML, with title and description", drawn.find("title").text)
        with checks.scene("a schema that can fail"):
            report = json.loads(audit(estate, "--format", "json")[1])
            report["keys"][0]["standing"] = "perhaps"
            checks.that(not own.is_valid(report), "a report with a word that is not known is not valid")
            del (log := json.loads(audit(estate, "--format", "sarif")[1]))["version"]
            checks.that(not foreign.is_valid(log), "nor is SARIF without its version")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
