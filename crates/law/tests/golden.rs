//! The law as a page: what the default law answers, for every power, every kind of holder
//! and everything that can be shown. A change of policy is a changed cell in review.

use std::fmt::Write as _;

use law::{
    Answer, Attempt, ByPower, Caller, Decision, Factor, Factors, Freshness, Held, HolderKind, KeyFacts, KeyId, Law,
    Mode, Power, Span, Standing, decide,
};

/// What a caller shows beside the secret.
fn shown() -> Vec<(&'static str, Held)> {
    let nothing = Held::default();
    let ago = |span| Held { person: ByPower::from_fn(|_| Freshness::Before(span)), ..nothing };
    vec![
        ("nothing", nothing),
        ("possession", nothing.and(Factor::Possession.into())),
        ("mandate", nothing.and(Factor::Mandate.into())),
        ("possession + mandate", nothing.and(Factors::from(Factor::Possession).with(Factor::Mandate))),
        ("person 9h ago", ago(Span::hours(9))),
        ("person 1h ago", ago(Span::hours(1))),
        ("person 10m ago", ago(Span::minutes(10))),
        ("person now", nothing.with_person()),
    ]
}

fn answer(law: &Law, kind: HolderKind, power: Power, held: Held, presentable: Factors) -> String {
    let key = KeyFacts {
        id: KeyId(1),
        kind,
        standing: Standing::Active,
        end: None,
        holder_left: false,
        parent_stopped: false,
        presentable,
    };
    let at = "2026-11-24T10:00:00Z".parse().unwrap_or_default();
    match decide(
        law,
        &Attempt { caller: Caller::Key(key), powers: power.into(), open: false, held, contained: Answer::Pass, at },
    ) {
        Decision::Permit(_) => "pass".to_owned(),
        Decision::Challenge(challenge) => format!("ask {}", challenge.missing),
        Decision::Refuse(refusal) => refusal.code().to_owned(),
    }
}

fn page() -> String {
    let law = Law::same_for_all(Law::default_guard, Mode::Enforce);
    let mut page = String::new();
    let people = [("somebody is enrolled", Factors::from(Factor::Person)), ("nobody is enrolled", Factors::NONE)];
    for (who, presentable) in people {
        for kind in HolderKind::ALL {
            let _ = writeln!(page, "# keys of a {kind}, {who}");
            let heads = shown().into_iter().map(|(name, _)| format!("{name:<21}")).collect::<String>();
            let _ = writeln!(page, "{:9}{}", "", heads.trim_end());
            for power in Power::ALL {
                let answers = shown()
                    .into_iter()
                    .map(|(_, held)| format!("{:<21}", answer(&law, kind, power, held, presentable)))
                    .collect::<String>();
                let _ = writeln!(page, "{power:9}{}", answers.trim_end());
            }
            page.push('\n');
        }
    }
    page
}

#[test]
fn the_default_law_answers_as_its_golden_page_says() {
    insta::assert_snapshot!("default_law", page());
}
