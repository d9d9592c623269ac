//! One living key a line, the most urgent first.

use law::harmless;

use super::{Report, WriteError, figures::standing, words::clean};
use crate::estate::Moment;

const HEADS: [&str; 17] = [
    "rank",
    "score",
    "realm",
    "key",
    "name",
    "form",
    "holder",
    "holder_second_factor",
    "answers",
    "born",
    "end",
    "last_use",
    "standing",
    "powers_without_second_factor",
    "perhaps",
    "findings",
    "reasons",
];

pub(super) fn write(report: &Report) -> Result<String, WriteError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADS)?;
    let open = report.open();
    for (first, rank) in report.first.iter().zip(1..) {
        let Some(key) = report.estate.keys.get(first.key) else { continue };
        let factor =
            report.estate.holders(key).next().map_or("unknown".to_owned(), |holder| holder.second_factor.to_string());
        let rules: Vec<&str> = open.get(&first.key).into_iter().flatten().map(|finding| finding.rule).collect();
        let row = [
            rank.to_string(),
            first.score.to_string(),
            key.realm.clone(),
            key.id.clone(),
            key.name.clone().unwrap_or_default(),
            key.form.clone(),
            report.holders(key),
            factor,
            report.estate.answers(key).unwrap_or_default().to_owned(),
            moment(key.born),
            moment(key.end),
            moment(key.last_use),
            standing(key).to_owned(),
            key.surely().to_string(),
            key.reckoned().difference(key.surely()).to_string(),
            rules.join(" "),
            first.reasons.join("; "),
        ];
        writer.write_record(row.map(|text| harmless(clean(&text))))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn moment(moment: Moment) -> String {
    match moment {
        Moment::At(at) => at.to_string(),
        Moment::Never => "never".to_owned(),
        Moment::Unknown => String::new(),
    }
}
