//! What is remembered, on SQLite (and, by the same queries, Postgres).
