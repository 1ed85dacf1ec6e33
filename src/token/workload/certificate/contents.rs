//! Extracts the certificates and private keys from a PEM or PKCS#12 file.

use azure_core::credentials::Secret;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Pkcs12Error;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use zeroize::Zeroizing;

/// The most rounds of PBKDF2 for a password. The PKCS#12 reader has the same limit.
const MOST_ROUNDS: u32 = 1_000_000;

/// The most bytes for scrypt to process, which limits its memory too: 64 times OpenSSL's default.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

pub struct Contents {
    /// The certificates in DER, in the file's order.
    pub certificates: Vec<Vec<u8>>,
    pub keys: Vec<PrivateKey>,
}

/// A private key in DER, by its format.
pub enum PrivateKey {
    /// PKCS#8, `PRIVATE KEY` in PEM.
    Pkcs8(Zeroizing<Vec<u8>>),
    /// PKCS#1, `RSA PRIVATE KEY`.
    Pkcs1(Zeroizing<Vec<u8>>),
    /// SEC1, `EC PRIVATE KEY`.
    Sec1(Zeroizing<Vec<u8>>),
}

/// Why a file can't be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is neither PEM nor PKCS#12.
    Nothing,
    /// It is encrypted, and there is no password.
    WantsPassword,
    /// It is encrypted with another password.
    WrongPassword,
    /// Its format isn't supported.
    Unsupported(String),
}

pub fn read(bytes: &[u8], password: Option<&Secret>) -> Result<Contents, Unread> {
    let password = password.map(Secret::secret);
    // Tools write comments first, so PEM may begin anywhere. DER begins with a sequence.
    if bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        of_pem(bytes, password)
    } else if bytes.first() == Some(&0x30) {
        of_pkcs12(bytes, password)
    } else {
        Err(Unread::Nothing)
    }
}

fn of_pem(bytes: &[u8], password: Option<&str>) -> Result<Contents, Unread> {
    let blocks = pem::parse_many(bytes).map_err(|_| Unread::Nothing)?;
    let mut contents = Contents {
        certificates: Vec::new(),
        keys: Vec::new(),
    };
    for block in blocks {
        let headers = block.headers();
        if headers.get("Proc-Type").is_some() {
            return Err(Unread::Unsupported(
                "its key is encrypted in OpenSSL's old format".to_owned(),
            ));
        }
        let tag = block.tag().to_owned();
        let der = Zeroizing::new(block.into_contents());
        match tag.as_str() {
            "CERTIFICATE" => contents.certificates.push(der.to_vec()),
            "PRIVATE KEY" => contents.keys.push(PrivateKey::Pkcs8(der)),
            "RSA PRIVATE KEY" => contents.keys.push(PrivateKey::Pkcs1(der)),
            "EC PRIVATE KEY" => contents.keys.push(PrivateKey::Sec1(der)),
            "ENCRYPTED PRIVATE KEY" => contents.keys.push(decrypted(&der, password)?),
            // Curve parameters, trust settings and requests aren't needed.
            _ => {}
        }
    }
    Ok(contents)
}

fn decrypted(der: &[u8], password: Option<&str>) -> Result<PrivateKey, Unread> {
    let password = password.ok_or(Unread::WantsPassword)?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| Unread::Unsupported("its key is encrypted in an old format".to_owned()))?;
    if takes_forever(&encrypted.encryption_algorithm) {
        let why = "trying a password on its key takes too long";
        return Err(Unread::Unsupported(why.to_owned()));
    }
    let key = encrypted
        .decrypt(password)
        .map_err(|_| Unread::WrongPassword)?;
    Ok(PrivateKey::Pkcs8(Zeroizing::new(key.as_bytes().to_vec())))
}

/// Returns whether decryption takes more time or memory than any real key needs.
fn takes_forever(encryption: &EncryptionScheme) -> bool {
    match encryption.pbes2().map(|parameters| &parameters.kdf) {
        Some(Kdf::Pbkdf2(pbkdf2)) => pbkdf2.iteration_count > MOST_ROUNDS,
        Some(Kdf::Scrypt(scrypt)) => {
            let block = 128 * u64::from(scrypt.block_size) * u64::from(scrypt.parallelization);
            scrypt.cost_parameter.saturating_mul(block) > MOST_BYTES
        }
        _ => false,
    }
}

fn of_pkcs12(bytes: &[u8], password: Option<&str>) -> Result<Contents, Unread> {
    let archive =
        Pkcs12Archive::from_pkcs12(bytes, password.unwrap_or_default()).map_err(|why| {
            match (why, password) {
                // Errors of form are found before the password is used.
                (Pkcs12Error::DerError(_) | Pkcs12Error::InvalidVersion, _) => Unread::Nothing,
                (
                    why @ (Pkcs12Error::UnsupportedContentType
                    | Pkcs12Error::UnsupportedCertificateType
                    | Pkcs12Error::UnsupportedEncryptionScheme
                    | Pkcs12Error::UnsupportedMacAlgorithm
                    | Pkcs12Error::InvalidParameters),
                    _,
                ) => Unread::Unsupported(why.to_string().to_lowercase()),
                (_, None) => Unread::WantsPassword,
                (_, Some(_)) => Unread::WrongPassword,
            }
        })?;
    let key = |key: &[u8]| PrivateKey::Pkcs8(Zeroizing::new(key.to_vec()));
    Ok(Contents {
        certificates: archive
            .certs
            .iter()
            .map(|bag| bag.cert.as_der().to_vec())
            .collect(),
        keys: archive
            .keys
            .iter()
            .map(|bag| key(bag.key.as_der()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use pkcs8::pkcs5::{pbes2, scrypt};

    use super::*;

    #[test]
    fn a_key_that_takes_forever_is_not_decrypted() {
        let rounds = |count| {
            let parameters =
                pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(count, b"salt", [0; 16]);
            EncryptionScheme::from(parameters.unwrap())
        };
        let memory = |log_n| {
            let cost = scrypt::Params::new(log_n, 8, 1).unwrap();
            let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(cost, b"salt", [0; 16]);
            EncryptionScheme::from(parameters.unwrap())
        };
        for (encryption, refused) in [
            (rounds(2048), false),
            (rounds(1_000_000), false),
            (rounds(1_000_001), true),
            (memory(14), false),
            (memory(20), false),
            (memory(21), true),
            (memory(40), true),
        ] {
            assert_eq!(takes_forever(&encryption), refused, "{encryption:?}");
        }
    }
}
