"""What the clinic is: hours, address, services, doctors, prices."""

from wit_world.imports import clinic
from wit_world.imports.clinic import ClinicInfo, DayHours, Doctor, Kind, Service

from gudok.host import host

__all__ = [
    "ClinicInfo", "DayHours", "Doctor", "Kind", "Service",
    "absent_services", "doctors", "hours", "info", "is_open", "now", "services",
]  # fmt: skip

info = host(clinic.info)
now = host(clinic.now)
hours = host(clinic.hours)
is_open = host(clinic.is_open)
services = host(clinic.services)
absent_services = host(clinic.absent_services)
doctors = host(clinic.doctors)
