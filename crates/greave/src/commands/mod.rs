//! What the command line does, one file a command.

pub(crate) mod check;
pub(crate) mod init;
pub(crate) mod serve;

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing to look at: exit code 0.
    Clean,
    /// Something to look at: exit code 1.
    Findings,
}

/// How a command ended. An error is exit code 2.
pub(crate) type Outcome = Result<Done, Box<dyn std::error::Error>>;
