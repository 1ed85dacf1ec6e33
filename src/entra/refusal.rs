//! Entra's refusals: which part of their text to show, and how to fix them.
//!
//! The codes are from Microsoft's page "Microsoft Entra authentication and authorization error
//! codes".

use crate::plain_text;

/// A longer text is cut, in characters.
const LONGEST_TEXT: usize = 400;

/// How to fix a refusal that another sign-in doesn't fix.
#[derive(Debug)]
pub struct Remedy {
    /// `AADSTS` and the number.
    code: &'static str,
    /// For a person who signed in to the Azure CLI.
    person: Option<&'static str>,
    /// For an application.
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
            "ask an administrator of the tenant to consent to the Azure CLI's access to databases",
        ),
        application: None,
    },
    Remedy {
        code: "AADSTS500011",
        person: Some(
            "name the server's tenant with `--tenant ID`, or choose its cloud with `az cloud set` and `az login`",
        ),
        application: Some(
            "name the server's tenant with `--tenant ID`, or its cloud with `--cloud NAME` and `AZURE_AUTHORITY_HOST`",
        ),
    },
    Remedy {
        code: "AADSTS50020",
        person: Some(
            "name the server's tenant with `--tenant ID`, or run `az login --tenant ID`: the account isn't in this tenant",
        ),
        application: None,
    },
    Remedy {
        code: "AADSTS7000222",
        person: Some("create a new client secret, and run `az login --service-principal` with it"),
        application: Some("create a new client secret, and set `AZURE_CLIENT_SECRET` to it"),
    },
    Remedy {
        code: "AADSTS7000215",
        person: Some(
            "run `az login --service-principal` with the client secret's value, not its id",
        ),
        application: Some("set `AZURE_CLIENT_SECRET` to the client secret's value, not its id"),
    },
    Remedy {
        code: "AADSTS700016",
        person: None,
        application: Some(
            "check that the application is in the tenant: name them with `--client-id ID` and `--tenant ID`",
        ),
    },
    Remedy {
        code: "AADSTS90002",
        person: None,
        application: Some("check the tenant and its cloud, and name the tenant with `--tenant ID`"),
    },
    Remedy {
        code: "AADSTS700027",
        person: Some(
            "upload the certificate to the application's registration, or run `az login --service-principal` with another one",
        ),
        application: Some(
            "upload the certificate to the application's registration, or add a federated credential for the token's issuer",
        ),
    },
    Remedy {
        code: "AADSTS700024",
        person: None,
        application: Some(
            "check this machine's clock, and that the token from the file or the job hasn't expired",
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
        application: Some("have the token issued for the audience `api://AzureADTokenExchange`"),
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

/// How to fix a refusal in a browser or after a device code.
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
        "name the server's tenant with `--tenant ID`, or its cloud with `--cloud NAME` and `AZURE_AUTHORITY_HOST`",
    ),
    (
        "AADSTS50011",
        "give the application the redirect address `http://localhost` for mobile and desktop applications, or use `--auth device-code`",
    ),
    (
        "AADSTS7000218",
        "allow public client flows in the application's registration, or name another application with `--client-id ID`",
    ),
    ("AADSTS50076", SECOND_FACTOR),
    ("AADSTS50079", SECOND_FACTOR),
    ("AADSTS54005", "run the command again and sign in again"),
];

const CONSENT: &str = "run the command again and consent to the application's access to databases, or ask an administrator of the tenant to consent";

const SECOND_FACTOR: &str = "run the command again and sign in with a second factor; if you aren't asked for one, use `--auth browser`";

/// Returns the remedy for a person who signed in to the Azure CLI, if the code in `text` has one.
pub fn remedy_for_person(text: &str) -> Option<&'static str> {
    find_remedy(text)?.person
}

/// Returns the remedy for an application, if the code in `text` has one.
pub fn remedy_for_application(text: &str) -> Option<&'static str> {
    find_remedy(text)?.application
}

/// Returns the remedy for a person who signs in with a browser or a device code, if the code in
/// `text` has one.
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
