//! The schema's versions, embedded in the program.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The newest schema this program knows.
pub(crate) fn newest() -> i64 {
    FILES.last().map_or(0, |file| file.0)
}

/// What brings any older file up to [`newest`]. Without the macro of sqlx, so that nothing is read at compile time but
/// these files.
pub(crate) fn migrator() -> Migrator {
    let migrations = FILES
        .iter()
        .map(|&(version, name, sql)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations)
}

const FILES: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../migrations/0001_init.sql")),
    (2, "flows", include_str!("../migrations/0002_flows.sql")),
    (3, "queue", include_str!("../migrations/0003_queue.sql")),
    (4, "reviews", include_str!("../migrations/0004_reviews.sql")),
    (5, "feed", include_str!("../migrations/0005_feed.sql")),
    (6, "visits", include_str!("../migrations/0006_visits.sql")),
    (7, "outreach", include_str!("../migrations/0007_outreach.sql")),
    (8, "connections", include_str!("../migrations/0008_connections.sql")),
    (9, "privacy", include_str!("../migrations/0009_privacy.sql")),
    (10, "chat", include_str!("../migrations/0010_chat.sql")),
    (11, "accounts", include_str!("../migrations/0011_accounts.sql")),
    (12, "pages", include_str!("../migrations/0012_pages.sql")),
];
