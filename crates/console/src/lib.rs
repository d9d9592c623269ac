//! The desk for people and the admin API.
