//! Which calls somebody wants to see.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use jiff::Timestamp;
use law::{Call, HolderId, KeyId, Power, Verdict, Who};

use crate::Joined;

/// Which calls are wanted: those for which everything holds that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By this key.
    pub key: Option<KeyId>,
    /// By a key of this holder.
    pub holder: Option<HolderId>,
    /// By who called.
    pub who: Option<Who>,
    /// Part of the operation, such as `/users`, or, with a `*` in it, all of it, such as
    /// `DELETE /users/*`. Letter case does not matter.
    pub operation: Option<String>,
    /// With this power among those of the operation.
    pub power: Option<Power>,
    /// From an address in this network.
    pub source: Option<IpNet>,
    /// Decided so.
    pub verdict: Option<VerdictKind>,
    /// Answered with one of these; a call without an outcome has no status.
    pub status: Option<Statuses>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether the call is wanted.
    pub fn wants(&self, joined: &Joined) -> bool {
        let status = joined.outcome.as_ref().map(|outcome| outcome.status);
        self.wants_call(&joined.call)
            && self.status.is_none_or(|wanted| status.is_some_and(|status| wanted.contain(status)))
    }

    /// Whether the call is wanted, whatever became of it: the status is not looked at.
    pub fn wants_call(&self, call: &Call) -> bool {
        let Self { key, holder, who, operation, power, source, verdict, status: _, since, until } = self;
        key.is_none_or(|key| call.key == Some(key))
            && holder.is_none_or(|holder| call.holder == Some(holder))
            && who.is_none_or(|who| call.who == who)
            && power.is_none_or(|power| call.powers.contains(power))
            && source.is_none_or(|source| holds(source, call.source))
            && verdict.is_none_or(|verdict| VerdictKind::of(call.verdict) == verdict)
            && since.is_none_or(|since| call.at >= since)
            && until.is_none_or(|until| call.at < until)
            && operation.as_ref().is_none_or(|operation| matches_operation(operation, &call.operation))
    }
}

/// An IPv4 address written as IPv6 is that IPv4 address.
pub(crate) fn holds(network: IpNet, address: IpAddr) -> bool {
    network.contains(&address.to_canonical())
}

pub(crate) fn matches_operation(wanted: &str, operation: &str) -> bool {
    let (wanted, operation) = (wanted.to_ascii_lowercase(), operation.to_ascii_lowercase());
    let mut parts = wanted.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else {
        return operation.contains(&wanted);
    };
    // The first part at the beginning, the last at the end, and the others in turn, each as early as can be.
    let Some(middle) = operation.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    parts.try_fold(middle, |rest, part| rest.split_once(part).map(|(_, behind)| behind)).is_some()
}

/// What was decided, without the particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// It passed.
    Permit,
    /// It passed; enforced, it would have been asked.
    WouldAsk,
    /// It passed; enforced, it would have been refused.
    WouldRefuse,
    /// It was asked.
    Challenge,
    /// It was refused.
    Refuse,
}

impl VerdictKind {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Permit, Self::WouldAsk, Self::WouldRefuse, Self::Challenge, Self::Refuse];

    /// The kind of a verdict.
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Permit => Self::Permit,
            Verdict::WouldAsk(_) => Self::WouldAsk,
            Verdict::WouldRefuse(_) => Self::WouldRefuse,
            Verdict::Challenge(_) => Self::Challenge,
            Verdict::Refuse(_) => Self::Refuse,
        }
    }

    /// The word used in the record and on every page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::WouldAsk => "would-ask",
            Self::WouldRefuse => "would-refuse",
            Self::Challenge => "challenge",
            Self::Refuse => "refuse",
        }
    }
}

/// One status, such as `403`, or a hundred, such as `4xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    /// Whether none of these, which are between a least and a greatest, can be one of them.
    pub(crate) fn are_outside(self, least: i64, greatest: i64) -> bool {
        i64::from(self.last) < least || greatest < i64::from(self.first)
    }

    /// Whether the status is one of them.
    pub const fn contain(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

/// What a filter is made of cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No verdict has this name.
    #[error("`{0}` is no verdict; write permit, would-ask, would-refuse, challenge or refuse")]
    Verdict(String),
    /// No status looks like this.
    #[error("`{0}` is no status; write one such as `403`, or a hundred such as `4xx`")]
    Status(String),
}

impl FromStr for VerdictKind {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let found = Self::ALL.into_iter().find(|verdict| verdict.word() == text);
        found.ok_or_else(|| FilterError::Verdict(text.to_owned()))
    }
}

impl FromStr for Statuses {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let statuses = match (text, text.strip_suffix("xx")) {
            (_, Some(hundred @ ("1" | "2" | "3" | "4" | "5"))) => {
                hundred.parse().ok().map(|hundred: u16| Self { first: hundred * 100, last: hundred * 100 + 99 })
            }
            ("0", _) => Some(Self { first: 0, last: 0 }),
            _ if digits => text.parse().ok().map(|status| Self { first: status, last: status }),
            _ => None,
        };
        statuses.ok_or_else(|| FilterError::Status(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use law::Factors;

    use super::*;
    use crate::testing;

    #[test]
    fn an_operation_matches_in_part_or_with_stars_as_a_whole() {
        for (wanted, operation, matches) in [
            ("users", "DELETE /users/{name}", true),
            ("delete /Users", "DELETE /users/{name}", true),
            ("tokens", "DELETE /users/{name}", false),
            ("DELETE *", "DELETE /users/{name}", true),
            ("*users*", "DELETE /users/{name}", true),
            ("/users*", "DELETE /users/{name}", false),
            ("DELETE /users/*/tokens", "DELETE /users/{name}/tokens", true),
            ("DELETE /users/*/tokens", "DELETE /users/{name}", false),
            ("a*b*b", "ab", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("**", "GET *", true),
            ("", "GET *", true),
        ] {
            assert_eq!(matches_operation(wanted, operation), matches, "{wanted} {operation}");
        }
    }

    #[test]
    fn everything_that_is_set_must_hold() {
        let joined = testing::joined(7);
        let call = &joined.call;
        let all = Filter {
            key: call.key,
            holder: call.holder,
            who: Some(call.who),
            operation: Some("users".into()),
            power: Some(Power::Read),
            source: Some("192.0.2.0/24".parse().unwrap()),
            verdict: Some(VerdictKind::Permit),
            status: Some("2xx".parse().unwrap()),
            since: Some(call.at),
            until: Some(call.at + SECOND),
        };
        const SECOND: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
        assert!(all.wants(&joined));
        let others = [
            Filter { key: Some(KeyId(999)), ..all.clone() },
            Filter { holder: Some(HolderId(999)), ..all.clone() },
            Filter { who: Some(Who::Nobody), ..all.clone() },
            Filter { operation: Some("tokens".into()), ..all.clone() },
            Filter { power: Some(Power::Mint), ..all.clone() },
            Filter { source: Some("198.51.100.0/24".parse().unwrap()), ..all.clone() },
            Filter { verdict: Some(VerdictKind::Refuse), ..all.clone() },
            Filter { status: Some("403".parse().unwrap()), ..all.clone() },
            Filter { since: Some(call.at + SECOND), ..all.clone() },
            Filter { until: Some(call.at), ..all.clone() },
        ];
        for other in others {
            assert!(!other.wants(&joined), "{other:?}");
        }
        assert!(!all.wants(&Joined { outcome: None, ..joined.clone() }), "a call without an outcome has no status");
        assert!(Filter::default().wants(&joined));
    }

    #[test]
    fn an_ipv4_address_in_disguise_is_found_in_its_network() {
        assert!(holds("192.0.2.0/24".parse().unwrap(), "::ffff:192.0.2.9".parse().unwrap()));
    }

    #[test]
    fn words_and_statuses_read_or_say_why_not() {
        for verdict in VerdictKind::ALL {
            assert_eq!(verdict.word().parse(), Ok(verdict));
        }
        assert_eq!(VerdictKind::of(Verdict::WouldAsk(Factors::NONE)).word(), "would-ask");
        assert!("allow".parse::<VerdictKind>().is_err());
        assert_eq!("403".parse(), Ok(Statuses { first: 403, last: 403 }));
        for text in ["", "4x", "6xx", "0xx", "+40", "4444", "４04"] {
            assert!(text.parse::<Statuses>().is_err(), "{text}");
        }
    }
}
