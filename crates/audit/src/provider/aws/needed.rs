//! The policy that would have been enough for what a key did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::estate::Seen;

/// Calls that CloudTrail names otherwise than policies do.
const NAMES: [(&str, &[&str]); 23] = [
    ("s3:ListObjects", &["s3:ListBucket"]),
    ("s3:ListObjectsV2", &["s3:ListBucket"]),
    ("s3:ListObjectVersions", &["s3:ListBucketVersions"]),
    ("s3:HeadBucket", &["s3:ListBucket"]),
    ("s3:ListBuckets", &["s3:ListAllMyBuckets"]),
    ("s3:HeadObject", &["s3:GetObject"]),
    ("s3:CopyObject", &["s3:GetObject", "s3:PutObject"]),
    ("s3:DeleteObjects", &["s3:DeleteObject"]),
    ("s3:CreateMultipartUpload", &["s3:PutObject"]),
    ("s3:CompleteMultipartUpload", &["s3:PutObject"]),
    ("s3:UploadPart", &["s3:PutObject"]),
    ("s3:GetBucketEncryption", &["s3:GetEncryptionConfiguration"]),
    ("s3:PutBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    ("s3:DeleteBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    ("s3:GetBucketLifecycle", &["s3:GetLifecycleConfiguration"]),
    ("s3:PutBucketLifecycle", &["s3:PutLifecycleConfiguration"]),
    ("s3:GetBucketReplication", &["s3:GetReplicationConfiguration"]),
    ("s3:PutBucketReplication", &["s3:PutReplicationConfiguration"]),
    ("s3:GetBucketCors", &["s3:GetBucketCORS"]),
    ("s3:PutBucketCors", &["s3:PutBucketCORS"]),
    ("s3:DeletePublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    ("s3:PutPublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    ("lambda:Invoke", &["lambda:InvokeFunction"]),
];

/// Services whose events have another name in front than policies do.
const SERVICES: [(&str, &str); 3] = [("monitoring", "cloudwatch"), ("email", "ses"), ("tagging", "tag")];

/// A policy of what was done, on what it was done to as far as the trail says.
pub(crate) fn narrower(seen: &Seen) -> String {
    let mut statements: BTreeMap<Vec<&str>, BTreeSet<String>> = BTreeMap::new();
    // What it did in a role only, the role was allowed, not the key.
    let own = |(action, times): &&(String, u64)| seen.in_roles.get(action).is_none_or(|in_roles| in_roles < times);
    for (action, _) in seen.actions.iter().filter(own) {
        let targets = seen.on.get(action).filter(|targets| !targets.is_empty());
        let targets = targets.map_or_else(|| vec!["*"], |all| all.iter().map(String::as_str).collect());
        statements.entry(targets).or_default().extend(names(action));
    }
    let statements: Vec<_> = statements
        .into_iter()
        .map(|(targets, actions)| json!({"Effect": "Allow", "Action": actions, "Resource": targets}))
        .collect();
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    format!("enough would have been {policy}; narrow what is still `*`, and try it before you rely on it")
}

fn names(action: &str) -> Vec<String> {
    if let Some((_, names)) = NAMES.iter().find(|(name, _)| *name == action) {
        return names.iter().map(|name| (*name).to_owned()).collect();
    }
    let (service, verb) = action.split_once(':').unwrap_or((action, "*"));
    let service = SERVICES.iter().find(|(name, _)| *name == service).map_or(service, |(_, known)| known);
    vec![format!("{service}:{verb}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_name_what_the_trail_calls_otherwise() {
        assert_eq!(names("s3:ListObjectsV2"), ["s3:ListBucket"]);
        assert_eq!(names("s3:CopyObject"), ["s3:GetObject", "s3:PutObject"]);
        assert_eq!(names("monitoring:PutMetricData"), ["cloudwatch:PutMetricData"]);
        assert_eq!(names("ec2:RunInstances"), ["ec2:RunInstances"]);
    }
}
