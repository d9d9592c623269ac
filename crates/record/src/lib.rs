//! The book of calls: an append-only log on disk.
