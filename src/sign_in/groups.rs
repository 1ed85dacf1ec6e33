//! Keeps the names of your groups, so completion has them without asking Graph.

use crate::system::private_directory::PrivateDirectory;

/// The file with a name in each line, which shells read.
const FILE: &str = "groups.txt";

/// Replaces the names. One that would break its line is left out.
pub fn keep(directory: &PrivateDirectory, names: &[String]) {
    // With a full disk only completion lacks them.
    let _ = directory.replace(FILE, lines(names).as_bytes());
}

pub fn forget(directory: &PrivateDirectory) {
    directory.remove(FILE);
}

fn lines(names: &[String]) -> String {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.retain(|name| !name.is_empty() && !name.contains(char::is_control));
    names.sort_unstable();
    names.iter().flat_map(|name| [name, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_line_for_each_name() {
        let names = ["b c", "a", "x\ny", "x\tz", ""].map(str::to_owned);
        assert_eq!(lines(&names), "a\nb c\n");
        assert_eq!(lines(&[]), "");
    }
}
