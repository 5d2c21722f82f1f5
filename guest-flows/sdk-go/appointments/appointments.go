// Package appointments finds, books, moves and cancels visits.
package appointments

import (
	"errors"

	"gudok/internal/abi/value"
	bindings "gudok/internal/bindings/appointments"
	"gudok/internal/failure"
)

// ErrTaken says that somebody was quicker: look for other times.
var ErrTaken = errors.New("the time was taken meanwhile")

// Query is what to look for. Every field that is empty is open.
type Query struct {
	// Service and Doctor are ids.
	Service, Doctor string
	// DateFrom is the first day, included, `YYYY-MM-DD`; empty = today. Past moments are never offered.
	DateFrom string
	// DateTo is the last day, included; empty = as far as the clinic's schedule is open.
	DateTo string
	// TimeFrom and TimeTo are the earliest and the latest start of a visit within a day, `HH:MM`.
	TimeFrom, TimeTo string
	// Limit: at most this many, earliest first, spread over doctors where the time is the same; 0 = 3.
	Limit uint32
}

// Slot is a free time. It is not held: booking decides.
type Slot struct {
	ID string
	// Start is `YYYY-MM-DDTHH:MM`.
	Start                  string
	Minutes                uint32
	DoctorID, DoctorName   string
	ServiceID, ServiceName string
}

// Visitor is who comes, and why.
type Visitor struct {
	// Phone in E.164: the caller's own number when they did not name another.
	Phone string
	// Person who brings the animal, or the patient.
	Person string
	// Animal is its nickname and kind; empty in human medicine.
	Animal string
	// Reason in the caller's words.
	Reason string
}

// Status is what has become of a visit.
type Status uint8

// The states of a visit.
const (
	Booked    Status = Status(bindings.Status_Booked)
	Confirmed Status = Status(bindings.Status_Confirmed)
	Arrived   Status = Status(bindings.Status_Arrived)
	Done      Status = Status(bindings.Status_Done)
	Moved     Status = Status(bindings.Status_Moved)
	Cancelled Status = Status(bindings.Status_Cancelled)
	NoShow    Status = Status(bindings.Status_NoShow)
)

// Appointment is a visit that is booked.
type Appointment struct {
	ID      string
	Slot    Slot
	Visitor Visitor
	Status  Status
}

// Find gives free times that fit.
func Find(query Query) ([]Slot, error) {
	result := bindings.Find(bindings.SlotQuery{
		Service:  value.OrNone(query.Service),
		Doctor:   value.OrNone(query.Doctor),
		DateFrom: value.OrNone(query.DateFrom),
		DateTo:   value.OrNone(query.DateTo),
		TimeFrom: value.OrNone(query.TimeFrom),
		TimeTo:   value.OrNone(query.TimeTo),
		Limit:    query.Limit,
	})
	if err := failure.Of("appointments.find", result); err != nil {
		return nil, err
	}
	slots := make([]Slot, len(result.Ok()))
	for i, slot := range result.Ok() {
		slots[i] = slotOf(slot)
	}
	return slots, nil
}

// Book takes a free time, or returns ErrTaken. It is committed when this returns, and may be told to the caller.
//
//	visit, err := appointments.Book(slot.ID, visitor)
//	if errors.Is(err, appointments.ErrTaken) {
//		// offer other times
//	}
func Book(slotID string, visitor Visitor) (Appointment, error) {
	return booking("appointments.book", bindings.Book(slotID, bindings.Visitor(visitor)))
}

// Reschedule moves a visit, or returns ErrTaken. The old time is released only when the new one is taken.
func Reschedule(appointmentID, slotID string) (Appointment, error) {
	return booking("appointments.reschedule", bindings.Reschedule(appointmentID, slotID))
}

// Cancel cancels a visit; reason in the caller's words, empty when they gave none.
func Cancel(appointmentID, reason string) error {
	return failure.Of("appointments.cancel", bindings.Cancel(appointmentID, reason))
}

// Mine gives the coming visits under a phone number, earliest first.
func Mine(phone string) ([]Appointment, error) {
	result := bindings.Mine(phone)
	if err := failure.Of("appointments.mine", result); err != nil {
		return nil, err
	}
	visits := make([]Appointment, len(result.Ok()))
	for i, visit := range result.Ok() {
		visits[i] = appointmentOf(visit)
	}
	return visits, nil
}

func booking(function string, result value.Result[bindings.Booking, bindings.Error]) (Appointment, error) {
	if err := failure.Of(function, result); err != nil {
		return Appointment{}, err
	}
	if result.Ok().Tag() == bindings.Booking_Taken {
		return Appointment{}, ErrTaken
	}
	return appointmentOf(result.Ok().Booked()), nil
}

func appointmentOf(a bindings.Appointment) Appointment {
	return Appointment{ID: a.Id, Slot: slotOf(a.Slot), Visitor: Visitor(a.Visitor), Status: Status(a.Status)}
}

func slotOf(s bindings.Slot) Slot {
	return Slot{
		ID:          s.Id,
		Start:       s.Start,
		Minutes:     s.Minutes,
		DoctorID:    s.DoctorId,
		DoctorName:  s.DoctorName,
		ServiceID:   s.ServiceId,
		ServiceName: s.ServiceName,
	}
}
