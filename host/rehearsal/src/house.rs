//! A clinic, ready for rehearsals: everything that conversations share is worked out once.

use std::sync::Arc;

use desk::Clinic;
use flows::host::clinic::{ClinicInfo, Doctor, Service};
use flows::host::faq::Entry;
use session::clinic_view;
use session::meaning::Meaning;

use crate::memory::Memory;

/// A clinic with its understanding.
pub struct House {
    pub(crate) clinic: Arc<Clinic>,
    pub(crate) meaning: Arc<Memory<Meaning>>,
    pub(crate) info: ClinicInfo,
    pub(crate) services: Vec<Service>,
    pub(crate) doctors: Vec<Doctor>,
    pub(crate) faq: Vec<Entry>,
}

impl House {
    /// The clinic of a file.
    pub fn new(clinic: Arc<Clinic>) -> Arc<House> {
        Arc::new(House {
            meaning: Arc::new(Memory::new(Meaning::new(&clinic))),
            info: clinic_view::info(&clinic),
            services: clinic_view::services(&clinic),
            doctors: clinic_view::doctors(&clinic),
            faq: clinic_view::entries(&clinic),
            clinic,
        })
    }

    /// Its file.
    pub fn clinic(&self) -> &Arc<Clinic> {
        &self.clinic
    }
}
