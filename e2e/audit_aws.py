# run.sh: python3 aws
"""`greave audit` over exports of an AWS account that moto plays: `python3 audit_aws.py`.

Users, groups, policies, roles, second factors and keys are made with boto3, the exports are
fetched with boto3 as people fetch them, and what the audit finds is compared with what was
made. Nothing leaves this process: moto answers in the place of AWS. It leaves the boundaries of
users out of account authorization details, which AWS does not; those have tests of their own.
"""

import json
import os
import pathlib
import subprocess
import sys

from lib import SCRATCH, Checks

PYTHON = SCRATCH / "aws/bin/python"
if pathlib.Path(sys.prefix) != PYTHON.parent.parent and PYTHON.exists():
    os.execv(PYTHON, [PYTHON, "-B", __file__, *sys.argv[1:]])

import boto3
from moto import mock_aws

FOLDER = SCRATCH / "run/audit_aws"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def deny(operator):
    factor = {operator: {"aws:MultiFactorAuthPresent": "false"}}
    return {"Effect": "Deny", "NotAction": "sts:GetSessionToken", "Resource": "*", "Condition": factor}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions, resource="*"):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def trust(**who):
    return document({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})


def build(iam):
    """The account. Returns by user: whether the key does everything, by a step, and whether it is silent."""
    make = {
        # name: (statements, does everything, reaches it by this step)
        "open": ([EVERYTHING], True, None),
        "bool": ([EVERYTHING, deny("Bool")], True, None),
        "gated": ([EVERYTHING, deny("BoolIfExists")], False, None),
        "reader": ([allow("s3:Get*", "s3:List*")], False, None),
        "attacher": ([allow("iam:AttachUserPolicy", resource="arn:aws:iam::*:user/${aws:username}")], False, "iam:AttachUserPolicy on itself"),
        "elsewhere": ([allow("iam:AttachUserPolicy", resource="arn:aws:iam::*:user/nobody")], False, None),
        "minter": ([allow("iam:CreateAccessKey", resource="arn:aws:iam::*:user/open")], False, "iam:CreateAccessKey for others"),
        "assumer": ([allow("sts:AssumeRole")], False, "sts:AssumeRole"),
        "passer": ([allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")], False, "iam:PassRole to lambda:CreateFunction + lambda:InvokeFunction"),
        "wrong-service": ([allow("iam:PassRole", "glue:CreateJob", "glue:StartJobRun")], False, None),
        "joiner": ([allow("iam:AddUserToGroup")], False, "iam:AddUserToGroup for itself"),
        "versions": ([], False, "iam:SetDefaultPolicyVersion on a policy that it has"),
        "denied": ([allow("iam:*"), {"Effect": "Deny", "Action": ["iam:*"], "Resource": "*"}], False, None),
    }
    iam.create_group(GroupName="admins")
    iam.put_group_policy(GroupName="admins", PolicyName="all", PolicyDocument=document(EVERYTHING))
    old = iam.create_policy(PolicyName="old", PolicyDocument=document(EVERYTHING))["Policy"]["Arn"]
    narrow = document(allow("iam:SetDefaultPolicyVersion"))
    iam.create_policy_version(PolicyArn=old, PolicyDocument=narrow, SetAsDefault=True)
    iam.create_role(RoleName="for-lambda", AssumeRolePolicyDocument=trust(Service="lambda.amazonaws.com"))
    iam.create_role(RoleName="for-account", AssumeRolePolicyDocument=trust(AWS="arn:aws:iam::123456789012:root"))
    for role in ("for-lambda", "for-account"):
        iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=document(EVERYTHING))
    ids = {}
    for name, (statements, *_) in make.items():
        iam.create_user(UserName=name, Tags=[{"Key": "owner", "Value": "ada"}])
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
        ids[name] = iam.create_access_key(UserName=name)["AccessKey"]
    iam.attach_user_policy(UserName="versions", PolicyArn=old)
    for name in ("open", "gated"):
        iam.create_login_profile(UserName=name, Password="Not-A-Secret-Of-Anybody-1")
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321")
    return make, ids


def export(iam, make):
    """What one would run by hand: `aws iam …` for each of these, into a folder."""
    plain = lambda answer: json.dumps({name: value for name, value in answer.items() if name != "ResponseMetadata"}, default=str)
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass
    (FOLDER / "report.csv").write_bytes(iam.get_credential_report()["Content"])
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 5})
    (FOLDER / "details.json").write_text("\n".join(plain(page) for page in pages))
    keys = [plain(iam.list_access_keys(UserName=name)) for name in make]
    (FOLDER / "keys.json").write_text("\n".join(keys))
    factors = [plain(iam.list_mfa_devices(UserName=name)) for name in make]
    (FOLDER / "factors.json").write_text("\n".join(factors))
    (FOLDER / "summary.json").write_text(plain(iam.get_account_summary()))


def main():
    checks = Checks("audit_aws")
    for stale in FOLDER.glob("*"):
        stale.unlink()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        make, ids = build(iam)
        export(iam, make)
    answer = subprocess.run([os.environ["GREAVE"], "audit", "--format", "json", FOLDER], capture_output=True, text=True, check=False)
    report = json.loads(answer.stdout)
    checks.same(report["unread"], [], "every export was read")
    keys = {key["holders"][0]["name"]: key for key in report["keys"]}
    checks.same(len(report["keys"]), len(make), "every key is known once, whoever tells of it")
    named = {name: key["name"] or key["id"] for name, key in keys.items()}
    checks.same(named, {name: key["AccessKeyId"] for name, key in ids.items()}, "every key has its id")
    factors = {one["name"]: one["second_factor"] for one in report["accounts"]}
    wanted = {name: "yes" if name in ("open", "gated") else "no" for name in make}
    checks.same({name: factors.get(name) for name in make}, wanted, "who has a second factor")
    found = {}
    for one in report["findings"]:
        if one["rule"] == "to-administrator":
            found[one["subject"].split("/")[0]] = [evidence["what"] for evidence in one["evidence"]]
    for name, (_, everything, step) in make.items():
        checks.same(keys[name]["administrator"], everything, f"`{name}` does everything with the key alone")
        seen = found.get(name)
        holds = any(what.startswith(step) for what in seen or []) if step else not seen
        checks.that(holds, f"`{name}`: {step or 'no step to everything'}", seen)
    silent = keys["gated"]["without_second_factor"]["surely"]
    checks.same(silent, [], "a key that is asked for a second factor does nothing without")
    secrets = [secret["SecretAccessKey"] for secret in ids.values() if secret["SecretAccessKey"] in answer.stdout]
    checks.same(secrets, [], "no secret is in the report")
    checks.close()


if __name__ == "__main__":
    main()
