"""The real stripe for Python, unchanged but for where it calls: `python stripe_sdk.py PORT KEY CALL…`, as stripe.mjs."""

import json
import sys

import stripe

port, key, *calls = sys.argv[1:]
# A time-out far below what a held call takes: the SDK tries again by itself.
client = stripe.StripeClient(
    key,
    base_addresses={"api": f"http://127.0.0.1:{port}"},
    http_client=stripe.RequestsClient(timeout=4),
    max_network_retries=8,
)
known = {
    "list": lambda _: client.v1.customers.list({"limit": 3}),
    "create": lambda _: client.v1.customers.create({"email": "python@example.org"}),
    "show": lambda id: client.v1.customers.retrieve(id),
    "refund": lambda id: client.v1.refunds.create({"payment_intent": id}),
}
for call in calls:
    name, _, argument = call.partition("=")
    line = {"call": name}
    try:
        data = known[name](argument)
        line |= {"status": data.last_response.code, "object": data["object"], "id": getattr(data, "id", None)}
    except stripe.StripeError as error:
        line |= {"status": error.http_status or 0, "error": str(error)[:200], "raw": error.json_body}
    print(json.dumps(line), flush=True)
