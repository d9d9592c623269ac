"""Which permissions of GitHub the audit's table does not know: `python3 bench/github_permissions.py FILE…`

FILE is GitHub's OpenAPI document (`generated/api.github.com.json` or `ghec.json` of npm's
`@octokit/openapi`), or the list in `@octokit/app-permissions` (`generated/api.github.com.json`).
Ends with 1 where a permission is not known.
"""

import json
import pathlib
import re
import sys

TABLE = pathlib.Path(__file__).resolve().parent.parent / "crates/audit/src/provider/github/powers.rs"


def main():
    known = set(re.findall(r'"([a-z_]+)"', TABLE.read_text()))
    missing = 0
    for file in sys.argv[1:]:
        document = json.loads(pathlib.Path(file).read_text())
        if "components" in document:
            names = document["components"]["schemas"]["app-permissions"]["properties"]
        else:
            names = document["permissions"]
        unknown = sorted(name for name in names if name not in known)
        missing += len(unknown)
        print(f"{file}: {len(names)} permissions, {len(unknown)} unknown {' '.join(unknown)}".rstrip())
    sys.exit(1 if missing or len(sys.argv) < 2 else 0)


if __name__ == "__main__":
    main()
