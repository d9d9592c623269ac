//! Finding a setting's line in a file that may be broken elsewhere.

/// The line, from 1, and the text behind `=` of the setting `name` in `[section]`. Read line
/// by line, so that a fault in one line takes nothing away from the others.
pub(crate) fn find<'a>(text: &'a str, section: &str, name: &str) -> Option<(usize, &'a str)> {
    let mut current = "";
    for (place, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(head) = line.strip_prefix('[') {
            current = head.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
            // A table can be the setting that is looked for.
            if current.rsplit_once('.').is_some_and(|(table, last)| table == section && last == name) {
                return Some((place + 1, ""));
            }
        } else if current == section
            && let Some((found, value)) = line.split_once('=')
            && found.trim() == name
        {
            return Some((place + 1, value.trim()));
        }
    }
    None
}

/// A setting that is a string: from the file where it is TOML at all, else from its line alone.
pub(crate) fn text(text: &str, section: &str, name: &str) -> Option<String> {
    if let Ok(whole) = toml::from_str::<toml::Table>(text) {
        return whole.get(section)?.get(name)?.as_str().map(str::to_owned);
    }
    let (_, value) = find(text, section, name)?;
    let line: toml::Table = toml::from_str(&format!("it = {value}")).ok()?;
    line.get("it")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKEN: &str = "[gate]\nlisten = \"127.0.0.1:1\nstate = 'elsewhere' # here\n[guard]\nstate = \"no\"\n\
                          [[tell.webhook]]\nurl = 1\n[gate.proof]\nheader = \"x\"\n";

    #[test]
    fn a_setting_is_found_in_a_file_that_is_broken_elsewhere() {
        assert_eq!(text(BROKEN, "gate", "state").as_deref(), Some("elsewhere"));
        assert_eq!(find(BROKEN, "guard", "state").map(|(line, _)| line), Some(5));
        assert_eq!(find(BROKEN, "gate", "proof").map(|(line, _)| line), Some(8));
        assert_eq!(find(BROKEN, "tell", "webhook").map(|(line, _)| line), Some(6));
        assert_eq!(text(BROKEN, "gate", "listen"), None, "its own line is broken");
        assert_eq!(text(BROKEN, "desk", "state"), None);
        assert_eq!(text("gate.state = 'there'\nunknown = 1", "gate", "state").as_deref(), Some("there"));
    }
}
