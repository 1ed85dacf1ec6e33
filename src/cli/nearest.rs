//! What a misspelled word was probably meant to be.

/// Returns the candidates that `word` may be a misspelling or the beginning of: the nearest ones,
/// or none if nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase().replace('_', "-");
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let length = word.chars().count();
    let begun = |candidate: &&str| candidate.to_lowercase().starts_with(&word);
    let is_exact = candidates.iter().any(|it| it.to_lowercase() == word);
    if length >= 2 && !is_exact {
        let begun: Vec<&str> = candidates.iter().copied().filter(begun).collect();
        if !begun.is_empty() {
            return begun;
        }
    }
    // One slip in a short word, one in three letters of a longer one.
    let most = (length / 3).clamp(1, 3);
    let distance = |candidate: &str| strsim::osa_distance(&word, &candidate.to_lowercase());
    let Some(least) = candidates.iter().map(|it| distance(it)).min() else {
        return Vec::new();
    };
    if least > most || least >= length {
        return Vec::new();
    }
    candidates
        .into_iter()
        .filter(|candidate| distance(candidate) == least)
        .collect()
}

/// Returns `words` as a question's choice: `` `a`, `b` or `c` ``.
pub fn or_list<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|it| format!("`{}`", it.as_ref()))
        .collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let methods = ["auto", "azure-cli", "azd", "browser", "device-code", "env"];
        for (word, expected) in [
            ("azure_cli", &["azure-cli"][..]),
            ("azurecli", &["azure-cli"]),
            ("Azure-CLI", &["azure-cli"]),
            ("az", &["azure-cli", "azd"]),
            ("broswer", &["browser"]),
            ("device", &["device-code"]),
            ("evn", &["env"]),
            ("magic", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(word, methods), expected, "{word}");
        }
        assert_eq!(nearest("x", []), [""; 0]);
    }

    #[test]
    fn a_list_for_a_question() {
        assert_eq!(or_list(&["a"]), "`a`");
        assert_eq!(or_list(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
