//! Whom Windows lets reach a file or directory, judged from the text form of its security
//! descriptor.
//!
//! The form is Microsoft's "Security Descriptor String Format": `O:` and the owner, `D:` and the
//! list of access, with an entry in brackets for each who may or may not. The system and its
//! administrators may be on the list, since nothing can be kept from them; OpenSSH for Windows
//! judges private keys so.

/// Who may own what is ours: by policy it is the administrators, where the account is one of them.
const OWNERS: [&str; 2] = ["BA", "SY"];

/// Who may be let in besides the account: those, and the owner under two more names.
const ALWAYS: [&str; 4] = ["BA", "SY", "CO", "OW"];

/// How somebody else than `account` can reach what has this descriptor. The account is written as
/// the descriptor would write it.
pub fn exposure(descriptor: &str, account: &str) -> Option<&'static str> {
    let Some((owner, list)) = owner_and_list(descriptor) else {
        return Some("is open to others");
    };
    if owner != account && !OWNERS.contains(&owner) {
        return Some("belongs to somebody else");
    }
    let is_harmless = |entry| is_harmless(entry, account) == Some(true);
    let is_closed = entries(list).is_some_and(|mut entries| entries.all(is_harmless));
    (!is_closed).then_some("is open to others")
}

/// The owner, and what stands behind `D:`.
fn owner_and_list(descriptor: &str) -> Option<(&str, &str)> {
    let (owner, list) = descriptor.split_once("D:")?;
    Some((owner.strip_prefix("O:")?, list))
}

/// What the brackets of a list hold; `None` where there is no list, which lets everybody in.
fn entries(list: &str) -> Option<impl Iterator<Item = &str>> {
    if list.contains("NO_ACCESS_CONTROL") {
        return None;
    }
    let entries = list.find('(').map_or("", |at| &list[at..]);
    Some(entries.split_terminator(')'))
}

/// Whether an entry lets nobody in who must not be; `None` where it is not understood.
fn is_harmless(entry: &str, account: &str) -> Option<bool> {
    let fields: Vec<&str> = entry.strip_prefix('(')?.split(';').collect();
    let [kind, flags, _, _, _, trustee] = fields[..] else {
        return None;
    };
    // "IO" is for what is made below, and that has a list of its own.
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
            // As Windows makes it below a folder of the account's.
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
            // A condition is more than is understood here.
            ("O:@D:(XA;;FA;;;@;(Member_of {SID(BA)}))", open),
            ("O:BUD:(A;;FA;;;@)", "belongs to somebody else"),
            (
                "O:S-1-5-21-1-2-3-1002D:(A;;FA;;;@)",
                "belongs to somebody else",
            ),
        ] {
            assert_eq!(judged(descriptor), Some(why), "{descriptor}");
        }
    }
}
