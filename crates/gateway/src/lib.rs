//! HTTP in, HTTP out: the reverse proxy.
