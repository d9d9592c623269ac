"""Logs of a million events: `GREAVE=target/release/greave python3 bench/audit_logs.py [EVENTS]`.

Makes CloudTrail events as one JSON a line in gzip and as files of one `Records` list each, and
access logs in the combined form beside an OpenAPI document; all with the same seed. Runs `greave
audit` on each, and prints the seconds as a person waits for them and the most memory that the
process took. Half as many events show that memory hangs on callers and what
they do, not on events. Nothing is asserted about time. A million events take some 600 MB on disk.
"""

import gzip
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

BINARY = os.environ.get("GREAVE", "target/release/greave")
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="greave-audit-logs-"))
REGIONS = ("eu-west-1", "eu-central-1", "us-east-1")
ACTIONS = [
    (service, name)
    for service, names in {
        "s3": "GetObject PutObject ListObjectsV2 DeleteObject GetBucketPolicy",
        "ec2": "DescribeInstances RunInstances StopInstances DescribeSubnets CreateTags",
        "iam": "ListUsers GetUser CreateAccessKey ListAccessKeys AttachUserPolicy",
        "lambda": "Invoke UpdateFunctionCode20150331v2 ListFunctions20150331",
        "dynamodb": "Query PutItem Scan DescribeTable",
        "kms": "Decrypt GenerateDataKey DescribeKey",
        "sts": "GetCallerIdentity AssumeRole",
        "cloudtrail": "LookupEvents DescribeTrails",
    }.items()
    for name in names.split()
]
DOCUMENT = """openapi: 3.1.0
info: {title: Company, version: '1'}
servers: [{url: https://api.example/v1}]
security: [{key: []}]
components: {securitySchemes: {key: {type: http, scheme: bearer}}}
paths:
""" + "".join(
    f"""  /things{number}: {{get: {{summary: List things}}, post: {{summary: Make a thing}}}}
  /things{number}/{{name}}: {{get: {{summary: Show a thing}}, delete: {{summary: Delete a thing}}}}
  /things{number}/{{name}}/tokens: {{post: {{summary: Create an API token}}}}
"""
    for number in range(60)
)


def event(number, dice):
    service, name = dice.choice(ACTIONS)
    user = dice.randrange(500)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_792_000_000 + number * 3))
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": f"AIDAEXAMPLE{user:05}",
            "arn": f"arn:aws:iam::111122223333:user/program-{user}",
            "accountId": "111122223333",
            "accessKeyId": f"AKIAEXAMPLE{user:05}",
            "userName": f"program-{user}",
        },
        "eventTime": at,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": dice.choice(REGIONS),
        "sourceIPAddress": f"198.51.100.{user % 250}",
        "userAgent": "aws-sdk-go-v2/1.30 os/linux lang/go md/GOOS#linux md/GOARCH#amd64",
        "requestParameters": {"bucketName": f"bucket-{dice.randrange(40)}", "key": f"2026/11/{number}.parquet", "maxKeys": 1000},
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0},
        "requestID": f"{dice.getrandbits(64):016x}",
        "eventID": f"{dice.getrandbits(128):032x}",
        "readOnly": name.startswith(("Get", "List", "Describe")),
        "resources": [{"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::bucket-{dice.randrange(40)}"}],
        "eventType": "AwsApiCall",
        "managementEvent": service != "s3",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **({"errorCode": "AccessDenied"} if dice.random() < 0.03 else {}),
    }


def access(number, dice):
    user = f"program-{dice.randrange(500)}" if dice.random() < 0.8 else "-"
    thing = f"/v1/things{dice.randrange(60)}"
    request = dice.choice((f"GET {thing}", f"POST {thing}", f"GET {thing}/a{number}", f"DELETE {thing}/a{number}", f"POST {thing}/a{number}/tokens"))
    at = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(1_792_000_000 + number * 3))
    source = f"198.51.{dice.randrange(4)}.{dice.randrange(250)}"
    return f'{source} - {user} [{at}] "{request} HTTP/1.1" {dice.choice((200, 200, 200, 204, 404))} {dice.randrange(9000)} "-" "python-requests/2.{dice.randrange(32)}"\n'


def make(events):
    """The inputs, each a list of paths."""
    folder = SCRATCH / str(events)
    folder.mkdir()
    lines, combined, document = folder / "trail.jsonl.gz", folder / "access.log", folder / "openapi.yaml"
    document.write_text(DOCUMENT)
    dice = random.Random(1)
    with gzip.open(lines, "wt", compresslevel=1) as file:
        for number in range(events):
            file.write(json.dumps(event(number, dice), separators=(",", ":")) + "\n")
    dice, each = random.Random(1), 5000
    for first in range(0, events, each):
        place = folder / "AWSLogs" / REGIONS[first // each % 3]
        place.mkdir(parents=True, exist_ok=True)
        with gzip.open(place / f"{first:09}.json.gz", "wt", compresslevel=1) as file:
            records = [event(number, dice) for number in range(first, min(first + each, events))]
            json.dump({"Records": records}, file, separators=(",", ":"))
    dice = random.Random(1)
    with combined.open("w") as file:
        file.writelines(access(number, dice) for number in range(events))
    return {
        "CloudTrail, one event a line, gzip": [lines],
        "CloudTrail, files of one Records list, gzip": [folder / "AWSLogs"],
        "access log, combined, with a document": [document, combined],
    }


def timed(paths):
    """Seconds, and the most memory in MB, of an audit."""
    argv = [BINARY, "audit", "--as-of", "2026-11-29", "--format", "json", *map(str, paths)]
    began = time.monotonic()
    with open(os.devnull, "w") as nothing:
        process = subprocess.Popen(argv, stdout=nothing)
        _, status, used = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"{argv} ended {os.waitstatus_to_exitcode(status)}")
    return took, used.ru_maxrss / 1024


def main(events):
    print(f"{'what':<48}{'events':>10}{'seconds':>9}{'MB':>7}")
    for count in (events // 2, events):
        for what, paths in make(count).items():
            took, most = timed(paths)
            print(f"{what:<48}{count:>10}{took:>9.2f}{most:>7.0f}", flush=True)
        shutil.rmtree(SCRATCH / str(count))
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
