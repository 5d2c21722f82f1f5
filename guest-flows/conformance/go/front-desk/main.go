// The conformance flow `front-desk`: questions, bookings, one's own visit, the operator. See ../../README.md.
package main

import (
	"conformance/desk"

	"gudok"
	"gudok/appointments"
	"gudok/call"
	"gudok/clinic"
	"gudok/faq"
	"gudok/notes"
	"gudok/understanding"
)

func main() {
	gudok.Run(func() error {
		f := frontDesk{caller: call.Info().Caller}
		return f.serve(clinic.Info())
	})
}

type frontDesk struct {
	caller string
	// The FAQ has answered before in this call.
	answered bool
	// An outcome was set before in this call.
	outcome bool
}

// What a round of the conversation comes to.
type next uint8

const (
	over next = iota
	more
	// Not understood.
	again
)

func (f *frontDesk) serve(info clinic.Clinic) error {
	question := call.Question{ID: "need", Text: info.Name + ", здравствуйте! Чем помочь?"}
	misunderstood := 0
	for {
		answer, err := call.Ask(question)
		if err != nil {
			return err
		}
		result, err := f.round(answer)
		if err != nil || result == over {
			return err
		}
		if result == more {
			misunderstood = 0
			question = call.Question{ID: "more", Text: "Чем ещё помочь?"}
			continue
		}
		misunderstood++
		if misunderstood == 2 {
			return f.handOver("не поняли друг друга")
		}
		question = call.Question{ID: "again", Text: "Простите, не понял. Чем помочь?"}
	}
}

func (f *frontDesk) round(answer call.Answer) (next, error) {
	switch answer := answer.(type) {
	case call.Digits:
		if answer == "0" {
			return over, f.handOver("клавиша 0")
		}
	case call.Speech:
		return f.need(answer.Text)
	}
	return again, nil
}

func (f *frontDesk) need(text string) (next, error) {
	intent := understanding.ParseIntent(text)
	if intent.Urgent {
		if err := notes.Tag("target"); err != nil {
			return over, err
		}
		return over, f.handOver("срочно: " + text)
	}
	switch intent.Kind {
	case understanding.Operator, understanding.Results, understanding.Ward, understanding.Doctor,
		understanding.CallbackMissed, understanding.Feed, understanding.Advertising:
		return over, f.handOver(text)
	case understanding.Goodbye:
		if err := call.Say("До свидания!"); err != nil || f.outcome {
			return over, err
		}
		return over, notes.SetOutcome(notes.Nothing)
	case understanding.Book:
		return f.book(text, intent)
	case understanding.Cancel, understanding.Reschedule, understanding.MyVisit:
		return f.myVisit(text, intent.Kind)
	default:
		return f.question(text)
	}
}

func (f *frontDesk) question(text string) (next, error) {
	hits, err := faq.Find(text)
	if err != nil {
		return over, err
	}
	if len(hits) == 0 {
		return again, nil
	}
	if err := call.Say(hits[0].Entry.Answer); err != nil || f.answered {
		return more, err
	}
	f.answered = true
	return more, f.setOutcome(notes.Answered)
}

func (f *frontDesk) myVisit(text string, kind understanding.IntentKind) (next, error) {
	if f.caller == "" {
		return over, f.handOver("нет номера")
	}
	visits, err := appointments.Mine(f.caller)
	if err != nil {
		return over, err
	}
	if len(visits) == 0 {
		if err := call.Say("На ваш номер записи нет."); err != nil {
			return over, err
		}
		return more, f.setOutcome(notes.Answered)
	}
	slot := visits[0].Slot
	err = call.Say("Вы записаны на " + desk.Moment(slot.Start) + ", врач " + slot.DoctorName + ".")
	if err != nil {
		return over, err
	}
	err = f.setOutcome(notes.Answered)
	if err != nil || kind == understanding.MyVisit {
		return more, err
	}
	return over, f.handOver(text)
}

func (f *frontDesk) handOver(summary string) error { return desk.HandOver(f.caller, summary) }

func (f *frontDesk) setOutcome(outcome notes.Outcome) error {
	f.outcome = true
	return notes.SetOutcome(outcome)
}
