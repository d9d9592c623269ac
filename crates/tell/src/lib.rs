//! Telling people: signed webhooks and mail.
