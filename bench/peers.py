"""The peers that the gate is measured beside, the API behind all of them, and the keys they know."""

import hashlib
import pathlib

from lib import Api, Program, free_port

HERE = pathlib.Path(__file__).resolve().parent

# Forty kinds of ordinary things, each with five operations.
KINDS = """orders items parts boxes shelves routes trucks stops parcels labels notes tasks boards cards
lists events rooms seats tickets songs albums artists books authors shops carts brands colors sizes photos
frames maps places towns rivers roads bridges trees birds recipes""".split()
LOG = "/v1/audit-log"

OBJECT = '{"id":"4711","owner":"alice","name":"%s"}'
ROWS = 5


def padded(text, size=200):
    """The text with its `%s` filled until it has the size."""
    return text % ("x" * (size - len(text) + 2))


def answers():
    """An object and a list, 200 bytes each."""
    rows = ",".join(f'{{"id":{n}}}' for n in range(1, ROWS)) + ',{"name":"%s"}'
    return padded(OBJECT), padded(f"[{rows}]")


def document():
    """The API as OpenAPI describes it: 200 operations of no danger, and a log that is none of everybody's business."""
    thing = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}

    def answer(schema):
        return {"200": {"description": "it", "content": {"application/json": {"schema": schema}}}}

    one, many = {"responses": answer(thing)}, {"responses": answer({"type": "array", "items": thing})}
    place = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    paths = {LOG: {"get": {"summary": "Read the audit log", **many}}}
    for kind in KINDS:
        paths[f"/v1/{kind}"] = {"get": many, "post": one}
        paths[f"/v1/{kind}/{{id}}"] = {"parameters": place, "get": one, "put": one, "delete": one}
    bearer = {"components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}, "security": [{"key": []}]}
    return {"openapi": "3.0.3", "info": {"title": "Things", "version": "1"}, "paths": paths, **bearer}


def key(number):
    return "sk_live_" + hashlib.sha256(str(number).encode()).hexdigest()[:32]


class Peer:
    """One proxy with its processes. `keys` are those that it knows and is asked with."""

    def __init__(self, name, port, programs, keys=(), paths=()):
        self.name, self.port, self.programs, self.keys, self.paths = name, port, programs, keys, paths

    def pids(self):
        """All its processes."""
        return [pid for program in self.programs for pid in family(program.process.pid)]


def family(pid):
    """A process and its children."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for task in tasks for child in task.read_text().split() for one in family(int(child)))]


def filled(template, folder, **values):
    """A configuration with its `@NAMES@` replaced, written to the folder."""
    text = (HERE / "peers" / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    file = folder / template
    file.write_text(text)
    return file


def nginx(server, folder, api=0, **values):
    """Starts an nginx that serves as `server` says; its port and program."""
    folder.mkdir()
    port = free_port()
    inner = filled(server, folder, PORT=port, **values)
    outer = filled("nginx.conf", folder, FOLDER=folder, SERVER=inner, API=api or port)
    program = Program(["nginx", "-c", outer], folder, folder / "log")
    program.ready(lambda: Api(port)("GET", "/", timeout=2).status)
    return port, program


def haproxy(name, folder, api, count, counting):
    """Starts an HAProxy that knows so many keys, and counts each key's requests where it should."""
    folder.mkdir()
    keys_map, port = folder / "keys.map", free_port()
    keys_map.write_text("".join(f"{key(number)} {number + 1}\n" for number in range(count)))
    lines = "http-request track-sc0 var(txn.key) table counts" if counting else ""
    file = filled("haproxy.cfg", folder, PORT=port, API=api, MAP=keys_map, COUNT=lines)
    program = Program(["haproxy", "-db", "-f", file], folder, folder / "log")
    program.ready(lambda: Api(port)("GET", "/", timeout=2).status)
    # Of a million keys as many are asked with as requests are prepared, from all over the map.
    return Peer(name, port, [program], [key(number) for number in range(0, count, max(1, count // 20_000))])


def auth_request(folder, api, count):
    """Starts an nginx that asks an authorizer which knows so many keys."""
    folder.mkdir()
    keys_map = folder / "keys.map"
    keys_map.write_text("".join(f'"Bearer {key(number)}" {number + 1};\n' for number in range(count)))
    port, authorizer = nginx("authorizer.conf", folder / "authorizer", MAP=keys_map)
    asked, asking = nginx("auth_request.conf", folder / "asking", api, AUTHORIZER=port)
    return Peer(f"nginx auth_request, {count} keys", asked, [authorizer, asking], [key(number) for number in range(count)])
