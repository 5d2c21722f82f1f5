//! Flows to and from OCI registries.
