//! What people do at a clinic, and what each of them may therefore do here: one table.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants are words, in JSON, in `Display` and in `FromStr` alike.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word that stands for it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// Fails with a sentence that lists the allowed words.
            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(format!("it must be one of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

words! {
    /// Something that one may or may not do at a clinic. Scopes of tokens are the same words.
    Permission {
        /// The list of calls, what was said in each, live calls.
        SeeCalls = "see_calls",
        /// The sound of a call that is over.
        HearRecordings = "hear_recordings",
        /// The sound of a call that goes on.
        ListenIn = "listen_in",
        /// Take a call over from the robot.
        TakeOver = "take_over",
        /// Say what a call was about.
        CorrectTags = "correct_tags",
        /// Reports, staffing, money.
        SeeReport = "see_report",
        /// The schedule and the visits in it.
        SeeVisits = "see_visits",
        /// Book, move, cancel visits, say who came.
        ManageVisits = "manage_visits",
        /// Requests, call-backs, the dial list, messages.
        ManageRequests = "manage_requests",
        /// Written conversations with visitors.
        Chat = "chat",
        /// Versions of flows and where they answer.
        ManageFlows = "manage_flows",
        /// What the clinic offers, its hours, doctors, prompts and rules.
        ManageClinic = "manage_clinic",
        /// People, their roles, tokens.
        ManageUsers = "manage_users",
        /// Lists of people or calls as files, and a person's data.
        Export = "export",
        /// Take a person out of everything, at their wish, for good.
        ErasePersons = "erase_persons",
        /// Who did and saw what.
        Audit = "audit",
    }
}

words! {
    /// What somebody does at a clinic.
    Role {
        /// Answers for it all.
        Owner = "owner",
        /// Runs the clinic.
        Manager = "manager",
        /// Sits at the desk.
        Administrator = "administrator",
        /// Sees patients.
        Doctor = "doctor",
        /// Joins other systems to this one.
        Integrator = "integrator",
    }
}

impl Role {
    /// What this role may do: the table. An owner may do everything; a manager everything but deciding who else may; an
    /// integrator sees no recordings and nobody's account.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Owner => P::ALL,
            Self::Manager => &[
                P::SeeCalls,
                P::HearRecordings,
                P::ListenIn,
                P::TakeOver,
                P::CorrectTags,
                P::SeeReport,
                P::SeeVisits,
                P::ManageVisits,
                P::ManageRequests,
                P::Chat,
                P::ManageFlows,
                P::ManageClinic,
                P::Export,
                P::ErasePersons,
                P::Audit,
            ],
            Self::Administrator => &[
                P::SeeCalls,
                P::HearRecordings,
                P::TakeOver,
                P::CorrectTags,
                P::SeeVisits,
                P::ManageVisits,
                P::ManageRequests,
                P::Chat,
            ],
            Self::Doctor => &[P::SeeVisits],
            Self::Integrator => &[
                P::SeeCalls,
                P::SeeReport,
                P::SeeVisits,
                P::ManageVisits,
                P::ManageRequests,
                P::ManageFlows,
                P::Export,
            ],
        }
    }

    /// Whether this role may do that.
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

/// Stands for every clinic of the server, those that come later too.
pub const EVERY_CLINIC: &str = "*";

/// Somebody's role at one clinic, or at [`EVERY_CLINIC`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The clinic's id, or `*`.
    pub clinic: String,
    /// What they do there.
    pub role: Role,
}

impl Grant {
    /// An owner of everything.
    pub fn owner_of_everything() -> Self {
        Self { clinic: EVERY_CLINIC.to_owned(), role: Role::Owner }
    }

    /// Whether it is about this clinic.
    pub fn covers(&self, clinic: &str) -> bool {
        self.clinic == clinic || self.clinic == EVERY_CLINIC
    }
}

/// Whether these grants allow it at this clinic.
pub fn may(grants: &[Grant], clinic: &str, permission: Permission) -> bool {
    grants.iter().any(|grant| grant.covers(clinic) && grant.role.may(permission))
}

/// Everything that these grants allow at this clinic.
pub fn permissions(grants: &[Grant], clinic: &str) -> BTreeSet<Permission> {
    let roles = grants.iter().filter(|grant| grant.covers(clinic)).map(|grant| grant.role);
    roles.flat_map(|role| role.permissions().iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_decides_who_may() {
        for &role in Role::ALL {
            assert_eq!(role.may(Permission::ManageUsers), role == Role::Owner, "{role}");
        }
    }

    #[test]
    fn who_runs_the_clinic_erases_people_and_nobody_else() {
        for &role in Role::ALL {
            let runs_it = matches!(role, Role::Owner | Role::Manager);
            assert_eq!(role.may(Permission::ErasePersons), runs_it, "{role}");
        }
    }

    #[test]
    fn who_hears_recordings_also_sees_calls_and_who_manages_visits_sees_them() {
        for &role in Role::ALL {
            assert!(!role.may(Permission::HearRecordings) || role.may(Permission::SeeCalls), "{role}");
            assert!(!role.may(Permission::ManageVisits) || role.may(Permission::SeeVisits), "{role}");
        }
    }

    #[test]
    fn a_role_at_one_clinic_is_none_at_another() {
        let grants = [Grant { clinic: "vet".into(), role: Role::Manager }];
        assert!(may(&grants, "vet", Permission::SeeCalls));
        assert!(!may(&grants, "zoo", Permission::SeeCalls));
        assert!(permissions(&grants, "zoo").is_empty());
        assert!(may(&[Grant::owner_of_everything()], "zoo", Permission::Audit));
    }

    #[test]
    fn words_come_back() {
        for &permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(permission));
        }
        assert!("boss".parse::<Role>().unwrap_err().contains("owner, manager"));
    }
}
