//! The ledger and its companions on SQLite.
