"""localstripe, which has no setting for its address, kept on loopback: `python stripe_localhost.py --from-scratch --port PORT`."""

import sys

from localstripe import server

port = int(sys.argv[sys.argv.index("--port") + 1])
run = server.web.run_app


def on_loopback(app, **settings):
    settings.pop("sock", None)
    run(app, **{**settings, "host": "127.0.0.1", "port": port})


server.web.run_app = on_loopback
server.start()
