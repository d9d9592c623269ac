//! When a statement holds: three-valued, over what is known of a caller.
//!
//! What a request does not carry is *absent*, and that is a value of its own: most operators do
//! not hold for it, those that negate do, and `IfExists` and `Null` ask for it by name. What it
//! carries and nobody here knows is unknown, and so is what follows from it.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::policy::words;
use crate::{glob, moment};

/// What stands where a variable has no value: nothing is like it.
pub(super) const NOTHING: char = '\u{0}';

/// Whether something holds; the order is how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    No,
    Unknown,
    Yes,
}

impl Holds {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unknown,
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Holds {
    fn from(so: bool) -> Self {
        if so { Self::Yes } else { Self::No }
    }
}

/// What a request says of itself under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'s> {
    /// The request does not carry it.
    Absent,
    /// It carries this.
    Is(Cow<'s, str>),
    /// The caller may choose what it carries.
    Chosen,
    /// Nobody here knows.
    Unknown,
}

/// What is known of a caller. Copies share what they have in common: a question about each role of
/// an account asks of one caller.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// By lower-case name, beside those that [`Context::said`] knows.
    known: Arc<HashMap<String, Said<'static>>>,
    /// What the caller says for the moment, by lower-case name; the last one counts.
    chosen: Vec<(&'static str, Arc<str>)>,
    /// What is known of the user or role that the call is about.
    resource: Option<Arc<Resource>>,
    /// Whether it is a session without a second factor, which IAM does not listen to.
    pub(super) is_bare_session: bool,
}

/// What is known of what a call is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Resource {
    pub(super) tags: Vec<(String, String)>,
    pub(super) boundary: Option<String>,
}

impl Said<'_> {
    fn borrowed(&self) -> Said<'_> {
        match self {
            Self::Absent => Said::Absent,
            Self::Is(value) => Said::Is(Cow::Borrowed(value)),
            Self::Chosen => Said::Chosen,
            Self::Unknown => Said::Unknown,
        }
    }
}

impl Context {
    /// A caller with a long-term key: it carries nothing about a second factor, true or false.
    pub(super) fn long_term(
        user: &str,
        id: &str,
        arn: &str,
        account: &str,
        tags: &[(String, String)],
        now: Timestamp,
    ) -> Self {
        let mut known = HashMap::new();
        let mut is = |name: &str, value: &str| known.insert(name.to_owned(), Said::Is(Cow::Owned(value.to_owned())));
        is("aws:username", user);
        // An account's own resources; those of others ask for the others' yes, too.
        is("aws:resourceaccount", account);
        is("aws:principalarn", arn);
        is("aws:principalaccount", account);
        is("aws:principaltype", "User");
        is("aws:viaawsservice", "false");
        is("aws:principalisawsservice", "false");
        is("aws:currenttime", &now.to_string());
        is("aws:epochtime", &now.as_second().to_string());
        for (tag, value) in tags {
            is(&format!("aws:principaltag/{}", tag.to_lowercase()), value);
        }
        if !id.is_empty() {
            is("aws:userid", id);
        }
        for absent in [
            "aws:multifactorauthpresent",
            "aws:multifactorauthage",
            "aws:tokenissuetime",
            "aws:federatedprovider",
            "aws:sourceidentity",
            "aws:calledvia",
            "aws:calledviafirst",
            "aws:calledvialast",
            "aws:sourcearn",
            "aws:sourceaccount",
            "aws:principalservicename",
            "aws:principalservicenameslist",
        ] {
            known.insert(absent.to_owned(), Said::Absent);
        }
        Self { known: Arc::new(known), chosen: Vec::new(), resource: None, is_bare_session: false }
    }

    /// The same caller, who says this under one name.
    pub(super) fn saying(&self, name: &'static str, value: &str) -> Self {
        let mut context = self.clone();
        context.chosen.push((name, value.into()));
        context
    }

    /// The same caller, who acts on this user or role.
    pub(super) fn acting_on(&self, resource: &Arc<Resource>) -> Self {
        Self { resource: Some(Arc::clone(resource)), ..self.clone() }
    }

    fn know(&mut self, name: &str, said: Said<'static>) {
        Arc::make_mut(&mut self.known).insert(name.to_owned(), said);
    }

    /// The same caller with a session that began with a second factor.
    pub(super) fn with_second_factor(mut self) -> Self {
        self.know("aws:multifactorauthpresent", Said::Is(Cow::Borrowed("true")));
        self.know("aws:multifactorauthage", Said::Is(Cow::Borrowed("0")));
        self.session();
        self
    }

    /// The same caller with a session that began without one: `sts:GetSessionToken` asks nobody.
    pub(super) fn with_session(mut self) -> Self {
        self.know("aws:multifactorauthpresent", Said::Is(Cow::Borrowed("false")));
        self.is_bare_session = true;
        self.session();
        self
    }

    /// Sessions say when they began: now.
    fn session(&mut self) {
        let now = self.known.get("aws:currenttime").cloned().unwrap_or(Said::Unknown);
        self.know("aws:tokenissuetime", now);
    }

    /// A session of a role that was taken without a second factor: it says so.
    pub(super) fn role_session(
        arn: &str,
        account: &str,
        tags: &[(String, String)],
        second_factor: bool,
        now: Timestamp,
    ) -> Self {
        let mut context = Self::long_term("", "", arn, account, tags, now);
        context.know("aws:username", Said::Absent);
        context.know("aws:principaltype", Said::Is(Cow::Borrowed("AssumedRole")));
        let present = if second_factor { "true" } else { "false" };
        context.know("aws:multifactorauthpresent", Said::Is(Cow::Borrowed(present)));
        if second_factor {
            context.know("aws:multifactorauthage", Said::Is(Cow::Borrowed("0")));
        }
        context.session();
        context
    }

    /// What the request says under this name, which is in small letters.
    pub(super) fn said(&self, name: &str) -> Said<'_> {
        if let Some((_, value)) = self.chosen.iter().rev().find(|(chosen, _)| *chosen == name) {
            return Said::Is(Cow::Borrowed(value));
        }
        if let Some(said) = self.known.get(name) {
            return said.borrowed();
        }
        if let Some(Resource { tags, boundary }) = self.resource.as_deref() {
            let tag = name.strip_prefix("aws:resourcetag/").or_else(|| name.strip_prefix("iam:resourcetag/"));
            if let Some(tag) = tag {
                let value = tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
                return value.map_or(Said::Absent, |(_, value)| Said::Is(Cow::Borrowed(value)));
            }
            if name == "iam:permissionsboundary" {
                return boundary.as_deref().map_or(Said::Absent, |boundary| Said::Is(Cow::Borrowed(boundary)));
            }
        }
        match name {
            "aws:requestedregion"
            | "aws:securetransport"
            | "aws:useragent"
            | "aws:referer"
            | "aws:tagkeys"
            | "iam:passedtoservice"
            | "iam:policyarn"
            | "iam:associatedresourcearn"
            | "iam:permissionsboundary"
            | "iam:awsservicename"
            | "sts:rolesessionname"
            | "sts:sourceidentity"
            | "sts:transitivetagkeys"
            | "ec2:instancetype"
            | "s3:prefix"
            | "s3:delimiter"
            | "s3:max-keys" => Said::Chosen,
            tag if tag.starts_with("aws:requesttag/") => Said::Chosen,
            // A user's tags are all in the export.
            tag if tag.starts_with("aws:principaltag/") => Said::Absent,
            _ => Said::Unknown,
        }
    }
}

/// One operator, one name, its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    operator: Operator,
    negated: bool,
    if_exists: bool,
    for_all: bool,
    for_any: bool,
    /// As it is written.
    pub(super) name: String,
    /// The same in small letters.
    pub(super) asks: String,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Bool,
    Equals,
    EqualsIgnoreCase,
    Like,
    Number(Compare),
    Date(Compare),
    Address,
    Null,
    /// One that is not known here.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Every condition of a statement; all of them have to hold.
    pub(super) fn read_all(value: &Value, variables: bool) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        for (operator, names) in value.as_object()? {
            for (name, values) in names.as_object()? {
                let literal = |word: String| if variables { word } else { word.replace("${", "${$}{") };
                all.push(Self::read(operator, name, words(values).into_iter().map(literal).collect()));
            }
        }
        Some(all)
    }

    fn read(operator: &str, name: &str, values: Vec<String>) -> Self {
        let mut word = operator.to_lowercase();
        let for_all = word.starts_with("forallvalues:");
        let for_any = word.starts_with("foranyvalue:");
        for set in ["forallvalues:", "foranyvalue:"] {
            word = word.strip_prefix(set).map_or(word.clone(), str::to_owned);
        }
        let if_exists = word.ends_with("ifexists");
        let word = word.strip_suffix("ifexists").unwrap_or(&word);
        let (operator, negated) = match word {
            "bool" => (Operator::Bool, false),
            "null" => (Operator::Null, false),
            "stringequals" | "binaryequals" => (Operator::Equals, false),
            "stringnotequals" => (Operator::Equals, true),
            "stringequalsignorecase" => (Operator::EqualsIgnoreCase, false),
            "stringnotequalsignorecase" => (Operator::EqualsIgnoreCase, true),
            "stringlike" | "arnlike" | "arnequals" => (Operator::Like, false),
            "stringnotlike" | "arnnotlike" | "arnnotequals" => (Operator::Like, true),
            "ipaddress" => (Operator::Address, false),
            "notipaddress" => (Operator::Address, true),
            "numericequals" => (Operator::Number(Compare::Equal), false),
            "numericnotequals" => (Operator::Number(Compare::Equal), true),
            "numericlessthan" => (Operator::Number(Compare::Less), false),
            "numericlessthanequals" => (Operator::Number(Compare::LessOrEqual), false),
            "numericgreaterthan" => (Operator::Number(Compare::Greater), false),
            "numericgreaterthanequals" => (Operator::Number(Compare::GreaterOrEqual), false),
            "dateequals" => (Operator::Date(Compare::Equal), false),
            "datenotequals" => (Operator::Date(Compare::Equal), true),
            "datelessthan" => (Operator::Date(Compare::Less), false),
            "datelessthanequals" => (Operator::Date(Compare::LessOrEqual), false),
            "dategreaterthan" => (Operator::Date(Compare::Greater), false),
            "dategreaterthanequals" => (Operator::Date(Compare::GreaterOrEqual), false),
            _ => (Operator::Other, false),
        };
        let (name, asks) = (name.to_owned(), name.to_lowercase());
        Self { operator, negated, if_exists, for_all, for_any, name, asks, values }
    }

    /// Whether the answer hangs on who the caller is, and not only on how they signed in.
    pub(super) fn is_personal(&self) -> bool {
        let about = ["aws:username", "aws:userid", "aws:principalarn", "aws:principaltag/"];
        about.iter().any(|word| self.asks.starts_with(word)) || self.values.iter().any(|value| value.contains("${"))
    }

    /// Whether it holds for the caller. `wanted` is what the caller would like: what they may
    /// choose themselves, they choose so.
    pub(super) fn holds(&self, context: &Context, wanted: bool) -> Holds {
        let said = context.said(&self.asks);
        if self.operator == Operator::Null {
            let absent = match said {
                Said::Absent => Holds::Yes,
                Said::Is(_) | Said::Chosen => Holds::No,
                Said::Unknown => Holds::Unknown,
            };
            return self.any(|value| if value.eq_ignore_ascii_case("true") { absent } else { absent.not() });
        }
        match said {
            // A set operator for all values holds for none; a negated one for what is not there.
            // Of nothing there is none that differs, either, where one is asked for.
            Said::Absent => Holds::from(self.if_exists || self.for_all || (self.negated && !self.for_any)),
            _ if self.operator == Operator::Other => Holds::Unknown,
            Said::Unknown if self.is_every_address() => Holds::from(!self.negated),
            Said::Unknown => Holds::Unknown,
            Said::Chosen => Holds::from(wanted),
            Said::Is(said) => {
                let any = self.any(|value| self.compare(&said, value, context));
                if self.negated { any.not() } else { any }
            }
        }
    }

    /// Whether it is about addresses, and all of them.
    fn is_every_address(&self) -> bool {
        self.operator == Operator::Address && self.values.iter().any(|value| value == "0.0.0.0/0")
    }

    fn any(&self, holds: impl Fn(&str) -> Holds) -> Holds {
        self.values.iter().fold(Holds::No, |any, value| any.or(holds(value)))
    }

    fn compare(&self, said: &str, value: &str, context: &Context) -> Holds {
        let (pattern, sure) = filled(value, context);
        if !sure {
            return Holds::Unknown;
        }
        // Only what compares patterns has letters that stand for others.
        let value = if self.operator == Operator::Like || !value.contains("${") {
            pattern
        } else {
            Cow::Owned(glob::plain(&pattern))
        };
        let value = &*value;
        match self.operator {
            Operator::Bool | Operator::EqualsIgnoreCase => said.eq_ignore_ascii_case(value).into(),
            Operator::Equals => (said == value).into(),
            Operator::Like => glob::matches(value, said).into(),
            Operator::Number(how) => match (said.parse::<f64>(), value.parse::<f64>()) {
                (Ok(said), Ok(value)) => how.holds(said.partial_cmp(&value)),
                _ => Holds::Unknown,
            },
            Operator::Date(how) => match (moment::read(said), moment::read(value)) {
                (Some(said), Some(value)) => how.holds(Some(said.cmp(&value))),
                _ => Holds::Unknown,
            },
            Operator::Address | Operator::Null | Operator::Other => Holds::Unknown,
        }
    }
}

impl Compare {
    fn holds(self, order: Option<std::cmp::Ordering>) -> Holds {
        let Some(order) = order else { return Holds::Unknown };
        Holds::from(match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

/// A pattern with its variables filled in, and whether it is sure: where a variable is not known,
/// anything may stand in its place. What is filled in is letters, whatever it is: `${*}` is a star
/// that stands for nothing else.
pub(super) fn filled<'t>(text: &'t str, context: &Context) -> (Cow<'t, str>, bool) {
    if !text.contains("${") {
        return (Cow::Borrowed(text), true);
    }
    let (mut filled, mut sure) = (String::with_capacity(text.len()), true);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('*');
            return (Cow::Owned(filled), false);
        };
        // `${name, 'what else'}` says what to take where there is none.
        let (name, other) = match name.split_once(',') {
            Some((name, other)) => (name.trim_end(), Some(other.trim().trim_matches('\''))),
            None => (name, None),
        };
        match (name, other) {
            ("*" | "?" | "$", _) => filled.push_str(&glob::literal(name)),
            (name, other) => match (context.said(&name.to_lowercase()), other) {
                (Said::Is(value), _) => filled.push_str(&glob::literal(&value)),
                (Said::Absent, Some(other)) => filled.push_str(&glob::literal(other)),
                // What is not there makes a text that nothing is like.
                (Said::Absent, None) => filled.push(NOTHING),
                (Said::Chosen | Said::Unknown, _) => {
                    filled.push('*');
                    sure = false;
                }
            },
        }
        rest = after;
    }
    filled.push_str(rest);
    (Cow::Owned(filled), sure)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> Context {
        let tags = [("team", "core"), ("stars", "*"), ("cost", "${x}")];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Context::long_term(
            "ann",
            "AIDAANN",
            "arn:aws:iam::1:user/ann",
            "1",
            &tags,
            "2026-11-29T00:00:00Z".parse().unwrap(),
        )
    }

    fn holds(context: &Context, condition: &Value) -> Holds {
        let all = Condition::read_all(condition, true).unwrap();
        all.iter().fold(Holds::Yes, |so_far, one| so_far.and(one.holds(context, true)))
    }

    /// Each form of asking for a second factor: for a long-term key, and for a session with one.
    #[test]
    fn a_second_factor_is_asked_for_in_many_forms() {
        const MFA: &str = "aws:MultiFactorAuthPresent";
        let session = key().with_second_factor();
        let role =
            Context::role_session("arn:aws:iam::1:role/r", "1", &[], false, "2026-11-29T00:00:00Z".parse().unwrap());
        for (condition, long_term, with, role_without) in [
            (json!({"Bool": {MFA: "true"}}), Holds::No, Holds::Yes, Holds::No),
            (json!({"Bool": {MFA: "false"}}), Holds::No, Holds::No, Holds::Yes),
            (json!({"Bool": {MFA: false}}), Holds::No, Holds::No, Holds::Yes),
            (json!({"BoolIfExists": {MFA: "true"}}), Holds::Yes, Holds::Yes, Holds::No),
            (json!({"BoolIfExists": {MFA: "false"}}), Holds::Yes, Holds::No, Holds::Yes),
            (json!({"BoolIfExists": {"AWS:multifactorAuthPresent": ["false"]}}), Holds::Yes, Holds::No, Holds::Yes),
            (json!({"Null": {MFA: "true"}}), Holds::Yes, Holds::No, Holds::No),
            (json!({"Null": {MFA: "false"}}), Holds::No, Holds::Yes, Holds::Yes),
            (json!({"StringEquals": {MFA: "true"}}), Holds::No, Holds::Yes, Holds::No),
            (json!({"StringNotEquals": {MFA: "true"}}), Holds::Yes, Holds::No, Holds::Yes),
            (json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}), Holds::No, Holds::Yes, Holds::No),
            (
                json!({"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}),
                Holds::Yes,
                Holds::No,
                Holds::Yes,
            ),
            (json!({"ForAllValues:Bool": {MFA: "true"}}), Holds::Yes, Holds::Yes, Holds::No),
            (json!({"ForAnyValue:Bool": {MFA: "true"}}), Holds::No, Holds::Yes, Holds::No),
            (json!({"ForAnyValue:StringNotEquals": {MFA: "true"}}), Holds::No, Holds::No, Holds::Yes),
            (json!({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}}), Holds::No, Holds::No, Holds::No),
        ] {
            assert_eq!(holds(&key(), &condition), long_term, "{condition} with a long-term key");
            assert_eq!(holds(&session, &condition), with, "{condition} with a second factor");
            assert_eq!(holds(&role, &condition), role_without, "{condition} in a role without");
        }
    }

    #[test]
    fn what_nobody_knows_is_neither_yes_nor_no() {
        assert_eq!(holds(&key(), &json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})), Holds::Unknown);
        assert_eq!(holds(&key(), &json!({"StringEquals": {"aws:ResourceTag/x": "y"}})), Holds::Unknown);
        assert_eq!(holds(&key(), &json!({"Invented": {"aws:username": "ann"}})), Holds::Unknown);
        assert_eq!(
            holds(
                &key(),
                &json!({"IpAddress": {"aws:SourceIp": "1.2.3.4"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}})
            ),
            Holds::No
        );
    }

    #[test]
    fn what_is_known_is_compared() {
        for (condition, expected) in [
            (json!({"StringEquals": {"aws:username": ["bob", "ann"]}}), Holds::Yes),
            (json!({"StringNotEquals": {"aws:username": ["bob", "ann"]}}), Holds::No),
            (json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}}), Holds::Yes),
            (json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/*"}}), Holds::Yes),
            (json!({"StringEquals": {"aws:PrincipalTag/team": "core"}}), Holds::Yes),
            (json!({"StringEquals": {"aws:PrincipalTag/level": "1"}}), Holds::No),
            (json!({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::1:user/${aws:username}"}}), Holds::Yes),
            (json!({"StringLike": {"aws:PrincipalTag/team": "${aws:PrincipalTag/team}*"}}), Holds::Yes),
            (json!({"StringLike": {"aws:PrincipalTag/team": "${*}"}}), Holds::No),
            (json!({"StringLike": {"aws:PrincipalTag/team": "cor${?}"}}), Holds::No),
            (json!({"StringEquals": {"aws:PrincipalTag/stars": "${*}"}}), Holds::Yes),
            (json!({"StringLike": {"aws:PrincipalTag/stars": "${*}"}}), Holds::Yes),
            (json!({"StringLike": {"aws:PrincipalTag/team": "${aws:PrincipalTag/stars}"}}), Holds::No),
            (json!({"StringEquals": {"aws:PrincipalTag/cost": "${$}{x}"}}), Holds::Yes),
            (json!({"DateLessThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}), Holds::No),
            (json!({"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00Z"}}), Holds::Yes),
            (json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), Holds::Yes),
        ] {
            assert_eq!(holds(&key(), &condition), expected, "{condition}");
        }
    }
}
