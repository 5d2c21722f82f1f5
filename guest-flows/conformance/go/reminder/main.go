// The conformance flow `reminder`: asks whether a patient will come. See ../../README.md.
package main

import (
	"conformance/desk"

	"gudok"
	"gudok/appointments"
	"gudok/call"
	"gudok/clinic"
	"gudok/notes"
	"gudok/understanding"
)

func main() { gudok.Run(remind) }

func remind() error {
	caller := call.Info().Caller
	info := clinic.Info()
	if caller == "" {
		return notes.SetOutcome(notes.Nothing)
	}
	visits, err := appointments.Mine(caller)
	if err != nil {
		return err
	}
	if len(visits) == 0 {
		return notes.SetOutcome(notes.Nothing)
	}
	visit := visits[0]

	coming, err := yesNo("come", "Здравствуйте! Это "+info.Name+". Вы записаны на "+desk.Moment(visit.Slot.Start)+
		", врач "+visit.Slot.DoctorName+". Вы придёте?")
	if err == nil && coming == understanding.Neither {
		coming, err = yesNo("come-again", "Скажите, пожалуйста, да или нет: вы придёте?")
	}
	if err != nil {
		return err
	}
	switch coming {
	case understanding.Yes:
		if err := notes.Note("visit", "confirmed"); err != nil {
			return err
		}
		return desk.Say("Спасибо, ждём вас!", notes.Answered)
	case understanding.No:
		return giveUp(caller, visit)
	default:
		return desk.HandOver(caller, "напоминание: не ответили")
	}
}

func giveUp(caller string, visit appointments.Appointment) error {
	move, err := yesNo("move", "Перенести на другое время?")
	if err != nil {
		return err
	}
	if move == understanding.Yes {
		return desk.CallBack(caller, "перенос записи")
	}
	if err := appointments.Cancel(visit.ID, "напоминание"); err != nil {
		return err
	}
	if err := call.Say("Отменил вашу запись. До свидания!"); err != nil {
		return err
	}
	if err := notes.Tag("reschedule"); err != nil {
		return err
	}
	return notes.SetOutcome(notes.Cancelled)
}

// One or two on the telephone, yes or no aloud.
func yesNo(id, text string) (understanding.YesNo, error) {
	answer, err := call.Ask(call.Question{ID: id, Text: text, Expects: call.YesNo})
	if err != nil {
		return understanding.Neither, err
	}
	switch answer := answer.(type) {
	case call.Digits:
		switch answer {
		case "1":
			return understanding.Yes, nil
		case "2":
			return understanding.No, nil
		}
	case call.Speech:
		return understanding.ParseYesNo(answer.Text), nil
	}
	return understanding.Neither, nil
}
