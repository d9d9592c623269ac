"""How a thief spells "create an administrator": the same act in bytes that a gate might read otherwise.

Each spelling is a name and the bytes of what is sent. Whether it worked is asked of the hub's database.
"""

import base64

from lib import LOOPBACK, request

BODY = b'{"admin":true}'
CREATE = "/hub/api/users/{}"

# The victim's name stands for `{}`.
TARGETS = {
    "plain": "/hub/api/users/{}",
    "a query": "/hub/api/users/{}?x=1",
    "a fragment": "/hub/api/users/{}#x",
    "a fragment before": "/hub/login#/../api/users/{}",
    "dot segment": "/hub/api/./users/{}",
    "dot-dot inside the API": "/hub/api/x/../users/{}",
    "dot-dot from the login page": "/hub/login/../api/users/{}",
    "dot-dot from the static files": "/hub/static/../api/users/{}",
    "dot-dot from a read": "/hub/api/user/../users/{}",
    "dot-dot above the root": "/../hub/api/users/{}",
    "dot-dot from a user's server": "/user/alice/../../hub/api/users/{}",
    "encoded dots": "/hub/login/%2e%2e/api/users/{}",
    "half encoded dots": "/hub/login/.%2E/api/users/{}",
    "encoded single dot": "/hub/api/%2e/users/{}",
    "doubly encoded dots": "/hub/login/%252e%252e/api/users/{}",
    "dots with an encoded slash": "/hub/login/..%2fapi/users/{}",
    "dots with a doubly encoded slash": "/hub/login/..%252fapi/users/{}",
    "dots with a parameter": "/hub/login/..;/api/users/{}",
    "overlong dots": "/hub/login/%c0%ae%c0%ae/api/users/{}",
    "full-width dots": "/hub/login/%ef%bc%8e%ef%bc%8e/api/users/{}",
    "doubled slash first": "//hub/api/users/{}",
    "doubled slash after the prefix": "/hub//api/users/{}",
    "doubled slash in the API": "/hub/api//users/{}",
    "doubled slash before the name": "/hub/api/users//{}",
    "tripled slash first": "///hub/api/users/{}",
    "another host in the path": "//evil.example/hub/api/users/{}",
    "trailing slash": "/hub/api/users/{}/",
    "trailing encoded slash": "/hub/api/users/{}%2f",
    "trailing dot": "/hub/api/users/{}/.",
    "trailing space": "/hub/api/users/{}%20",
    "encoded letter in users": "/hub/api/%75sers/{}",
    "encoded letter in api": "/hub/%61pi/users/{}",
    "encoded letter in hub": "/%68ub/api/users/{}",
    "encoded letter in the name": "/hub/api/users/%74{}",
    "doubly encoded letter": "/hub/api/%2575sers/{}",
    "encoded as %u": "/hub/api/%u0075sers/{}",
    "bad percent": "/hub/api/users/{}%",
    "bad percent digits": "/hub/api/users/{}%zz",
    "encoded slash before the name": "/hub/api/users%2f{}",
    "encoded slash after the prefix": "/hub%2fapi/users/{}",
    "encoded slash first": "/%2fhub/api/users/{}",
    "all slashes encoded": "/hub%2fapi%2fusers%2f{}",
    "encoded slash and dots": "/hub/api/users%2f..%2f{}",
    "encoded slash and dots in the name": "/hub/api/users/x%2f..%2f{}",
    "encoded slash in the name": "/hub/api/users/x%2f{}",
    "doubly encoded slash": "/hub/api%252fusers/{}",
    "parameter after api": "/hub/api;/users/{}",
    "parameter after users": "/hub/api/users;x=1/{}",
    "parameter after the name": "/hub/api/users/{};x=1",
    "upper case": "/HUB/API/USERS/{}",
    "upper case api": "/hub/API/users/{}",
    "upper case users": "/hub/api/Users/{}",
    "backslashes": "/hub\\api\\users\\{}",
    "backslash before the name": "/hub/api/users\\{}",
    "backslash dot-dot": "/hub/login\\..\\api\\users\\{}",
    "encoded backslash": "/hub/api/users%5c{}",
    "encoded backslash dot-dot": "/hub/login/..%5capi/users/{}",
    "NUL": "/hub/api/users/{}%00",
    "NUL in users": "/hub/api/use%00rs/{}",
    "tab in the path": "/hub/api/us\ters/{}",
    "encoded tab": "/hub/api/us%09ers/{}",
    "encoded line end": "/hub/login%0d%0a/../api/users/{}",
    "raw high bytes": "/hub/api/users/{}\xe9",
    "absolute form": "http://HOST/hub/api/users/{}",
    "absolute form, upper case": "HTTP://HOST/hub/api/users/{}",
    "absolute form, https": "https://HOST/hub/api/users/{}",
    "absolute form, another host": "http://evil.example/hub/api/users/{}",
    "absolute form, a person in the host": "http://alice@HOST/hub/api/users/{}",
    "absolute form without a slash": "http://HOST?/hub/api/users/{}",
    "absolute form, doubled slash": "http://HOST//hub/api/users/{}",
    "no slash first": "hub/api/users/{}",
    "dot first": "./hub/api/users/{}",
    "question mark in the path": "/hub/api%3f/../api/users/{}",
    "through the proxied prefix": "/api/users/{}",
    "through the user route": "/user/../hub/api/users/{}",
    "through the hub's user page": "/hub/user/../api/users/{}",
}

# Methods that are not POST, and things that say "it was not POST".
METHODS = {
    "lower-case method": ("post", []),
    "HEAD": ("HEAD", []),
    "OPTIONS": ("OPTIONS", []),
    "OPTIONS as a preflight": (
        "OPTIONS",
        [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")],
    ),
    "TRACE": ("TRACE", []),
    "CONNECT": ("CONNECT", []),
    "PUT": ("PUT", []),
    "unknown method": ("SPEND", []),
    "GET with X-HTTP-Method-Override": ("GET", [("X-HTTP-Method-Override", "POST")]),
    "GET with X-HTTP-Method": ("GET", [("X-HTTP-Method", "POST")]),
    "GET with X-Method-Override": ("GET", [("X-Method-Override", "POST")]),
    "POST said to be GET": ("POST", [("X-HTTP-Method-Override", "GET")]),
    "POST as a preflight": ("POST", [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "GET")]),
    "POST asking for an upgrade": ("POST", [("Connection", "Upgrade"), ("Upgrade", "websocket")]),
}

# Headers that claim to be somebody, or to have been asked already. TOKEN stands for the key.
HEADERS = {
    "person header": [("Greave-Person", "alice")],
    "wrong code": [("Greave-OTP", "000000")],
    "approval header": [("Greave-Approval", "1"), ("Greave-Challenge", "1")],
    "underscore twin": [("Greave_Person", "alice"), ("greave_otp", "000000")],
    "holder and key headers": [("Greave-Key", "1"), ("Greave-Holder", "alice"), ("Greave-Factors", "person")],
    "remote user": [("X-Remote-User", "alice"), ("Remote-User", "alice"), ("X-Forwarded-User", "alice")],
    "forwarded for loopback": [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
    ],
    "original URL": [("X-Original-URL", "/hub/login"), ("X-Rewrite-URL", "/hub/login")],
    "stripped by name": [("Connection", "Greave-Person, Content-Type, X-Forwarded-For")],
    "a 2FA claim": [("X-2FA", "true"), ("X-MFA-Verified", "1")],
}

# How the key itself travels.
CREDENTIALS = {
    "Bearer": [("Authorization", "Bearer TOKEN")],
    "mixed-case scheme": [("Authorization", "ToKeN TOKEN")],
    "two spaces": [("Authorization", "token  TOKEN")],
    "tab": [("Authorization", "token\tTOKEN")],
    "space after": [("Authorization", "token TOKEN ")],
    "form feed": [("Authorization", "token\x0cTOKEN")],
    "no-break space": [("Authorization", "token\xa0TOKEN")],
    "next-line character": [("Authorization", "token\x85TOKEN")],
    "no-break space at the end": [("Authorization", "token TOKEN\xa0")],
    "no-break space first": [("Authorization", "\xa0token TOKEN")],
    "quoted": [("Authorization", '"token TOKEN"')],
    "lower-case header": [("authorization", "token TOKEN")],
    "space before the colon": [("Authorization ", "token TOKEN")],
    "folded line": [("Authorization", "token\r\n TOKEN")],
    "twice the same": [("Authorization", "token TOKEN"), ("Authorization", "token TOKEN")],
    "a wrong one first": [("Authorization", "token wrong"), ("Authorization", "token TOKEN")],
    "a wrong one last": [("Authorization", "token TOKEN"), ("Authorization", "token wrong")],
    "an empty one first": [("Authorization", ""), ("Authorization", "token TOKEN")],
    "comma list": [("Authorization", "token wrong, token TOKEN")],
    "Basic password": [("Authorization", "Basic BASIC")],
    "in the query": [("?", "token=TOKEN")],
    "in the query, known to another tool": [("?", "access_token=TOKEN")],
    "in a cookie": [("Cookie", "token=TOKEN")],
    "in the login cookie": [("Cookie", "jupyterhub-hub-login=TOKEN")],
    "in X-API-Key": [("X-API-Key", "TOKEN")],
    "in Proxy-Authorization": [("Proxy-Authorization", "token TOKEN")],
    "underscore twin": [("X_Authorization", "token TOKEN"), ("Http_Authorization", "token TOKEN")],
    "with a made-up session": [
        ("Authorization", "token TOKEN"),
        ("Cookie", "jupyterhub-session-id=0123456789abcdef0123456789abcdef"),
    ],
    "with a made-up login": [("Authorization", "token TOKEN"), ("Cookie", "jupyterhub-hub-login=made-up; _xsrf=x")],
    "with both": [
        ("Authorization", "token TOKEN"),
        ("Cookie", "jupyterhub-hub-login=made-up; jupyterhub-session-id=0123456789abcdef"),
    ],
    "with a second key in the query": [("Authorization", "token TOKEN"), ("?", "token=other")],
}


def framings(host, token, victim):
    """Two requests that might be read as one, or one as two. `victim` names the inner one's user."""
    key = f"Authorization: token {token}\r\n"
    inner = (
        f"POST {CREATE.format(victim)} HTTP/1.1\r\nHost: {host}\r\n{key}Content-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    read = f"GET /hub/api/user HTTP/1.1\r\nHost: {host}\r\n{key}"
    post = f"POST /hub/login HTTP/1.1\r\nHost: {host}\r\n"
    create = f"POST {CREATE.format(victim)} HTTP/1.1\r\nHost: {host}\r\n{key}Content-Type: application/json\r\n"
    chunk = b"0\r\n\r\n" + inner
    return {
        "pipelined after a read": read.encode() + b"\r\n" + inner,
        "length and chunks, chunks end early": f"{post}Content-Length: {len(chunk)}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + chunk,
        "chunks and length, length ends early": f"{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{len(inner):x}\r\n".encode()
        + inner
        + b"\r\n0\r\n\r\n",
        "unknown transfer encoding": f"{post}Transfer-Encoding: xchunked\r\nContent-Length: {len(chunk)}\r\n\r\n".encode()
        + chunk,
        "space before the colon": f"{post}Transfer-Encoding : chunked\r\nContent-Length: {len(chunk)}\r\n\r\n".encode()
        + chunk,
        "tab before chunked": f"{post}Transfer-Encoding:\tchunked\r\nContent-Length: {len(chunk)}\r\n\r\n".encode()
        + chunk,
        "two transfer encodings": f"{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: {len(chunk)}\r\n\r\n".encode()
        + chunk,
        "chunked under HTTP/1.0": f"POST /hub/login HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: {len(chunk)}\r\n\r\n".encode()
        + chunk,
        "two lengths, the first wins": f"{post}Content-Length: 0\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
        + inner,
        "two lengths, the last wins": f"{post}Content-Length: {len(inner)}\r\nContent-Length: 0\r\n\r\n".encode()
        + inner,
        "a list of lengths": f"{post}Content-Length: 0, {len(inner)}\r\n\r\n".encode() + inner,
        "a length with a sign": f"{post}Content-Length: +{len(inner)}\r\n\r\n".encode() + inner,
        "a body on a read": f"{read}Content-Length: {len(inner)}\r\n\r\n".encode() + inner,
        "a read with a length that is not there": f"{read}Content-Length: 0x0\r\n\r\n".encode() + inner,
        "bare line feeds": read.replace("\r\n", "\n").encode() + b"\n" + inner.replace(b"\r\n", b"\n"),
        "a bare line feed in a header": f"{read}X: a\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunk,
        "a carriage return in a header": f"{read}X: a\rAuthorization: b\r\n\r\n".encode() + inner,
        "a request in a header": f"{read}X: a\r\n\r\n".encode() + inner,
        "a chunk extension": f'{create}Transfer-Encoding: chunked\r\n\r\n{len(BODY):x};x="\r\n'.encode()
        + BODY
        + b"\r\n0\r\n\r\n",
        "a chunk size that overflows": f"{post}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n".encode()
        + inner,
        "trailers with a credential": f"POST {CREATE.format(victim)} HTTP/1.1\r\nHost: {host}\r\nTrailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n{len(BODY):x}\r\n".encode()
        + BODY
        + f"\r\n0\r\n{key}\r\n".encode(),
        "behind an upgrade to a WebSocket": f"{read}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        + inner,
        "behind a refused WebSocket": f"{read}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n".encode()
        + inner,
        "behind an upgrade to h2c": f"{read}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n".encode()
        + inner,
        "behind CONNECT": f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + inner,
        "behind 100-continue": f"{post}Expect: 100-continue\r\nContent-Length: {len(inner)}\r\n\r\n".encode() + inner,
        "no host": request("POST", CREATE.format(victim), "", [("Authorization", f"token {token}")], BODY),
        "two hosts": f"POST {CREATE.format(victim)} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n{key}Content-Length: {len(BODY)}\r\n\r\n".encode()
        + BODY,
        "HTTP/1.0": request(
            "POST", CREATE.format(victim), host, [("Authorization", f"token {token}")], BODY, "HTTP/1.0"
        ),
        "HTTP/0.9": f"POST {CREATE.format(victim)}\r\n".encode(),
        "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner,
        "an unknown version": request(
            "POST", CREATE.format(victim), host, [("Authorization", f"token {token}")], BODY, "HTTP/1.9"
        ),
        "blank lines first": b"\r\n\r\n" + inner,
    }


def spellings(port, token):
    """Yields (name, victim, bytes) of every spelling; each has a victim of its own, so that the one that worked is known."""
    host, count = f"{LOOPBACK}:{port}", 0

    def victim():
        nonlocal count
        count += 1
        return f"thief-{count:03}"

    def fill(text):
        return text.replace("TOKEN", token).replace("BASIC", base64.b64encode(f"alice:{token}".encode()).decode())

    json_body = [("Content-Type", "application/json"), ("Connection", "close")]
    key = [("Authorization", f"token {token}"), *json_body]
    for name, target in TARGETS.items():
        who = victim()
        yield f"path, {name}", who, request("POST", target.replace("HOST", host).format(who), host, key, BODY)
    for name, (method, headers) in METHODS.items():
        who = victim()
        yield f"method, {name}", who, request(method, CREATE.format(who), host, [*headers, *key], BODY)
    for name, headers in HEADERS.items():
        who = victim()
        yield f"header, {name}", who, request("POST", CREATE.format(who), host, [*headers, *key], BODY)
    for name, places in CREDENTIALS.items():
        who = victim()
        query = "".join(f"?{fill(v)}" for n, v in places if n == "?")
        headers = [(n, fill(v)) for n, v in places if n != "?"]
        yield (
            f"credential, {name}",
            who,
            request("POST", CREATE.format(who) + query, host, [*headers, *json_body], BODY),
        )
    for name in framings("", "", ""):
        who = victim()
        yield f"framing, {name}", who, framings(host, token, who)[name]
    # One call that makes several users has an address of its own.
    who = victim()
    yield (
        "path, the list",
        who,
        request("POST", "/hub/api/users", host, key, b'{"usernames":["%s"],"admin":true}' % who.encode()),
    )
