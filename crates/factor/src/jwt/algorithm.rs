//! What a token may be signed with.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters};

/// A signature algorithm (RFC 7518, RFC 8037, RFC 9864). Shared secrets are none: who could
/// verify with one could sign with it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519, which is called `EdDSA` or `Ed25519`.
    Ed25519,
}

/// What a key must be for an algorithm.
pub(super) enum Family {
    Rsa(&'static RsaParameters),
    Ec(&'static EcdsaVerificationAlgorithm),
    Ed25519,
}

impl Algorithm {
    const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ed25519,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ed25519 => "EdDSA",
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Rs256 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Family::Ec(&signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Family::Ec(&signature::ECDSA_P384_SHA384_FIXED),
            Self::Es512 => Family::Ec(&signature::ECDSA_P521_SHA512_FIXED),
            Self::Ed25519 => Family::Ed25519,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An algorithm that tokens are not taken with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAlgorithm {
    /// Nothing is signed.
    #[error("`none` signs nothing: anybody could write such a token; name what the issuer signs with, such as `ES256`")]
    Unsigned,
    /// A shared secret.
    #[error(
        "`{0}` is a secret that both sides have, so the API itself could write tokens; let the issuer sign with a key \
         pair, such as `ES256` or `RS256`"
    )]
    Shared(String),
    /// Something else.
    #[error(
        "`{0}` is no algorithm that is known here; name some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
    )]
    Unknown(String),
}

impl FromStr for Algorithm {
    type Err = NoAlgorithm;

    fn from_str(text: &str) -> Result<Self, NoAlgorithm> {
        if text == "Ed25519" {
            return Ok(Self::Ed25519);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == text).ok_or_else(|| {
            if text.eq_ignore_ascii_case("none") {
                NoAlgorithm::Unsigned
            } else if text.starts_with("HS") {
                NoAlgorithm::Shared(text.to_owned())
            } else {
                NoAlgorithm::Unknown(text.to_owned())
            }
        })
    }
}
