//! Requests as foreign bytes: paths, headers, credentials.
