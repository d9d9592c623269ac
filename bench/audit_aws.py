"""An AWS account of so many users: `GREAVE=… python3 bench/audit_aws.py [USERS]`, 5,000 where nothing is said.

Writes a credential report with two keys a user and account authorization details with groups,
roles and more than 500 policies (boundaries, conditions, old versions, a policy of each
tenth user's own), all from one seed, runs `greave audit` over them, and prints its seconds,
its greatest memory, and what it found. With `--openapi FILE` it does the same for that
document, such as `generated/api.github.com.json` of npm's `@octokit/openapi`.
"""

import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import urllib.parse

ACCOUNT = "111122223333"
HEADS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n"
)
SERVICES = ["s3", "ec2", "dynamodb", "lambda", "sqs", "sns", "logs", "kms", "ssm", "rds", "cloudwatch", "ecs"]
MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


def arn(kind, name):
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def document(chance, allow=None):
    """A policy as people write them: a few statements, some with conditions, some that deny."""
    statements = []
    for _ in range(chance.randrange(1, 5)):
        service = chance.choice(SERVICES)
        statements.append({
            "Effect": "Allow",
            "Action": [f"{service}:{verb}*" for verb in chance.sample(["Get", "List", "Put", "Create", "Delete"], 3)],
            "Resource": chance.choice(["*", f"arn:aws:{service}:*:{ACCOUNT}:*"]),
        })
    if chance.random() < 0.2:
        statements.append({"Effect": "Deny", "NotAction": "sts:*", "Resource": "*", "Condition": MFA})
    if chance.random() < 0.1:
        own = "arn:aws:iam::*:user/${aws:username}"
        statements.append({"Effect": "Allow", "Action": ["iam:*AccessKey*", "iam:*MFA*"], "Resource": own})
    if allow:
        statements.append({"Effect": "Allow", "Action": allow, "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def write(folder, users):
    chance = random.Random(20261129)
    encoded = lambda value: urllib.parse.quote(json.dumps(value), safe="")
    policies = []
    for number in range(600):
        allow = {0: ["*"], 1: ["iam:AttachUserPolicy"], 2: ["iam:PassRole", "lambda:*"]}.get(number % 97)
        versions = [
            {"VersionId": f"v{version}", "IsDefaultVersion": version == 2, "Document": document(chance, allow)}
            for version in (1, 2)
        ]
        policies.append({
            "PolicyName": f"policy-{number}",
            "Arn": arn("policy", f"policy-{number}"),
            "DefaultVersionId": "v2",
            "PolicyVersionList": versions,
        })
    attach = lambda most: [
        {"PolicyName": policy["PolicyName"], "PolicyArn": policy["Arn"]}
        for policy in chance.sample(policies, chance.randrange(most + 1))
    ]
    groups = [
        {"GroupName": f"group-{number}", "Arn": arn("group", f"group-{number}"), "GroupPolicyList": [],
         "AttachedManagedPolicies": attach(4)}
        for number in range(100)
    ]
    roles = []
    for number in range(400):
        service = chance.choice(["ec2", "lambda", "ecs-tasks", "glue", "codebuild"])
        who = chance.choice([{"Service": f"{service}.amazonaws.com"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}])
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}]}
        roles.append({
            "RoleName": f"role-{number}", "Arn": arn("role", f"role-{number}"), "AssumeRolePolicyDocument": trust,
            "InstanceProfileList": [{}] if service == "ec2" else [], "RolePolicyList": [],
            "AttachedManagedPolicies": attach(3),
        })
    people, rows = [], [HEADS]
    for number in range(users):
        name = f"user-{number}"
        person = {
            "UserName": name, "UserId": f"AIDA{number:016}", "Arn": arn("user", name), "Path": "/",
            "GroupList": [group["GroupName"] for group in chance.sample(groups, chance.randrange(4))],
            "AttachedManagedPolicies": attach(3), "Tags": [{"Key": "team", "Value": f"team-{number % 40}"}],
        }
        if number % 10 == 0:
            own = chance.choice([document(chance), encoded(document(chance))])
            person["UserPolicyList"] = [{"PolicyName": "own", "PolicyDocument": own}]
        if number % 25 == 0:
            edge = chance.choice(policies)["Arn"]
            person["PermissionsBoundary"] = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": edge}
        people.append(person)
        factor = str(chance.random() < 0.7).lower()
        key = f"true,202{chance.randrange(1, 7)}-0{chance.randrange(1, 10)}-01T00:00:00+00:00,2026-11-0{chance.randrange(1, 10)}T00:00:00+00:00,eu-west-1,s3"
        rows.append(
            f"{name},{arn('user', name)},2021-01-01T00:00:00+00:00,true,N/A,N/A,N/A,{factor},{key},{key},"
            "false,N/A,false,N/A\n"
        )
    (folder / "report.csv").write_text("".join(rows))
    details = {"UserDetailList": people, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies}
    (folder / "details.json").write_text(json.dumps(details, indent=4))


def run(*inputs):
    argv = [os.environ["GREAVE"], "audit", "--as-of", "2026-11-29", "--format", "json", *map(str, inputs)]
    began = time.monotonic()
    answer = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    seconds = time.monotonic() - began
    if answer.returncode > 1:
        sys.exit(f"greave audit ended with {answer.returncode}")
    # Of all children so far; there was one.
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return json.loads(answer.stdout), seconds, memory


def main():
    if sys.argv[1:2] == ["--openapi"]:
        report, seconds, memory = run(sys.argv[2])
        print(f"{report['inputs'][0]['holds']}\n{seconds:.2f} s, {memory:.0f} MB")
        return
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory(prefix="greave-audit-") as folder:
        folder = pathlib.Path(folder)
        write(folder, users)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        report, seconds, memory = run(*sorted(folder.iterdir()))
    keys = report["keys"]
    direct = sum(key["administrator"] for key in keys)
    step = sum(key["administrator_by_a_step"] for key in keys)
    print(f"{users} users, {len(keys)} keys, {size:.0f} MB of exports: {seconds:.2f} s, {memory:.0f} MB")
    print(f"{direct} keys do everything, {step} with one step; {len(report['findings'])} findings")


if __name__ == "__main__":
    main()
