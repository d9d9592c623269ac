//! Names that may be secrets after all are not kept.

/// How the secrets of well-known services begin.
const PREFIXES: [&str; 26] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AIza",
    "ya29.",
    "eyJ",
    "ATATT",
    "dop_v1_",
    "npm_",
    "pypi-",
    "SG.",
    "hf_",
    "sk-",
    "whsec_",
    "Bearer ",
];

/// The text, or where it looks like a secret, the place where it stood.
pub(crate) fn masked(text: &str, line: u64) -> String {
    if looks_secret(text) { format!("(masked, line {line})") } else { text.to_owned() }
}

/// Whether it begins as the secrets of well-known services do.
pub(crate) fn is_marked(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 8))
}

/// Whether it begins as secrets do, or is a long word without words in it.
pub(crate) fn looks_secret(text: &str) -> bool {
    is_marked(text) || text.split(|letter: char| letter.is_whitespace() || ":@,;".contains(letter)).any(is_random)
}

fn is_random(word: &str) -> bool {
    let is_id = word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    if word.len() < 24 || is_id {
        return false;
    }
    let class = |letter: char| match letter {
        'a'..='z' => 1,
        'A'..='Z' => 2,
        '0'..='9' => 3,
        _ => 0,
    };
    let classes: Vec<i32> = word.chars().map(class).filter(|class| *class > 0).collect();
    let turns = classes.windows(2).filter(|pair| pair.first() != pair.last()).count();
    turns * 3 >= classes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_names_are_not() {
        for secret in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "key: 5f4dcc3b5aa765d61d8327deb882cf99",
            "https://ann:wJalrXUtnFEMIxK7MDENGbPxRfiCYEXAMPLEKEY@host",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for name in [
            "AKIAIOSFODNN7EXAMPLE",
            "arn:aws:iam::123456789012:user/division_abc/subdivision_xyz/Bob",
            "ProductionDeploymentKey2024x",
            "nightly-export-for-the-warehouse-2024",
            "123e4567-e89b-12d3-a456-426614174000",
            "ann.archer@example-company-with-a-long-name.org",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
