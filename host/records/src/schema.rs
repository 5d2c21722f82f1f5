//! The schema's versions, embedded in the program.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use crate::dialect::Dialect;

/// The newest schema this program knows.
pub(crate) fn newest() -> i64 {
    FILES.last().map_or(0, |file| file.0)
}

/// What brings any older file up to [`newest`]. Without the macro of sqlx, so that nothing is read at compile time but
/// these files.
pub(crate) fn migrator(dialect: Dialect) -> Migrator {
    let migrations = FILES
        .iter()
        .map(|&(version, name, sql)| {
            let sql = match dialect {
                Dialect::Sqlite => sql.into_sql_str(),
                Dialect::Postgres => AssertSqlSafe(for_postgres(version, sql)).into_sql_str(),
            };
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// From this line on a file speaks as SQLite only does; what Postgres says instead is in [`POSTGRES`].
const OWN_WORDS: &str = "-- From here on SQLite's own words; Postgres has its own file for this.";

fn for_postgres(version: i64, sql: &str) -> String {
    let common = sql.split(OWN_WORDS).next().unwrap_or(sql);
    let own = POSTGRES.iter().find(|file| file.0 == version).map_or("", |file| file.1);
    format!("{common}{own}")
}

/// Ends of migrations, by version.
const POSTGRES: &[(i64, &str)] = &[(12, include_str!("../migrations/0012_pages.postgres.sql"))];

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
    (13, "persons", include_str!("../migrations/0013_persons.sql")),
    (14, "desk", include_str!("../migrations/0014_desk.sql")),
    (15, "trials", include_str!("../migrations/0015_trials.sql")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_sqlite_understands_has_its_end_for_postgres() {
        for &(version, name, sql) in FILES {
            let has_end = POSTGRES.iter().any(|file| file.0 == version);
            assert_eq!(sql.contains(OWN_WORDS), has_end, "{version} {name}");
        }
    }
}
