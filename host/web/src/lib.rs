//! HTTP: health, metrics, the calls and the report as JSON.
