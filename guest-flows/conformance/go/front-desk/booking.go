package main

import (
	"errors"
	"strings"

	"conformance/desk"

	"gudok/appointments"
	"gudok/call"
	"gudok/notes"
	"gudok/understanding"
)

func (f *frontDesk) book(need string, intent understanding.Intent) (next, error) {
	service, missing := chooseService(intent.Services)
	if missing != "" {
		if err := call.Say("К сожалению, услуги «" + missing + "» у нас нет."); err != nil {
			return over, err
		}
		if err := notes.Tag("not_our_service"); err != nil {
			return over, err
		}
		return more, f.setOutcome(notes.NotOffered)
	}
	wish, err := wishFor(need)
	if err != nil {
		return over, err
	}
	query := appointments.Query{
		Service:  service,
		Doctor:   intent.Doctor,
		DateFrom: wish.DateFrom,
		DateTo:   wish.DateTo,
		TimeFrom: wish.TimeFrom,
		TimeTo:   wish.TimeTo,
		Limit:    3,
	}
	if wish.Date != "" {
		query.DateFrom, query.DateTo = wish.Date, wish.Date
	}
	for range 2 {
		goOn, err := f.offer(need, query)
		if !errors.Is(err, appointments.ErrTaken) {
			return goOn, err
		}
		if err := call.Say("Это время только что заняли."); err != nil {
			return over, err
		}
	}
	return over, desk.CallBack(f.caller, "запись: время заняли")
}

// The id of the first service that is given here, or the name of what is not.
func chooseService(named []understanding.ServiceMention) (id, missing string) {
	for _, service := range named {
		if service.Offered == understanding.Given {
			return service.ServiceID, ""
		}
	}
	if len(named) > 0 && named[0].Offered == understanding.Absent {
		return "", named[0].Name
	}
	return "", ""
}

// The wish for a day and a time; empty when none was understood.
func wishFor(need string) (understanding.Wish, error) {
	if resolved, ok := understanding.ParseDateTime(need).(understanding.Resolved); ok {
		return resolved.Wish, nil
	}
	answer, err := call.Ask(call.Question{ID: "when", Text: "На какой день вас записать?", Expects: call.DateTime})
	if err != nil {
		return understanding.Wish{}, err
	}
	if speech, ok := answer.(call.Speech); ok {
		if resolved, ok := understanding.ParseDateTime(speech.Text).(understanding.Resolved); ok {
			return resolved.Wish, nil
		}
	}
	return understanding.Wish{}, nil
}

// Offers free times and books the one that is chosen; ErrTaken when somebody was quicker.
func (f *frontDesk) offer(need string, query appointments.Query) (next, error) {
	slots, err := appointments.Find(query)
	if err != nil {
		return over, err
	}
	if len(slots) == 0 {
		return over, desk.CallBack(f.caller, "запись: свободного времени не нашлось")
	}
	chosen, err := chooseSlot(slots)
	if err != nil {
		return over, err
	}
	if chosen < 0 {
		return over, f.handOver("запись: время не выбрано")
	}
	person, err := askName()
	if err != nil {
		return over, err
	}
	if f.caller == "" {
		return over, f.handOver("запись: нет номера")
	}
	visitor := appointments.Visitor{Phone: f.caller, Person: person, Reason: need}
	visit, err := appointments.Book(slots[chosen].ID, visitor)
	if err != nil {
		return over, err
	}
	err = call.Say("Записал вас на " + desk.Moment(visit.Slot.Start) + ", врач " + visit.Slot.DoctorName + ". Ждём вас!")
	if err != nil {
		return over, err
	}
	if err := notes.Tag("target"); err != nil {
		return over, err
	}
	return more, f.setOutcome(notes.Booked)
}

// The index of the time the caller takes; -1 when none.
func chooseSlot(slots []appointments.Slot) (int, error) {
	moments := make([]string, len(slots))
	for i, slot := range slots {
		moments[i] = desk.Moment(slot.Start)
	}
	answer, err := call.Ask(call.Question{
		ID:      "slot",
		Text:    "Есть время: " + strings.Join(moments, ", ") + ". Какое подходит?",
		Expects: call.Choice,
		Hints:   moments,
	})
	if err != nil {
		return -1, err
	}
	switch answer := answer.(type) {
	case call.Digits:
		if index := strings.Index("123", string(answer)); len(answer) == 1 && index >= 0 && index < len(slots) {
			return index, nil
		}
	case call.Speech:
		if index, ok := understanding.ParseChoice(answer.Text, moments); ok && index < len(slots) {
			return index, nil
		}
	}
	return -1, nil
}

func askName() (string, error) {
	answer, err := call.Ask(call.Question{ID: "name", Text: "Как вас зовут?", Expects: call.PersonName})
	if err != nil {
		return "", err
	}
	speech, ok := answer.(call.Speech)
	if !ok {
		return "", nil
	}
	name, _ := understanding.ParseName(speech.Text)
	var parts []string
	for _, part := range []string{name.Last, name.First, name.Patronymic} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return speech.Text, nil
	}
	return strings.Join(parts, " "), nil
}
