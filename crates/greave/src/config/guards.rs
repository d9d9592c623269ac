//! The `[guard]` table: the law as the operator writes it.

use std::collections::BTreeMap;

use law::{ByPower, Cell, Guard, Law, Mode, Power};
use serde::Deserialize;

/// `[guard]` holds for keys of people and, where `[guard.workload]` and `[guard.vendor]` are
/// silent, for all keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Guards {
    read: Option<Guard>,
    export: Option<Guard>,
    write: Option<Guard>,
    destroy: Option<Guard>,
    spend: Option<Guard>,
    run: Option<Guard>,
    grant: Option<Guard>,
    mint: Option<Guard>,
    disarm: Option<Guard>,
    mode: Option<Modes>,
    workload: KindGuards,
    vendor: KindGuards,
}

/// What differs for one kind of holder.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KindGuards {
    read: Option<Guard>,
    export: Option<Guard>,
    write: Option<Guard>,
    destroy: Option<Guard>,
    spend: Option<Guard>,
    run: Option<Guard>,
    grant: Option<Guard>,
    mint: Option<Guard>,
    disarm: Option<Guard>,
    mode: Option<Modes>,
}

/// One mode for all powers, or one for each that is named and `others` for the rest.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a mode is \"enforce\" or \"observe until 2027-01-15\"; where powers differ, write { mint = \"enforce\", others = \"observe until 2027-01-15\" }"
)]
enum Modes {
    All(Mode),
    Each(BTreeMap<Named, Mode>),
}

/// A power, or all that are not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Others,
    #[serde(untagged)]
    Power(Power),
}

impl Modes {
    fn of(&self, power: Power) -> Option<Mode> {
        match self {
            Self::All(mode) => Some(*mode),
            Self::Each(modes) => modes.get(&Named::Power(power)).or_else(|| modes.get(&Named::Others)).copied(),
        }
    }
}

/// The tables differ in their fields only where a kind may not hold further kinds.
macro_rules! guard_of {
    ($table:expr, $power:expr) => {
        match $power {
            Power::Read => &$table.read,
            Power::Export => &$table.export,
            Power::Write => &$table.write,
            Power::Destroy => &$table.destroy,
            Power::Spend => &$table.spend,
            Power::Run => &$table.run,
            Power::Grant => &$table.grant,
            Power::Mint => &$table.mint,
            Power::Disarm => &$table.disarm,
        }
    };
}

impl Guards {
    /// The law, silent places filled: guards by their default, modes by `enforce`.
    pub(crate) fn law(&self) -> Law {
        let person = ByPower::from_fn(|power| Cell {
            guard: guard_of!(self, power).clone().unwrap_or_else(|| Law::default_guard(power)),
            mode: self.mode.as_ref().and_then(|modes| modes.of(power)).unwrap_or(Mode::Enforce),
        });
        let differing = |kind: &KindGuards| {
            ByPower::from_fn(|power| {
                let all: &Cell = &person[power];
                Cell {
                    guard: guard_of!(kind, power).clone().unwrap_or_else(|| all.guard.clone()),
                    mode: kind.mode.as_ref().and_then(|modes| modes.of(power)).unwrap_or(all.mode),
                }
            })
        };
        let (workload, vendor) = (differing(&self.workload), differing(&self.vendor));
        Law { person, workload, vendor }
    }
}

#[cfg(test)]
mod tests {
    use law::HolderKind;

    use super::*;

    fn law(text: &str) -> Law {
        toml::from_str::<Guards>(text).unwrap().law()
    }

    #[test]
    fn an_empty_table_is_the_default_law_enforced() {
        for (power, cell) in law("").of(HolderKind::Vendor).iter() {
            assert_eq!(cell.guard, Law::default_guard(power));
            assert_eq!(cell.mode, Mode::Enforce);
        }
    }

    #[test]
    fn a_kind_differs_where_its_table_speaks() {
        let law = law(r#"
            read = "secret"
            export = "person within 1h"
            mode = { mint = "enforce", others = "observe until 2027-01-15" }
            [workload]
            export = "possession"
            mode = { mint = "observe until 2027-02-01" }
        "#);
        assert_eq!(law.person[Power::Export].guard.to_string(), "person within 1h");
        assert_eq!(law.workload[Power::Export].guard.to_string(), "possession");
        assert_eq!(law.vendor[Power::Export].guard.to_string(), "person within 1h");
        assert_eq!(law.person[Power::Mint].mode, Mode::Enforce);
        assert_eq!(law.workload[Power::Mint].mode.to_string(), "observe until 2027-02-01");
        assert_eq!(law.workload[Power::Read].mode.to_string(), "observe until 2027-01-15");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = |text: &str| toml::from_str::<Guards>(text).unwrap_err().to_string();
        assert!(error("grant = \"persn\"").contains("`persn` is no factor"));
        assert!(error("grants = \"person\"").contains("grants"));
        let mode = error("\n\nmode = \"observe\"");
        assert!(mode.contains("line 3") && mode.contains("observe until 2027-01-15"), "{mode}");
    }
}
