//! Headers and parameters by which APIs let whoever may do much act as somebody else.

/// As APIs call them, without what separates words in them.
const NAMES: &[&str] = &[
    "actas",
    "actasuser",
    "actingas",
    "actinguser",
    "apiusername",
    "asuser",
    "asuserid",
    "callerobjectid",
    "doas",
    "dropboxapiselectadmin",
    "dropboxapiselectuser",
    "essecurityrunasuser",
    "mscrmcallerid",
    "onbehalfof",
    "paypalauthassertion",
    "redmineswitchuser",
    "runas",
    "runasuser",
    "stripeaccount",
    "stripecontext",
    "sudo",
    "switchuser",
];

/// Whether a header or a parameter of this name says in whose name a call is meant:
/// `Stripe-Account`, `Sudo`, `Impersonate-User`, `X-On-Behalf-Of`, `?as_user=`.
pub fn speaks_for_another(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let is = |plain: &str| NAMES.contains(&plain) || plain.starts_with("impersonat");
    is(&plain) || plain.strip_prefix('x').is_some_and(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acts_for_another_is_told_from_who_does_not() {
        for name in [
            "Stripe-Account",
            "Sudo",
            "sudo",
            "Impersonate-Extra-scopes",
            "X-On-Behalf-Of",
            "x_acting_user",
            "as_user",
            "doAs",
            "_switch_user",
            "X-Redmine-Switch-User",
        ] {
            assert!(speaks_for_another(name), "{name}");
        }
        for name in ["accept", "user", "user-agent", "account", "x-request-id", "as", "q", "idempotency-key"] {
            assert!(!speaks_for_another(name), "{name}");
        }
    }
}
