//! Which stage of the funnel stands for which status of a visit.

use std::collections::BTreeMap;

use records::Status;

/// The clinic's mapping, both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stages {
    stage_of: BTreeMap<Status, String>,
    means: BTreeMap<String, Status>,
}

impl Stages {
    /// From the stages that are set, one a status, and further stages that mean a status when a person sets them.
    /// A status without a stage of its own has that of the status before it.
    ///
    /// # Errors
    /// A sentence when a status that every clinic needs has no stage, or a stage would mean two things.
    pub fn new(stage_of: BTreeMap<Status, String>, also: BTreeMap<String, Status>) -> Result<Self, String> {
        for needed in [Status::Booked, Status::Done, Status::Cancelled] {
            if !stage_of.contains_key(&needed) {
                return Err(format!("{needed} has no stage; write for example {needed} = \"C2:NEW\""));
            }
        }
        let mut means = also;
        for (status, stage) in &stage_of {
            match means.insert(stage.clone(), *status) {
                // Of two statuses with one stage the earlier is meant.
                Some(other) if stage_of.get(&other) == Some(stage) => {
                    means.insert(stage.clone(), other);
                }
                Some(other) => return Err(format!("{stage} means both {other} and {status}; take one of them out")),
                None => {}
            }
        }
        for status in [Status::Done, Status::Cancelled] {
            let stage = &stage_of[&status];
            if means.get(stage) != Some(&status) {
                return Err(format!("{status} needs a stage of its own: {stage} means something else already"));
            }
        }
        Ok(Self { stage_of, means })
    }

    /// The stage a deal is brought to for a status.
    pub fn stage_of(&self, status: Status) -> &str {
        let mut wanted = status;
        loop {
            if let Some(stage) = self.stage_of.get(&wanted) {
                return stage;
            }
            wanted = match wanted {
                Status::NoShow => Status::Cancelled,
                Status::Arrived => Status::Confirmed,
                _ => Status::Booked,
            };
        }
    }

    /// What a stage says of the visit; none for a stage of the clinic's own that says nothing.
    pub fn status_of(&self, stage: &str) -> Option<Status> {
        self.means.get(stage).copied()
    }

    /// Whether a deal in this stage and a visit in this status say the same.
    pub fn agree(&self, stage: &str, status: Status) -> bool {
        self.stage_of(status) == stage || self.status_of(stage) == Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(own: &[(Status, &str)]) -> Result<Stages, String> {
        Stages::new(own.iter().map(|(status, stage)| (*status, (*stage).to_owned())).collect(), BTreeMap::new())
    }

    #[test]
    fn a_status_without_a_stage_has_that_of_the_one_before() {
        let three = stages(&[(Status::Booked, "NEW"), (Status::Done, "WON"), (Status::Cancelled, "LOSE")]).unwrap();
        assert_eq!(three.stage_of(Status::Confirmed), "NEW");
        assert_eq!(three.stage_of(Status::Arrived), "NEW");
        assert_eq!(three.stage_of(Status::NoShow), "LOSE");
        assert!(three.agree("NEW", Status::Arrived));
        assert!(three.agree("LOSE", Status::NoShow));
        assert_eq!(three.status_of("LOSE"), Some(Status::Cancelled));
        assert_eq!(three.status_of("UC_OWN"), None);
    }

    #[test]
    fn what_every_clinic_needs_must_be_there() {
        let problem = stages(&[(Status::Booked, "NEW"), (Status::Done, "WON")]).unwrap_err();
        assert!(problem.contains("cancelled has no stage"), "{problem}");
        let problem =
            stages(&[(Status::Booked, "NEW"), (Status::Done, "NEW"), (Status::Cancelled, "LOSE")]).unwrap_err();
        assert!(problem.contains("done needs a stage of its own"), "{problem}");
    }
}
