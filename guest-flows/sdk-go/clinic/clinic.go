// Package clinic tells what the clinic is: hours, address, services, doctors, prices. Read-only.
package clinic

import (
	bindings "gudok/internal/bindings/clinic"
	"gudok/internal/failure"
)

// Kind is what is treated here.
type Kind uint8

// The kinds of clinic.
const (
	Veterinary Kind = Kind(bindings.Kind_Veterinary)
	Medical    Kind = Kind(bindings.Kind_Medical)
	Dental     Kind = Kind(bindings.Kind_Dental)
)

// Clinic is who answers the phone.
type Clinic struct {
	ID   string
	Name string
	Kind Kind
	// Address as a caller should hear it; empty when the clinic has not said.
	Address string
	// Phone is the clinic's own number in E.164; empty when not set.
	Phone string
	// Timezone is an IANA name, `Europe/Moscow`.
	Timezone string
}

// DayHours says when the clinic is open on one day.
type DayHours struct {
	// Date is `YYYY-MM-DD`.
	Date string
	Open bool
	// Opens and Closes are `HH:MM`.
	Opens, Closes string
	// Note tells why a day is an exception, as a caller should hear it («праздник»). Empty on ordinary days.
	Note string
}

// Money is an amount in the currency's minor unit (kopecks for `RUB`).
type Money struct {
	Minor uint32
	// Currency is an ISO 4217 code.
	Currency string
}

// Service is something the clinic does.
type Service struct {
	ID   string
	Name string
	// Minutes is the length of a visit.
	Minutes uint32
	// Price is the price, or the lowest one when it depends; nil when it is not told.
	Price *Money
	// Doctors who give it, by id.
	Doctors []string
}

// Doctor is a person who receives.
type Doctor struct {
	ID string
	// Name, surname first, as in the clinic's list.
	Name       string
	Speciality string
}

// Info tells who answers the phone.
func Info() Clinic {
	info := bindings.Info()
	return Clinic{
		ID:       info.Id,
		Name:     info.Name,
		Kind:     Kind(info.Kind),
		Address:  info.Address,
		Phone:    info.Phone,
		Timezone: info.Timezone,
	}
}

// Now is the date and time in the clinic's zone, `YYYY-MM-DDTHH:MM`. In a replay, the recorded one.
func Now() string { return bindings.Now() }

// Hours of one day (`YYYY-MM-DD`), exceptions applied.
func Hours(date string) (DayHours, error) {
	result := bindings.Hours(date)
	return DayHours(result.Ok()), failure.Of("clinic.hours", result)
}

// IsOpen says whether somebody is at the desk now.
func IsOpen() bool { return bindings.IsOpen() }

// Services is what the clinic offers.
func Services() []Service {
	given := bindings.Services()
	services := make([]Service, len(given))
	for i, service := range given {
		services[i] = Service{ID: service.Id, Name: service.Name, Minutes: service.Minutes, Doctors: service.Doctors}
		if price, ok := service.Price.Get(); ok {
			services[i].Price = &Money{Minor: price.Minor, Currency: price.Currency}
		}
	}
	return services
}

// AbsentServices is what callers ask for and the clinic does not offer, as the clinic wrote it down.
func AbsentServices() []string { return bindings.AbsentServices() }

// Doctors is who receives here.
func Doctors() []Doctor {
	given := bindings.Doctors()
	doctors := make([]Doctor, len(given))
	for i, doctor := range given {
		doctors[i] = Doctor{ID: doctor.Id, Name: doctor.Name, Speciality: doctor.Speciality}
	}
	return doctors
}
