# run.sh: python3 proxies
"""Access logs that real proxies wrote: Caddy's JSON, Envoy's text and JSON, Traefik's text and JSON.
The same requests go through each, with a credential in a query, one in a header, and a program's
name with quotes in it; `greave audit` says for each log the same.
"""

import http.server
import json
import os
import subprocess
import tempfile
import threading

from lib import LOOPBACK, SCRATCH, Api, Checks, Program, answers, free_port, wait_until

GREAVE = os.environ["GREAVE"]
PROGRAMS = SCRATCH / "proxies/bin"
SECRET = "sk_live_9fQ2mX7bT4vKp8Lw"
RESPONSES = {"responses": {"200": {"description": "as asked"}}}
NUMBER = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "People", "version": "1"},
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "security": [{"key": []}],
    "paths": {
        "/users": {"get": RESPONSES, "post": RESPONSES},
        "/users/{id}": {"delete": {"parameters": [NUMBER], **RESPONSES}},
    },
}
# Method, path, status, the program's name, more headers.
REQUESTS = [
    ("GET", f"/users?page=1&api_key={SECRET}", 200, "deploy-script/1.0", []),
    ("DELETE", "/users/7", 200, "deploy-script/1.0", [("Authorization", f"Bearer {SECRET}")]),
    ("GET", "/absent/%22x%20%C3%A4", 404, 'a "q" \\x', []),
]


class People(http.server.BaseHTTPRequestHandler):
    """The API behind all of them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'[{"id": 1}, {"id": 2}]'
        self.send_response(404 if "absent" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET

    def log_message(self, *_):
        pass


def envoy(folder, port, api):
    def address(number):
        return {"socket_address": {"address": LOOPBACK, "port_value": number}}

    def kind(name, **more):
        return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **more}

    def log(file, **more):
        return {"name": file, "typed_config": kind("access_loggers.file.v3.FileAccessLog", path=file, **more)}

    # The names that Istio has, and most documents.
    names = {
        "start_time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "protocol": "%PROTOCOL%",
        "response_code": "%RESPONSE_CODE%",
        "response_flags": "%RESPONSE_FLAGS%",
        "bytes_sent": "%BYTES_SENT%",
        "user_agent": "%REQ(USER-AGENT)%",
        "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
        "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    }
    manager = kind(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="api",
        access_log=[log("envoy.log"), log("envoy.json", log_format={"json_format": names})],
        route_config={
            "virtual_hosts": [
                {"name": "api", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "api"}}]}
            ]
        },
        http_filters=[{"name": "router", "typed_config": kind("filters.http.router.v3.Router")}],
    )
    listener = {
        "address": address(port),
        "filter_chains": [{"filters": [{"name": "envoy.http", "typed_config": manager}]}],
    }
    ends = [{"endpoint": {"address": address(api)}}]
    cluster = {
        "name": "api",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "api", "endpoints": [{"lb_endpoints": ends}]},
    }
    settings = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
    (folder / "envoy.yaml").write_text(json.dumps(settings))
    return ["envoy", "-c", "envoy.yaml", "--concurrency", "1", "--use-dynamic-base-id", "--file-flush-interval-msec", "200"]


def traefik(form):
    def words(folder, port, api):
        router = {"rule": "PathPrefix(`/`)", "service": "api", "entryPoints": ["web"]}
        service = {"loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{api}"}]}}
        dynamic = {"http": {"routers": {"api": router}, "services": {"api": service}}}
        (folder / "dynamic.yaml").write_text(json.dumps(dynamic))
        return [
            "traefik",
            f"--entrypoints.web.address={LOOPBACK}:{port}",
            f"--providers.file.filename={folder}/dynamic.yaml",
            "--accesslog=true",
            f"--accesslog.filepath={folder}/traefik.{form}",
            f"--accesslog.format={form}",
            # Without this no header is written at all.
            "--accesslog.fields.headers.names.User-Agent=keep",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]

    return words


def caddy(folder, port, api):
    (folder / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\tauto_https off\n}}\nhttp://{LOOPBACK}:{port} {{\n\tlog {{\n\t\toutput file caddy.json\n\t}}\n"
        f"\treverse_proxy {LOOPBACK}:{api}\n}}\n"
    )
    return ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


# Who writes, and what: the file, what the audit calls it, and whether it has the program's name.
PROXIES = [
    ("caddy", caddy, [("caddy.json", "Caddy access log", True)]),
    ("envoy", envoy, [("envoy.log", "Envoy access log", True), ("envoy.json", "access log (JSON)", True)]),
    ("traefik, text", traefik("common"), [("traefik.common", "access log (combined)", True)]),
    ("traefik, JSON", traefik("json"), [("traefik.json", "Traefik access log", True)]),
]


def audited(checks, folder, file, form, names_programs):
    words = [GREAVE, "audit", "openapi.json", file, "--format", "json"]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    checks.that(SECRET not in ended.stdout + ended.stderr, f"{file}: no credential is in the report")
    report = json.loads(ended.stdout)
    checks.same(report["unread"], [], f"{file}: all of it is read")
    [log] = report["logs"]
    lines = (folder / file).read_text().splitlines()
    checks.same((log["form"], log["events"]), (form, len(lines)), f"{file}: whose it is, and each line counts")
    # With a credential that stands in the log it is that key's call; the others are nobody's.
    calls = [(who["source"], who["program"], who["calls"], who["actions"]) for who in log["somebody"]]
    checks.that(
        any(source == LOOPBACK and ["DELETE /users/{id}", 1] in actions for source, _, _, actions in calls),
        f"{file}: which operation was called, and from where",
        calls,
    )
    programs = {program for _, program, _, _ in calls}
    checks.that(not names_programs or "deploy-script/1.0" in programs, f"{file}: with which program", programs)
    [line] = [number for number, line in enumerate(lines, 1) if SECRET in line]
    found = [finding for finding in report["findings"] if finding["rule"] == "secret-in-log"]
    checks.that(
        len(found) == 1 and found[0]["evidence"][0]["place"] == {"file": file, "line": line} and "api_key" in found[0]["what"],
        f"{file}: a credential in a query is told with its line",
        [finding["what"] for finding in found],
    )


def main():
    checks = Checks("proxies")
    people = http.server.ThreadingHTTPServer((LOOPBACK, 0), People)
    threading.Thread(target=people.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="greave-proxies-") as name:
        folder = SCRATCH.__class__(name)
        (folder / "openapi.json").write_text(json.dumps(DOCUMENT))
        for proxy, words, files in PROXIES:
            with checks.scene(proxy):
                port = free_port()
                program, *more = words(folder, port, people.server_port)
                running = Program([PROGRAMS / program, *more], folder, folder / f"{proxy}.out", {"HOME": str(folder)})
                api = Api(port)
                # One may listen before it knows its routes.
                running.ready(lambda port=port, api=api: answers(port) and api("GET", "/ready").status == 200)
                seen = [
                    # Envoy's text has no other address than this one.
                    api(method, path, headers=[("User-Agent", agent), ("X-Forwarded-For", LOOPBACK), *headers]).status
                    for method, path, _, agent, headers in REQUESTS
                ]
                checks.same(seen, [status for _, _, status, _, _ in REQUESTS], f"{proxy}: the requests come through")

                def whole(file):
                    return (folder / file).exists() and "/absent" in (folder / file).read_text()

                wait_until(lambda files=files: all(whole(file) for file, *_ in files), 30, f"{proxy} has written its log")
                running.stop()
                for log in files:
                    audited(checks, folder, *log)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
