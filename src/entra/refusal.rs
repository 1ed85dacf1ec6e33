//! Entra's refusals: what is passed on of their text, and what mends them.
//!
//! The codes are those of Microsoft's page "Microsoft Entra authentication and authorization error
//! codes".

use crate::plain_text;

/// A longer text is cut, in characters.
const LONGEST_TEXT: usize = 400;

/// What mends a refusal, where signing in once more does not.
#[derive(Debug)]
pub struct Remedy {
    /// `AADSTS` and the number, as texts begin.
    code: &'static str,
    /// For a person who signed in to the Azure CLI.
    person: Option<&'static str>,
    /// For an application that proves itself.
    application: Option<&'static str>,
}

const BLOCKED: &str = "Conditional Access blocks this: use a device and network that your organisation allows, or ask its administrator";

const FEDERATED: &str =
    "give the application a federated credential with exactly this issuer and subject";

const REMEDIES: &[Remedy] = &[
    Remedy {
        code: "AADSTS53003",
        person: Some(BLOCKED),
        application: Some(BLOCKED),
    },
    Remedy {
        code: "AADSTS65001",
        person: Some(
            "an administrator of the tenant has to consent to the Azure CLI's access to databases",
        ),
        application: None,
    },
    Remedy {
        code: "AADSTS500011",
        person: Some(
            "is the server in another tenant or cloud? choose with `--tenant ID`, or `az cloud set` and `az login`",
        ),
        application: Some(
            "is the server in another tenant or cloud? choose with `--tenant ID`, `--cloud NAME` and `AZURE_AUTHORITY_HOST`",
        ),
    },
    Remedy {
        code: "AADSTS50020",
        person: Some(
            "the account is not in this tenant: name the server's with `--tenant ID`, or `az login --tenant ID`",
        ),
        application: None,
    },
    Remedy {
        code: "AADSTS7000222",
        person: Some(
            "the client secret has expired: make a new one and `az login --service-principal` with it",
        ),
        application: Some(
            "the client secret has expired: make a new one and put it into `AZURE_CLIENT_SECRET`",
        ),
    },
    Remedy {
        code: "AADSTS7000215",
        person: Some(
            "the client secret is wrong: `az login --service-principal` with its value, not its id",
        ),
        application: Some(
            "the client secret is wrong: put its value, not its id, into `AZURE_CLIENT_SECRET`",
        ),
    },
    Remedy {
        code: "AADSTS700016",
        person: None,
        application: Some(
            "is this the client id of an application in the tenant? choose with `--client-id ID` and `--tenant ID`",
        ),
    },
    Remedy {
        code: "AADSTS90002",
        person: None,
        application: Some("is this the right tenant and cloud? name the tenant with `--tenant ID`"),
    },
    Remedy {
        code: "AADSTS700027",
        person: Some(
            "the certificate is not the application's: upload it to its registration, or `az login --service-principal` with the one that is",
        ),
        application: Some(
            "the application does not know the key that signed: upload the certificate to its registration, or trust the token's issuer with a federated credential",
        ),
    },
    Remedy {
        code: "AADSTS700024",
        person: None,
        application: Some(
            "is this machine's clock right, and is the token in the file or of the job still good?",
        ),
    },
    Remedy {
        code: "AADSTS700211",
        person: None,
        application: Some(FEDERATED),
    },
    Remedy {
        code: "AADSTS700212",
        person: None,
        application: Some(
            "the token is for somebody else: have it issued for the audience `api://AzureADTokenExchange`",
        ),
    },
    Remedy {
        code: "AADSTS7002138",
        person: None,
        application: Some(
            "give the application a federated credential with exactly this subject: upper and lower case count",
        ),
    },
    Remedy {
        code: "AADSTS70021",
        person: None,
        application: Some(FEDERATED),
    },
    Remedy {
        code: "AADSTS700213",
        person: None,
        application: Some(FEDERATED),
    },
];

/// Codes, and what mends them for a person who signs in with a browser or a code.
const IN_BROWSER: &[(&str, &str)] = &[
    ("AADSTS53003", BLOCKED),
    ("AADSTS65001", CONSENT),
    ("AADSTS65004", CONSENT),
    (
        "AADSTS50020",
        "sign in with an account of this tenant, or name the account's with `--tenant ID`",
    ),
    (
        "AADSTS500011",
        "is the server in another tenant or cloud? choose with `--tenant ID`, `--cloud NAME` and `AZURE_AUTHORITY_HOST`",
    ),
    (
        "AADSTS50011",
        "give the application the redirect address `http://localhost` for mobile and desktop applications, or use `--auth device-code`",
    ),
    (
        "AADSTS7000218",
        "allow public client flows in the application's registration, or name another one with `--client-id ID`",
    ),
    ("AADSTS50076", SECOND_FACTOR),
    ("AADSTS50079", SECOND_FACTOR),
    ("AADSTS54005", "run it again, and sign in once more"),
];

const CONSENT: &str = "run it again and allow the application to reach databases for you, or have an administrator of the tenant allow it";

const SECOND_FACTOR: &str = "run it again, and sign in with a second factor; where that is not asked for, with `--auth browser`";

/// What mends a refusal for a person who signed in to the Azure CLI, where the text has a code that
/// is known.
pub fn remedy_for_person(text: &str) -> Option<&'static str> {
    find_remedy(text)?.person
}

/// What mends a refusal for an application, where the text has a code that is known.
pub fn remedy_for_application(text: &str) -> Option<&'static str> {
    find_remedy(text)?.application
}

/// What mends a refusal for a person who signs in with a browser or a code, where the text has a
/// code that is known.
pub fn remedy_for_browser(text: &str) -> Option<&'static str> {
    let found = IN_BROWSER.iter().find(|(code, _)| has_code(text, code));
    found.map(|(_, remedy)| *remedy)
}

fn find_remedy(text: &str) -> Option<&'static Remedy> {
    REMEDIES.iter().find(|remedy| has_code(text, remedy.code))
}

fn has_code(text: &str, code: &str) -> bool {
    text.match_indices(code).any(|(at, code)| {
        // Codes differ in length: 70021 begins 700213.
        !text[at + code.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Returns a refusal's text up to its trace ids, cleaned and cut.
pub fn one_line(text: &str) -> String {
    let text = plain_text::clean(text);
    let text = text.split(" Trace ID:").next().unwrap_or(&text);
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut line: String = text.chars().take(LONGEST_TEXT).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_whole() {
        assert_eq!(remedy_for_application("AADSTS7002130: x"), None);
        assert!(remedy_for_application("AADSTS700213: x").is_some());
        assert!(remedy_for_person("ERROR: AADSTS53003: x").is_some());
        assert_eq!(remedy_for_person("AADSTS700016: x"), None);
    }
}
