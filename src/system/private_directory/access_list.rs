//! Whom Windows grants access to a file or directory, judged by the text form of its security
//! descriptor.
//!
//! The form is Microsoft's "Security Descriptor String Format": `O:` and the owner, `D:` and the
//! access list, with an entry in parentheses for each who is allowed or denied. The system and its
//! administrators may be on the list, since nothing can be kept from them. OpenSSH for Windows
//! judges private keys in the same way.

/// Permitted owners. By policy the administrators own what an account among them creates.
const OWNERS: [&str; 2] = ["BA", "SY"];

/// Permitted on the list besides the account: those, and two other names of the owner.
const ALWAYS: [&str; 4] = ["BA", "SY", "CO", "OW"];

/// Returns how someone other than `account` can access what has this descriptor. The account is
/// spelled as in a descriptor.
pub fn exposure(descriptor: &str, account: &str) -> Option<&'static str> {
    let Some((owner, list)) = owner_and_list(descriptor) else {
        return Some("is open to others");
    };
    if owner != account && !OWNERS.contains(&owner) {
        return Some("belongs to someone else");
    }
    let is_harmless = |entry| is_harmless(entry, account) == Some(true);
    let is_closed = entries(list).is_some_and(|mut entries| entries.all(is_harmless));
    (!is_closed).then_some("is open to others")
}

/// Returns the owner, and what follows `D:`.
fn owner_and_list(descriptor: &str) -> Option<(&str, &str)> {
    let (owner, list) = descriptor.split_once("D:")?;
    Some((owner.strip_prefix("O:")?, list))
}

/// Returns the entries of a list; `None` without a list, which grants access to everyone.
fn entries(list: &str) -> Option<impl Iterator<Item = &str>> {
    if list.contains("NO_ACCESS_CONTROL") {
        return None;
    }
    let entries = list.find('(').map_or("", |at| &list[at..]);
    Some(entries.split_terminator(')'))
}

/// Returns whether an entry grants access to nobody else; `None` if it isn't understood.
fn is_harmless(entry: &str, account: &str) -> Option<bool> {
    let fields: Vec<&str> = entry.strip_prefix('(')?.split(';').collect();
    let [kind, flags, _, _, _, trustee] = fields[..] else {
        return None;
    };
    // "IO" only applies to what is created below, which has its own list.
    let is_for_this = !flags.as_bytes().chunks(2).any(|flag| flag == b"IO");
    Some(kind == "D" || !is_for_this || trustee == account || ALWAYS.contains(&trustee))
}

#[cfg(test)]
mod tests {
    use super::exposure;

    const ACCOUNT: &str = "S-1-5-21-1-2-3-1001";

    fn judged(descriptor: &str) -> Option<&'static str> {
        exposure(&descriptor.replace('@', ACCOUNT), ACCOUNT)
    }

    #[test]
    fn what_is_ours_alone() {
        for descriptor in [
            "O:@D:P(A;OICI;FA;;;@)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)",
            // As Windows creates it below a folder of the account's.
            "O:@D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;@)",
            "O:BAD:(A;;FA;;;@)",
            "O:@D:(D;;FA;;;WD)(A;;FA;;;@)",
            "O:@D:(A;OICIIO;GA;;;WD)(A;;FA;;;@)",
            "O:@D:",
        ] {
            assert_eq!(judged(descriptor), None, "{descriptor}");
        }
    }

    #[test]
    fn what_others_reach() {
        let open = "is open to others";
        for (descriptor, why) in [
            ("O:@D:(A;;FA;;;@)(A;;FR;;;WD)", open),
            ("O:@D:(A;ID;0x1200a9;;;BU)(A;;FA;;;@)", open),
            ("O:@D:(A;;FA;;;S-1-5-21-1-2-3-1002)", open),
            ("O:@D:NO_ACCESS_CONTROL", open),
            ("O:@", open),
            // Conditions aren't understood.
            ("O:@D:(XA;;FA;;;@;(Member_of {SID(BA)}))", open),
            ("O:BUD:(A;;FA;;;@)", "belongs to someone else"),
            (
                "O:S-1-5-21-1-2-3-1002D:(A;;FA;;;@)",
                "belongs to someone else",
            ),
        ] {
            assert_eq!(judged(descriptor), Some(why), "{descriptor}");
        }
    }
}
