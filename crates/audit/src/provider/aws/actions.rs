//! What the actions of AWS let their caller do.
//!
//! The table has the actions that matter, judged by hand; every other action is judged by its
//! access level where a service reference is among the inputs, or else by its verb.

use std::collections::HashMap;

use law::{Power, Powers};

use super::policy::Policy;
use crate::glob;

/// One action: its powers, and the resources that it can be about.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) name: String,
    /// Its place among all actions.
    pub(super) number: usize,
    pub(super) powers: Powers,
    /// A pattern of ARNs, with `PARTITION` and `ACCOUNT` where those stand; `*` alone for actions
    /// that are about no single resource.
    resource: String,
}

/// Every action that an audit asks about: the table, and what the policies name beside it.
pub(super) struct Actions {
    all: Vec<Action>,
    by_name: HashMap<String, usize>,
    /// By number: which statements of all policies speak of it, one bit each.
    spoken_of: Vec<Vec<u64>>,
    levels: HashMap<String, Powers>,
}

const USER: &str = "arn:PARTITION:iam::ACCOUNT:user/*";
const GROUP: &str = "arn:PARTITION:iam::ACCOUNT:group/*";
const ROLE: &str = "arn:PARTITION:iam::ACCOUNT:role/*";
const POLICY: &str = "arn:PARTITION:iam::ACCOUNT:policy/*";
/// Of no single resource.
const NONE: &str = "*";
/// Of the service's own.
const OWN: &str = "";

/// Letters: r read, x export, w write, d destroy, s spend, n run, g grant, m mint, a disarm.
const TABLE: &[(&str, &str, &[&str])] = &[
    // Identity: credentials.
    (
        "m",
        USER,
        &[
            "iam:CreateAccessKey",
            "iam:UpdateAccessKey",
            "iam:CreateServiceSpecificCredential",
            "iam:ResetServiceSpecificCredential",
            "iam:UploadSSHPublicKey",
            "iam:UploadSigningCertificate",
            "iam:CreateLoginProfile",
            "iam:UpdateLoginProfile",
        ],
    ),
    (
        "md",
        USER,
        &["iam:DeleteAccessKey", "iam:DeleteLoginProfile", "iam:DeleteSSHPublicKey", "iam:DeleteSigningCertificate"],
    ),
    (
        "r",
        USER,
        &[
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListMFADevices",
            "iam:GetLoginProfile",
            "iam:ListAttachedUserPolicies",
            "iam:ListUserPolicies",
            "iam:ListGroupsForUser",
            "iam:GetAccessKeyLastUsed",
        ],
    ),
    (
        "r",
        NONE,
        &[
            "iam:ListUsers",
            "iam:ListRoles",
            "iam:ListGroups",
            "iam:ListPolicies",
            "iam:GetAccountSummary",
            "iam:ListAccountAliases",
            "iam:GetAccountPasswordPolicy",
        ],
    ),
    ("x", NONE, &["iam:GetCredentialReport", "iam:GenerateCredentialReport", "iam:GetAccountAuthorizationDetails"]),
    // Identity: rights.
    (
        "g",
        USER,
        &[
            "iam:CreateUser",
            "iam:UpdateUser",
            "iam:AttachUserPolicy",
            "iam:DetachUserPolicy",
            "iam:PutUserPolicy",
            "iam:DeleteUserPolicy",
            "iam:TagUser",
        ],
    ),
    ("gd", USER, &["iam:DeleteUser"]),
    ("ga", USER, &["iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"]),
    (
        "g",
        GROUP,
        &[
            "iam:AddUserToGroup",
            "iam:RemoveUserFromGroup",
            "iam:AttachGroupPolicy",
            "iam:DetachGroupPolicy",
            "iam:PutGroupPolicy",
            "iam:DeleteGroupPolicy",
            "iam:CreateGroup",
            "iam:UpdateGroup",
        ],
    ),
    ("gd", GROUP, &["iam:DeleteGroup"]),
    (
        "g",
        ROLE,
        &[
            "iam:CreateRole",
            "iam:UpdateRole",
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:PassRole",
            "iam:CreateServiceLinkedRole",
            "iam:TagRole",
        ],
    ),
    ("gd", ROLE, &["iam:DeleteRole"]),
    ("ga", ROLE, &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]),
    ("r", ROLE, &["iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"]),
    (
        "g",
        POLICY,
        &["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicyVersion"],
    ),
    ("gd", POLICY, &["iam:DeletePolicy"]),
    ("r", POLICY, &["iam:GetPolicy", "iam:GetPolicyVersion"]),
    (
        "g",
        "arn:PARTITION:iam::ACCOUNT:instance-profile/*",
        &["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile"],
    ),
    ("ga", "arn:PARTITION:iam::ACCOUNT:saml-provider/*", &["iam:CreateSAMLProvider", "iam:UpdateSAMLProvider"]),
    (
        "ga",
        "arn:PARTITION:iam::ACCOUNT:oidc-provider/*",
        &[
            "iam:CreateOpenIDConnectProvider",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:UpdateOpenIDConnectProviderThumbprint",
        ],
    ),
    // Identity: protection.
    ("a", USER, &["iam:DeactivateMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice"]),
    ("a", "arn:PARTITION:iam::ACCOUNT:mfa/*", &["iam:DeleteVirtualMFADevice", "iam:CreateVirtualMFADevice"]),
    (
        "a",
        NONE,
        &[
            "iam:UpdateAccountPasswordPolicy",
            "iam:DeleteAccountPasswordPolicy",
            "iam:SetSecurityTokenServicePreferences",
        ],
    ),
    // Sessions.
    ("g", ROLE, &["sts:AssumeRole", "sts:TagSession"]),
    ("m", "arn:PARTITION:sts::ACCOUNT:federated-user/*", &["sts:GetFederationToken"]),
    ("r", NONE, &["sts:GetCallerIdentity", "sts:DecodeAuthorizationMessage"]),
    // Secrets and keys.
    (
        "m",
        OWN,
        &[
            "secretsmanager:GetSecretValue",
            "secretsmanager:BatchGetSecretValue",
            "secretsmanager:CreateSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecret",
            "secretsmanager:RotateSecret",
        ],
    ),
    ("md", OWN, &["secretsmanager:DeleteSecret"]),
    ("g", OWN, &["secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy"]),
    ("r", OWN, &["secretsmanager:DescribeSecret"]),
    ("x", OWN, &["kms:Decrypt", "kms:ReEncryptFrom"]),
    ("r", OWN, &["kms:DescribeKey", "kms:GenerateDataKey", "kms:Encrypt"]),
    ("g", OWN, &["kms:CreateGrant", "kms:PutKeyPolicy", "kms:RevokeGrant"]),
    ("ad", OWN, &["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial"]),
    ("a", OWN, &["kms:DisableKeyRotation"]),
    // Storage.
    ("r", "arn:PARTITION:s3:::*/*", &["s3:GetObject", "s3:GetObjectVersion"]),
    ("r", "arn:PARTITION:s3:::*", &["s3:ListBucket", "s3:GetBucketPolicy", "s3:GetBucketAcl"]),
    ("r", NONE, &["s3:ListAllMyBuckets"]),
    ("w", "arn:PARTITION:s3:::*/*", &["s3:PutObject", "s3:PutObjectTagging", "s3:RestoreObject"]),
    ("d", "arn:PARTITION:s3:::*/*", &["s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ("d", "arn:PARTITION:s3:::*", &["s3:DeleteBucket", "s3:PutLifecycleConfiguration"]),
    (
        "g",
        "arn:PARTITION:s3:::*",
        &[
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            "s3:PutBucketAcl",
            "s3:PutAccessPointPolicy",
            "s3:PutReplicationConfiguration",
        ],
    ),
    ("g", "arn:PARTITION:s3:::*/*", &["s3:PutObjectAcl", "s3:ObjectOwnerOverrideToBucketOwner"]),
    (
        "a",
        "arn:PARTITION:s3:::*",
        &[
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketLogging",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketObjectLockConfiguration",
        ],
    ),
    (
        "a",
        "arn:PARTITION:s3:::*/*",
        &["s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold"],
    ),
    ("a", NONE, &["s3:PutAccountPublicAccessBlock"]),
    ("w", "arn:PARTITION:s3:::*", &["s3:CreateBucket"]),
    // Machines and networks.
    ("ns", OWN, &["ec2:RunInstances", "ec2:RequestSpotInstances", "ec2:CreateFleet", "ec2:StartInstances"]),
    (
        "s",
        NONE,
        &["ec2:PurchaseReservedInstancesOffering", "ec2:PurchaseHostReservation", "ec2:PurchaseScheduledInstances"],
    ),
    (
        "s",
        OWN,
        &[
            "ec2:AllocateHosts",
            "rds:PurchaseReservedDBInstancesOffering",
            "dynamodb:PurchaseReservedCapacityOfferings",
            "elasticache:PurchaseReservedCacheNodesOffering",
        ],
    ),
    (
        "d",
        OWN,
        &["ec2:TerminateInstances", "ec2:DeleteVolume", "ec2:DeleteSnapshot", "ec2:DeregisterImage", "ec2:DeleteVpc"],
    ),
    (
        "a",
        OWN,
        &[
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:ModifySecurityGroupRules",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:CreateNetworkAclEntry",
            "ec2:ReplaceNetworkAclEntry",
            "ec2:DeleteNetworkAclEntry",
            "ec2:DeleteFlowLogs",
        ],
    ),
    (
        "a",
        NONE,
        &[
            "ec2:DisableEbsEncryptionByDefault",
            "ec2:DisableSnapshotBlockPublicAccess",
            "ec2:DisableImageBlockPublicAccess",
        ],
    ),
    (
        "g",
        OWN,
        &[
            "ec2:ModifySnapshotAttribute",
            "ec2:ModifyImageAttribute",
            "ec2:AssociateIamInstanceProfile",
            "ec2:ReplaceIamInstanceProfileAssociation",
            "ec2:CreateVpcPeeringConnection",
            "ec2:AcceptVpcPeeringConnection",
        ],
    ),
    ("m", OWN, &["ec2:GetPasswordData", "ec2:CreateKeyPair", "ec2:ImportKeyPair"]),
    (
        "n",
        OWN,
        &[
            "ec2:ModifyInstanceAttribute",
            "ec2-instance-connect:SendSSHPublicKey",
            "ec2-instance-connect:SendSerialConsoleSSHPublicKey",
        ],
    ),
    (
        "x",
        OWN,
        &[
            "ec2:CreateSnapshot",
            "ec2:CreateSnapshots",
            "ec2:CopySnapshot",
            "ec2:CreateStoreImageTask",
            "ec2:CreateInstanceExportTask",
            "ebs:GetSnapshotBlock",
        ],
    ),
    (
        "w",
        OWN,
        &["ec2:StopInstances", "ec2:RebootInstances", "ec2:CreateTags", "ec2:CreateVolume", "ec2:CreateSecurityGroup"],
    ),
    ("r", NONE, &["ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeVpcs"]),
    ("r", OWN, &["ec2:GetConsoleOutput", "ec2:GetConsoleScreenshot"]),
    // Running code.
    (
        "n",
        OWN,
        &[
            "ssm:SendCommand",
            "ssm:StartSession",
            "ssm:ResumeSession",
            "ssm:StartAutomationExecution",
            "ssm:CreateAssociation",
        ],
    ),
    ("m", OWN, &["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]),
    ("w", OWN, &["ssm:PutParameter"]),
    (
        "n",
        OWN,
        &[
            "lambda:InvokeFunction",
            "lambda:InvokeAsync",
            "lambda:CreateFunction",
            "lambda:UpdateFunctionCode",
            "lambda:PublishLayerVersion",
            "lambda:UpdateFunctionConfiguration",
        ],
    ),
    ("n", NONE, &["lambda:CreateEventSourceMapping"]),
    ("g", OWN, &["lambda:AddPermission", "lambda:AddLayerVersionPermission", "lambda:CreateFunctionUrlConfig"]),
    ("d", OWN, &["lambda:DeleteFunction"]),
    ("r", OWN, &["lambda:GetFunction", "lambda:GetFunctionConfiguration"]),
    ("r", NONE, &["lambda:ListFunctions"]),
    (
        "n",
        OWN,
        &[
            "ecs:RunTask",
            "ecs:StartTask",
            "ecs:ExecuteCommand",
            "ecs:UpdateService",
            "ecs:CreateService",
            "codebuild:CreateProject",
            "codebuild:UpdateProject",
            "codebuild:StartBuild",
            "codepipeline:StartPipelineExecution",
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:ExecuteChangeSet",
            "states:StartExecution",
            "states:CreateStateMachine",
            "states:UpdateStateMachine",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:CreateTrainingJob",
            "batch:SubmitJob",
            "eks:CreateCluster",
        ],
    ),
    ("n", NONE, &["ecs:RegisterTaskDefinition"]),
    (
        "n",
        OWN,
        &["glue:CreateJob", "glue:StartJobRun", "glue:UpdateJob", "glue:CreateDevEndpoint", "glue:UpdateDevEndpoint"],
    ),
    ("m", OWN, &["sagemaker:CreatePresignedNotebookInstanceUrl", "sagemaker:CreatePresignedDomainUrl"]),
    ("g", OWN, &["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"]),
    ("d", OWN, &["cloudformation:DeleteStack", "eks:DeleteCluster", "ecs:DeleteCluster"]),
    ("m", NONE, &["ecr:GetAuthorizationToken"]),
    ("w", OWN, &["ecr:PutImage"]),
    ("g", OWN, &["ecr:SetRepositoryPolicy"]),
    // What watches.
    (
        "a",
        OWN,
        &[
            "cloudtrail:StopLogging",
            "cloudtrail:DeleteTrail",
            "cloudtrail:UpdateTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:DeleteEventDataStore",
            "cloudtrail:StopEventDataStoreIngestion",
        ],
    ),
    ("x", NONE, &["cloudtrail:LookupEvents"]),
    (
        "a",
        OWN,
        &[
            "guardduty:DeleteDetector",
            "guardduty:UpdateDetector",
            "guardduty:CreateFilter",
            "guardduty:CreateIPSet",
            "guardduty:DisassociateFromAdministratorAccount",
            "guardduty:StopMonitoringMembers",
            "guardduty:DeleteMembers",
        ],
    ),
    ("a", OWN, &["config:DeleteConfigRule", "config:DeleteDeliveryChannel", "config:DeleteConfigurationRecorder"]),
    ("a", NONE, &["config:StopConfigurationRecorder", "config:PutConfigurationRecorder", "config:PutDeliveryChannel"]),
    (
        "a",
        OWN,
        &[
            "securityhub:DisableSecurityHub",
            "securityhub:BatchDisableStandards",
            "securityhub:UpdateStandardsControl",
            "securityhub:DeleteMembers",
            "access-analyzer:DeleteAnalyzer",
            "macie2:DisableMacie",
            "inspector2:Disable",
            "detective:DeleteGraph",
        ],
    ),
    (
        "a",
        OWN,
        &[
            "logs:DeleteLogGroup",
            "logs:DeleteLogStream",
            "logs:PutRetentionPolicy",
            "logs:DeleteMetricFilter",
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DisableAlarmActions",
            "events:DisableRule",
            "events:DeleteRule",
            "sns:Unsubscribe",
        ],
    ),
    ("r", OWN, &["logs:GetLogEvents", "logs:FilterLogEvents", "cloudwatch:GetMetricData"]),
    (
        "a",
        OWN,
        &[
            "wafv2:DeleteWebACL",
            "wafv2:UpdateWebACL",
            "wafv2:DisassociateWebACL",
            "waf:DeleteWebACL",
            "waf:UpdateWebACL",
            "shield:DeleteProtection",
            "network-firewall:DeleteFirewall",
            "network-firewall:UpdateFirewallDeleteProtection",
        ],
    ),
    // The organisation and its people.
    (
        "a",
        OWN,
        &[
            "organizations:LeaveOrganization",
            "organizations:DetachPolicy",
            "organizations:DeletePolicy",
            "organizations:UpdatePolicy",
            "organizations:DisablePolicyType",
            "organizations:RemoveAccountFromOrganization",
        ],
    ),
    (
        "g",
        OWN,
        &[
            "organizations:AttachPolicy",
            "organizations:InviteAccountToOrganization",
            "organizations:CreateAccount",
            "organizations:RegisterDelegatedAdministrator",
            "organizations:MoveAccount",
        ],
    ),
    ("d", OWN, &["organizations:CloseAccount", "organizations:DeleteOrganization"]),
    ("a", OWN, &["account:PutAlternateContact", "account:PutContactInformation", "account:StartPrimaryEmailUpdate"]),
    (
        "g",
        OWN,
        &[
            "sso:CreateAccountAssignment",
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:PutInlinePolicyToPermissionSet",
            "sso:ProvisionPermissionSet",
            "identitystore:CreateGroupMembership",
            "identitystore:CreateUser",
            "ram:CreateResourceShare",
            "ram:AssociateResourceShare",
        ],
    ),
    ("g", OWN, &["cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminCreateUser"]),
    ("m", OWN, &["cognito-idp:AdminSetUserPassword", "cognito-idp:AdminResetUserPassword"]),
    ("a", OWN, &["cognito-idp:AdminSetUserMFAPreference", "cognito-idp:SetUserPoolMfaConfig"]),
    ("s", NONE, &["aws-marketplace:Subscribe", "aws-portal:ModifyBilling", "aws-portal:ModifyPaymentMethods"]),
    (
        "s",
        OWN,
        &[
            "payments:CreatePaymentInstrument",
            "route53domains:RegisterDomain",
            "savingsplans:CreateSavingsPlan",
            "bedrock:InvokeModel",
            "bedrock:CreateProvisionedModelThroughput",
        ],
    ),
    // Data.
    ("r", OWN, &["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"]),
    (
        "x",
        OWN,
        &[
            "dynamodb:Scan",
            "dynamodb:ExportTableToPointInTime",
            "rds:StartExportTask",
            "rds:CopyDBSnapshot",
            "rds:DownloadCompleteDBLogFile",
            "redshift:CopyClusterSnapshot",
        ],
    ),
    ("w", OWN, &["dynamodb:PutItem", "dynamodb:UpdateItem"]),
    (
        "d",
        OWN,
        &[
            "dynamodb:DeleteItem",
            "dynamodb:DeleteTable",
            "rds:DeleteDBInstance",
            "rds:DeleteDBCluster",
            "rds:DeleteDBSnapshot",
            "redshift:DeleteCluster",
            "elasticache:DeleteCacheCluster",
            "backup:DeleteRecoveryPoint",
            "backup:DeleteBackupVault",
            "glacier:DeleteVault",
            "sqs:DeleteQueue",
            "sqs:PurgeQueue",
            "sns:DeleteTopic",
        ],
    ),
    (
        "g",
        OWN,
        &[
            "rds:ModifyDBSnapshotAttribute",
            "rds:ModifyDBClusterSnapshotAttribute",
            "sns:AddPermission",
            "sqs:AddPermission",
            "sns:SetTopicAttributes",
            "sqs:SetQueueAttributes",
        ],
    ),
    ("m", OWN, &["rds:ModifyDBInstance", "rds-db:connect", "redshift:GetClusterCredentials", "rds:ModifyDBCluster"]),
    (
        "a",
        OWN,
        &[
            "backup:PutBackupVaultAccessPolicy",
            "backup:DeleteBackupVaultLockConfiguration",
            "rds:AuthorizeDBSecurityGroupIngress",
            "redshift:AuthorizeClusterSecurityGroupIngress",
        ],
    ),
    ("w", OWN, &["sqs:SendMessage", "sns:Publish", "ses:SendEmail", "kinesis:PutRecord"]),
    ("r", OWN, &["sqs:ReceiveMessage", "kinesis:GetRecords"]),
    ("w", OWN, &["route53:ChangeResourceRecordSets", "cloudfront:UpdateDistribution"]),
    ("d", OWN, &["route53:DeleteHostedZone"]),
];

fn letters(letters: &str) -> Powers {
    let power = |letter| match letter {
        'r' => Some(Power::Read),
        'x' => Some(Power::Export),
        'w' => Some(Power::Write),
        'd' => Some(Power::Destroy),
        's' => Some(Power::Spend),
        'n' => Some(Power::Run),
        'g' => Some(Power::Grant),
        'm' => Some(Power::Mint),
        'a' => Some(Power::Disarm),
        _ => None,
    };
    letters.chars().filter_map(power).collect()
}

impl Actions {
    /// The table, and the access levels of a service reference, where one was given.
    pub(super) fn new(levels: HashMap<String, Powers>) -> Self {
        let mut actions = Self { all: Vec::new(), by_name: HashMap::new(), spoken_of: Vec::new(), levels };
        for (powers, resource, names) in TABLE {
            for name in *names {
                let resource = if *resource == OWN { own(name) } else { (*resource).to_owned() };
                actions.add(name, letters(powers), resource);
            }
        }
        actions
    }

    fn add(&mut self, name: &str, powers: Powers, resource: String) {
        let number = self.all.len();
        self.by_name.insert(name.to_lowercase(), number);
        self.all.push(Action { name: name.to_owned(), number, powers, resource });
    }

    /// What each action can be about in an account, by the action's number.
    pub(super) fn resources(&self, partition: &str, account: &str) -> Vec<String> {
        let here = |action: &Action| action.resource.replace("PARTITION", partition).replace("ACCOUNT", account);
        self.all.iter().map(here).collect()
    }

    pub(super) fn number_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    /// Tells every statement which actions it is about.
    pub(super) fn number(&mut self, policies: &mut [Policy]) {
        self.spoken_of = vec![Vec::new(); self.all.len()];
        let statements = policies.iter_mut().flat_map(|policy| &mut policy.statements);
        for (at, statement) in statements.enumerate() {
            let mut about = vec![0_u64; self.all.len().div_ceil(64)];
            for (action, spoken_of) in self.all.iter().zip(&mut self.spoken_of) {
                if !statement.is_about(&action.name) {
                    continue;
                }
                if let Some(word) = about.get_mut(action.number / 64) {
                    *word |= 1 << (action.number % 64);
                }
                spoken_of.resize(at / 64 + 1, 0);
                if let Some(word) = spoken_of.last_mut() {
                    *word |= 1 << (at % 64);
                }
            }
            statement.about = about;
        }
    }

    /// Which statements speak of an action: the same for actions that no policy tells apart.
    pub(super) fn spoken_of(&self, action: &Action) -> &[u64] {
        self.spoken_of.get(action.number).map_or(&[], Vec::as_slice)
    }

    /// Takes up what a policy names and the table does not have.
    pub(super) fn take_up(&mut self, pattern: &str) {
        let known = |action: &Action| glob::matches_any_case(pattern, &action.name);
        if self.by_name.contains_key(&pattern.to_lowercase()) || !pattern.contains(':') || self.all.iter().any(known) {
            return;
        }
        let powers = self.judge(pattern);
        self.add(pattern, powers, own(pattern));
    }

    fn judge(&self, pattern: &str) -> Powers {
        let levels = self.levels.iter().filter(|(name, _)| glob::matches_any_case(pattern, name));
        levels.map(|(_, powers)| *powers).reduce(Powers::union).unwrap_or_else(|| by_verb(pattern))
    }

    /// What an action lets its caller do, be it in the table or not.
    pub(super) fn powers_of(&self, name: &str) -> Powers {
        let known = self.by_name.get(&name.to_lowercase()).and_then(|at| self.all.get(*at));
        known.map_or_else(|| self.judge(name), |action| action.powers)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Action> {
        self.all.iter()
    }
}

/// Resources of the service's own. Where an action is about one kind of them, a deny of all of
/// that kind denies the action.
fn own(action: &str) -> String {
    let (service, verb) = action.split_once(':').unwrap_or((action, ""));
    let is = |word: &str| verb.contains(word);
    let of = |kind: &str| format!("arn:PARTITION:{}:*:ACCOUNT:{kind}", service.to_lowercase());
    match service {
        "lambda" if is("Layer") => of("layer:*"),
        "lambda" => of("function:*"),
        "dynamodb" => of("table/*"),
        "secretsmanager" => of("secret:*"),
        "kms" => of("key/*"),
        "sns" | "sqs" | "sdb" => of("*"),
        "ssm" if is("Parameter") => of("parameter/*"),
        "ssm" if is("SendCommand") || is("StartSession") => "arn:PARTITION:ec2:*:ACCOUNT:instance/*".to_owned(),
        "ec2-instance-connect" => "arn:PARTITION:ec2:*:ACCOUNT:instance/*".to_owned(),
        "ec2" if is("Instances") || is("InstanceAttribute") || is("IamInstanceProfile") => of("instance/*"),
        "ec2" if is("SecurityGroup") => of("security-group/*"),
        "ecs" if is("RunTask") || is("StartTask") => of("task-definition/*"),
        "ecs" if is("Service") => of("service/*"),
        "cloudformation" if is("Stack") || is("ChangeSet") => of("stack/*"),
        "codebuild" => of("project/*"),
        "cloudtrail" if is("Trail") || is("Logging") || is("EventSelectors") => of("trail/*"),
        "guardduty" => of("detector/*"),
        _ => format!("arn:PARTITION:{}:*", service.to_lowercase()),
    }
}

/// What the access level of a service reference lets its caller do.
pub(super) fn by_level(action: &str, level: &str) -> Powers {
    match level {
        "Read" | "List" => {
            by_verb(action).intersection(Powers::from(Power::Export).with(Power::Mint)).with(Power::Read)
        }
        "Permissions management" => Power::Grant.into(),
        _ => by_verb(action).without(Power::Read).with(Power::Write),
    }
}

/// What an action's verb and object say. A pattern that says neither reads, writes and destroys.
pub(super) fn by_verb(action: &str) -> Powers {
    let word = action.rsplit(':').next().unwrap_or(action);
    let begins = |verbs: &[&str]| verbs.iter().any(|verb| word.starts_with(verb));
    let about = |objects: &[&str]| objects.iter().any(|object| word.contains(object));
    let reads = begins(&[
        "Get",
        "List",
        "Describe",
        "Head",
        "BatchGet",
        "BatchDescribe",
        "Search",
        "Query",
        "Select",
        "View",
        "Lookup",
        "Check",
        "Test",
        "Validate",
        "Estimate",
        "Preview",
        "Detect",
        "Read",
    ]);
    let credential = about(&[
        "Secret",
        "Password",
        "Credential",
        "AccessKey",
        "ApiKey",
        "AuthToken",
        "AuthorizationToken",
        "KeyPair",
    ]);
    if reads {
        let secret = credential && !begins(&["List", "Describe"]);
        return if secret { Power::Mint.into() } else { Power::Read.into() };
    }
    let mut powers = Powers::NONE;
    if begins(&["Delete", "Remove", "Terminate", "Purge", "Destroy", "Deregister", "BatchDelete", "Drop"]) {
        powers = powers.with(Power::Destroy);
    } else if begins(&["Export", "Download", "Dump"]) {
        powers = powers.with(Power::Export);
    } else if begins(&["Run", "Invoke", "Execute", "Start", "Submit", "Deploy"]) {
        powers = powers.with(Power::Run);
    } else if begins(&["Purchase", "Buy", "Subscribe"]) {
        powers = powers.with(Power::Spend);
    } else if word.starts_with('*') {
        return Powers::from(Power::Read).with(Power::Write).with(Power::Destroy);
    } else {
        powers = powers.with(Power::Write);
    }
    if about(&["Permission", "ResourcePolicy", "AccessPolicy", "Grant", "Share", "Membership"]) {
        powers = powers.with(Power::Grant);
    }
    if credential {
        powers = powers.with(Power::Mint);
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_action_once_and_has_every_power() {
        let actions = Actions::new(HashMap::new());
        assert_eq!(actions.by_name.len(), actions.all.len());
        assert_eq!(actions.iter().map(|action| action.powers).reduce(Powers::union), Some(Powers::EVERY));
        for action in actions.iter() {
            assert!(!action.powers.is_empty(), "{}", action.name);
        }
    }

    #[test]
    fn what_the_table_does_not_have_is_judged_by_its_verb_or_its_level() {
        assert_eq!(by_verb("x:ListThings"), Power::Read.into());
        assert_eq!(by_verb("x:GetSecretThing"), Power::Mint.into());
        assert_eq!(by_verb("x:ListSecrets"), Power::Read.into());
        assert_eq!(by_verb("x:DeleteThing"), Power::Destroy.into());
        assert_eq!(by_verb("x:PutResourcePolicy"), Powers::from(Power::Write).with(Power::Grant));
        assert_eq!(by_level("x:ShareIt", "Permissions management"), Power::Grant.into());
        let mut actions = Actions::new(HashMap::from([("odd:frob".to_owned(), Power::Read.into())]));
        let before = actions.all.len();
        for known in ["iam:*", "s3:GetObject", "S3:getobject", "*"] {
            actions.take_up(known);
        }
        assert_eq!(actions.all.len(), before);
        actions.take_up("odd:*");
        assert_eq!(actions.all.get(before).map(|action| action.powers), Some(Power::Read.into()));
    }
}
