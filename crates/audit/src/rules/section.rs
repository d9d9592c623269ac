//! What `docs/rules.md` says of a rule: reports bring it along, so that they stand alone.

/// The paper itself, of the version that this program is of.
const PAPER: &str = include_str!("../../../../docs/rules.md");

/// The four parts of a rule's section, in the paper's own words and markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What the rule means.
    pub means: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// How it is mended.
    pub mend: &'static str,
    /// What it cannot see.
    pub blind: &'static str,
}

impl Section {
    /// The section of this name; none where it has not all four parts, which a test forbids.
    pub fn of(rule: &str) -> Option<Self> {
        let section = PAPER.split("\n## ").find_map(|section| section.strip_prefix(rule)?.strip_prefix('\n'))?;
        let part = |head: &str| {
            let found = section.split("\n\n").find_map(|part| part.strip_prefix(head)?.strip_prefix("* "));
            found.map(str::trim).filter(|part| !part.is_empty())
        };
        Some(Self {
            means: part("*What it means.")?,
            matters: part("*Why it matters.")?,
            mend: part("*How to mend it.")?,
            blind: part("*What it cannot see.")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ALL, *};

    #[test]
    fn every_rule_has_a_section_with_its_four_parts_and_no_section_is_without_a_rule() {
        for rule in ALL {
            assert!(Section::of(rule.name).is_some(), "{}", rule.name);
        }
        assert_eq!(PAPER.matches("*What it means.*").count(), ALL.len());
        assert_eq!(Section::of("never"), None, "a name is whole");
    }
}
