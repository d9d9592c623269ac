//! Everybody, counted: whose keys go on although they left, for which nobody answers, and who
//! could make another key today.

use std::collections::HashMap;

use authority::Holder;
use jiff::Timestamp;
use law::{HolderId, HolderKind, Power};

use crate::{
    Desk,
    api::{HolderList, HolderSummary, KeyCount, Minter, Minting},
    inventory::holder_view,
    listing::{Row, Sheet},
};

/// So many who could make a key are named.
const NAMED: usize = 200;

/// What one holder's keys come to.
#[derive(Default)]
struct Of {
    keys: KeyCount,
    minting: usize,
    minting_alone: usize,
}

/// Everybody, and what their keys come to.
pub(crate) fn of(desk: &Desk, now: Timestamp) -> HolderList {
    let mut sheet = Sheet::of(desk, now);
    let rows = sheet.rows(|_| true);
    let mut each: HashMap<Option<HolderId>, Of> = HashMap::new();
    let mut summary = HolderSummary::default();
    for row in &rows {
        let of = each.entry(row.key.holder()).or_default();
        of.keys.count(row);
        if row.reach.powers.contains(Power::Mint) {
            of.minting += 1;
            of.minting_alone += usize::from(row.reach.alone.contains(Power::Mint));
        }
        summary.keys.count(row);
        if row.brief.left {
            summary.of_leavers.count(row);
        }
        if row.brief.is_ownerless() {
            summary.without_owner.count(row);
        }
        if row.key.holder().is_none() {
            summary.without_holder.count(row);
        }
        summary.minting.undescribed += usize::from(row.reach.undescribed);
    }
    for holder in sheet.people.iter() {
        match holder.kind {
            HolderKind::Person => summary.people += 1,
            HolderKind::Workload => summary.workloads += 1,
            HolderKind::Vendor => summary.vendors += 1,
        }
        let gone = |owner: HolderId| sheet.people.holder(owner).is_none_or(|owner| owner.left);
        if holder.kind != HolderKind::Person && !holder.left && holder.owner.is_none_or(gone) {
            summary.programs_without_owner += 1;
        }
    }
    minting(&mut summary.minting, &mut sheet, &each);
    let view = |holder: &Holder| {
        let keys = each.get(&Some(holder.id)).map(|of| of.keys).unwrap_or_default();
        holder_view(&sheet.people, holder, keys)
    };
    let holders = sheet.people.iter().map(view).collect();
    HolderList { holders, summary }
}

/// Who could make a key today, those first who need no second factor for it.
fn minting(minting: &mut Minting, sheet: &mut Sheet, each: &HashMap<Option<HolderId>, Of>) {
    for (holder, of) in each.iter().filter(|(_, of)| of.minting > 0) {
        let brief = sheet.brief(*holder);
        minting.keys += of.minting;
        minting.keys_without_factor += of.minting_alone;
        minting.holders += 1;
        minting.holders_without_factor += usize::from(of.minting_alone > 0);
        let has_factor = brief.owner_enrolled || brief.owner_two_factor == Some(true);
        minting.holders_without_2fa += usize::from(!has_factor);
        minting.who.push(Minter {
            holder: brief.name.clone(),
            kind: brief.kind,
            owner: brief.owner.clone(),
            owner_enrolled: brief.owner_enrolled,
            owner_two_factor: brief.owner_two_factor,
            keys: of.minting,
            keys_without_factor: of.minting_alone,
        });
    }
    let order = |one: &Minter| (std::cmp::Reverse((one.keys_without_factor, one.keys)), one.holder.clone());
    minting.who.sort_by_cached_key(order);
    minting.who.truncate(NAMED);
}

impl KeyCount {
    fn count(&mut self, row: &Row) {
        self.known += 1;
        self.working += usize::from(row.works);
    }
}
