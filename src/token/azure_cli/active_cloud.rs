//! Reads which cloud az uses from az's own configuration, without running az.

use crate::environment::Environment;
use crate::system::plain_file;
use crate::token::tool::LONGEST_FILE;

/// The cloud that az uses if nothing names another.
const DEFAULT: &str = "AzureCloud";

/// Returns the name of az's active cloud: `AZURE_CLOUD_NAME`, else `name` under `[cloud]` in az's
/// `config`, which `az cloud set` writes, else the public one.
pub fn name(environment: &Environment) -> String {
    if let Some(name) = environment.get_filled("AZURE_CLOUD_NAME") {
        return name.to_string_lossy().into_owned();
    }
    let config = super::TOOL
        .configuration(environment)
        .and_then(|directory| plain_file::read(&directory.join("config"), LONGEST_FILE).ok())
        .unwrap_or_default();
    configured(&String::from_utf8_lossy(&config))
        .unwrap_or(DEFAULT)
        .to_owned()
}

/// Returns `name` in the section `cloud` of a file in Python's INI format.
pub fn configured(config: &str) -> Option<&str> {
    let is_heading = |line: &&str| line.starts_with('[');
    config
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[cloud]")
        .skip(1)
        .take_while(|line| !is_heading(line))
        .filter_map(|line| line.split_once(['=', ':']))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("name"))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::configured;

    #[test]
    fn the_name_under_its_heading() {
        for (config, name) in [
            ("[cloud]\nname = AzureChinaCloud\n", Some("AzureChinaCloud")),
            (
                "[core]\nname = x\n\n[cloud]\nprofile = y\nname=Z\n",
                Some("Z"),
            ),
            ("[cloud]\n[core]\nname = x\n", None),
            ("", None),
        ] {
            assert_eq!(configured(config), name, "{config}");
        }
    }
}
