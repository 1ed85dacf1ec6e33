//! Whether connections that are opened later sign in again, and how they are reached.

/// What `--renew` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    /// They do not.
    Off,
    /// They do, by whatever is safest.
    On,
    /// They do, by TCP.
    Tcp,
}

impl Renew {
    /// Reads a value of `--renew`, or of its variable.
    pub fn read(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Self::On),
            "0" | "false" | "no" | "off" => Ok(Self::Off),
            "tcp" => Ok(Self::Tcp),
            _ => Err("isn't `tcp`, `on` or `off`".to_owned()),
        }
    }
}
