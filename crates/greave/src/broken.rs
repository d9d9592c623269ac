//! What is said of a file that cannot be read as what it should be: how it is mended.

/// A longer line is not repeated whole.
const LONGEST: usize = 160;

/// What a parser said of a text that should be TOML, with its line, and how that is mended: a line of
/// it, or the whole where it is another kind of file, of which a parser says nothing.
pub(crate) fn told(text: &str, said: &str, what: &str, (line, writes): (&str, &str)) -> String {
    let mut lines: Vec<String> = said.trim_end().lines().map(shortened).collect();
    match form(text) {
        // What a parser misses there is of no use to anybody.
        Some(form) => {
            lines.truncate(1);
            lines.push(format!("this looks like {form}, and {what} is TOML; {writes}"));
        }
        None => lines.push(format!("mend that line; {line}")),
    }
    lines.join("\n")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

/// What else it looks like, where it looks like anything: by its first line that says something.
fn form(text: &str) -> Option<&'static str> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next()?;
    if first.starts_with('{') || first.starts_with("[{") || first == "[" {
        return Some("JSON");
    }
    // A name, a colon and a blank or nothing: TOML has no such line.
    let yaml = first == "---"
        || first.split_once(':').is_some_and(|(name, rest)| {
            !name.contains(['=', '"', '\'', '[']) && (rest.is_empty() || rest.starts_with(' '))
        });
    yaml.then_some("YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_is_named_as_that() {
        for (text, is) in [
            ("\u{feff}\n{\"gate\": {}}", Some("JSON")),
            ("[\n  {\"a\": 1}\n]", Some("JSON")),
            ("# ours\n---\ngate: {}", Some("YAML")),
            ("gate:\n  listen: x", Some("YAML")),
            ("name: theft", Some("YAML")),
            ("[gate]\nlisten = ", None),
            ("[[api.issuer]]\nname = 1", None),
            ("listen = \"a: b\"", None),
            ("\"a: b\" = 1", None),
            ("", None),
        ] {
            assert_eq!(form(text), is, "{text}");
        }
    }

    #[test]
    fn the_line_and_the_mend_are_told_and_no_file_is_repeated() {
        let told = |text: &str| {
            let said = toml::from_str::<toml::Table>(text).unwrap_err().to_string();
            told(text, &said, "a scenario", ("`greave drill` reads it again", "`greave drill --write` writes one"))
        };
        assert_eq!(
            told("{\"a\": 1}"),
            "TOML parse error at line 1, column 1\nthis looks like JSON, and a scenario is TOML; `greave drill --write` writes one"
        );
        let plain = told("name = \"x\"\nstory = \n");
        assert!(
            plain.contains("line 2")
                && plain.contains("2 | story =")
                && plain.ends_with("mend that line; `greave drill` reads it again"),
            "{plain}"
        );
        let long = format!("a = {}", "é".repeat(5_000));
        assert!(told(&long).lines().all(|line| line.chars().count() <= LONGEST + 1));
    }
}
