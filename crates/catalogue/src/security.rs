//! Who may call, as the document says it.

/// What an operation demands of its caller: any one of the alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// Each alternative needs all of its requirements. Empty where the document is silent or
    /// the operation is open.
    pub alternatives: Vec<Vec<Requirement>>,
}

/// One security scheme that must be satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The scheme's name in the document.
    pub scheme: String,
    /// OAuth scopes, all of them needed.
    pub scopes: Vec<String>,
}

/// A place where the document says that credentials travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialPlace {
    /// The scheme's name in the document.
    pub scheme: String,
    /// Where.
    pub place: Place,
}

/// Where a credential travels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A header of this name, the credential alone in it.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// A cookie of this name.
    Cookie(String),
    /// `Authorization: Bearer …`, OAuth and OpenID Connect included.
    Bearer,
    /// `Authorization: Basic …`.
    Basic,
    /// `Authorization` with this scheme's name before the credential.
    Authorization(String),
    /// The client's certificate.
    Certificate,
}
