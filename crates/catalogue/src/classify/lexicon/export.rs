//! Bulk forms and sensitive content.

/// Settings of a log are no log.
pub(in crate::classify) const SETTINGS: &[&str] = &["config", "configuration", "setting"];

/// Where a file made for the caller can be fetched.
pub(in crate::classify) const LINKS: &[&str] = &["backup url", "download link", "export url", "report url"];

/// Forms in which data leaves in bulk.
pub(in crate::classify) const BULK: &[&str] = &[
    "bulk export",
    "csv",
    "data download",
    "data export",
    "download",
    "dump",
    "export",
    "export job",
    "takeout",
    "tarball",
    "xlsx",
    "zip",
    "zipball",
];

/// Beginnings of media types of bulk forms and files.
pub(in crate::classify) const MEDIA: &[&str] = &[
    "application/csv",
    "application/gzip",
    "application/jsonl",
    "application/ndjson",
    "application/octet-stream",
    "application/pdf",
    "application/tar",
    "application/vnd.apache.parquet",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats",
    "application/x-gzip",
    "application/x-ndjson",
    "application/x-parquet",
    "application/x-tar",
    "application/x-tgz",
    "application/x-zip",
    "application/zip",
    "audio/",
    "image/gif",
    "image/jpeg",
    "image/tiff",
    "text/csv",
    "video/",
];

/// Books of what people did.
pub(in crate::classify) const WATCHED: &[&str] = &[
    "access activity",
    "access log",
    "activity log",
    "admin event",
    "audit",
    "audit event",
    "audit log",
    "audit record",
    "audit trail",
    "event log",
    "log entry",
    "login activity",
    "login history",
    "operation log",
    "request log",
    "security event",
    "security log",
    "sign in",
    "sign in log",
    "user activity",
    "user event",
];

/// What people say to each other.
pub(in crate::classify) const PRIVATE: &[&str] = &[
    "call recording",
    "chat history",
    "chat message",
    "conversation history",
    "conversation message",
    "direct message",
    "email message",
    "im",
    "inbox",
    "mail",
    "mailbox",
    "message",
    "message content",
    "recording",
    "transcript",
    "transcription",
    "voicemail",
];

/// Words for what a stored file holds.
pub(in crate::classify) const CONTENT: &[&str] = &[
    "attachment content",
    "blob",
    "content",
    "document content",
    "file content",
    "file download",
    "media content",
    "object content",
    "raw",
    "raw file",
    "readme",
];

/// Their messages are not from people.
pub(in crate::classify) const MACHINES: &[&str] = &["form", "job", "log", "queue", "task"];

/// Fields of an event that tell who did it, and from where.
pub(in crate::classify) const TRACES: &[&str] = &["client ip", "ip", "ip address", "remote address", "user agent"];

/// What is stored and has content.
pub(in crate::classify) const STORED: &[&str] = &[
    "attachment",
    "blob",
    "document",
    "export",
    "file",
    "item",
    "media",
    "object",
    "recording",
    "repo",
    "repository",
    "version",
];
