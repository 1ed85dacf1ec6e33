//! The value of `--renew`: whether later connections sign in again, and through what.

/// The value of `--renew`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    /// Later connections don't sign in again.
    Off,
    /// They do, through what is safest here.
    On,
    /// They do, through a TCP port.
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

    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Tcp => "tcp",
        }
    }
}
