//! The law as a page: one line for every cell, which the ledger keeps, people review, and
//! from which the same law is read again.

use std::{fmt, str::FromStr};

use crate::{ByPower, Cell, Guard, GuardError, HolderKind, Law, Mode, ModeError, Power};

impl fmt::Display for Law {
    /// `person    grant    person                                enforce`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in HolderKind::ALL {
            for (power, cell) in self.of(kind).iter() {
                let guard = cell.guard.to_string();
                writeln!(f, "{kind:<9} {power:<8} {guard:<40}; {}", cell.mode)?;
            }
        }
        Ok(())
    }
}

/// Why a page is no law.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A line that is laid out in another way.
    #[error("line {0} of the law is not `KIND POWER GUARD; MODE`")]
    Layout(usize),
    /// A guard that cannot be read.
    #[error("line {0} of the law: {1}")]
    Guard(usize, GuardError),
    /// A mode that cannot be read.
    #[error("line {0} of the law: {1}")]
    Mode(usize, ModeError),
    /// A cell without a rule.
    #[error("the law says nothing of {0} and {1}")]
    Missing(HolderKind, Power),
}

impl FromStr for Law {
    type Err = PageError;

    fn from_str(page: &str) -> Result<Self, PageError> {
        let mut cells: [ByPower<Option<Cell>>; HolderKind::ALL.len()] = Default::default();
        for (place, line) in page.lines().enumerate() {
            let number = place + 1;
            let (kind, power, cell) = line_cell(line, number)?;
            if let Some(cells) = cells.get_mut(kind as usize) {
                cells.set(power, Some(cell));
            }
        }
        let mut cells = HolderKind::ALL.into_iter().zip(cells).map(|(kind, cells)| whole(kind, cells));
        let mut next = || cells.next().unwrap_or(Err(PageError::Missing(HolderKind::Person, Power::Read)));
        Ok(Self { person: next()?, workload: next()?, vendor: next()? })
    }
}

fn line_cell(line: &str, number: usize) -> Result<(HolderKind, Power, Cell), PageError> {
    let layout = || PageError::Layout(number);
    let (rule, mode) = line.rsplit_once(';').ok_or_else(layout)?;
    let (kind, rest) = rule.trim().split_once(' ').ok_or_else(layout)?;
    let (power, guard) = rest.trim().split_once(' ').ok_or_else(layout)?;
    let kind = HolderKind::ALL.into_iter().find(|known| known.word() == kind).ok_or_else(layout)?;
    let power = power.parse().map_err(|_| layout())?;
    let guard = guard.trim().parse::<Guard>().map_err(|error| PageError::Guard(number, error))?;
    let mode = mode.trim().parse::<Mode>().map_err(|error| PageError::Mode(number, error))?;
    Ok((kind, power, Cell { guard, mode }))
}

/// A table in which every power has its cell.
fn whole(kind: HolderKind, mut cells: ByPower<Option<Cell>>) -> Result<ByPower<Cell>, PageError> {
    ByPower::try_from_fn(|power| cells.take(power).ok_or(PageError::Missing(kind, power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law() -> Law {
        let mut law = Law::same_for_all(Law::default_guard, Mode::Enforce);
        let mode = "observe until 2027-01-15".parse().unwrap();
        law.vendor.set(Power::Export, Cell { guard: "person within 1h".parse().unwrap(), mode });
        law
    }

    #[test]
    fn a_law_is_read_back_from_its_page() {
        assert_eq!(law().to_string().parse(), Ok(law()));
    }

    #[test]
    fn a_page_with_a_hole_is_no_law() {
        let page = law().to_string();
        let short: String =
            page.lines().filter(|line| !line.starts_with("vendor    mint")).map(|l| format!("{l}\n")).collect();
        assert_eq!(short.parse::<Law>(), Err(PageError::Missing(HolderKind::Vendor, Power::Mint)));
        assert_eq!("nonsense".parse::<Law>(), Err(PageError::Layout(1)));
        assert_eq!("".parse::<Law>(), Err(PageError::Missing(HolderKind::Person, Power::Read)));
        assert!(matches!(page.replacen("secret", "secrets", 1).parse::<Law>(), Err(PageError::Guard(1, _))));
    }
}
