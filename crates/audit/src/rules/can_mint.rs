//! A key makes keys, and so survives its own revocation.

use law::{Power, Severity};

use super::{Evidence, Finding, Rule, Subject, living, place, shown, to_administrator::targets};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "can-mint",
    title: "a key makes credentials, and survives its own revocation",
    mend: "take away what makes or reveals credentials; when the key is revoked, look for what it made",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter(|(_, key)| key.surely().contains(Power::Mint)).map(|(ix, key)| {
        let steps: Vec<_> = key.steps.iter().filter(|step| step.mints && step.sure).collect();
        let what = match steps.first() {
            Some(step) => format!(
                "makes further credentials without a second factor: {} ({})",
                step.how,
                targets(&step.targets, step.of)
            ),
            None => "makes or reveals credentials without a second factor".to_owned(),
        };
        let steps = steps.into_iter().map(|step| {
            Evidence::new(format!("{} ({})", step.how, targets(&step.targets, step.of)), &place(&key.places))
        });
        let because = key.because.iter().filter(|because| because.sure && because.powers.contains(Power::Mint)).take(4);
        let because = because.map(|because| Evidence::new(because.what.clone(), &because.place));
        Finding::new(&RULE, Severity::High, Subject::Key(ix), what, shown(key)).and(steps).and(because)
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn only_keys_that_mint_are_found() {
        let rows = "key,holder,scopes\na,ann,\"read, mint\"\nb,ann,\"read, write\"\nc,ann,\n";
        assert_eq!(found("can-mint", rows), ["a"]);
    }
}
